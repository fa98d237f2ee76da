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
    Emulate = t.Callable[..., Emulator]

OPEN, CONTINUED, FAILED = (True, False), (False, False), (False, True)

BEGAN = datetime(2026, 1, 4, 10, 0, tzinfo=timezone.utc)


class Gates:
    """Runs gates. Their sleeps, and those between the retries of a query, only move a clock."""

    def __init__(self, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.clock = clock
        self.began = clock.now
        self.screen = Screen()
        #: The pauses between the queries of gates, in seconds.
        self.pauses: list[float] = []
        #: The last task.
        self.task: t.Any = None
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

    def run(
        self,
        emulator: Emulator | None,
        args: Result | None = None,
        task_vars: Result | None = None,
        task: Result | None = None,
        **more: t.Any,
    ) -> Result:
        """
        Run a gate, and return the result that ansible-core would register.

        :param task: Keywords of the task.
        :param more: More arguments.
        """
        connection = {"endpoint": emulator.url, "auth_token": TOKEN} if emulator else {}
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
        return result


def times(emulator: Emulator) -> list[float]:
    """Return when the requests came, in seconds after the beginning."""
    return [request.at for request in emulator.requests]


@pytest.fixture
def gates(retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gates:
    return Gates(retry_clock, monkeypatch, tmp_path)


def orders_of_sites(**lives: str) -> list[OrderPlan]:
    """Orders with these lives, each of the site of the same name."""
    return [OrderPlan(name, name, parse_life(life.split(",")), f"site-{name}") for name, life in lives.items()]


def outcome(result: Result) -> tuple[bool, bool]:
    """Return whether a gate is open, and whether its task has failed."""
    return result["open"], bool(result.get("failed"))


# Opening, waiting, and staying shut


@pytest.mark.parametrize("one", [True, False])
def test_delivered_orders_open_the_gate_at_once(gates: Gates, emulate: Emulate, one: bool) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=deploying"])
    result = gates.run(emulator, {"delivery_order_id": "a"} if one else {"delivery_order_ids": ["a"]})
    assert outcome(result) == OPEN
    assert result["elapsed"] == 0
    assert [order["status"] for order in result["delivery_orders"]] == ["SUCCESS"]
    assert result.get("delivery_order") == (result["delivery_orders"][0] if one else None)
    assert result["msg"].endswith("Every order is delivered: the gate is open.")
    assert not {"failed", "error", "edge_sites", "listed", "missing"} & result.keys()
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (1, [], [])


def test_many_orders_open_it_when_the_last_one_is_delivered(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=PROCESSING,SUCCESS")
    # Sites may share an order, which is asked for once.
    result = gates.run(emulator, delivery_order_ids=["b", "a", "b"], task={"check_mode": True})
    assert outcome(result) == OPEN
    assert result["elapsed"] == 60
    assert [order["id"] for order in result["delivery_orders"]] == ["b", "a", "b"]
    assert (len(emulator.requests), len(gates.screen.lines())) == (4, 2)


def test_it_waits_until_the_order_is_delivered_and_says_what_happens(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=ON_HOLD@100,ACCEPTING@100,SUCCESS", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == OPEN
    assert (result["elapsed"], gates.pauses, times(emulator)) == (240, [60] * 4, [0, 60, 120, 180, 240])
    name = f"{result['delivery_order']['name']} (a)"
    assert gates.screen.shown[0][0].endswith(f':00:00 {name}: unknown status "ON_HOLD"')
    assert [line.split(": ")[1].split(", ")[-1] for line in gates.screen.lines()[1:]] == [
        "waiting for 2 min",
        "waited for 4 min",
    ]


def test_by_default_it_waits_for_an_hour_and_asks_each_minute(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == FAILED
    assert result["elapsed"] == 3600
    assert times(emulator) == [60 * number for number in range(61)]


@pytest.mark.parametrize(
    ("life", "wait_sleep", "queries", "expected"),
    [("PROCESSING@99,SUCCESS", 60, [0, 60, 100], OPEN), ("PROCESSING@101,SUCCESS", 1000, [0, 100], FAILED)],
)
def test_the_last_query_is_sent_when_the_time_is_over(
    gates: Gates, emulate: Emulate, life: str, wait_sleep: int, queries: list[int], expected: tuple[bool, bool]
) -> None:
    emulator = emulate(f"a={life}", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a", wait_timeout=100, wait_sleep=wait_sleep)
    assert (outcome(result), times(emulator), result["elapsed"]) == (expected, queries, 100)


@pytest.mark.parametrize(
    ("life", "requests", "expected"),
    [("PROCESSING,SUCCESS", 1, FAILED), ("http:503*2,SUCCESS", 3, OPEN), ("reset", 4, FAILED)],
)
def test_without_time_it_asks_once_with_the_retries_of_a_query(
    gates: Gates, emulate: Emulate, life: str, requests: int, expected: tuple[bool, bool]
) -> None:
    emulator = emulate(f"a={life}")
    assert outcome(gates.run(emulator, delivery_order_id="a", wait_timeout=0, max_retries=3)) == expected
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (requests, [], [])


@pytest.mark.parametrize("fault", ["http:503", "throttled:50", "SUCCESS"])
def test_no_retry_begins_after_the_time(gates: Gates, emulate: Emulate, fault: str) -> None:
    orders = orders_of_sites(a=fault)
    emulator = emulate(*orders, edge_sites=["site-a=http:503"], clock=gates.clock.monotonic)
    args = {"delivery_order_id": "a", "edge_site_available": True, "max_retries": 1000}
    result = gates.run(emulator, args, wait_timeout=70, wait_sleep=60)
    assert outcome(result) == FAILED
    assert result["elapsed"] == max(times(emulator)) == 70
    assert len(emulator.requests) >= 3


@pytest.mark.parametrize("status", ["FAIL", "CANCELLED", "DELETED"])
def test_an_order_that_will_not_be_delivered_ends_it_at_once(gates: Gates, emulate: Emulate, status: str) -> None:
    emulator = emulate(f"a={status}", "b=PROCESSING", "c=SUCCESS")
    for ids in (["a"], ["b", "a"], ["c", "a"]):
        result = gates.run(emulator, delivery_order_ids=ids, in_progress="continue")
        assert outcome(result) == FAILED
        assert f"(a) has been {status} since " in result["msg"]
        assert "put the ID of the order that replaces it into the inventory" in result["msg"]
    assert (gates.pauses, gates.screen.shown) == ([], [])


@pytest.mark.parametrize(
    ("life", "http_status"), [("http:401", 401), ("http:404", 404), ("redirect", 302), ("other-order", 200)]
)
def test_a_failure_that_waiting_cannot_cure_ends_it_at_once(
    gates: Gates, emulate: Emulate, life: str, http_status: int
) -> None:
    emulator = emulate(f"a={life},SUCCESS")
    result = gates.run(emulator, delivery_order_id="a", in_progress="continue", max_retries=5)
    assert outcome(result) == FAILED
    assert (result["error"]["http_status"], result["error"]["retryable"]) == (http_status, False)
    assert result["msg"].startswith("Cannot query delivery order 'a': ")
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (1, [], [])


def test_an_unknown_order_ends_it_at_once_and_what_was_found_is_there(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=PROCESSING")
    result = gates.run(emulator, delivery_order_ids=["x", "a", "b"], in_progress="continue")
    assert outcome(result) == FAILED
    assert [order["id"] for order in result["delivery_orders"]] == ["a", "b"]
    assert "Cannot query delivery order 'x': HTTP 404" in result["msg"]
    assert "(b) has been PROCESSING" in result["msg"]
    assert "the gate is open" not in result["msg"]


@pytest.mark.parametrize("outage", ["http:503*3,reset*2", "http:408,http:429*2,http:500,cut-short"])
def test_an_outage_is_waited_out(gates: Gates, emulate: Emulate, outage: str) -> None:
    emulator = emulate(f"a=PROCESSING,{outage},SUCCESS")
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == OPEN
    assert "error" not in result
    assert result["elapsed"] == 360
    begins, ends, opens = gates.screen.lines()[1:]
    assert begins.startswith("outage: Cannot query delivery order 'a': ")
    assert ends.startswith("answered again after 5 failed queries (5 min), the last: Cannot query ")
    assert opens.endswith("PROCESSING -> SUCCESS, waited for 6 min")


@pytest.mark.parametrize(("life", "orders"), [("PROCESSING*2,http:503", []), ("SUCCESS", ["SUCCESS"])])
def test_an_outage_until_the_end_is_a_failure(gates: Gates, emulate: Emulate, life: str, orders: list[str]) -> None:
    emulator = emulate(*orders_of_sites(a=life), edge_sites=["site-a=http:503"])
    result = gates.run(emulator, delivery_order_id="a", edge_site_available=True, in_progress="continue")
    assert outcome(result) == FAILED
    assert (result["elapsed"], result["error"]["http_status"], result["error"]["retryable"]) == (3600, 503, True)
    assert [each["status"] for each in result.get("delivery_orders", ())] == orders
    assert "The API did not answer in the end" in result["msg"]
    assert "the gate is open" not in result["msg"]


@pytest.mark.parametrize("life", ["PROCESSING", "ON_HOLD"])
@pytest.mark.parametrize("wait_timeout", [0, 100])
def test_the_play_can_go_on_while_an_order_is_in_progress(
    gates: Gates, emulate: Emulate, life: str, wait_timeout: int
) -> None:
    emulator = emulate(f"a={life}", "b=SUCCESS")
    for in_progress, expected in (("continue", CONTINUED), ("fail", FAILED)):
        args = {"delivery_order_ids": ["a", "b"], "in_progress": in_progress}
        result = gates.run(emulator, args, wait_timeout=wait_timeout)
        assert outcome(result) == expected
        assert (result["elapsed"], len(result["delivery_orders"])) == (wait_timeout, 2)
        assert "the gate is open" not in result["msg"]


# Edge sites


def test_a_site_is_asked_for_once_its_order_is_delivered(gates: Gates, emulate: Emulate) -> None:
    sites = ["site-a=deploying,http:503*3,available", "site-b=available"]
    emulator = emulate(*orders_of_sites(a="PROCESSING*2,SUCCESS", b="SUCCESS"), edge_sites=sites)
    result = gates.run(emulator, delivery_order_ids=["a", "b"], edge_site_available=True)
    assert outcome(result) == OPEN
    assert result["elapsed"] == 360
    assert [site["id"] for site in result["edge_sites"]] == ["site-a", "site-b"]
    assert result["msg"].endswith("Every order is delivered: the gate is open.")
    assert "edge site site-a available." in result["msg"]
    assert [request.edge_site_id for request in emulator.requests].count("site-a") == 5
    assert [
        line for line in gates.screen.lines() if line.startswith("outage: Cannot query edge site 'site-a': HTTP 503")
    ]


@pytest.mark.parametrize(
    ("site", "status"),
    [("site-a", "deploying"), ("site-a", "unavailable"), ("site-a", "AVAILABLE"), ("", "")],
)
def test_a_site_that_is_not_available_or_not_there_yet_is_in_progress(
    gates: Gates, emulate: Emulate, site: str, status: str
) -> None:
    for in_progress, expected in (("fail", FAILED), ("continue", CONTINUED)):
        order = OrderPlan("a", "a", parse_life(["SUCCESS"]), site)
        emulator = emulate(order, edge_sites=[f"site-a={status or 'available'}"])
        result = gates.run(emulator, delivery_order_id="a", edge_site_available=True, in_progress=in_progress)
        assert outcome(result) == expected
        assert result["elapsed"] == 3600
        assert "Still in progress after 3600 s" in result["msg"]
        assert (f"edge site site-a {status}." if site else "no edge site") in result["msg"]
        assert [each["status"] for each in result["edge_sites"]] == ([status] if site else [])
        assert delivery_order_succeeded(result)
        assert not edge_site_available(result)


def test_an_unknown_site_ends_it_at_once_and_what_was_found_is_there(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS", b="SUCCESS", c="PROCESSING"), edge_sites=["site-b=available"])
    args = {"delivery_order_ids": ["a", "b", "c"], "in_progress": "continue"}
    result = gates.run(emulator, args, edge_site_available=True)
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
        ({"delivery_order_ids": ["a", "a/b"]}, "an ID must be made of letters, digits, '-' and '_'"),
        ({"delivery_order_id": "a", "delivery_order_ids": ["a"]}, "parameters are mutually exclusive"),
        ({"delivery_order_id": "a", "delivery_order_ids": NULL}, "parameters are mutually exclusive"),
        ({"delivery_order_id": "a", "wait_timeout": -1}, "wait_timeout must be at least 0: got -1"),
        ({"delivery_order_id": "a", "wait_sleep": 0}, "wait_sleep must be at least 1: got 0"),
        ({"delivery_order_id": "a", "wait_timeout": 10**400}, "wait_timeout must be at most 1000000000"),
        ({"delivery_order_id": "a", "wait_sleep": "soon"}, "unable to convert to int"),
        ({"delivery_order_id": "a", "in_progress": "wait"}, "value of in_progress must be one of: fail, continue"),
        ({"delivery_order_id": "a", "status": ["SUCCESS"]}, "Unsupported parameters for (huaweicloud.cloudpond.x) mod"),
        ({"delivery_order_id": "a", "domain_id": ""}, "domain_id must be made of letters"),
        ({"delivery_order_id": "a", "access_key": "a", "secret_key": "b"}, "auth_token"),
    ],
)
def test_wrong_arguments_keep_it_shut_and_nothing_is_asked(
    gates: Gates, emulate: Emulate, args: Result, message: str
) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, args, in_progress=args.get("in_progress", "continue"))
    assert outcome(result) == FAILED
    assert any(each in result["msg"] for each in message.split("|"))
    assert (emulator.requests, gates.pauses, gates.screen.shown) == ([], [], [])
    assert not delivery_order_succeeded(result)
    assert delivery_order_settled(result)


def test_ids_may_be_of_any_type_that_is_text_in_the_end(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "7=SUCCESS")
    for ids in (["a", 7], "a,7", ("a", Vaulted("7"))):
        result = gates.run(emulator, delivery_order_ids=ids)
        assert (outcome(result), [order["id"] for order in result["delivery_orders"]]) == (OPEN, ["a", "7"])


# Keywords

MANY = {"ansible_play_hosts_all": ["h1", "h2"], "ansible_play_batch": ["h1"]}
ONE = {"ansible_play_hosts_all": ["h1"], "ansible_play_batch": ["h1"]}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"async_val": 60}, "async is refused: the play would go on before the gate has decided"),
        ({"loop": []}, "a loop is refused: give all IDs as delivery_order_ids"),
        ({"loop_with": "items"}, "a loop is refused"),
    ],
)
def test_async_and_loops_are_refused(gates: Gates, emulate: Emulate, keywords: Result, message: str) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, delivery_order_id="a", task=keywords, in_progress="continue")
    assert outcome(result) == FAILED
    assert message in result["msg"]
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("args", "hosts", "run_once", "expected"),
    [
        ({"delivery_order_id": "a"}, ONE, True, OPEN),
        ({"delivery_order_id": "a"}, MANY, False, OPEN),
        ({"delivery_order_id": "a"}, MANY, True, FAILED),
        ({"delivery_order_id": NULL}, MANY, True, FAILED),
        ({"delivery_order_ids": ["a"]}, MANY, True, OPEN),
    ],
)
def test_run_once_needs_the_orders_of_all_hosts(
    gates: Gates, emulate: Emulate, args: Result, hosts: Result, run_once: bool, expected: tuple[bool, bool]
) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, args, hosts, task={"run_once": run_once})
    assert outcome(result) == expected
    if expected == FAILED:
        assert "ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id')" in result["msg"]
        assert emulator.requests == []


