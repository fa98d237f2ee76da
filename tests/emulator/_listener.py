# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening sockets, and a thread for each connection.

``socketserver`` won't do: it looks its own name up in the DNS when it binds, and can't stop listening for a while.
"""

from __future__ import annotations

import abc
import contextlib
import ipaddress
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Callable, TypeVar

from ._kinds import Fault
from ._lives import Course
from ._replies import Hangup
from ._tls import Tls
from ._wire import send

DEFAULT_HOST = "127.0.0.1"

_BACKLOG = 128

_Service = TypeVar("_Service", bound="Service")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is an address (not a name) of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(host: str, port: int) -> None:
    """Raises ValueError if nothing here may listen on the address."""
    if not is_loopback(host):
        raise ValueError(f"the host {host!r} is not a loopback address: use 127.0.0.1 or ::1")
    if not 0 <= port <= 65535:
        raise ValueError(f"the port {port} is not between 0 (any free one) and 65535")


class Listener:
    """Accepts connections from ``start`` to ``close``, and hands each to ``converse`` in a thread of its own.

    TLS handshakes are polls of ``tls.life``, by ``clock``, which returns seconds and never goes back. ``converse`` may
    raise OSError when the client leaves. Raises OSError if the address can't be used.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: Tls | None,
        clock: Callable[[], float],
        converse: Callable[[socket.socket], None],
    ) -> None:
        self.accepted = 0
        self._host = host
        self._tls = tls
        self._handshakes = Course(tls.life) if tls else None
        self._clock = clock
        self._converse = converse
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
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
        """Stop at once: accept no connections, end the open ones, and return when all threads have ended."""
        self._closing.set()
        self._waker.send(b"\0")
        self._thread.join()
        self._refusing.set()
        self._hang_up()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        self._waker.close()
        self._wakes.close()

    @contextlib.contextmanager
    def adopted(self, connection: socket.socket) -> Iterator[None]:
        """Let a connection to elsewhere end when this closes, and close it at the end of the block."""
        with connection:
            with self._lock:
                self._connections.add(connection)
            try:
                yield
            finally:
                self._forget(connection)

    def reset(self, connection: socket.socket, refuse_for: float = 0.0) -> None:
        """End the connection with a reset. Refuse new connections for ``refuse_for`` seconds after the return."""
        # _hang_up must not reach this connection: its orderly end would come before the reset.
        self._forget(connection)
        if refuse_for:
            with self._lock:
                self._reopen_at = max(self._reopen_at, time.monotonic() + refuse_for)
            self._waker.send(b"\0")
            self._refusing.wait(refuse_for)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _bind(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A client can give up before accept(), which would then wait for the next client.
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
                    # Bound again at once, without listening, so it refuses like an unused port, and stays reserved.
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

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return
        self.accepted += 1
        fault = self._handshakes.poll(self._clock()).fault if self._handshakes else None
        try:
            connection.setblocking(True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls and self._tls.context and not fault:
                # The handshake waits for the client, so it runs in the connection's own thread.
                connection = self._tls.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._connections.add(connection)
        thread = threading.Thread(target=self._run, args=(connection, fault), daemon=True)
        self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def _hang_up(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    # Not through TLS, because another thread is using its objects.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _run(self, connection: socket.socket, fault: Fault[Any] | None) -> None:
        try:
            if fault is not None:
                reply = fault.reply(None)
                if isinstance(reply, Hangup):
                    self.reset(connection, reply.refuse_for)
                else:
                    send(connection, reply, lambda status: None)
                return
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            self._converse(connection)
        except OSError:
            # The client left, or doesn't trust the certificate. Both are allowed.
            pass
        finally:
            self._forget(connection)
            connection.close()

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


class Service(abc.ABC):
    """Listens while its ``with`` block runs. On entry, raises OSError if it can't listen."""

    _listener: Listener

    @abc.abstractmethod
    def _listen(self) -> Listener:
        """Make the listener."""

    def __enter__(self: _Service) -> _Service:
        self._listener = self._listen()
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        """The URL, such as ``http://127.0.0.1:34567``."""
        return self._listener.url

    @property
    def connections(self) -> int:
        """The number of accepted connections so far, including those whose handshake failed."""
        return self._listener.accepted
