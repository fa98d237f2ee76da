# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Sends one GET request, and reads the answer. It depends neither on a particular API nor on the source of settings."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import typing as t
import warnings
import zlib
from http import HTTPStatus

from ._deadline import Expired, bounded

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, InvalidHeader, ReadTimeoutError
    from urllib3.util import Retry
except ImportError:
    # REQUESTS_IMPORT_ERROR of _auth tells callers. The stand-ins only allow the definition of the classes below.
    HTTPAdapter = HTTPConnection = HTTPSConnection = object  # type: ignore[assignment,misc]  # stand-ins
    HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment,misc]  # stand-ins

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requests.auth import AuthBase

#: The statuses after which the same request may succeed later. 401 and 403 must never be among them: the vendor locks
#: an access key that fails to authenticate more than five times in a row.
RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})

#: Bytes. A page of 2,000 orders is about 1 MB. The body of an error is read for its code and message only.
BODY_MAX = 10 * 1024 * 1024
ERROR_BODY_MAX = 64 * 1024

_CHUNK = 65536

#: OpenSSL's reasons if the other side does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")

_UNDECODABLE = "the answer can't be decoded"


class Reply(t.NamedTuple):
    """An answer as it arrived."""

    status: int
    #: The reason phrase of the status.
    reason: str = ""
    headers: Mapping[str, str] = {}
    #: At most ERROR_BODY_MAX bytes, unless the status is 200.
    body: bytes = b""
    #: The reason why the body is unusable, None for a good one.
    flaw: str | None = None

    @property
    def retry_after(self) -> float:
        """The seconds for which the server asks clients to wait, 0 if it doesn't."""
        try:
            return max(0.0, Retry().parse_retry_after(self.headers.get("Retry-After", "0")))
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0


class NoAnswer(Exception):
    """
    There was no complete answer.

    The message may contain text from a server or proxy, including secrets. Mask it before you show it.
    """

    def __init__(self, message: str, *, retryable: bool = True, proxy_status: int | None = None) -> None:
        """
        :param proxy_status: The status with which the proxy refused to connect, None if it did not refuse.
        """
        super().__init__(message)
        self.retryable = retryable
        self.proxy_status = proxy_status


