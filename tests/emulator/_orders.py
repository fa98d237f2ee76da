# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery orders, and what a poll of one of them, or of the listing, sees."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from ._kinds import Fault
from ._lives import Course, Step, parse_life
from ._situation import Situation

# Every order begins here (assumed: the specification names no status before it).
_BIRTH_STATUS = "PROCESSING"

# Far more than anybody needs, and what a slip of the keyboard must not go beyond.
_RANGE_LIMIT = 100_000


@dataclass(frozen=True)
class OrderPlan:
    """An order as the user described it."""

    id: str
    name: str
    edge_site_id: str
    life: tuple[Step, ...]


@dataclass(frozen=True)
class Poll:
    """What one poll sees: the order's eight keys as the specification has them, and the fault to commit, if any."""

    order: dict[str, Any]
    fault: Fault[Situation] | None


@dataclass(frozen=True)
class ListQuery:
    """Which orders a request for the listing wants.

    ``statuses``: these only; empty for any. ``limit``: at most so many. ``marker``: those after this one, in the order
    of their definition. ``order_id``: this one only.
    """

    statuses: frozenset[str]
    limit: int
    marker: str | None
    order_id: str | None


@dataclass(frozen=True)
class Page:
    """What a poll of the listing sees: orders as in Poll, the marker of the next page, and the fault to commit.

    ``next_marker`` is None on the last page.
    """

    orders: list[dict[str, Any]]
    next_marker: str | None
    fault: Fault[Situation] | None


def is_id(text: str) -> bool:
    """Can ``text`` be an ID: letters, digits, ``-`` and ``_``? The vendor's own samples are not valid UUIDs."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None


def _plans(
    id_text: str, steps: Iterable[str], name: str | None = None, edge_site_id: str | None = None
) -> list[OrderPlan]:
    try:
        life = parse_life(steps)
    except ValueError as error:
        raise ValueError(f"order {id_text}: {error}") from None
    return [_plan(order_id, life, name, edge_site_id) for order_id in _expanded(id_text)]


def _expanded(id_text: str) -> Iterable[str]:
    """The IDs that a text stands for: itself, or with ``{FIRST..LAST}`` in it, one for each number of the range."""
    match = re.fullmatch(r"([A-Za-z0-9_-]*)\{([0-9]+)\.\.([0-9]+)\}([A-Za-z0-9_-]*)", id_text)
    if match is None:
        if not is_id(id_text):
            raise ValueError(
                f"{id_text!r} can't be an order's ID: use letters, digits, '-' and '_', and for many orders a range "
                "such as {001..100}"
            )
        return (id_text,)
    before, first, last, after = match.groups()
    numbers = range(int(first), int(last) + 1)
    if not 0 < len(numbers) <= _RANGE_LIMIT:
        raise ValueError(f"the range of {id_text!r} must go up, and have at most {_RANGE_LIMIT} numbers")
    # As shells do it: a zero in front makes all numbers as long as the longer one.
    padded = any(len(text) > 1 and text[0] == "0" for text in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return (f"{before}{number:0{width}}{after}" for number in numbers)


def _plan(order_id: str, life: tuple[Step, ...], name: str | None, edge_site_id: str | None) -> OrderPlan:
    # Shaped like the vendor's sample, whose IDs have a three-digit group, and the same in each run.
    digest = hashlib.sha256(order_id.encode()).hexdigest()
    site = "-".join((digest[:8], digest[8:12], digest[12:15], digest[15:19], digest[19:31]))
    return OrderPlan(order_id, name or f"delivery_order-{digest[-5:]}", edge_site_id or site, life)


def parse_order(text: str) -> list[OrderPlan]:
    """The orders that ``ID=STEP,STEP,...`` describes: one, or with a ``{FIRST..LAST}`` in the ID, one for each number.

    Raises ValueError with what is right.
    """
    id_text, equals, life = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not ID=LIFE, such as 0000-a=PROCESSING*2,SUCCESS")
    return _plans(id_text, life.split(","))


def parse_orders(text: str) -> list[OrderPlan]:
    """The orders of a JSON text ``{"orders": [{"id": ..., "life": [STEP, ...], "name": ..., "edge_site_id": ...}]}``.

    ``name`` and ``edge_site_id`` may be left out; the ID may have a range as in ``parse_order``. Raises ValueError with
    what is right.
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


