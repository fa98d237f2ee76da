# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hundred orders, watched every second: the event loop must stay free, and the memory flat."""

from __future__ import annotations

import asyncio
import gc
import os
import runpy
import subprocess
import sys
import time
import tracemalloc
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "delivery_orders.py"

ORDERS = 200
#: A longer run takes the variable, and tells the figures when pytest is given -s.
SECONDS = float(os.environ.get("EDA_LOAD_SECONDS", "10"))
#: Seconds of one measurement of the loop, in which there is at least one query.
WINDOW = 2.0
#: Seconds that each answer takes: a query on the event loop would block it for as long.
LATENCY = 0.3

LATE_MAX = 0.1
#: Bytes. One list of the orders has more.
GROWTH_MAX = 100_000


class Queue:
    """Counts the events."""

    def __init__(self) -> None:
        self.count = 0

    async def put(self, event: dict[str, t.Any]) -> None:
        self.count += 1


async def worst_lag(seconds: float) -> float:
    """Return the longest time, in seconds, that the event loop came too late to a task that was due."""
    late = 0.0
    end = time.monotonic() + seconds
    while (due := time.monotonic() + 0.005) < end:
        await asyncio.sleep(0.005)
        late = max(late, time.monotonic() - due)
    return late


def memory() -> int:
    """Return the bytes in use, without what is only waiting to be collected."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def watch(url: str) -> tuple[list[float], list[int], int]:
    """Run the source, and return the lags and the bytes in use, both window by window, and the number of events."""
    queue = Queue()
    ids = [f"site-{number:03}" for number in range(1, ORDERS + 1)]
    connection = {"endpoint": url, "domain_id": "0" * 32, "auth_token": "emulator-token"}
    args = {**connection, "delivery_order_ids": ids, "interval": 1}
    task = asyncio.create_task(runpy.run_path(str(SOURCE))["main"](queue, args))
    # The first queries load what Python loads late, and fill the source's state.
    await asyncio.sleep(2 * WINDOW)
    lags: list[float] = []
    sizes = [memory()]
    for _window in range(max(3, round(SECONDS / WINDOW))):
        lags.append(await worst_lag(WINDOW))
        sizes.append(memory())
    assert not task.done(), task.exception()
    task.cancel()
    await asyncio.wait([task])
    return lags, sizes, queue.count


def test_two_hundred_orders_every_second() -> None:
    life = f"site-{{001..{ORDERS}}}=PROCESSING@3,ACCEPTING@3,SUCCESS"
    command = [sys.executable, "-m", "tests.emulator", "--latency", str(LATENCY), "--order", life]
    # In a process of its own: its work would count as the source's.
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            url = emulator.stdout.readline().strip()
            tracemalloc.start()
            lags, sizes, events = asyncio.run(watch(url))
        finally:
            tracemalloc.stop()
            emulator.kill()
    print(f"\nthe event loop came late, in s: {lags}; bytes in use: {sizes}; events: {events}")
    assert events == 3 * ORDERS
    # Each window has a query: one on the event loop would delay all of them. A busy machine delays some.
    assert min(lags) < LATE_MAX
    # Of several, because an answer may just be being read.
    assert min(sizes[-3:]) - min(sizes[:2]) < GROWTH_MAX
