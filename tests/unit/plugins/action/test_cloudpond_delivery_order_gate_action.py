# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.huaweicloud.cloudpond.plugins.action import cloudpond_delivery_order_gate as gate_action
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import Refusals
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _progress, _run
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._report import report
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import (
    delivery_order_settled,
    delivery_order_succeeded,
)
from ansible_collections.huaweicloud.cloudpond.plugins.test.edge_site import edge_site_available
from ansible_collections.huaweicloud.cloudpond.tests.emulator._lives import parse_life
from ansible_collections.huaweicloud.cloudpond.tests.emulator._orders import OrderPlan

from ...conftest import DOMAIN_ID, TOKEN
from ..stand_ins import Screen, Vaulted, make_action

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    from ...conftest import FakeClock

    Result = dict[str, t.Any]

OPEN, CONTINUED, FAILED = (True, False), (False, False), (False, True)

BEGAN = datetime(2026, 1, 4, 10, 0, tzinfo=timezone.utc)


class Gates:
    """Runs gates. Their sleeps, and those between the retries of a query, only move a clock."""

    def __init__(
        self, clock: FakeClock, start: t.Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        self.clock = clock
        self.began = clock.now
        self.screen = Screen()
        #: The pauses between the queries of gates, in seconds.
        self.pauses: list[float] = []
        #: The last task.
        self.task: t.Any = None
        self.start = start
        #: The emulator that is asked, once there is one.
        self.emulator: t.Any = None
        monkeypatch.setattr(gate_action, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=self._sleep))
        monkeypatch.setattr(gate_action, "Display", lambda: self.screen)
        for module in (gate_action, _progress):
            monkeypatch.setattr(module, "now", self._now)
        # Count the refusals of each test by themselves.
        monkeypatch.setattr(_run, "REFUSALS", Refusals(str(folder), pytest.fail))

    def _sleep(self, seconds: float) -> None:
        # A gate that slept no time could go on forever.
        assert seconds > 0
        self.pauses.append(seconds)
        self.clock.now += seconds

    def _now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.clock.now - self.began)

    def emulate(self, *orders: str | OrderPlan, **options: t.Any) -> None:
        """Start an emulator by the clock of the gates."""
        self.emulator = self.start(*orders, clock=self.clock.monotonic, **options)

    @property
    def times(self) -> list[float]:
        """When the requests came, in seconds after the beginning."""
        return [request.at for request in self.emulator.requests]

    def run(
        self, args: Result | None = None, task_vars: Result | None = None, task: Result | None = None, **more: t.Any
    ) -> Result:
        """
        Run a gate, and return the result that ansible-core would register.

        :param task: Keywords of the task.
        :param more: More arguments.
        """
        connection = {"endpoint": self.emulator.url, "auth_token": TOKEN} if self.emulator else {}
        args = {"domain_id": DOMAIN_ID, "max_retries": 0, **connection, **(args or {}), **more}
        action = make_action(gate_action.ActionModule, args, **(task or {}))
        self.task = action._task
        try:
            result = action.run(task_vars={"ansible_inject_invocation": True, **(task_vars or {})})
        except AnsibleActionFail as error:
            result = {**error.result, "failed": True, "msg": error.message}
        assert result["changed"] is False
        assert isinstance(result["open"], bool)
        assert isinstance(result["elapsed"], int)
        assert result["msg"]
        assert not (result["open"] and result.get("failed"))
        assert "ansible_facts" not in result
        assert self.task.ignore_errors is False
        assert TOKEN not in json.dumps(result, default=str) + str(self.screen.shown)
        # What others make of it.
        assert delivery_order_succeeded(result) or not result["open"]
        if result.keys() & {"delivery_orders", "error"}:
            assert report(result) == result["msg"]
        return result


