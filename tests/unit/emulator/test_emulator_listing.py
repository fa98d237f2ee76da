# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listing of orders: pages, filters, its life and its faults."""

from __future__ import annotations

import http.client
import re
import time
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._situation import Scope
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    FakeClock,
    connect,
    exchange,
    get,
    get_page,
    list_path,
    raw_connection,
    raw_request,
    wait_until,
)


def pages(url: str, query: str) -> list[list[str]]:
    """The IDs of all pages, asked for until there is no marker any more."""
    found, marker = [], ""
    while True:
        got = get_page(url, query + marker)
        assert got.page_info["current_count"] == len(got.ids)
        found.append(got.ids)
        if "next_marker" not in got.page_info:
            return found
        marker = f"&marker={got.page_info['next_marker']}"


def test_page_has_the_orders_as_they_are_shown() -> None:
    with Emulator(["b=SUCCESS", "a=FAIL"]) as emulator:
        got = get_page(emulator.url)
        assert got.status == 200
        assert got.headers["Content-Type"] == "application/json"
        assert got.json == {
            "delivery_orders": [get(emulator.url, order_id).order for order_id in ("b", "a")],
            "page_info": {"current_count": 2},
        }
        recorded = emulator.requests[0]
    assert (recorded.path, recorded.delivery_order_id, recorded.status) == (list_path(), None, 200)


def test_no_orders() -> None:
    with Emulator() as emulator:
        assert get_page(emulator.url).json == {"delivery_orders": [], "page_info": {"current_count": 0}}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("limit=2", [["o-1", "o-2"], ["o-3", "o-4"], ["o-5"]]),
        ("limit=5", [["o-1", "o-2", "o-3", "o-4", "o-5"]]),
        ("limit=2000", [["o-1", "o-2", "o-3", "o-4", "o-5"]]),
        ("limit=1&id=o-4", [["o-4"]]),
        ("id=unknown", [[]]),
        ("limit=2&marker=o-3", [["o-4", "o-5"]]),
        ("marker=o-5", [[]]),
        ("marker=o-3&id=o-3", [[]]),
        ("marker=o-3&id=o-4", [["o-4"]]),
        ("status=ON_HOLD", [[]]),
    ],
)
def test_pages(query: str, found: list[list[str]]) -> None:
    with Emulator(["o-{1..5}=SUCCESS"]) as emulator:
        assert pages(emulator.url, query) == found


def test_page_has_a_hundred_orders_unless_another_limit_is_asked_for() -> None:
    with Emulator(["{1..2001}=SUCCESS"]) as emulator:
        assert [len(ids) for ids in pages(emulator.url, "id=7")] == [1]
        assert len(get_page(emulator.url).ids) == 100
        assert [len(ids) for ids in pages(emulator.url, "limit=2000")] == [2000, 1]


def test_filter_by_status() -> None:
    with Emulator(["a=SUCCESS", "b=FAIL", "c=ACCEPTING", "d=SUCCESS", "e=FAIL"]) as emulator:
        assert get_page(emulator.url, "status=FAIL").ids == ["b", "e"]
        assert get_page(emulator.url, "status=ACCEPTING&status=FAIL").ids == ["b", "c", "e"]
        assert get_page(emulator.url, "status=FAIL&id=b").ids == ["b"]
        assert get_page(emulator.url, "status=FAIL&id=a").ids == []
        assert pages(emulator.url, "status=FAIL&limit=1") == [["b"], ["e"]]
        # Whether the orders that are left match is for the next page to find out.
        assert pages(emulator.url, "status=SUCCESS&limit=2") == [["a", "d"], []]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=2001",
        "limit=-1",
        "limit=1.5",
        "limit=ten",
        "limit=",
        "limit=1&limit=1",
        "limit=%D9%A1",
        "limit=9999999999999999999999",
        pytest.param(f"limit={'9' * 5000}", id="limit=9..."),
        "marker=",
        "marker=unknown",
        "marker=a%2Fb",
        "marker=a&marker=a",
        "id=",
        "id=a%20b",
        "id=a&id=a",
        "status=",
        "status=success",
        "status=FAIL,SUCCESS",
        "status=FAIL&status=",
        "name=a",
    ],
)
def test_invalid_parameter(query: str) -> None:
    with Emulator(["a=PROCESSING,SUCCESS"], listing="ok,http:503") as emulator:
        got = get_page(emulator.url, query)
        assert (got.status, got.json["error_code"]) == (400, "IES.00001005")
        # Neither the order nor the listing took it for a poll.
        assert get_page(emulator.url).statuses == ["PROCESSING"]


def test_listing_needs_a_credential() -> None:
    with Emulator(["a=PROCESSING,SUCCESS"], listing="ok,http:503") as emulator:
        assert get_page(emulator.url, headers={}).status == 401
        assert get_page(emulator.url).statuses == ["PROCESSING"]


