# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interrupts a playbook that waits, in every way, and fails if anything goes on.

Usage: interrupt.py URL, of the emulator.

Each way has orders of its own, whose names end in its number, so that several can run at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

#: Seconds that the end may take, and seconds to see whether anybody still asks. On a quiet machine the end takes about
#: one, of which most is Ansible's own; what would go on goes on for minutes.
MOST = 6.0
AFTER = 2.5

#: Most of the time is spent waiting.
AT_A_TIME = 3


class Way(NamedTuple):
    """A way to interrupt the playbook."""

    #: What the playbook waits for.
    mode: str
    #: None for a task that times out.
    number: signal.Signals | None
    #: Whether the signal goes to all of its processes, as Ctrl-C in a terminal does.
    group: bool = False


def every_way() -> list[Way]:
    """Return all of them."""
    signals = [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGKILL, False)]
    modes = ("answer", "one", "delivery", "gate")
    return [Way("answer", None), Way("gate", None), *(Way(mode, *each) for mode in modes for each in signals)]


def requests(url: str, suffix: str) -> int:
    """Return how many requests for orders with this suffix there have been."""
    with urllib.request.urlopen(f"{url}/emulator/requests") as answer:
        return sum((request["delivery_order_id"] or "").endswith(suffix) for request in json.load(answer))


def processes(mark: str) -> list[int]:
    """Return the processes whose command line has the mark."""
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if mark in line]


def interrupt(url: str, index: int, way: Way) -> str:
    """Start the playbook, interrupt it while it waits, see what goes on, and return what went wrong."""
    suffix = f"-{index:02}"
    mark = f"mark={way.mode}-{way.number}-{way.group}-{os.getpid()}"
    command = ["ansible-playbook", "interrupted.yml", "-e", f"mode={way.mode}", "-e", f"suffix={suffix}", "-e", mark]
    command += [] if way.number else ["-e", "seconds=1"]
    # ansible-test sets it, and Ansible then waits ten seconds for its workers before it ends them.
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"}
    asked = 2 if way.mode == "answer" else 1
    # A session of its own has a process group of its own.
    with subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL) as playbook:
        while requests(url, suffix) < asked:
            time.sleep(0.1)
            if playbook.poll() is not None:
                return f"{mark}: the playbook ended by itself, with {playbook.returncode}"
        # Ansible itself is between two tasks at that moment.
        time.sleep(1)
        begun = time.monotonic()
        if way.number:
            (os.killpg if way.group else os.kill)(playbook.pid, way.number)
        try:
            while processes(mark):
                playbook.poll()
                time.sleep(0.05)
                if time.monotonic() - begun > MOST:
                    return f"{mark}: processes are left after {MOST} s"
        finally:
            for process in processes(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
    ended = time.monotonic() - begun
    there = requests(url, suffix)
    time.sleep(AFTER)
    if requests(url, suffix) > there:
        return f"{mark}: {requests(url, suffix) - there} requests came after the end"
    print(f"{mark}: ended after {ended:.1f} s", flush=True)
    return ""


def main() -> int:
    """Run the command line."""
    # A shell in the background leaves its children deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ways = every_way()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        wrong = list(pool.map(interrupt, [sys.argv[1]] * len(ways), range(1, len(ways) + 1), ways))
    print("\n".join(filter(None, wrong)))
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
