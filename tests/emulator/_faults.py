# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which the emulator misbehaves on request."""

from __future__ import annotations

import dataclasses
import enum
import re
from dataclasses import dataclass
from typing import Any, Callable

from ._answers import Answer, Hangup, Reply, error_answer, html_answer, json_answer, throttled_answer

# Seconds, a day: longer than any client waits, and far from what the system's timers can't hold.
LONGEST = 86400

# The collection's client cuts an answer off here, in bytes.
_HUGE = 10 * 1024 * 1024


class Scope(enum.Enum):
    """What a fault can befall; the value is how the tables of faults write it."""

    BOTH = "order, listing"
    ORDER = "order"
    LISTING = "listing"


@dataclass(frozen=True)
class Situation:
    """What a fault may need.

    ``content`` is the body as it would have been answered, ``orders`` the orders in it, ``path`` the request's,
    ``credential`` what it sent to say who it is, ``marker`` the one it sent, None where it sent none.
    """

    content: dict[str, Any]
    orders: list[dict[str, Any]]
    path: str
    credential: str
    marker: str | None = None

    def with_orders(self, orders: list[Any]) -> dict[str, Any]:
        """The content with as many other orders in it."""
        if "delivery_order" in self.content:
            return {"delivery_order": orders[0]}
        return {**self.content, "delivery_orders": orders}

    def with_marker(self, marker: Any) -> dict[str, Any]:
        """The content of the listing with another marker of the next page."""
        return {**self.content, "page_info": {**self.content["page_info"], "next_marker": marker}}


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
    scope: Scope = Scope.BOTH

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
        """What the client gets instead of the order or the listing."""
        return self.kind.act(situation, self.argument)


def _code(text: str) -> float:
    if not re.fullmatch(r"[45][0-9][0-9]", text):
        raise ValueError("CODE is an HTTP status from 400 to 599")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= LONGEST:
        raise ValueError(f"SECONDS is a number above 0, at most {LONGEST}")
    return float(text)


def _whole_seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+", text) or int(text) > LONGEST:
        raise ValueError(f"SECONDS is a whole number from 0 to {LONGEST}, as in Retry-After")
    return int(text)


def _wrong_types(order: dict[str, Any]) -> dict[str, Any]:
    wrong = {
        "name": 7,
        "domain_id": 0,
        "status": 200,
        "edge_site_id": ["0"],
        "effected_at": True,
        "created_at": 1767510314,
        "updated_at": {"seconds": 1767510314},
    }
    return {**order, **wrong}


def _repeated_marker(situation: Situation) -> Answer:
    last = situation.orders[-1]["id"] if situation.orders else "again"
    return json_answer(situation.with_marker(situation.marker or last))


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
        lambda s, n: dataclasses.replace(json_answer(s.content), cut_short=True),
    ),
    FaultKind(
        "slow:SECONDS",
        "the right answer, that much later",
        lambda s, n: dataclasses.replace(json_answer(s.content), after=n),
        _seconds,
    ),
    FaultKind(
        "redirect",
        "302 to another path on the emulator, where no API is",
        lambda s, n: Answer(302, b"", headers=(("Location", f"/redirected{s.path}"),)),
    ),
    FaultKind("not-json", "200 with a text that is not JSON", lambda s, n: Answer(200, b"status: PROCESSING\n")),
    FaultKind("empty", "200 with an empty body", lambda s, n: Answer(200, b"")),
    FaultKind(
        "json-list", "200 with a JSON list that has the order or orders in it", lambda s, n: json_answer(s.orders)
    ),
    FaultKind("no-order", "200 with {}", lambda s, n: json_answer({})),
    FaultKind(
        "null-order",
        '200 with {"delivery_order": null}, of the listing null as delivery_orders',
        lambda s, n: json_answer({**s.content, next(iter(s.content)): None}),
    ),
    FaultKind(
        "wrong-types",
        "200 with the right ID, all other fields of wrong JSON types; of the listing, in the page's first order",
        lambda s, n: json_answer(s.with_orders([*map(_wrong_types, s.orders[:1]), *s.orders[1:]])),
    ),
    FaultKind(
        "other-order",
        "200 with the order of another ID",
        lambda s, n: json_answer(s.with_orders([{**order, "id": f"other-{order['id']}"} for order in s.orders])),
        scope=Scope.ORDER,
    ),
    FaultKind(
        "huge",
        "200 with the right answer in a valid JSON body of over 10 MiB",
        lambda s, n: json_answer({**s.content, "padding": "x" * _HUGE}),
    ),
    FaultKind(
        "throttled:SECONDS",
        "429 APIGW.0308 with that Retry-After (whole seconds)",
        lambda s, n: throttled_answer(int(n)),
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
    FaultKind(
        "object-page",
        "200 with delivery_orders as a JSON object, the orders by their ID",
        lambda s, n: json_answer({**s.content, "delivery_orders": {order["id"]: order for order in s.orders}}),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "null-entry",
        "200 with a null before the page's orders",
        lambda s, n: json_answer(s.with_orders([None, *s.orders])),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "repeated-marker",
        "200 with the right orders; next_marker is the marker sent, so that the pages never end",
        lambda s, n: _repeated_marker(s),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "number-marker",
        "200 with the number 7 as next_marker",
        lambda s, n: json_answer(s.with_marker(7)),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "null-marker",
        "200 with null as next_marker",
        lambda s, n: json_answer(s.with_marker(None)),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "empty-marker",
        '200 with "" as next_marker',
        lambda s, n: json_answer(s.with_marker("")),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "no-page-info",
        "200 without page_info",
        lambda s, n: json_answer({"delivery_orders": s.orders}),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "list-page-info",
        "200 with a JSON list as page_info",
        lambda s, n: json_answer({**s.content, "page_info": [s.content["page_info"]]}),
        scope=Scope.LISTING,
    ),
    FaultKind(
        "text-page-info",
        "200 with a string as page_info",
        lambda s, n: json_answer({**s.content, "page_info": "page 1"}),
        scope=Scope.LISTING,
    ),
)

FAULTS = {kind.name: kind for kind in _KINDS}


def parse_fault(text: str, of_listing: bool) -> Fault:
    """The fault that ``text`` (``name`` or ``name:argument``) describes, of an order or of the listing.

    Raises ValueError with what is right.
    """
    name, colon, argument = text.partition(":")
    here = Scope.LISTING if of_listing else Scope.ORDER
    kind = FAULTS.get(name)
    if kind is None:
        known = ", ".join(known.form for known in FAULTS.values() if known.scope in (Scope.BOTH, here))
        well = "ok" if of_listing else "a status (upper case, such as PROCESSING)"
        raise ValueError(f"{text!r} is neither {well} nor a fault ({known})")
    if kind.scope not in (Scope.BOTH, here):
        raise ValueError(f"{text!r}: {name} is a fault of {'an order' if of_listing else 'the listing'} only")
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
