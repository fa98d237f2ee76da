# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
The HTTP client of the CloudPond API (the vendor calls it IES), shared by all modules and plugins of the collection.

It knows nothing of modules: what fails is raised as CloudPondError.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import json
import math
import os
import random
import re
import ssl
import time
import typing as t
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from ._auth import Auth
from ._errors import CloudPondError
from ._json import parse
from ._sanitize import Sanitizer, one_line
from ._version import VERSION

try:
    import requests
    from requests.adapters import HTTPAdapter
    from requests.sessions import Session
    from urllib3.exceptions import (
        DecodeError,
        HTTPError,
        InvalidHeader,
        MaxRetryError,
        ProtocolError,
        ReadTimeoutError,
    )
    from urllib3.util import Retry
except ImportError:
    # REQUESTS_IMPORT_ERROR of _auth tells callers; these stand-ins only let the classes below be defined.
    HTTPAdapter = Retry = Session = object  # type: ignore[assignment,misc]

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from urllib3.response import HTTPResponse

#: The one global endpoint in the region table of the vendor's SDK. Partner clouds have their own.
DEFAULT_ENDPOINT = "https://ies.myhuaweicloud.com"

#: The answers after which the same request may succeed later. 401 and 403 must never be among them: the vendor locks
#: an access key after five failed authentications in a row.
RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})

#: Seconds. Back-off doubles from the first up to the second; no Retry-After of a server is obeyed beyond the third.
BACKOFF_FACTOR = 0.5
BACKOFF_MAX = 30.0
RETRY_AFTER_MAX = 60.0

#: Requests under way at once. More than five could lock an access key, when all are refused.
CONCURRENT_MAX = 5

#: Bytes. A page of 2,000 orders is about 1 MB.
ANSWER_MAX = 10 * 1024 * 1024

#: What an ID must be. The vendor's own samples are no valid UUIDs, so that no more than this can be demanded.
SEGMENT_RULE = "must be made of letters, digits, '-' and '_', and must not be empty"

#: Seconds. More overflows what the system's calls take.
_TIMEOUT_MAX = 86400.0


class Answer(t.NamedTuple):
    """The JSON object of an answer, and what an error about it needs."""

    asked: str
    data: dict[str, t.Any]
    http_status: int
    request_id: str | None

    def error(self, reason: str) -> CloudPondError:
        """
        :param reason: What of the answer isn't as the specification promises.
        :return: An error to raise. Waiting doesn't cure it.
        """
        return CloudPondError(self.asked, one_line(reason), http_status=self.http_status, request_id=self.request_id)


