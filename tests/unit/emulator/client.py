# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the emulator that shows what came over the wire, without the kindness of an HTTP library."""

from __future__ import annotations

import functools
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Optional
from urllib.parse import urlsplit

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, Proxy

DOMAIN_ID = "00000000000000000000000000000000"
TOKEN = "emulator-token"
ORDERS = f"/v2/{DOMAIN_ID}/delivery-orders"
ORDER = f"{ORDERS}/0000-a"
SITES = f"/v1/{DOMAIN_ID}/edge-sites"
REQUEST = f"GET {ORDER} HTTP/1.1\r\nHost: emulator\r\nX-Auth-Token: {TOKEN}\r\n\r\n".encode()
#: Seconds.
PATIENCE = 20


Headers = Optional[Mapping[str, str]]


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
        return [entry["id"] for entry in self.json.get("delivery_orders", self.json.get("edge_sites"))]

    @property
    def statuses(self) -> list[str]:
        return [order["status"] for order in self.json["delivery_orders"]]


class FakeClock:
    now: float = 0

    def __call__(self) -> float:
        return self.now


def connect(url: str, tls: ssl.SSLContext | None = None, patience: float = PATIENCE) -> http.client.HTTPConnection:
    kind = functools.partial(http.client.HTTPSConnection, context=tls) if tls else http.client.HTTPConnection
    return kind(urlsplit(url).netloc, timeout=patience)


def exchange(
    connection: http.client.HTTPConnection, path: str = ORDER, headers: Headers = None, method: str = "GET"
) -> Got:
    body = None if method in ("GET", "HEAD") else b"{}"
    connection.request(method, path, body, {"X-Auth-Token": TOKEN} if headers is None else headers)
    response = connection.getresponse()
    return Got(response.status, response.headers, response.read())


def get(url: str, path: str = ORDER, headers: Headers = None, tls: ssl.SSLContext | None = None) -> Got:
    connection = connect(url, tls)
    try:
        return exchange(connection, path, headers)
    finally:
        connection.close()


def raw(service: Emulator | Proxy, sent: bytes = b"") -> socket.socket:
    """A connection on which these bytes were sent."""
    connection = socket.create_connection((urlsplit(service.url).hostname, urlsplit(service.url).port), PATIENCE)
    connection.sendall(sent)
    return connection


def all_of(connection: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