@pytest.fixture
def gates(
    retry_clock: FakeClock, emulate: t.Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Gates:
    return Gates(retry_clock, emulate, monkeypatch, tmp_path)


def orders_of_sites(**lives: str) -> list[OrderPlan]:
    """Orders with these lives, each of the site of the same name."""
    return [OrderPlan(name, name, parse_life(life.split(",")), f"site-{name}") for name, life in lives.items()]


def outcome(result: Result) -> tuple[bool, bool]:
    """Return whether a gate is open, and whether its task has failed."""
    return result["open"], bool(result.get("failed"))


# Opening, waiting, and staying shut


@pytest.mark.parametrize("one", [True, False])
def test_delivered_orders_open_the_gate_at_once(gates: Gates, one: bool) -> None:
    gates.emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=deploying"])
    args: Result = {"delivery_order_id": "a"} if one else {"delivery_order_ids": ["a"]}
    # In a play of one host, run_once changes nothing.
    result = gates.run(args, {"ansible_play_hosts_all": ["h1"]}, {"run_once": True})
    assert outcome(result) == OPEN
    assert [order["status"] for order in result["delivery_orders"]] == ["SUCCESS"]
    assert result.get("delivery_order") == (result["delivery_orders"][0] if one else None)
    assert result["msg"].endswith("Every order is delivered: the gate is open.")
    assert not {"failed", "error", "edge_sites", "listed", "missing"} & result.keys()
    assert (result["elapsed"], gates.times, gates.pauses, gates.screen.shown) == (0, [0], [], [])


def test_many_orders_open_it_when_the_last_one_is_delivered(gates: Gates) -> None:
    gates.emulate("a=SUCCESS", "b=PROCESSING,SUCCESS")
    # Sites may share an order, which is asked for once.
    result = gates.run(delivery_order_ids=["b", "a", "b"], task={"check_mode": True})
    assert outcome(result) == OPEN
    assert result["elapsed"] == 60
    assert [order["id"] for order in result["delivery_orders"]] == ["b", "a", "b"]
    assert (gates.times, len(gates.screen.lines())) == ([0, 0, 60, 60], 2)


def test_it_waits_until_the_order_is_delivered_and_says_what_happens(gates: Gates) -> None:
    gates.emulate("a=ON_HOLD@100,ACCEPTING@100,SUCCESS")
    result = gates.run(delivery_order_id="a")
    assert outcome(result) == OPEN
    assert (result["elapsed"], gates.pauses, gates.times) == (240, [60] * 4, [0, 60, 120, 180, 240])
    name = f"{result['delivery_order']['name']} (a)"
    assert gates.screen.shown[0][0].endswith(f':00:00 {name}: unknown status "ON_HOLD"')
    assert [line.split(": ")[1].split(", ")[-1] for line in gates.screen.lines()[1:]] == [
        "waiting for 2 min",
        "waited for 4 min",
    ]


@pytest.mark.parametrize(
    ("life", "options", "queries", "expected"),
    [
        # By default for an hour, and each minute.
        ("PROCESSING", {}, [60 * number for number in range(61)], FAILED),
        ("PROCESSING@99,SUCCESS", {"wait_timeout": 100}, [0, 60, 100], OPEN),
        ("PROCESSING@101,SUCCESS", {"wait_timeout": 100, "wait_sleep": 1000}, [0, 100], FAILED),
    ],
)
def test_the_last_query_is_sent_when_the_time_is_over(
    gates: Gates, life: str, options: Result, queries: list[int], expected: tuple[bool, bool]
) -> None:
    gates.emulate(f"a={life}")
    result = gates.run(options, delivery_order_id="a")
    assert (outcome(result), gates.times, result["elapsed"]) == (expected, queries, queries[-1])


@pytest.mark.parametrize(
    ("life", "requests", "expected"),
    [("PROCESSING,SUCCESS", 1, FAILED), ("http:503*2,SUCCESS", 3, OPEN), ("reset", 4, FAILED)],
)
def test_without_time_it_asks_once_with_the_retries_of_a_query(
    gates: Gates, life: str, requests: int, expected: tuple[bool, bool]
) -> None:
    gates.emulate(f"a={life}")
    assert outcome(gates.run(delivery_order_id="a", wait_timeout=0, max_retries=3)) == expected
    assert (len(gates.times), gates.pauses, gates.screen.shown) == (requests, [], [])


@pytest.mark.parametrize("fault", ["http:503", "throttled:50", "SUCCESS"])
def test_no_retry_begins_after_the_time(gates: Gates, fault: str) -> None:
    gates.emulate(*orders_of_sites(a=fault), edge_sites=["site-a=http:503"])
    args = {"delivery_order_id": "a", "edge_site_available": True, "max_retries": 1000}
    result = gates.run(args, wait_timeout=70, wait_sleep=60)
    assert outcome(result) == FAILED
    assert result["elapsed"] == max(gates.times) == 70
    assert len(gates.times) >= 3


@pytest.mark.parametrize("status", ["FAIL", "CANCELLED", "DELETED"])
def test_an_order_that_will_not_be_delivered_ends_it_at_once(gates: Gates, status: str) -> None:
    gates.emulate(f"a={status}", "b=PROCESSING", "c=SUCCESS")
    for ids in (["a"], ["b", "a"], ["c", "a"]):
        result = gates.run(delivery_order_ids=ids, in_progress="continue")
        assert outcome(result) == FAILED
        assert f"(a) has been {status} since " in result["msg"]
    assert (gates.pauses, gates.screen.shown) == ([], [])


@pytest.mark.parametrize(
    ("life", "http_status"), [("echo:401", 401), ("http:404", 404), ("redirect", 302), ("other-order", 200)]
)
def test_a_failure_that_waiting_cannot_cure_ends_it_at_once(gates: Gates, life: str, http_status: int) -> None:
    gates.emulate(f"a={life},SUCCESS")
    result = gates.run(delivery_order_id="a", in_progress="continue", max_retries=5)
    assert outcome(result) == FAILED
    assert (result["error"]["http_status"], result["error"]["retryable"]) == (http_status, False)
    assert result["msg"].startswith("Cannot query delivery order 'a': ")
    assert (gates.times, gates.pauses, gates.screen.shown) == ([0], [], [])


def test_an_unknown_order_ends_it_at_once_and_what_was_found_is_there(gates: Gates) -> None:
    gates.emulate("a=SUCCESS", "b=PROCESSING")
    result = gates.run(delivery_order_ids=["x", "a", "b"], in_progress="continue")
    assert outcome(result) == FAILED
    assert [order["id"] for order in result["delivery_orders"]] == ["a", "b"]
    assert "Cannot query delivery order 'x': HTTP 404" in result["msg"]
    assert "the gate is open" not in result["msg"]


@pytest.mark.parametrize("outage", ["echo:503*3,reset*2", "http:408,http:429*2,http:500,cut-short"])
def test_an_outage_is_waited_out(gates: Gates, outage: str) -> None:
    gates.emulate(f"a=PROCESSING,{outage},SUCCESS")
    result = gates.run(delivery_order_id="a")
    assert outcome(result) == OPEN
    assert "error" not in result
    assert result["elapsed"] == 360
    begins, ends, opens = gates.screen.lines()[1:]
    assert begins.startswith("outage: Cannot query delivery order 'a': ")
    assert ends.startswith("answered again after 5 failed queries (5 min), the last: Cannot query ")
    assert opens.endswith("PROCESSING -> SUCCESS, waited for 6 min")


@pytest.mark.parametrize(("life", "orders"), [("PROCESSING*2,http:503", []), ("SUCCESS", ["SUCCESS"])])
def test_an_outage_until_the_end_is_a_failure(gates: Gates, life: str, orders: list[str]) -> None:
    gates.emulate(*orders_of_sites(a=life), edge_sites=["site-a=http:503"])
    result = gates.run(delivery_order_id="a", edge_site_available=True, in_progress="continue")
    assert outcome(result) == FAILED
    assert (result["elapsed"], result["error"]["http_status"], result["error"]["retryable"]) == (3600, 503, True)
    assert [each["status"] for each in result.get("delivery_orders", ())] == orders
    assert "The API did not answer in the end" in result["msg"]


@pytest.mark.parametrize(("life", "wait_timeout"), [("PROCESSING", 0), ("ON_HOLD", 100)])
def test_the_play_can_go_on_while_an_order_is_in_progress(gates: Gates, life: str, wait_timeout: int) -> None:
    gates.emulate(f"a={life}", "b=SUCCESS")
    for in_progress, expected in (("continue", CONTINUED), ("fail", FAILED)):
        args = {"delivery_order_ids": ["a", "b"], "in_progress": in_progress}
        result = gates.run(args, wait_timeout=wait_timeout)
        assert outcome(result) == expected
        assert (result["elapsed"], len(result["delivery_orders"])) == (wait_timeout, 2)
        assert "the gate is open" not in result["msg"]


# Edge sites


def test_a_site_is_asked_for_once_its_order_is_delivered(gates: Gates) -> None:
    sites = ["site-a=deploying,http:503*3,available", "site-b=available"]
    gates.emulate(*orders_of_sites(a="PROCESSING*2,SUCCESS", b="SUCCESS"), edge_sites=sites)
    result = gates.run(delivery_order_ids=["a", "b"], edge_site_available=True)
    assert outcome(result) == OPEN
    assert result["elapsed"] == 360
    assert [site["id"] for site in result["edge_sites"]] == ["site-a", "site-b"]
    assert "edge site site-a available." in result["msg"]
    assert [request.edge_site_id for request in gates.emulator.requests].count("site-a") == 5
    assert any(line.startswith("outage: Cannot query edge site 'site-a': HTTP 503") for line in gates.screen.lines())


@pytest.mark.parametrize(("site", "status"), [("site-a", "unavailable"), ("site-a", "AVAILABLE"), ("", "")])
def test_a_site_that_is_not_available_or_not_there_yet_is_in_progress(gates: Gates, site: str, status: str) -> None:
    order = OrderPlan("a", "a", parse_life(["SUCCESS"]), site)
    gates.emulate(order, edge_sites=[f"site-a={status or 'available'}"])
    for in_progress, expected in (("fail", FAILED), ("continue", CONTINUED)):
        result = gates.run(delivery_order_id="a", edge_site_available=True, in_progress=in_progress)
        assert outcome(result) == expected
        assert "Still in progress after 3600 s" in result["msg"]
        assert (f"edge site site-a {status}." if site else "no edge site") in result["msg"]
        assert [each["status"] for each in result["edge_sites"]] == ([status] if site else [])
        assert delivery_order_succeeded(result)
        assert not edge_site_available(result)


def test_an_unknown_site_ends_it_at_once_and_what_was_found_is_there(gates: Gates) -> None:
    gates.emulate(*orders_of_sites(a="SUCCESS", b="SUCCESS", c="PROCESSING"), edge_sites=["site-b=available"])
    args = {"delivery_order_ids": ["a", "b", "c"], "in_progress": "continue"}
    result = gates.run(args, edge_site_available=True)
    assert outcome(result) == FAILED
    assert (result["elapsed"], result["error"]["http_status"]) == (0, 404)
    assert "Cannot query edge site 'site-a': HTTP 404" in result["msg"]
    assert [site["id"] for site in result["edge_sites"]] == ["site-b"]
    assert len(result["delivery_orders"]) == 3


# Arguments


NULL: t.Any = None

#: What ansible-core before 2.17 says of a null.
NOT_TEXT = "'None' is not a string and conversion is not allowed"

EMPTY = f"an ID is empty, blank or null: check the variable it comes from|{NOT_TEXT}"
NONE = "delivery_order_id or delivery_order_ids must be given, and must not be null"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        *((each, NONE) for each in ({}, {"delivery_order_id": NULL}, {"delivery_order_ids": NULL})),
        ({"delivery_order_id": ""}, EMPTY),
        *(({"delivery_order_ids": each}, EMPTY) for each in ("", ["a", NULL], ["a", " "])),
        ({"delivery_order_ids": []}, "delivery_order_ids is empty: a gate without orders would prove nothing"),
        ({"delivery_order_ids": "a,,a"}, "an ID must be made of letters, digits, '-' and '_', and must not be empty"),
        ({"delivery_order_id": "a", "delivery_order_ids": NULL}, "parameters are mutually exclusive"),
        ({"delivery_order_id": "a", "wait_timeout": -1}, "wait_timeout must be at least 0: got -1"),
        ({"delivery_order_id": "a", "wait_sleep": 0}, "wait_sleep must be at least 1: got 0"),
        ({"delivery_order_id": "a", "wait_timeout": 10**400}, "wait_timeout must be at most 1000000000"),
    ],
)
def test_wrong_arguments_keep_it_shut_and_nothing_is_asked(gates: Gates, args: Result, message: str) -> None:
    gates.emulate("a=SUCCESS")
    result = gates.run(args, in_progress="continue")
    assert outcome(result) == FAILED
    assert any(each in result["msg"] for each in message.split("|"))
    assert (gates.times, gates.pauses, gates.screen.shown) == ([], [], [])
    assert not delivery_order_succeeded(result)
    assert delivery_order_settled(result)


