# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of docs/scale.md: their file, the values calculated from them, and their tables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = Path(__file__).resolve().with_name("figures.json")
PAGE = ROOT / "docs" / "scale.md"

#: The ways of waiting, with their names in the page and in the plot.
WAYS = {
    "until": "`until`",
    "role": "the role",
    "schedule": "a schedule, one host an order",
    "inventory": "the inventory",
    "event source": "the event source",
}

#: The numbers of orders in the tables.
SHOWN = (1, 1_000, 100_000)

_TABLES = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.S)


@dataclass(frozen=True)
class Cost:
    """The cost of one query for so many orders."""

    orders: int
    requests: int
    seconds: float
    #: The largest process, in MiB.
    memory: float
    calculated: bool = False


@dataclass(frozen=True)
class Figures:
    """Everything that was measured in one run."""

    machine: str
    #: By way, from few orders to many.
    costs: Mapping[str, list[Cost]]
    #: Seconds for 1,000 orders by ID, by the number of requests that were answered in a second (0: no limit).
    throttled: Mapping[int, float]

    def at(self, way: str, orders: int) -> Cost:
        """Return the measured cost, else a linear extrapolation from the two largest measurements."""
        costs = self.costs[way]
        if measured := next((cost for cost in costs if cost.orders == orders), None):
            return measured
        less, more = costs[-2:]

        def at(low: float, high: float) -> float:
            return high + (high - low) / (more.orders - less.orders) * (orders - more.orders)

        return Cost(
            orders,
            round(at(less.requests, more.requests)),
            at(less.seconds, more.seconds),
            at(less.memory, more.memory),
            calculated=True,
        )


def load() -> Figures:
    """Read the file."""
    data = json.loads(FIGURES.read_text(encoding="utf-8"))
    costs = {way: [Cost(**cost) for cost in costs] for way, costs in data["costs"].items()}
    return Figures(data["machine"], costs, {int(rate): seconds for rate, seconds in data["throttled"].items()})


def save(figures: Figures) -> None:
    """Write the file."""
    FIGURES.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")


def write_tables(page: str, figures: Figures) -> str:
    """Return the page with new tables."""
    tables = {
        "machine": f"{figures.machine}.",
        "costs": _costs(figures),
        "throttling": _throttling(figures),
        "intervals": _intervals(figures),
    }
    return _TABLES.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n\n{match[3]}", page)


def _costs(figures: Figures) -> str:
    rows = []
    for way, name in WAYS.items():
        for orders in SHOWN:
            cost = figures.at(way, orders)
            mark = "calculated" if cost.calculated else "measured"
            rows.append((name, f"{orders:,}", f"{cost.requests:,}", _time(cost.seconds), _memory(cost.memory), mark))
    return _table(("Way", "Orders", "Requests", "Time", "Memory", ""), rows)


def _throttling(figures: Figures) -> str:
    rows = [
        (f"{rate} requests a second" if rate else "no limit", _time(seconds))
        for rate, seconds in sorted(figures.throttled.items(), key=lambda item: item[0] or math.inf, reverse=True)
    ]
    return _table(("The gateway allows", "1,000 orders by ID take"), rows)


def _intervals(figures: Figures) -> str:
    asked = {way: figures.at(way, 1_000).requests for way in WAYS}
    rows = [
        ("`until` or the role, listing allowed", asked["until"]),
        ("`until` or the role, listing refused", asked["until"] + 1_000),
        ("a schedule with a host for each order", asked["schedule"]),
        ("the inventory, `page_size` 100", 1_000 // 100),
        ("the inventory, `page_size` 2000", asked["inventory"]),
        ("the event source", asked["event source"]),
    ]
    head = ("Way", "Requests for 1,000 orders", *(f"Shortest interval at {rate} a second" for rate in (1, 20)))
    return _table(head, [(name, f"{n:,}", *(_time(math.ceil(n / rate)) for rate in (1, 20))) for name, n in rows])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds == int(seconds) and seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _memory(mebibytes: float) -> str:
    return f"{mebibytes:.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"
