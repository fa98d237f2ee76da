# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of lives, and orders on their way through them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import parse_listing_fault
from ansible_collections.huaweicloud.cloudpond.tests.emulator._lives import parse_service
from ansible_collections.huaweicloud.cloudpond.tests.emulator._orders import OrderBook, parse_order, parse_orders
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import DOMAIN_ID, CrowdedClock, FakeClock, get


def order_book(*orders: str, clock: Callable[[], float]) -> OrderBook:
    plans = [plan for order in orders for plan in parse_order(order)]
    return OrderBook(plans, parse_service("ok", "the listing", parse_listing_fault), DOMAIN_ID, clock)


class Watched:
    """An order in a book with a clock that stands until the test moves it."""

    def __init__(self, life: str) -> None:
        self.clock = FakeClock()
        self._book = order_book(f"0000-a={life}", clock=self.clock)

    def poll(self) -> dict[str, Any]:
        poll = self._book.poll("0000-a")
        assert poll is not None
        return {**poll.entry, "fault": poll.fault.text if poll.fault else None}

    def shows(self) -> str:
        order = self.poll()
        return f"{order['status']} {order['fault']}" if order["fault"] else str(order["status"])

    def at(self, seconds: float) -> str:
        """Poll that many seconds after the start."""
        self.clock.now = 1000.0 + seconds
        return self.shows()


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        ("SUCCESS", ["SUCCESS", "SUCCESS"]),
        ("PROCESSING,SUCCESS", ["PROCESSING", "SUCCESS", "SUCCESS"]),
        ("PROCESSING*3,FAIL", ["PROCESSING", "PROCESSING", "PROCESSING", "FAIL", "FAIL"]),
        ("PROCESSING*1,ACCEPTING*2,DELETED", ["PROCESSING", "ACCEPTING", "ACCEPTING", "DELETED"]),
        ("PROCESSING, http:503 ,CANCELLED", ["PROCESSING", "PROCESSING http:503", "CANCELLED"]),
        ("ACCEPTING,reset*2,SUCCESS", ["ACCEPTING", "ACCEPTING reset", "ACCEPTING reset", "SUCCESS"]),
        ("ACCEPTING,empty,no-order,SUCCESS", ["ACCEPTING", "ACCEPTING empty", "ACCEPTING no-order", "SUCCESS"]),
        ("PROCESSING,html", ["PROCESSING", "PROCESSING html", "PROCESSING html"]),
        ("reset,SUCCESS", ["PROCESSING reset", "SUCCESS"]),
        ("ON_HOLD_2,SUCCESS", ["ON_HOLD_2", "SUCCESS"]),
    ],
)
def test_life_by_polls(life: str, shown: list[str]) -> None:
    order = Watched(life)
    assert [order.shows() for _poll in shown] == shown


def test_seconds_begin_at_the_first_poll() -> None:
    order = Watched("PROCESSING@10,SUCCESS")
    assert order.at(500) == "PROCESSING"
    assert order.at(509.9) == "PROCESSING"
    assert order.at(510) == "SUCCESS"


def test_seconds_follow_each_other_whether_or_not_anybody_looks() -> None:
    order = Watched("PROCESSING@10,ACCEPTING@2.5,SUCCESS")
    assert order.at(0) == "PROCESSING"
    assert order.at(12) == "ACCEPTING"
    assert order.at(12.5) == "SUCCESS"


def test_step_by_seconds_that_nobody_saw_is_over() -> None:
    order = Watched("PROCESSING@10,ACCEPTING@2,SUCCESS")
    assert order.at(0) == "PROCESSING"
    assert order.at(12) == "SUCCESS"


def test_seconds_after_polls_begin_at_the_poll_that_first_shows_the_step() -> None:
    order = Watched("PROCESSING*2,ACCEPTING@5,SUCCESS")
    assert order.at(0) == "PROCESSING"
    assert order.at(100) == "PROCESSING"
    assert order.at(200) == "ACCEPTING"
    assert order.at(204) == "ACCEPTING"
    assert order.at(205) == "SUCCESS"