class _LivingOrder(Course):
    """An order on its way through its life; ``number`` is its place among the account's orders."""

    def __init__(self, plan: OrderPlan, number: int, born: float) -> None:
        super().__init__(plan.life)
        self.plan = plan
        self.number = number
        self.status = _BIRTH_STATUS
        self.updated = born
        self.effected: float | None = None
        # Kept until the status changes: a listing shows thousands.
        self.answered: dict[str, Any] | None = None

    def entered(self, step: Step, when: float) -> None:
        if step.status is None or step.status == self.status:
            return
        self.status, self.updated, self.answered = step.status, when, None
        if step.status == "SUCCESS":
            self.effected = when


class OrderBook:
    """The orders of one account and their listing, safe to use from several threads.

    ``clock`` returns seconds and never goes back. What polls return is shared, and not to be changed. Raises ValueError
    for an ID that comes twice.
    """

    def __init__(
        self, plans: Iterable[OrderPlan], listing: tuple[Step, ...], domain_id: str, clock: Callable[[], float]
    ) -> None:
        self._domain_id = domain_id
        self._clock = clock
        self._zero = clock()
        self._born = datetime.now(timezone.utc)
        self._created = self._timestamp(self._zero)
        self._lock = threading.Lock()
        self._listing = Course(listing)
        self._orders: dict[str, _LivingOrder] = {}
        for plan in plans:
            if plan.id in self._orders:
                raise ValueError(f"order {plan.id} is described twice")
            self._orders[plan.id] = _LivingOrder(plan, len(self._orders), self._zero)
        self._sequence = tuple(self._orders.values())

    def poll(self, order_id: str) -> Poll | None:
        """Count one poll of an order and return what it sees; None for an unknown ID."""
        with self._lock:
            order = self._orders.get(order_id)
            if order is None:
                return None
            step = order.poll(self._clock())
            return Poll(self._as_answered(order), step.fault)

    def page(self, query: ListQuery) -> Page | None:
        """Count one poll of the listing, and one of each order that it looks at; None for an unknown marker.

        It looks at the orders after the marker until the page is full, those too that ``statuses`` then leaves out:
        otherwise an order could never come into a status that is waited for by listing. An order's own fault does not
        show.
        """
        with self._lock:
            start = 0
            if query.marker is not None:
                if query.marker not in self._orders:
                    return None
                start = self._orders[query.marker].number + 1
            now = self._clock()
            fault = self._listing.poll(now).fault
            candidates: Iterator[_LivingOrder]
            if query.order_id is None:
                candidates = itertools.islice(self._sequence, start, None)
            else:
                wanted = self._orders.get(query.order_id)
                candidates = iter([wanted] if wanted and wanted.number >= start else [])
            shown: list[dict[str, Any]] = []
            for order in candidates:
                order.poll(now)
                if not query.statuses or order.status in query.statuses:
                    shown.append(self._as_answered(order))
                    if len(shown) == query.limit:
                        break
            more = next(candidates, None) is not None
            return Page(shown, shown[-1]["id"] if more else None, fault)

    def _as_answered(self, order: _LivingOrder) -> dict[str, Any]:
        if order.answered is None:
            effected = None if order.effected is None else self._date(order.effected).strftime("%Y-%m-%dT%H:%M:%SZ")
            order.answered = {
                "id": order.plan.id,
                "name": order.plan.name,
                "domain_id": self._domain_id,
                "status": order.status,
                "edge_site_id": order.plan.edge_site_id,
                # Assumed: null until SUCCESS. The sample has a PROCESSING order with a date that is still to come.
                "effected_at": effected,
                "created_at": self._created,
                "updated_at": self._timestamp(order.updated),
            }
        return order.answered

    def _date(self, when: float) -> datetime:
        return self._born + timedelta(seconds=when - self._zero)

    def _timestamp(self, when: float) -> str:
        return self._date(when).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
