# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - The base URL of the CloudPond API, which the vendor also calls IES.
      - It must begin with V(https://), except for a loopback address.
      - If it is left out, the value of E(HW_CLOUDPOND_ENDPOINT) is used.
    type: str
    default: https://ies.myhuaweicloud.com
  domain_id:
    description:
      - The ID of the account, which the vendor also calls domain.
      - If it is left out, the value of E(HW_DOMAIN_ID) is used, then that of E(HUAWEICLOUD_SDK_DOMAIN_ID), and last
        C(domain_id) in the file, as the notes say.
    type: str
    required: true
  auth_token:
    description:
      - A token from the vendor's identity service (IAM). It must be scoped to the domain, not to a project.
      - A token expires after 24 hours. For a longer wait, use O(access_key) and O(secret_key) instead. The two kinds
        exclude each other.
      - When no credential is given as options, E(HW_AUTH_TOKEN) is used, as the notes say.
    type: str
  access_key:
    description:
      - The ID of an access key (AK). The key signs each request.
      - A temporary access key expires, and comes with a O(security_token). A permanent one does not expire.
      - When no credential is given as options, E(HW_ACCESS_KEY) or E(HUAWEICLOUD_SDK_AK), then C(ak) in the file is
        used, as the notes say.
    type: str
  secret_key:
    description:
      - The secret of the access key (SK). It never leaves the host that runs the query.
      - When no credential is given as options, E(HW_SECRET_KEY) or E(HUAWEICLOUD_SDK_SK), then C(sk) in the file is
        used, as the notes say.
    type: str
  security_token:
    description:
      - The token that comes with a temporary access key.
      - When no credential is given as options, E(HW_SECURITY_TOKEN) or E(HUAWEICLOUD_SDK_SECURITY_TOKEN), then
        C(security_token) in the file is used, as the notes say.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the server must be valid. Disable this for tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the CA certificates to trust, or a directory that C(openssl rehash) has prepared.
      - If it is left out, the value of E(REQUESTS_CA_BUNDLE) is used, then that of E(CURL_CA_BUNDLE). Without them,
        the certificates of Python's C(certifi) are trusted.
    type: path
  timeout:
    description:
      - The maximum duration of one try in seconds, from the connection to the last byte of the answer.
    type: float
    default: 30.0
  max_retries:
    description:
      - How often a request is sent again after a connection fault, an answer that was cut short,
        or one of the HTTP statuses 408, 429 and 5xx. V(0) sends it once.
      - The pauses double, with some random variation. A C(Retry-After) header is obeyed up to 60 seconds.
      - A request that was refused with 401 or 403 is never sent again, because the vendor locks an access key that
        fails to authenticate more than five times in a row.
      - If it is left out, the value of E(HW_MAX_RETRIES) is used.
    type: int
    default: 5
requirements:
  - requests >= 2.25
notes:
  - The credential comes from the options, else from the environment, else from the file of the vendor's SDK,
    C(~/.huaweicloud/credentials), section C([global]). E(HUAWEICLOUD_SDK_CREDENTIALS_FILE) names another file.
    In each place, a key takes precedence over a token. The parts of a credential are never combined from two places.
  - Environment variables and the file are those of the host that runs the query.
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(ALL_PROXY), E(NO_PROXY)). SOCKS proxies are refused.
  - Redirects are not followed.
seealso:
  - name: CloudPond API reference
    description: The vendor's description of the API.
    link: https://support.huaweicloud.com/intl/en-us/api-cloudpond/
"""
