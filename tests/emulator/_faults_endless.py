# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that never end by themselves, or take very long: each byte or line comes after a pause."""

from __future__ import annotations

import itertools
import json
from typing import Callable

from ._answers import json_answer
from ._kinds import pause
from ._replies import Stream, Then, head, rendered
from ._situation import FaultKind, Situation

# Seconds between one piece and the next.
_PAUSE = 0.2

# Bytes that are sent at once if there is no pause between the pieces. Single pieces would keep the machine busy.
_LUMP = 65536

_JSON = ("Content-Type", "application/json")
_CHUNKED = ("Transfer-Encoding", "chunked")
_LINE = b"X-Trickle: 1\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a body that is sent by chunks."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked_answer(situation: Situation) -> bytes:
    """A right answer up to its first chunk, which has the whole body. The last chunk, and so the end, is missing."""
    return head(200, _JSON, _CHUNKED) + chunk(json.dumps(situation.content).encode())


def _endless(start: bytes, piece: bytes, seconds: float) -> Stream:
    again = itertools.repeat(piece if seconds else piece * (_LUMP // len(piece)))
    return Stream(itertools.chain([start] if start else [], again), seconds)


def _trickled_body(situation: Situation, seconds: float) -> Stream:
    answer = json_answer(situation.content)
    whole = rendered(answer, keep_alive=True)
    start = len(whole) - len(answer.body)
    pieces = (whole[at : at + 1] for at in range(start, len(whole)))
    return Stream(itertools.chain([whole[:start]], pieces), seconds, Then.SERVE, answer.status)


def _row(form: str, effect: str, act: Callable[[Situation, float], Stream]) -> FaultKind:
    return FaultKind(f"{form}[:SECONDS]", f"{effect} every SECONDS", act, pause, _PAUSE)


ENDLESS = (
    _row("trickle-body", "200 with the right body, a byte", _trickled_body),
    _row(
        "endless-headers",
        "200, then endless header lines, one",
        lambda s, n: _endless(head(200, _JSON, end=False), _LINE, n),
    ),
    _row(
        "endless-header-line",
        "200, then one endless header line, a byte",
        lambda s, n: _endless(head(200, _JSON, end=False) + b"X-Trickle: ", b"1", n),
    ),
    _row(
        "endless-interim",
        "endless 100 Continue answers, one",
        lambda s, n: _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", n),
    ),
    _row(
        "endless-chunks",
        "200 with the right body in one chunk, then endless chunks of one space, one",
        lambda s, n: _endless(chunked_answer(s), chunk(b" "), n),
    ),
    _row(
        "endless-chunk-line",
        "200, then a chunk size with an endless extension, a byte",
        lambda s, n: _endless(head(200, _JSON, _CHUNKED) + b"1;x=", b"1", n),
    ),
    _row(
        "endless-trailers",
        "200 with the right body, complete and in chunks, then endless trailers, one",
        lambda s, n: _endless(chunked_answer(s) + b"0\r\n", _LINE, n),
    ),
    FaultKind("hang", "nothing, and the connection stays open until the client leaves", lambda s, n: Stream([])),
)
