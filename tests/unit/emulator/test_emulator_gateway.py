# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials, paths, the throttle, the records, and HTTP as it goes over the wire."""

from __future__ import annotations

import re
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, RecordedRequest

from .client import ORDER, ORDERS, REQUEST, SITES, TOKEN, FakeClock, all_of, connect, exchange, get, raw, wait_until


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "token not found"),
        ({"X-Auth-Token": "wrong"}, "decrypt token fail"),
        ({"X-Auth-Token": "t\u00f6ken"}, "decrypt token fail"),
        ({"Authorization": "Basic eDp5"}, "verify aksk signature fail"),
    ],
)
def test_a_refused_credential_learns_nothing_and_is_no_poll(headers: dict[str, str], reason: str) -> None:
    with Emulator(["0000-a=http:503,SUCCESS"]) as emulator:
        for path in (ORDER, f"{ORDERS}/unknown", ORDERS, "/v2/other/delivery-orders/0000-a"):
            got = get(emulator.url, path, headers=headers)
            assert (got.status, got.json["error_code"]) == (401, "APIGW.0301")
            assert got.json["error_msg"] == f"Incorrect IAM authentication information: {reason}"
        assert get(emulator.url).status == 503


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{ORDERS}/0000%2Fa", 400, "IES.00001005"),
        ("/v2/other/delivery-orders/0000-a", 403, "APIGW.0302"),
        (f"{ORDERS}/0000-b", 404, "IES.00001008"),
        (f"{SITES}/0000-a", 404, "IES.00001008"),
    ],
)
def test_a_path_that_leads_nowhere(path: str, status: int, code: str) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        got = get(emulator.url, path)
        assert (got.status, got.json["error_code"]) == (status, code)
        assert re.fullmatch(r"[0-9a-f]{32}", got.headers["X-Request-Id"])
        assert get(emulator.url).order["status"] == "PROCESSING"


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "HEAD"])
def test_no_other_method_has_an_api(method: str) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        connection = connect(emulator.url)
        assert exchange(connection, method=method).status == 404
        # The connection goes on after the body.
        assert exchange(connection).order["status"] == "PROCESSING"
        connection.close()


def test_the_throttle_counts_the_requests_of_any_second_that_were_answered() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=SUCCESS"], throttle=2, clock=clock) as emulator:
        # Those whom the gateway doesn't know don't count.
        assert get(emulator.url, headers={}).status == 401
        statuses = []
        for _time in range(6):
            got = get(emulator.url)
            statuses.append(got.status)
            clock.now += 0.4
            if got.status == 429:
                assert (got.json["error_code"], got.headers["Retry-After"]) == ("APIGW.0308", "1")
    assert statuses == [200, 200, 429, 200, 200, 429]


def test_the_records_have_each_request_and_no_credential() -> None:
    clock, lines = FakeClock(), list[str]()
    with Emulator(["0000-a=PROCESSING,echo,reset,SUCCESS"], clock=clock, log=lines.append) as emulator:
        headers = {"X-Auth-Token": TOKEN, "User-Agent": "tester/1"}
        clock.now += 1
        get(emulator.url, headers=headers)
        get(emulator.url, headers={"X-Auth-Token": "wrong-secret"})
        clock.now += 2.5
        get(emulator.url, f"{ORDER}?x=1", headers=headers)
        with pytest.raises(ConnectionResetError):
            get(emulator.url, headers=headers)
        get(emulator.url, "/elsewhere", headers=headers)
        shown = get(emulator.url, "/emulator/requests", headers={})
        recorded = emulator.requests
    assert recorded == [
        RecordedRequest("GET", ORDER, "0000-a", None, 200, None, "tester/1", None, 1),
        RecordedRequest("GET", ORDER, "0000-a", None, 401, None, None, None, 1.0),
        RecordedRequest("GET", f"{ORDER}?x=1", "0000-a", None, 401, "echo", "tester/1", None, 3.5),
        RecordedRequest("GET", ORDER, "0000-a", None, None, "reset", "tester/1", None, 3.5),
        RecordedRequest("GET", "/elsewhere", None, None, 404, None, "tester/1", None, 3.5),
    ]
    assert shown.json == [vars(request) for request in recorded]
    assert lines[2:4] == [f"GET {ORDER}?x=1 [echo] -> 401", f"GET {ORDER} [reset] -> reset"]
    for secret in (TOKEN, "wrong-secret"):
        assert secret not in shown.body.decode() + str(recorded) + str(lines)


@pytest.mark.parametrize(
    "rest", ["x", " / HTTP/2.0", " / HTTP/1.1\r\nContent-Length: -1", " / HTTP/1.1\r\nTransfer-Encoding: chunked"]
)
def test_what_is_not_http_is_refused(rest: str) -> None:
    with Emulator() as emulator:
        with raw(emulator, f"GET{rest}\r\n\r\n".encode()) as connection:
            assert all_of(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert emulator.requests == []


def test_a_client_that_breaks_off_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with Emulator(["0000-a=huge"]) as emulator:
        for sent in (b"", b"GET /v2/", REQUEST[:-2], REQUEST):
            with raw(emulator, sent) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if sent == REQUEST:
                    connection.recv(1)
        wait_until(lambda: not emulator._open)
        # The last one left in the midst of its answer.
        assert [request.status for request in emulator.requests] == [None]
    assert raised == []


def test_clients_at_the_same_time_share_the_polls_of_an_order() -> None:
    with Emulator(["0000-a=PROCESSING*40,SUCCESS"]) as emulator:
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _poll: get(emulator.url).order["status"], range(50)))
    assert sorted(statuses) == ["PROCESSING"] * 40 + ["SUCCESS"] * 10
