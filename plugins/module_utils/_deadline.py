# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
The limits of one try: a deadline for all of it, and a maximum size of the answer.

A socket's time-out starts again with every byte, so a slow server could keep a call waiting for days. Therefore a
thread shuts the socket down at the deadline, whether it is used for TLS, a proxy, the headers or the body.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import signal
import socket
import threading
import time
import typing as t

try:
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError
    from urllib3.util.connection import allowed_gai_family
except ImportError:
    # REQUESTS_IMPORT_ERROR of _auth tells callers. The stand-ins only allow the definition of the classes below.
    HTTPAdapter = HTTPConnection = HTTPSConnection = object  # type: ignore[assignment,misc]  # stand-ins
    HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment,misc]  # stand-ins

if t.TYPE_CHECKING:
    from collections.abc import Iterator

#: Maximum bytes from a socket for one answer. It is above ANSWER_MAX of _transport, which limits the body with its own
#: message. This limit also covers the headers, chunk sizes and trailers, which http.client reads by itself.
RECEIVED_MAX = 12 * 1024 * 1024

#: The watch of the current thread's try.
_current = threading.local()


class Watch:
    """The deadline of one try, and the sockets that it uses."""

    def __init__(self, deadline: float) -> None:
        """
        :param deadline: On the clock of time.monotonic, in seconds.
        """
        self.deadline = deadline
        #: The deadline has passed, or the try was aborted. Bytes that arrive later are not part of the answer.
        self.expired = False
        #: The connection has reached the server. A proxy, if there is one, has let it through.
        self.arrived = False
        #: The status of the answer that is being read, None before its first line.
        self.status: int | None = None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def remaining(self) -> float:
        """Return the seconds until the deadline, 0 after it."""
        return max(0.0, self.deadline - time.monotonic())

    def add(self, sock: t.Any) -> None:
        """
        Shut this socket down at the deadline, too.

        :param sock: An object with a file descriptor. TLS detaches the descriptor from the original socket object, so
            this keeps a duplicate. Until it is closed, the system can't reuse the duplicate for another file.
        """
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(sock.fileno())))
            if self.expired:
                self._shut_down()

    def arrive(self) -> None:
        """Record that the connection has reached the server."""
        # After expire(), http.client mistakes the end of the connection for the end of a proxy's headers, and goes on.
        self.arrived = not self.expired
        # An earlier status came from a proxy.
        self.status = None

    def expire(self) -> None:
        """Shut the sockets down."""
        with self._lock:
            self.expired = True
            self._shut_down()

    def close(self) -> None:
        """Close the duplicates of the sockets."""
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    def _shut_down(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """
    Let threads that start within the context take no signals.

    Python runs the handlers in the main thread. If another thread takes a signal, the main thread goes on sleeping.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # It can raise the exception of a handler after it has changed the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Watchdog:
    """Ends tries at their deadlines, in a thread that starts with the first one."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0
        self._closed = False

    @contextlib.contextmanager
    def watch(self, seconds: float) -> Iterator[Watch]:
        """
        Set a deadline for the current thread's connections within the context.

        :param seconds: Seconds until the deadline.
        """
        watch = Watch(time.monotonic() + seconds)
        with self._condition:
            if self._closed:
                watch.expire()
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cloudpond-watchdog", daemon=True)
                with without_signals():
                    self._thread.start()
            elif watch.deadline < self._wakes_at:
                self._condition.notify()
        _current.watch = watch
        try:
            yield watch
        finally:
            _current.watch = None
            with self._condition:
                self._watches.discard(watch)
            watch.close()

    def close(self) -> None:
        """End all running tries at once, and every later try as it begins."""
        with self._condition:
            self._closed = True
            for watch in self._watches:
                watch.expire()
            self._condition.notify()

    def _run(self) -> None:
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                for watch in [watch for watch in self._watches if watch.deadline <= now]:
                    watch.expire()
                    self._watches.discard(watch)
                # Without a watch, the next try wakes the thread.
                self._wakes_at = min((watch.deadline for watch in self._watches), default=threading.TIMEOUT_MAX)
                self._condition.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))


class _LimitedReader(io.RawIOBase):
    """Reads from another reader, and fails after RECEIVED_MAX bytes."""

    def __init__(self, reader: t.Any) -> None:
        self._reader = reader
        self._left = RECEIVED_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        size: int = self._reader.readinto1(buffer)
        self._left -= size
        if self._left < 0:
            raise http.client.HTTPException(f"the answer goes on after {RECEIVED_MAX // 1024**2} MiB")
        return size

    def close(self) -> None:
        self._reader.close()
        super().close()


class _LimitedResponse(http.client.HTTPResponse):
    """An answer that is read through a _LimitedReader, because http.client reads a chunk of negative size forever."""

    def __init__(self, sock: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_LimitedReader(self.fp))

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # private: typeshed leaves it out
        # The first line alone can be a refusal, even if the lines after it can't be read.
        if status >= 200:
            _current.watch.status = status
        return version, status, reason

    def begin(self) -> None:
        super().begin()
        # urllib3 would log header lines that can't be parsed, and with them a credential that the server echoes.
        # http.client has already left them out of the headers.
        self.headers.defects.clear()
        self.headers.set_payload("")


class _Watched(HTTPConnection):
    """A connection that shows its sockets to the watch of the current thread."""

    response_class = _LimitedResponse

    def _new_conn(self) -> socket.socket:
        """Try each address in turn, all within one deadline. urllib3 would give each address the full time-out."""
        watch: Watch = _current.watch
        host = self._dns_host
        try:
            found = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except UnicodeError:
            raise LocationParseError(f"{host!r}, label empty or too long") from None
        except OSError as error:
            raise NewConnectionError(self, f"Failed to resolve the name: {error}") from error
        fault: Exception = ConnectTimeoutError(self, f"No connection to {host} in time.")
        for family, kind, protocol, _name, address in found:
            seconds = watch.remaining()
            if not seconds:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                watch.add(sock)
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(seconds)
                sock.connect(address)
            except socket.timeout as error:
                sock.close()
                fault = ConnectTimeoutError(self, f"No connection to {host} in time.")
                fault.__cause__ = error
            except OSError as error:
                sock.close()
                fault = NewConnectionError(self, f"Failed to establish a new connection: {error}")
                fault.__cause__ = error
            else:
                return sock
        raise fault

    def _tunnel(self) -> None:
        super()._tunnel()
        _current.watch.arrive()

    def putrequest(self, *args: t.Any, **kwargs: t.Any) -> None:
        # The connection is still open from an earlier try.
        if self.sock is not None:
            _current.watch.arrive()
            _current.watch.add(self.sock)
        super().putrequest(*args, **kwargs)


class _WatchedHTTPS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolHTTPS(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """An adapter of requests whose connections a Watchdog can end. Send only within Watchdog.watch."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolHTTPS}

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self.poolmanager.pool_classes_by_scheme
        return manager
