# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The connection options as an argument spec, for modules and action plugins."""

from __future__ import annotations

import typing as t

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._credentials import DOMAIN_VARIABLES, find_domain_id
from ._errors import CloudPondError
from ._settings import (
    DEFAULT_ENDPOINT,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    ENDPOINT_VARIABLE,
    RETRIES_VARIABLE,
    find_max_retries,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def connection_argument_spec(environ: Mapping[str, str]) -> dict[str, dict[str, t.Any]]:
    """
    Return the argument spec of the connection options.

    The fallbacks only make the invocation of a result show the effective values. The client finds these values itself,
    because some plugins have no argument spec. Credentials have no fallback: the client looks for a whole credential.

    :param environ: The environment variables of the task.
    """

    def endpoint(*variables: str) -> str:
        # ansible-core's own env_fallback accepts an empty variable as a value.
        for variable in variables:
            if environ.get(variable):
                return _encodable(environ[variable])
        raise AnsibleFallbackNotFound

    def domain_id(*variables: str) -> str:
        try:
            return _encodable(find_domain_id({}, environ)[1])
        except CloudPondError:
            # The client raises the same error later. ansible-core would only report a missing option.
            return ""

    def max_retries(*variables: str) -> int:
        try:
            return find_max_retries({}, environ)
        except CloudPondError as error:
            # As above: ansible-core would not name the source of the value.
            raise AnsibleFallbackNotFound from error

    return {
        "endpoint": {"type": "str", "default": DEFAULT_ENDPOINT, "fallback": (endpoint, [ENDPOINT_VARIABLE])},
        "domain_id": {"type": "str", "required": True, "fallback": (domain_id, list(DOMAIN_VARIABLES))},
        "auth_token": {"type": "str", "no_log": True},
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "security_token": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": DEFAULT_TIMEOUT},
        "max_retries": {"type": "int", "default": DEFAULT_MAX_RETRIES, "fallback": (max_retries, [RETRIES_VARIABLE])},
    }


def _encodable(value: str) -> str:
    # Bytes of the environment that aren't UTF-8 become surrogates, which a result can't contain.
    return value.encode("utf-8", "replace").decode()
