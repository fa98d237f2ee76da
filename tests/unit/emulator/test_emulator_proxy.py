# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy: what it hands on, what it refuses, and how it misbehaves."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, Proxy
from ansible_collections.huaweicloud.cloudpond.tests.emulator._proxy import PROXY_FAULTS

from ..conftest import Tls
from .client import ORDER, TOKEN, FakeClock, all_of, connect, exchange, get, raw


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


BASIC = basic("user:pass:word")
LOGIN = {"Proxy-Authorization": BASIC}
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n"


def request(proxy: Proxy, start: str = "CONNECT 127.0.0.1:443", headers: dict[str, str] | None = None) -> socket.socket:
    """A connection on which a request was sent."""
    lines = [f"{start} HTTP/1.1", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
    return raw(proxy, "\r\n".join(lines).encode())


def status(proxy: Proxy, start: str = "CONNECT 127.0.0.1:443", headers: dict[str, str] | None = None) -> int:
    with request(proxy, start, headers) as connection:
        return int(all_of(connection).split()[1])


def test_a_tunnel_carries_whatever_passes_through(tls: Tls) -> None:
    with Emulator(["0000-a=huge"], certificate=tls.certificate, key=tls.key) as emulator:
        with Proxy(login="user:pass:word") as proxy:
            connection = connect(proxy.url, ssl.create_default_context(cafile=tls.ca))
            connection.set_tunnel("127.0.0.1", urlsplit(emulator.url).port, headers=LOGIN)
            assert len(exchange(connection).body) > 10 * 1024 * 1024
            connection.close()
            (each,) = proxy.requests
    target = emulator.url.partition("//")[2]
    assert (each.method, each.target, each.user, each.status, each.fault) == ("CONNECT", target, "user", 200, None)
    assert "pass" not in repr(each)


def test_plain_http_is_handed_on_without_the_proxys_own_credential() -> None:
    with Proxy(login="user:pass:word") as proxy, socket.create_server(("127.0.0.1", 0)) as server:
        headers = {"Host": "h", "X-Own": "y", "Connection": "keep-alive", "Proxy-Connection": "x", **LOGIN}
        with request(proxy, f"GET http://127.0.0.1:{server.getsockname()[1]}/a?b=c", headers):
            handed_on, _address = server.accept()
            with handed_on:
                got = handed_on.recv(65536)
    assert got == b"GET /a?b=c HTTP/1.1\r\nhost: h\r\nx-own: y\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "refused"),
    [
        ("CONNECT 192.0.2.1:443", 403),
        ("GET /v2/", 400),
        ("GET https://127.0.0.1/", 400),
        ("GET http://user:secret@127.0.0.1/", 400),
        ("CONNECT 127.0.0.1:1", 502),
    ],
)
def test_nothing_beyond_loopback_is_reached(start: str, refused: int) -> None:
    with Proxy() as proxy:
        assert status(proxy, start) == refused
        target = start.split()[1].replace("user:secret", "***")
        assert [(each.target, each.status) for each in proxy.requests] == [(target, refused)]


@pytest.mark.parametrize(
    ("authorization", "user"),
    [("", None), (basic("user:wrong-secret"), "user"), (basic("wrong-secret"), None), ("Bearer wrong-secret", None)],
)
def test_a_wrong_login_is_refused_and_no_poll(authorization: str, user: str | None) -> None:
    with Proxy("http:503", login="user:pass:word") as proxy:
        assert status(proxy, headers={"Proxy-Authorization": authorization} if authorization else {}) == 407
        (recorded,) = proxy.requests
        assert (recorded.authorization, recorded.user, recorded.fault) == (bool(authorization), user, None)
        assert "secret" not in repr(recorded)
        assert status(proxy, headers=LOGIN) == 503


#: What comes, the exception that ends it, and the status that is recorded.
SEEN: dict[str, tuple[bytes, type[Exception] | None, int | None]] = {
    "http:407": (b"HTTP/1.1 407 Proxy Authentication Required\r\n", None, 407),
    "echo": (f"HTTP/1.1 407 Refused: {BASIC}\r\n".encode(), None, 407),
    "hang": (b"", socket.timeout, None),
    "trickle:1": (ESTABLISHED, socket.timeout, None),
    "reset": (b"", ConnectionResetError, None),
    "cut": (ESTABLISHED + b"\r\n", None, 200),
    "hang-after": (ESTABLISHED + b"\r\n", socket.timeout, None),
}


@pytest.mark.parametrize("fault", SEEN)
def test_a_fault_is_what_its_name_says(fault: str) -> None:
    start, end, recorded = SEEN[fault]
    with Proxy(fault) as proxy, request(proxy, headers=LOGIN) as connection:
        connection.settimeout(0.3)
        got = b""
        with pytest.raises(end) if end else contextlib.nullcontext():
            while more := connection.recv(65536):
                got += more
        assert got.startswith(start)
        assert [(each.fault, each.status) for each in proxy.requests] == [(fault, recorded)]


def test_every_fault_has_a_case() -> None:
    assert {fault.partition(":")[0] for fault in SEEN} == {kind.name for kind in PROXY_FAULTS}


def test_a_proxy_has_a_life_and_shows_what_arrived() -> None:
    clock = FakeClock()
    with Emulator(["0000-a=SUCCESS"]) as emulator, Proxy("http:503*2,ok@60,http:502", clock=clock) as proxy:

        def ask() -> int:
            return get(proxy.url, emulator.url.replace("127.0.0.1", "localhost") + ORDER).status

        assert [ask() for _time in range(4)] == [503, 503, 200, 200]
        clock.now += 60
        assert ask() == 502
        shown = get(proxy.url, "/emulator/requests").json
        assert shown == [vars(each) for each in proxy.requests]
        assert [(each["at"], each["status"]) for each in shown][2:] == [(0, None), (0, None), (60, 502)]
        assert TOKEN not in str(shown)


def test_a_reset_of_the_server_goes_through() -> None:
    # Without TLS: OpenSSL sometimes takes a reset for an end.
    with Emulator(["0000-a=reset"]) as emulator, Proxy() as proxy, pytest.raises(ConnectionResetError, match="by peer"):
        get(proxy.url, emulator.url + ORDER)


def test_a_tunnel_ends_with_the_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Proxy() as proxy:
            connection = request(proxy, f"CONNECT 127.0.0.1:{server.getsockname()[1]}")
            assert connection.recv(65536).startswith(ESTABLISHED)
        assert connection.recv(1) == b""
