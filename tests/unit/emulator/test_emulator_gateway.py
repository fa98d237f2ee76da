# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's checks, the journal, and HTTP as it goes over the wire."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, RecordedRequest
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    DOMAIN_ID,
    TOKEN,
    FakeClock,
    connect,
    exchange,
    get,
    order_path,
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
        ({"X-Auth-Token": "emulator-tokeN"}, "Incorrect IAM authentication information: decrypt token fail"),
        ({"X-Auth-Token": "t\u00f6ken"}, "Incorrect IAM authentication information: decrypt token fail"),
    ],
)
def test_bad_credential(headers: Mapping[str, str], message: str) -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        got = get(emulator.url, headers=headers)
        # Whether the order or the account exists is nothing for those who can't say who they are.
        assert get(emulator.url, "unknown", headers=headers).status == 401
        assert get(emulator.url, path="/v2/other/delivery-orders/0000-a", headers=headers).status == 401
    assert got.status == 401
    assert got.json == {"error_code": "APIGW.0301", "error_msg": message}


def test_bad_credential_is_no_poll() -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        assert get(emulator.url, headers={}).status == 401
        assert get(emulator.url, headers={"X-Auth-Token": "wrong"}).status == 401
        assert get(emulator.url).order["status"] == "PROCESSING"


def test_own_token_and_domain() -> None:
    with Emulator(["0000-a=SUCCESS"], token="MIIF/+==", domain_id="domain-1") as emulator:
        path = "/v2/domain-1/delivery-orders/0000-a"
        got = get(emulator.url, path=path, headers={"x-auth-token": "MIIF/+=="})
        assert got.status == 200
        assert got.order["domain_id"] == "domain-1"
        assert get(emulator.url, path=path, headers={"X-Auth-Token": TOKEN}).status == 401


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "t\u00f6ken"])
def test_token_that_no_header_can_carry(token: str) -> None:
    with pytest.raises(ValueError, match="the token must be one or more visible ASCII characters"):
        Emulator(token=token)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/", 404, "APIGW.0101"),
        ("/v1/x/delivery-orders/0000-a", 404, "APIGW.0101"),
        (f"/v2/{DOMAIN_ID}/orders/0000-a", 404, "APIGW.0101"),
        (f"/v2/{DOMAIN_ID}/delivery-orders/", 404, "APIGW.0101"),
        ("/v2//delivery-orders/0000-a", 404, "APIGW.0101"),
        ("/v2//delivery-orders", 404, "APIGW.0101"),
        ("/v2/delivery-orders", 404, "APIGW.0101"),
        (order_path("0000-a/more"), 404, "APIGW.0101"),
        ("/emulator/other", 404, "APIGW.0101"),
        (order_path("0000%2Fa"), 400, "IES.00001005"),
        (order_path("0000.a"), 400, "IES.00001005"),
        ("/v2/a%20b/delivery-orders/0000-a", 400, "IES.00001005"),
        ("/v2/a%20b/delivery-orders", 400, "IES.00001005"),
        ("/v2/other/delivery-orders/0000-a", 403, "APIGW.0302"),
        ("/v2/other/delivery-orders", 403, "APIGW.0302"),
        (order_path("0000-b"), 404, "IES.00001008"),
    ],
)
def test_path_that_leads_nowhere(path: str, status: int, code: str) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        got = get(emulator.url, path=path)
        assert (got.status, got.json["error_code"]) == (status, code)
        assert re.fullmatch(r"[0-9a-f]{32}", got.headers["X-Request-Id"])
        assert get(emulator.url).order["status"] == "PROCESSING"


@pytest.mark.parametrize("path", [f"{order_path()}?x=1", f"http://ies.example.com{order_path()}"])
def test_path_with_query_or_through_a_proxy(path: str) -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        assert get(emulator.url, path=path).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"])
def test_other_methods_find_no_api_and_leave_the_connection_usable(method: str) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        connection = connect(emulator.url)
        connection.connect()
        first = connection.sock
        body = None if method == "HEAD" else b"GET / HTTP/1.1\r\n\r\n"
        got = exchange(connection, order_path(), method, body=body)
        assert got.status == 404
        assert got.body == b"" if method == "HEAD" else got.json["error_code"] == "APIGW.0101"
        assert exchange(connection, order_path()).order["status"] == "PROCESSING"
        assert connection.sock is first
        connection.close()
        assert len(emulator.requests) == 2