def test_ids_may_be_of_any_type_that_is_text_in_the_end(gates: Gates) -> None:
    gates.emulate("a=SUCCESS", "7=SUCCESS")
    for ids in (["a", 7], "a,7", ("a", Vaulted("7"))):
        result = gates.run(delivery_order_ids=ids)
        assert (outcome(result), [order["id"] for order in result["delivery_orders"]]) == (OPEN, ["a", "7"])


# Keywords

MANY = {"ansible_play_hosts_all": ["h1", "h2"], "ansible_play_batch": ["h1", "h2"], "inventory_hostname": "h1"}
ALL_IDS = "ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id')"


@pytest.mark.parametrize(
    ("order_id", "keywords", "message"),
    [
        ("a", {"async_val": 60}, "async is refused: the play would go on before the gate has decided"),
        ("a", {"loop": []}, "a loop is refused: give all IDs as delivery_order_ids"),
        ("a", {"loop_with": "items"}, "a loop is refused"),
        ("a", {"run_once": True}, ALL_IDS),
        (NULL, {"run_once": True}, ALL_IDS),
    ],
)
def test_keywords_that_let_a_host_slip_by_are_refused(
    gates: Gates, order_id: str, keywords: Result, message: str
) -> None:
    gates.emulate("a=SUCCESS")
    result = gates.run({"delivery_order_id": order_id, "in_progress": "continue"}, MANY, keywords)
    assert outcome(result) == FAILED
    assert message in result["msg"]
    assert gates.times == []


