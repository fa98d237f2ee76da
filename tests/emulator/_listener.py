# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening sockets with a thread for each connection, TLS, and handshakes that go wrong.

``socketserver`` won't do: it looks its own name up in the DNS when it binds, and can't stop listening for a while.
"""

from __future__ import annotations

import abc
import contextlib
import ipaddress
import itertools
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from os import PathLike, fspath
from types import TracebackType
from typing import Callable, TypeVar

from ._faults import PAUSE, Fault, Kind, parse_fault
from ._lives import Course, parse_service
from ._replies import Hangup, Stream, html_answer, rendered, send

DEFAULT_HOST = "127.0.0.1"
DEFAULT_HANDSHAKE = "ok"

_BACKLOG = 128


def _long_hello() -> Iterator[bytes]:
    """The longest record, with the longest ServerHello that fits. No client can read it before its end."""
    return (bytes([byte]) for byte in itertools.chain(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", bytes(16378)))


HANDSHAKE_FAULTS = (
    Kind("stall", lambda s, n: Stream([])),
    Kind("trickle[:SECONDS]", lambda s, n: Stream(_long_hello(), n), PAUSE),
    Kind("reset", lambda s, n: Hangup()),
    # Held open: an end with an unread ClientHello would be a reset, and the client would lose the answer.
    Kind("not-tls", lambda s, n: Stream([rendered(html_answer(400), keep_alive=False)])),
)

_S = TypeVar("_S", bound="Service")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is an address (not a name) of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Service(abc.ABC):
    """Listens while its ``with`` block runs, and converses with each client in a thread of its own.

    ``host``, ``port``: where; the port 0 picks a free one.
    ``certificate``, ``key``: PEM files; with them it speaks TLS.
    ``handshake``: the life of the TLS handshakes, such as ``"stall,ok"``. If no step is ok, it needs no certificate.
    ``clock``: returns seconds and never goes back; lives count their ``@SECONDS`` by it.
    ``log`` gets a line for each request, without the credential.

    Raises ValueError with the fault and the right form, and on entry OSError if it can't listen there.
    """

    def __init__(
        self,
        *,
        host: str = DEFAULT_HOST,
        port: int = 0,
        certificate: str | PathLike[str] | None = None,
        key: str | PathLike[str] | None = None,
        handshake: str = DEFAULT_HANDSHAKE,
        clock: Callable[[], float] = time.monotonic,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"the host {host!r} is not a loopback address: use 127.0.0.1 or ::1")
        if not 0 <= port <= 65535:
            raise ValueError(f"the port {port} is not between 0 (any free one) and 65535")
        life = parse_service(handshake, "the TLS handshake", lambda text: parse_fault(text, HANDSHAKE_FAULTS, "ok"))
        if (certificate is None) != (key is None):
            raise ValueError("TLS needs both a certificate and a key")
        if certificate is None and handshake != DEFAULT_HANDSHAKE and any(step.fault is None for step in life):
            raise ValueError("a TLS handshake that is ok needs a certificate and a key")
        self._tls = _context(fspath(certificate), fspath(key)) if certificate is not None and key is not None else None
        self._scheme = "http" if certificate is None and handshake == DEFAULT_HANDSHAKE else "https"
        self._handshakes = Course(life)
        self._host = host
        self._port = port
        self._clock = clock
        self._log = log
        #: The number of accepted connections so far, including those whose handshake failed.
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._refusing = threading.Event()
        self._reopen_at = 0.0

    @abc.abstractmethod
    def _converse(self, connection: socket.socket) -> None:
        """Serve a connection. May raise OSError when the client leaves."""

    @property
    def url(self) -> str:
        """The URL, such as ``http://127.0.0.1:34567``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self._port}"

    def __enter__(self: _S) -> _S:
        self._listener = self._bind()
        self._port = self._listener.getsockname()[1]
        self._listener.listen(_BACKLOG)
        self._wakes, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._accept_all, name="emulator", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop at once: accept no connections, end the open ones, and return when all threads have ended."""
        self._closing.set()
        self._waker.send(b"\0")
        self._thread.join()
        self._refusing.set()
        self._hang_up()
        for thread in self._threads:
            thread.join()
        for each in (self._listener, self._waker, self._wakes):
            each.close()

    @contextlib.contextmanager
    def _adopted(self, connection: socket.socket) -> Iterator[None]:
        """Let a connection to elsewhere end when this closes, and close it at the end of the block."""
        with connection:
            with self._lock:
                self._open.add(connection)
            try:
                yield
            finally:
                self._forget(connection)

    def _reset(self, connection: socket.socket, refuse_for: float = 0.0) -> None:
        """End the connection with a reset. Refuse new connections for ``refuse_for`` seconds after the return."""
        # _hang_up must not reach this connection: its orderly end would come before the reset.
        self._forget(connection)
        if refuse_for:
            with self._lock:
                self._reopen_at = max(self._reopen_at, time.monotonic() + refuse_for)
            self._waker.send(b"\0")
            self._refusing.wait(refuse_for)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A client can give up before accept(), which would then wait for the next client.
            listener.setblocking(False)
            listener.bind((self._host, self._port))
        except OSError:
            listener.close()
            raise
        return listener

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakes, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._closing.is_set():
                outage = self._reopen_at - time.monotonic()
                if outage > 0 and not self._refusing.is_set():
                    selector.unregister(self._listener)
                    self._listener.close()
                    # Bound again at once, without listening, so it refuses like an unused port, and stays reserved.
                    self._listener = self._bind()
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

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return
        self.connections += 1
        fault = self._handshakes.poll(self._clock()).fault
        try:
            connection.setblocking(True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls and not fault:
                # The handshake waits for the client, so it runs in the connection's own thread.
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._open.add(connection)
        thread = threading.Thread(target=self._run, args=(connection, fault), daemon=True)
        self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def _run(self, connection: socket.socket, fault: Fault | None) -> None:
        # The client may leave, or not trust the certificate.
        with connection, contextlib.suppress(OSError):
            try:
                reply = fault.reply(None) if fault else None
                if isinstance(reply, Hangup):
                    self._reset(connection)
                elif reply:
                    send(connection, reply)
                else:
                    if isinstance(connection, ssl.SSLSocket):
                        connection.do_handshake()
                    self._converse(connection)
            finally:
                self._forget(connection)

    def _hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    # Not through TLS, because another thread is using its objects.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without this argument, OpenSSL would ask for a password on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise ValueError(
            f"the TLS certificate {certificate} and key {key} can't be used: {error.strerror or error}; "
            "both must be PEM files, the key without a password, and belong together"
        ) from None
    return context
