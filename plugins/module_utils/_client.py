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

import io
import ipaddress
import json
import math
import os
import random
import re
import ssl
import typing as t
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, quote_plus, urlsplit

from ._auth import Auth
from ._errors import CloudPondError
from ._version import VERSION

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, ProtocolError, ReadTimeoutError
    from urllib3.util import Retry
except ImportError:
    # REQUESTS_IMPORT_ERROR tells callers; these stand-ins only let the classes below be defined.
    HTTPAdapter = Retry = object  # type: ignore[assignment,misc]

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

#: Bytes. A page of 2,000 orders is about 1 MB.
ANSWER_MAX = 10 * 1024 * 1024

_SEGMENT_RULE = "must be made of letters, digits, '-' and '_', and must not be empty"

#: Characters of a server's text that go into a message.
_TEXT_MAX = 500


@dataclass(frozen=True)
class Answer:
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
        return CloudPondError(self.asked, reason, http_status=self.http_status, request_id=self.request_id)


class Client:
    """
    Asks the CloudPond API, within one domain, over one pool of connections.

    Connection faults, answers cut short and the RETRYABLE_STATUSES are asked again with exponential back-off and
    jitter, keeping ``Retry-After``. Redirects are not followed, proxies of the environment are used. TLS is verified
    against ``ca_path``, else against what requests takes from the environment.
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
        :param auth: Authenticates each request.
        :param domain_id: The account's ID, a part of every path of this API.
        :param endpoint: Base URL; ``http`` for loopback hosts only.
        :param ca_path: A file or directory of CA certificates.
        :param timeout: Seconds, for connecting, and for each read.
        :param max_retries: How often a failed request is sent again; 0 sends it once.
        :param caller: Who asks, for the User-Agent, such as ``ansible-core/2.16.0``.
        :raises CloudPondError: if one of these can't be used.
        """
        self._host, self._base_url, self._is_plain = _check_endpoint(endpoint)
        if not _is_segment(domain_id):
            raise _refusal("domain_id", f"{_SEGMENT_RULE}: got {domain_id!r}")
        self._domain_id = domain_id
        self._verify: bool | str = _check_ca_path(ca_path) if validate_certs and ca_path else validate_certs
        self._timeout = _check_range("timeout", timeout, above=0)
        self._masks = sorted(_masks(auth.secrets), key=len, reverse=True)
        retries = _Retry(
            total=int(_check_range("max_retries", max_retries, least=0)),
            allowed_methods={"GET"},
            status_forcelist=RETRYABLE_STATUSES,
            backoff_factor=BACKOFF_FACTOR,
            raise_on_status=False,
        )
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers["User-Agent"] = f"huaweicloud.cloudpond/{VERSION} {caller}".strip()
        # Sister calls answer in English when asked to; for this one it is an assumption that does no harm.
        self._session.headers["X-Language"] = "en-us"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(max_retries=retries))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def get(self, version: str, *path: str, asked: str) -> Answer:
        """
        Get a JSON object.

        :param version: The API's version, such as ``v2``.
        :param path: The segments of the path after the domain, such as ``"delivery-orders", "ORDER_ID"``.
        :param asked: What this asks for, for errors: it follows "Cannot query ".
        :return: What the API answered with status 200.
        :raises CloudPondError: for anything else.
        """
        for segment in path:
            if not _is_segment(segment):
                raise CloudPondError(asked, f"an ID {_SEGMENT_RULE}: got {segment!r}")
        url = "/".join((self._base_url, version, self._domain_id, *path))
        # A proxy that the environment names would see a plain request, and its credential, on a way that is
        # meant to stay within this machine.
        proxies = {"no_proxy": self._host} if self._is_plain else {}
        try:
            response = self._session.get(
                url, timeout=(self._timeout,) * 2, verify=self._verify, proxies=proxies, allow_redirects=False
            )
        except requests.RequestException as error:
            raise self._connection_error(asked, error) from error
        except OSError as error:
            # What requests raises for a CA bundle named in the environment that isn't there.
            raise CloudPondError(asked, self._clean(str(error))) from error
        return self._answer(asked, response)

    def _answer(self, asked: str, response: requests.Response) -> Answer:
        request_id = self._clean(response.headers.get("X-Request-Id", "")) or None
        data: t.Any = None
        flaw = ""
        if len(response.content) > ANSWER_MAX:
            flaw = f"the answer is larger than {ANSWER_MAX // 1024**2} MiB and was cut off"
        else:
            try:
                data = self._mask(json.loads(response.content))
            except (ValueError, RecursionError):
                flaw = "the answer is not JSON" if response.content else "the answer is empty"
            else:
                flaw = "" if isinstance(data, dict) else "the answer is not a JSON object"

        status = response.status_code
        answer = Answer(asked, data if isinstance(data, dict) else {}, status, request_id)
        if 300 <= status < 400:
            to = self._clean(response.headers.get("Location", ""))
            raise answer.error(f"the answer is a redirect to {to!r}, which is not followed")
        if status != HTTPStatus.OK:
            code, message = _decode_error(data)
            raise CloudPondError(
                asked,
                self._clean(message or response.reason or "") or None,
                http_status=status,
                code=self._clean(code or "") or None,
                request_id=request_id,
                retryable=status in RETRYABLE_STATUSES,
            )
        if flaw:
            raise answer.error(flaw)
        return answer

    def _connection_error(self, asked: str, error: requests.RequestException) -> CloudPondError:
        unverified = _unverified(error)
        if unverified:
            reason = getattr(unverified, "verify_message", "") or str(unverified)
            return CloudPondError(asked, self._clean(f"the certificate of {self._host} does not verify: {reason}"))
        causes = list(_causes(error))
        if any(isinstance(cause, (requests.Timeout, ReadTimeoutError)) for cause in causes):
            message = f"{self._host} did not answer within {self._timeout:g} seconds"
        elif isinstance(error, requests.exceptions.ChunkedEncodingError):
            message = f"the answer of {self._host} broke off"
        else:
            reasons = [getattr(cause, "strerror", None) for cause in reversed(causes)]
            message = f"no answer from {self._host}: {next(filter(None, reasons), causes[-1])}"
        # Anything else that requests raises tells of a request that could never be sent.
        outages = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
        return CloudPondError(asked, self._clean(message), retryable=isinstance(error, outages))

    def _mask(self, value: t.Any) -> t.Any:
        """Replace the secrets in whatever JSON can hold."""
        if isinstance(value, str):
            for mask in self._masks:
                value = value.replace(mask, "********")
            return value
        if isinstance(value, list):
            return [self._mask(item) for item in value]
        if isinstance(value, dict):
            return {self._mask(key): self._mask(item) for key, item in value.items()}
        return value

    def _clean(self, text: str) -> str:
        """Make a server's text fit for one line of a message: no secrets, line breaks or control characters."""
        text = "".join(char if char.isprintable() else " " for char in self._mask(text))
        text = " ".join(text.split())
        return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}..."


