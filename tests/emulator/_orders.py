# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery orders and their lives: which status or fault an order shows at which poll."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from ._faults import Fault, parse_fault

# Every order begins here (assumed: the specification names no status before it).
_BIRTH_STATUS = "PROCESSING"


@dataclass(frozen=True)
class Step:
    """One step of a life: a status or a fault, for a number of polls or of seconds; with neither, forever."""

    status: str | None
    fault: Fault | None
    polls: int | None
    seconds: float | None


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
    fault: Fault | None


def is_id(text: str) -> bool:
    """Can ``text`` be an ID: letters, digits, ``-`` and ``_``? The vendor's own samples are not valid UUIDs."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None


def parse_life(steps: Iterable[str]) -> tuple[Step, ...]:
    """The life that ``steps`` (each ``WHAT``, ``WHAT*POLLS`` or ``WHAT@SECONDS``) describe.

    Raises ValueError that names the step and says what is right.
    """
    texts = [text.strip() for text in steps]
    if not texts:
        raise ValueError("a life has at least one step")
    return tuple(_parse_step(text, number == len(texts)) for number, text in enumerate(texts, start=1))


def _parse_step(text: str, last: bool) -> Step:
    what, mark, duration = [*re.split(r"([*@])", text, maxsplit=1), "", ""][:3]
    if not what:
        raise ValueError(f"the step {text!r} has neither a status nor a fault")
    if mark and last:
        raise ValueError(f"the last step {text!r} lasts forever: leave {mark + duration!r} off, or add what follows it")
    polls: int | None = None
    seconds: float | None = None
    if mark == "@":
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", duration) or float(duration) <= 0:
            raise ValueError(f"the step {text!r}: after @ comes a number of seconds above 0, such as 2.5")
        seconds = float(duration)
    elif mark == "*":
        if not re.fullmatch(r"[1-9][0-9]*", duration):
            raise ValueError(f"the step {text!r}: after * comes a whole number of polls, 1 or more")
        polls = int(duration)
    elif not last:
        polls = 1
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", what):
        return Step(what, None, polls, seconds)
    return Step(None, parse_fault(what), polls, seconds)


def _plan(order_id: str, steps: Iterable[str], name: str | None = None, edge_site_id: str | None = None) -> OrderPlan:
    if not is_id(order_id):
        raise ValueError(f"{order_id!r} can't be an order's ID: use letters, digits, '-' and '_'")
    try:
        life = parse_life(steps)
    except ValueError as error:
        raise ValueError(f"order {order_id}: {error}") from None
    # Shaped like the vendor's sample, whose IDs have a three-digit group, and the same in each run.
    digest = hashlib.sha256(order_id.encode()).hexdigest()
    site = "-".join((digest[:8], digest[8:12], digest[12:15], digest[15:19], digest[19:31]))
    return OrderPlan(order_id, name or f"delivery_order-{digest[-5:]}", edge_site_id or site, life)


def parse_order(text: str) -> OrderPlan:
    """The order that ``ID=STEP,STEP,...`` describes. Raises ValueError with what is right."""
    order_id, equals, life = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not ID=LIFE, such as 0000-a=PROCESSING*2,SUCCESS")
    return _plan(order_id, life.split(","))


def parse_orders(text: str) -> list[OrderPlan]:
    """The orders of a JSON text ``{"orders": [{"id": ..., "life": [STEP, ...], "name": ..., "edge_site_id": ...}]}``.

    ``name`` and ``edge_site_id`` may be left out. Raises ValueError with what is right.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(content, dict) or set(content) != {"orders"} or not isinstance(content["orders"], list):
        raise ValueError('the file must be {"orders": [ORDER, ...]}')
    return [_parse_entry(entry, number) for number, entry in enumerate(content["orders"], start=1)]


def _parse_entry(entry: object, number: int) -> OrderPlan:
    right = '{"id": "...", "life": ["STEP", ...]}, with "name" and "edge_site_id" if you like, all strings not empty'
    if not isinstance(entry, dict) or not {"id", "life"} <= set(entry) <= {"id", "life", "name", "edge_site_id"}:
        raise ValueError(f"order number {number} must be {right}")
    steps = entry["life"]
    strings = [value for key, value in entry.items() if key != "life"]
    if not isinstance(steps, list) or not all(isinstance(text, str) and text for text in strings + steps):
        raise ValueError(f"order number {number} must be {right}")
    return _plan(entry["id"], steps, entry.get("name"), entry.get("edge_site_id"))


class _LivingOrder:
    """An order on its way through its life. All times are the clock's, in seconds."""

    def __init__(self, plan: OrderPlan, born: float) -> None:
        self.plan = plan
        self.status = _BIRTH_STATUS
        self.updated = born
        self.effected: float | None = None
        self._index = -1
        self._began = born
        self._polls = 0

    def poll(self, now: float) -> Step:
        if self._index < 0:
            self._enter(0, now)
        while True:
            step = self.plan.life[self._index]
            over = now
            if step.seconds is not None:
                # Not ``now``: otherwise the steps after it would depend on when somebody looked.
                over = self._began + step.seconds
                if now < over:
                    break
            elif step.polls is None or self._polls < step.polls:
                break
            self._enter(self._index + 1, over)
        self._polls += 1
        return step

    def _enter(self, index: int, when: float) -> None:
        self._index, self._began, self._polls = index, when, 0
        status = self.plan.life[index].status
        if status is None or status == self.status:
            return
        self.status, self.updated = status, when
        if status == "SUCCESS":
            self.effected = when


class OrderBook:
    """The orders of one account, safe to use from several threads.

    ``clock`` returns seconds and never goes back. Raises ValueError for an ID that comes twice.
    """

    def __init__(self, plans: Iterable[OrderPlan], domain_id: str, clock: Callable[[], float]) -> None:
        self._domain_id = domain_id
        self._clock = clock
        self._zero = clock()
        self._born = datetime.now(timezone.utc)
        self._lock = threading.Lock()
        self._orders: dict[str, _LivingOrder] = {}
        for plan in plans:
            if plan.id in self._orders:
                raise ValueError(f"order {plan.id} is described twice")
            self._orders[plan.id] = _LivingOrder(plan, self._zero)

    def poll(self, order_id: str) -> Poll | None:
        """Count one poll of an order and return what it sees; None for an unknown ID."""
        with self._lock:
            order = self._orders.get(order_id)
            if order is None:
                return None
            step = order.poll(self._clock())
            return Poll(self._as_answered(order), step.fault)

    def _as_answered(self, order: _LivingOrder) -> dict[str, Any]:
        effected = None if order.effected is None else self._date(order.effected).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": order.plan.id,
            "name": order.plan.name,
            "domain_id": self._domain_id,
            "status": order.status,
            "edge_site_id": order.plan.edge_site_id,
            # Assumed: null until SUCCESS. The sample has a PROCESSING order with a date that is still to come.
            "effected_at": effected,
            "created_at": self._timestamp(self._zero),
            "updated_at": self._timestamp(order.updated),
        }

    def _date(self, when: float) -> datetime:
        return self._born + timedelta(seconds=when - self._zero)

    def _timestamp(self, when: float) -> str:
        return self._date(when).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