def parents(*chain: Result) -> t.Any:
    """Return the innermost of these parents of a task. A block has no ``statically_loaded``."""
    parent = None
    for attributes in chain:
        parent = SimpleNamespace(**{"run_once": False, "_parent": parent, **attributes})
    return parent


DYNAMIC: Result = {"statically_loaded": False}
STATIC: Result = {"statically_loaded": True}
BLOCK: Result = {}
ONCE: Result = {"run_once": True}


@pytest.mark.parametrize(
    ("chain", "refused"),
    [
        ([{**DYNAMIC, **ONCE}], True),
        ([BLOCK, {**DYNAMIC, **ONCE}, BLOCK, STATIC], True),
        ([{**DYNAMIC, **ONCE}, BLOCK, DYNAMIC], True),
        ([DYNAMIC, BLOCK], False),
        ([{**STATIC, **ONCE}, BLOCK], False),
        ([DYNAMIC, {**BLOCK, **ONCE}], False),
    ],
)
def test_run_once_on_a_dynamic_include_alone_is_refused_for_all_hosts(
    gates: Gates, emulate: Emulate, chain: list[Result], refused: bool
) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, {"delivery_order_ids": ["a"]}, MANY, task={"_parent": parents(*chain)})
    assert outcome(result) == (FAILED if refused else OPEN)
    assert ("run_once on an include around the gate is refused" in result["msg"]) is refused
    assert gates.task.run_once is refused
    assert len(emulator.requests) == (0 if refused else 1)


