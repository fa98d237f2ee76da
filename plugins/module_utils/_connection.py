# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The connection options that all modules of the collection share, and the client they make."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

from ._auth import TokenAuth
from ._client import DEFAULT_ENDPOINT, Client

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: The options, as an argument spec. Each environment variable stands here only: the documentation takes it from here.
CONNECTION_ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "endpoint": {
        "type": "str",
        "default": DEFAULT_ENDPOINT,
        "fallback": (env_fallback, ["HW_CLOUDPOND_ENDPOINT"]),
    },
    "domain_id": {
        "type": "str",
        "required": True,
        "fallback": (env_fallback, ["HW_DOMAIN_ID", "HUAWEICLOUD_SDK_DOMAIN_ID"]),
    },
    "auth_token": {
        "type": "str",
        "required": True,
        "no_log": True,
        "fallback": (env_fallback, ["HW_AUTH_TOKEN"]),
    },
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 30.0},
    "max_retries": {"type": "int", "default": 5, "fallback": (env_fallback, ["HW_MAX_RETRIES"])},
}


def client_from(params: Mapping[str, t.Any], caller: str) -> Client:
    """
    Make a client of validated options.

    :param params: The options of CONNECTION_ARGUMENT_SPEC; others are ignored.
    :param caller: Who asks, for the User-Agent, such as ``ansible-core/2.16.0``.
    :raises CloudPondError: if an option can't be used.
    """
    return Client(
        TokenAuth(params["auth_token"]),
        domain_id=params["domain_id"],
        endpoint=params["endpoint"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"],
        timeout=params["timeout"],
        max_retries=params["max_retries"],
        caller=caller,
    )
