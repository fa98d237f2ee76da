# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Sends requests, retries them, and reads the answers. It does not depend on a particular API."""

from __future__ import annotations

import contextlib
import random
import re
import ssl
import threading
import time
import typing as t
import zlib
from http import HTTPStatus
from http.client import BadStatusLine, LineTooLong, UnknownProtocol

from ._auth import Auth
from ._deadline import Watchdog, WatchedAdapter
from ._json import BLANK
from ._settings import Settings

try:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.cookies import RequestsCookieJar
    from requests.sessions import Session
    from urllib3.exceptions import HTTPError, InvalidHeader, ReadTimeoutError
    from urllib3.util import Retry
except ImportError:
    # REQUESTS_IMPORT_ERROR of _auth tells callers. The stand-in only allows the definition of the class below.
    Session = object  # type: ignore[assignment,misc]  # a stand-in

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ._deadline import Watch

#: The statuses after which the same request may succeed later. 401 and 403 must never be among them: the vendor locks
#: an access key that fails to authenticate more than five times in a row.
RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})

#: Seconds. The back-off doubles from the first value up to the second. The third limits a server's Retry-After.
BACKOFF_FACTOR = 0.5
BACKOFF_MAX = 30.0
RETRY_AFTER_MAX = 60.0

#: Maximum requests at the same time. More than five could lock an access key, if all are refused.
CONCURRENT_MAX = 5

#: Bytes. A page of 2,000 orders is about 1 MB. The body of an error is read for its code and message only.
ANSWER_MAX = 10 * 1024 * 1024
ERROR_BODY_MAX = 64 * 1024

_CHUNK = 65536


class Reply(t.NamedTuple):
    """An answer as it arrived."""

    status: int
    #: The reason phrase of the status.
    reason: str
    headers: Mapping[str, str]
    #: At most ERROR_BODY_MAX bytes, unless the status is 200.
    body: bytes
    #: The reason why the body is unusable, None for a good one.
    flaw: str | None


class TransportError(Exception):
    """
    There was no complete answer.

    The message may contain text from a server or proxy, including secrets. Sanitize it before you show it.
    """

    def __init__(self, message: str, *, retryable: bool, refused: bool = False) -> None:
        """
        :param refused: The proxy refused the password of its URL.
        """
        super().__init__(message)
        self.retryable = retryable
        self.refused = refused


