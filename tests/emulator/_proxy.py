# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy on loopback for loopback, which misbehaves on request, as a Python object."""

from __future__ import annotations

import base64
import binascii
import re
import selectors
import socket
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ._faults import PAUSE, Kind, parse_fault, trickled
from ._journal import JOURNAL_PATH, Journal
from ._listener import Service, is_loopback
from ._lives import Course, parse_service
from ._replies import Answer, Hangup, Reply, Stream, Then, html_answer, json_answer, rendered, send
from ._request import Request, UnreadableRequest, read_request

DEFAULT_LIFE = "ok"

_CONNECT_SECONDS = 10

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_OF_THIS_HOP = ("connection", "keep-alive", "proxy-connection", "proxy-authorization")


def _refusal(status: int) -> Answer:
    """The proxy's own page for an error. With 407, it names the kind of credential."""
    return html_answer(status, (("Proxy-Authenticate", 'Basic realm="emulator"'),) if status == 407 else ())


def _echo(authorization: str, code: int) -> Stream:
    line = f"HTTP/1.1 {code} Refused: {authorization}\r\nContent-Length: 0\r\n\r\n"
    return Stream([line.encode("latin-1")], then=Then.CLOSE, status=code)


#: The situation of these is the request's Proxy-Authorization.
PROXY_FAULTS = (
    Kind("http:CODE", lambda s, n: _refusal(int(n))),
    Kind("echo[:CODE]", lambda s, n: _echo(s, int(n)), 407),
    Kind("hang", lambda s, n: Stream([])),
    Kind("trickle[:SECONDS]", lambda s, n: trickled(_ESTABLISHED[:-2], n), PAUSE),
    Kind("reset", lambda s, n: Hangup()),
    Kind("cut", lambda s, n: Stream([_ESTABLISHED], then=Then.CLOSE, status=200)),
    Kind("hang-after", lambda s, n: Stream([_ESTABLISHED])),
)


@dataclass(frozen=True)
class ProxyRequest:
    """One request to the proxy as it arrived, without a password.

    ``target`` is the ``host:port`` of a CONNECT, else a URL. ``authorization`` is whether it had a Proxy-Authorization,
    ``user`` the user's name in it. ``status`` is the HTTP status of the proxy's own answer, None if it sent none, for
    example because it forwarded a request for a URL. ``fault`` is the text of the fault that was used. ``at`` is the
    time of arrival, in seconds of the proxy's clock since the start.
    """

    method: str
    target: str
    authorization: bool
    user: str | None
    status: int | None
    fault: str | None
    at: float


@dataclass(frozen=True)
class _Target:
    """The server of a request. ``first`` is sent to the server before the client's further bytes."""

    host: str
    port: int
    first: bytes = b""


class Proxy(Service):
    """A proxy that listens while its ``with`` block runs. It forwards CONNECT and plain http to loopback only.

    ``life``: ``"ok"`` and faults, such as ``"http:503*2,ok"``; a poll is one request with a good login and target.
    ``login``: ``"USER:PASSWORD"`` that a request must have. Without it, the answer is 407. None for no login.
    ``options``: those of a Service; TLS is that to the proxy itself.

    Raises ValueError with the fault and the right form, and on entry OSError if it can't listen there.
    """

    def __init__(self, life: str = DEFAULT_LIFE, *, login: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if login is not None and ":" not in login:
            # Not repeated, because it may be a password alone.
            raise ValueError("the login must be USER:PASSWORD")
        faults = parse_service(life, "the proxy", lambda text: parse_fault(text, PROXY_FAULTS, "ok"))
        self._course = Course(faults)
        self._polling = threading.Lock()
        self._login = login
        self._journal = Journal(ProxyRequest, self._clock)

    @property
    def requests(self) -> list[ProxyRequest]:
        """The requests so far, in the order of their arrival."""
        return self._journal.requests()

    def _converse(self, connection: socket.socket) -> None:
        """Serve the only request of a connection."""
        with connection.makefile("rb") as stream:
            try:
                request = read_request(stream)
            except UnreadableRequest:
                connection.sendall(rendered(html_answer(400), keep_alive=False))
                return
        if request is None:
            return
        if request.target == JOURNAL_PATH:
            send(connection, json_answer(self._journal.shown()))
            return
        decision, number = self._decide(request)
        try:
            if isinstance(decision, _Target):
                self._hand_on(connection, decision, number)
            elif isinstance(decision, Hangup):
                self._reset(connection)
            else:
                send(connection, decision, lambda status: self._journal.settle(number, status))
        except OSError:
            # The status of a tunnel is the one at its beginning.
            if not isinstance(decision, _Target):
                self._journal.settle(number, None)
            raise

    def _decide(self, request: Request) -> tuple[Reply | _Target, int]:
        """Decide on a request, record it, and return the decision and its number."""
        authorization = request.headers.get("proxy-authorization")
        login = _login_of(authorization)
        target = _target_of(request)
        fault = None
        decision: Reply | _Target
        if self._login is not None and login != self._login:
            decision = _refusal(407)
        elif target is None:
            decision = _refusal(400)
        elif target.host != "localhost" and not is_loopback(target.host):
            decision = _refusal(403)
        else:
            with self._polling:
                fault = self._course.poll(self._clock()).fault
            decision = target if fault is None else fault.reply(authorization or "")
        # A user and password before the host would be a mistake. They are not repeated.
        shown = re.sub(r"^(\w+://)?[^/?@]*@", r"\1***@", request.target)
        self._log(f"{request.method} {shown}" + ("" if fault is None else f" [{fault.text}]"))
        number = self._journal.add(
            method=request.method,
            target=shown,
            authorization=authorization is not None,
            # Without a colon it may be a password.
            user=login.partition(":")[0] if login and ":" in login else None,
            fault=None if fault is None else fault.text,
        )
        return decision, number

    def _hand_on(self, connection: socket.socket, target: _Target, number: int) -> None:
        try:
            server = socket.create_connection((target.host, target.port), timeout=_CONNECT_SECONDS)
        except OSError:
            send(connection, _refusal(502), lambda status: self._journal.settle(number, status))
            return
        with self._adopted(server):
            server.settimeout(None)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(target.first)
            if not target.first:
                self._journal.settle(number, 200)
                connection.sendall(_ESTABLISHED)
            try:
                _relay(connection, server)
            except ConnectionResetError:
                # The client must see the server's reset, as it would without a proxy.
                self._reset(connection)


def _login_of(authorization: str | None) -> str | None:
    """``USER:PASSWORD`` of a Proxy-Authorization; None if there is none that can be read."""
    scheme, _space, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _target_of(request: Request) -> _Target | None:
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
        return _Target(host, port) if port and not slash else None
    if scheme.lower() != "http":
        return None
    headers = {name: value for name, value in request.headers.items() if name not in _OF_THIS_HOP}
    lines = [f"{request.method} /{path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {**headers, "connection": "close"}.items()]
    return _Target(host, port or 80, "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)


def _relay(client: socket.socket, server: socket.socket) -> None:
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