def test_without_requests_it_says_how_to_install_it(
    gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_action, "REQUESTS_IMPORT_ERROR", "no requests")
    monkeypatch.setattr(gate_action, "sys", SimpleNamespace(executable="/opt/python"))
    result = gates.run(emulate("a=SUCCESS"), delivery_order_id="a", in_progress="continue")
    assert outcome(result) == FAILED
    assert "/opt/python -m pip install 'requests>=2.25'" in result["msg"]


@pytest.mark.parametrize(
    ("args", "keywords", "expected"),
    [
        ({"delivery_order_id": "a"}, {}, OPEN),
        ({"delivery_order_id": "b"}, {}, FAILED),
        ({"delivery_order_id": "c", "in_progress": "continue"}, {}, CONTINUED),
        ({"delivery_order_id": "a", "wrong": 1}, {}, FAILED),
        ({"delivery_order_id": "a"}, {"loop": ["a"]}, FAILED),
    ],
)
@pytest.mark.parametrize("ignored", [True, None])
def test_its_failure_counts_whatever_ignore_errors_says(
    gates: Gates, emulate: Emulate, args: Result, keywords: Result, expected: tuple[bool, bool], ignored: bool | None
) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING")
    result = gates.run(emulator, args, wait_timeout=0, task={**keywords, "ignore_errors": ignored})
    assert outcome(result) == expected
    assert gates.task.ignore_errors is False
    warned = [warning.startswith("ignore_errors does not apply t") for warning in gates.screen.warnings]
    assert warned == ([True] if ignored and expected == FAILED else [])


