# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of a body on its way: its size, its stated length, its chunks, its encoding."""

from __future__ import annotations

import base64
import functools
import gzip
import json

from ._answers import error_answer, json_answer
from ._faults_endless import chunk, chunked_answer
from ._kinds import error_code
from ._replies import Answer, Stream, Then, head
from ._situation import FaultKind, Situation

_MIB = 1024 * 1024
# Bytes of an error's body, below the size at which the collection's client cuts an answer off.
_LARGE = 8 * _MIB
# Bytes of a header line; Python's http.client takes 64 KiB.
_LONG = 60 * 1024
# MiB in a gzip bomb: more than 1 GiB.
_BOMB = 1100

_JSON = ("Content-Type", "application/json")
# Each of these characters becomes an escape in JSON.
_ESCAPED = 'é\n\t"\\\u2028\x1b\x7f\U0001f600'


def _escaped_error(code: int) -> Answer:
    escaped = json.dumps(_ESCAPED)[1:-1]
    return error_answer(code, _ESCAPED * (_LARGE // len(escaped) + 1))


def _long_headers(code: int) -> Stream:
    lines = (f"HTTP/1.1 {code} {'x' * _LONG}", f"X-Request-Id: {'0' * _LONG}", "Content-Length: 0", "", "")
    return Stream(["\r\n".join(lines).encode()], then=Then.SERVE, status=code)


def _body(situation: Situation) -> bytes:
    return json.dumps(situation.content).encode()


def _with_length(situation: Situation, factor: float) -> bytes:
    body = _body(situation)
    return head(200, _JSON, ("Content-Length", str(int(len(body) * factor)))) + body


def _cut_without_length(situation: Situation) -> Stream:
    body = _body(situation)
    return Stream([head(200, _JSON, ("Connection", "close")) + body[: len(body) // 2]], then=Then.CLOSE)


def _with_chunk_size(situation: Situation, size: bytes) -> Stream:
    right = chunk(_body(situation))
    wrong = size + right[right.index(b"\r\n") :] + b"0\r\n\r\n"
    return Stream([head(200, _JSON, ("Transfer-Encoding", "chunked")) + wrong], then=Then.SERVE)


def _coded(coding: str, body: bytes) -> Answer:
    return Answer(200, body, headers=(("Content-Encoding", coding),))


@functools.cache
def _padding() -> bytes:
    # A gzip file may have many members. Only the first MiB has to be compressed, and its member is repeated.
    return gzip.compress(b"x" * _MIB, mtime=0) * _BOMB


def _bomb(situation: Situation) -> bytes:
    start = _body(situation)[:-1] + b', "padding": "'
    return gzip.compress(start, mtime=0) + _padding() + gzip.compress(b'"}', mtime=0)


BODY = (
    FaultKind(
        "large-error[:CODE]",
        "status CODE, default 500, with an error_msg of 8 MiB",
        lambda s, n: error_answer(int(n), "x" * _LARGE),
        error_code,
        500,
    ),
    FaultKind(
        "escaped-error[:CODE]",
        "status CODE, default 500, with an error_msg of 8 MiB of JSON escapes",
        lambda s, n: _escaped_error(int(n)),
        error_code,
        500,
    ),
    FaultKind(
        "long-headers[:CODE]",
        "status CODE, default 500, no body, a reason phrase of 60 KiB, and an X-Request-Id of 60 KiB",
        lambda s, n: _long_headers(int(n)),
        error_code,
        500,
    ),
    FaultKind(
        "large-field",
        "200 with a name of 1 MiB; in a listing, in the page's first order",
        lambda s, n: json_answer(s.with_first(name="x" * _MIB)),
    ),
    FaultKind(
        "long-length",
        "200 with the right body and a Content-Length of twice its size, and the connection stays open",
        lambda s, n: Stream([_with_length(s, 2)]),
    ),
    FaultKind(
        "short-length",
        "200 with the right body and a Content-Length of half its size, and the connection stays usable",
        lambda s, n: Stream([_with_length(s, 0.5)], then=Then.SERVE, status=200),
    ),
    FaultKind(
        "cut-without-length",
        "200 with half of the body, no Content-Length, then an orderly end of the connection",
        lambda s, n: _cut_without_length(s),
    ),
    FaultKind(
        "cut-chunks",
        "200 with the right body in one chunk, then the end of the connection without the last chunk",
        lambda s, n: Stream([chunked_answer(s)], then=Then.CLOSE),
    ),
    FaultKind(
        "negative-chunk",
        "200 with the right body in a chunk of size -1, and the connection stays usable",
        lambda s, n: _with_chunk_size(s, b"-1"),
    ),
    FaultKind(
        "garbage-chunk",
        "200 with the right body in a chunk whose size is not a number, and the connection stays usable",
        lambda s, n: _with_chunk_size(s, b"size"),
    ),
    FaultKind(
        "unknown-encoding",
        "200 with the right body in base64, which is not a standard Content-Encoding",
        lambda s, n: _coded("base64", base64.b64encode(_body(s))),
    ),
    FaultKind(
        "not-gzip",
        "200 with the right body uncompressed, with Content-Encoding: gzip",
        lambda s, n: _coded("gzip", _body(s)),
    ),
    FaultKind(
        "gzip-bomb",
        "200 with the right answer in a valid JSON body of over 1 GiB, compressed by gzip to about 1 MiB",
        lambda s, n: _coded("gzip", _bomb(s)),
    ),
    FaultKind(
        "gzip-gzip-bomb",
        "the same, compressed by gzip twice, to a few KiB",
        lambda s, n: _coded("gzip, gzip", gzip.compress(_bomb(s), mtime=0)),
    ),
)
