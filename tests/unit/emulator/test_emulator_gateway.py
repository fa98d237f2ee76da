# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials, paths, the throttle, the records, and HTTP as it goes over the wire."""

from __future__ import annotations

import dataclasses
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, RecordedRequest

from .client import (
    DOMAIN_ID,
    ORDER,
    ORDERS,
    TOKEN,
    FakeClock,
    all_of,
    connect,
    exchange,
    get,
    raw_connection,
    raw_request,
    wait_until,
)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Incorrect IAM authentication information: token not found"),
        ({"X-Auth-Token": ""}, "Incorrect IAM authentication information: token not found"),
        ({"X-Auth-Token": "wrong"}, "Incorrect IAM authentication information: decrypt token fail"),
        ({"X-Auth-Token": "t\u00f6ken"}, "Incorrect IAM authentication information: decrypt token fail"),
        ({"Authorization": "Basic eDp5"}, "Incorrect IAM authentication information: verify aksk signature fail"),
    ],
)
def test_a_refused_credential_learns_nothing_and_is_no_poll(headers: Mapping[str, str], message: str) -> None:
    with Emulator(["0000-a=http:503,SUCCESS"]) as emulator:
        for path in (ORDER, f"{ORDERS}/unknown", ORDERS, "/v2/other/delivery-orders/0000-a"):
            got = get(emulator.url, path, headers=headers)
            assert (got.status, got.json) == (401, {"error_code": "APIGW.0301", "error_msg": message})
        assert get(emulator.url).status == 503


def test_the_token_and_the_account_can_be_chosen() -> None:
    with Emulator(["0000-a=SUCCESS"], token="MIIF/+==", domain_id="domain-1") as emulator:
        path = "/v2/domain-1/delivery-orders/0000-a"
        assert get(emulator.url, path, headers={"x-auth-token": "MIIF/+=="}).order["domain_id"] == "domain-1"
        assert get(emulator.url, path).status == 401


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/", 404, "APIGW.0101"),
        (f"/v1/{DOMAIN_ID}/delivery-orders/0000-a", 404, "APIGW.0101"),
        (f"{ORDERS}/", 404, "APIGW.0101"),
        ("/v2//delivery-orders", 404, "APIGW.0101"),
        (f"{ORDER}/more", 404, "APIGW.0101"),
        (f"{ORDERS}/0000%2Fa", 400, "IES.00001005"),
        ("/v2/a%20b/delivery-orders", 400, "IES.00001005"),
        ("/v2/other/delivery-orders/0000-a", 403, "APIGW.0302"),
        (f"{ORDERS}/0000-b", 404, "IES.00001008"),
        (f"/v1/{DOMAIN_ID}/edge-sites/0000-a", 404, "IES.00001008"),
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
        assert exchange(connection, ORDER, method, body=None if method == "HEAD" else b"{}").status == 404
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


def test_latency_is_added_to_each_answer_and_holds_up_no_other() -> None:
    with Emulator(["0000-a=SUCCESS"], latency=0.3) as emulator:
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _number: get(emulator.url).status, range(8))) == [200] * 8
        assert 0.3 <= time.monotonic() - begun < 8 * 0.3


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
        RecordedRequest("GET", ORDER, "0000-a", None, 200, None, "tester/1", None, 1.0),
        RecordedRequest("GET", ORDER, "0000-a", None, 401, None, None, None, 1.0),
        RecordedRequest("GET", f"{ORDER}?x=1", "0000-a", None, 401, "echo", "tester/1", None, 3.5),
        RecordedRequest("GET", ORDER, "0000-a", None, None, "reset", "tester/1", None, 3.5),
        RecordedRequest("GET", "/elsewhere", None, None, 404, None, "tester/1", None, 3.5),
    ]
    assert shown.json == [dataclasses.asdict(request) for request in recorded]
    assert lines == [
        *(
            f"GET {ORDER} -> 200",
            f"GET {ORDER} -> 401",
            f"GET {ORDER}?x=1 [echo] -> 401",
            f"GET {ORDER} [reset] -> reset",
        ),
        "GET /elsewhere -> 404",
    ]
    for secret in (TOKEN, "wrong-secret"):
        assert secret not in shown.body.decode() + str(recorded) + str(lines)


def test_an_answer_is_recorded_before_the_client_has_it_and_leaves_in_one_packet() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        for number in range(50):
            connection.sendall(raw_request())
            head, _blank, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert f"\r\nContent-Length: {len(body)}".encode() in head
            assert [request.status for request in emulator.requests[number:]] == [200]


def test_a_client_that_leaves_in_the_midst_of_an_answer_has_none() -> None:
    with Emulator(["0000-a=huge"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(raw_request())
            connection.recv(1)
        wait_until(lambda: [request.status for request in emulator.requests] == [None])


def test_requests_one_upon_another_are_answered_one_by_one() -> None:
    with Emulator(["0000-a=PROCESSING,ACCEPTING,SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request() * 2 + raw_request().replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"))
        answers = all_of(connection)
    assert re.findall(rb'"status": "([A-Z]+)"', answers) == [b"PROCESSING", b"ACCEPTING", b"SUCCESS"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Many: x\r\n" * 101 + b"\r\n",
    ],
)
def test_what_is_not_http_is_refused(nonsense: bytes) -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(nonsense)
            assert all_of(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert emulator.requests == []


def test_a_client_that_breaks_off_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        for sent in (b"", b"GET /v2/", raw_request()[:-2]):
            connection = raw_connection(emulator)
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        assert get(emulator.url).status == 200
        wait_until(lambda: not emulator._open)
        assert len(emulator.requests) == 1
    assert (raised, capfd.readouterr()) == ([], ("", ""))


def test_clients_at_the_same_time_share_the_polls_of_an_order() -> None:
    with Emulator(["0000-a=PROCESSING*40,SUCCESS"]) as emulator:
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _poll: get(emulator.url).order["status"], range(50)))
    assert sorted(statuses) == ["PROCESSING"] * 40 + ["SUCCESS"] * 10


def test_a_closed_port_is_free_again_and_an_open_one_is_not() -> None:
    with Emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        get(emulator.url)
        with pytest.raises(OSError, match="in use"), Emulator(port=port):
            pass
    with Emulator(port=port) as again:
        assert again.url == emulator.url


def test_ipv6_is_loopback_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs ::1")
    with Emulator(["0000-a=SUCCESS"], host="::1") as emulator:
        assert emulator.url.startswith("http://[::1]:")
        assert get(emulator.url).status == 200
