# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the cost of each way of waiting, for 1 to 100,000 orders, against the emulator.

`make scale` runs it. It writes the figures, the tables of docs/scale.md and the plot. With --draw, it writes the tables
and the plot from the existing figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..dry_run import environment, install_collection, main, run, say
from ..emulated import DOMAIN_ID, TOKEN, emulated, order_ids, requests_at
from . import figures as scale
from .figures import Cost, Figures
from .plot import PLOT, draw

HERE = Path(__file__).resolve().parent
COLLECTION = "huaweicloud.cloudpond"

ORDERS = (1, 10, 100, 1_000, 10_000, 100_000)
#: With more hosts, Ansible itself takes minutes for a task on each.
SCHEDULE_ORDERS_MAX = 1_000

THROTTLES = (0, 100, 20)
THROTTLED_ORDERS = 1_000


def run_measured(arguments: list[str], variables: dict[str, str], cwd: Path) -> tuple[float, float, str]:
    """
    Run this Python, and return the seconds, the memory of its largest process in MiB, and its last line before that.

    :raises DryRunError: if it fails (see run).
    """
    started = time.perf_counter()
    output = run([str(HERE / "measured.py"), sys.executable, *arguments], variables, cwd=cwd)
    seconds = time.perf_counter() - started
    lines = output.split("\n")
    return seconds, float(lines[-2]), lines[-3] if len(lines) > 2 else ""


def write_json(path: Path, content: Any) -> str:
    """Write a file of YAML, in the form of JSON, and return its name."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path.name


def play(cache: Path, ids: list[str], tasks: list[dict[str, Any]]) -> list[str]:
    """Return a command that runs tasks on the control node, with the IDs as the variable ``ids``."""
    write_json(cache / "ids.json", {"ids": ids})
    content = [{"hosts": "localhost", "gather_facts": False, "vars_files": ["ids.json"], "tasks": tasks}]
    return ["-m", "ansible", "playbook", write_json(cache / "play.yml", content)]


def until(cache: Path, ids: list[str]) -> list[str]:
    """A task with until."""
    task = {
        "name": "Wait for the orders",
        f"{COLLECTION}.cloudpond_delivery_order_info": {"delivery_order_ids": "{{ ids }}"},
        "register": "deliveries",
        "until": f"deliveries is {COLLECTION}.delivery_order_settled",
        "failed_when": f"deliveries is not {COLLECTION}.delivery_order_succeeded",
    }
    return play(cache, ids, [task])


def role(cache: Path, ids: list[str]) -> list[str]:
    """The role, once for all orders."""
    gate = {"name": f"{COLLECTION}.delivery_order_gate"}
    variables = {"delivery_order_gate_ids": "{{ ids }}"}
    return play(cache, ids, [{"name": "Wait", "ansible.builtin.import_role": gate, "vars": variables}])


def schedule(cache: Path, ids: list[str]) -> list[str]:
    """The playbook provision_ready_sites, in which each host queries its order."""
    hosts = {f"site-{number:06}": {"delivery_order_id": each} for number, each in enumerate(ids, 1)}
    inventory = write_json(cache / "sites.json", {"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}})
    tasks = write_json(cache / "provision.yml", [{"name": "Provision", "ansible.builtin.meta": "noop"}])
    extra = ["-e", f"provision_tasks_file={cache / tasks}"]
    return ["-m", "ansible", "playbook", "-i", inventory, f"{COLLECTION}.provision_ready_sites", *extra]


def inventory(cache: Path, ids: list[str]) -> list[str]:
    """A play on the group cloudpond_success."""
    source = {"plugin": f"{COLLECTION}.delivery_orders", "page_size": 2000, "hostname": "{{ id }}"}
    tasks = [{"name": "Provision", "ansible.builtin.meta": "noop"}]
    content = [{"hosts": "cloudpond_success", "gather_facts": False, "tasks": tasks}]
    files = ["-i", write_json(cache / "orders.cloudpond.yml", source), write_json(cache / "play.yml", content)]
    return ["-m", "ansible", "playbook", *files]


def event_source(cache: Path, ids: list[str]) -> list[str]:
    """The first query of the event source, for all orders of the account."""
    installed = cache / "collections" / "ansible_collections" / "huaweicloud" / "cloudpond"
    source = installed / "extensions" / "eda" / "plugins" / "event_source" / "delivery_orders.py"
    return [str(HERE / "watch_orders.py"), str(source), str(len(ids))]


COMMANDS: dict[str, Callable[[Path, list[str]], list[str]]] = {
    "until": until,
    "role": role,
    "schedule": schedule,
    "inventory": inventory,
    "event source": event_source,
}


def connection(url: str) -> dict[str, str]:
    """Return the environment variables that lead to an emulator."""
    return {"HW_CLOUDPOND_ENDPOINT": url, "HW_DOMAIN_ID": DOMAIN_ID, "HW_AUTH_TOKEN": TOKEN}


def measure(cache: Path, way: str, orders: int) -> Cost:
    """Query so many orders once in one way, and return the cost."""
    say(f"{orders:,} orders, by {way} ...")
    command = COMMANDS[way](cache, order_ids(orders))
    with emulated(orders) as url:
        variables = environment(cache, HERE / "ansible.cfg", **connection(url))
        seconds, memory, text = run_measured(command, variables, cache)
        if way == "event source":
            # In production, the process of ansible-rulebook is already running.
            seconds = float(text)
        return Cost(orders, requests_at(url), round(seconds, 3), round(memory, 1))


def measure_throttled(cache: Path, rate: int) -> float:
    """Return the seconds of querying orders by their IDs while the gateway allows so many requests in a second."""
    say(f"{THROTTLED_ORDERS:,} orders by ID, of which the gateway allows {rate or 'any number'} a second ...")
    # Only with a credential that may not list, so many orders are queried one by one.
    with emulated(THROTTLED_ORDERS, listing="http:403", throttle=rate) as url:
        # The waits are measured here, so the retries must not run out.
        variables = environment(cache, HERE / "ansible.cfg", **connection(url), HW_MAX_RETRIES="100")
        return round(run_measured(until(cache, order_ids(THROTTLED_ORDERS)), variables, cache)[0], 1)


def measure_all(cache: Path) -> int:
    """Measure everything, and write the figures."""
    install_collection(cache, environment(cache, HERE / "ansible.cfg"))
    machine = (
        f"{platform.system()} on {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"ansible-core {version('ansible-core')}, requests {version('requests')}"
    )
    costs = {
        way: [measure(cache, way, orders) for orders in ORDERS if way != "schedule" or orders <= SCHEDULE_ORDERS_MAX]
        for way in COMMANDS
    }
    throttled = {rate: measure_throttled(cache, rate) for rate in THROTTLES}
    scale.save(Figures(machine, costs, throttled))
    return write()


def write() -> int:
    """Write the tables and the plot from the figures."""
    figures = scale.load()
    scale.PAGE.write_text(scale.write_tables(scale.PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    draw(figures)
    say(f"Wrote {scale.PAGE} and {PLOT}.")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache-dir", type=Path, required=True, help="where to install the collection")
    parser.add_argument("--draw", action="store_true", help="only write the tables and the plot from the figures")
    options = parser.parse_args()
    cache_dir = options.cache_dir.resolve()
    sys.exit(main(write if options.draw else lambda: measure_all(cache_dir)))
