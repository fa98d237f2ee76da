# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which the emulator misbehaves on request."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any, Callable

from ._answers import Answer, Hangup, Reply, error_answer, html_answer, json_answer

# A day: longer than any client waits, and far from what the system's timers can't hold.
_LONGEST = 86400

# The collection's client cuts an answer off here, in bytes.
_HUGE = 10 * 1024 * 1024


@dataclass(frozen=True)
class Situation:
    """What a fault may need: the order as it would have been answered, the request's path, the credential it sent."""

    order: dict[str, Any]
    path: str
    credential: str


@dataclass(frozen=True)
class FaultKind:
    """One row of the table of faults.

    ``form`` is how it is written; ``act`` makes the reply from the situation and the argument; ``read`` turns the text
    after the colon into the argument and raises ValueError with what is right; without it the fault has no argument.
    ``default`` stands for an argument left out.
    """

    form: str
    effect: str
    act: Callable[[Situation, float], Reply]
    read: Callable[[str], float] | None = None
    default: float | None = None

    @property
    def name(self) -> str:
        """The fault's name, which is the form without its argument."""
        return re.split(r"[:\[]", self.form)[0]


@dataclass(frozen=True)
class Fault:
    """A fault with its argument; ``text`` is how it was written."""

    text: str
    kind: FaultKind
    argument: float

    def reply(self, situation: Situation) -> Reply:
        """What the client gets instead of the order."""
        return self.kind.act(situation, self.argument)


def _code(text: str) -> float:
    if not re.fullmatch(r"[45][0-9][0-9]", text):
        raise ValueError("CODE is an HTTP status from 400 to 599")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= _LONGEST:
        raise ValueError(f"SECONDS is a number above 0, at most {_LONGEST}")
    return float(text)


def _whole_seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+", text) or int(text) > _LONGEST:
        raise ValueError(f"SECONDS is a whole number from 0 to {_LONGEST}, as in Retry-After")
    return int(text)


def _answered(situation: Situation) -> Answer:
    return json_answer({"delivery_order": situation.order})


def _wrong_types(situation: Situation) -> Answer:
    wrong = {
        "name": 7,
        "domain_id": 0,
        "status": 200,
        "edge_site_id": ["0"],
        "effected_at": True,
        "created_at": 1767510314,
        "updated_at": {"seconds": 1767510314},
    }
    return json_answer({"delivery_order": {**situation.order, **wrong}})


def _echo(situation: Situation, code: float) -> Answer:
    credential = situation.credential
    return error_answer(
        int(code), f"Incorrect IAM authentication information: {credential}", "APIGW.0301", (("X-Echo", credential),)
    )


_KINDS = (
    FaultKind(
        "http:CODE", "that HTTP status, 400 to 599, with the API's error body", lambda s, n: error_answer(int(n)), _code
    ),
    FaultKind(
        "html[:CODE]",
        "that status, default 502, with a proxy's HTML page",
        lambda s, n: html_answer(int(n)),
        _code,
        502,
    ),
    FaultKind("reset", "the connection is reset (TCP RST), nothing is answered", lambda s, n: Hangup()),
    FaultKind(
        "cut-short",
        "half of the body under the Content-Length of the whole, then the end",
        lambda s, n: dataclasses.replace(_answered(s), cut_short=True),
    ),
    FaultKind(
        "slow:SECONDS",
        "the right answer, that much later",
        lambda s, n: dataclasses.replace(_answered(s), after=n),
        _seconds,
    ),
    FaultKind(
        "redirect",
        "302 to another path on the emulator, where no API is",
        lambda s, n: Answer(302, b"", headers=(("Location", f"/redirected{s.path}"),)),
    ),
    FaultKind("not-json", "200 with a text that is not JSON", lambda s, n: Answer(200, b"status: PROCESSING\n")),
    FaultKind("empty", "200 with an empty body", lambda s, n: Answer(200, b"")),
    FaultKind("json-list", "200 with a JSON list that has the order in it", lambda s, n: json_answer([s.order])),
    FaultKind("no-order", "200 with {}", lambda s, n: json_answer({})),
    FaultKind("null-order", '200 with {"delivery_order": null}', lambda s, n: json_answer({"delivery_order": None})),
    FaultKind(
        "wrong-types",
        "200 with the right ID, all other fields of wrong JSON types",
        lambda s, n: _wrong_types(s),
    ),
    FaultKind(
        "other-order",
        "200 with the order of another ID",
        lambda s, n: json_answer({"delivery_order": {**s.order, "id": f"other-{s.order['id']}"}}),
    ),
    FaultKind(
        "huge",
        "200 with the right order in a valid JSON body of over 10 MiB",
        lambda s, n: Answer(200, json.dumps({"delivery_order": s.order, "padding": "x" * _HUGE}).encode()),
    ),
    FaultKind(
        "throttled:SECONDS",
        "429 APIGW.0308 with that Retry-After (whole seconds)",
        lambda s, n: error_answer(429, headers=(("Retry-After", str(int(n))),)),
        _whole_seconds,
    ),
    FaultKind(
        "echo[:CODE]",
        "that status, default 401, APIGW.0301; its error_msg and the header X-Echo repeat the credential sent",
        _echo,
        _code,
        401,
    ),
    FaultKind(
        "down:SECONDS",
        "reset, every other connection ends, and new ones are refused for so long",
        lambda s, n: Hangup(refuse_for=n),
        _seconds,
    ),
)

FAULTS = {kind.name: kind for kind in _KINDS}


def parse_fault(text: str) -> Fault:
    """The fault that ``text`` (``name`` or ``name:argument``) describes. Raises ValueError with what is right."""
    name, colon, argument = text.partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        known = ", ".join(known.form for known in FAULTS.values())
        raise ValueError(f"{text!r} is neither a status (upper case, such as PROCESSING) nor a fault ({known})")
    if kind.read is None:
        if colon:
            raise ValueError(f"{text!r}: {name} takes no argument")
        return Fault(text, kind, 0)
    if not colon and kind.default is not None:
        return Fault(text, kind, kind.default)
    try:
        return Fault(text, kind, kind.read(argument))
    except ValueError as error:
        raise ValueError(f"{text!r}: write {kind.form}, where {error}") from None