class Client:
    """
    Asks the CloudPond API, within one domain, over one pool of connections, from up to CONCURRENT_MAX threads.

    Connection faults, answers cut short and the RETRYABLE_STATUSES are asked again with exponential back-off and
    jitter, keeping ``Retry-After``; a server that throttles one thread slows all of them down. Redirects are not
    followed, proxies of the environment are used. TLS is verified against ``ca_path``, else against what requests
    takes from the environment.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        domain_id: str,
        endpoint: str = DEFAULT_ENDPOINT,
        validate_certs: bool = True,
        ca_path: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 5,
        caller: str = "",
    ) -> None:
        """
        :param auth: Authenticates each try of a request.
        :param domain_id: The account's ID, a part of every path of this API.
        :param endpoint: Base URL; ``http`` for loopback hosts only.
        :param ca_path: A file or directory of CA certificates.
        :param timeout: Seconds, for connecting, and for each read.
        :param max_retries: How often a failed request is sent again; 0 sends it once.
        :param caller: Who asks, for the User-Agent, such as ``ansible-core/2.16.0``.
        :raises CloudPondError: if one of these can't be used.
        """
        self._host, self._base_url, is_plain = _check_endpoint(endpoint)
        if not is_segment(domain_id):
            raise _refusal("domain_id", f"{SEGMENT_RULE}: got {domain_id!r}")
        self._domain_id = domain_id
        verify = _check_ca_path(ca_path) if validate_certs and ca_path else validate_certs
        self._timeout = _check_range("timeout", timeout, above=0, most=_TIMEOUT_MAX)
        self._auth = auth
        retries = _Retry(
            total=int(_check_range("max_retries", max_retries, least=0)),
            status_forcelist=RETRYABLE_STATUSES,
        )
        self._session = _Session()
        self._session.auth = auth
        self._session.headers["User-Agent"] = f"huaweicloud.cloudpond/{VERSION} {caller}".strip()
        # Sister calls answer in English when asked to; for this one it is an assumption that does no harm.
        self._session.headers["X-Language"] = "en-us"
        # So does the vendor's SDK for services that are global.
        self._session.headers["X-Domain-Id"] = domain_id
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(auth, retries))
        # A proxy that the environment names would see a plain request, and its credential, on a way that is
        # meant to stay within this machine.
        proxies = {"no_proxy": self._host} if is_plain else {}
        self._settings = self._session.merge_environment_settings(self._base_url, proxies, None, verify, None)
        self._secrets = (*auth.secrets, *_proxy_secrets(self._settings["proxies"].values()))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def get(self, version: str, *path: str, asked: str, query: Iterable[tuple[str, str | int]] = ()) -> Answer:
        """
        Get a JSON object.

        :param version: The API's version, such as ``v2``.
        :param path: The segments of the path after the domain, such as ``"delivery-orders", "ORDER_ID"``.
        :param asked: What this asks for, for errors: it follows "Cannot query ".
        :param query: Keys and values; a key may come repeatedly.
        :return: What the API answered with status 200.
        :raises CloudPondError: for anything else.
        """
        for segment in path:
            if not is_segment(segment):
                raise CloudPondError(asked, f"an ID {SEGMENT_RULE}: got {segment!r}")
        url = "/".join((self._base_url, version, self._domain_id, *path))
        request = self._session.prepare_request(requests.Request("GET", url, params=list(query)))
        # What these exceptions say, and those they come from, can hold a server's text: they are not passed on.
        try:
            response = self._session.send(request, timeout=self._timeout, allow_redirects=False, **self._settings)
        except requests.RequestException as error:
            raise self._connection_error(asked, error, self._sanitizer(request)) from None
        except OSError as error:
            # What requests raises for a CA bundle named in the environment that isn't there.
            raise CloudPondError(asked, self._sanitizer(request).line(str(error))) from None
        return self._answer(asked, response)

    def _sanitizer(self, request: requests.PreparedRequest) -> Sanitizer:
        return Sanitizer((*self._secrets, *self._auth.derived_secrets(request)))

    def _answer(self, asked: str, response: requests.Response) -> Answer:
        sanitizer = self._sanitizer(response.request)
        data: t.Any = None
        flaw = ""
        if len(response.content) > ANSWER_MAX:
            flaw = f"the answer is larger than {ANSWER_MAX // 1024**2} MiB and was cut off"
        else:
            try:
                data = sanitizer.data(parse(response.content))
            except ValueError as error:
                # It can repeat a key.
                flaw = sanitizer.line(str(error))
            else:
                flaw = "" if isinstance(data, dict) else "the answer is not a JSON object"

        status = response.status_code
        request_id = sanitizer.line(response.headers.get("X-Request-Id", "")) or None
        answer = Answer(asked, data if isinstance(data, dict) else {}, status, request_id)
        if 300 <= status < 400:
            to = sanitizer.line(response.headers.get("Location", ""))
            raise answer.error(f"the answer is a redirect to {to!r}, which is not followed")
        if status != HTTPStatus.OK:
            code, message = _decode_error(data)
            raise CloudPondError(
                asked,
                sanitizer.line(message or response.reason or "") or None,
                http_status=status,
                code=sanitizer.line(code or "") or None,
                request_id=request_id,
                retryable=status in RETRYABLE_STATUSES,
            )
        if flaw:
            raise answer.error(flaw)
        return answer

    def _connection_error(self, asked: str, error: requests.RequestException, sanitizer: Sanitizer) -> CloudPondError:
        unverified = _unverified(error)
        causes = list(_causes(error))
        retryable = False
        if unverified:
            reason = getattr(unverified, "verify_message", "") or str(unverified)
            message = f"the certificate of {self._host} does not verify: {reason}"
        elif isinstance(error, requests.exceptions.ContentDecodingError):
            message = f"the answer of {self._host} can't be decoded"
        elif any(isinstance(cause, (requests.Timeout, ReadTimeoutError)) for cause in causes):
            message = f"{self._host} did not answer within {self._timeout:g} seconds"
            retryable = True
        elif isinstance(error, requests.exceptions.ChunkedEncodingError):
            message = f"the answer of {self._host} broke off"
            retryable = True
        else:
            reasons = [getattr(cause, "strerror", None) for cause in reversed(causes)]
            message = f"no answer from {self._host}: {next(filter(None, reasons), causes[-1])}"
            # Anything else that requests raises tells of a request that could never be sent.
            retryable = isinstance(error, requests.ConnectionError)
        return CloudPondError(asked, sanitizer.line(message), retryable=retryable)


class _Session(Session):
    """A session that does not even look where a redirect leads: some lead nowhere, and requests fails over them."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Retry(Retry):
    """Whether to try again, and after how long: as urllib3 does it, with jitter and a bound on Retry-After."""

    # Without this, urllib3 would also repeat a 413 that carries a Retry-After.
    RETRY_AFTER_STATUS_CODES = RETRYABLE_STATUSES

    def pause(self, answer: HTTPResponse | None) -> float:
        """
        :param answer: What the last try brought, None for a connection fault.
        :return: Seconds to wait before the next try.
        """
        # urllib3 does not wait before its first retry, and has jitter of its own only since 2.0.
        doubled = BACKOFF_FACTOR * 2.0 ** min(len(self.history) - 1, 10)
        seconds = min(doubled, BACKOFF_MAX) * random.uniform(0.5, 1.0)
        asked: float | None
        try:
            asked = self.get_retry_after(answer) if answer else None
        except (InvalidHeader, ValueError, OverflowError):
            asked = None
        return min(max(seconds, asked or 0), RETRY_AFTER_MAX)


