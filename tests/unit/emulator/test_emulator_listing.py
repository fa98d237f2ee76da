# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listings: pages, filters, and what they are for the lives of their entries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

from .client import ORDERS, SITES, FakeClock, Got, get


def page(emulator: Emulator, query: str = "", path: str = ORDERS) -> Got:
    return get(emulator.url, f"{path}?{query}" if query else path)


def pages(emulator: Emulator, query: str) -> Iterator[list[str]]:
    """The IDs of all pages, asked for until there is no marker any more."""
    marker: str | None = ""
    while marker is not None:
        got = page(emulator, query + (f"&marker={marker}" if marker else ""))
        yield got.ids
        marker = got.json["page_info"].get("next_marker")


def test_a_page_has_the_orders_as_they_are_shown() -> None:
    with Emulator(["b=SUCCESS", "a=FAIL"]) as emulator:
        listed = page(emulator).json
        shown = [get(emulator.url, f"{ORDERS}/{order_id}").order for order_id in ("b", "a")]
    assert listed == {"delivery_orders": shown, "page_info": {"current_count": 2}}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("limit=2", [["a", "b"], ["c", "d"], ["e"]]),
        ("limit=1&id=d", [["d"]]),
        ("marker=c&id=c", [[]]),
        ("status=ACCEPTING&status=FAIL", [["b", "c", "e"]]),
        ("status=FAIL&id=a", [[]]),
        # Whether the orders that are left match is for the next page to find out.
        ("status=SUCCESS&limit=2", [["a", "d"], []]),
    ],
)
def test_pages_and_filters(query: str, found: list[list[str]]) -> None:
    with Emulator(["a=SUCCESS", "b=FAIL", "c=ACCEPTING", "d=SUCCESS", "e=FAIL"]) as emulator:
        # A life begins at the first poll.
        page(emulator)
        assert list(pages(emulator, query)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=available&status=initial", ["b", "a", "c"]),
        ("id=c&id=b&limit=1", ["b"]),
        ("sort_key=id&sort_dir=desc", ["c", "b", "a"]),
        ("sort_key=status&sort_key=id&sort_dir=desc&sort_dir=desc", ["a", "c", "b"]),
        ("sort_key=id&marker=a", ["b", "c"]),
    ],
)
def test_sites_are_filtered_and_sorted(query: str, found: list[str]) -> None:
    with Emulator(edge_sites=["b=available", "a=initial", "c=available"]) as emulator:
        page(emulator, path=SITES)
        assert page(emulator, query, SITES).ids == found


# The last of each kind is a filter of other lists: it must not pass for one here.
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        (ORDERS, "limit=0 limit=2001 limit=ten limit= limit=1&limit=1 limit=%D9%A1 marker= marker=b marker=a%2Fb"),
        (ORDERS, "id=a&id=a id=a%20b status= status=success status=FAIL,SUCCESS name=a"),
        (SITES, "limit=2001 sort_key=location sort_key=id&sort_dir=up name= status=ready region_id=a"),
    ],
)
def test_a_parameter_that_the_service_does_not_take_is_refused(path: str, queries: str) -> None:
    with Emulator(["a=PROCESSING,SUCCESS"], listing="ok,http:503") as emulator:
        for query in queries.split():
            got = page(emulator, query, path)
            assert (query, got.status, got.json["error_code"]) == (query, 400, "IES.00001005")
        # Neither the order nor the listing took it for a poll.
        assert page(emulator).statuses == ["PROCESSING"]


def test_a_page_is_a_poll_of_each_order_that_was_looked_at_for_it() -> None:
    life = "PROCESSING*2,SUCCESS"
    with Emulator([f"a={life}", f"b={life}", f"c={life}", f"d={life}"]) as emulator:
        for query in ("limit=1", "id=b", "marker=c", "status=FAIL&limit=2000"):
            page(emulator, query)
        assert page(emulator).statuses == ["SUCCESS", "SUCCESS", "PROCESSING", "SUCCESS"]


def test_an_orders_own_fault_does_not_show_but_passes() -> None:
    with Emulator(["a=ACCEPTING,http:503,reset,SUCCESS"]) as emulator:
        assert [page(emulator).statuses for _poll in range(4)] == [["ACCEPTING"]] * 3 + [["SUCCESS"]]


def test_a_page_has_a_hundred_orders_or_as_many_as_are_asked_for() -> None:
    with Emulator(["{1..2001}=SUCCESS"]) as emulator:
        assert [len(page(emulator, query).ids) for query in ("", "limit=2000")] == [100, 2000]


def test_a_listing_has_a_life_of_its_own() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=PROCESSING*5,SUCCESS"], listing="ok*2, http:503,html@10,ok", clock=clock) as emulator:
        assert [page(emulator).status for _poll in range(4)] == [200, 200, 503, 502]
        # Single orders, and sites, have others.
        assert get(emulator.url).status == page(emulator, path=SITES).status == 200
        clock.now += 10
        # A page that goes wrong is a poll of its orders, too.
        assert page(emulator).statuses == ["SUCCESS"]
