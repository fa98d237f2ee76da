# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.
"""Requests and their answers: the loop that tries, the waits between, and how an answer is read. It knows no API."""

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

from ._auth import Auth
from ._deadline import Watchdog, WatchedAdapter
from ._settings import Settings

try:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.cookies import RequestsCookieJar
    from requests.sessions import Session
    from urllib3.exceptions import HTTPError, InvalidHeader
    from urllib3.util import Retry
except ImportError:
    # REQUESTS_IMPORT_ERROR of _auth tells callers; the stand-in only lets the class below be defined.
    Session = object  # type: ignore[assignment,misc]

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ._deadline import Watch

#: The answers after which the same request may succeed later. 401 and 403 must never be among them: the vendor locks
#: an access key that fails to authenticate more than five times in a row.
RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})

#: Seconds. Back-off doubles from the first up to the second; no Retry-After of a server is obeyed beyond the third.
BACKOFF_FACTOR = 0.5
BACKOFF_MAX = 30.0
RETRY_AFTER_MAX = 60.0

#: Requests under way at once. More than five could lock an access key, when all are refused.
CONCURRENT_MAX = 5

#: Bytes. A page of 2,000 orders is about 1 MB. The body of an error is read for its code and message only.
ANSWER_MAX = 10 * 1024 * 1024
ERROR_BODY_MAX = 64 * 1024

_CHUNK = 65536


class Reply(t.NamedTuple):
    """An answer as it came."""

    status: int
    #: The words beside the status.
    reason: str
    headers: Mapping[str, str]
    #: Of an answer other than 200, no more than ERROR_BODY_MAX bytes.
    body: bytes
    #: What can't be used of the body, None for a good one.
    flaw: str | None
    #: What was derived of the secrets for the request, and may come back in the answer.
    derived_secrets: tuple[str, ...]


