# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo of the event source: a playbook starts when an order of the emulator succeeds.

`make demo-events` runs it in an environment that has ansible-rulebook, which needs Java. It needs no network, and
leaves nothing behind except in that environment.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from tests.emulator import Emulator

from ..dry_run import DryRunError, environment, install_collection, main, run_shown, say

ORDER_ID = "demo-0001"
# The life of a delivery, query by query, with an outage in the middle of it.
ORDER_LIFE = "PROCESSING*2,ACCEPTING*2,SUCCESS"
LISTING = "ok*2,reset,ok"
HERE = Path(__file__).resolve().parent


def demo(cache: Path) -> int:
    """Run the demo and return the exit code of ansible-rulebook."""
    java = shutil.which("java")
    if java is None and "JAVA_HOME" not in os.environ:
        raise DryRunError("ansible-rulebook needs Java 17 or newer: install it, or set JAVA_HOME.")
    # ansible-rulebook itself does not look in the PATH.
    java_home = os.environ.get("JAVA_HOME") or str(Path(java or "").resolve().parents[1])
    install_collection(cache)
    provision = cache / "provision.yml"
    provision.write_text(
        "- name: Provision the site\n"
        "  ansible.builtin.debug:\n"
        '    msg: "{{ inventory_hostname }} is provisioned: its order is {{ delivery_order.status }}"\n',
        encoding="utf-8",
    )
    inventory = cache / "inventory.yml"
    inventory.write_text(
        "sites:\n  hosts:\n    edge-site-1:\n      ansible_connection: local\n"
        f"      delivery_order_id: {ORDER_ID}\n      provision_tasks_file: {provision}\n",
        encoding="utf-8",
    )
    with Emulator([f"{ORDER_ID}={ORDER_LIFE}"], listing=LISTING) as emulator:
        say(f"The emulator is at {emulator.url}; the order {ORDER_ID} will be {ORDER_LIFE}, with an outage.")
        connection = {
            "HW_CLOUDPOND_ENDPOINT": emulator.url,
            "HW_DOMAIN_ID": "0" * 32,
            "HW_AUTH_TOKEN": "emulator-token",
            # The event source must show the outage, and the client's retries must not hide it.
            "HW_MAX_RETRIES": "0",
        }
        command = ["--rulebook", str(HERE / "events_rulebook.yml"), "--inventory", str(inventory)]
        say("\n$ " + " ".join(f"{name}={value}" for name, value in connection.items()) + " \\")
        say(f"  ansible-rulebook {shlex.join(command)}")
        variables = environment(cache, **connection, JAVA_HOME=java_home, PYTHONUNBUFFERED="1")
        status = run_shown(["-m", "ansible_rulebook", *command], variables, cwd=cache)
        asked = [request.user_agent or "" for request in emulator.requests]
    by_source = sum("ansible-rulebook" in agent for agent in asked)
    say(f"\nThe event source sent {by_source} requests to the emulator, the playbook {len(asked) - by_source}.")
    return status


if __name__ == "__main__":
    sys.exit(main(demo))
