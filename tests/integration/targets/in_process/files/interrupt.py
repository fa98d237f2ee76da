# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interrupts a playbook that waits, in every way, and fails if anything goes on.

Usage: interrupt.py URL, of the emulator.
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

#: Seconds that the end may take, and seconds to see whether anybody still asks. On a quiet machine the end takes about
#: one, of which most is Ansible's own; what would go on goes on for minutes.
MOST = 6.0
AFTER = 2.5


def requests(url: str) -> int:
    """Return how many requests there have been."""
    with urllib.request.urlopen(f"{url}/emulator/requests") as answer:
        return len(json.load(answer))


def processes(mark: str) -> list[int]:
    """Return the processes whose command line has the mark."""
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if mark in line]


def interrupt(url: str, mode: str, number: signal.Signals | None, *, group: bool = False) -> None:
    """
    Start the playbook, interrupt it while it waits, and look what goes on.

    :param mode: What it waits for.
    :param number: Without a signal, the task times out.
    :param group: Whether the signal goes to all of its processes, as Ctrl-C in a terminal does.
    """
    mark = f"mark={mode}-{number}-{group}-{os.getpid()}"
    command = ["ansible-playbook", "interrupted.yml", "-e", f"mode={mode}", "-e", mark]
    command += [] if number else ["-e", "seconds=1"]
    # ansible-test sets it, and Ansible then waits ten seconds for its workers before it ends them.
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"}
    before = requests(url)
    asked = 2 if mode == "answer" else 1
    # A session of its own has a process group of its own.
    with subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL) as playbook:
        while requests(url) < before + asked:
            time.sleep(0.1)
            if playbook.poll() is not None:
                sys.exit(f"{mark}: the playbook ended by itself, with {playbook.returncode}")
        # Ansible itself is between two tasks at that moment.
        time.sleep(1)
        begun = time.monotonic()
        if number and group:
            os.killpg(playbook.pid, number)
        elif number:
            os.kill(playbook.pid, number)
        try:
            while processes(mark):
                playbook.poll()
                time.sleep(0.05)
                if time.monotonic() - begun > MOST:
                    sys.exit(f"{mark}: processes are left after {MOST} s")
        finally:
            for process in processes(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
    there = requests(url)
    time.sleep(AFTER)
    if requests(url) > there:
        sys.exit(f"{mark}: {requests(url) - there} requests came after the end")
    print(f"{mark}: ended after {time.monotonic() - begun - AFTER:.1f} s")


def main() -> None:
    """Run the command line."""
    # A shell in the background leaves its children deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    url = sys.argv[1]
    interrupt(url, "answer", None)
    interrupt(url, "gate", None)
    for mode in ("answer", "one", "delivery", "gate"):
        interrupt(url, mode, signal.SIGINT, group=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            interrupt(url, mode, number)


if __name__ == "__main__":
    main()
