# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of lives, and orders and sites on their way through them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._orders import OrderPlan, parse_order, parse_orders

from .client import ORDERS, SITES, FakeClock, get


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        ("SUCCESS", ["SUCCESS", "SUCCESS"]),
        ("PROCESSING*3,FAIL", ["PROCESSING", "PROCESSING", "PROCESSING", "FAIL"]),
        ("ON_HOLD_2, http:503*2 ,http:403", ["ON_HOLD_2", 503, 503, 403, 403]),
    ],
)
def test_an_order_lives_by_polls(life: str, shown: list[object]) -> None:
    with Emulator([f"0000-a={life}"]) as emulator:
        got = [get(emulator.url) for _poll in shown]
    assert [each.order["status"] if each.status == 200 else each.status for each in got] == shown


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        # The first step begins at the first poll.
        ("PROCESSING@10,SUCCESS", {500: "PROCESSING", 509.9: "PROCESSING", 510: "SUCCESS"}),
        # Seconds pass whether or not anybody looks.
        ("PROCESSING@10,ACCEPTING@2.5,FAIL", {0: "PROCESSING", 12: "ACCEPTING", 12.5: "FAIL"}),
        ("PROCESSING@10,ACCEPTING@2.5,FAIL", {0: "PROCESSING", 100: "FAIL"}),
        # A step after polls begins at the poll that shows it.
        ("PROCESSING,ACCEPTING@5,SUCCESS", {0: "PROCESSING", 50: "ACCEPTING", 54.9: "ACCEPTING", 55: "SUCCESS"}),
    ],
)
def test_an_order_lives_by_seconds(life: str, shown: dict[float, str]) -> None:
    clock = FakeClock()
    with Emulator([f"0000-a={life}"], clock=clock) as emulator:
        for clock.now, status in shown.items():
            assert get(emulator.url).order["status"] == status


def test_a_site_lives_as_an_order_does() -> None:
    with Emulator(["a=SUCCESS"], edge_sites=["a=no-order,trickle-body:0,deploying,other-order,available"]) as emulator:
        got = [get(emulator.url, f"{SITES}/a") for _time in range(5)]
        assert (emulator.requests[0].edge_site_id, emulator.requests[0].delivery_order_id) == ("a", None)
    sites = [each.json["edge_site"] for each in got[1:]]
    assert [site["id"] for site in sites] == ["a", "a", "other-a", "a"]
    assert [site["status"] for site in sites] == ["initial", "deploying", "deploying", "available"]


def test_dates_follow_the_status() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=PROCESSING@10,ACCEPTING@20,SUCCESS*2,DELETED"], clock=clock) as emulator:
        orders = []
        for clock.now in (0, 5, 40, 60, 70):
            orders.append(get(emulator.url).order)
    created = datetime.strptime(orders[0]["created_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
    updated = [(created + timedelta(seconds=after)).isoformat() + "Z" for after in (0, 0, 30, 30, 70)]
    assert [order["updated_at"] for order in orders] == updated
    # With the success, and to stay.
    effected = f"{updated[2][:19]}Z"
    assert [order["effected_at"] for order in orders] == [None, None, effected, effected, effected]


@pytest.mark.parametrize(
    ("id_text", "ids"),
    [
        ("a-{1..3}", ["a-1", "a-2", "a-3"]),
        ("{8..011}", ["008", "009", "010", "011"]),
    ],
)
def test_a_range_stands_for_many(id_text: str, ids: list[str]) -> None:
    plans = parse_order(f"{id_text}=PROCESSING,FAIL")
    assert [plan.id for plan in plans] == ids
    assert len({plan.name for plan in plans}) == len({plan.edge_site_id for plan in plans}) == len(ids)
    assert parse_orders(json.dumps({"orders": [{"id": id_text, "life": ["PROCESSING", "FAIL"]}]})) == plans
    with Emulator(plans, edge_sites=[f"{id_text}=available"]) as emulator:
        assert get(emulator.url, f"{ORDERS}/{ids[0]}").order["status"] == "PROCESSING"
        assert get(emulator.url, f"{ORDERS}/{ids[0]}").order["status"] == "FAIL"
        assert get(emulator.url, f"{ORDERS}/{ids[1]}").order["status"] == "PROCESSING"
        assert get(emulator.url, SITES).ids == ids


def test_a_file_names_orders_and_their_sites() -> None:
    (plan,) = parse_orders('{"orders": [{"id": "a", "name": "rack 7", "edge_site_id": "s", "life": ["FAIL"]}]}')
    assert plan == OrderPlan("a", "rack 7", parse_order("0000-a=FAIL")[0].life, "s")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"orders": ["0000-a"]}, "'0000-a' is not ID=LIFE, such as 0000-a=PROCESSING*2,SUCCESS"),
        ({"orders": ["a/b=SUCCESS"]}, "'a/b' can't be an order's ID: use letters, digits, '-' and '_'"),
        ({"orders": ["a=SUCCESS*2"]}, "order a: the last step 'SUCCESS*2' lasts forever: leave '*2' off"),
        ({"orders": ["a=http"]}, "'http': write http:CODE, where CODE is an HTTP status from 400 to 599"),
        ({"orders": ["a=slow"]}, "'slow': write slow:SECONDS, where SECONDS is a number from 0 to 86400"),
        ({"orders": ["a-{2..1}=FAIL"]}, "the range of 'a-{2..1}' must go up, and have at most 100000 numbers"),
        ({"orders": ["{1..2}=FAIL", "2=FAIL"]}, "order 2 is described twice"),
        ({"edge_sites": ["a=ready"]}, "edge site a: 'ready' is neither a status"),
        ({"listing": "SUCCESS"}, "the listing: 'SUCCESS' is neither ok nor a fault (http:CODE, "),
        ({"site_listing": "other-order"}, "the listing of edge sites: 'other-order' is neither ok nor a fault"),
    ],
)
def test_what_is_wrong_is_told_what_is_right(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Emulator(**options)


@pytest.mark.parametrize(
    "content", ["[]", '{"orders": ["a"]}', '{"orders": [{"id": "a", "life": "FAIL"}]}', '{"orders": [{"id": "a"}]}']
)
def test_a_wrong_file_is_told_what_is_right(content: str) -> None:
    with pytest.raises(
        ValueError, match=r'the file must be {"orders": \[|order number 1 must be {"id": "...", "life": \['
    ):
        parse_orders(content)
