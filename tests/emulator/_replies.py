# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replies to a client: what the API and those in front of it answer, their form on the wire, and their sending."""

from __future__ import annotations

import email.utils
import enum
import json
import select
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Callable, Union

# The codes come from the vendor's lists for its gateway (devg-apisign, "Error Codes") and for IES. IES's own codes for
# 403 and 404 are assumed.
_ERRORS = {
    400: ("IES.00001005", "param is invalid."),
    401: ("APIGW.0301", "Incorrect IAM authentication information: token expires"),
    403: ("APIGW.0302", "The IAM user is not allowed to access the API."),
    404: ("IES.00001008", "The delivery order does not exist."),
    413: ("APIGW.0201", "Request entity too large."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    504: ("APIGW.0201", "Backend timeout."),
}

# The other side's orderly end, even if there are bytes to read. Only Linux has it. Elsewhere, POLLHUP must do, which
# poll() always reports.
_ENDED = getattr(select, "POLLRDHUP", 0)


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hangup:
    """No answer: the connection is reset. New connections are refused for ``refuse_for`` seconds from then on."""

    refuse_for: float = 0.0


class Then(enum.Enum):
    """The end of a connection after the last piece of a Stream."""

    CLOSE = "it ends in order"
    HOLD = "it stays open and silent until the client leaves"
    SERVE = "the next request is served"


@dataclass(frozen=True)
class Stream:
    """Raw bytes, including headers: a piece every ``pause`` seconds, followed by ``then``.

    ``status`` is the HTTP status if the pieces are a complete answer for the client, else None.
    """

    pieces: Iterable[bytes]
    pause: float = 0.0
    then: Then = Then.HOLD
    status: int | None = None


Reply = Union[Answer, Hangup, Stream]


def json_answer(content: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with ``content`` as its JSON body."""
    return Answer(status, json.dumps(content).encode(), headers=headers)


def error_answer(
    status: int,
    message: str | None = None,
    code: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """The API's error for an HTTP status, ``{"error_code": ..., "error_msg": ...}``; code and message can be replaced.

    A status that the vendor's lists don't explain gets APIGW.0201, which the gateway uses for requests it can't take
    (4xx) and for a failing backend (5xx).
    """
    usual = ("APIGW.0201", "API request error." if status < 500 else "Backend unavailable.")
    usual_code, usual_message = _ERRORS.get(status, usual)
    content = {"error_code": code or usual_code, "error_msg": message or usual_message}
    return json_answer(content, status, headers)


def throttled_answer(retry_after: int) -> Answer:
    """The gateway's 429 for too many requests; ``retry_after`` is in seconds."""
    return error_answer(429, headers=(("Retry-After", str(retry_after)),))


def html_answer(status: int, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The HTML page of a proxy or load balancer in between that reports ``status``."""
    title = f"{status} {_phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
    return Answer(status, page.encode(), "text/html", headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def head(status: int, *headers: tuple[str, str], end: bool = True) -> bytes:
    """The status line, the headers of every answer, and these headers. Without ``end``, more headers can follow."""
    # 32 hexadecimal digits, like the real ones.
    every = (("Date", email.utils.formatdate(usegmt=True)), ("X-Request-Id", uuid.uuid4().hex))
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in (*every, *headers))]
    return "\r\n".join([*lines, "", ""] if end else [*lines, ""]).encode("latin-1")


def rendered(answer: Answer, keep_alive: bool = True) -> bytes:
    """The answer's bytes, in one piece. Two pieces would be two packets, and the gap would affect clients' timings."""
    headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))), *answer.headers]
    if not keep_alive:
        headers.append(("Connection", "close"))
    return head(answer.status, *headers) + answer.body


def hold(connection: socket.socket, seconds: float | None = None) -> None:
    """Wait that long, or forever. Raises ConnectionAbortedError as soon as the connection ends, on either side.

    It reads nothing, so it does not disturb TLS, or a request that arrived early.
    """
    poll = select.poll()
    poll.register(connection, _ENDED)
    if poll.poll(None if seconds is None else seconds * 1000):
        raise ConnectionAbortedError


def send(
    connection: socket.socket,
    reply: Answer | Stream,
    settle: Callable[[int | None], None] = lambda status: None,
    keep_alive: bool = False,
) -> bool:
    """Send a reply. Returns whether the connection can serve another request. Raises OSError if the client leaves.

    ``settle`` gets the status, None for an incomplete answer, before the last byte is sent: a client that has the
    answer must find the status in the journal.
    """
    if isinstance(reply, Answer):
        reply = Stream([rendered(reply, keep_alive)], then=Then.SERVE, status=reply.status)
    pieces = iter(reply.pieces)
    last = next(pieces, b"")
    for piece in pieces:
        connection.sendall(last)
        if reply.pause:
            hold(connection, reply.pause)
        last = piece
    if reply.then is not Then.HOLD:
        settle(reply.status)
    connection.sendall(last)
    if reply.then is Then.HOLD:
        hold(connection)
    return keep_alive and reply.then is Then.SERVE
