# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _paging, _resources
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import FakeClock
from .test_client import make_client, ok, serve

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]
    Asking = t.Callable[..., Client]

THIRTY = [f"site-{number:02}" for number in range(1, 31)]


@pytest.fixture
def asking() -> t.Iterator[Asking]:
    """Make clients that are closed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def make(emulator: Emulator, **options: t.Any) -> Client:
            return stack.enter_context(make_client(emulator.url, **options))

        yield make


#: A listing that the credential may not have, so that each order is asked for by its ID.
REFUSED = "http:403"


def by_id(emulator: Emulator) -> list[str]:
    """Return the IDs that were asked for, in their order."""
    return [request.delivery_order_id for request in emulator.requests if request.delivery_order_id]


def listed(client: Client, statuses: t.Sequence[str] = (), page_size: int = 100) -> t.Iterator[dict[str, t.Any]]:
    return DELIVERY_ORDERS.list_all(client, {"status": statuses}, page_size)


def ids(orders: t.Iterable[dict[str, t.Any]]) -> list[str]:
    return [order["id"] for order in orders]


# Many orders by their IDs


def test_orders_come_as_asked_and_each_is_asked_for_once(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=REFUSED)
    wanted = [*reversed(THIRTY), THIRTY[3], THIRTY[3]]
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), wanted)) == wanted
    assert sorted(by_id(emulator)) == THIRTY


def test_no_id_asks_nothing(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS")
    assert DELIVERY_ORDERS.show_many(asking(emulator), []) == []
    assert emulator.requests == []


def test_a_wrong_id_among_them_is_found_before_anything_is_asked(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS")
    with pytest.raises(CloudPondError, match=r"Cannot query the delivery orders: an ID must be made of .*: got ''"):
        DELIVERY_ORDERS.show_many(asking(emulator), ["a", ""])
    assert emulator.requests == []


def test_all_that_are_missing_are_named(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show_many(asking(emulator), ["x", "a", "y", "b", "x", "z"])
    assert str(caught.value).startswith(
        "Cannot query delivery order 'x' and delivery order 'y' and delivery order 'z': HTTP 404, IES."
    )
    assert (caught.value.http_status, caught.value.retryable) == (404, False)
    # The vendor's support looks for one of them.
    assert caught.value.request_id
    assert caught.value.facts["missing"] == ["x", "y", "z"]
    assert ids(caught.value.facts["delivery_orders"]) == ["a", "b"]
    assert by_id(emulator) == ["x", "y", "z"]


def test_one_that_is_missing_is_the_error(emulate: Emulate, asking: Asking) -> None:
    with pytest.raises(CloudPondError, match="Cannot query delivery order 'x': HTTP 404") as caught:
        DELIVERY_ORDERS.show_many(asking(emulate("a=SUCCESS")), ["a", "x", "a"])
    assert caught.value.facts["missing"] == ["x"]
    assert ids(caught.value.facts["delivery_orders"]) == ["a", "a"]


def test_an_api_that_is_missing_is_not_an_order(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    client = make_client(f"{emulator.url}/wrong")
    with client, pytest.raises(CloudPondError, match=r"delivery order .a.: HTTP 404, APIGW\.0101"):
        DELIVERY_ORDERS.show_many(client, ["a", "b"])
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    "credential", [{"token": "wrong"}, {"access_key": "emulator-access-key", "secret_key": "wrong"}]
)
def test_a_refused_credential_is_refused_once(emulate: Emulate, asking: Asking, credential: dict[str, str]) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show_many(asking(emulator, **credential, max_retries=5), THIRTY)
    assert (caught.value.http_status, caught.value.retryable) == (401, False)
    assert len(emulator.requests) == 1


def test_a_credential_that_expires_on_the_way_is_refused_once(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-01=SUCCESS", "site-{02..30}=http:401", listing=REFUSED)
    with pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show_many(asking(emulator, max_retries=5), THIRTY)
    assert caught.value.http_status == 401
    assert by_id(emulator) == ["site-01", "site-02"]


def test_only_a_throttled_request_is_repeated(emulate: Emulate, asking: Asking, retry_clock: FakeClock) -> None:
    emulator = emulate("site-{01..29}=SUCCESS", "site-30=throttled:7*2,SUCCESS", listing=REFUSED)
    assert len(DELIVERY_ORDERS.show_many(asking(emulator, max_retries=1), THIRTY)) == 30
    assert by_id(emulator) == [*THIRTY, "site-30"]
    assert retry_clock.sleeps == [7]


def test_an_outage_of_one_is_an_outage_of_all(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..29}=SUCCESS", "site-30=http:503", listing=REFUSED)
    with pytest.raises(CloudPondError, match="delivery order 'site-30': HTTP 503") as caught:
        DELIVERY_ORDERS.show_many(asking(emulator), THIRTY)
    assert caught.value.retryable


# Many orders by a listing


def test_five_ids_are_worth_a_listing(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), THIRTY[:4])) == THIRTY[:4]
    assert len(by_id(emulator)) == len(emulator.requests) == 4
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), THIRTY[4::-1])) == THIRTY[4::-1]
    (request,) = emulator.requests[4:]
    assert "limit=2000" in request.path


def test_an_order_of_a_listing_is_the_order_by_its_id(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    found = DELIVERY_ORDERS.show_many(asking(emulator), THIRTY)
    assert found == [DELIVERY_ORDERS.show_many(asking(emulator), [each])[0] for each in THIRTY]


def test_the_rest_is_asked_for_by_id(emulate: Emulate, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resources, "PAGE_SIZE_MAX", 10)
    emulator = emulate("other-{01..15}=SUCCESS", "site-{01..30}=SUCCESS")
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), THIRTY)) == THIRTY
    # One page, since 30 IDs are not worth two; it has none of them.
    assert sorted(by_id(emulator)) == THIRTY
    assert len(emulator.requests) == 31
    forty = [*THIRTY, *(f"other-{number:02}" for number in range(1, 11))]
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), forty)) == forty
    assert len(emulator.requests) == 31 + 2 + 25


def test_the_pages_end_when_all_are_found(emulate: Emulate, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resources, "PAGE_SIZE_MAX", 10)
    emulator = emulate("site-{01..90}=SUCCESS")
    many = [f"site-{number:02}" for number in range(1, 81)]
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), many[:20])) == many[:20]
    assert len(emulator.requests) == 1 + 10
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), many[:40])) == many[:40]
    assert len(emulator.requests) == 11 + 2 + 20


def test_a_large_account_is_not_read_to_its_end(
    emulate: Emulate, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server whose pages are small, and the orders on its last ones.
    monkeypatch.setattr(_resources, "PAGE_SIZE_MAX", 100)
    emulator = emulate("other-{00001..30000}=SUCCESS", "site-{0001..1000}=SUCCESS")
    wanted = [f"site-{number:04}" for number in range(1, 1001)]
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), wanted)) == wanted
    assert len(emulator.requests) == 1000 + 50


def test_missing_ones_are_named_as_by_id(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show_many(asking(emulator), ["x", *THIRTY, "y"])
    assert str(caught.value).startswith("Cannot query delivery order 'x' and delivery order 'y': HTTP 404, IES.")
    assert by_id(emulator) == ["x", "y"]


@pytest.mark.parametrize("fault", ["http:403", "http:400", "http:503", "not-json", "wrong-types", "reset"])
def test_a_listing_that_fails_is_not_used(emulate: Emulate, asking: Asking, fault: str) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=fault)
    assert ids(DELIVERY_ORDERS.show_many(asking(emulator), THIRTY)) == THIRTY
    assert len(emulator.requests) == 31


def test_a_proxy_that_refuses_its_password_of_a_listing_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(login="user:password") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:wrong@"))
        with make_client("https://ies.example.com") as client, pytest.raises(CloudPondError, match="407"):
            DELIVERY_ORDERS.show_many(client, THIRTY)
        assert len(proxy.requests) == 1


def test_an_order_that_is_listed_twice_is_asked_for() -> None:
    twenty = THIRTY[:20]
    entries = [b'{"id": "%s", "status": "SUCCESS"}' % each.encode() for each in twenty]
    entries.append(b'{"id": "site-20", "status": "PROCESSING"}')
    listing = ok(b'{"delivery_orders": [%s], "page_info": {}}' % b", ".join(entries))
    with serve(listing, ok(b'{"delivery_order": {"id": "site-20", "status": "ACCEPTING"}}')) as url:
        with make_client(url) as client:
            orders = DELIVERY_ORDERS.show_many(client, twenty)
    assert [order["status"] for order in orders] == ["SUCCESS"] * 19 + ["ACCEPTING"]


# All orders, page by page


def test_pages_are_asked_for_until_none_is_left(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    assert ids(listed(asking(emulator), page_size=7)) == THIRTY
    assert len(emulator.requests) == 5
    assert "limit=7" in emulator.requests[0].path


def test_an_account_without_orders(emulate: Emulate, asking: Asking) -> None:
    assert list(listed(asking(emulate()))) == []


def test_only_some_statuses(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING", "d=SUCCESS")
    client = asking(emulator)
    assert ids(listed(client, ["SUCCESS", "FAIL"], page_size=1)) == ["a", "b", "d"]
    assert "status=SUCCESS&status=FAIL" in emulator.requests[0].path


def test_signed_requests_page_too(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", security_token="temporary-token")
    keys = {"access_key": "emulator-access-key", "secret_key": "emulator-secret-key"}
    client = asking(emulator, **keys, security_token="temporary-token")
    assert ids(listed(client, ["SUCCESS", "FAIL"], page_size=9)) == THIRTY


@pytest.mark.parametrize("size", [0, 2001, -1, True])
def test_page_sizes_that_are_refused(emulate: Emulate, asking: Asking, size: int) -> None:
    emulator = emulate()
    with pytest.raises(CloudPondError) as caught:
        list(listed(asking(emulator), page_size=size))
    assert str(caught.value) == f"Cannot query the delivery orders: page_size must be from 1 to 2000: got {size}"
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("repeated-marker", "go round in circles"),
        ("object-page", "has no list of delivery orders"),
        ("no-order", "has no list of delivery orders"),
        ("null-order", "has no list of delivery orders"),
        ("null-entry", "has no delivery order in it"),
        ("wrong-types", "of the delivery order in the answer is not a string"),
        ("json-list", "is not a JSON object"),
        ("no-page-info", ": the answer does not say whether more pages follow: it has no page_info .request"),
        ("list-page-info", "has no page_info"),
        ("empty-marker", ": the next_marker in the answer is empty or not a string .request"),
    ],
)
def test_pages_that_waiting_does_not_cure(emulate: Emulate, asking: Asking, fault: str, reason: str) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=f"ok,{fault}")
    with pytest.raises(CloudPondError, match=reason) as caught:
        list(listed(asking(emulator, max_retries=3), page_size=7))
    assert str(caught.value).startswith("Cannot query the delivery orders: HTTP 200: ")
    assert not caught.value.retryable
    assert len(emulator.requests) <= 3


def test_a_null_marker_ends_the_pages(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..03}=SUCCESS", listing="null-marker")
    assert len(list(listed(asking(emulator)))) == 3


def test_empty_pages_end_at_some_time() -> None:
    empty = [b'{"delivery_orders": [], "page_info": {"next_marker": "m%d"}}' % number for number in range(101)]
    with serve(*map(ok, empty)) as url:
        with make_client(url) as client, pytest.raises(CloudPondError, match="101 pages in a row are empty") as caught:
            list(listed(client))
    assert not caught.value.retryable


def test_empty_pages_between_others_are_none_in_a_row() -> None:
    pages = [
        b'{"delivery_orders": [%s], "page_info": {"next_marker": "m%d"}}'
        % (b'{"id": "a%d"}' % number if number % 60 == 0 else b"", number)
        for number in range(1, 170)
    ]
    with serve(*map(ok, pages), ok(b'{"delivery_orders": [], "page_info": {}}')) as url, make_client(url) as client:
        assert ids(listed(client)) == ["a60", "a120"]


def test_pages_that_go_round_in_a_wide_circle() -> None:
    pages = [b'{"delivery_orders": [], "page_info": {"next_marker": "m%d"}}' % (number % 3) for number in range(4)]
    with serve(*map(ok, pages)) as url:
        with make_client(url) as client, pytest.raises(CloudPondError, match="in circles, at the marker 'm0'"):
            list(listed(client))


def test_the_pages_together_are_not_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [b'{"delivery_orders": [], "page_info": {"next_marker": "m%d"}}' % number for number in range(3)]
    size = len(pages[0])
    monkeypatch.setattr(_paging, "LIST_MAX", 2 * size)
    with serve(*map(ok, pages)) as url, make_client(url) as client:
        with pytest.raises(CloudPondError, match="the pages of the answer are larger than 0 MiB together") as caught:
            list(listed(client))
        assert not caught.value.retryable
    monkeypatch.setattr(_paging, "LIST_MAX", 3 * 1024 * 1024)
    large = ok(b'{"delivery_orders": [], "page_info": {"next_marker": "m"}}'.ljust(3 * 1024 * 1024 + 1))
    with serve(large) as url, make_client(url) as client:
        with pytest.raises(CloudPondError, match="are larger than 3 MiB together"):
            list(listed(client))
    last = ok(b'{"delivery_orders": [], "page_info": {}}'.ljust(3 * 1024 * 1024))
    with serve(last) as url, make_client(url) as client:
        assert list(listed(client)) == []


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("PAGES_MAX", 4, "the answer has more than 4 pages: use a larger page_size"),
        ("LIST_MAX", 2000, "the pages of the answer are larger than 0 MiB together"),
    ],
)
def test_a_list_has_an_end(
    emulate: Emulate, asking: Asking, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    monkeypatch.setattr(_paging, limit, value)
    assert len(list(listed(asking(emulator), ["FAIL"], page_size=2000))) == 0
    with pytest.raises(CloudPondError, match=reason) as caught:
        list(listed(asking(emulator), page_size=7))
    assert not caught.value.retryable


@pytest.mark.parametrize(("statuses", "expected"), [(["FAIL"], ["b"]), ([], ["a", "b"])])
def test_an_api_that_does_not_filter(statuses: list[str], expected: list[str]) -> None:
    orders = b'[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "FAIL"}]'
    with serve(ok(b'{"delivery_orders": %s, "page_info": {}}' % orders)) as url:
        with make_client(url) as client:
            assert ids(listed(client, statuses)) == expected


def test_an_order_without_an_id() -> None:
    with serve(ok(b'{"delivery_orders": [{"status": "SUCCESS"}], "page_info": {}}')) as url:
        with make_client(url) as client:
            with pytest.raises(CloudPondError, match="one delivery order in the answer has no ID"):
                list(listed(client))


@pytest.mark.parametrize("hostile", ["{{ lookup('pipe', 'id') }}", "a/../b", "a b", "a\n", "\u0430", "-e\u200b"])
def test_an_id_that_could_be_more_than_an_id(hostile: str) -> None:
    orders = json.dumps([{"id": "a", "status": "SUCCESS"}, {"id": hostile, "status": "SUCCESS"}]).encode()
    with serve(ok(b'{"delivery_orders": %s, "page_info": {}}' % orders)) as url:
        with make_client(url) as client:
            with pytest.raises(
                CloudPondError, match="the ID of one delivery order in the answer must be made of letters"
            ):
                list(listed(client))


def test_an_outage_between_pages(emulate: Emulate, asking: Asking, retry_clock: FakeClock) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing="ok,http:503,reset,ok")
    assert ids(listed(asking(emulator, max_retries=2), page_size=10)) == THIRTY
    assert len(emulator.requests) == 5
