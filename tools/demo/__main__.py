# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: the collection, built and installed as a user would, waits for an order of the emulator.

`make demo` runs it in an environment that has ansible-core and requests. It needs no network, and leaves nothing
behind except in that environment.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tests.emulator import Emulator

from ..dry_run import environment, install_collection, main, run_shown, say

ORDER_ID = "demo-0001"
# The life of a delivery, poll by poll, with an outage in the middle of it.
ORDER_LIFE = ("PROCESSING", "PROCESSING", "reset", "ACCEPTING", "SUCCESS")
DOMAIN_ID = "demo-domain"
TOKEN = "demo-token"


def demo(cache: Path) -> int:
    """Run the demo and return the exit code of the playbook."""
    install_collection(cache)
    life = f"{ORDER_ID}={','.join(ORDER_LIFE)}"
    with Emulator([life], token=TOKEN, domain_id=DOMAIN_ID) as emulator:
        say(f"The emulator is at {emulator.url}; the order {ORDER_ID} will be {', '.join(ORDER_LIFE)}.")
        connection = {
            "HW_CLOUDPOND_ENDPOINT": emulator.url,
            "HW_DOMAIN_ID": DOMAIN_ID,
            "HW_AUTH_TOKEN": TOKEN,
            # One request per query: the gate must show the outage, and the client's retries must not hide it.
            "HW_MAX_RETRIES": "0",
        }
        variables = {"id": ORDER_ID, "timeout": "60", "sleep": "1"}
        playbook = ["playbook", "huaweicloud.cloudpond.wait_for_delivery_order"]
        for name, value in variables.items():
            playbook += ["-e", f"wait_for_delivery_order_{name}={value}"]
        say("\n$ " + " ".join(f"{name}={value}" for name, value in connection.items()) + " \\")
        say(f"  ansible-{shlex.join(playbook)}")
        command = ["-m", "ansible", *playbook]
        status = run_shown(command, environment(cache, **connection), cwd=cache)
        requests = emulator.requests
    say(f"\nThe emulator got {len(requests)} requests, and answered:")
    for number, (request, step) in enumerate(zip(requests, ORDER_LIFE), 1):
        say(f"  {number}. {step}" + (f" (HTTP {request.status})" if request.status else ""))
    return status


if __name__ == "__main__":
    sys.exit(main(demo))