class _Retry(Retry):
    """Retries as urllib3 does them, with jitter, a bound on Retry-After, and no second try where none can help."""

    # Without this, urllib3 would also repeat a 413 that carries a Retry-After.
    RETRY_AFTER_STATUS_CODES = RETRYABLE_STATUSES

    def get_backoff_time(self) -> float:
        # urllib3 has jitter and a maximum of its own only since 2.0.
        return min(super().get_backoff_time(), BACKOFF_MAX) * random.uniform(0.5, 1.0)

    def get_retry_after(self, response: t.Any) -> float | None:
        try:
            seconds = super().get_retry_after(response)
        except InvalidHeader:
            return None
        return None if seconds is None else min(seconds, RETRY_AFTER_MAX)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: t.Any = None,
        error: Exception | None = None,
        _pool: t.Any = None,
        _stacktrace: t.Any = None,
    ) -> _Retry:
        if error and _unverified(error):
            raise MaxRetryError(_pool, url or "", error) from error
        return super().increment(method, url, response, error, _pool, _stacktrace)


class _Adapter(HTTPAdapter):
    """
    An adapter for which an answer has arrived when all of its body has.

    requests takes the body from urllib3 unread, after urllib3's retries have ended: here a body that breaks off
    uses up what is left of them.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: t.Any = None,
        verify: bool | str = True,
        cert: t.Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        response = super().send(request, True, timeout, verify, cert, proxies)
        raw: t.Any = response.raw
        try:
            body = _read_body(raw)
        except HTTPError as error:
            raw.close()
            try:
                retries = raw.retries.increment(request.method, request.url, error=error)
            except MaxRetryError as exhausted:
                raise requests.exceptions.ChunkedEncodingError(exhausted, request=request) from exhausted
            retries.sleep()
            return _Adapter(max_retries=retries).send(request, stream, timeout, verify, cert, proxies)
        response.raw = io.BytesIO(body)
        return response


def _read_body(raw: HTTPResponse) -> bytes:
    """Read no more than one byte over ANSWER_MAX. Raises ProtocolError for a body that is shorter than announced."""
    body = b""
    while len(body) <= ANSWER_MAX:
        chunk = raw.read(ANSWER_MAX + 1 - len(body), decode_content=True)
        if not chunk:
            # urllib3 compares the length by itself only since 2.0.
            if raw.length_remaining:
                raise ProtocolError(f"{raw.length_remaining} bytes are missing")
            return body
        body += chunk
    raw.close()
    return body[: ANSWER_MAX + 1]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that an exception of requests wraps, from the outermost to the innermost."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        wrapped = [getattr(cause, "reason", None), *reversed(cause.args), cause.__cause__, cause.__context__]
        cause = next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


def _unverified(error: BaseException) -> BaseException | None:
    return next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)


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


def _masks(secrets: Iterable[str]) -> set[str]:
    return {form for secret in secrets for form in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))}


def _refusal(option: str, must: str) -> CloudPondError:
    return CloudPondError("the CloudPond API", f"{option} {must}")


def _is_segment(value: str) -> bool:
    # The vendor's own samples are no valid UUIDs, so that no more than this can be demanded.
    return bool(re.fullmatch(r"[A-Za-z0-9_-]+", value))


def _check_range(option: str, value: float, *, above: float = -math.inf, least: float = -math.inf) -> float:
    if not (math.isfinite(value) and value > above and value >= least):
        bound = f"more than {above}" if math.isfinite(above) else f"at least {least}"
        raise _refusal(option, f"must be a number of {bound}: got {value}")
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