class TransportError(Exception):
    """
    There was no whole answer.

    The text may hold what a server or proxy sent, secrets included: it must be sanitized before it is shown.
    """

    def __init__(self, message: str, *, retryable: bool, derived_secrets: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.derived_secrets = derived_secrets


class _Session(Session):
    """A session that does not even look where a redirect leads: some lead nowhere, and requests fails over them."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Transport:
    """
    Sends GET requests over one pool of connections, from up to CONCURRENT_MAX threads.

    A try lasts no longer than the time-out of the settings, however the answer trickles. Connection faults, answers cut
    short and the RETRYABLE_STATUSES are tried again with exponential back-off and jitter, keeping ``Retry-After``; a
    server that throttles one thread slows all of them down. Each try is authenticated anew, since a signature is good
    for 15 minutes only. Redirects are not followed, cookies are not kept, and nothing is taken from the environment.
    """

    def __init__(self, auth: Auth, settings: Settings, headers: Mapping[str, str]) -> None:
        """
        :param auth: Authenticates each try of a request.
        :param headers: Sent with each request.
        """
        self._auth = auth
        self._settings = settings
        self._session = _Session()
        self._session.trust_env = False
        self._session.auth = auth
        # What is compressed further could grow beyond measure; _decode knows when to stop.
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
        """End the requests that are under way in other threads, and close the pooled connections."""
        self._closed.set()
        self._watchdog.close()
        self._session.close()

    def get(self, url: str, query: Iterable[tuple[str, str | int]]) -> Reply:
        """
        Get an answer, good or bad, in no more tries than the settings allow.

        :param query: Keys and values; a key may come repeatedly.
        :raises TransportError: if there is none, or if a good one can't be read to its end.
        """
        request = requests.Request("GET", url, params=list(query))
        for tries_left in range(self._settings.max_retries, -1, -1):
            self._wait_while_held()
            reply: Reply | None = None
            try:
                reply = self._try(request)
                if reply.status not in RETRYABLE_STATUSES or not tries_left:
                    return reply
            except TransportError as error:
                if not error.retryable or not tries_left:
                    raise
            pause = self._pause(self._settings.max_retries - tries_left, reply)
            if reply and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._held_until = max(self._held_until, time.monotonic() + pause)
            else:
                self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _try(self, request: requests.Request) -> Reply:
        with self._watchdog.watch(self._settings.timeout) as watch:
            secrets: tuple[str, ...] = ()
            try:
                prepared = self._session.prepare_request(request)
                secrets = self._auth.derived_secrets(prepared)
                response = self._session.send(prepared, stream=True, allow_redirects=False, **self._options)
                with contextlib.closing(response):
                    body, flaw = self._read(response, watch)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # What these say, and those they come from, can hold a server's text: they are not passed on.
                raise self._fault(error, watch, secrets) from None
            return Reply(response.status_code, response.reason or "", response.headers, body, flaw, secrets)

    def _read(self, response: requests.Response, watch: Watch) -> tuple[bytes, str | None]:
        """Read the body, of a bad answer no more than helps. Raises if that of a good one breaks off."""
        raw = response.raw
        good = response.status_code == HTTPStatus.OK
        most = ANSWER_MAX if good else ERROR_BODY_MAX
        chunks: list[bytes] = []
        size = 0
        try:
            # Not by raw.stream: that reads the size of a chunk as one line, however long it is.
            while size <= most and (chunk := raw.read(_CHUNK, decode_content=False)):
                chunks.append(chunk)
                size += len(chunk)
            # urllib3 compares the length by itself only since 2.0. The end that a watch makes looks like any other.
            if watch.expired or (size <= most and raw.length_remaining):
                raise requests.exceptions.ChunkedEncodingError("bytes are missing")
        except (HTTPError, requests.RequestException) as error:
            if good:
                raise requests.exceptions.ChunkedEncodingError(error) from error
            # A refusal is one, whatever became of its body: to ask again could lock a key.
            return b"", None
        try:
            return _decode(b"".join(chunks), response.headers.get("Content-Encoding", "identity"), most), None
        except _Unusable as flaw:
            return b"", str(flaw)

    def _fault(self, error: Exception, watch: Watch, secrets: tuple[str, ...]) -> TransportError:
        settings = self._settings
        causes = list(_causes(error))
        proxy = settings.proxy if settings.proxy and not watch.arrived else None
        peer = f"the proxy {proxy.name}" if proxy else settings.endpoint.host
        refusal = re.search(r"Tunnel connection failed: (\d{3})", str(causes[-1])) if proxy else None
        retryable = True
        if watch.expired or any(isinstance(cause, requests.Timeout) for cause in causes):
            message = f"{peer} did not answer within {settings.timeout:g} seconds"
        elif refusal:
            status = int(refusal[1])
            message = f"{peer} refused to connect: {str(causes[-1])[refusal.start(1) :]}"
            retryable = status in RETRYABLE_STATUSES
        elif unverified := next(filter(_is_unverified, causes), None):
            reason = getattr(unverified, "verify_message", "") or str(unverified)
            message = f"the certificate of {peer} does not verify: {reason}"
            retryable = False
        elif isinstance(error, requests.exceptions.ChunkedEncodingError):
            message = f"the answer of {peer} broke off"
        else:
            reasons = [getattr(cause, "strerror", None) for cause in reversed(causes)]
            reason = next(filter(None, reasons), causes[-1])
            message = f"no answer from {peer}: {reason}"
            if any(getattr(cause, "reason", None) in _NOT_TLS for cause in causes if isinstance(cause, ssl.SSLError)):
                message = f"no answer from {peer}, which seems to speak http, not https: {reason}"
            # Anything else that requests raises tells of a request that could never be sent.
            retryable = isinstance(error, requests.ConnectionError)
        return TransportError(message, retryable=retryable, derived_secrets=secrets)

    def _pause(self, tries: int, reply: Reply | None) -> float:
        """
        :param tries: How many there have been before the last one.
        :param reply: What the last one brought, None for a fault.
        :return: Seconds to wait before the next one.
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
        """Wait, as all threads do, until the server takes requests again; not all of them equally long."""
        while (seconds := self._held_until - time.monotonic()) > 0:
            self._sleep(seconds * random.uniform(1.0, 1.25))

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            # In a thread that nobody waits for any more.
            raise TransportError("", retryable=False)


#: What OpenSSL says when the other side does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


_UNDECODABLE = "the answer can't be decoded"


class _Unusable(Exception):
    """A body of which nothing can be used. The text says why."""


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
        # More than one compressed part could be very many, each of which takes its time.
        if len(body) <= most and (not decoder.eof or decoder.unused_data):
            raise _Unusable(_UNDECODABLE)
    if len(body) > most:
        raise _Unusable(f"the answer is larger than {most // 1024**2} MiB and was cut off")
    return body


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that an exception of requests wraps, from the outermost to the innermost."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        wrapped = [getattr(cause, "reason", None), *reversed(cause.args), cause.__cause__]
        # Follow __context__ for urllib3's exceptions only: 1.26 wraps without saying so.
        if type(cause).__module__.startswith("urllib3"):
            wrapped.append(cause.__context__)
        cause = next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


def _is_unverified(cause: BaseException) -> bool:
    # urllib3 before 2.0 has a CertificateError of its own, in a place that moved.
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"
