# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _paging, _resources
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import Emulate, FakeClock
from .test_client import make_client, ok, serve

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

THIRTY = [f"site-{number:02}" for number in range(1, 31)]

#: A listing that the credential may not have, so that each order is asked for by its ID.
REFUSED = "http:403"


def show_many(url: str, order_ids: list[str], **options: t.Any) -> list[dict[str, t.Any]]:
    with make_client(url, **options) as client:
        return DELIVERY_ORDERS.show_many(client, order_ids)


def listed(url: str, statuses: t.Sequence[str] = (), page_size: int = 100, **options: t.Any) -> list[str]:
    """Return the IDs in a listing."""
    with make_client(url, **options) as client:
        return ids(DELIVERY_ORDERS.list_all(client, {"status": statuses}, page_size))


def ids(orders: t.Iterable[dict[str, t.Any]]) -> list[str]:
    return [order["id"] for order in orders]


def by_id(emulator: Emulator) -> list[str]:
    """Return the IDs that were asked for, in their order."""
    return [request.delivery_order_id for request in emulator.requests if request.delivery_order_id]


def page(entries: t.Sequence[object] = (), marker: str | None = None) -> bytes:
    """Return one page of a listing."""
    return json.dumps({"delivery_orders": entries, "page_info": {"next_marker": marker}}).encode()


# Many orders by their IDs


def test_orders_come_as_asked_and_each_is_asked_for_once(emulate: Emulate) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=REFUSED)
    wanted = [*reversed(THIRTY), THIRTY[3], THIRTY[3]]
    assert ids(show_many(emulator.url, wanted)) == wanted
    assert sorted(by_id(emulator)) == THIRTY


def test_all_that_are_missing_are_named(emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        show_many(emulator.url, ["x", "a", "y", "b", "x", "a"])
    assert str(caught.value).startswith("Cannot query delivery order 'x' and delivery order 'y': HTTP 404, IES.")
    assert by_id(emulator) == ["x", "a", "y", "b"]
    assert (caught.value.http_status, caught.value.retryable) == (404, False)
    # The vendor's support looks for one of them.
    assert caught.value.request_id
    assert caught.value.facts["missing"] == ["x", "y"]
    assert ids(caught.value.facts["delivery_orders"]) == ["a", "b", "a"]


def test_an_api_that_is_missing_is_not_an_order(emulate: Emulate) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    with pytest.raises(CloudPondError, match=r"delivery order .a.: HTTP 404, APIGW\.0101"):
        show_many(f"{emulator.url}/wrong", ["a", "b"])
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("wrong", [{"token": "wrong"}, {"access_key": "emulator-access-key", "secret_key": "wrong"}])
def test_a_refused_credential_is_refused_once(emulate: Emulate, wrong: dict[str, str]) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        show_many(emulator.url, THIRTY, **wrong, max_retries=5)
    assert (caught.value.http_status, caught.value.retryable) == (401, False)
    assert len(emulator.requests) == 1


def test_a_credential_that_expires_on_the_way_is_refused_once(emulate: Emulate) -> None:
    emulator = emulate("site-01=SUCCESS", "site-{02..30}=http:401", listing=REFUSED)
    with pytest.raises(CloudPondError, match="HTTP 401"):
        show_many(emulator.url, THIRTY, max_retries=5)
    assert by_id(emulator) == ["site-01", "site-02"]


def test_only_a_throttled_request_is_repeated(emulate: Emulate, retry_clock: FakeClock) -> None:
    emulator = emulate("site-{01..29}=SUCCESS", "site-30=throttled:7*2,SUCCESS", listing=REFUSED)
    assert len(show_many(emulator.url, THIRTY, max_retries=1)) == 30
    assert by_id(emulator) == [*THIRTY, "site-30"]
    assert retry_clock.sleeps == [7]


def test_an_outage_of_one_is_an_outage_of_all(emulate: Emulate) -> None:
    with pytest.raises(CloudPondError, match="delivery order 'b': HTTP 503") as caught:
        show_many(emulate("a=SUCCESS", "b=http:503").url, ["a", "b"])
    assert caught.value.retryable


# Many orders by a listing


def test_five_ids_are_worth_a_listing(emulate: Emulate) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    four = show_many(emulator.url, THIRTY[:4])
    assert ids(four) == by_id(emulator) == THIRTY[:4]
    # An order of a listing is the order by its ID.
    assert show_many(emulator.url, THIRTY[:5])[:4] == four
    (request,) = emulator.requests[4:]
    assert "limit=2000" in request.path


@pytest.mark.parametrize(
    ("page_size", "others", "wanted", "pages", "by_ids"),
    [
        # One page, since 30 IDs are not worth two; it has none of them.
        (10, "other-{01..15}=SUCCESS", 30, 1, 30),
        (10, "other=SUCCESS", 40, 2, 21),
        # All are found on the first page.
        (50, "other=SUCCESS", 40, 1, 0),
    ],
)
def test_a_listing_of_so_many_pages_comes_first(
    emulate: Emulate, monkeypatch: pytest.MonkeyPatch, page_size: int, others: str, wanted: int, pages: int, by_ids: int
) -> None:
    monkeypatch.setattr(_resources, "PAGE_SIZE_MAX", page_size)
    emulator = emulate(others, "site-{01..90}=SUCCESS")
    order_ids = [f"site-{number:02}" for number in range(1, wanted + 1)]
    assert ids(show_many(emulator.url, order_ids)) == order_ids
    assert (len(by_id(emulator)), len(emulator.requests)) == (by_ids, pages + by_ids)


@pytest.mark.parametrize("fault", ["http:403", "http:503", "not-json", "wrong-types", "reset"])
def test_a_listing_that_fails_is_not_used(emulate: Emulate, fault: str) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=fault)
    assert ids(show_many(emulator.url, THIRTY)) == THIRTY
    assert len(emulator.requests) == 31


