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
    """A complete HTTP answer. ``after`` is in seconds, counted from the request's arrival."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    after: float = 0.0


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


def phrase(status: int) -> str:
    """The reason phrase of an HTTP status, also of a non-standard one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def head(status: int, *headers: tuple[str, str], end: bool = True) -> bytes:
    """The status line, the headers of every answer, and these headers. Without ``end``, more headers can follow."""
    every = (
        ("Date", email.utils.formatdate(usegmt=True)),
        # 32 hexadecimal digits, like the real ones.
        ("X-Request-Id", uuid.uuid4().hex),
    )
    lines = [f"HTTP/1.1 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in (*every, *headers))]
    return "\r\n".join([*lines, "", ""] if end else [*lines, ""]).encode("latin-1")


def rendered(answer: Answer, keep_alive: bool, with_body: bool = True) -> bytes:
    """The answer's bytes, in one piece. Two pieces would be two packets, and the gap would affect clients' timings."""
    start = head(
        answer.status,
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if keep_alive else "close"),
        *answer.headers,
    )
    return start + (answer.body if with_body else b"")