class _Adapter(HTTPAdapter):
    """
    An adapter whose tries include the body of the answer, and are each authenticated anew.

    urllib3's own loop ends when the headers have come, and it repeats a signature, which is good for 15 minutes only.
    So each try is one call of urllib3, and its Retry says whether there is another.
    """

    def __init__(self, auth: Auth, retries: _Retry) -> None:
        super().__init__(pool_maxsize=CONCURRENT_MAX)
        self._auth = auth
        self._retries = retries
        self._held_until = 0.0

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: t.Any = None,
        verify: bool | str = True,
        cert: t.Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        retries = self._retries
        while True:
            self._wait_while_held()
            raw: t.Any = None
            fault: requests.RequestException | None = None
            try:
                response = super().send(request, True, timeout, verify, cert, proxies)
            except (requests.ConnectionError, requests.Timeout) as error:
                fault = error
            except HTTPError as error:
                # urllib3 can't even ask, for example for a host name that is none.
                raise requests.exceptions.InvalidURL(error, request=request) from error
            else:
                raw = response.raw
                try:
                    body = _read_body(raw)
                except HTTPError as error:
                    raw.close()
                    body = b""
                    if raw.status == HTTPStatus.OK or raw.status in RETRYABLE_STATUSES:
                        fault = _body_fault(error, request)
                    # A refusal is one, whatever became of its body: to ask again could lock a key.
                response.raw = io.BytesIO(body)
            if fault:
                if _unverified(fault) or isinstance(fault, requests.exceptions.ContentDecodingError):
                    raise fault
            elif not retries.is_retry(str(request.method), raw.status, bool(raw.headers.get("Retry-After"))):
                return response

            try:
                retries = retries.increment(request.method, request.url, None if fault else raw, fault)
            except MaxRetryError:
                if fault:
                    raise fault from None
                return response
            pause = retries.pause(None if fault else raw)
            if raw and raw.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._held_until = max(self._held_until, time.monotonic() + pause)
            else:
                time.sleep(pause)
            self._auth(request)

    def _wait_while_held(self) -> None:
        """Wait, as all threads do, until the server takes requests again; not all of them equally long."""
        while (seconds := self._held_until - time.monotonic()) > 0:
            time.sleep(seconds * random.uniform(1.0, 1.25))


