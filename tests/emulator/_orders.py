# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery orders."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._book import Book, Living, Plan, digest_of, expanded, parse_entry
from ._lives import parse_life


@dataclass(frozen=True)
class OrderPlan(Plan):
    """An order as the user described it."""

    edge_site_id: str


def _plans(
    id_text: str, steps: Iterable[str], name: str | None = None, edge_site_id: str | None = None
) -> list[OrderPlan]:
    try:
        life = parse_life(steps)
    except ValueError as error:
        raise ValueError(f"order {id_text}: {error}") from None
    return [
        OrderPlan(each, name or f"delivery_order-{digest_of(each)[-5:]}", life, edge_site_id or _site_id(each))
        for each in expanded(id_text, "an order")
    ]


def _site_id(order_id: str) -> str:
    """An ID shaped like those of the vendor's samples, which have a three-digit group."""
    digest = digest_of(order_id)
    return "-".join((digest[:8], digest[8:12], digest[12:15], digest[15:19], digest[19:31]))


def parse_order(text: str) -> list[OrderPlan]:
    """The orders that ``ID=STEP,STEP,...`` describes: one, or with a ``{FIRST..LAST}`` in the ID, one for each number.

    Raises ValueError with the right syntax.
    """
    return _plans(*parse_entry(text, "0000-a=PROCESSING*2,SUCCESS"))


def parse_orders(text: str) -> list[OrderPlan]:
    """The orders of a JSON text ``{"orders": [{"id": ..., "life": [STEP, ...], "name": ..., "edge_site_id": ...}]}``.

    ``name`` and ``edge_site_id`` may be left out; the ID may have a range as in ``parse_order``. Raises ValueError with
    the right syntax.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(content, dict) or set(content) != {"orders"} or not isinstance(content["orders"], list):
        raise ValueError('the file must be {"orders": [ORDER, ...]}')
    return [plan for number, entry in enumerate(content["orders"], start=1) for plan in _parse_entry(entry, number)]


def _parse_entry(entry: object, number: int) -> list[OrderPlan]:
    right = '{"id": "...", "life": ["STEP", ...]}, with "name" and "edge_site_id" if you like, all strings not empty'
    if not isinstance(entry, dict) or not {"id", "life"} <= set(entry) <= {"id", "life", "name", "edge_site_id"}:
        raise ValueError(f"order number {number} must be {right}")
    steps = entry["life"]
    strings = [value for key, value in entry.items() if key != "life"]
    if not isinstance(steps, list) or not all(isinstance(text, str) and text for text in strings + steps):
        raise ValueError(f"order number {number} must be {right}")
    return _plans(entry["id"], steps, entry.get("name"), entry.get("edge_site_id"))


class OrderBook(Book[OrderPlan]):
    """The orders of one account: see Book."""

    # Assumed: the specification names no status before it.
    birth_status = "PROCESSING"
    noun = "order"

    def shown(self, entry: Living[OrderPlan]) -> dict[str, Any]:
        succeeded = entry.succeeded
        return {
            "id": entry.plan.id,
            "name": entry.plan.name,
            "domain_id": self.domain_id,
            "status": entry.status,
            "edge_site_id": entry.plan.edge_site_id,
            # Assumed: null until SUCCESS. The vendor's sample has a PROCESSING order with a date in the future.
            "effected_at": None if succeeded is None else self.date(succeeded).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "created_at": self.created,
            "updated_at": self.timestamp(entry.updated),
        }
