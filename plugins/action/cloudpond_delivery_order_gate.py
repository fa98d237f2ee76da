# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import time
import typing as t

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._auth import REQUESTS_IMPORT_ERROR
from ..module_utils._client import Client
from ..module_utils._delivery_orders import DELIVERY_ORDERS
from ..module_utils._edge_sites import EDGE_SITES
from ..module_utils._errors import CloudPondError
from ..module_utils._module import CALLER
from ..module_utils._specification import SUCCESS
from ..modules.cloudpond_delivery_order_gate import MUTUALLY_EXCLUSIVE, OPTIONS
from ..plugin_utils import _run
from ..plugin_utils._action import answer
from ..plugin_utils._decision import Decision, Outcome, decide
from ..plugin_utils._progress import Progress, now, say
from ..plugin_utils._report import describe

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    Result = dict[str, t.Any]

#: More than 30 years. Far larger values overflow in system calls.
_SECONDS_MAX = 1_000_000_000

#: What every answer has.
_SHUT: Result = {"changed": False, "open": False, "elapsed": 0}


class ActionModule(ActionBase):
    """Answers cloudpond_delivery_order_gate; the module has the documentation."""

    # The host may not exist yet.
    _requires_connection = False
    # Refused below, in a result that says that the gate is shut.
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        # A gate that fails must not let the play go on. ansible-core asks the task for this after the plugin has run.
        ignored, self._task.ignore_errors = self._task.ignore_errors, False
        self._vars: Mapping[str, t.Any] = task_vars or {}
        super().run(tmp, task_vars)
        try:
            self._refuse_keywords()
            result = {**_SHUT, **answer(self, self._vars, OPTIONS, MUTUALLY_EXCLUSIVE, self._wait)}
        except AnsibleActionFail:
            self._warn_if(ignored)
            raise
        self._warn_if(ignored and bool(result.get("failed")))
        return result

    def _refuse_keywords(self) -> None:
        """
        Refuse the keywords under which a gate does not hold each host.

        :raises AnsibleActionFail: for one of them.
        """
        if REQUESTS_IMPORT_ERROR:
            raise _refusal(
                "the gate needs the Python package requests for Ansible's own Python: "
                f"{sys.executable} -m pip install 'requests>=2.25'"
            )
        if self._task.async_val:
            raise _refusal("async is refused: the play would go on before the gate has decided")
        if self._task.loop is not None or self._task.loop_with:
            raise _refusal("a loop is refused: give all IDs as delivery_order_ids")
        if _is_included_once(self._task):
            # ansible-core registers the failure for all hosts, which would never meet the gate.
            self._task.run_once = True
            raise _refusal(
                "run_once on an include around the gate is refused, because the other hosts would never meet the gate: "
                "put run_once on the gate itself, with delivery_order_ids"
            )
        hosts = self._vars.get("ansible_play_hosts_all", ())
        if self._task.run_once and len(hosts) > 1 and "delivery_order_id" in self._task.args:
            raise _refusal(
                "run_once is refused with delivery_order_id: the order of one host would open the gate for all. "
                "Leave run_once out, or give the orders of all hosts as delivery_order_ids: "
                "\"{{ ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id') }}\""
            )

    def _wait(self, params: Result, given: Mapping[str, t.Any], environ: Mapping[str, str]) -> Result:
        """Query until the gate opens, or can't open any more, or the time is over."""
        began = time.monotonic()
        progress = Progress(now())
        options = {name: value for name, value in params.items() if name in given}
        try:
            _check(params, given)
            ends = began + params["wait_timeout"]
            # Without time to wait, the one query has all its retries.
            retry_until = ends if params["wait_timeout"] else None
            while True:
                # A new one each time, because temporary keys in the SDK's file may have been renewed.
                with Client(options, environ, CALLER, _run.REFUSALS, retry_until) as client:
                    outcome = _query(client, params)
                decision = decide(
                    outcome,
                    waits_for_sites=params["edge_site_available"],
                    has_time=time.monotonic() < ends,
                    may_continue=params["in_progress"] == "continue",
                )
                self._show(progress, outcome, over=decision is not Decision.WAIT)
                if decision is not Decision.WAIT:
                    break
                time.sleep(max(0.0, min(params["wait_sleep"], ends - time.monotonic())))
        except CloudPondError as error:
            outcome, decision = Outcome(None, failure=error), Decision.SHUT
        return _result(outcome, decision, int(time.monotonic() - began), params)

    def _show(self, progress: Progress, outcome: Outcome, *, over: bool) -> None:
        if self._task.no_log:
            return
        if outcome.failure:
            lines = progress.failed(now(), outcome.failure, over=over)
        else:
            lines = progress.answered(now(), outcome.orders or (), outcome.site_statuses, over=over)
        if lines and not over:
            self._warn_of_turns()
        say(Display(), lines, str(self._vars.get("inventory_hostname", "localhost")))

    def _warn_of_turns(self) -> None:
        """Say that the hosts wait in turns. ansible-core shows a warning once, however many hosts give it."""
        hosts, forks = len(self._vars.get("ansible_play_batch", ())), int(context.CLIARGS.get("forks") or 1)
        if hosts > forks and not self._task.run_once:
            Display().warning(
                f"{hosts} hosts wait at the gate in turns of {forks}, the number of forks: raise forks, or query the "
                "orders of all hosts once, with run_once and delivery_order_ids"
            )

    @staticmethod
    def _warn_if(condition: bool) -> None:
        if condition:
            Display().warning(
                "ignore_errors does not apply to a gate that fails: use in_progress=continue, a rescue or failed_when, "
                "and check the result's open before the site is touched"
            )