def innermost(*chain: Result) -> t.Any:
    """Return the innermost of these parents of a task. A block has no ``statically_loaded``."""
    parent = None
    for attributes in chain:
        parent = SimpleNamespace(**{"run_once": False, "_parent": parent, **attributes})
    return parent


DYNAMIC, STATIC = {"statically_loaded": False}, {"statically_loaded": True}
BLOCK: Result = {}
ONCE = {"run_once": True}


@pytest.mark.parametrize(
    ("chain", "refused"),
    [
        ([BLOCK, {**DYNAMIC, **ONCE}, BLOCK, STATIC], True),
        ([{**DYNAMIC, **ONCE}, BLOCK, DYNAMIC], True),
        ([{**STATIC, **ONCE}, DYNAMIC, {**BLOCK, **ONCE}], False),
    ],
)
def test_run_once_on_a_dynamic_include_alone_is_refused_for_all_hosts(
    gates: Gates, chain: list[Result], refused: bool
) -> None:
    gates.emulate("a=SUCCESS")
    result = gates.run({"delivery_order_ids": ["a"]}, MANY, {"_parent": innermost(*chain)})
    assert outcome(result) == (FAILED if refused else OPEN)
    assert ("run_once on an include around the gate is refused" in result["msg"]) is refused
    assert gates.task.run_once is refused
    assert gates.times == ([] if refused else [0])


