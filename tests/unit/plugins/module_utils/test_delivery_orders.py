# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import threading
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._auth import SignatureAuth, TokenAuth
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import CONCURRENT_MAX, Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import (
    list_delivery_orders,
    show_delivery_orders,
)
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError

from ...conftest import DOMAIN_ID, TOKEN, FakeClock
from .test_client import ok, serve

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]
    Asking = t.Callable[..., Client]

THIRTY = [f"site-{number:02}" for number in range(1, 31)]


@pytest.fixture
def asking() -> t.Iterator[Asking]:
    """Make clients that are closed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def make(emulator: Emulator, auth: t.Any = None, **options: t.Any) -> Client:
            options = {"max_retries": 0, "timeout": 5, **options}
            client = Client(auth or TokenAuth(TOKEN), domain_id=DOMAIN_ID, endpoint=emulator.url, **options)
            return stack.enter_context(client)

        yield make


def ids(orders: t.Iterable[dict[str, t.Any]]) -> list[str]:
    return [order["id"] for order in orders]


# Many orders by their IDs


def test_orders_come_as_asked_and_each_is_asked_for_once(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    wanted = [*reversed(THIRTY), THIRTY[3], THIRTY[3]]
    assert ids(show_delivery_orders(asking(emulator), wanted)) == wanted
    assert sorted(str(request.delivery_order_id) for request in emulator.requests) == THIRTY


def test_no_id_asks_nothing(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS")
    assert show_delivery_orders(asking(emulator), []) == []
    assert emulator.requests == []


def test_a_wrong_id_among_them_is_found_before_anything_is_asked(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS")
    with pytest.raises(CloudPondError, match=r"Cannot query the delivery orders: an ID must be made of .*: got ''"):
        show_delivery_orders(asking(emulator), ["a", ""])
    assert emulator.requests == []


def test_all_that_are_missing_are_named(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        show_delivery_orders(asking(emulator), ["x", "a", "y", "b", "x", "z"])
    assert str(caught.value).startswith(
        "Cannot query delivery order 'x' and delivery order 'y' and delivery order 'z': HTTP 404, IES."
    )
    assert (caught.value.http_status, caught.value.retryable) == (404, False)
    assert len(emulator.requests) == 5


def test_one_that_is_missing_is_the_error(emulate: Emulate, asking: Asking) -> None:
    with pytest.raises(CloudPondError, match="Cannot query delivery order 'x': HTTP 404"):
        show_delivery_orders(asking(emulate("a=SUCCESS")), ["a", "x"])


def test_an_api_that_is_missing_is_not_an_order(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    client = Client(TokenAuth(TOKEN), domain_id=DOMAIN_ID, endpoint=f"{emulator.url}/wrong", max_retries=0)
    with client, pytest.raises(CloudPondError, match=r"delivery order .a.: HTTP 404, APIGW\.0101"):
        show_delivery_orders(client, ["a", "b"])
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("auth", [TokenAuth("wrong"), SignatureAuth("emulator-access-key", "wrong")])
def test_a_refused_credential_is_refused_once(emulate: Emulate, asking: Asking, auth: t.Any) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    with pytest.raises(CloudPondError) as caught:
        show_delivery_orders(asking(emulator, auth, max_retries=5), THIRTY)
    assert (caught.value.http_status, caught.value.retryable) == (401, False)
    assert len(emulator.requests) == 1


def test_a_credential_that_expires_on_the_way_locks_no_key(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-01=SUCCESS", "site-{02..30}=http:401", latency=0.05)
    with pytest.raises(CloudPondError) as caught:
        show_delivery_orders(asking(emulator, max_retries=5), THIRTY)
    assert caught.value.http_status == 401
    assert len(emulator.requests) - 1 <= CONCURRENT_MAX <= 5


def test_an_outage_of_one_is_an_outage_of_all(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..29}=SUCCESS", "site-30=http:503")
    with pytest.raises(CloudPondError, match="delivery order 'site-30': HTTP 503") as caught:
        show_delivery_orders(asking(emulator), THIRTY)
    assert caught.value.retryable


def test_a_few_at_once(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", latency=0.02)
    show_delivery_orders(asking(emulator), THIRTY)
    assert max(request.concurrent for request in emulator.requests) == CONCURRENT_MAX


class MeetingClock(FakeClock):
    """Time passes only when two threads wait for it to."""

    def __init__(self) -> None:
        super().__init__()
        self.met = threading.Event()

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if len(self.sleeps) > 1:
            self.met.set()
        assert self.met.wait(5)
        self.now += seconds


def test_one_throttled_request_slows_the_others(
    emulate: Emulate, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MeetingClock()
    monkeypatch.setattr(_client, "time", clock)
    emulator = emulate("site-01=SUCCESS", "site-02=throttled:7,SUCCESS", "site-{03..30}=SUCCESS")
    assert len(show_delivery_orders(asking(emulator, max_retries=1), THIRTY)) == 30
    assert len(emulator.requests) == 31
    assert all(0 < seconds <= 7 * 1.25 for seconds in clock.sleeps)


def test_a_server_that_throttles_is_not_hammered(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", throttle=25)
    assert len(show_delivery_orders(asking(emulator, max_retries=5), THIRTY)) == 30
    refused = [request for request in emulator.requests if request.status == 429]
    assert 1 <= len(refused) <= CONCURRENT_MAX


# All orders, page by page


def test_pages_are_asked_for_until_none_is_left(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS")
    assert ids(list_delivery_orders(asking(emulator), page_size=7)) == THIRTY
    assert len(emulator.requests) == 5
    assert "limit=7" in emulator.requests[0].path


def test_an_account_without_orders(emulate: Emulate, asking: Asking) -> None:
    assert list(list_delivery_orders(asking(emulate()))) == []


def test_only_some_statuses(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("a=SUCCESS", "b=FAIL", "c=PROCESSING", "d=SUCCESS")
    client = asking(emulator)
    assert ids(list_delivery_orders(client, ["SUCCESS", "FAIL"], page_size=1)) == ["a", "b", "d"]
    assert "status=SUCCESS&status=FAIL" in emulator.requests[0].path


def test_signed_requests_page_too(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", security_token="temporary-token")
    auth = SignatureAuth("emulator-access-key", "emulator-secret-key", "temporary-token")
    assert ids(list_delivery_orders(asking(emulator, auth), ["SUCCESS", "FAIL"], page_size=9)) == THIRTY


@pytest.mark.parametrize("size", [0, 2001, -1])
def test_page_sizes_that_are_refused(emulate: Emulate, asking: Asking, size: int) -> None:
    emulator = emulate()
    with pytest.raises(CloudPondError, match="page_size must be from 1 to 2000: got"):
        list(list_delivery_orders(asking(emulator), page_size=size))
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
        ("no-page-info", "has no page_info"),
        ("list-page-info", "has no page_info"),
        ("text-page-info", "has no page_info"),
        ("number-marker", "next_marker in the answer is not a string"),
        ("empty-marker", "next_marker in the answer is not a string"),
    ],
)
def test_pages_that_waiting_does_not_cure(emulate: Emulate, asking: Asking, fault: str, reason: str) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing=f"ok,{fault}")
    with pytest.raises(CloudPondError, match=reason) as caught:
        list(list_delivery_orders(asking(emulator, max_retries=3), page_size=7))
    assert str(caught.value).startswith("Cannot query the delivery orders: HTTP 200: ")
    assert not caught.value.retryable
    assert len(emulator.requests) <= 3


def test_a_null_marker_ends_the_pages(emulate: Emulate, asking: Asking) -> None:
    emulator = emulate("site-{01..03}=SUCCESS", listing="null-marker")
    assert len(list(list_delivery_orders(asking(emulator)))) == 3


def test_empty_pages_end_at_some_time() -> None:
    pages = [b'{"delivery_orders": [], "page_info": {"next_marker": "m%d"}}' % number for number in range(200)]
    with serve(*map(ok, pages)) as url:
        client = Client(TokenAuth(TOKEN), domain_id=DOMAIN_ID, endpoint=url, max_retries=0)
        with client, pytest.raises(CloudPondError, match="101 pages in a row have no orders") as caught:
            list(list_delivery_orders(client))
    assert not caught.value.retryable


@pytest.mark.parametrize(("statuses", "expected"), [(["FAIL"], ["b"]), ([], ["a", "b"])])
def test_an_api_that_does_not_filter(statuses: list[str], expected: list[str]) -> None:
    orders = b'[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "FAIL"}]'
    with serve(ok(b'{"delivery_orders": %s, "page_info": {}}' % orders)) as url:
        with Client(TokenAuth(TOKEN), domain_id=DOMAIN_ID, endpoint=url) as client:
            assert ids(list_delivery_orders(client, statuses)) == expected


def test_an_order_without_an_id() -> None:
    with serve(ok(b'{"delivery_orders": [{"status": "SUCCESS"}], "page_info": {}}')) as url:
        with Client(TokenAuth(TOKEN), domain_id=DOMAIN_ID, endpoint=url) as client:
            with pytest.raises(CloudPondError, match="a delivery order in the answer has no ID"):
                list(list_delivery_orders(client))


def test_an_outage_between_pages(emulate: Emulate, asking: Asking, retry_clock: FakeClock) -> None:
    emulator = emulate("site-{01..30}=SUCCESS", listing="ok,http:503,reset,ok")
    assert ids(list_delivery_orders(asking(emulator, max_retries=2), page_size=10)) == THIRTY
    assert len(emulator.requests) == 5
