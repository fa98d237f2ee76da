# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the event source until each order is announced, and prints the seconds of its first query.

    python watch_orders.py SOURCE NUMBER_OF_ORDERS

The connection comes from the environment.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import time
from typing import Any


class Queue:
    """Counts events up to a number."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self.all_came = asyncio.Event()

    async def put(self, event: dict[str, Any]) -> None:
        """Take an event."""
        self._missing -= 1
        if not self._missing:
            self.all_came.set()


async def watch(source: str, expected: int) -> float:
    """Return the seconds from the start of the source to its last event. Raises the source's exceptions."""
    run_source = runpy.run_path(source)["main"]
    queue = Queue(expected)
    started = time.perf_counter()
    source_task = asyncio.create_task(run_source(queue, {}))
    came = asyncio.create_task(queue.all_came.wait())
    await asyncio.wait([source_task, came], return_when=asyncio.FIRST_COMPLETED)
    seconds = time.perf_counter() - started
    if not came.done():
        await source_task
    source_task.cancel()
    await asyncio.wait([source_task])
    return seconds


if __name__ == "__main__":
    print(asyncio.run(watch(sys.argv[1], int(sys.argv[2]))))