def test_listing_is_a_poll_of_its_orders() -> None:
    with Emulator(["a=PROCESSING*2,SUCCESS", "b=ACCEPTING,FAIL"]) as emulator:
        shown = [get_page(emulator.url).statuses for _poll in range(2)]
        assert get(emulator.url, "a").order["status"] == "SUCCESS"
    assert shown == [["PROCESSING", "ACCEPTING"], ["PROCESSING", "FAIL"]]


def test_orders_that_a_page_does_not_reach_are_not_polled() -> None:
    with Emulator(["a=PROCESSING,SUCCESS", "b=PROCESSING,SUCCESS", "c=PROCESSING,SUCCESS"]) as emulator:
        get_page(emulator.url, "limit=1")
        get_page(emulator.url, "id=b")
        get_page(emulator.url, "marker=c")
        assert get_page(emulator.url).statuses == ["SUCCESS", "SUCCESS", "PROCESSING"]


def test_orders_that_the_filter_leaves_out_are_polled() -> None:
    """Otherwise a wait for a status, by listing, would never end."""
    with Emulator(["a=PROCESSING*2,SUCCESS", "b=SUCCESS"]) as emulator:
        found = [get_page(emulator.url, "status=SUCCESS").ids for _poll in range(3)]
    assert found == [["b"], ["b"], ["a", "b"]]


def test_order_s_own_fault_does_not_show_but_passes() -> None:
    with Emulator(["a=ACCEPTING,http:503,reset,SUCCESS", "b=FAIL"]) as emulator:
        shown = [get_page(emulator.url).statuses for _poll in range(4)]
        assert {request.fault for request in emulator.requests} == {None}
    assert shown == [["ACCEPTING", "FAIL"]] * 3 + [["SUCCESS", "FAIL"]]


def test_life_of_the_listing() -> None:
    clock = FakeClock()
    with Emulator(["a=PROCESSING*4,SUCCESS"], listing="ok*2, http:503,html@10,ok", clock=clock) as emulator:
        statuses = [get_page(emulator.url).status for _poll in range(5)]
        clock.now += 10
        # A page that goes wrong is a poll of its orders too.
        assert get_page(emulator.url).statuses == ["SUCCESS"]
        faults = [request.fault for request in emulator.requests]
    assert statuses == [200, 200, 503, 502, 502]
    assert faults == [None, None, "http:503", "html@10".partition("@")[0], "html", None]


def test_each_page_is_a_poll_of_the_listing() -> None:
    with Emulator(["a=SUCCESS", "b=SUCCESS"], listing="ok,http:503,ok") as emulator:
        assert get_page(emulator.url, "limit=1").ids == ["a"]
        assert get_page(emulator.url, "limit=1&marker=a").status == 503
        assert get_page(emulator.url, "limit=1&marker=a").ids == ["b"]


