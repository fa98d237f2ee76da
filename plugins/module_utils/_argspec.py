# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The connection options as an argument spec, for modules and action plugins."""

from __future__ import annotations

import typing as t
from functools import partial

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._auth import check_header_value
from ._errors import CloudPondError
from ._settings import OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ._settings import Option


def connection_argument_spec(environ: Mapping[str, str]) -> dict[str, dict[str, t.Any]]:
    """
    Return the argument spec of the connection options.

    The fallbacks only make the invocation of a result show what the environment says. The client finds all values
    itself, because some plugins have no argument spec. Credentials have no fallback: the client looks for a whole one.

    :param environ: The environment variables of the task.
    """
    return {name: _spec(option, environ) for name, option in OPTIONS.items()}


def _spec(option: Option, environ: Mapping[str, str]) -> dict[str, t.Any]:
    spec: dict[str, t.Any] = {"type": option.type, "no_log": option.secret}
    if option.default is not None:
        spec["default"] = option.default
    if option.required:
        spec["required"] = True
    if option.variables and option.check is not check_header_value:
        spec["fallback"] = (partial(_fallback, option, environ), list(option.variables))
    return spec


def _fallback(option: Option, environ: Mapping[str, str], *variables: str) -> str:
    # ansible-core's own env_fallback accepts an empty variable as a value.
    for name in filter(environ.get, variables):
        try:
            if option.type == "int":
                option.check(name, environ[name])
        except CloudPondError as error:
            # The client raises the same error later. ansible-core would not name the variable.
            raise AnsibleFallbackNotFound from error
        # Bytes of the environment that aren't UTF-8 become surrogates, which a result can't contain.
        return environ[name].encode("utf-8", "replace").decode()
    if option.required:
        # The client may find it in the SDK's file. If not, its error says where it can be.
        return ""
    raise AnsibleFallbackNotFound