def _refusal(msg: str) -> AnsibleActionFail:
    return AnsibleActionFail(msg, result=dict(_SHUT))


def _is_included_once(task: t.Any) -> bool:
    """Return whether a dynamic include around a task has run_once. ansible-core doesn't hand it down to the task."""
    parent = task._parent
    while parent is not None:
        if not getattr(parent, "statically_loaded", True) and parent.run_once:
            return True
        parent = parent._parent
    return False


def _check(params: Result, given: Mapping[str, t.Any]) -> None:
    """
    Check the options, as far as their types don't say it all.

    :raises CloudPondError: for a wrong one. An ID that came out empty must not open the gate.
    """
    subject = "the delivery orders"
    # As they were given: ansible-core makes text of a null in a list.
    one, many = given.get("delivery_order_id"), given.get("delivery_order_ids")
    if one is None and many is None:
        raise CloudPondError(subject, "delivery_order_id or delivery_order_ids must be given, and must not be null")
    if many is not None and not params["delivery_order_ids"]:
        raise CloudPondError(subject, "delivery_order_ids is empty: a gate without orders would prove nothing")
    ids = many if isinstance(many, list) else [one if many is None else many]
    if any(each is None or not str(each).strip() for each in ids):
        raise CloudPondError(subject, "an ID is empty, blank or null: check the variable it comes from")
    for name, least in (("wait_timeout", 0), ("wait_sleep", 1)):
        if params[name] < least:
            raise CloudPondError(subject, f"{name} must be at least {least}: got {params[name]}")
        if params[name] > _SECONDS_MAX:
            raise CloudPondError(subject, f"{name} must be at most {_SECONDS_MAX}")


def _query(client: Client, params: Result) -> Outcome:
    """Query the orders and, if the gate waits for them, the edge sites of the delivered ones."""
    try:
        if params["delivery_order_ids"] is not None:
            orders = DELIVERY_ORDERS.show_many(client, params["delivery_order_ids"])
        else:
            orders = [DELIVERY_ORDERS.show(client, params["delivery_order_id"])]
    except CloudPondError as error:
        return Outcome(error.facts.get("delivery_orders"), failure=error)
    if not params["edge_site_available"]:
        return Outcome(orders)
    sites = [order["edge_site_id"] for order in orders if order["status"] == SUCCESS and order["edge_site_id"]]
    try:
        return Outcome(orders, EDGE_SITES.show_many(client, sites))
    except CloudPondError as error:
        return Outcome(orders, error.facts.get("edge_sites"), error)


def _result(outcome: Outcome, decision: Decision, elapsed: int, params: Result) -> Result:
    result: Result = {"changed": False, "open": decision is Decision.OPEN, "elapsed": elapsed}
    if outcome.orders is not None:
        result["delivery_orders"] = outcome.orders
        if params["delivery_order_id"] is not None and outcome.orders:
            result["delivery_order"] = outcome.orders[0]
    if outcome.sites is not None:
        result["edge_sites"] = outcome.sites
    if outcome.failure:
        result.update(msg=str(outcome.failure), error=outcome.failure.to_dict())
    result["msg"] = describe(result)
    if decision is Decision.SHUT:
        result["failed"] = True
    return result
