# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of the benchmark. Each measures, and returns its table."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any

from ..dry_run import ROOT, say
from .emulated import DOMAIN_ID, TOKEN, emulated, order_ids
from .page import aim, draw, duration, table
from .runs import HERE, Cost, Runs, Tasks

COLLECTION = "huaweicloud.cloudpond"
INFO = f"{COLLECTION}.cloudpond_delivery_order_info"
GATE = f"{COLLECTION}.cloudpond_delivery_order_gate"
#: Makes the info modules run as on any other host, where they are shipped.
SHIPPED = {"ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests/integration/targets/setup_emulator/files/shipped")}
LATENCY = ("--latency", "0.05")

AIM_CALL_URI, AIM_GATE_DEBUG, AIM_PROVISION, AIM_MEMORY = 0.15, 1.4, 1.3, 150


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    #: Tasks in a play, and plays of each kind.
    calls: int = 40
    rounds: int = 3
    #: Orders in one task, and hosts of a fleet.
    orders: int = 1_000
    listed: int = 20_000
    waits: tuple[int, ...] = (1, 10, 100, 1_000, 10_000, 100_000)
    #: With more hosts, Ansible itself takes minutes for each task.
    hosts: int = 1_000


THOROUGH = Sizes()
QUICK = Sizes(calls=3, rounds=1, orders=30, listed=2_000, waits=(1, 100), hosts=100)


