# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections or plugins.

"""Answers tasks in Ansible's own worker process."""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
import threading
import typing as t

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._argspec import connection_argument_spec
from ..module_utils._auth import REQUESTS_IMPORT_ERROR
from ..module_utils._deadline import without_signals
from ..module_utils._settings import find_unshown
from . import _run
from ._values import plain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible.plugins.action import ActionBase

    from ..module_utils._module import Info

    Result = dict[str, t.Any]


class InfoAction(NormalAction):
    """
    Answers a task that would run on the control node, without starting another Python.

    Any other task is shipped as a module, as by default in ansible-core. The results are the same.
    """

    info: Info

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        if not self._is_local():
            result = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]  # ansible-core is annotated in part only
            return t.cast("Result", result)

        def query(params: Result, given: Mapping[str, t.Any], environ: Mapping[str, str]) -> Result:
            return self.info.answer(params, given, environ, _run.REFUSALS)

        return answer(self, task_vars or {}, self.info.options, self.info.mutually_exclusive, query)

    def _is_local(self) -> bool:
        """Return whether a module would run on the control node, as the same user."""
        return (
            self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            # Apple's libraries look up proxies, and do not survive the fork of a worker.
            and sys.platform != "darwin"
            and not REQUESTS_IMPORT_ERROR
        )


def answer(
    action: ActionBase,
    task_vars: Mapping[str, t.Any],
    options: Mapping[str, Mapping[str, t.Any]],
    mutually_exclusive: Sequence[Sequence[str]],
    respond: Callable[[Result, Mapping[str, t.Any], Mapping[str, str]], Result],
) -> Result:
    """
    Validate a task's arguments, answer it, show the arguments and mask the secrets, as AnsibleModule does.

    :param options: The argument spec of the options besides those of the connection.
    :param respond: Takes the validated options, the arguments as they were given, and the environment variables of the
        task. Returns a result.
    :return: The result of the task.
    """
    _end_with_parent(os.getpid())
    environ = _environ(action)
    spec = {**connection_argument_spec(environ), **options}
    # The value of an option that doesn't exist could be a secret, under a misspelled name. It must not be shown.
    args = {name: plain(value) if name in spec else None for name, value in action._task.args.items()}
    validation = ArgumentSpecValidator(spec, mutually_exclusive).validate(args)
    params = {**args, **validation.validated_parameters}
    if validation.error_messages:
        msg = validation.errors.msg
        if isinstance(validation.errors[0], UnsupportedError):
            msg = f"Unsupported parameters for ({action._task.action}) module: {msg}"
        result: Result = {"failed": True, "msg": msg}
    else:
        result = respond(params, args, environ)
    if _shows_invocation(task_vars):
        result["invocation"] = {"module_args": params}
    masked = remove_values(result, validation._no_log_values | find_unshown(args, environ))
    # AnsibleModule doesn't mask these either.
    masked.update({key: value for key, value in result.items() if value is None or isinstance(value, bool)})
    # Text from a server must never be evaluated as a template.
    return t.cast("Result", wrap_var({"changed": False, **masked}))


def _environ(action: ActionBase) -> dict[str, str]:
    """Return the environment variables of a task: Ansible's own, and over them those of the keyword ``environment``."""
    of_task: dict[str, t.Any] = {}
    action._compute_environment_string(of_task)
    # A shell would get the values as text, too.
    return {**os.environ, **{str(name): str(plain(value)) for name, value in of_task.items()}}


def _shows_invocation(task_vars: Mapping[str, t.Any]) -> bool:
    """Return whether a result has the arguments. ansible-core 2.21 has a setting for it; older versions add them."""
    if "INJECT_INVOCATION" not in C.config.get_configuration_definitions():
        return True
    return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))


@functools.cache
def _end_with_parent(_pid: int) -> None:
    """
    End this worker as soon as Ansible is gone. Otherwise the worker would go on with the task's retries.

    :param _pid: The ID of this process. Because of the cache, each process starts one thread.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        if not parent.is_alive():
            os._exit(1)

        def wait() -> None:
            parent.join()
            os._exit(1)

        with without_signals():
            threading.Thread(target=wait, name="cloudpond-parent", daemon=True).start()
