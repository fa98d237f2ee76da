# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy: what it hands on, what it refuses, and how it misbehaves."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.client
import json
import re
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, Proxy
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults_proxy import PROXY_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._kinds import Kind
from ansible_collections.huaweicloud.cloudpond.tests.emulator._tls import HANDSHAKE_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    PATIENCE,
    TOKEN,
    FakeClock,
    Got,
    address,
    exchange,
    order_path,
    receive,
    wait_until,
)
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.pki import Pki

TARGET = "127.0.0.1:443"


def basic(login: str) -> dict[str, str]:
    return {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


def raw_connection(proxy: Proxy) -> socket.socket:
    return socket.create_connection(address(proxy.url), timeout=PATIENCE)


def asking(proxy: Proxy, target: str = TARGET, headers: dict[str, str] | None = None) -> socket.socket:
    """A connection on which a CONNECT was sent."""
    connection = raw_connection(proxy)
    lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def answered(connection: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(proxy: Proxy, target: str = TARGET, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The status and the whole of an answer to CONNECT."""
    with asking(proxy, target, headers) as connection:
        got = answered(connection)
    return int(got.split()[1]), got


def get_by_tunnel(proxy: Proxy, url: str, tls: ssl.SSLContext, headers: dict[str, str] | None = None) -> Got:
    connection = http.client.HTTPSConnection(*address(proxy.url), timeout=PATIENCE, context=tls)
    connection.set_tunnel(*address(url), headers=headers or {})
    try:
        return exchange(connection, order_path())
    finally:
        connection.close()


def get_by_url(proxy: Proxy, url: str, headers: dict[str, str] | None = None) -> Got:
    connection = http.client.HTTPConnection(*address(proxy.url), timeout=PATIENCE)
    try:
        return exchange(connection, url + order_path(), headers={"X-Auth-Token": TOKEN, **(headers or {})})
    finally:
        connection.close()


def test_tunnel(pki: Pki) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        with Proxy() as proxy:
            assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", proxy.url)
            statuses = [get_by_tunnel(proxy, emulator.url, pki.trusting).order["status"] for _time in range(2)]
            shown = [dataclasses.asdict(request) for request in proxy.requests]
    assert statuses == ["PROCESSING", "SUCCESS"]
    for request in shown:
        assert 0 <= request.pop("at") < PATIENCE
    assert (
        shown
        == [
            {
                "method": "CONNECT",
                "target": emulator.url.partition("//")[2],
                "authorization": False,
                "user": None,
                "status": 200,
                "fault": None,
            }
        ]
        * 2
    )


def test_tunnel_carries_a_large_answer(pki: Pki) -> None:
    with Emulator(["0000-a=huge"], certificate=pki.certificate, key=pki.key) as emulator, Proxy() as proxy:
        assert len(get_by_tunnel(proxy, emulator.url, pki.trusting).body) > 10 * 1024 * 1024


def test_tls_to_the_proxy_and_through_it(pki: Pki) -> None:
    tls = {"certificate": pki.certificate, "key": pki.key}
    with Emulator(["0000-a=huge"], **tls) as emulator, Proxy(**tls) as proxy:  # type: ignore[arg-type]  # of several types
        assert proxy.url.startswith("https://127.0.0.1:")
        with raw_connection(proxy) as plain:
            outer = pki.trusting.wrap_socket(plain, server_hostname="127.0.0.1")
            target = emulator.url.partition("//")[2]
            outer.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
            assert outer.recv(65536).startswith(b"HTTP/1.1 200 ")
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            inner = pki.trusting.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

            def step(action: object) -> bytes:
                while True:
                    try:
                        got = action()  # type: ignore[operator]  # of several types
                        outer.sendall(outgoing.read())
                        return bytes(got or b"")
                    except ssl.SSLWantReadError:
                        outer.sendall(outgoing.read())
                        incoming.write(outer.recv(65536))

            step(inner.do_handshake)
            request = f"GET {order_path()} HTTP/1.1\r\nX-Auth-Token: {TOKEN}\r\n\r\n".encode()
            step(lambda: inner.write(request) and None)
            got = b""
            while len(got) < 10 * 1024 * 1024:
                got += step(lambda: inner.read(65536))
            outer.close()


def test_plain_http() -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"]) as emulator, Proxy(login="user:password") as proxy:
        statuses = [get_by_url(proxy, emulator.url, basic("user:password")).order["status"] for _time in range(2)]
        assert [request.path for request in emulator.requests] == [order_path()] * 2
        assert [(request.method, request.target, request.status) for request in proxy.requests] == [
            ("GET", emulator.url + order_path(), None)
        ] * 2
    assert statuses == ["PROCESSING", "SUCCESS"]


def test_plain_http_hands_on_no_credential_for_the_proxy() -> None:
    with Proxy(login="user:password") as proxy, socket.create_server(("127.0.0.1", 0)) as server:
        lines = [f"GET http://127.0.0.1:{server.getsockname()[1]}/a?b=c HTTP/1.1", "Host: h", "X-Own: y"]
        lines += ["Connection: keep-alive", "Proxy-Connection: x"]
        lines += [f"{name}: {value}" for name, value in basic("user:password").items()]
        with raw_connection(proxy) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode())
            handed_on, _address = server.accept()
            with handed_on:
                handed_on.settimeout(PATIENCE)
                got = handed_on.recv(65536)
    assert got == b"GET /a?b=c HTTP/1.1\r\nhost: h\r\nx-own: y\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "target", ["192.0.2.1:443", "example.invalid:443", "[2001:db8::1]:443", "0.0.0.0:443", "127.0.0.1.example:443"]
)
def test_nothing_beyond_loopback(target: str) -> None:
    with Proxy() as proxy:
        assert ask(proxy, target)[0] == 403
        with raw_connection(proxy) as connection:
            connection.sendall(f"GET http://{target}/ HTTP/1.1\r\n\r\n".encode())
            assert answered(connection).startswith(b"HTTP/1.1 403 ")
        assert [(request.target, request.status) for request in proxy.requests] == [
            (target, 403),
            (f"http://{target}/", 403),
        ]


@pytest.mark.parametrize(
    "start",
    [
        "CONNECT 127.0.0.1",
        "CONNECT 127.0.0.1:x",
        "CONNECT 127.0.0.1:70000",
        "CONNECT http://127.0.0.1:80/",
        "CONNECT [::1:443",
        "GET /v2/",
        "GET https://127.0.0.1/",
        "GET http:///",
    ],
)
def test_targets_that_are_none(start: str) -> None:
    with Proxy() as proxy, raw_connection(proxy) as connection:
        connection.sendall(f"{start} HTTP/1.1\r\n\r\n".encode())
        assert answered(connection).startswith(b"HTTP/1.1 400 ")
        assert [request.status for request in proxy.requests] == [400]


def test_localhost_by_name_and_ipv6() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator, Proxy() as proxy:
        assert get_by_url(proxy, emulator.url.replace("127.0.0.1", "localhost")).status == 200
        with contextlib.suppress(OSError), Emulator(["0000-a=SUCCESS"], host="::1") as six:
            assert get_by_url(proxy, six.url).status == 200


def test_nobody_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Proxy() as proxy:
        assert ask(proxy, f"127.0.0.1:{port}")[0] == 502
        assert proxy.requests[0].status == 502


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({}, None),
        (basic("user:wrong-secret"), "user"),
        (basic("somebody:wrong-secret"), "somebody"),
        (basic("wrong-secret"), None),
        ({"Proxy-Authorization": "Bearer wrong-secret"}, None),
        ({"Proxy-Authorization": "Basic wrong-secret"}, None),
        ({"Proxy-Authorization": "Basic /w=="}, None),
    ],
)
def test_login_is_wanted(headers: dict[str, str], user: str | None) -> None:
    with Proxy("reset", login="user:password") as proxy:
        status, got = ask(proxy, headers=headers)
        assert status == 407
        assert b'\r\nProxy-Authenticate: Basic realm="emulator"\r\n' in got
        (request,) = proxy.requests
        assert (request.authorization, request.user, request.status, request.fault) == (bool(headers), user, 407, None)
        assert "secret" not in repr(request)


def test_right_login(pki: Pki) -> None:
    with Emulator(["0000-a=SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        with Proxy(login="user:pass:wörd") as proxy:
            assert get_by_tunnel(proxy, emulator.url, pki.trusting, basic("user:pass:wörd")).status == 200
            assert [(request.authorization, request.user) for request in proxy.requests] == [(True, "user")]
            assert "wörd" not in repr(proxy.requests)


def test_password_in_the_target_is_not_repeated() -> None:
    lines: list[str] = []
    with Proxy(log=lines.append) as proxy:
        assert ask(proxy, "user:secret@127.0.0.1:443")[0] == 400
        with raw_connection(proxy) as connection:
            connection.sendall(b"GET http://user:secret@127.0.0.1/ HTTP/1.1\r\n\r\n")
            assert answered(connection).startswith(b"HTTP/1.1 400 ")
        assert [request.target for request in proxy.requests] == ["***@127.0.0.1:443", "http://***@127.0.0.1/"]
    assert lines == ["CONNECT ***@127.0.0.1:443", "GET http://***@127.0.0.1/"]


@pytest.mark.parametrize("code", [403, 407, 502, 503])
def test_http(code: int) -> None:
    with Proxy(f"http:{code}") as proxy:
        status, got = ask(proxy, headers=basic("user:password"))
        assert status == code
        assert (b"\r\nProxy-Authenticate: Basic " in got) == (code == 407)
        assert [(request.status, request.fault) for request in proxy.requests] == [(code, f"http:{code}")]


@pytest.mark.parametrize(("fault", "code"), [("echo", 407), ("echo:502", 502)])
def test_echo(fault: str, code: int) -> None:
    with Proxy(fault) as proxy:
        status, got = ask(proxy, headers=basic("user:password"))
        assert status == code
        assert basic("user:password")["Proxy-Authorization"].encode() in got.splitlines()[0]
        assert proxy.requests[0].status == code
        assert ask(proxy)[0] == code


def test_hang() -> None:
    with Proxy("hang") as proxy, asking(proxy) as connection:
        wait_until(lambda: len(proxy.requests) == 1)
        connection.settimeout(0.2)
        with pytest.raises(socket.timeout):
            connection.recv(1)
        assert [(request.status, request.fault) for request in proxy.requests] == [(None, "hang")]


def test_trickle() -> None:
    start, line = b"HTTP/1.1 200 Connection established\r\n", b"X-Trickle: 1\r\n"
    begun = time.monotonic()
    with Proxy("trickle:0.05") as proxy, asking(proxy) as connection:
        got = receive(connection, len(start + 4 * line))
        assert time.monotonic() - begun >= got.count(line) * 0.05
        assert got == start + got.count(line) * line
        assert proxy.requests[0].status is None


def test_reset() -> None:
    with Proxy("reset") as proxy, asking(proxy) as connection:
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        assert [(request.status, request.fault) for request in proxy.requests] == [(None, "reset")]


def test_cut() -> None:
    with Proxy("cut") as proxy, asking(proxy) as connection:
        assert answered(connection) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        assert [(request.status, request.fault) for request in proxy.requests] == [(200, "cut")]


def test_hang_after(pki: Pki) -> None:
    with Emulator(["0000-a=SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        with Proxy("hang-after") as proxy, asking(proxy, emulator.url.partition("//")[2]) as connection:
            assert connection.recv(65536) == b"HTTP/1.1 200 Connection established\r\n\r\n"
            connection.settimeout(0.3)
            with pytest.raises(socket.timeout):
                pki.trusting.wrap_socket(connection, server_hostname="127.0.0.1")
        assert emulator.connections == 0


def test_life() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=SUCCESS"]) as emulator, Proxy("http:503*2,ok@60,http:502", clock=clock) as proxy:
        statuses = [get_by_url(proxy, emulator.url).status for _time in range(4)]
        clock.now += 60
        statuses += [get_by_url(proxy, emulator.url).status]
        assert [request.at for request in proxy.requests] == [0, 0, 0, 0, 60]
    assert statuses == [503, 503, 200, 200, 502]


def test_what_is_refused_anyway_is_no_poll() -> None:
    with Proxy("http:503,http:502", login="user:password") as proxy:
        assert ask(proxy)[0] == 407
        assert ask(proxy, "192.0.2.1:443", basic("user:password"))[0] == 403
        assert ask(proxy, headers=basic("user:password"))[0] == 503


def test_reset_of_the_server_goes_through() -> None:
    # Without TLS: OpenSSL sometimes takes a reset for an end.
    with Emulator(["0000-a=reset"]) as emulator, Proxy() as proxy:
        with pytest.raises(ConnectionResetError, match="reset by peer"):
            get_by_url(proxy, emulator.url)


def test_end_of_the_server_goes_through(pki: Pki) -> None:
    with Emulator(["0000-a=cut-short"], certificate=pki.certificate, key=pki.key) as emulator, Proxy() as proxy:
        with pytest.raises((http.client.IncompleteRead, ssl.SSLEOFError)):
            get_by_tunnel(proxy, emulator.url, pki.trusting)


@pytest.mark.parametrize("life", ["hang", "trickle:60", "trickle:0", "hang-after", "ok"])
def test_held_connections_are_let_go(life: str) -> None:
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        target = f"127.0.0.1:{server.getsockname()[1]}"
        with Proxy(life) as proxy:
            with asking(proxy, target):
                wait_until(lambda: len(proxy.requests) == 1)
            wait_until(lambda: not proxy._listener._connections)
            stack.enter_context(asking(proxy, target))
            wait_until(lambda: len(proxy.requests) == 2)
        assert set(threading.enumerate()) == before


def test_server_that_takes_nothing_holds_up_no_end() -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        with Proxy() as proxy:
            connection = stack.enter_context(asking(proxy, f"127.0.0.1:{server.getsockname()[1]}"))
            assert connection.recv(65536)
            connection.settimeout(0.5)
            with pytest.raises(socket.timeout):
                connection.sendall(bytes(64 * 1024 * 1024))
        assert set(threading.enumerate()) == before


def test_requests_are_told() -> None:
    with Proxy("http:503") as proxy:
        ask(proxy, headers=basic("user:password"))
        with raw_connection(proxy) as connection:
            connection.sendall(b"GET /emulator/requests HTTP/1.1\r\n\r\n")
            told = json.loads(answered(connection).partition(b"\r\n\r\n")[2])
        assert told == [dataclasses.asdict(request) for request in proxy.requests]
        assert [request["user"] for request in told] == ["user"]


def test_noise() -> None:
    with Proxy() as proxy:
        with raw_connection(proxy) as connection:
            connection.sendall(b"\x16\x03\x01\r\n\r\n")
            assert answered(connection).startswith(b"HTTP/1.1 400 ")
        raw_connection(proxy).close()
        assert proxy.requests == []


@pytest.mark.parametrize("handshake", ["stall", "not-tls"])
def test_handshake_with_the_proxy_itself(handshake: str) -> None:
    with Proxy(handshake=handshake) as proxy, raw_connection(proxy) as connection:
        connection.settimeout(0.3)
        with pytest.raises(OSError, match=r"timed out|(?i:wrong.version.number)"):
            ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
        assert proxy.connections == 1


@pytest.mark.parametrize(
    ("life", "login", "complaint"),
    [
        ("cut-short", None, "the proxy: 'cut-short' is neither ok nor a fault (http:CODE, echo[:CODE], hang, "),
        ("http:200", None, "the proxy: 'http:200': write http:CODE, where CODE is an HTTP status from 400 to 599"),
        ("ok", "secret", "the login must be USER:PASSWORD"),
    ],
)
def test_bad_options(life: str, login: str | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        Proxy(life, login=login)
    assert "secret" not in str(caught.value)


def test_loopback_only() -> None:
    with pytest.raises(ValueError, match=re.escape("the host '0.0.0.0' is not a loopback address")):
        Proxy(host="0.0.0.0")


@pytest.mark.parametrize(("title", "kinds"), [("## A proxy", PROXY_FAULTS), ("## TLS handshakes", HANDSHAKE_FAULTS)])
def test_readme_has_every_fault(title: str, kinds: tuple[Kind[Any], ...]) -> None:
    assert emulator_package.__file__
    readme = Path(emulator_package.__file__).with_name("README.md").read_text(encoding="utf-8")
    section = readme.partition(title)[2].partition("\n## ")[0]
    table = [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]
    assert table == [kind.form for kind in kinds]
