# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The query of a task, for a module that is shipped to a host, and for Ansible's own process."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._argspec import connection_argument_spec
from ._auth import REQUESTS_IMPORT_ERROR
from ._client import Client
from ._errors import THE_API, CloudPondError
from ._settings import find_unshown

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ._refusals import Refusals


#: Follows the name of the collection in the User-Agent.
CALLER = f"ansible-core/{ansible_version}"


class Info(t.NamedTuple):
    """An info module: its options and its query."""

    #: The argument spec of the options besides those of the connection.
    options: dict[str, dict[str, t.Any]]
    mutually_exclusive: Sequence[Sequence[str]]
    #: The options with IDs. Without any of them, everything is listed. Therefore a null one is refused.
    ids: Sequence[str]
    #: Takes a client and the options; returns facts.
    query: Callable[[Client, Mapping[str, t.Any]], dict[str, t.Any]]

    @property
    def argument_spec(self) -> dict[str, dict[str, t.Any]]:
        """The options of a module, whose environment is that of its process."""
        return {**connection_argument_spec(os.environ), **self.options}

    def answer(
        self,
        params: Mapping[str, t.Any],
        given: Collection[str],
        environ: Mapping[str, str] | None = None,
        refusals: Refusals | None = None,
    ) -> dict[str, t.Any]:
        """
        Query, and return the result.

        :param params: The options as ansible-core has validated them.
        :param given: The names of the options that were given, before defaults and fallbacks.
        :param environ: As for Client, by default that of this process.
        :param refusals: As for Client.
        :return: A result: ``changed`` and the facts; or ``failed``, ``msg`` and ``error``.
        """
        options = {name: value for name, value in params.items() if name in given}
        try:
            for name in self.ids:
                if name in options and options[name] is None:
                    raise CloudPondError(THE_API, f"{name} is null: leave it out to query everything in the account")
            with Client(options, os.environ if environ is None else environ, CALLER, refusals) as client:
                return {"changed": False, **self.query(client, options)}
        except CloudPondError as error:
            return {"failed": True, "msg": str(error), "error": error.to_dict(), **error.facts}


class _Module(AnsibleModule):
    """
    A module that can tell a null option from one that was left out.

    It never shows a password in an endpoint, nor the value of an option that doesn't exist: a misspelled secret.
    """

    given: set[str]

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]  # ansible-core is annotated in part only
        self.given = set(self.params)
        unknown = [name for name in self.given - set(self.argument_spec) if not name.startswith("_ansible_")]
        self.params.update(dict.fromkeys(unknown))
        self.no_log_values.update(find_unshown(self.params, os.environ))


def run_module(info: Info) -> None:
    """Run the module: take the options from ansible-core, print the result, exit."""
    module = _Module(  # type: ignore[no-untyped-call]  # ansible-core is annotated in part only
        argument_spec=info.argument_spec,
        mutually_exclusive=info.mutually_exclusive,
        supports_check_mode=True,
    )
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result = info.answer(module.params, module.given)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