def test_polls_after_seconds_are_counted_from_the_step_on() -> None:
    order = Watched("PROCESSING@5,ACCEPTING*2,SUCCESS")
    assert [order.at(0), order.at(1), order.at(2)] == ["PROCESSING"] * 3
    assert [order.at(50), order.at(50)] == ["ACCEPTING"] * 2
    assert order.at(50) == "SUCCESS"


def test_fault_by_seconds() -> None:
    order = Watched("ACCEPTING,http:503@30,SUCCESS")
    assert order.at(0) == "ACCEPTING"
    assert [order.at(1), order.at(30.5)] == ["ACCEPTING http:503"] * 2
    assert order.at(31) == "SUCCESS"


def test_order_has_the_specification_s_eight_keys() -> None:
    order = Watched("PROCESSING,SUCCESS").poll()
    del order["fault"]
    assert list(order) == [
        "id",
        "name",
        "domain_id",
        "status",
        "edge_site_id",
        "effected_at",
        "created_at",
        "updated_at",
    ]
    assert order["id"] == "0000-a"
    assert order["domain_id"] == DOMAIN_ID
    assert re.fullmatch(r"delivery_order-[0-9a-z]{5}", order["name"])
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", order["edge_site_id"])


def moment(timestamp: str) -> datetime:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", timestamp)
    return datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def test_times_follow_the_status() -> None:
    watched = Watched("PROCESSING*2,http:500,ACCEPTING@20,SUCCESS*2,DELETED")
    polls = []
    for seconds in (5, 10, 20, 30, 60, 70, 80):
        watched.clock.now = 1000.0 + seconds
        polls.append(watched.poll())
    created = moment(polls[0]["created_at"])
    assert abs((datetime.now(timezone.utc) - created).total_seconds()) < 60
    assert {order["created_at"] for order in polls} == {polls[0]["created_at"]}
    moved = [(moment(order["updated_at"]) - created).total_seconds() for order in polls]
    # Nothing changed until ACCEPTING at 30; it was over at 50, before the poll at 60 saw it.
    assert moved == [0, 0, 0, 30, 50, 50, 80]


def test_effected_at_comes_with_success_and_stays() -> None:
    watched = Watched("ACCEPTING@10,SUCCESS@10,DELETED")
    assert watched.poll()["effected_at"] is None
    watched.clock.now += 12
    succeeded = watched.poll()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", succeeded["effected_at"])
    assert succeeded["effected_at"][:19] == succeeded["updated_at"][:19]
    watched.clock.now += 10
    deleted = watched.poll()
    assert deleted["status"] == "DELETED"
    assert deleted["effected_at"] == succeeded["effected_at"]


def test_effected_at_stays_null_in_a_failed_order() -> None:
    watched = Watched("PROCESSING,FAIL")
    assert [watched.poll()["effected_at"], watched.poll()["effected_at"]] == [None, None]


def test_orders_live_apart() -> None:
    book = order_book("a=PROCESSING,SUCCESS", "b=ACCEPTING,FAIL", clock=FakeClock())
    shown = []
    for order_id in ("a", "b", "a", "b"):
        poll = book.poll(order_id)
        assert poll is not None
        shown.append(poll.entry["status"])
    assert shown == ["PROCESSING", "ACCEPTING", "SUCCESS", "FAIL"]
    assert book.poll("c") is None


def test_polls_at_the_same_time_are_taken_one_by_one() -> None:
    clock = CrowdedClock()
    book = order_book("0000-a=SUCCESS", clock=clock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(book.poll, ["0000-a"] * 20))
    assert clock.most == 1


