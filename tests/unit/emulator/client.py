# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the emulator that shows what came over the wire, without the kindness of an HTTP library."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

DOMAIN_ID = "00000000000000000000000000000000"
TOKEN = "emulator-token"
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


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def order_path(order_id: str = "0000-a") -> str:
    return f"/v2/{DOMAIN_ID}/delivery-orders/{order_id}"


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


def raw_request(order_id: str = "0000-a") -> bytes:
    return f"GET {order_path(order_id)} HTTP/1.1\r\nHost: emulator\r\nX-Auth-Token: {TOKEN}\r\n\r\n".encode()


def raw_connection(emulator: Emulator) -> socket.socket:
    return socket.create_connection(address(emulator.url), timeout=PATIENCE)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
