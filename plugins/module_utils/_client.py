# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
The client of the CloudPond API (the vendor calls it IES), shared by all modules and plugins of the collection.

It knows neither Ansible nor the source of its options. It raises CloudPondError for a failed query.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
import typing as t
from http import HTTPStatus

from ._credentials import find_credential
from ._errors import CloudPondError
from ._http import RETRYABLE_STATUSES, Http, NoAnswer
from ._json import BLANK, parse
from ._refusals import Turn
from ._sanitize import Sanitizer, one_line
from ._settings import SEGMENT_RULE, Sources, find_settings, is_valid_id
from ._version import VERSION

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._http import Reply
    from ._refusals import Refusals

#: Seconds. The back-off doubles from the first value up to the second. The third limits a server's Retry-After.
BACKOFF_FACTOR = 0.5
BACKOFF_MAX = 30.0
RETRY_AFTER_MAX = 60.0


class ApiAnswer(t.NamedTuple):
    """The JSON object of an answer with status 200, and the facts for an error about it."""

    subject: str
    data: dict[str, t.Any]
    request_id: str | None
    #: Bytes of the body.
    size: int

    def error(self, reason: str) -> CloudPondError:
        """
        :param reason: The difference between the answer and the specification.
        :return: An error to raise. It is not retryable.
        """
        return CloudPondError(self.subject, one_line(reason), http_status=HTTPStatus.OK, request_id=self.request_id)


