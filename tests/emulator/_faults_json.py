# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the JSON text, which no JSON library would write, and which some read in different ways."""

from __future__ import annotations

import json

from ._replies import Answer
from ._situation import FaultKind, Situation

_DEPTH = 10_000
# Python refuses to read more than 4300 unless it is told otherwise.
_DIGITS = 5000


def _answer(text: str) -> Answer:
    return Answer(200, text.encode())


def _duplicate_status(situation: Situation) -> Answer:
    text = json.dumps(situation.with_first(status="raw"))
    return _answer(text.replace('"status": "raw"', '"status": "PROCESSING", "status": "SUCCESS"', 1))


def _duplicate_order(situation: Situation) -> Answer:
    key = situation.key
    first, last = (
        json.dumps(situation.with_orders([{**order, "status": status} for order in situation.orders])[key])
        for status in ("PROCESSING", "SUCCESS")
    )
    text = json.dumps({**situation.content, key: "raw"})
    return _answer(text.replace(f'"{key}": "raw"', f'"{key}": {first}, "{key}": {last}', 1))


def _with_progress(situation: Situation, value: str) -> Answer:
    """The right answer with a key that the API could add one day, and that JSON text as its value."""
    text = json.dumps(situation.with_first(progress="raw"))
    return _answer(text.replace('"progress": "raw"', f'"progress": {value}', 1))


def _with_name(situation: Situation, name: bytes) -> Answer:
    text = json.dumps(situation.with_first(name="raw")).encode()
    return Answer(200, text.replace(b'"name": "raw"', b'"name": "%b"' % name, 1))


JSON = (
    FaultKind(
        "duplicate-keys",
        '200 with "status": "PROCESSING", "status": "SUCCESS" in the order, or the first of the page',
        lambda s, n: _duplicate_status(s),
    ),
    FaultKind(
        "duplicate-order",
        "200 with delivery_order or delivery_orders twice, in PROCESSING and then in SUCCESS",
        lambda s, n: _duplicate_order(s),
    ),
    FaultKind("nan", "200, one more key in the order: NaN", lambda s, n: _with_progress(s, "NaN")),
    FaultKind("infinity", "200, one more key in the order: -Infinity", lambda s, n: _with_progress(s, "-Infinity")),
    FaultKind(
        "huge-float",
        "200, one more key in the order: 1e999, which is valid JSON, and infinite for many parsers",
        lambda s, n: _with_progress(s, "1e999"),
    ),
    FaultKind(
        "huge-integer",
        "200, one more key in the order: an integer of 5,000 digits",
        lambda s, n: _with_progress(s, "7" * _DIGITS),
    ),
    FaultKind(
        "deep",
        "200, one more key in the order: lists in lists, 10,000 deep",
        lambda s, n: _with_progress(s, "[" * _DEPTH + "]" * _DEPTH),
    ),
    FaultKind(
        "lone-surrogate",
        r"200 with the escape \ud83d without its other half in the name",
        lambda s, n: _with_name(s, rb"rack \ud83d"),
    ),
    FaultKind(
        "not-utf-8",
        "200 with a byte in the name that is not UTF-8",
        lambda s, n: _with_name(s, b"rack \xe9"),
    ),
)
