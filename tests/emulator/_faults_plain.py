# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults with one answer or none: refusals, outages, and JSON that is not an order."""

from __future__ import annotations

import dataclasses
import html
import json
from urllib.parse import quote, quote_plus

from ._answers import error_answer, html_answer, json_answer, throttled_answer
from ._kinds import error_code, seconds, whole_seconds
from ._replies import Answer, Hangup, Stream, Then, rendered
from ._situation import FaultKind, Scope, Situation

# The collection's client cuts an answer off here, in bytes.
_HUGE = 10 * 1024 * 1024

_WRONG_TYPES = {
    "name": 7,
    "domain_id": 0,
    "status": 200,
    "edge_site_id": ["0"],
    "effected_at": True,
    "created_at": 1767510314,
    "updated_at": {"seconds": 1767510314},
}


def _cut_short(situation: Situation) -> Stream:
    answer = json_answer(situation.content)
    return Stream([rendered(answer, keep_alive=False)[: -(len(answer.body) // 2)]], then=Then.CLOSE)


def _echo(situation: Situation, code: float) -> Answer:
    credential = situation.credential
    echoes = [
        credential,
        quote(credential, safe=""),
        quote_plus(credential),
        # Some encoders escape more than they must.
        html.escape(credential).replace("/", "&#x2F;").replace("=", "&#61;"),
        json.dumps(credential)[1:-1].replace("/", "\\/").replace("=", "\\u003d"),
        f"{credential[:-2]}...",
    ]
    return error_answer(
        int(code),
        f"Incorrect IAM authentication information: {' '.join(echoes)}",
        "APIGW.0301",
        (("X-Echo", credential),),
    )


PLAIN = (
    FaultKind(
        "http:CODE",
        "HTTP status CODE, 400 to 599, with the API's error body",
        lambda s, n: error_answer(int(n)),
        error_code,
    ),
    FaultKind(
        "html[:CODE]",
        "status CODE, default 502, with a proxy's HTML page",
        lambda s, n: html_answer(int(n)),
        error_code,
        502,
    ),
    FaultKind("reset", "the connection is reset (TCP RST), without an answer", lambda s, n: Hangup()),
    FaultKind(
        "cut-short",
        "half of the body with the Content-Length of the whole body, then the end",
        lambda s, n: _cut_short(s),
    ),
    FaultKind(
        "slow:SECONDS",
        "the right answer, SECONDS later",
        lambda s, n: dataclasses.replace(json_answer(s.content), after=n),
        seconds,
    ),
    FaultKind(
        "redirect",
        "302 to another path on the emulator, where there is no API",
        lambda s, n: Answer(302, b"", headers=(("Location", f"/redirected{s.path}"),)),
    ),
    FaultKind("not-json", "200 with a text that is not JSON", lambda s, n: Answer(200, b"status: PROCESSING\n")),
    FaultKind("empty", "200 with an empty body", lambda s, n: Answer(200, b"")),
    FaultKind("json-list", "200 with a JSON list of the order or orders", lambda s, n: json_answer(s.orders)),
    FaultKind("no-order", "200 with {}", lambda s, n: json_answer({})),
    FaultKind(
        "null-order",
        '200 with {"delivery_order": null}; in a listing, null as delivery_orders',
        lambda s, n: json_answer({**s.content, s.key: None}),
    ),
    FaultKind(
        "wrong-types",
        "200 with the right ID, and wrong JSON types in all other fields; in a listing, in the page's first order",
        lambda s, n: json_answer(s.with_first(**_WRONG_TYPES)),
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
        "429 APIGW.0308 with SECONDS, a whole number, as Retry-After",
        lambda s, n: throttled_answer(int(n)),
        whole_seconds,
    ),
    FaultKind(
        "echo[:CODE]",
        "status CODE, default 401, APIGW.0301; the header X-Echo repeats the request's credential, as does its "
        "error_msg: plain, percent-encoded, as forms, HTML and JSON encode it, and cut off",
        _echo,
        error_code,
        401,
    ),
    FaultKind(
        "down:SECONDS",
        "a reset; every other connection ends, and new connections are refused for SECONDS",
        lambda s, n: Hangup(refuse_for=n),
        seconds,
    ),
)
