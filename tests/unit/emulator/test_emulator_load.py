# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many orders, many requests: latency, throttling, and what the journal says of both."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._throttle import Throttle
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    CrowdedClock,
    FakeClock,
    connect,
    exchange,
    get,
    get_page,
    list_path,
    order_path,
    raw_connection,
    raw_request,
    sign,
    wait_until,
)


def test_twenty_thousand_orders() -> None:
    begun = time.process_time()
    with Emulator(["site-{00001..20000}=PROCESSING*5,SUCCESS"]) as emulator:
        # A small part of it is usual: this leaves room for slow machines, but not for another order of growth.
        assert time.process_time() - begun < 2
        begun = time.process_time()
        got = get_page(emulator.url, "limit=2000&marker=site-10000")
        assert time.process_time() - begun < 0.5
    assert (got.ids[0], got.ids[-1], len(set(got.ids))) == ("site-10001", "site-12000", 2000)
    assert got.page_info["next_marker"] == "site-12000"


def test_request_costs_little() -> None:
    with Emulator(["0000-a=PROCESSING"]) as emulator:
        connection = connect(emulator.url)
        exchange(connection, order_path())
        begun = time.process_time()
        for _time in range(300):
            exchange(connection, order_path())
        spent = time.process_time() - begun
        connection.close()
    # The test's own client included, whose share is the larger one.
    assert spent / 300 < 0.002


def test_latency_is_added_to_each_answer_of_the_api() -> None:
    with Emulator(["0000-a=http:503,slow:0.1,SUCCESS"], latency=0.1) as emulator:
        for path, status, least in (
            (order_path(), 503, 0.1),
            (order_path(), 200, 0.2),
            (order_path(), 200, 0.1),
            (order_path("unknown"), 404, 0.1),
            (list_path(), 200, 0.1),
            ("/elsewhere", 404, 0.1),
        ):
            begun = time.monotonic()
            assert get(emulator.url, path=path).status == status
            assert time.monotonic() - begun >= least


def test_journal_is_answered_without_latency() -> None:
    with Emulator(latency=60) as emulator:
        assert get(emulator.url, path="/emulator/requests", headers={}).status == 200


def test_latency_of_one_request_holds_up_no_other() -> None:
    with Emulator(["0000-a=SUCCESS"], latency=0.3) as emulator:
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _number: get(emulator.url).status, range(8)))
        assert time.monotonic() - begun < 8 * 0.3
        assert max(request.concurrent for request in emulator.requests) > 1
    assert statuses == [200] * 8


def test_latency_does_not_hold_up_closing() -> None:
    begun = time.monotonic()
    with Emulator(["0000-a=SUCCESS"], latency=60) as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request())
        wait_until(lambda: len(emulator.requests) == 1)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("latency", [-0.1, 86401, float("nan")])
def test_bad_latency(latency: float) -> None:
    with pytest.raises(ValueError, match=r"the latency .* is not a number of seconds from 0 to 86400"):
        Emulator(latency=latency)


def test_concurrent_counts_the_requests_that_wait_for_an_answer() -> None:
    with Emulator(["slow=slow:60", "quick=SUCCESS", "reset=reset", "cut=cut-short"]) as emulator:
        get(emulator.url, "quick")
        with raw_connection(emulator) as first, raw_connection(emulator) as second:
            for number, connection in enumerate((first, second), start=2):
                connection.sendall(raw_request("slow"))
                wait_until(lambda number=number: len(emulator.requests) == number)  # type: ignore[misc]  # a lambda's default
            for order_id in ("quick", "reset", "cut", "quick"):
                with raw_connection(emulator) as connection:
                    connection.sendall(raw_request(order_id))
                    if order_id != "reset":
                        connection.recv(65536)
                wait_until(lambda: emulator.requests[-1].concurrent == 3)
            counted = [request.concurrent for request in emulator.requests]
    assert counted == [1, 1, 2, 3, 3, 3, 3]


def test_journal_says_when() -> None:
    with Emulator(["0000-a=SUCCESS"], latency=0.05) as emulator:
        begun = time.monotonic()
        for _time in range(3):
            get(emulator.url)
        times = [request.at for request in emulator.requests]
        assert times == sorted(times)
        # When it arrived, not when it was answered.
        assert 0 <= times[0] < times[2] - 0.1
        assert times[2] - times[0] <= time.monotonic() - begun


def test_throttle() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=PROCESSING*4,SUCCESS"], throttle=3, clock=clock) as emulator:

        def burst() -> list[int]:
            return [get(emulator.url).status for _time in range(4)]

        assert burst() == [200, 200, 200, 429]
        got = get_page(emulator.url)
        assert (got.status, got.json["error_code"], got.headers["Retry-After"]) == (429, "APIGW.0308", "1")
        clock.now += 0.99
        assert get(emulator.url).status == 429
        clock.now += 0.01
        # Refused requests were not counted, neither here nor as a poll.
        assert get(emulator.url).order["status"] == "PROCESSING"
        assert get(emulator.url).order["status"] == "SUCCESS"
        assert [request.fault for request in emulator.requests] == [None] * 8


def test_throttle_counts_over_any_second() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=SUCCESS"], throttle=2, clock=clock) as emulator:
        statuses = []
        for _time in range(6):
            statuses.append(get(emulator.url).status)
            clock.now += 0.4
    assert statuses == [200, 200, 429, 200, 200, 429]


def test_throttle_is_for_those_whom_the_gateway_knows() -> None:
    with Emulator(["0000-a=SUCCESS"], throttle=1, clock=FakeClock()) as emulator:
        assert get(emulator.url, headers={}).status == 401
        assert get(emulator.url, path="/elsewhere").status == 404
        headers = sign(order_path(), "example.com")
        assert [get(emulator.url, headers=headers).status for _time in range(2)] == [200, 429]
        assert [request.failures_in_a_row for request in emulator.requests] == [None, None, 0, 0]


def test_throttle_counts_requests_at_the_same_time_one_by_one() -> None:
    clock = CrowdedClock()
    throttle = Throttle(5, clock)
    with ThreadPoolExecutor(4) as pool:
        let_through = list(pool.map(lambda _number: throttle.lets_through(), range(20)))
    assert clock.most == 1
    assert sum(let_through) == 5


def test_bad_throttle() -> None:
    with pytest.raises(ValueError, match="the throttle 0 is not a number of requests in a second, 1 or more"):
        Emulator(throttle=0)