def machine() -> str:
    """Return a line about this machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "requests", "urllib3"))
    where = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} cores"
    return f"{where}, Python {platform.python_version()}, {packages}."


def uri(url: str, order_id: str, **keywords: Any) -> dict[str, Any]:
    """Return a task of ansible.builtin.uri for one order."""
    options = {"headers": {"X-Auth-Token": TOKEN}, "return_content": True}
    order = f"{url}/v2/{DOMAIN_ID}/delivery-orders/{order_id}"
    return {"ansible.builtin.uri": {"url": order, **options}, **keywords}


def measure_call(runs: Runs, sizes: Sizes) -> str:
    """One call: the difference between plays with many tasks and with one."""
    (order_id,) = order_ids(1)
    with emulated(1) as url:
        info, gate = {INFO: {"delivery_order_id": order_id}}, {GATE: {"delivery_order_id": order_id}}
        contestants: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
            "`cloudpond_delivery_order_info`, in Ansible's own process": (info, {}),
            "`cloudpond_delivery_order_info`, shipped": (info, SHIPPED),
            "`cloudpond_delivery_order_gate`, the order delivered": (gate, {}),
            "`ansible.builtin.uri`, the same request": (uri(url, order_id), {}),
            "`ansible.builtin.ping`": ({"ansible.builtin.ping": {}}, {}),
            "`ansible.builtin.debug`": ({"ansible.builtin.debug": {}}, {}),
        }
        times: dict[str, list[float]] = {label: [] for label in contestants}
        for _round in range(sizes.rounds):
            for label, (task, variables) in contestants.items():
                one, many = (
                    runs.measure(url, runs.play([task] * count), **variables).seconds for count in (1, sizes.calls + 1)
                )
                times[label].append((many - one) / sizes.calls)
    of_uri = median(times["`ansible.builtin.uri`, the same request"])
    rows = []
    for label, seconds in times.items():
        ratio = median(seconds) / of_uri
        shown = aim(ratio, AIM_CALL_URI) if label.endswith("own process") else f"{ratio:.2f}"
        spread = f"{duration(min(seconds))} to {duration(max(seconds))}"
        rows.append((label, duration(median(seconds)), spread, shown))
    return table(("Task", "Median", "Range", "Of `uri`"), rows)


def measure_many(runs: Runs, sizes: Sizes) -> str:
    """Many orders in one command, near and far."""
    looped, ids = min(20, sizes.orders), order_ids(sizes.orders)
    columns: list[dict[str, Cost]] = []
    for latency in ((), LATENCY):
        costs: dict[str, Cost] = {}
        with emulated(sizes.orders, *latency) as url:
            by_id = [{INFO: {"delivery_order_ids": "{{ ids }}"}}]
            costs["the info module, by ID"] = runs.measure(url, runs.play(by_id, {"ids": ids}))
            costs["the info module, the whole account"] = runs.measure(url, runs.play([{INFO: {}}]))
            gate: Tasks = [{GATE: {"delivery_order_ids": "{{ ids }}"}}]
            costs["the gate"] = runs.measure(url, runs.play(gate, {"ids": ids}))
            loop = [uri(url, "{{ item }}", loop="{{ ids }}")]
            few = runs.measure(url, runs.play(loop, {"ids": ids[:looped]}))
            one = runs.measure(url, runs.play(loop, {"ids": ids[:1]}))
            seconds = one.seconds + (few.seconds - one.seconds) / (looped - 1) * (sizes.orders - 1)
            costs[f"a loop of `uri`, calculated from {looped}"] = Cost(seconds, 0, 0, sizes.orders, "")
        with emulated(sizes.orders, *latency, "--listing", "http:403") as url:
            label = "the info module, by ID, a credential that may not list"
            costs[label] = runs.measure(url, runs.play(by_id, {"ids": ids}))
        columns.append(costs)
    near, far = columns
    rows = [
        (label, duration(cost.seconds), duration(far[label].seconds), f"{cost.requests:,}")
        for label, cost in near.items()
    ]
    return table((f"{sizes.orders:,} orders", "Time", "50 ms away", "Requests"), rows)


def measure_fleet(runs: Runs, sizes: Sizes) -> str:
    """Hosts with an order each."""
    debug: dict[str, Any] = {"ansible.builtin.debug": {"msg": "{{ delivery_order_id }}"}}
    tasks_file = runs.write("provision.yml", [{"name": "Provision", **debug}])
    own = {"delivery_order_id": "{{ delivery_order_id }}"}
    of_all = {"delivery_order_ids": "{{ ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id') }}"}
    when_open: dict[str, Any] = {**debug, "when": "gate.open"}
    plays: dict[str, Tasks] = {
        "`debug` on each": [debug],
        "the gate on each": [{GATE: own, "register": "gate"}],
        "the info module on each": [{INFO: own}],
        "`uri` on each": [],
        "the gate once for all, `debug` on each": [{GATE: of_all, "register": "gate", "run_once": True}, when_open],
        "the included tasks alone": [{"ansible.builtin.include_tasks": tasks_file}],
        "`provision_ready_sites` with the same tasks": [],
    }
    base = {
        "the gate on each": ("`debug` on each", AIM_GATE_DEBUG),
        "`provision_ready_sites` with the same tasks": ("the included tasks alone", AIM_PROVISION),
    }
    costs: dict[str, Cost] = {}
    rows = []
    for label, tasks in plays.items():
        say(f"  {label} ...")
        with emulated(sizes.orders) as url:
            if label.startswith("`provision_ready_sites`"):
                playbook = [f"{COLLECTION}.provision_ready_sites", "-e", f"provision_tasks_file={tasks_file}"]
                command = [*runs.fleet(sizes.orders), *playbook]
            else:
                command = runs.play_on_fleet(sizes.orders, tasks or [uri(url, "{{ delivery_order_id }}")])
            cost = costs[label] = runs.measure(url, command)
        other, most = base.get(label, ("", 0))
        compared = f"{aim(cost.seconds / costs[other].seconds, most)} of {other}" if other else ""
        rows.append((label, duration(cost.seconds), duration(cost.cpu), f"{cost.requests:,}", compared))
    return table((f"{sizes.orders:,} hosts", "Time", "CPU", "Requests", "Compared"), rows)


def measure_memory(runs: Runs, sizes: Sizes) -> str:
    """The process of a shipped module."""
    rows = []
    with emulated(sizes.listed) as url:
        queries: dict[str, dict[str, Any]] = {
            "one order": {"delivery_order_id": order_ids(1)[0]},
            f"{sizes.listed:,} orders, `page_size` 100": {},
            f"{sizes.listed:,} orders, `page_size` 2000": {"page_size": 2000},
        }
        for label, options in queries.items():
            arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "domain_id": DOMAIN_ID}})
            module = f"ansible_collections.{COLLECTION}.plugins.modules.cloudpond_delivery_order_info"
            cost = runs.measure(url, ["-m", module], arguments)
            met = "met" if cost.memory <= AIM_MEMORY else "**missed**"
            rows.append((label, f"{cost.memory:.0f} MiB (aim: at most {AIM_MEMORY}, {met})", duration(cost.seconds)))
    return table(("Query", "Memory", "Time"), rows)


def wait_until(runs: Runs, ids: list[str]) -> list[str]:
    """A task with until."""
    settled, succeeded = (f"deliveries is {COLLECTION}.delivery_order_{word}" for word in ("settled", "succeeded"))
    wait = {"register": "deliveries", "until": settled, "failed_when": f"not ({succeeded})"}
    return runs.play([{INFO: {"delivery_order_ids": "{{ ids }}"}, **wait}], {"ids": ids})


def wait_at_gate(runs: Runs, ids: list[str]) -> list[str]:
    """The gate, once for all orders."""
    return runs.play([{GATE: {"delivery_order_ids": "{{ ids }}"}}], {"ids": ids})


def wait_by_schedule(runs: Runs, ids: list[str]) -> list[str]:
    """The playbook provision_ready_sites, with a host for each order."""
    tasks_file = runs.write("provision.yml", [{"name": "Provision", "ansible.builtin.meta": "noop"}])
    playbook = [f"{COLLECTION}.provision_ready_sites", "-e", f"provision_tasks_file={tasks_file}"]
    return [*runs.fleet(len(ids)), *playbook]


def wait_by_inventory(runs: Runs, ids: list[str]) -> list[str]:
    """A play on the group cloudpond_success."""
    source = {"plugin": f"{COLLECTION}.delivery_orders", "page_size": 2000, "hostname": "{{ id }}"}
    tasks = [{"name": "Provision", "ansible.builtin.meta": "noop"}]
    play = runs.write("play.yml", [{"hosts": "cloudpond_success", "gather_facts": False, "tasks": tasks}])
    return ["-m", "ansible", "playbook", "-i", runs.write("orders.cloudpond.yml", source), play]


def wait_for_events(runs: Runs, ids: list[str]) -> list[str]:
    """The first query of the event source."""
    source = runs.collection / "extensions" / "eda" / "plugins" / "event_source" / "delivery_orders.py"
    return [str(HERE / "first_query.py"), str(source), str(len(ids))]


WAYS: dict[str, Callable[[Runs, list[str]], list[str]]] = {
    "`until`": wait_until,
    "the gate": wait_at_gate,
    "`provision_ready_sites`": wait_by_schedule,
    "the inventory": wait_by_inventory,
    "the event source": wait_for_events,
}


def measure_waiting(runs: Runs, sizes: Sizes) -> str:
    """Each way of waiting, for few orders and for many. Draws the plot, too."""
    curves: dict[str, dict[int, float]] = {}
    rows = []
    for name, command in WAYS.items():
        curves[name] = {}
        cells = []
        for orders in sizes.waits:
            if command in (wait_by_schedule, wait_by_inventory) and orders > sizes.hosts:
                cells.append("not measured")
                continue
            say(f"  {orders:,} orders, {name} ...")
            with emulated(orders) as url:
                cost = runs.measure(url, command(runs, order_ids(orders)))
            # In production, the process of ansible-rulebook is already running.
            seconds = float(cost.output) if command is wait_for_events else cost.seconds
            curves[name][orders] = seconds
            plural = "" if cost.requests == 1 else "s"
            cells.append(f"{duration(seconds)}, {cost.memory:.0f} MiB, {cost.requests:,} request{plural}")
        rows.append((name, *cells))
    shown = sizes.waits
    if sizes is THOROUGH:
        draw(curves)
        # The plot has the sizes between these.
        shown = (1, 1_000, 100_000)
        rows = [(row[0], *(row[1 + sizes.waits.index(orders)] for orders in shown)) for row in rows]
    return table(("Way", *(f"{orders:,} order{'' if orders == 1 else 's'}" for orders in shown)), rows)


QUESTIONS: dict[str, Callable[[Runs, Sizes], str]] = {
    "call": measure_call,
    "many": measure_many,
    "fleet": measure_fleet,
    "memory": measure_memory,
    "waiting": measure_waiting,
}
