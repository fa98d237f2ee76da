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
import time
import typing as t
from http import HTTPStatus

from ._credentials import find_credential
from ._errors import CloudPondError
from ._json import parse
from ._refusals import PATIENCE_MIN, Turn
from ._sanitize import Sanitizer, one_line
from ._settings import SEGMENT_RULE, Sources, find_settings, is_valid_id
from ._transport import RETRYABLE_STATUSES, Transport, TransportError
from ._version import VERSION

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ._refusals import Refusals
    from ._transport import Reply


class Answer(t.NamedTuple):
    """The JSON object of an answer, and the facts for an error about it."""

    asked: str
    data: dict[str, t.Any]
    http_status: int
    request_id: str | None
    #: Bytes of the body.
    size: int

    def error(self, reason: str) -> CloudPondError:
        """
        :param reason: The difference between the answer and the specification.
        :return: An error to raise. It is not retryable.
        """
        return CloudPondError(self.asked, one_line(reason), http_status=self.http_status, request_id=self.request_id)


class Client:
    """Queries the CloudPond API within one domain."""

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
        :param retry_until: A time of ``time.monotonic()`` after which no retry begins. None sets no such limit.
        :raises CloudPondError: if one of these can't be used, or if there is no credential.
        """
        sources = Sources(options, environ)
        settings = find_settings(sources)
        auth = find_credential(sources)
        headers = {
            "User-Agent": f"huaweicloud.cloudpond/{VERSION} {caller}".strip(),
            "Accept": "application/json",
            # Related calls answer in English with this header. For this one it is a harmless assumption.
            "X-Language": "en-us",
            # The vendor's SDK sends it to global services.
            "X-Domain-Id": settings.domain_id,
        }
        self._base_url = settings.endpoint.base_url
        self._domain_id = settings.domain_id
        self._secrets = auth.secrets
        self._identity = f"{settings.endpoint.base_url} {auth.identity}"
        self._refusals = refusals
        # A proxy can lock its user, independently of the API's credential.
        self._way = settings.proxy.user if settings.proxy else ""
        # Masked in messages only: the API never sees these, and a short one could be part of any ID.
        self._proxy_secrets = settings.proxy.secrets if settings.proxy else ()
        self._retry_until = retry_until
        self._transport = Transport(auth, settings, headers, retry_until)

    def close(self) -> None:
        """End the running queries of other threads, and close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def check_id(self, value: object, *, asked: str) -> None:
        """
        :param asked: As for get.
        :raises CloudPondError: if a value can't be an ID. The error repeats it, unless it is a secret.
        """
        if not is_valid_id(value):
            raise CloudPondError(asked, Sanitizer(self._secrets).line(f"an ID {SEGMENT_RULE}: got {value!r}"))

    def get(self, version: str, *path: str, asked: str, query: Iterable[tuple[str, str | int]] = ()) -> Answer:
        """
        Get a JSON object.

        :param version: The API's version, such as ``v2``.
        :param path: The segments of the path after the domain, such as ``"delivery-orders", "ORDER_ID"``.
        :param asked: The object of the query. In errors, it follows "Cannot query ".
        :param query: Keys and values; a key may be repeated.
        :return: The API's answer with status 200.
        :raises CloudPondError: for any other answer, and if there is none.
        """
        # A secret may have been given in place of an ID.
        asked = Sanitizer(self._secrets).line(asked)
        for segment in path:
            self.check_id(segment, asked=asked)
        url = "/".join((self._base_url, version, self._domain_id, *path))
        until = time.monotonic() + max(self._transport.longest, PATIENCE_MIN)
        if self._retry_until is not None:
            until = min(until, max(self._retry_until, time.monotonic() + self._transport.timeout))

        def send(request: Callable[[], Reply]) -> Reply:
            with self._turn(self._way, asked, until) as way, self._turn(self._identity, asked, until) as turn:
                try:
                    reply = request()
                except TransportError as error:
                    if error.refused:
                        way.refusal = self._fault(asked, error)
                    raise
                way.answered = True
                if reply.status == HTTPStatus.UNAUTHORIZED:
                    try:
                        self._judge(asked, reply)
                    except CloudPondError as error:
                        turn.refusal = error
                        raise
                turn.answered = reply.status not in RETRYABLE_STATUSES
                return reply

        try:
            reply = self._transport.get(url, query, send)
        except TransportError as error:
            raise self._fault(asked, error) from None
        return self._judge(asked, reply)

    def _turn(self, identity: str, asked: str, until: float) -> t.ContextManager[Turn]:
        if self._refusals and identity:
            return self._refusals.turn(identity, asked, until, self._transport.sleep)
        return contextlib.nullcontext(Turn())

    def _fault(self, asked: str, error: TransportError) -> CloudPondError:
        sanitizer = Sanitizer((*self._secrets, *self._proxy_secrets, *error.derived_secrets))
        return CloudPondError(asked, sanitizer.line(str(error)), retryable=error.retryable)

    def _judge(self, asked: str, reply: Reply) -> Answer:
        """Turn a reply into an answer, or raise it as an error."""
        sanitizer = Sanitizer((*self._secrets, *reply.derived_secrets))
        data: t.Any = None
        flaw = reply.flaw
        if not flaw:
            try:
                data = parse(sanitizer.mask(reply.body))
            except ValueError as error:
                flaw = sanitizer.line(str(error))
            else:
                flaw = None if isinstance(data, dict) else "the answer is not a JSON object"
        request_id = sanitizer.line(reply.headers.get("X-Request-Id", "")) or None
        answer = Answer(asked, data if isinstance(data, dict) else {}, reply.status, request_id, len(reply.body))
        if 300 <= reply.status < 400:
            to = sanitizer.line(reply.headers.get("Location", ""))
            raise answer.error(f"the answer is a redirect to {to!r}, which is not followed")
        if reply.status != HTTPStatus.OK:
            code, message = _decode_error(data)
            raise CloudPondError(
                asked,
                sanitizer.line(message or reply.reason) or None,
                http_status=reply.status,
                code=sanitizer.line(code or "") or None,
                request_id=request_id,
                retryable=reply.status in RETRYABLE_STATUSES,
            )
        if flaw:
            raise answer.error(flaw)
        return answer


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