def _read_body(raw: HTTPResponse) -> bytes:
    """Read no more than one byte over ANSWER_MAX. Raises ProtocolError for a body that is shorter than announced."""
    chunks: list[bytes] = []
    size = 0
    for chunk in raw.stream(65536, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > ANSWER_MAX:
            raw.close()
            return b"".join(chunks)[: ANSWER_MAX + 1]
    # urllib3 compares the length by itself only since 2.0.
    if raw.length_remaining:
        raise ProtocolError(f"{raw.length_remaining} bytes are missing")
    return b"".join(chunks)


def _body_fault(error: HTTPError, request: requests.PreparedRequest) -> requests.RequestException:
    kind = requests.exceptions.ContentDecodingError if isinstance(error, DecodeError) else None
    return (kind or requests.exceptions.ChunkedEncodingError)(error, request=request)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that an exception of requests wraps, from the outermost to the innermost."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        wrapped = [getattr(cause, "reason", None), *reversed(cause.args), cause.__cause__]
        # urllib3 1.26 wraps without saying so; what others were raised in the context of is another story.
        if type(cause).__module__.startswith("urllib3"):
            wrapped.append(cause.__context__)
        cause = next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


def _unverified(error: BaseException) -> BaseException | None:
    # urllib3 before 2.0 has a CertificateError of its own, in a place that moved.
    return next(
        (
            cause
            for cause in _causes(error)
            if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"
        ),
        None,
    )


def _decode_error(data: t.Any) -> tuple[str | None, str | None]:
    """
    Find the API's code and message in the body of an error, as the vendor's SDK does.

    :param data: The decoded body: both of a pair stand at the top, or in an object below.
    :return: Code and message, each ``None`` where there is none.
    """
    if not isinstance(data, dict):
        return None, None
    for code, message in (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")):
        if code in data and message in data:
            return _text(data[code]), _text(data[message])
    found: tuple[str | None, str | None] = (None, None)
    for value in data.values():
        inner = _decode_error(value)
        if inner != (None, None):
            found = inner
    return found


def _text(value: t.Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _proxy_secrets(proxies: Iterable[str]) -> Iterator[str]:
    """The passwords of proxies, also as a server would echo them from the header."""
    for proxy in proxies:
        userinfo, at, _host = urlsplit(proxy).netloc.rpartition("@")
        user, _colon, password = userinfo.partition(":")
        if at:
            yield unquote(password)
            yield base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()


def _refusal(option: str, must: str) -> CloudPondError:
    return CloudPondError("the CloudPond API", f"{option} {must}")


def is_segment(value: str) -> bool:
    """Return whether a value can be one harmless segment of a path, as SEGMENT_RULE says."""
    return bool(re.fullmatch(r"[A-Za-z0-9_-]+", value))


def _check_range(
    option: str, value: float, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> float:
    # Written so that NaN is outside, too.
    if not (value > above and least <= value <= most):
        low = f"more than {above}" if math.isfinite(above) else f"at least {least}"
        high = f" and at most {most:g}" if math.isfinite(most) else ""
        raise _refusal(option, f"must be a number of {low}{high}: got {value}")
    return value


def _check_ca_path(path: str) -> str:
    # Otherwise a wrong path would surface only while connecting, and look like an outage.
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError as error:
        raise _refusal("ca_path", f"must name a file or directory of CA certificates: {path!r}: {error}") from error
    return path


def _check_endpoint(endpoint: str) -> tuple[str, str, bool]:
    """Return the host, the base URL without a slash at its end, and whether it is plain http."""
    try:
        url = urlsplit(endpoint)
        host, _port = url.hostname or "", url.port
    except ValueError as error:
        raise _refusal("endpoint", f"must be a URL: {error}") from error
    # What stands before an @ would be a credential: such an endpoint is not repeated.
    if "@" in endpoint:
        raise _refusal("endpoint", "must not hold a user name or password")
    if url.scheme not in ("https", "http") or not host or url.query or url.fragment or not endpoint.isprintable():
        raise _refusal("endpoint", f"must be a URL such as {DEFAULT_ENDPOINT}: got {endpoint!r}")
    if url.scheme == "http" and not _is_loopback(host):
        raise _refusal("endpoint", f"must begin with https:// for any host but a loopback one: got {endpoint!r}")
    return host, endpoint.rstrip("/"), url.scheme == "http"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