class Http:
    """
    Sends GET requests over connections that it keeps open.

    Redirects are not followed, cookies are not kept, and the environment is ignored.
    """

    def __init__(
        self,
        server: str,
        auth: AuthBase,
        headers: Mapping[str, str],
        *,
        timeout: float,
        verify: bool | str,
        proxy: tuple[str, str] | None,
    ) -> None:
        """
        :param server: Host and port, as they stand in messages.
        :param auth: Authenticates each request.
        :param headers: Sent with each request.
        :param timeout: Seconds for all of one request.
        :param verify: Whether certificates are verified, or a file or directory of the CA certificates to trust.
        :param proxy: The proxy's URL, and its name in messages.
        """
        self._server = server
        self._auth = auth
        # gzip is the only encoding whose decoded size _decode can limit.
        self._headers = {**headers, "Accept-Encoding": "gzip"}
        self._timeout = timeout
        self._proxy_name = proxy[1] if proxy else None
        proxies = {"https": proxy[0]} if proxy else {}
        self._options: dict[str, t.Any] = {"verify": verify, "proxies": proxies, "timeout": timeout}
        # A requests.Session would follow redirects, keep cookies, and read netrc files.
        self._adapter = _Adapter()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def get(self, url: str, query: Iterable[tuple[str, str | int]]) -> Reply:
        """
        Send a request once.

        :param query: Keys and values; a key may be repeated.
        :return: An answer of any status.
        :raises NoAnswer: if there is none within the time-out, or if a good one is cut short.
        """
        attempt = _Try()
        try:
            return bounded(self._timeout, lambda: self._send(attempt, url, query))
        except (Expired, requests.RequestException, HTTPError, OSError, ValueError) as error:
            attempt.abandon()
            if attempt.status not in (None, HTTPStatus.OK) and not attempt.at_proxy:
                # A refusal counts even if the rest of it can't be read: another request could lock a key.
                return Reply(int(attempt.status or 0))
            # Their text, and that of their causes, can contain a server's text. Don't chain them.
            raise self._no_answer(error, attempt) from None
        except BaseException:
            # A task's time-out, or Ctrl-C.
            attempt.abandon()
            raise

    def _send(self, attempt: _Try, url: str, query: Iterable[tuple[str, str | int]]) -> Reply:
        _current.attempt = attempt
        request = requests.Request("GET", url, headers=dict(self._headers), params=list(query), auth=self._auth)
        with warnings.catch_warnings():
            # The settings say so. ansible-core complains of a worker that writes to stderr.
            warnings.simplefilter("ignore", InsecureRequestWarning)
            response = self._adapter.send(request.prepare(), stream=True, **self._options)
        with contextlib.closing(response):
            good = response.status_code == HTTPStatus.OK
            most = BODY_MAX if good else ERROR_BODY_MAX
            body, flaw = b"", None
            try:
                body = _decode(_read(response.raw, most), response.headers.get("Content-Encoding", ""), most)
            except _Unusable as error:
                flaw = str(error)
            except _CutShort:
                if good:
                    raise
            return Reply(response.status_code, response.reason or "", response.headers, body, flaw)

    def _no_answer(self, error: Exception, attempt: _Try) -> NoAnswer:
        causes = list(_causes(error))
        peer = f"the proxy {self._proxy_name}" if attempt.at_proxy else self._server
        # Behind a proxy, either of the two can be the cause.
        via = f", through the proxy {self._proxy_name}" if self._proxy_name and not attempt.at_proxy else ""
        if attempt.at_proxy and attempt.status not in (None, HTTPStatus.OK):
            status = int(attempt.status or 0)
            words = re.search(r"Tunnel connection failed: \d{3}( .+)", str(causes[-1]), re.S)
            message = f"{peer} refused to connect: {status}{words[1] if words else ''}"
            return NoAnswer(message, retryable=status in RETRYABLE_STATUSES, proxy_status=status)
        if any(isinstance(cause, (Expired, requests.Timeout, ReadTimeoutError, socket.timeout)) for cause in causes):
            return NoAnswer(f"{peer} did not answer within {self._timeout:g} seconds{via}")
        if unverified := next(filter(_is_unverified, causes), None):
            reason = getattr(unverified, "verify_message", "") or str(unverified)
            return NoAnswer(f"the certificate of {peer} can't be verified{via}: {reason}", retryable=False)
        if isinstance(error, _CutShort):
            return NoAnswer(f"the answer from {peer} was cut short{via}")
        if broken := next(filter(_is_no_http, causes), None):
            role = "proxy" if attempt.at_proxy else "server"
            # Without a word, the line would end in its colon.
            reason = f": {broken}" if re.search(r"\w", str(broken)) else ""
            return NoAnswer(f"{peer} did not answer as an HTTP {role}{via}{reason}")
        reasons = [getattr(cause, "strerror", None) for cause in reversed(causes)]
        reason = next(filter(None, reasons), causes[-1])
        if any(getattr(cause, "reason", None) in _NOT_TLS for cause in causes if isinstance(cause, ssl.SSLError)):
            return NoAnswer(f"no answer from {peer}, which seems to speak http, not https{via}: {reason}")
        # For all other exceptions of requests, the request could never be sent.
        return NoAnswer(f"no answer from {peer}{via}: {reason}", retryable=isinstance(error, requests.ConnectionError))


class _CutShort(ValueError):
    """The end of an answer is missing."""


class _Unusable(ValueError):
    """A body is unusable. The text is the reason."""


