# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The connection options that all modules of the collection share, and the client they make."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._client import DEFAULT_ENDPOINT, Client
from ._credentials import CREDENTIAL_VARIABLES, DOMAIN_VARIABLES, TOKEN_VARIABLE, find_credential, find_domain_id
from ._errors import CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def _from_environment(*variables: str) -> str:
    # ansible-core's own env_fallback takes a variable that is set to nothing for a value.
    for variable in variables:
        if os.environ.get(variable):
            return os.environ[variable]
    raise AnsibleFallbackNotFound


def _domain_id(*variables: str) -> str:
    try:
        domain_id = find_domain_id()
    except CloudPondError as error:
        raise AnsibleFallbackNotFound from error
    if not domain_id:
        raise AnsibleFallbackNotFound
    return domain_id


#: The options, as an argument spec. The environment variables of those that have no fallback are CREDENTIAL_VARIABLES
#: and TOKEN_VARIABLE: a credential is looked for as a whole, by find_credential.
CONNECTION_ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "endpoint": {
        "type": "str",
        "default": DEFAULT_ENDPOINT,
        "fallback": (_from_environment, ["HW_CLOUDPOND_ENDPOINT"]),
    },
    "domain_id": {"type": "str", "required": True, "fallback": (_domain_id, list(DOMAIN_VARIABLES))},
    "auth_token": {"type": "str", "no_log": True},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 30.0},
    "max_retries": {"type": "int", "default": 5, "fallback": (_from_environment, ["HW_MAX_RETRIES"])},
}


def variables_of(option: str) -> tuple[str, ...]:
    """Return the environment variables that stand in for an option, in the order in which they are asked."""
    if option == "auth_token":
        return (TOKEN_VARIABLE,)
    if option in CREDENTIAL_VARIABLES:
        return CREDENTIAL_VARIABLES[option]
    return tuple(CONNECTION_ARGUMENT_SPEC[option].get("fallback", (None, ()))[1])


def client_from(params: Mapping[str, t.Any], caller: str) -> Client:
    """
    Make a client of validated options.

    :param params: The options of CONNECTION_ARGUMENT_SPEC; others are ignored.
    :param caller: Who asks, for the User-Agent, such as ``ansible-core/2.16.0``.
    :raises CloudPondError: if an option can't be used, or there is no credential.
    """
    return Client(
        find_credential(params),
        domain_id=params["domain_id"],
        endpoint=params["endpoint"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"],
        timeout=params["timeout"],
        max_retries=params["max_retries"],
        caller=caller,
    )
