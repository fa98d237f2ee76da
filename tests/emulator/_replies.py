# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replies to a client, and their form on the wire."""

from __future__ import annotations

import email.utils
import enum
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Union


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer. ``after`` is in seconds, counted from the request's arrival."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    after: float = 0.0


@dataclass(frozen=True)
class Hangup:
    """No answer: the connection is reset. New ones are refused for ``refuse_for`` seconds from then on."""

    refuse_for: float = 0.0


class Then(enum.Enum):
    """The end of a connection after the last piece of a Stream."""

    CLOSE = "it ends in order"
    HOLD = "it stays open and silent until the client leaves"
    SERVE = "the next request is served"


@dataclass(frozen=True)
class Stream:
    """Bytes for the wire as they are, headers and all: a piece every ``pause`` seconds, then what ``then`` says.

    ``status`` is the HTTP status, when the pieces are a whole answer in the client's eyes; None when they never are.
    """

    pieces: Iterable[bytes]
    pause: float = 0.0
    then: Then = Then.HOLD
    status: int | None = None


Reply = Union[Answer, Hangup, Stream]


def phrase(status: int) -> str:
    """The reason phrase of an HTTP status, also of one that is in no standard."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def head(status: int, *headers: tuple[str, str], end: bool = True) -> bytes:
    """The status line, the headers that every answer has, and these; without ``end``, more headers can follow."""
    every = (
        ("Date", email.utils.formatdate(usegmt=True)),
        # Of the same shape as the real ones, 32 hexadecimal digits.
        ("X-Request-Id", uuid.uuid4().hex),
    )
    lines = [f"HTTP/1.1 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in (*every, *headers))]
    return "\r\n".join([*lines, "", ""] if end else [*lines, ""]).encode("latin-1")


def rendered(answer: Answer, keep_alive: bool, with_body: bool = True) -> bytes:
    """The answer's bytes, in one piece: two would be two packets, and clients' timings would depend on the gap."""
    start = head(
        answer.status,
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if keep_alive else "close"),
        *answer.headers,
    )
    return start + (answer.body if with_body else b"")
