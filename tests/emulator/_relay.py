# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the target of a proxied request, and forwards it."""

from __future__ import annotations

import selectors
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from ._listener import is_loopback
from ._request import Request

# Seconds. On loopback, only a listener that accepts no connections needs so long.
_CONNECT_SECONDS = 10

_OF_THIS_HOP = ("connection", "keep-alive", "proxy-connection", "proxy-authorization")


@dataclass(frozen=True)
class Target:
    """The server of a request. ``first`` is sent to the server before the client's further bytes."""

    host: str
    port: int
    first: bytes = b""

    @property
    def reachable(self) -> bool:
        """Whether it is on loopback. The proxy talks to no other servers."""
        return self.host == "localhost" or is_loopback(self.host)

    def connect(self) -> socket.socket:
        """A connection to it, after ``first`` was sent. Raises OSError."""
        server = socket.create_connection((self.host, self.port), timeout=_CONNECT_SECONDS)
        try:
            server.settimeout(None)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(self.first)
        except OSError:
            server.close()
            raise
        return server


def target_of(request: Request) -> Target | None:
    """The target of a CONNECT, or of a request for an absolute http URL; None for any other request."""
    connect = request.method == "CONNECT"
    scheme, _separator, rest = ("", "", request.target) if connect else request.target.partition("://")
    authority, slash, path = rest.partition("/")
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or authority != parts.netloc or "@" in authority:
        return None
    if connect:
        return Target(host, port) if port and not slash else None
    if scheme.lower() != "http":
        return None
    headers = {name: value for name, value in request.headers.items() if name not in _OF_THIS_HOP}
    lines = [f"{request.method} /{path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {**headers, "connection": "close"}.items()]
    return Target(host, port or 80, "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)


def relay(client: socket.socket, server: socket.socket) -> None:
    """Forward the bytes of both sides, until one of them ends. Raises OSError."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, (client, server))
        selector.register(server, selectors.EVENT_READ, (server, client))
        while True:
            for key, _events in selector.select():
                source, other = key.data
                # Longer than a TLS record: the selector could not see the rest of a record.
                data = source.recv(65536)
                if not data:
                    return
                other.sendall(data)