def test_answer_to_head_has_no_body() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request().replace(b"GET", b"HEAD"))
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_journal() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=PROCESSING,http:503,reset,SUCCESS"], clock=clock) as emulator:
        headers = {"X-Auth-Token": TOKEN, "User-Agent": "tester/1"}
        clock.now += 1
        get(emulator.url, headers=headers)
        get(emulator.url, headers={"X-Auth-Token": "wrong-secret"})
        clock.now += 2.5
        get(emulator.url, headers=headers, path=f"{order_path()}?x=1")
        with pytest.raises(OSError):  # noqa: PT011  # any will do
            get(emulator.url, headers=headers)
        get(emulator.url, headers=headers, method="DELETE")
        get(emulator.url, headers=headers, path="/elsewhere")
        got = get(emulator.url, path="/emulator/requests", headers={})
        recorded = emulator.requests
    path = order_path()
    assert recorded == [
        RecordedRequest("GET", path, "0000-a", None, 200, None, "tester/1", None, 1.0, 1),
        RecordedRequest("GET", path, "0000-a", None, 401, None, None, None, 1.0, 1),
        RecordedRequest("GET", f"{path}?x=1", "0000-a", None, 503, "http:503", "tester/1", None, 3.5, 1),
        RecordedRequest("GET", path, "0000-a", None, None, "reset", "tester/1", None, 3.5, 1),
        RecordedRequest("DELETE", path, "0000-a", None, 404, None, "tester/1", None, 3.5, 1),
        RecordedRequest("GET", "/elsewhere", None, None, 404, None, "tester/1", None, 3.5, 1),
    ]
    assert got.status == 200
    assert got.json == [dataclasses.asdict(request) for request in recorded]
    assert got.json[0] == {
        "method": "GET",
        "path": path,
        "delivery_order_id": "0000-a",
        "edge_site_id": None,
        "status": 200,
        "fault": None,
        "user_agent": "tester/1",
        "failures_in_a_row": None,
        "at": 1.0,
        "concurrent": 1,
    }
    assert TOKEN.encode() not in got.body
    assert b"wrong-secret" not in got.body


def test_journal_is_a_copy() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        get(emulator.url)
        emulator.requests.clear()
        assert len(emulator.requests) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        emulator.requests[0].status = 1  # type: ignore[misc]  # it is frozen


def test_journal_is_only_read() -> None:
    with Emulator() as emulator:
        assert get(emulator.url, path="/emulator/requests", method="DELETE").status == 404
        assert emulator.requests == []


def test_answer_is_in_the_journal_before_the_client_has_it() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        for number in range(100):
            connection.sendall(raw_request())
            connection.recv(65536)
            assert [request.status for request in emulator.requests[number:]] == [200]


@pytest.mark.parametrize("life", ["SUCCESS", "http:503", "html", "redirect"])
def test_answer_leaves_in_one_packet(life: str) -> None:
    with Emulator([f"0000-a={life}"]) as emulator, raw_connection(emulator) as connection:
        for _time in range(50):
            connection.sendall(raw_request())
            head, _blank, body = connection.recv(65536).partition(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            assert length
            assert len(body) == int(length[1])


def test_nagle_is_off() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request())
        connection.recv(65536)
        (served,) = emulator._listener._connections
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_one_upon_another() -> None:
    with Emulator(["0000-a=PROCESSING,ACCEPTING,SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        connection.sendall(raw_request() * 3)
        answers = b""
        while answers.count(b"delivery_order-") < 3:
            answers += connection.recv(65536)
    assert re.findall(rb'"status": "([A-Z]+)"', answers) == [b"PROCESSING", b"ACCEPTING", b"SUCCESS"]


@pytest.mark.parametrize(
    ("request_line", "header"),
    [("GET {} HTTP/1.0", ""), ("GET {} HTTP/1.1", "Connection: Close\r\n")],
)
def test_connection_ends_for_a_client_that_wants_it(request_line: str, header: str) -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, raw_connection(emulator) as connection:
        connection.sendall(f"{request_line.format(order_path())}\r\nX-Auth-Token: {TOKEN}\r\n{header}\r\n".encode())
        answer = b""
        while received := connection.recv(65536):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        pytest.param(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (65536 - len("X-Long: ")), id="too long a line"),
        b"GET / HTTP/1.1\r\nX-Auth-Token : spaced\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Auth-Token: folded\r\n value\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Many: x\r\n" * 101 + b"\r\n",
    ],
)
def test_what_is_not_http_is_refused(nonsense: bytes) -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(nonsense)
            answer = b""
            while received := connection.recv(65536):
                answer += received
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"APIGW.0201" in answer
        assert emulator.requests == []
        assert get(emulator.url).status == 200