def test_a_proxy_that_refuses_its_password_of_a_listing_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(login="user:password") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:wrong@"))
        with pytest.raises(CloudPondError, match="407"):
            show_many("https://ies.example.com", THIRTY)
        assert len(proxy.requests) == 1


def test_an_order_that_is_listed_twice_is_asked_for() -> None:
    entries = [{"id": each, "status": "SUCCESS"} for each in THIRTY[:20]]
    listing = page([*entries, {"id": "site-20", "status": "PROCESSING"}])
    with serve(ok(listing), ok(b'{"delivery_order": {"id": "site-20", "status": "ACCEPTING"}}')) as url:
        orders = show_many(url, THIRTY[:20])
    assert [order["status"] for order in orders] == ["SUCCESS"] * 19 + ["ACCEPTING"]


# All orders, page by page


def test_pages_are_asked_for_until_none_is_left(emulate: Emulate) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    assert listed(emulator.url, page_size=7) == THIRTY
    assert len(emulator.requests) == 5
    assert "limit=7" in emulator.requests[0].path


def test_an_account_without_orders(emulate: Emulate) -> None:
    assert listed(emulate(listing="null-marker").url) == []


def test_only_some_statuses_also_with_signed_requests(emulate: Emulate) -> None:
    keys = {"access_key": "emulator-access-key", "secret_key": "emulator-secret-key", "security_token": "temporary"}
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING", "d=SUCCESS", security_token="temporary")
    assert listed(emulator.url, ["SUCCESS", "FAIL"], page_size=1, **keys) == ["a", "b", "d"]
    assert "status=SUCCESS&status=FAIL" in emulator.requests[0].path


@pytest.mark.parametrize("size", [0, 2001, True])
def test_page_sizes_that_are_refused(emulate: Emulate, size: int) -> None:
    emulator = emulate()
    with pytest.raises(CloudPondError) as caught:
        listed(emulator.url, page_size=size)
    assert str(caught.value) == f"Cannot query the delivery orders: page_size must be from 1 to 2000: got {size}"
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("repeated-marker", "go round in circles"),
        ("object-page", "has no list of delivery orders"),
        ("null-entry", "has no delivery order in it"),
        ("no-page-info", ": the answer does not say whether more pages follow: it has no page_info .request"),
        ("empty-marker", ": the next_marker in the answer is empty or not a string .request"),
    ],
)
def test_pages_that_waiting_does_not_cure(emulate: Emulate, fault: str, reason: str) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=f"ok,{fault}")
    with pytest.raises(CloudPondError, match=reason) as caught:
        listed(emulator.url, page_size=7, max_retries=3)
    assert str(caught.value).startswith("Cannot query the delivery orders: HTTP 200: ")
    assert not caught.value.retryable
    assert len(emulator.requests) <= 3


def test_empty_pages_end_at_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_paging, "EMPTY_PAGES_MAX", 2)
    empty = [page(marker=f"m{number}") for number in range(5)]
    with serve(*map(ok, empty[:3])) as url, pytest.raises(CloudPondError, match="3 pages in a row are empty"):
        listed(url)
    # Those before an order don't count.
    found = page([{"id": "a", "status": "SUCCESS"}], marker="m")
    with serve(*map(ok, [*empty[:2], found, *empty[2:4], page()])) as url:
        assert listed(url) == ["a"]


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("PAGES_MAX", 4, "the answer has more than 4 pages: use a larger page_size"),
        ("LIST_MAX", 2000, "the pages of the answer are larger than 0 MiB together"),
    ],
)
def test_a_list_has_an_end(
    emulate: Emulate, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    monkeypatch.setattr(_paging, limit, value)
    assert listed(emulator.url, ["FAIL"], page_size=2000) == []
    with pytest.raises(CloudPondError, match=reason) as caught:
        listed(emulator.url, page_size=7)
    assert not caught.value.retryable


@pytest.mark.parametrize(("statuses", "expected"), [(["FAIL"], ["b"]), ([], ["a", "b"])])
def test_an_api_that_does_not_filter(statuses: list[str], expected: list[str]) -> None:
    with serve(ok(page([{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "FAIL"}]))) as url:
        assert listed(url, statuses) == expected


@pytest.mark.parametrize(
    ("order_id", "reason"),
    [
        (None, "one delivery order in the answer has no ID"),
        # It could be more than an ID.
        ("{{ lookup('pipe', 'id') }}", "the ID of one delivery order in the answer must be made of letters"),
        ("a/../b", "the ID of one delivery order in the answer must be made of letters"),
        ("a\n", "the ID of one delivery order in the answer must be made of letters"),
    ],
)
def test_an_id_that_cannot_be_used(order_id: str | None, reason: str) -> None:
    with serve(ok(page([{"id": "a"}, {"id": order_id}]))) as url, pytest.raises(CloudPondError, match=reason):
        listed(url)


def test_an_outage_between_pages(emulate: Emulate, retry_clock: FakeClock) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing="ok,http:503,reset,ok")
    assert listed(emulator.url, page_size=10, max_retries=2) == THIRTY
    assert len(emulator.requests) == 5