class Client:
    """
    Queries the CloudPond API within one domain.

    Connection faults, answers that were cut short and the RETRYABLE_STATUSES are retried with exponential back-off and
    jitter, and ``Retry-After`` is honored.
    """

    def __init__(
        self,
        options: Mapping[str, t.Any],
        environ: Mapping[str, str],
        caller: str = "",
        refusals: Refusals | None = None,
        retry_until: float | None = None,
    ) -> None:
        """
        :param options: As for Sources, as is ``environ``.
        :param caller: The calling program for the User-Agent, such as ``ansible-core/2.16.0``.
        :param refusals: Shared with other processes, so that together they do not lock an access key.
        :param retry_until: On the clock of time.monotonic, in seconds: no retry begins later. None sets no limit.
        :raises CloudPondError: if one of these can't be used, or if there is no credential.
        """
        sources = Sources(options, environ)
        settings = find_settings(sources)
        auth = find_credential(sources)
        proxy = settings.proxy
        headers = {
            "User-Agent": f"huaweicloud.cloudpond/{VERSION} {caller}".strip(),
            "Accept": "application/json",
            # Related calls answer in English with this header. For this one it is a harmless assumption.
            "X-Language": "en-us",
            # The vendor's SDK sends it to global services.
            "X-Domain-Id": settings.domain_id,
        }
        self._base_url = settings.endpoint.base_url
        self._server = settings.endpoint.name
        self._domain_id = settings.domain_id
        self._timeout = settings.timeout
        self._max_retries = settings.max_retries
        self._retry_until = retry_until
        self._closed = False
        self._refusals = refusals
        self._credential = f"{settings.endpoint.base_url} {auth.identity}"
        # A proxy can lock its user, independently of the API's credential.
        self._proxy_user = proxy.user if proxy else ""
        self._sanitizer = Sanitizer(auth.secrets)
        # A proxy's secrets are masked in its own messages only: the API never sees them, and a short one could be part
        # of any ID.
        self._proxy_sanitizer = Sanitizer((*auth.secrets, *(proxy.secrets if proxy else ())))
        self._http = Http(
            settings.endpoint.name,
            auth,
            headers,
            timeout=settings.timeout,
            verify=settings.verify,
            proxy=(proxy.url, proxy.name) if proxy else None,
        )

    def close(self) -> None:
        """Close the connections. A query that another thread is at sends nothing more."""
        self._closed = True
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def check_id(self, value: object, *, subject: str) -> None:
        """
        :param subject: As for get.
        :raises CloudPondError: if a value can't be an ID. The error repeats it, unless it is a secret.
        """
        if not is_valid_id(value):
            raise CloudPondError(subject, self._sanitizer.line(f"an ID {SEGMENT_RULE}: got {value!r}"))

    def get(self, version: str, *path: str, subject: str, query: Iterable[tuple[str, str | int]] = ()) -> ApiAnswer:
        """
        Get a JSON object, within the tries that the settings allow.

        :param version: The API's version, such as ``v2``.
        :param path: The segments of the path after the domain, such as ``"delivery-orders", "ORDER_ID"``.
        :param subject: The object of the query. In errors, it follows "Cannot query ".
        :param query: Keys and values; a key may be repeated.
        :return: The API's answer with status 200.
        :raises CloudPondError: for any other answer, and if there is none.
        """
        # A secret may have been given in place of an ID.
        subject = self._sanitizer.line(subject)
        for segment in path:
            self.check_id(segment, subject=subject)
        url = "/".join((self._base_url, version, self._domain_id, *path))
        query = list(query)
        # Others may be asking with the same credential. Each try waits for its turn as long as for its answer.
        turn_until = time.monotonic() + self._timeout
        for tries_left in range(self._max_retries, -1, -1):
            if self._closed:
                raise CloudPondError(subject, None)
            try:
                return self._try(subject, url, query, turn_until)
            except CloudPondError as error:
                pause = self._pause(self._max_retries - tries_left, error.retry_after)
                next_try = time.monotonic() + pause
                if not error.retryable or not tries_left or next_try > self._last_moment:
                    raise
            time.sleep(pause)
            turn_until = min(next_try + self._timeout, self._last_moment)
        raise AssertionError("the last try returns or raises")

    @property
    def _last_moment(self) -> float:
        return float("inf") if self._retry_until is None else self._retry_until

    def _try(self, subject: str, url: str, query: list[tuple[str, str | int]], turn_until: float) -> ApiAnswer:
        """Send the request once, in turn with others, and tell them whether a credential was refused."""
        with self._turn(self._proxy_user, subject, turn_until) as proxy_turn:
            with self._turn(self._credential, subject, turn_until) as api_turn:
                try:
                    reply = self._http.get(url, query)
                except NoAnswer as fault:
                    message = self._proxy_sanitizer.line(str(fault))
                    error = CloudPondError(subject, message, retryable=fault.retryable)
                    if fault.proxy_status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                        proxy_turn.refusal = error
                    raise error from None
                proxy_turn.answered = True
                api_turn.answered = reply.status not in RETRYABLE_STATUSES
                try:
                    return self._judge(subject, reply)
                except CloudPondError as error:
                    if reply.status == HTTPStatus.UNAUTHORIZED:
                        api_turn.refusal = error
                    elif error.is_no_such_api:
                        api_turn.answered = False
                    raise

    def _turn(self, identity: str, subject: str, until: float) -> t.ContextManager[Turn]:
        if self._refusals and identity:
            return self._refusals.turn(identity, subject, until)
        return contextlib.nullcontext(Turn())

    def _judge(self, subject: str, reply: Reply) -> ApiAnswer:
        """Turn a reply into an answer, or raise it as an error. This is the only place that does."""
        mask = self._sanitizer.line
        request_id = mask(reply.headers.get("X-Request-Id", "")) or None
        data: t.Any = None
        flaw = reply.flaw
        if not flaw:
            try:
                data = parse(self._sanitizer.mask(reply.body))
            except ValueError as error:
                flaw = mask(str(error))
            else:
                flaw = None if isinstance(data, dict) else "the answer is not a JSON object"
        if reply.status == HTTPStatus.OK:
            if flaw and not reply.flaw and _breaks_off(reply.body):
                raise CloudPondError(subject, f"the answer from {self._server} was cut short", retryable=True)
            answer = ApiAnswer(subject, data, request_id, len(reply.body))
            if flaw:
                raise answer.error(flaw)
            return answer
        code, message = _decode_error(data)
        if 300 <= reply.status < 400:
            to = mask(reply.headers.get("Location", ""))
            message = f"the answer is a redirect to {to!r}, which is not followed"
        raise CloudPondError(
            subject,
            mask(message or reply.reason) or None,
            http_status=reply.status,
            code=mask(code or "") or None,
            request_id=request_id,
            retryable=reply.status in RETRYABLE_STATUSES,
            retry_after=reply.retry_after,
        )

    def _pause(self, tries: int, retry_after: float) -> float:
        """
        :param tries: Number of tries before the last one.
        :param retry_after: Seconds that the server asked for.
        :return: Seconds to wait before the next try.
        """
        back_off = min(BACKOFF_FACTOR * 2.0 ** min(tries, 10), BACKOFF_MAX) * random.uniform(0.5, 1.0)
        return min(max(back_off, retry_after), RETRY_AFTER_MAX)


def _breaks_off(body: bytes) -> bool:
    """Return whether this is the beginning of a JSON object. A connection that breaks can look like its end."""
    if not body.lstrip(BLANK).startswith(b"{"):
        return False
    try:
        # An object with something after it is whole.
        json.JSONDecoder().raw_decode(body.decode("utf-8-sig", "replace").lstrip(" \t\r\n"))
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):
        pass
    return False


def _decode_error(data: t.Any) -> tuple[str | None, str | None]:
    """
    Find the API's code and message in the body of an error, under the keys that the vendor's SDK knows.

    :param data: The decoded body. Both parts of a pair are at the top, or in one object below.
    :return: Code and message, ``None`` for a missing one.
    """
    if isinstance(data, dict):
        for place in (data, *data.values()):
            for code, message in (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")):
                if isinstance(place, dict) and code in place and message in place:
                    return _text(place[code]), _text(place[message])
    return None, None


def _text(value: t.Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
