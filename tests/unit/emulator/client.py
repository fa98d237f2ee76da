# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the emulator that shows what came over the wire, without the kindness of an HTTP library."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

DOMAIN_ID = "00000000000000000000000000000000"
TOKEN = "emulator-token"
ACCESS_KEY = "emulator-access-key"
SECRET_KEY = "emulator-secret-key"
# Far more than anything takes: only a hang gets there.
PATIENCE = 20


@dataclass(frozen=True)
class Got:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def order(self) -> Any:
        return self.json["delivery_order"]

    @property
    def ids(self) -> list[str]:
        return [order["id"] for order in self.json["delivery_orders"]]

    @property
    def statuses(self) -> list[str]:
        return [order["status"] for order in self.json["delivery_orders"]]

    @property
    def page_info(self) -> Any:
        return self.json["page_info"]


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class CrowdedClock:
    """Stands still, and counts how many look at it at once, who are slow to look."""

    def __init__(self) -> None:
        self.most = 0
        self._looking: list[None] = []

    def __call__(self) -> float:
        self._looking.append(None)
        self.most = max(self.most, len(self._looking))
        time.sleep(0.001)
        self._looking.pop()
        return 0.0


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def order_path(order_id: str = "0000-a") -> str:
    return f"/v2/{DOMAIN_ID}/delivery-orders/{order_id}"


def sign(
    target: str,
    host: str,
    *,
    keys: tuple[str, str, str | None] = (ACCESS_KEY, SECRET_KEY, None),
    date: str | None = None,
    more: Mapping[str, str] | None = None,
    body: bytes = b"",
    method: str = "GET",
    path: str | None = None,
    query: str | None = None,
    leave_out: Sequence[str] = (),
    backwards: bool = False,
) -> dict[str, str]:
    """The headers of a request signed as the vendor describes SDK-HMAC-SHA256, for targets that need no encoding.

    ``path`` and ``query`` are their canonical forms where the target's differ from them, ``leave_out`` the headers (in
    lower case) that are sent without being signed. With ``backwards``, the signed ones are not in the usual order.
    """
    access_key, secret_key, security_token = keys
    headers = {"Host": host, "X-Sdk-Date": date or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), **(more or {})}
    if security_token is not None:
        headers["X-Security-Token"] = security_token
    canonical = {name.lower(): value.strip() for name, value in headers.items() if name.lower() not in leave_out}
    order = sorted(canonical, reverse=backwards)
    names = ";".join(order)
    parts = [method, path or target.partition("?")[0] + "/", target.partition("?")[2] if query is None else query]
    parts += [f"{name}:{canonical[name]}" for name in order]
    parts += ["", names, hashlib.sha256(body).hexdigest()]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    to_sign = f"SDK-HMAC-SHA256\n{headers['X-Sdk-Date']}\n{digest}"
    signature = hmac.new(secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": authorization}


def list_path(query: str = "") -> str:
    return f"/v2/{DOMAIN_ID}/delivery-orders" + (f"?{query}" if query else "")


def connect(url: str, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    host, port = address(url)
    if tls:
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=tls)
    return http.client.HTTPConnection(host, port, timeout=PATIENCE)


def exchange(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Got:
    connection.request(method, path, body, {"X-Auth-Token": TOKEN} if headers is None else headers)
    response = connection.getresponse()
    return Got(response.status, response.headers, response.read())


def get(
    url: str,
    order_id: str = "0000-a",
    path: str | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Got:
    connection = connect(url, tls)
    try:
        return exchange(connection, path or order_path(order_id), method, headers)
    finally:
        connection.close()


def get_page(url: str, query: str = "", headers: Mapping[str, str] | None = None) -> Got:
    return get(url, path=list_path(query), headers=headers)


def raw_request(order_id: str = "0000-a", path: str | None = None) -> bytes:
    return f"GET {path or order_path(order_id)} HTTP/1.1\r\nHost: emulator\r\nX-Auth-Token: {TOKEN}\r\n\r\n".encode()


def raw_connection(emulator: Emulator) -> socket.socket:
    return socket.create_connection(address(emulator.url), timeout=PATIENCE)


def receive(connection: socket.socket, size: int) -> bytes:
    """At least so many bytes, however they were cut on the way; fewer when the connection ends."""
    got = b""
    while len(got) < size and (more := connection.recv(65536)):
        got += more
    return got


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