def test_emulator_counts_by_the_injected_clock() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=PROCESSING@3600,SUCCESS"], clock=clock) as emulator:
        assert get(emulator.url).order["status"] == "PROCESSING"
        clock.now += 3600
        assert get(emulator.url).order["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not ID=LIFE"),
        ("0000-a", "'0000-a' is not ID=LIFE, such as 0000-a=PROCESSING*2,SUCCESS"),
        ("=SUCCESS", "'' can't be an order's ID: use letters, digits, '-' and '_'"),
        ("a/b=SUCCESS", "'a/b' can't be an order's ID"),
        ("a=", "order a: the step '' has neither a status nor a fault"),
        ("a=PROCESSING,,SUCCESS", "the step '' has neither a status nor a fault"),
        ("a=*2,SUCCESS", "the step '*2' has neither a status nor a fault"),
        ("a=SUCCESS*2", "the last step 'SUCCESS*2' lasts forever: leave '*2' off, or add what follows it"),
        ("a=PROCESSING,reset@5", "the last step 'reset@5' lasts forever"),
        ("a=PROCESSING*0,SUCCESS", "after * comes a whole number of polls, 1 or more"),
        ("a=PROCESSING*1.5,SUCCESS", "after * comes a whole number of polls"),
        ("a=PROCESSING*,SUCCESS", "after * comes a whole number of polls"),
        ("a=PROCESSING*2@3,SUCCESS", "after * comes a whole number of polls"),
        ("a=PROCESSING@,SUCCESS", "after @ comes a number of seconds above 0, such as 2.5"),
        ("a=PROCESSING@0,SUCCESS", "after @ comes a number of seconds above 0"),
        ("a=PROCESSING@-1,SUCCESS", "after @ comes a number of seconds above 0"),
        ("a=PROCESSING@inf,SUCCESS", "after @ comes a number of seconds above 0"),
        ("a=processing", "'processing' is neither a status (upper case, such as PROCESSING) nor a fault (http:CODE, "),
        ("a=http", "'http': write http:CODE, where CODE is an HTTP status from 400 to 599"),
        ("a=http:200", "'http:200': write http:CODE, where CODE is an HTTP status from 400 to 599"),
        ("a=http:600", "'http:600': write http:CODE"),
        ("a=html:", "'html:': write html[:CODE], where CODE is an HTTP status from 400 to 599"),
        ("a=echo:x", "'echo:x': write echo[:CODE]"),
        ("a=reset:5", "'reset:5': reset takes no argument"),
        ("a=slow", "'slow': write slow:SECONDS, where SECONDS is a number above 0, at most 86400"),
        ("a=slow:0", "'slow:0': write slow:SECONDS"),
        ("a=down:86401", "'down:86401': write down:SECONDS"),
        ("a=down:nan", "'down:nan': write down:SECONDS"),
        (
            "a=throttled:1.5",
            "'throttled:1.5': write throttled:SECONDS, where SECONDS is a whole number from 0 to 86400",
        ),
        ("a=ok", "'ok' is neither a status (upper case, such as PROCESSING) nor a fault (http:CODE, "),
        ("a=no-page-info", "'no-page-info': no-page-info is a fault of the listing only"),
        ("a-{2..1}=FAIL", "the range of 'a-{2..1}' must go up, and have at most 100000 numbers"),
        ("a-{0..100000}=FAIL", "the range of 'a-{0..100000}' must go up, and have at most 100000 numbers"),
        ("a-{1..2..3}=FAIL", "'a-{1..2..3}' can't be an order's ID: use letters, digits, '-' and '_', and for many"),
        ("a.{1..2}=FAIL", "'a.{1..2}' can't be an order's ID"),
        ("{1..2}-{1..2}=FAIL", "'{1..2}-{1..2}' can't be an order's ID"),
        ("a-{1..2}=FAIL*2", "order a-{1..2}: the last step 'FAIL*2' lasts forever"),
    ],
)
def test_bad_order_is_told_what_is_right(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Emulator([text])


def test_orders_of_a_file() -> None:
    plans = parse_orders("""
        {"orders": [
            {"id": "0000-a", "name": "rack 7", "edge_site_id": "site", "life": ["PROCESSING*2", "http:503", "SUCCESS"]},
            {"id": "0000-b", "life": ["FAIL"]}
        ]}
    """)
    assert [plan.id for plan in plans] == ["0000-a", "0000-b"]
    assert (plans[0].name, plans[0].edge_site_id) == ("rack 7", "site")
    assert plans[0].life == parse_order("0000-a=PROCESSING*2,http:503,SUCCESS")[0].life
    assert plans[1:] == parse_order("0000-b=FAIL")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], 'the file must be {"orders": [ORDER, ...]}'),
        ({}, "the file must be"),
        ({"orders": {}}, "the file must be"),
        ({"orders": [], "other": 1}, "the file must be"),
        ({"orders": ["0000-a=SUCCESS"]}, 'order number 1 must be {"id": "...", "life": ["STEP", ...]}'),
        ({"orders": [{"id": "a", "life": ["FAIL"]}, {"id": "b"}]}, "order number 2 must be"),
        ({"orders": [{"id": "a", "life": "SUCCESS"}]}, "order number 1 must be"),
        ({"orders": [{"id": 1, "life": ["SUCCESS"]}]}, "order number 1 must be"),
        ({"orders": [{"id": "a", "life": [1]}]}, "order number 1 must be"),
        ({"orders": [{"id": "a", "life": ["SUCCESS"], "name": ""}]}, "order number 1 must be"),
        ({"orders": [{"id": "a", "life": ["SUCCESS"], "nam": "x"}]}, "order number 1 must be"),
        ({"orders": [{"id": "a", "life": []}]}, "order a: a life has at least one step"),
        ({"orders": [{"id": "a", "life": ["PROCESSING,SUCCESS"]}]}, "order a: 'PROCESSING,SUCCESS' is neither"),
    ],
)
def test_bad_file_is_told_what_is_right(content: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_orders(json.dumps(content))


def test_file_that_is_not_json() -> None:
    with pytest.raises(ValueError, match=r"^not JSON: .*line 1"):
        parse_orders("orders:\n")


@pytest.mark.parametrize(
    ("id_text", "ids"),
    [
        ("a-{1..3}", ["a-1", "a-2", "a-3"]),
        ("{8..11}", ["8", "9", "10", "11"]),
        ("{08..11}_b", ["08_b", "09_b", "10_b", "11_b"]),
        ("{8..011}", ["008", "009", "010", "011"]),
        ("x{0..0}", ["x0"]),
        ("{0..10}", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]),
    ],
)
def test_range_in_the_id(id_text: str, ids: list[str]) -> None:
    plans = parse_order(f"{id_text}=PROCESSING,FAIL")
    assert [plan.id for plan in plans] == ids
    assert {plan.life for plan in plans} == {parse_order("a=PROCESSING,FAIL")[0].life}
    assert len({plan.name for plan in plans}) == len({plan.edge_site_id for plan in plans}) == len(ids)
    entry = {"id": id_text, "life": ["PROCESSING", "FAIL"]}
    assert parse_orders(json.dumps({"orders": [entry]})) == plans


def test_orders_of_a_range_live_apart() -> None:
    with Emulator(["site-{1..2}=PROCESSING,SUCCESS"]) as emulator:
        shown = [get(emulator.url, order_id).order["status"] for order_id in ("site-1", "site-1", "site-2")]
    assert shown == ["PROCESSING", "SUCCESS", "PROCESSING"]


@pytest.mark.parametrize("orders", [["a=SUCCESS", "a=FAIL"], ["{1..2}=FAIL", "a=FAIL", "{2..3}=FAIL"]])
def test_order_described_twice(orders: Sequence[str]) -> None:
    with pytest.raises(ValueError, match=r"order (a|2) is described twice"):
        Emulator(orders)
