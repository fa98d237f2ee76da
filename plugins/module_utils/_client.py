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
import time
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
    # REQUESTS_IMPORT_ERROR of _auth tells callers; these stand-ins only let the classes below be defined.
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

#: Requests under way at once. More than five could lock an access key, when all are refused.
CONCURRENT_MAX = 5

#: Bytes. A page of 2,000 orders is about 1 MB.
ANSWER_MAX = 10 * 1024 * 1024

#: What an ID must be. The vendor's own samples are no valid UUIDs, so that no more than this can be demanded.
SEGMENT_RULE = "must be made of letters, digits, '-' and '_', and must not be empty"

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
        self._timeout = _check_range("timeout", timeout, above=0)
        self._auth = auth
        self._mask = _Mask(auth.secrets)
        retries = _Retry(
            total=int(_check_range("max_retries", max_retries, least=0)),
            status_forcelist=RETRYABLE_STATUSES,
            backoff_factor=BACKOFF_FACTOR,
        )
        self._session = requests.Session()
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
        try:
            request = self._session.prepare_request(requests.Request("GET", url, params=list(query)))
            response = self._session.send(request, timeout=self._timeout, allow_redirects=False, **self._settings)
        except requests.RequestException as error:
            raise self._connection_error(asked, error) from error
        except (OSError, ValueError) as error:
            # requests raises the one for a CA bundle named in the environment that isn't there, the other for a
            # redirect to nowhere.
            raise CloudPondError(asked, _clean(self._mask(str(error)))) from error
        return self._answer(asked, response)

    def _answer(self, asked: str, response: requests.Response) -> Answer:
        mask = self._mask.with_secrets(self._auth.derived_secrets(response.request))
        request_id = _clean(mask(response.headers.get("X-Request-Id", ""))) or None
        data: t.Any = None
        flaw = ""
        if len(response.content) > ANSWER_MAX:
            flaw = f"the answer is larger than {ANSWER_MAX // 1024**2} MiB and was cut off"
        else:
            try:
                data = json.loads(response.content)
            except (ValueError, RecursionError):
                flaw = "the answer is not JSON" if response.content else "the answer is empty"
            else:
                data = mask(data) if mask.may_touch(response.content) else data
                flaw = "" if isinstance(data, dict) else "the answer is not a JSON object"

        status = response.status_code
        answer = Answer(asked, data if isinstance(data, dict) else {}, status, request_id)
        if 300 <= status < 400:
            to = _clean(mask(response.headers.get("Location", "")))
            raise answer.error(f"the answer is a redirect to {to!r}, which is not followed")
        if status != HTTPStatus.OK:
            code, message = _decode_error(data)
            raise CloudPondError(
                asked,
                _clean(message or mask(response.reason or "")) or None,
                http_status=status,
                code=_clean(code or "") or None,
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
            return CloudPondError(asked, _clean(f"the certificate of {self._host} does not verify: {reason}"))
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
        return CloudPondError(asked, _clean(self._mask(message)), retryable=isinstance(error, outages))


class _Retry(Retry):
    """Whether to try again, and after how long: as urllib3 does it, with jitter and a bound on Retry-After."""

    # Without this, urllib3 would also repeat a 413 that carries a Retry-After.
    RETRY_AFTER_STATUS_CODES = RETRYABLE_STATUSES

    def pause(self, answer: HTTPResponse | None) -> float:
        """
        :param answer: What the last try brought, None for a connection fault.
        :return: Seconds to wait before the next try.
        """
        # urllib3 has jitter of its own, and a maximum that can be set, only since 2.0.
        seconds = min(self.get_backoff_time(), BACKOFF_MAX) * random.uniform(0.5, 1.0)
        try:
            asked = self.get_retry_after(answer) if answer else None
        except InvalidHeader:
            asked = None
        return seconds if asked is None else min(asked, RETRY_AFTER_MAX)


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
                raw = response.raw
                response.raw = io.BytesIO(_read_body(raw))
            except HTTPError as error:
                raw.close()
                fault = requests.exceptions.ChunkedEncodingError(error, request=request)
            except (requests.ConnectionError, requests.Timeout) as error:
                fault = error
            if fault:
                if _unverified(fault):
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
        """Wait, as all threads do, until the server takes requests again. Longer ones than others: not all at once."""
        seconds = self._held_until - time.monotonic()
        if seconds > 0:
            time.sleep(seconds * random.uniform(1.0, 1.25))


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


class _Mask:
    """Replaces secrets in whatever JSON can hold, also where they are percent-encoded."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms: list[str] = sorted(
            {
                form
                for secret in secrets
                for form in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
            },
            key=len,
            reverse=True,
        )

    def with_secrets(self, more: tuple[str, ...]) -> _Mask:
        """Return a mask for these too."""
        if not more:
            return self
        mask = _Mask(())
        mask._forms = [*self._forms, *more]
        return mask

    def may_touch(self, text: bytes) -> bool:
        """Return whether JSON text may hold a secret: what is escaped there could spell anything."""
        return b"\\" in text or any(form.encode() in text for form in self._forms)

    def __call__(self, value: t.Any) -> t.Any:
        if isinstance(value, str):
            for form in self._forms:
                value = value.replace(form, "********")
            return value
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        return value


def _clean(text: str) -> str:
    """Make a server's text fit for a message: one line, no control characters, not too long."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}..."


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


def _refusal(option: str, must: str) -> CloudPondError:
    return CloudPondError("the CloudPond API", f"{option} {must}")


def is_segment(value: str) -> bool:
    """Return whether a value can be one harmless segment of a path, as SEGMENT_RULE says."""
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
