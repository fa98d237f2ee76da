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

from ...conftest import DOMAIN_ID, ENDPOINTS_WITH_A_PASSWORD, TOKEN
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

    def at(self, emulator: Emulator) -> list[float]:
        """Return when the requests came, in seconds after the beginning."""
        return [request.at for request in emulator.requests]


@pytest.fixture
def gates(retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gates:
    return Gates(retry_clock, monkeypatch, tmp_path)


def outcome(result: Result) -> tuple[bool, bool]:
    """Return whether a gate is open, and whether its task has failed."""
    return result["open"], bool(result.get("failed"))


# Opening, waiting, and staying shut


def test_a_delivered_order_opens_the_gate_at_once(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == OPEN
    assert result["elapsed"] == 0
    assert result["delivery_order"]["status"] == "SUCCESS"
    assert result["delivery_orders"] == [result["delivery_order"]]
    assert result["msg"].endswith("Every order is delivered: the gate is open.")
    assert not {"failed", "error", "edge_sites", "listed", "missing"} & result.keys()
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (1, [], [])


def test_many_orders_open_it_when_the_last_one_is_delivered(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=PROCESSING@100,SUCCESS", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_ids=["b", "a"])
    assert outcome(result) == OPEN
    assert result["elapsed"] == 120
    assert [order["id"] for order in result["delivery_orders"]] == ["b", "a"]
    assert "delivery_order" not in result


def test_it_waits_until_the_order_is_delivered_and_says_what_happens(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING@100,ACCEPTING@100,SUCCESS", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == OPEN
    assert (result["elapsed"], gates.pauses, gates.at(emulator)) == (240, [60] * 4, [0, 60, 120, 180, 240])
    name = f"{result['delivery_order']['name']} (a)"
    assert gates.screen.shown[0][0].endswith(f":00:00 {name}: PROCESSING")
    assert gates.screen.lines() == [
        f"{name}: PROCESSING",
        f"{name}: PROCESSING -> ACCEPTING, waiting for 2 min: "
        "the customer must accept the delivery in the CloudPond console",
        f"{name}: ACCEPTING -> SUCCESS, waited for 4 min",
    ]


def test_by_default_it_waits_for_an_hour_and_asks_each_minute(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == FAILED
    assert result["elapsed"] == 3600
    assert gates.at(emulator) == [60 * number for number in range(61)]
    assert [line for line in gates.screen.lines() if "still waiting" in line] == [
        "still waiting after 15 min: 1 PROCESSING",
        "still waiting after 30 min: 1 PROCESSING",
    ]


def test_the_last_query_is_sent_when_the_time_is_over(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING@99,SUCCESS", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a", wait_timeout=100, wait_sleep=60)
    assert outcome(result) == OPEN
    assert (gates.at(emulator), result["elapsed"]) == ([0, 60, 100], 100)


def test_the_last_query_is_the_last_one(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING@101,SUCCESS", clock=gates.clock.monotonic)
    assert outcome(gates.run(emulator, delivery_order_id="a", wait_timeout=100, wait_sleep=1000)) == FAILED
    assert gates.at(emulator) == [0, 100]


@pytest.mark.parametrize(
    ("life", "max_retries", "requests", "expected"),
    [
        ("SUCCESS", 5, 1, OPEN),
        ("PROCESSING,SUCCESS", 5, 1, FAILED),
        ("http:503*2,SUCCESS", 5, 3, OPEN),
        ("http:503*2,SUCCESS", 1, 2, FAILED),
        ("reset*3,PROCESSING", 5, 4, FAILED),
    ],
)
def test_without_time_it_asks_once_with_the_retries_of_a_query(
    gates: Gates, emulate: Emulate, life: str, max_retries: int, requests: int, expected: tuple[bool, bool]
) -> None:
    emulator = emulate(f"a={life}")
    result = gates.run(emulator, delivery_order_id="a", wait_timeout=0, max_retries=max_retries)
    assert outcome(result) == expected
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (requests, [], [])


def test_no_retry_begins_after_the_time(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=http:503", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a", wait_timeout=100, wait_sleep=60, max_retries=1000)
    assert outcome(result) == FAILED
    assert len(emulator.requests) > 5
    assert max(gates.at(emulator)) == 100
    assert result["elapsed"] == 100


def test_no_retry_waits_longer_than_the_time_for_a_throttling_server(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=throttled:50*5,SUCCESS", clock=gates.clock.monotonic)
    result = gates.run(emulator, delivery_order_id="a", wait_timeout=70, wait_sleep=60, max_retries=9)
    assert outcome(result) == FAILED
    assert max(gates.at(emulator)) <= 70


@pytest.mark.parametrize("in_progress", ["fail", "continue"])
@pytest.mark.parametrize("status", ["FAIL", "CANCELLED", "DELETED"])
def test_an_order_that_ended_otherwise_ends_it_at_once(
    gates: Gates, emulate: Emulate, status: str, in_progress: str
) -> None:
    emulator = emulate(f"a={status}", "b=PROCESSING", "c=SUCCESS")
    for ids in (["a"], ["b", "a"], ["c", "a"]):
        result = gates.run(emulator, delivery_order_ids=ids, in_progress=in_progress)
        assert outcome(result) == FAILED
        assert f"(a) has been {status} since " in result["msg"]
        assert "put the ID of the order that replaces it into the inventory" in result["msg"]
    assert (gates.pauses, gates.screen.shown) == ([], [])


def test_an_order_that_ends_otherwise_while_it_waits_ends_it_then(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING*2,FAIL", "b=PROCESSING")
    result = gates.run(emulator, delivery_order_ids=["a", "b"], in_progress="continue")
    assert outcome(result) == FAILED
    assert result["elapsed"] == 120


@pytest.mark.parametrize("in_progress", ["fail", "continue"])
@pytest.mark.parametrize(
    ("life", "http_status"),
    [
        ("http:400", 400),
        ("http:401", 401),
        ("http:403", 403),
        ("http:404", 404),
        ("redirect", 302),
        ("not-json", 200),
        ("no-order", 200),
        ("other-order", 200),
        ("duplicate-keys", 200),
    ],
)
def test_a_failure_that_waiting_cannot_cure_ends_it_at_once(
    gates: Gates, emulate: Emulate, life: str, http_status: int, in_progress: str
) -> None:
    emulator = emulate(f"a={life},SUCCESS")
    result = gates.run(emulator, delivery_order_id="a", in_progress=in_progress, max_retries=5)
    assert outcome(result) == FAILED
    assert (result["error"]["http_status"], result["error"]["retryable"]) == (http_status, False)
    assert result["msg"].startswith("Cannot query delivery order 'a': ")
    assert (len(emulator.requests), gates.pauses, gates.screen.shown) == (1, [], [])


def test_a_wrong_token_is_sent_once(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, delivery_order_id="a", auth_token="wrong-token", max_retries=5)
    assert outcome(result) == FAILED
    assert "Renew the token" in result["msg"]
    assert len(emulator.requests) == 1


def test_an_unknown_order_ends_it_at_once_and_what_was_found_is_there(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=PROCESSING")
    result = gates.run(emulator, delivery_order_ids=["x", "a", "y", "b"], in_progress="continue")
    assert outcome(result) == FAILED
    assert [order["id"] for order in result["delivery_orders"]] == ["a", "b"]
    assert "Cannot query delivery order 'x' and delivery order 'y': HTTP 404" in result["msg"]
    assert "(b) has been PROCESSING" in result["msg"]
    assert "the gate is open" not in result["msg"]


@pytest.mark.parametrize("outage", ["http:503*3,reset*2", "http:408,http:429*2,http:500,cut-short", "reset*5"])
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


def test_an_outage_in_the_first_place_is_waited_out(gates: Gates, emulate: Emulate) -> None:
    assert outcome(gates.run(emulate("a=http:503*3,SUCCESS"), delivery_order_id="a")) == OPEN


@pytest.mark.parametrize("in_progress", ["fail", "continue"])
@pytest.mark.parametrize("life", ["http:503", "PROCESSING*2,http:503"])
def test_an_outage_until_the_end_is_a_failure(gates: Gates, emulate: Emulate, life: str, in_progress: str) -> None:
    result = gates.run(emulate(f"a={life}"), delivery_order_id="a", in_progress=in_progress)
    assert outcome(result) == FAILED
    assert (result["elapsed"], result["error"]["http_status"], result["error"]["retryable"]) == (3600, 503, True)
    assert "delivery_orders" not in result
    assert "The API did not answer in the end" in result["msg"]


@pytest.mark.parametrize("life", ["PROCESSING", "ACCEPTING", "ON_HOLD"])
@pytest.mark.parametrize("wait_timeout", [0, 100])
def test_the_play_can_go_on_while_an_order_is_in_progress(
    gates: Gates, emulate: Emulate, life: str, wait_timeout: int
) -> None:
    args = {"delivery_order_ids": ["a", "b"], "wait_timeout": wait_timeout}
    result = gates.run(emulate(f"a={life}", "b=SUCCESS"), args, in_progress="continue")
    assert outcome(result) == CONTINUED
    assert (result["elapsed"], len(result["delivery_orders"])) == (wait_timeout, 2)
    assert "the gate is open" not in result["msg"]
    assert outcome(gates.run(emulate(f"a={life}", "b=SUCCESS"), args)) == FAILED


def test_an_unknown_status_is_waited_for(gates: Gates, emulate: Emulate) -> None:
    result = gates.run(emulate("a=ON_HOLD*2,SUCCESS"), delivery_order_id="a")
    assert outcome(result) == OPEN
    assert result["elapsed"] == 120
    assert ': unknown status "ON_HOLD"' in gates.screen.lines()[0]


# Edge sites


def orders_of_sites(**lives: str) -> list[OrderPlan]:
    """Orders with these lives, each of the site of the same name."""
    return [OrderPlan(name, name, parse_life(life.split(",")), f"site-{name}") for name, life in lives.items()]


def test_an_available_site_opens_the_gate(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=available"])
    result = gates.run(emulator, delivery_order_id="a", edge_site_available=True)
    assert outcome(result) == OPEN
    assert [site["id"] for site in result["edge_sites"]] == ["site-a"]
    assert result["msg"].endswith("Every order is delivered: the gate is open.")
    assert "edge site site-a available." in result["msg"]


def test_sites_are_asked_for_only_if_the_gate_waits_for_them(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=deploying"])
    result = gates.run(emulator, delivery_order_id="a")
    assert outcome(result) == OPEN
    assert "edge_sites" not in result
    assert len(emulator.requests) == 1


def test_a_site_is_asked_for_once_its_order_is_delivered(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="PROCESSING*2,SUCCESS"), edge_sites=["site-a=deploying,available"])
    result = gates.run(emulator, delivery_order_id="a", edge_site_available=True)
    assert outcome(result) == OPEN
    assert result["elapsed"] == 180
    assert [request.edge_site_id for request in emulator.requests if request.edge_site_id] == ["site-a"] * 2
    assert gates.screen.lines()[1:] == [
        "a (a): PROCESSING -> SUCCESS, edge site site-a deploying, waiting for 2 min",
        "a (a): SUCCESS, edge site site-a deploying -> SUCCESS, edge site site-a available, waited for 3 min",
    ]


@pytest.mark.parametrize("status", ["initial", "deploying", "unavailable", "AVAILABLE", "ON_HOLD"])
def test_a_site_in_any_other_status_is_in_progress(gates: Gates, emulate: Emulate, status: str) -> None:
    for in_progress, expected in (("fail", FAILED), ("continue", CONTINUED)):
        emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=[f"site-a={status}"])
        result = gates.run(emulator, delivery_order_id="a", edge_site_available=True, in_progress=in_progress)
        assert outcome(result) == expected
        assert result["elapsed"] == 3600
        assert "Still in progress after " in result["msg"]
        assert f"edge site site-a {status}." in result["msg"]
        assert delivery_order_succeeded(result)
        assert not edge_site_available(result)


def test_a_delivered_order_without_a_site_is_in_progress(gates: Gates, emulate: Emulate) -> None:
    order = OrderPlan("a", "a", parse_life(["SUCCESS"]), "")
    for in_progress, expected in (("fail", FAILED), ("continue", CONTINUED)):
        result = gates.run(
            emulate(order), delivery_order_id="a", edge_site_available=True, wait_timeout=60, in_progress=in_progress
        )
        assert outcome(result) == expected
        assert result["edge_sites"] == []
        assert "the gate is open" not in result["msg"]
    assert gates.screen.lines()[0] == "a (a): SUCCESS, no edge site yet"


def test_one_site_of_two_does_not_open_the_gate(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(
        *orders_of_sites(a="SUCCESS", b="SUCCESS"), edge_sites=["site-a=available", "site-b=deploying*3,available"]
    )
    result = gates.run(emulator, delivery_order_ids=["a", "b"], edge_site_available=True)
    assert outcome(result) == OPEN
    assert result["elapsed"] == 180


@pytest.mark.parametrize("in_progress", ["fail", "continue"])
def test_an_unknown_site_is_a_dead_end(gates: Gates, emulate: Emulate, in_progress: str) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS", b="SUCCESS", c="PROCESSING"), edge_sites=["site-b=available"])
    result = gates.run(emulator, delivery_order_ids=["a", "b", "c"], edge_site_available=True, in_progress=in_progress)
    assert outcome(result) == FAILED
    assert (result["elapsed"], result["error"]["http_status"]) == (0, 404)
    assert "Cannot query edge site 'site-a': HTTP 404" in result["msg"]
    assert [site["id"] for site in result["edge_sites"]] == ["site-b"]
    assert len(result["delivery_orders"]) == 3


def test_an_outage_of_the_sites_is_waited_out(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=http:503*3,available"])
    result = gates.run(emulator, delivery_order_id="a", edge_site_available=True)
    assert outcome(result) == OPEN
    assert result["elapsed"] == 180
    assert gates.screen.lines()[0].startswith("outage: Cannot query edge site 'site-a': HTTP 503")


def test_an_outage_of_the_sites_until_the_end_is_a_failure(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=http:503"])
    result = gates.run(emulator, delivery_order_id="a", edge_site_available=True, in_progress="continue")
    assert outcome(result) == FAILED
    assert result["delivery_order"]["status"] == "SUCCESS"
    assert "the gate is open" not in result["msg"]


def test_no_retry_of_the_sites_begins_after_the_time(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate(*orders_of_sites(a="SUCCESS"), edge_sites=["site-a=http:503"], clock=gates.clock.monotonic)
    gates.run(emulator, delivery_order_id="a", edge_site_available=True, wait_timeout=30, max_retries=99)
    assert max(gates.at(emulator)) == 30


# Arguments


NULL: t.Any = None

#: What ansible-core before 2.17 says of a null.
NOT_TEXT = "'None' is not a string and conversion is not allowed"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "delivery_order_id or delivery_order_ids must be given, and must not be null"),
        ({"delivery_order_id": NULL}, "delivery_order_id or delivery_order_ids must be given, and must not be null"),
        ({"delivery_order_ids": NULL}, "delivery_order_id or delivery_order_ids must be given, and must not be null"),
        ({"delivery_order_id": ""}, "an ID is empty, blank or null: check the variable it comes from"),
        ({"delivery_order_id": " \n"}, "an ID is empty, blank or null"),
        ({"delivery_order_ids": []}, "delivery_order_ids is empty: a gate without orders would prove nothing"),
        ({"delivery_order_ids": ""}, "an ID is empty, blank or null"),
        ({"delivery_order_ids": ["a", NULL]}, f"an ID is empty, blank or null|{NOT_TEXT}"),
        ({"delivery_order_ids": [NULL]}, f"an ID is empty, blank or null|{NOT_TEXT}"),
        ({"delivery_order_ids": ["a", ""]}, "an ID is empty, blank or null"),
        ({"delivery_order_ids": ["a", " "]}, "an ID is empty, blank or null"),
        ({"delivery_order_ids": "a,,a"}, "an ID must be made of letters, digits, '-' and '_', and must not be empty"),
        ({"delivery_order_id": "../a"}, "an ID must be made of letters, digits, '-' and '_'"),
        ({"delivery_order_ids": ["a", "a/b"]}, "an ID must be made of letters, digits, '-' and '_'"),
        ({"delivery_order_id": "a", "delivery_order_ids": ["a"]}, "parameters are mutually exclusive"),
        ({"delivery_order_id": NULL, "delivery_order_ids": ["a"]}, "parameters are mutually exclusive"),
        ({"delivery_order_id": "a", "delivery_order_ids": NULL}, "parameters are mutually exclusive"),
        ({"delivery_order_id": "a", "wait_timeout": -1}, "wait_timeout must be at least 0: got -1"),
        ({"delivery_order_id": "a", "wait_sleep": 0}, "wait_sleep must be at least 1: got 0"),
        ({"delivery_order_id": "a", "wait_timeout": 10**400}, "wait_timeout must be at most 1000000000"),
        ({"delivery_order_id": "a", "wait_sleep": 10**12}, "wait_sleep must be at most 1000000000"),
        ({"delivery_order_id": "a", "wait_timeout": NULL}, "unable to convert to int"),
        ({"delivery_order_id": "a", "wait_sleep": "soon"}, "unable to convert to int"),
        ({"delivery_order_id": "a", "in_progress": "wait"}, "value of in_progress must be one of: fail, continue"),
        (
            {"delivery_order_id": "a", "in_progress": NULL},
            f"value of in_progress must be one of: fail, cont|{NOT_TEXT}",
        ),
        ({"delivery_order_id": "a", "edge_site_available": NULL}, "unable to convert to bool"),
        ({"delivery_order_id": "a", "status": ["SUCCESS"]}, "Unsupported parameters for (huaweicloud.cloudpond.x) mod"),
        ({"delivery_order_id": "a", "domain_id": ""}, "domain_id must be made of letters"),
        ({"delivery_order_id": "a", "auth_token": ""}, "auth_token must be one line"),
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
        assert outcome(result) == OPEN
        assert [order["id"] for order in result["delivery_orders"]] == ["a", "7"]
    assert outcome(gates.run(emulator, delivery_order_id=Vaulted("a"), auth_token=Vaulted(TOKEN))) == OPEN


def test_orders_that_sites_share_are_asked_for_once(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING,SUCCESS")
    result = gates.run(emulator, delivery_order_ids=["a", "a"])
    assert outcome(result) == OPEN
    assert [order["id"] for order in result["delivery_orders"]] == ["a", "a"]
    assert len(emulator.requests) == 2
    assert len(gates.screen.lines()) == 2


def test_check_mode_changes_nothing(gates: Gates, emulate: Emulate) -> None:
    result = gates.run(emulate("a=PROCESSING,SUCCESS"), delivery_order_id="a", task={"check_mode": True})
    assert outcome(result) == OPEN
    assert result["elapsed"] == 60


# Keywords

MANY = {"ansible_play_hosts_all": ["h1", "h2"], "ansible_play_batch": ["h1"]}
ONE = {"ansible_play_hosts_all": ["h1"], "ansible_play_batch": ["h1"]}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"async_val": 60}, "async is refused: the play would go on before the gate has decided"),
        ({"loop": ["a"]}, "a loop is refused: give all IDs as delivery_order_ids"),
        ({"loop": []}, "a loop is refused"),
        ({"loop_with": "items"}, "a loop is refused"),
    ],
)
def test_keywords_that_are_refused(gates: Gates, emulate: Emulate, keywords: Result, message: str) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, delivery_order_id="a", task=keywords, in_progress="continue")
    assert outcome(result) == FAILED
    assert message in result["msg"]
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("args", "hosts", "expected"),
    [
        ({"delivery_order_id": "a"}, ONE, OPEN),
        ({"delivery_order_id": "a"}, MANY, FAILED),
        ({"delivery_order_id": NULL}, MANY, FAILED),
        ({"delivery_order_ids": ["a"]}, ONE, OPEN),
        ({"delivery_order_ids": ["a"]}, MANY, OPEN),
    ],
)
def test_run_once(gates: Gates, emulate: Emulate, args: Result, hosts: Result, expected: tuple[bool, bool]) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, args, hosts, task={"run_once": True})
    assert outcome(result) == expected
    if expected == FAILED:
        assert "ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id')" in result["msg"]
        assert emulator.requests == []


def test_without_run_once_each_host_of_many_has_its_order(gates: Gates, emulate: Emulate) -> None:
    assert outcome(gates.run(emulate("a=SUCCESS"), {"delivery_order_id": "a"}, MANY)) == OPEN


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


@pytest.mark.parametrize("args", [{"delivery_order_id": "a"}, {"delivery_order_ids": ["a"]}])
@pytest.mark.parametrize(
    "chain",
    [
        [{**DYNAMIC, **ONCE}],
        [{**DYNAMIC, **ONCE}, BLOCK],
        [BLOCK, {**DYNAMIC, **ONCE}, BLOCK, STATIC],
        [{**DYNAMIC, **ONCE}, BLOCK, DYNAMIC],
    ],
)
def test_run_once_on_a_dynamic_include_is_refused_for_all_hosts(
    gates: Gates, emulate: Emulate, args: Result, chain: list[Result]
) -> None:
    emulator = emulate("a=SUCCESS")
    result = gates.run(emulator, args, ONE, task={"_parent": parents(*chain)})
    assert outcome(result) == FAILED
    assert "run_once on an include around the gate is refused" in result["msg"]
    assert gates.task.run_once is True
    assert emulator.requests == []


@pytest.mark.parametrize(
    "chain", [[BLOCK], [DYNAMIC, BLOCK], [{**STATIC, **ONCE}, BLOCK], [DYNAMIC, {**BLOCK, **ONCE}]]
)
def test_other_parents_are_not_refused(gates: Gates, emulate: Emulate, chain: list[Result]) -> None:
    task = {"_parent": parents(*chain)}
    assert outcome(gates.run(emulate("a=SUCCESS"), {"delivery_order_ids": ["a"]}, MANY, task)) == OPEN
    assert gates.task.run_once is False


def test_without_requests_it_says_how_to_install_it(
    gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_action, "REQUESTS_IMPORT_ERROR", "no requests")
    monkeypatch.setattr(gate_action, "sys", SimpleNamespace(executable="/opt/python"))
    result = gates.run(emulate("a=SUCCESS"), delivery_order_id="a", in_progress="continue")
    assert outcome(result) == FAILED
    assert "/opt/python -m pip install 'requests>=2.25'" in result["msg"]


@pytest.mark.parametrize(
    ("args", "keywords", "expected", "warns"),
    [
        ({"delivery_order_id": "a"}, {}, OPEN, False),
        ({"delivery_order_id": "b"}, {}, FAILED, True),
        ({"delivery_order_id": "c"}, {}, FAILED, True),
        ({"delivery_order_id": "c", "in_progress": "continue"}, {}, CONTINUED, False),
        ({}, {}, FAILED, True),
        ({"delivery_order_id": "a", "wrong": 1}, {}, FAILED, True),
        ({"delivery_order_id": "a"}, {"loop": ["a"]}, FAILED, True),
    ],
)
@pytest.mark.parametrize("ignore_errors", [True, False, None])
def test_its_failure_counts_whatever_ignore_errors_says(
    gates: Gates,
    emulate: Emulate,
    args: Result,
    keywords: Result,
    expected: tuple[bool, bool],
    warns: bool,
    ignore_errors: bool | None,
) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING")
    result = gates.run(emulator, args, wait_timeout=0, task={**keywords, "ignore_errors": ignore_errors})
    assert outcome(result) == expected
    assert gates.task.ignore_errors is False
    assert [warning[:30] for warning in gates.screen.warnings] == (
        ["ignore_errors does not apply t"] if warns and ignore_errors else []
    )


def test_a_crash_is_not_ignored(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gate_action, "answer", crash)
    with pytest.raises(ZeroDivisionError):
        gates.run(None, delivery_order_id="a", task={"ignore_errors": True})
    assert gates.task.ignore_errors is False


@pytest.mark.parametrize("environment", [[], [{"HW_AUTH_TOKEN": "of another block"}]])
def test_the_environment_of_the_task_counts_for_this_task_alone(
    gates: Gates, emulate: Emulate, environment: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate("a=http:503,SUCCESS")
    monkeypatch.setenv("HW_AUTH_TOKEN", "of the shell")
    before = dict(os.environ)
    of_task = {"HW_CLOUDPOND_ENDPOINT": emulator.url, "HW_AUTH_TOKEN": Vaulted(TOKEN), "HW_MAX_RETRIES": 1}
    args = {"delivery_order_id": "a", "wait_timeout": 0}
    action = make_action(
        gate_action.ActionModule, {**args, "domain_id": DOMAIN_ID}, environment=[*environment, of_task]
    )
    assert action.run(task_vars={})["open"] is True
    assert dict(os.environ) == before
    # The next task is without them.
    result = gates.run(None, args, max_retries=0)
    assert outcome(result) == FAILED
    assert len(emulator.requests) == 2


# The screen


def test_with_no_log_it_prints_nothing(gates: Gates, emulate: Emulate) -> None:
    emulator = emulate("a=PROCESSING*20,http:503*3,ACCEPTING,SUCCESS")
    hosts = {"ansible_play_batch": ["h1", "h2"]}
    assert outcome(gates.run(emulator, {"delivery_order_id": "a"}, hosts, task={"no_log": True})) == OPEN
    assert (gates.screen.shown, gates.screen.warnings) == ([], [])


def test_its_lines_name_the_host(gates: Gates, emulate: Emulate) -> None:
    args = {"delivery_order_id": "a"}
    gates.run(emulate("a=PROCESSING,SUCCESS"), args, {"inventory_hostname": "rack-7"})
    assert all(line.startswith("[rack-7] ") for line in gates.screen.lines())
    gates.run(emulate("a=PROCESSING,SUCCESS"), args, {"inventory_hostname": "localhost"})
    assert not any(line.startswith("[") for line in gates.screen.lines())


@pytest.mark.parametrize(("stdout_callback", "to_stderr"), [("default", False), ("junit", True)])
def test_its_lines_break_no_json(
    gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch, stdout_callback: str, to_stderr: bool
) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", stdout_callback)
    gates.run(emulate("a=PROCESSING,SUCCESS"), delivery_order_id="a")
    assert [shown[2] for shown in gates.screen.shown] == [to_stderr] * 2


@pytest.mark.parametrize(
    ("forks", "life", "keywords", "warns"),
    [
        (1, "PROCESSING,SUCCESS", {}, True),
        (1, "http:503,SUCCESS", {}, True),
        (2, "PROCESSING,SUCCESS", {}, False),
        (1, "SUCCESS", {}, False),
        (1, "FAIL", {}, False),
        (1, "PROCESSING,SUCCESS", {"run_once": True}, False),
    ],
)
def test_a_word_about_hosts_that_wait_in_turns(
    gates: Gates,
    emulate: Emulate,
    monkeypatch: pytest.MonkeyPatch,
    forks: int,
    life: str,
    keywords: Result,
    warns: bool,
) -> None:
    monkeypatch.setattr(gate_action, "context", SimpleNamespace(CLIARGS={"forks": forks}))
    hosts = {"ansible_play_batch": ["h1", "h2"]}
    gates.run(emulate(f"a={life}"), {"delivery_order_ids": ["a"]}, hosts, task=keywords)
    assert [warning[:47] for warning in gates.screen.warnings] == (
        ["2 hosts wait at the gate in turns of 1, the num"] if warns else []
    )


# Secrets, and text from a server


@pytest.mark.parametrize("life", ["echo:401", "echo:403", "echo:500", "PROCESSING,echo:503,SUCCESS", "echo:404"])
@pytest.mark.parametrize("wait_timeout", [0, 60])
def test_a_credential_that_the_server_repeats_is_masked(
    gates: Gates, emulate: Emulate, life: str, wait_timeout: int
) -> None:
    """The helper looks for the token in each result and line."""
    args: Result = {"delivery_order_id": "a", "wait_timeout": wait_timeout}
    result = gates.run(emulate(f"a={life}"), args)
    assert result["invocation"]["module_args"]["auth_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    keys: Result = {"access_key": "emulator-access-key", "secret_key": "emulator-secret-key"}
    emulator = emulate(f"a={life}")
    result = gates.run(None, args, endpoint=emulator.url, **keys)
    assert emulator.requests
    assert keys["secret_key"] not in json.dumps(result, default=str)


@pytest.mark.parametrize(("where", "endpoint"), ENDPOINTS_WITH_A_PASSWORD)
def test_a_password_in_the_endpoint_is_not_shown(
    gates: Gates, where: str, endpoint: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    args: Result = {"auth_token": TOKEN, "delivery_order_id": "a"}
    if where == "option":
        args["endpoint"] = endpoint
    else:
        monkeypatch.setenv("HW_CLOUDPOND_ENDPOINT", endpoint)
    result = gates.run(None, args)
    assert "must not contain a user name or password" in result["msg"]
    assert "canary" not in str(result)


def test_a_server_makes_no_template(gates: Gates, emulate: Emulate) -> None:
    order = OrderPlan("a", "{{ 1 + 1 }}", parse_life(["SUCCESS"]), "site-a")
    result = gates.run(emulate(order), delivery_order_id="a")
    for value in (result["msg"], result["delivery_order"]["name"]):
        # Before ansible-core 2.19, a string is a template unless it is of a type that says it is not.
        assert type(value).__name__ in ("AnsibleUnsafeText", "str")
        assert not getattr(value, "_ansible_tags_mapping", None)


# What others make of its result


@pytest.mark.parametrize("life", ["SUCCESS", "PROCESSING", "ACCEPTING", "FAIL", "http:503", "http:403"])
def test_the_tests_and_the_report_take_its_result(gates: Gates, emulate: Emulate, life: str) -> None:
    result = gates.run(emulate(f"a={life}"), delivery_order_id="a", wait_timeout=0, in_progress="continue")
    assert delivery_order_succeeded(result) is (life == "SUCCESS")
    assert delivery_order_settled(result) is (life in ("SUCCESS", "FAIL", "http:403"))
    assert report(result) == result["msg"]


def test_the_report_of_orders_beside_missing_ones_is_its_message(gates: Gates, emulate: Emulate) -> None:
    result = gates.run(emulate("a=SUCCESS"), delivery_order_ids=["a", "x"])
    assert report(result) == result["msg"]
    assert not delivery_order_succeeded(result)
    assert delivery_order_settled(result)


def test_it_ends_with_ctrl_c(gates: Gates, emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate_action, "time", SimpleNamespace(monotonic=gates.clock.monotonic, sleep=interrupt))
    with pytest.raises(KeyboardInterrupt):
        gates.run(emulate("a=PROCESSING"), delivery_order_id="a")