@pytest.mark.parametrize(
    "sent",
    [raw_request()[:-2], raw_request()[:-2] + b"Content-Length: 5\r\n\r\nbody"],
    ids=["headers", "body"],
)
def test_request_that_is_not_whole_is_none(sent: bytes) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
        assert emulator.requests == []


def test_many_headers_are_read() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        assert (
            get(emulator.url, headers={"X-Auth-Token": TOKEN, **{f"X-{n}": "x" * 1000 for n in range(90)}}).status
            == 200
        )


def test_many_clients_at_once() -> None:
    with Emulator([f"order-{number}=PROCESSING*10,SUCCESS" for number in range(8)]) as emulator:

        def follow(number: int) -> list[str]:
            return [get(emulator.url, f"order-{number}").order["status"] for _poll in range(11)]

        with ThreadPoolExecutor(8) as pool:
            followed = list(pool.map(follow, range(8)))
        assert followed == [["PROCESSING"] * 10 + ["SUCCESS"]] * 8
        assert len(emulator.requests) == 88


def test_clients_of_one_order_share_its_polls() -> None:
    with Emulator(["0000-a=PROCESSING*40,SUCCESS"]) as emulator:
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _poll: get(emulator.url).order["status"], range(50)))
        assert sorted(statuses) == ["PROCESSING"] * 40 + ["SUCCESS"] * 10


def test_client_that_breaks_off_is_no_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with Emulator(["0000-a=huge", "0000-b=SUCCESS"]) as emulator:
        for sent in (b"", b"GET /v2/", raw_request()[:-2], raw_request()):
            connection = raw_connection(emulator)
            connection.sendall(sent)
            if sent == raw_request():
                connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        assert get(emulator.url, "0000-b").status == 200
        wait_until(lambda: not emulator._listener._connections)
    assert raised == []
    assert capfd.readouterr() == ("", "")


def test_closing_is_at_once_and_ends_connections() -> None:
    threads = threading.active_count()
    with Emulator(["0000-a=slow:60", "0000-b=SUCCESS"]) as emulator:
        slow, idle = raw_connection(emulator), raw_connection(emulator)
        slow.sendall(raw_request())
        idle.sendall(raw_request("0000-b"))
        assert idle.recv(65536)
        wait_until(lambda: len(emulator.requests) == 2)
        begun = time.monotonic()
    # Generous to a busy machine, yet less than a loop that looks twice a second.
    assert time.monotonic() - begun < 0.4
    for connection in (slow, idle):
        with connection:
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        get(emulator.url)
    wait_until(lambda: threading.active_count() <= threads)
    assert sorted(str(request.status) for request in emulator.requests) == ["200", "None"]


def test_closed_port_is_free_again() -> None:
    with Emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        get(emulator.url)
    with Emulator(port=port) as again:
        assert again.url == emulator.url


def test_address_in_use() -> None:
    with Emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), Emulator(port=port):
            pass


def test_url_is_loopback() -> None:
    with Emulator() as emulator:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", emulator.url)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs ::1")
    with Emulator(["0000-a=SUCCESS"], host="::1") as emulator:
        assert emulator.url.startswith("http://[::1]:")
        assert get(emulator.url).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "localhost", ""])
def test_only_loopback_addresses(host: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"the host {host!r} is not a loopback address: use 127.0.0.1 or ::1")
    ):
        Emulator(host=host)


def test_log_has_each_request_without_the_credential() -> None:
    lines: list[str] = []
    with Emulator(["0000-a=PROCESSING,echo,reset,cut-short"], log=lines.append) as emulator:
        for _time in range(4):
            with contextlib.suppress(OSError, http.client.HTTPException):
                get(emulator.url)
    path = order_path()
    assert lines == [
        f"GET {path} -> 200",
        f"GET {path} [echo] -> 401",
        f"GET {path} [reset] -> reset",
        f"GET {path} [cut-short] -> no whole answer",
    ]


def test_nothing_is_looked_up_in_the_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> str:
        raise AssertionError("a name was looked up")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname"):
        monkeypatch.setattr(socket, name, fail)
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        assert get(emulator.url).status == 200


def test_emulators_run_beside_each_other() -> None:
    with Emulator(["0000-a=SUCCESS"]) as one, Emulator(["0000-a=FAIL"]) as other:
        shown = [get(emulator.url).order["status"] for emulator in (one, other)]
        assert shown == ["SUCCESS", "FAIL"]
        assert len(one.requests) == len(other.requests) == 1