def test_without_requests_it_says_how_to_install_it(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_action, "REQUESTS_IMPORT_ERROR", "no requests")
    monkeypatch.setattr(gate_action, "sys", SimpleNamespace(executable="/opt/python"))
    result = gates.run(delivery_order_id="a", in_progress="continue")
    assert outcome(result) == FAILED
    assert "/opt/python -m pip install 'requests>=2.25'" in result["msg"]


@pytest.mark.parametrize(
    ("order_id", "keywords", "expected"),
    [("a", {}, OPEN), ("b", {}, FAILED), ("c", {}, CONTINUED), ("a", {"loop": ["a"]}, FAILED)],
)
@pytest.mark.parametrize("ignored", [True, None])
def test_its_failure_counts_whatever_ignore_errors_says(
    gates: Gates, order_id: str, keywords: Result, expected: tuple[bool, bool], ignored: bool | None
) -> None:
    gates.emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING")
    args = {"delivery_order_id": order_id, "in_progress": "continue", "wait_timeout": 0}
    assert outcome(gates.run(args, task={**keywords, "ignore_errors": ignored})) == expected
    warned = [warning.startswith("ignore_errors does not apply t") for warning in gates.screen.warnings]
    assert warned == ([True] if ignored and expected == FAILED else [])


def test_the_environment_of_the_task_counts_for_this_task_alone(
    gates: Gates, emulate: t.Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate("a=http:503,SUCCESS")
    monkeypatch.setenv("HW_AUTH_TOKEN", "of the shell")
    before = dict(os.environ)
    of_block = {"HW_AUTH_TOKEN": "of another block"}
    of_task = {"HW_CLOUDPOND_ENDPOINT": emulator.url, "HW_AUTH_TOKEN": Vaulted(TOKEN), "HW_MAX_RETRIES": 1}
    args = {"delivery_order_id": "a", "wait_timeout": 0, "domain_id": DOMAIN_ID}
    action = make_action(gate_action.ActionModule, args, environment=[of_block, of_task])
    assert action.run(task_vars={})["open"] is True
    assert dict(os.environ) == before
    # The next task is without them.
    assert outcome(gates.run(args)) == FAILED
    assert len(emulator.requests) == 2


# The screen


def test_with_no_log_it_prints_nothing(gates: Gates) -> None:
    gates.emulate("a=PROCESSING*20,http:503*3,ACCEPTING,SUCCESS")
    assert outcome(gates.run({"delivery_order_id": "a"}, MANY, {"no_log": True})) == OPEN
    assert (gates.screen.shown, gates.screen.warnings) == ([], [])


@pytest.mark.parametrize(
    ("forks", "life", "run_once", "warnings"),
    [(1, "PROCESSING,", False, 1), (2, "PROCESSING,", False, 0), (1, "", False, 0), (1, "PROCESSING,", True, 0)],
)
def test_its_lines_name_the_host_and_a_warning_says_that_hosts_wait_in_turns(
    gates: Gates, monkeypatch: pytest.MonkeyPatch, forks: int, life: str, run_once: bool, warnings: int
) -> None:
    monkeypatch.setattr(gate_action, "context", SimpleNamespace(CLIARGS={"forks": forks}))
    gates.emulate(f"a={life}SUCCESS")
    assert outcome(gates.run({"delivery_order_ids": ["a"]}, MANY, {"run_once": run_once})) == OPEN
    assert [line[:5] for line in gates.screen.lines()] == ["[h1] "] * (2 if life else 0)
    assert [each[:36] for each in gates.screen.warnings] == ["2 hosts wait at the gate in turns of"] * warnings


@pytest.mark.parametrize("value", ["canary", ["canary"], {"token": "canary"}])
def test_the_value_of_a_misspelled_option_is_not_shown(gates: Gates, value: object) -> None:
    result = gates.run({"delivery_order_id": "a", "token": value})
    assert "Unsupported parameters" in result["msg"]
    assert result["invocation"]["module_args"]["delivery_order_id"] == "a"
    assert "canary" not in str(result)
