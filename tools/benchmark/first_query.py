# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the event source until each order is announced, and prints the seconds of its first query.

    python first_query.py SOURCE NUMBER_OF_ORDERS

The connection comes from the environment.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import time
from typing import Any


class Counter:
    """Takes the place of the rulebook's queue."""

    events = 0

    async def put(self, event: dict[str, Any]) -> None:
        """Take an event."""
        self.events += 1


async def first_query(source: str, orders: int) -> float:
    """Return the seconds from the start of the source to its last event."""
    counter, started = Counter(), time.perf_counter()
    watching = asyncio.create_task(runpy.run_path(source)["main"](counter, {}))
    while counter.events < orders:
        await asyncio.sleep(0.005)
        if watching.done():
            await watching
    watching.cancel()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(asyncio.run(first_query(sys.argv[1], int(sys.argv[2]))))
