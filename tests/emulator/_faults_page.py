# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of a page of the listing."""

from __future__ import annotations

from ._answers import json_answer
from ._replies import Answer
from ._situation import FaultKind, Scope, Situation


def _repeated_marker(situation: Situation) -> Answer:
    last = situation.orders[-1]["id"] if situation.orders else "again"
    return json_answer(situation.with_marker(situation.marker or last))


PAGE = (
    FaultKind(
        "object-page",
        "200 with delivery_orders as a JSON object, the orders by their ID",
        lambda s, n: json_answer({**s.content, s.key: {order["id"]: order for order in s.orders}}),
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
        "200 with the right orders; next_marker is the request's marker, so the pages never end",
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
        lambda s, n: json_answer({s.key: s.orders}),
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
