# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what they are called, and what each does."""

from __future__ import annotations

import base64
import enum
import html
import itertools
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import quote, quote_plus

from ._replies import (
    Answer,
    Hangup,
    Reply,
    Stream,
    Then,
    error_answer,
    head,
    html_answer,
    json_answer,
    rendered,
    throttled_answer,
)

# Seconds.
LONGEST = 86400
PAUSE = 0.2


class Scope(enum.Enum):
    """Where a fault can be used, as the pages say it."""

    BOTH = "order, listing"
    ORDER = "order"
    LISTING = "listing"


@dataclass(frozen=True)
class Kind:
    """A fault as the pages describe it.

    ``form`` is NAME, or NAME:ARGUMENT with CODE or SECONDS, in brackets if ``default`` may stand for it. ``act`` makes
    the reply of a situation and the argument.
    """

    form: str
    act: Callable[[Any, float], Reply]
    default: float = 0
    scope: Scope = Scope.BOTH

    @property
    def name(self) -> str:
        """The fault's name, which is the form without its argument."""
        return re.split(r"[:\[]", self.form)[0]


@dataclass(frozen=True)
class Fault:
    """A fault with its argument; ``text`` is how it was written."""

    text: str
    kind: Kind
    argument: float

    def reply(self, situation: Any) -> Reply:
        """The reply to the client."""
        return self.kind.act(situation, self.argument)


def parse_fault(text: str, kinds: Iterable[Kind], well: str) -> Fault:
    """The fault of ``kinds`` that ``text`` (``NAME`` or ``NAME:ARGUMENT``) describes.

    ``well`` describes the alternatives to a fault, for the message. Raises ValueError with the right syntax.
    """
    name, colon, argument = text.partition(":")
    table = {kind.name: kind for kind in kinds}
    kind = table.get(name)
    if kind is None:
        known = ", ".join(known.form for known in table.values())
        raise ValueError(f"{text!r} is neither {well} nor a fault ({known})")
    if kind.form == name:
        if colon:
            raise ValueError(f"{text!r}: {name} takes no argument")
    elif colon or "[" not in kind.form:
        if "CODE" in kind.form and not re.fullmatch(r"[45][0-9][0-9]", argument):
            raise ValueError(f"{text!r}: write {kind.form}, where CODE is an HTTP status from 400 to 599")
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", argument) or float(argument) > LONGEST:
            raise ValueError(f"{text!r}: write {kind.form}, where SECONDS is a number from 0 to {LONGEST}")
        return Fault(text, kind, float(argument))
    return Fault(text, kind, kind.default)


def parse_order_fault(text: str) -> Fault:
    """The fault of an order or a site that ``text`` describes. Raises ValueError with the right syntax."""
    return _parse(text, Scope.LISTING, "a status (upper case, such as PROCESSING)")


def parse_listing_fault(text: str) -> Fault:
    """The fault of the listing that ``text`` describes. Raises ValueError with the right syntax."""
    return _parse(text, Scope.ORDER, "ok")


def _parse(text: str, elsewhere: Scope, well: str) -> Fault:
    return parse_fault(text, (kind for kind in FAULTS.values() if kind.scope is not elsewhere), well)


@dataclass(frozen=True)
class Situation:
    """The facts that a fault of an order, a site or a listing may need.

    ``content`` is the body of the right answer, ``key`` the key of the order or orders in it, and ``orders`` the orders
    in it. ``path``, ``credential`` and ``marker`` are those of the request; ``marker`` is None if it sent none. Edge
    sites count as orders here.
    """

    content: dict[str, Any]
    key: str
    orders: list[dict[str, Any]]
    path: str
    credential: str
    marker: str | None = None

    @property
    def body(self) -> bytes:
        """The right answer's body."""
        return json.dumps(self.content).encode()

    def with_orders(self, orders: list[Any]) -> dict[str, Any]:
        """The content with other orders, of the same number."""
        return {**self.content, self.key: orders if isinstance(self.content[self.key], list) else orders[0]}

    def with_first(self, **fields: Any) -> dict[str, Any]:
        """The content with other values in the first order, if there is any."""
        return self.with_orders([*({**order, **fields} for order in self.orders[:1]), *self.orders[1:]])

    def with_marker(self, marker: Any) -> dict[str, Any]:
        """The content of the listing with another ``next_marker``."""
        return {**self.content, "page_info": {**self.content["page_info"], "next_marker": marker}}