def test_the_environment_of_the_task_counts_for_this_task_alone(
    gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
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
    assert outcome(gates.run(None, args)) == FAILED
    assert len(emulator.requests) == 2


# The screen


def test_with_no_log_it_prints_nothing(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING*20,http:503*3,ACCEPTING,SUCCESS")
    hosts = {"ansible_play_batch": ["h1", "h2"]}
    assert outcome(gates.run(emulator, {"delivery_order_id": "a"}, hosts, task={"no_log": True})) == OPEN
    assert (gates.screen.shown, gates.screen.warnings) == ([], [])


@pytest.mark.parametrize(("stdout_callback", "to_stderr"), [("default", False), ("junit", True)])
def test_its_lines_name_the_host_and_break_no_json(
    gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch, stdout_callback: str, to_stderr: bool
) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", stdout_callback)
    gates.run(emulate("a=PROCESSING,SUCCESS"), {"delivery_order_id": "a"}, {"inventory_hostname": "rack-7"})
    assert [shown[2] for shown in gates.screen.shown] == [to_stderr] * 2
    assert all(line.startswith("[rack-7] ") for line in gates.screen.lines())


@pytest.mark.parametrize(
    ("forks", "life", "run_once", "warnings"),
    [(1, "PROCESSING,", False, 1), (2, "PROCESSING,", False, 0), (1, "", False, 0), (1, "PROCESSING,", True, 0)],
)
def test_a_warning_says_that_hosts_wait_in_turns(
    gates: Gates,
    emulate: Emulate,
    monkeypatch: pytest.MonkeyPatch,
    forks: int,
    life: str,
    run_once: bool,
    warnings: int,
) -> None:
    monkeypatch.setattr(gate_action, "context", SimpleNamespace(CLIARGS={"forks": forks}))
    hosts = {"ansible_play_batch": ["h1", "h2"]}
    gates.run(emulate(f"a={life}SUCCESS"), {"delivery_order_ids": ["a"]}, hosts, task={"run_once": run_once})
    assert [each[:36] for each in gates.screen.warnings] == ["2 hosts wait at the gate in turns of"] * warnings


# Secrets, and text from a server


@pytest.mark.parametrize("life", ["echo:401", "PROCESSING,echo:503,SUCCESS"])
@pytest.mark.parametrize(
    "secrets", [{"auth_token": TOKEN}, {"access_key": "emulator-access-key", "secret_key": "emulator-secret-key"}]
)
def test_a_credential_that_the_server_repeats_is_masked(
    gates: Gates, emulate: Emulate, life: str, secrets: Result
) -> None:
    emulator = emulate(f"a={life}")
    result = gates.run(None, {"delivery_order_id": "a", "endpoint": emulator.url, **secrets})
    assert emulator.requests
    *_others, secret = secrets
    assert result["invocation"]["module_args"][secret] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert secrets[secret] not in json.dumps(result, default=str) + str(gates.screen.shown)


def test_a_server_makes_no_template(gates: Gates, emulate: Emulate) -> None:
    order = OrderPlan("a", "{{ 1 + 1 }}", parse_life(["SUCCESS"]), "site-a")
    result = gates.run(emulate(order), delivery_order_id="a")
    for value in (result["msg"], result["delivery_order"]["name"]):
        # Before ansible-core 2.19, a string is a template unless it is of a type that says it is not.
        assert type(value).__name__ in ("AnsibleUnsafeText", "str")
        assert not getattr(value, "_ansible_tags_mapping", None)


# What others make of its result


@pytest.mark.parametrize("life", ["SUCCESS", "PROCESSING", "FAIL", "http:503", "http:404"])
def test_the_tests_and_the_report_take_its_result(gates: Gates, emulate: Emulate, life: str) -> None:
    result = gates.run(emulate("b=SUCCESS", f"a={life}"), delivery_order_ids=["b", "a"], wait_timeout=0)
    assert delivery_order_succeeded(result) is (life == "SUCCESS")
    assert delivery_order_settled(result) is (life in ("SUCCESS", "FAIL", "http:404"))
    assert report(result) == result["msg"]


@pytest.mark.parametrize("value", ["canary", ["canary"], {"token": "canary"}])
def test_the_value_of_a_misspelled_option_is_not_shown(gates: Gates, value: object) -> None:
    result = gates.run(None, {"delivery_order_id": "a", "token": value})
    assert "Unsupported parameters" in result["msg"]
    assert result["invocation"]["module_args"]["delivery_order_id"] == "a"
    assert "canary" not in str(result)