def _read(raw: t.Any, most: int) -> bytes:
    """
    Read a body, and no more than a little over ``most`` bytes of it.

    :param raw: urllib3's response.
    :raises _CutShort: if its end is missing.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        while size <= most and (chunk := raw.read(_CHUNK, decode_content=False)):
            chunks.append(chunk)
            size += len(chunk)
    except HTTPError as error:
        raise _CutShort from error
    # urllib3 before 2.0 does not compare the length.
    if size <= most and raw.length_remaining:
        raise _CutShort
    # A connection that breaks within the headers looks like the end of an answer without a length.
    if not size and raw.length_remaining is None and not raw.chunked:
        raise _CutShort
    return b"".join(chunks)


def _decode(body: bytes, encoding: str, most: int) -> bytes:
    """
    Undo the Content-Encoding of a body.

    :param most: Bytes, of the body as it came and as it is returned.
    :raises _Unusable: if the body is larger, or can't be decoded.
    :raises _CutShort: if the end of a compressed body is missing.
    """
    encoding = encoding.strip().lower()
    if body and encoding not in ("", "identity"):
        if encoding not in ("gzip", "x-gzip"):
            raise _Unusable(_UNDECODABLE)
        decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            body = decoder.decompress(body, most + 1)
        except zlib.error:
            raise _Unusable(_UNDECODABLE) from None
        if len(body) <= most and not decoder.eof:
            raise _CutShort
        # A body could have a huge number of compressed parts. Accept one only.
        if decoder.unused_data:
            raise _Unusable(_UNDECODABLE)
    if len(body) > most:
        raise _Unusable(f"the answer is larger than {most // 1024**2} MiB and was cut off")
    return body


# What a try has come to


#: The ``attempt`` of the current thread.
_current = threading.local()


class _Try:
    """What one try has come to, for the thread that waits for it."""

    #: The status of the answer that is being read, None before its first line.
    status: int | None = None
    #: The connection has reached no more than the proxy.
    at_proxy = False
    #: Nobody waits any more. What has not been sent yet never will be.
    _abandoned = False
    #: Of the answer that is being read.
    sock: socket.socket | None = None

    def abandon(self) -> None:
        """Let the try end soon, without sending anything."""
        self._abandoned = True
        if self.sock is not None:
            # urllib3's TLS within the TLS of a proxy is no socket, but has one.
            sock = getattr(self.sock, "socket", self.sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def go_on(self) -> None:
        """Raise if nobody waits any more."""
        if self._abandoned:
            raise OSError("nobody waits for the answer")


class _Response(http.client.HTTPResponse):
    """An answer that tells its status as soon as the first line is there."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        _current.attempt.sock = sock

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # private: typeshed leaves it out
        # The first line alone can be a refusal, even if the lines after it never come or can't be read.
        if status >= 200:
            _current.attempt.status = status
        return version, status, reason

    def begin(self) -> None:
        super().begin()
        # urllib3 would log header lines that can't be parsed, and with them a credential that the server echoes.
        # http.client has already left them out of the headers.
        self.headers.defects.clear()
        self.headers.set_payload("")


class _Connection(HTTPConnection):
    """A connection that tells how far it has come."""

    response_class = _Response

    def connect(self) -> None:
        _current.attempt.at_proxy = self.proxy is not None
        super().connect()
        _current.attempt.go_on()

    def _tunnel(self) -> None:
        _current.attempt.go_on()
        super()._tunnel()
        # After a time-out, http.client mistakes the end of the connection for the end of a proxy's headers.
        _current.attempt.go_on()
        _current.attempt.at_proxy = False


class _ConnectionHTTPS(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _PoolHTTPS(HTTPSConnectionPool):
    ConnectionCls = _ConnectionHTTPS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolHTTPS}

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self.poolmanager.pool_classes_by_scheme
        return manager


# What went wrong


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that an exception of requests wraps, from the outermost to the innermost."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        wrapped = [getattr(cause, "reason", None), *reversed(cause.args), cause.__cause__]
        # Follow __context__ for urllib3's exceptions only: 1.26 wraps exceptions without an explicit cause.
        if type(cause).__module__.startswith("urllib3"):
            wrapped.append(cause.__context__)
        cause = next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


def _is_no_http(cause: BaseException) -> bool:
    """Return whether something came that is not HTTP. A connection that just ends is an OSError, too."""
    if isinstance(cause, http.client.LineTooLong):
        return "status line" in str(cause)
    is_other = isinstance(cause, (http.client.BadStatusLine, http.client.UnknownProtocol))
    return is_other and not isinstance(cause, OSError)


def _is_unverified(cause: BaseException) -> bool:
    # urllib3 before 2.0 has its own CertificateError, whose module has moved.
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"