_MIB = 1024 * 1024
# Bytes of a header line; Python's http.client takes 64 KiB.
_LONG = 60 * 1024

_JSON = ("Content-Type", "application/json")

_WRONG_TYPES = {
    "name": 7,
    "domain_id": 0,
    "status": 200,
    "edge_site_id": ["0"],
    "effected_at": True,
    "created_at": 1767510314,
    "updated_at": {"seconds": 1767510314},
}


def trickled(start: bytes, seconds: float) -> Stream:
    """An answer that has begun with ``start``, and whose headers never end."""
    return Stream(itertools.chain([start], itertools.repeat(b"X-Trickle: 1\r\n")), seconds)


def _trickled_body(situation: Situation, seconds: float) -> Stream:
    answer = json_answer(situation.content)
    start = rendered(answer)[: -len(answer.body)]
    pieces = (answer.body[at : at + 1] for at in range(len(answer.body)))
    return Stream(itertools.chain([start], pieces), seconds, Then.SERVE, 200)


def _cut_short(situation: Situation) -> Stream:
    whole = rendered(json_answer(situation.content), keep_alive=False)
    return Stream([whole[: -(len(situation.body) // 2)]], then=Then.CLOSE)


def _cut_chunks(situation: Situation) -> Stream:
    body = situation.body
    start = head(200, _JSON, ("Transfer-Encoding", "chunked"))
    return Stream([start + b"%x\r\n%b\r\n" % (len(body), body)], then=Then.CLOSE)


def _cut_without_length(situation: Situation) -> Stream:
    body = situation.body
    return Stream([head(200, _JSON, ("Connection", "close")) + body[: len(body) // 2]], then=Then.CLOSE)


def _with_length(situation: Situation, factor: float) -> bytes:
    body = situation.body
    return head(200, _JSON, ("Content-Length", str(int(len(body) * factor)))) + body


def _long_headers(code: int) -> Stream:
    lines = (f"HTTP/1.1 {code} {'x' * _LONG}", f"X-Request-Id: {'0' * _LONG}", "Content-Length: 0", "", "")
    return Stream(["\r\n".join(lines).encode()], then=Then.SERVE, status=code)


def _echo(situation: Situation, code: int) -> Answer:
    credential = situation.credential
    echoes = (
        credential,
        quote(credential, safe=""),
        quote_plus(credential),
        # Some encoders escape more than they must.
        html.escape(credential).replace("/", "&#x2F;").replace("=", "&#61;"),
        json.dumps(credential)[1:-1].replace("/", "\\/").replace("=", "\\u003d"),
        f"{credential[:-2]}...",
    )
    message = f"Incorrect IAM authentication information: {' '.join(echoes)}"
    return error_answer(code, message, "APIGW.0301", (("X-Echo", credential),))


def _coded(coding: str, body: bytes) -> Answer:
    return Answer(200, body, headers=(("Content-Encoding", coding),))


def _replaced(content: dict[str, Any], key: str, raw: bytes) -> Answer:
    """An answer with these bytes in the place of the key whose value is "raw": no JSON library would write them."""
    return Answer(200, json.dumps(content).encode().replace(b'"%b": "raw"' % key.encode(), raw, 1))


def _duplicate_status(situation: Situation) -> Answer:
    return _replaced(situation.with_first(status="raw"), "status", b'"status": "PROCESSING", "status": "SUCCESS"')


def _duplicate_order(situation: Situation) -> Answer:
    key = situation.key
    first, last = (
        json.dumps(situation.with_orders([{**order, "status": status} for order in situation.orders])[key])
        for status in ("PROCESSING", "SUCCESS")
    )
    return _replaced({**situation.content, key: "raw"}, key, f'"{key}": {first}, "{key}": {last}'.encode())


def _repeated_marker(situation: Situation) -> Answer:
    last = situation.orders[-1]["id"] if situation.orders else "again"
    return json_answer(situation.with_marker(situation.marker or last))


_KINDS = (
    # Those that a user meets: README.md.
    Kind("http:CODE", lambda s, n: error_answer(int(n))),
    Kind("html[:CODE]", lambda s, n: html_answer(int(n)), 502),
    Kind("reset", lambda s, n: Hangup()),
    Kind("cut-short", lambda s, n: _cut_short(s)),
    Kind("slow:SECONDS", lambda s, n: Stream([b"", rendered(json_answer(s.content))], n, Then.SERVE, 200)),
    Kind("down:SECONDS", lambda s, n: Hangup(refuse_for=n)),
    Kind("throttled:SECONDS", lambda s, n: throttled_answer(math.ceil(n))),
    Kind("redirect", lambda s, n: Answer(302, b"", headers=(("Location", f"/redirected{s.path}"),))),
    Kind("echo[:CODE]", lambda s, n: _echo(s, int(n)), 401),
    # All others: FAULTS.md.
    Kind("hang", lambda s, n: Stream([])),
    Kind("endless-headers[:SECONDS]", lambda s, n: trickled(head(200, _JSON, end=False), n), PAUSE),
    Kind("trickle-body[:SECONDS]", _trickled_body, PAUSE),
    Kind("long-length", lambda s, n: Stream([_with_length(s, 2)])),
    Kind("short-length", lambda s, n: Stream([_with_length(s, 0.5)], then=Then.SERVE, status=200)),
    Kind("cut-without-length", lambda s, n: _cut_without_length(s)),
    Kind("cut-chunks", lambda s, n: _cut_chunks(s)),
    Kind("not-gzip", lambda s, n: _coded("gzip", s.body)),
    Kind("unknown-encoding", lambda s, n: _coded("base64", base64.b64encode(s.body))),
    Kind("huge", lambda s, n: json_answer({**s.content, "padding": "x" * (10 * _MIB)})),
    Kind("large-field", lambda s, n: json_answer(s.with_first(name="x" * _MIB))),
    Kind("large-error[:CODE]", lambda s, n: error_answer(int(n), "x" * (8 * _MIB)), 500),
    Kind("long-headers[:CODE]", lambda s, n: _long_headers(int(n)), 500),
    Kind("not-json", lambda s, n: Answer(200, b"status: PROCESSING\n")),
    Kind("empty", lambda s, n: Answer(200, b"")),
    Kind("json-list", lambda s, n: json_answer(s.orders)),
    Kind("no-order", lambda s, n: json_answer({})),
    Kind("null-order", lambda s, n: json_answer({**s.content, s.key: None})),
    Kind("wrong-types", lambda s, n: json_answer(s.with_first(**_WRONG_TYPES))),
    Kind("duplicate-keys", lambda s, n: _duplicate_status(s)),
    Kind("duplicate-order", lambda s, n: _duplicate_order(s)),
    Kind("nan", lambda s, n: _replaced(s.with_first(progress="raw"), "progress", b'"progress": NaN')),
    Kind("infinity", lambda s, n: _replaced(s.with_first(progress="raw"), "progress", b'"progress": -Infinity')),
    Kind("lone-surrogate", lambda s, n: _replaced(s.with_first(name="raw"), "name", rb'"name": "rack \ud83d"')),
    Kind("not-utf-8", lambda s, n: _replaced(s.with_first(name="raw"), "name", b'"name": "rack \xe9"')),
    Kind(
        "other-order",
        lambda s, n: json_answer(s.with_orders([{**order, "id": f"other-{order['id']}"} for order in s.orders])),
        scope=Scope.ORDER,
    ),
    Kind(
        "object-page",
        lambda s, n: json_answer({**s.content, s.key: {order["id"]: order for order in s.orders}}),
        scope=Scope.LISTING,
    ),
    Kind("null-entry", lambda s, n: json_answer(s.with_orders([None, *s.orders])), scope=Scope.LISTING),
    Kind("repeated-marker", lambda s, n: _repeated_marker(s), scope=Scope.LISTING),
    Kind("null-marker", lambda s, n: json_answer(s.with_marker(None)), scope=Scope.LISTING),
    Kind("empty-marker", lambda s, n: json_answer(s.with_marker("")), scope=Scope.LISTING),
    Kind("no-page-info", lambda s, n: json_answer({s.key: s.orders}), scope=Scope.LISTING),
    Kind("list-page-info", lambda s, n: json_answer({**s.content, "page_info": [{}]}), scope=Scope.LISTING),
)

#: The faults of orders and of the listing, by name.
FAULTS = {kind.name: kind for kind in _KINDS}
