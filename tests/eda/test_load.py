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
import threading
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

BLOCKED_MAX = 0.1
#: Bytes. One list of the orders has more.
GROWTH_MAX = 100_000


class Queue:
    """Counts the events."""

    def __init__(self) -> None:
        self.count = 0

    async def put(self, event: dict[str, t.Any]) -> None:
        self.count += 1


class Lag(t.NamedTuple):
    """How long the event loop was not free, in seconds."""

    #: The longest time that it came too late to a task that was due. A machine that is busy with something else, or a
    #: wait in the wrong place, causes it.
    late: float
    #: The longest time that its own thread computed at a stretch. The machine has no part in that.
    busy: float


async def worst_lag(seconds: float) -> Lag:
    """Measure for so long."""
    late = busy = 0.0
    end = time.monotonic() + seconds
    while (due := time.monotonic() + 0.005) < end:
        computed = time.thread_time()
        await asyncio.sleep(0.005)
        late = max(late, time.monotonic() - due)
        busy = max(busy, time.thread_time() - computed)
    return Lag(late, busy)


def memory() -> int:
    """Return the bytes in use, without what is only waiting to be collected."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def watch(url: str) -> tuple[list[Lag], list[int], int]:
    """Run the source, and return the lags and the bytes in use, both window by window, and the number of events."""
    queue = Queue()
    args = {
        "endpoint": url,
        "domain_id": "00000000000000000000000000000000",
        "auth_token": "emulator-token",
        "delivery_order_ids": [f"site-{number:03}" for number in range(1, ORDERS + 1)],
        "interval": 1,
    }
    task = asyncio.create_task(runpy.run_path(str(SOURCE))["main"](queue, args))
    # The first queries load what Python loads late, and fill the source's state.
    await asyncio.sleep(2 * WINDOW)
    lags: list[Lag] = []
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
            threads = threading.active_count()
            tracemalloc.start()
            lags, sizes, events = asyncio.run(watch(url))
        finally:
            tracemalloc.stop()
            emulator.kill()
    late = [round(lag.late * 1000) for lag in lags]
    busy = [round(lag.busy * 1000) for lag in lags]
    print(f"\nthe event loop, in ms: late {late}, busy {busy}; bytes in use: {sizes}; events: {events}")
    assert events == 3 * ORDERS
    assert max(lag.busy for lag in lags) < BLOCKED_MAX
    # Each window has a query: one on the event loop would delay all of them.
    assert min(lag.late for lag in lags) < BLOCKED_MAX
    # Of several, because an answer may just be being read.
    assert min(sizes[-3:]) - min(sizes[:2]) < GROWTH_MAX
    deadline = time.monotonic() + 2
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads
