# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy on loopback for loopback, which misbehaves on request, as a Python object."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
import socket
import threading
import time
from dataclasses import dataclass
from os import PathLike
from typing import Callable

from ._answers import html_answer, json_answer
from ._faults_proxy import ESTABLISHED, parse_proxy_fault, refusal
from ._gateway import JOURNAL_PATH
from ._listener import DEFAULT_HOST, Listener, Service, check_address
from ._lives import Course, parse_service
from ._relay import Target, relay, target_of
from ._replies import Hangup, Reply, rendered
from ._request import Request, UnreadableRequest, read_request
from ._tls import DEFAULT_HANDSHAKE, tls_of
from ._wire import send

DEFAULT_LIFE = "ok"


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


class Proxy(Service):
    """A proxy that listens while its ``with`` block runs. It forwards CONNECT and plain http to loopback only.

    ``life``: ``"ok"`` and faults, such as ``"http:503*2,ok"``; a poll is one request with a good login and target.
    ``login``: ``"USER:PASSWORD"`` that a request must have. Without it, the answer is 407. None for no login.
    ``port``: 0 picks a free one.
    ``certificate``, ``key``, ``handshake``: for TLS to the proxy itself, as in the emulator.
    ``clock``: returns seconds and never goes back; lives count their ``@SECONDS`` by it.
    ``log`` gets one line a request, without the credential.

    Raises ValueError with the fault and the right form, and on entry OSError if it can't listen there.
    """

    def __init__(
        self,
        life: str = DEFAULT_LIFE,
        *,
        login: str | None = None,
        host: str = DEFAULT_HOST,
        port: int = 0,
        certificate: str | PathLike[str] | None = None,
        key: str | PathLike[str] | None = None,
        handshake: str = DEFAULT_HANDSHAKE,
        clock: Callable[[], float] = time.monotonic,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        check_address(host, port)
        if login is not None and not login.partition(":")[1]:
            # Not repeated, because it may be a password alone.
            raise ValueError("the login must be USER:PASSWORD")
        self._course = Course(parse_service(life, "the proxy", parse_proxy_fault))
        self._login = login
        self._tls = tls_of(certificate, key, handshake)
        self._host = host
        self._port = port
        self._clock = clock
        self._log = log
        self._start = clock()
        self._lock = threading.Lock()
        self._requests: list[ProxyRequest] = []

    def _listen(self) -> Listener:
        return Listener(self._host, self._port, self._tls, self._clock, self._converse)

    @property
    def requests(self) -> list[ProxyRequest]:
        """The requests so far, in the order of their arrival."""
        with self._lock:
            return list(self._requests)

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
            shown = json_answer([dataclasses.asdict(recorded) for recorded in self.requests])
            connection.sendall(rendered(shown, keep_alive=False))
            return
        decision, number = self._decide(request)
        try:
            if isinstance(decision, Target):
                self._hand_on(connection, decision, number)
            elif isinstance(decision, Hangup):
                self._listener.reset(connection)
            else:
                send(connection, decision, lambda status: self._settle(number, status))
        except OSError:
            # The status of a tunnel is the one at its beginning.
            if not isinstance(decision, Target):
                self._settle(number, None)
            raise

    def _decide(self, request: Request) -> tuple[Reply | Target, int]:
        """Decide on a request, record it, and return the decision and its number."""
        authorization = request.headers.get("proxy-authorization")
        login = _login_of(authorization)
        target = target_of(request)
        fault = None
        decision: Reply | Target
        with self._lock:
            if self._login is not None and login != self._login:
                decision = refusal(407)
            elif target is None:
                decision = refusal(400)
            elif not target.reachable:
                decision = refusal(403)
            else:
                fault = self._course.poll(self._clock()).fault
                decision = target if fault is None else fault.reply(authorization or "")
            # A user and password before the host would be a mistake. They are not repeated.
            shown = re.sub(r"^(\w+://)?[^/?@]*@", r"\1***@", request.target)
            self._log(f"{request.method} {shown}" + ("" if fault is None else f" [{fault.text}]"))
            self._requests.append(
                ProxyRequest(
                    method=request.method,
                    target=shown,
                    authorization=authorization is not None,
                    # Without a colon it may be a password.
                    user=login.partition(":")[0] if login and ":" in login else None,
                    status=None,
                    fault=None if fault is None else fault.text,
                    at=self._clock() - self._start,
                )
            )
            return decision, len(self._requests) - 1

    def _settle(self, number: int, status: int | None) -> None:
        with self._lock:
            self._requests[number] = dataclasses.replace(self._requests[number], status=status)

    def _hand_on(self, connection: socket.socket, target: Target, number: int) -> None:
        try:
            server = target.connect()
        except OSError:
            send(connection, refusal(502), lambda status: self._settle(number, status))
            return
        with self._listener.adopted(server):
            if not target.first:
                self._settle(number, 200)
                connection.sendall(ESTABLISHED)
            try:
                relay(connection, server)
            except ConnectionResetError:
                # The client must see the server's reset, as it would without a proxy.
                self._listener.reset(connection)


def _login_of(authorization: str | None) -> str | None:
    """``USER:PASSWORD`` of a Proxy-Authorization; None if there is none that can be read."""
    scheme, _space, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
