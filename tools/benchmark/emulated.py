# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an emulator with many orders in its own process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

from ..dry_run import ROOT, DryRunError

TOKEN = "benchmark-token"
DOMAIN_ID = "0" * 32
# As long as a real ID.
_ID_PREFIX = "00000000-0000-000-0000-"

# Seconds after which an emulator ends by itself if its parent is killed.
_STOPS_AFTER = 3600


@contextlib.contextmanager
def emulated(orders: int, *options: str) -> Iterator[str]:
    """
    Run an emulator with so many orders, all of which have succeeded, and yield its URL.

    It runs in its own process, so it takes no time from the measured client, and it always ends with the context.

    :param options: More options of the emulator's command line.
    :raises DryRunError: if it does not start.
    """
    account = ["--token", TOKEN, "--domain-id", DOMAIN_ID, "--stop-after", str(_STOPS_AFTER)]
    orders_option = ["--order", f"{_ID_PREFIX}{{{1:012}..{orders:012}}}=SUCCESS"]
    command = [sys.executable, "-m", "tests.emulator", *account, *orders_option, *options]
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = select.select([process.stdout], [], [], 30)[0]
            url = process.stdout.readline().strip() if ready else ""
            if not url.startswith("http://"):
                raise DryRunError("The emulator did not start.")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def requests_at(url: str) -> int:
    """Return the number of requests that an emulator got."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/emulator/requests", timeout=60) as journal:
        return len(json.load(journal))


def order_ids(count: int) -> list[str]:
    """Return the IDs of the first so many orders."""
    return [f"{_ID_PREFIX}{number:012}" for number in range(1, count + 1)]