class _Session(Session):
    """A session that ignores the targets of redirects, because requests fails on malformed ones."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Transport:
    """
    Sends GET requests over one pool of connections, from up to CONCURRENT_MAX threads.

    A try lasts no longer than the time-out of the settings, however slowly the answer arrives. Connection faults,
    truncated answers and the RETRYABLE_STATUSES are retried with exponential back-off and jitter, and ``Retry-After``
    is honored. A server that throttles one thread slows down all of them. Each try is authenticated again, because a
    signature expires after 15 minutes. Redirects are not followed, cookies are not kept, and the environment is
    ignored.
    """

    def __init__(self, auth: Auth, settings: Settings, headers: Mapping[str, str]) -> None:
        """
        :param auth: Authenticates each try of a request.
        :param headers: Sent with each request.
        """
        self._settings = settings
        self._session = _Session()
        self._session.trust_env = False
        self._session.auth = auth
        # gzip is the only encoding whose decoded size _decode can limit.
        self._session.headers = {**headers, "Accept-Encoding": "gzip"}
        self._session.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, WatchedAdapter(pool_maxsize=CONCURRENT_MAX))
        proxies = {"https": settings.proxy.url} if settings.proxy else {}
        self._options: dict[str, t.Any] = {"verify": settings.verify, "proxies": proxies, "timeout": settings.timeout}
        self._watchdog = Watchdog()
        self._closed = threading.Event()
        self._held_until = 0.0

    def close(self) -> None:
        """End the running requests of other threads, and close the pooled connections."""
        self._closed.set()
        self._watchdog.close()
        self._session.close()

    @property
    def longest(self) -> float:
        """The maximum seconds that one get takes, unless other threads are throttled."""
        retries = self._settings.max_retries
        return (retries + 1) * self._settings.timeout + retries * RETRY_AFTER_MAX

    def get(
        self,
        url: str,
        query: Iterable[tuple[str, str | int]],
        send: Callable[[Callable[[], Reply]], Reply],
    ) -> Reply:
        """
        Get an answer of any status, within the tries that the settings allow.

        :param query: Keys and values; a key may be repeated.
        :param send: Makes each try. It calls the function that it gets, and returns the reply. It may wait first, and
            may raise its own exceptions.
        :raises TransportError: if there is no answer, or if the body of a good one is truncated.
        """
        request = requests.Request("GET", url, params=list(query))
        for tries_left in range(self._settings.max_retries, -1, -1):
            self._wait_while_held()
            reply: Reply | None = None
            try:
                reply = send(lambda: self._try(request))
                if reply.status not in RETRYABLE_STATUSES or not tries_left:
                    return reply
            except TransportError as error:
                if not error.retryable or not tries_left:
                    raise
            pause = self._pause(self._settings.max_retries - tries_left, reply)
            if reply and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._held_until = max(self._held_until, time.monotonic() + pause)
            else:
                self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _try(self, request: requests.Request) -> Reply:
        with self._watchdog.watch(self._settings.timeout) as watch:
            try:
                prepared = self._session.prepare_request(request)
                response = self._session.send(prepared, stream=True, allow_redirects=False, **self._options)
                with contextlib.closing(response):
                    body, flaw = self._read(response, watch)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if watch.status not in (None, HTTPStatus.OK) and not self._is_of_proxy(watch):
                    # A refusal counts even if its headers can't be read: another request could lock a key.
                    return Reply(int(watch.status or 0), "", {}, b"", None)
                # Their text, and that of their causes, can contain a server's text. Don't chain them.
                raise self._fault(error, watch) from None
            return Reply(response.status_code, response.reason or "", response.headers, body, flaw)

    def _read(self, response: requests.Response, watch: Watch) -> tuple[bytes, str | None]:
        """Read the body, or its beginning if it is an error. Raises if the body of a good answer is truncated."""
        raw = response.raw
        good = response.status_code == HTTPStatus.OK
        most = ANSWER_MAX if good else ERROR_BODY_MAX
        chunks: list[bytes] = []
        size = 0
        try:
            # raw.stream would read the size of a chunk as one line of any length.
            while size <= most and (chunk := raw.read(_CHUNK, decode_content=False)):
                chunks.append(chunk)
                size += len(chunk)
            # urllib3 before 2.0 does not compare the length. A connection ended by the watch looks like a normal end.
            if watch.expired or (size <= most and raw.length_remaining):
                raise requests.exceptions.ChunkedEncodingError("bytes are missing")
        except (HTTPError, requests.RequestException) as error:
            if good:
                raise requests.exceptions.ChunkedEncodingError(error) from error
            # A refusal counts even without its body: another request could lock a key.
            return b"", None
        # A body without a length ends with its connection, even if the connection broke.
        may_be_cut = good and size <= most and raw.length_remaining is None and not raw.chunked
        try:
            body = _decode(b"".join(chunks), response.headers.get("Content-Encoding", "identity"), most)
        except _Unusable as flaw:
            if not (may_be_cut and flaw.cut):
                return b"", str(flaw)
        else:
            if not (may_be_cut and _is_cut(body)):
                return body, None
        raise requests.exceptions.ChunkedEncodingError("bytes are missing")

    def _is_of_proxy(self, watch: Watch) -> bool:
        """Return whether a try has reached the proxy and nothing beyond it."""
        return self._settings.proxy is not None and not watch.arrived

    def _fault(self, error: Exception, watch: Watch) -> TransportError:
        settings = self._settings
        causes = list(_causes(error))
        proxy = settings.proxy if self._is_of_proxy(watch) else None
        peer = f"the proxy {proxy.name}" if proxy else settings.endpoint.host
        # Behind a proxy, either of the two can be the cause.
        via = f", through the proxy {settings.proxy.name}" if settings.proxy and not proxy else ""
        refusal = watch.status if proxy and watch.status != HTTPStatus.OK else None
        retryable = True
        if refusal:
            words = re.search(r"Tunnel connection failed: \d{3}( .+)", str(causes[-1]), re.S)
            message = f"{peer} refused to connect: {refusal}{words[1] if words else ''}"
            retryable = refusal in RETRYABLE_STATUSES
        elif watch.expired or any(isinstance(cause, (requests.Timeout, ReadTimeoutError)) for cause in causes):
            message = f"{peer} did not answer within {settings.timeout:g} seconds{via}"
        elif unverified := next(filter(_is_unverified, causes), None):
            reason = getattr(unverified, "verify_message", "") or str(unverified)
            message = f"the certificate of {peer} can't be verified{via}: {reason}"
            retryable = False
        elif isinstance(error, requests.exceptions.ChunkedEncodingError):
            message = f"the answer from {peer} was cut short{via}"
        elif broken := next((cause for cause in causes if _is_no_http(cause)), None):
            role = "proxy" if proxy else "server"
            # Without a word, the line would end in its colon.
            reason = f": {broken}" if re.search(r"\w", str(broken)) else ""
            message = f"{peer} did not answer as an HTTP {role}{via}{reason}"
        else:
            reasons = [getattr(cause, "strerror", None) for cause in reversed(causes)]
            reason = next(filter(None, reasons), causes[-1])
            message = f"no answer from {peer}{via}: {reason}"
            if any(getattr(cause, "reason", None) in _NOT_TLS for cause in causes if isinstance(cause, ssl.SSLError)):
                message = f"no answer from {peer}, which seems to speak http, not https{via}: {reason}"
            # For all other exceptions of requests, the request could never be sent.
            retryable = isinstance(error, requests.ConnectionError)
        refused = refusal == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        return TransportError(message, retryable=retryable, refused=refused)

    def _pause(self, tries: int, reply: Reply | None) -> float:
        """
        :param tries: Number of tries before the last one.
        :param reply: The reply to the last try, None for a fault.
        :return: Seconds to wait before the next try.
        """
        seconds = min(BACKOFF_FACTOR * 2.0 ** min(tries, 10), BACKOFF_MAX) * random.uniform(0.5, 1.0)
        asked = 0.0
        try:
            if reply and "Retry-After" in reply.headers:
                asked = Retry().parse_retry_after(reply.headers["Retry-After"])
        except (InvalidHeader, ValueError, OverflowError):
            pass
        return min(max(seconds, asked), RETRY_AFTER_MAX)

    def _wait_while_held(self) -> None:
        """Wait until the server accepts requests again. All threads wait, for slightly different times."""
        while (seconds := self._held_until - time.monotonic()) > 0:
            self.sleep(seconds * random.uniform(1.0, 1.25))

    def sleep(self, seconds: float) -> None:
        """
        Wait.

        :raises TransportError: if this is closed. Nobody waits for the current thread then.
        """
        if self._closed.wait(seconds):
            raise TransportError("", retryable=False)


#: OpenSSL's reasons if the other side does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")

_UNDECODABLE = "the answer can't be decoded"


class _Unusable(Exception):
    """
    The body is unusable. The text is the reason.

    :ivar cut: Whether the end of the body is missing.
    """

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.cut = cut


def _decode(body: bytes, encoding: str, most: int) -> bytes:
    """
    Undo the Content-Encoding of a body.

    :param most: Bytes, of the body as it came and as it is returned.
    :raises _Unusable: if the body is larger, or can't be decoded.
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
        # A body could have a huge number of compressed parts. Accept one only.
        if len(body) <= most and (not decoder.eof or decoder.unused_data):
            raise _Unusable(_UNDECODABLE, cut=not decoder.eof)
    if len(body) > most:
        raise _Unusable(f"the answer is larger than {most // 1024**2} MiB and was cut off")
    return body


def _is_cut(body: bytes) -> bool:
    """Return whether the end of a JSON object is missing. An empty body counts as the beginning of an object."""
    text = body.strip(BLANK)
    # Braces in strings don't count, and an escaped quote does not end a string.
    outside = re.sub(rb'"[^"]*"?', b"", text.replace(b"\\\\", b"").replace(b'\\"', b""))
    return not text or (text.startswith(b"{") and outside.count(b"{") > outside.count(b"}"))


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
    if isinstance(cause, LineTooLong):
        return "status line" in str(cause)
    return isinstance(cause, (BadStatusLine, UnknownProtocol)) and not isinstance(cause, OSError)


def _is_unverified(cause: BaseException) -> bool:
    # urllib3 before 2.0 has its own CertificateError, whose module has moved.
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"