def test_faults_of_the_listing_leave_single_orders_alone() -> None:
    with Emulator(["a=SUCCESS"], listing="http:503") as emulator:
        assert get(emulator.url, "a").status == 200
        assert get_page(emulator.url).status == 503


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        ("", "the listing: the step '' has neither ok nor a fault"),
        ("ok,,ok", "the listing: the step '' has neither ok nor a fault"),
        ("ok*2", "the listing: the last step 'ok*2' lasts forever: leave '*2' off, or add what follows it"),
        ("ok*0,ok", "the listing: the step 'ok*0': after * comes a whole number of polls, 1 or more"),
        ("SUCCESS", "the listing: 'SUCCESS' is neither ok nor a fault (http:CODE, "),
        ("other-order", "the listing: 'other-order': other-order is a fault of an order only"),
        ("http:200", "the listing: 'http:200': write http:CODE, where CODE is an HTTP status from 400 to 599"),
    ],
)
def test_bad_listing_is_told_what_is_right(listing: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Emulator(listing=listing)


def test_faults_that_are_told_are_those_that_can_be_played() -> None:
    with pytest.raises(ValueError, match="neither") as caught:
        Emulator(listing="oops")
    assert "object-page" in str(caught.value)
    assert "other-order" not in str(caught.value)
    with pytest.raises(ValueError, match="neither") as caught:
        Emulator(["a=oops"])
    assert "object-page" not in str(caught.value)
    assert "other-order" in str(caught.value)


def right_and_faulty(fault: str, query: str = "limit=2") -> tuple[Any, Any]:
    """The JSON of one page of three orders, right and then under that fault."""
    with Emulator(["a=SUCCESS", "b=FAIL", "c=FAIL"], listing=f"ok,{fault}") as emulator:
        right, faulty = (get_page(emulator.url, query) for _time in range(2))
    assert right.status == faulty.status == 200
    return right.json, faulty.json


@pytest.mark.parametrize("marker", ["again", "b"])
def test_repeated_marker(marker: str) -> None:
    with Emulator([f"{marker}=SUCCESS", "c=SUCCESS", "d=SUCCESS"], listing="repeated-marker") as emulator:
        first = get_page(emulator.url, "limit=1")
        assert (first.ids, first.page_info) == ([marker], {"current_count": 1, "next_marker": marker})
        for _page in range(2):
            more = get_page(emulator.url, f"limit=1&marker={marker}")
            assert (more.ids, more.page_info) == (["c"], {"current_count": 1, "next_marker": marker})


def test_repeated_marker_of_a_last_page_and_of_none() -> None:
    with Emulator(["a=SUCCESS"], listing="repeated-marker") as emulator:
        assert get_page(emulator.url).page_info["next_marker"] == "a"
        assert get_page(emulator.url, "marker=a").page_info == {"current_count": 0, "next_marker": "a"}
    with Emulator(listing="repeated-marker") as emulator:
        assert isinstance(get_page(emulator.url).page_info["next_marker"], str)


@pytest.mark.parametrize(("fault", "marker"), [("number-marker", 7), ("null-marker", None), ("empty-marker", "")])
def test_odd_markers(fault: str, marker: object) -> None:
    right, faulty = right_and_faulty(fault)
    assert right["page_info"] == {"current_count": 2, "next_marker": "b"}
    assert faulty == {**right, "page_info": {"current_count": 2, "next_marker": marker}}
    right, faulty = right_and_faulty(fault, "limit=3")
    assert right["page_info"] == {"current_count": 3}
    assert faulty == {**right, "page_info": {"current_count": 3, "next_marker": marker}}


def test_odd_page_info() -> None:
    right, faulty = right_and_faulty("no-page-info")
    assert faulty == {"delivery_orders": right["delivery_orders"]}
    right, faulty = right_and_faulty("list-page-info")
    assert faulty == {**right, "page_info": [right["page_info"]]}
    right, faulty = right_and_faulty("text-page-info")
    assert isinstance(faulty["page_info"], str)
    assert faulty["delivery_orders"] == right["delivery_orders"]


def test_odd_pages() -> None:
    right, faulty = right_and_faulty("object-page")
    first, second = right["delivery_orders"]
    assert faulty == {**right, "delivery_orders": {"a": first, "b": second}}
    right, faulty = right_and_faulty("null-entry")
    assert faulty == {**right, "delivery_orders": [None, *right["delivery_orders"]]}
    right, faulty = right_and_faulty("null-order")
    assert faulty == {**right, "delivery_orders": None}
    right, faulty = right_and_faulty("json-list")
    assert faulty == right["delivery_orders"]
    assert right_and_faulty("no-order")[1] == {}


def test_order_of_wrong_types_in_the_page() -> None:
    right, wrong = right_and_faulty("wrong-types")
    assert wrong["page_info"] == right["page_info"]
    assert wrong["delivery_orders"][1:] == right["delivery_orders"][1:]
    first = wrong["delivery_orders"][0]
    assert set(first) == set(right["delivery_orders"][0])
    assert [key for key, value in first.items() if value is None or isinstance(value, str)] == ["id"]
    with Emulator(listing="wrong-types") as emulator:
        assert get_page(emulator.url).json["delivery_orders"] == []


def test_huge_page() -> None:
    with Emulator(["a=SUCCESS"], listing="huge") as emulator:
        got = get_page(emulator.url)
    assert len(got.body) > 10 * 1024 * 1024
    assert got.ids == ["a"]


def test_slow_page() -> None:
    with Emulator(["a=SUCCESS"], listing="slow:0.2") as emulator:
        begun = time.monotonic()
        assert get_page(emulator.url).ids == ["a"]
        assert time.monotonic() - begun >= 0.2


def test_page_cut_short() -> None:
    with Emulator(["a=SUCCESS"], listing="cut-short,ok") as emulator:
        connection = connect(emulator.url)
        with pytest.raises(http.client.IncompleteRead):
            exchange(connection, list_path())
        connection.close()
        assert get_page(emulator.url).ids == ["a"]


def test_page_throttled() -> None:
    with Emulator(["a=SUCCESS"], listing="throttled:7") as emulator:
        got = get_page(emulator.url)
    assert (got.status, got.headers["Retry-After"]) == (429, "7")


def test_redirected_page() -> None:
    with Emulator(["a=SUCCESS"], listing="redirect") as emulator:
        assert get_page(emulator.url, "limit=1").headers["Location"] == f"/redirected{list_path()}"


@pytest.mark.parametrize("fault", [kind.form for kind in FAULTS.values() if kind.scope is not Scope.ORDER])
def test_every_fault_of_the_listing_is_played_and_recorded(fault: str) -> None:
    written = re.sub(r"\[.*\]", "", fault).replace("CODE", "503").replace("SECONDS", "1")
    if written.startswith(("slow", "down")):
        written = written.replace("1", "0.01")
    with Emulator(["a=SUCCESS"], listing=f"{written},ok") as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request(path=list_path()))
        wait_until(lambda: [request.fault for request in emulator.requests] == [written])
