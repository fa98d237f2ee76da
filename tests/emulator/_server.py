# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets and HTTP/1.1.

``http.server`` won't do: it sends headers and body apart, looks its own name up in the DNS when it binds, and can't
stop listening for a while.
"""

from __future__ import annotations

import contextlib
import email.utils
import ipaddress
import selectors
import socket
import ssl
import struct
import threading
import time
import uuid
from io import BufferedIOBase
from typing import Callable

from ._answers import Answer, Hangup, error_answer, phrase
from ._gateway import Gateway
from ._request import Request, UnreadableRequest, read_request

_BACKLOG = 128


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """A server's TLS context from a PEM certificate (chain) file and its key file. Raises ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise ValueError(
            f"the TLS certificate {certificate} and key {key} can't be used: {error.strerror or error}; "
            "both must be PEM files, the key without a password, and belong together"
        ) from None
    return context


def is_loopback(host: str) -> bool:
    """Is ``host`` an address (not a name) of the loopback interface?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server:
    """Listens from ``start`` to ``close`` and answers what the gateway says.

    ``latency``, in seconds, is added to each answer of the API. ``log`` gets one line a request. Raises OSError when
    the address can't be had.
    """

    def __init__(
        self,
        gateway: Gateway,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        latency: float,
        log: Callable[[str], None],
    ) -> None:
        self._gateway = gateway
        self._host = host
        self._tls = tls
        self._latency = latency
        self._log = log
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closing = threading.Event()
        self._refusing = threading.Event()
        self._reopen_at = 0.0
        self._listener = self._bind(port)
        self._port: int = self._listener.getsockname()[1]
        self._wakes, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="emulator", daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        scheme = "https" if self._tls else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    def start(self) -> None:
        """Accept connections, in a thread of its own."""
        self._listener.listen(_BACKLOG)
        self._thread.start()

    def close(self) -> None:
        """Stop at once: no new connections, and an end to those there are."""
        self._closing.set()
        self._waker.send(b"\0")
        self._thread.join()
        self._hang_up()
        self._listener.close()
        self._waker.close()
        self._wakes.close()

    def _bind(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A client can give up between the selector's word and accept(), which would then wait for the next one.
            listener.setblocking(False)
            listener.bind((self._host, port))
        except OSError:
            listener.close()
            raise
        return listener

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakes, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._closing.is_set():
                outage = self._reopen_at - time.monotonic()
                if outage > 0 and not self._refusing.is_set():
                    selector.unregister(self._listener)
                    self._listener.close()
                    # Bound again at once, without listening: refuses as an unused port does, and nobody can take it.
                    self._listener = self._bind(self._port)
                    self._hang_up()
                    self._refusing.set()
                elif outage <= 0 and self._refusing.is_set():
                    self._refusing.clear()
                    self._listener.listen(_BACKLOG)
                    selector.register(self._listener, selectors.EVENT_READ)
                for key, _events in selector.select(outage if outage > 0 else None):
                    if key.fileobj is self._wakes:
                        self._wakes.recv(4096)
                    else:
                        self._accept()

    def _refuse_connections(self, seconds: float) -> None:
        """Return when the port refuses connections, which it then does for that long."""
        with self._lock:
            self._reopen_at = max(self._reopen_at, time.monotonic() + seconds)
        self._waker.send(b"\0")
        self._refusing.wait(seconds)

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return
        try:
            connection.setblocking(True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                # The handshake waits for the client, so it is for the connection's own thread.
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._connections.add(connection)
        threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _hang_up(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    # Below TLS, whose objects another thread is using.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _converse(self, connection: socket.socket) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            with connection.makefile("rb") as stream:
                while self._serve_request(connection, stream):
                    pass
        except OSError:
            # The client left, or doesn't trust the certificate. That is its business.
            pass
        finally:
            self._forget(connection)
            connection.close()

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _serve_request(self, connection: socket.socket, stream: BufferedIOBase) -> bool:
        """Serve the connection's next request; False when the connection is to be closed."""
        try:
            request = read_request(stream)
        except UnreadableRequest:
            connection.sendall(_rendered(error_answer(400, code="APIGW.0201", message="API request error.")))
            return False
        if request is None:
            return False
        exchange = self._gateway.handle(request)
        reply = exchange.reply
        line = f"{request.method} {request.target}" + (f" [{exchange.fault}]" if exchange.fault else "")
        if isinstance(reply, Hangup):
            # Out of reach of the hang-up of all, whose orderly end would come before the reset.
            self._forget(connection)
            if reply.refuse_for:
                self._refuse_connections(reply.refuse_for)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._log(f"{line} -> reset")
            if exchange.number is not None:
                self._gateway.journal.settle(exchange.number, None)
            return False
        wait = reply.after + (0 if exchange.number is None else self._latency)
        if wait and self._closing.wait(wait):
            return False
        self._log(f"{line} -> {reply.status}{' cut short' if reply.cut_short else ''}")
        # Before it is sent: who has the answer must find it in the journal.
        if exchange.number is not None:
            self._gateway.journal.settle(exchange.number, None if reply.cut_short else reply.status)
        try:
            connection.sendall(_rendered(reply, request))
        except OSError:
            if exchange.number is not None:
                self._gateway.journal.revoke(exchange.number)
            raise
        return request.keep_alive and not reply.cut_short


def _rendered(answer: Answer, request: Request | None = None) -> bytes:
    """The answer's bytes, in one piece: two would be two packets, and clients' timings would depend on the gap."""
    keep_alive = request is not None and request.keep_alive and not answer.cut_short
    headers = (
        ("Date", email.utils.formatdate(usegmt=True)),
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if keep_alive else "close"),
        # Of the same shape as the real ones, 32 hexadecimal digits.
        ("X-Request-Id", uuid.uuid4().hex),
        *answer.headers,
    )
    lines = [f"HTTP/1.1 {answer.status} {phrase(answer.status)}", *(f"{name}: {value}" for name, value in headers)]
    body = answer.body[: len(answer.body) // 2] if answer.cut_short else answer.body
    if request is not None and request.method == "HEAD":
        body = b""
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
