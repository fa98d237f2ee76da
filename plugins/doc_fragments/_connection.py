# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

from __future__ import annotations

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import RETRY_AFTER_MAX
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._connection import CONNECTION_ARGUMENT_SPEC


def _default(option: str) -> str:
    return f"{CONNECTION_ARGUMENT_SPEC[option]['default']}"


def _environment(option: str) -> str:
    """Say which environment variables stand in for an option, in the order in which they are asked."""
    _function, variables = CONNECTION_ARGUMENT_SPEC[option]["fallback"]
    names = ", then of ".join(f"E({variable})" for variable in variables)
    return f"When left out, the value of {names} is used."


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
      - {_environment("domain_id")}
    type: str
    required: true
  auth_token:
    description:
      - A token of the vendor's identity service (IAM). It must be scoped to the domain, not to a project.
      - A token lives 24 hours.
      - {_environment("auth_token")}
    type: str
    required: true
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
  - Environment variables are those of the host on which the module runs.
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(NO_PROXY)). Redirects are not followed.
seealso:
  - name: CloudPond API reference
    description: The vendor's description of the API.
    link: https://support.huaweicloud.com/intl/en-us/api-cloudpond/
"""
