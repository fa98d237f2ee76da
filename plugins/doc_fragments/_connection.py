# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

from __future__ import annotations

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import RETRY_AFTER_MAX
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._connection import (
    CONNECTION_ARGUMENT_SPEC,
    variables_of,
)
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._credentials import (
    DEFAULT_FILE,
    FILE_DOMAIN_KEY,
    FILE_KEYS,
    FILE_SECTION,
    FILE_VARIABLE,
)


def _default(option: str) -> str:
    return f"{CONNECTION_ARGUMENT_SPEC[option]['default']}"


def _environment(option: str) -> str:
    """Say which environment variables stand in for an option, in the order in which they are asked."""
    names = ", then of ".join(f"E({variable})" for variable in variables_of(option))
    return f"When left out, the value of {names} is used."


def _credential(option: str) -> str:
    """Say the same for an option that is looked for as a part of a whole credential."""
    names = " or ".join(f"E({variable})" for variable in variables_of(option))
    in_file = f", then C({FILE_KEYS[option]}) in the file" if option in FILE_KEYS else ""
    return f"When no credential is given as options, {names}{in_file} is used, as the notes say."


class ModuleDocFragment:
    # Annotated, because ansible-test's yamllint takes any plain assignment here for one of a literal, and fails.
    DOCUMENTATION: str = rf"""
options:
  endpoint:
    description:
      - The base URL of the CloudPond API, which the vendor also calls IES.
      - Must begin with V(https://), except for a loopback address.
      - {_environment("endpoint")}
    type: str
    default: {_default("endpoint")}
  domain_id:
    description:
      - The ID of the account, which the vendor also calls domain.
      - {_environment("domain_id")} After them comes C({FILE_DOMAIN_KEY}) in the file that the notes name.
    type: str
    required: true
  auth_token:
    description:
      - A token of the vendor's identity service (IAM). It must be scoped to the domain, not to a project.
      - A token lives 24 hours. For a longer wait use O(access_key) and O(secret_key), which exclude it.
      - {_credential("auth_token")}
    type: str
  access_key:
    description:
      - The ID of an access key (AK), with which each request is signed. It does not expire.
      - {_credential("access_key")}
    type: str
  secret_key:
    description:
      - The secret of the access key (SK). It never leaves the host on which the module runs.
      - {_credential("secret_key")}
    type: str
  security_token:
    description:
      - The token that comes with a temporary access key.
      - {_credential("security_token")}
    type: str
  validate_certs:
    description:
      - Whether the certificate of the server must be valid. Turn this off for tests only.
    type: bool
    default: {_default("validate_certs").lower()}
  ca_path:
    description:
      - A file or a directory of the CA certificates to trust.
      - When left out, those of E(REQUESTS_CA_BUNDLE), else those of Python's C(certifi) are trusted.
    type: path
  timeout:
    description:
      - How many seconds connecting may take, and how many the server may be silent while it answers.
    type: float
    default: {_default("timeout")}
  max_retries:
    description:
      - How often a request is sent again after a connection fault, an answer that was cut short,
        or one of the HTTP statuses 408, 429 and 5xx. V(0) sends it once.
      - The waits between double, with jitter. A C(Retry-After) header is obeyed up to {RETRY_AFTER_MAX:g} seconds.
      - A request that was refused with 401 or 403 is never sent again, since the vendor locks an access key that fails
        repeatedly.
      - {_environment("max_retries")}
    type: int
    default: {_default("max_retries")}
requirements:
  - requests
notes:
  - The credential is looked for in the options, then in the environment, then in the file of the vendor's SDK,
    C({DEFAULT_FILE}), section C([{FILE_SECTION}]); E({FILE_VARIABLE}) names another file. In each of them, keys come
    before a token. What is given in one is never completed from another.
  - Environment variables and the file are those of the host on which the module runs.
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(NO_PROXY)). Redirects are not followed.
seealso:
  - name: CloudPond API reference
    description: The vendor's description of the API.
    link: https://support.huaweicloud.com/intl/en-us/api-cloudpond/
"""
