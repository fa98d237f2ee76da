# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark: the module compared with ansible.builtin.uri and a bare script, against the emulator.

`make benchmark` runs it in an environment that has ansible-core and requests. It needs no network, and leaves nothing
behind but the cache directory. The things that are compared are measured in turns, so that other work of the machine
affects all of them. It is not a test: the exit code is 0 even if an aim is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import resource
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from ..dry_run import DryRunError, environment, install_collection, main, run, say
from ..emulated import DOMAIN_ID, TOKEN, emulated, order_ids, requests_at

HERE = Path(__file__).resolve().parent

Seconds = list[float]

MODULE = "huaweicloud.cloudpond.cloudpond_delivery_order_info"
ORDERS = 1000
MANY_ORDERS = 20_000
LATENCY = 0.05

# The number of measurements of each. With latency, most of the time is waiting, and few runs give a stable median.
CALLS = 20
URI_LOOP = 20
TASKS, TASKS_WITH_LATENCY = 5, 2
QUERIES, QUERIES_WITH_LATENCY = 7, 2
LISTINGS = 3
THREADS = (1, 2, 3, 5, 8)
THREADS_ORDERS_WITH_LATENCY = 100
PRODUCT_THREADS = 5
BARE_THREADS = 8

AIM_CALL_URI, AIM_CALL_PING, AIM_SHIPPED = 0.15, 0.25, 1.04
AIM_BY_ID = 150
AIM_LISTED = 400
AIM_BARE, AIM_BARE_WITH_LATENCY = 1.6, 0.1
AIM_MEMORY = 150
AIM_MASKING = 1.5
AIM_EACH_HOST = 0.15
AIM_FLEET = 2
AIM_PROVISION = 40
AIM_INVENTORY = 0.25


def ansible_environment(cache: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a measurement. A bare Python can import the collection, too."""
    return environment(cache, HERE / "ansible.cfg", PYTHONPATH=str(cache / "collections"), **variables)


@dataclass(frozen=True)
class Task:
    """A task to time: its name, its content, and the number of orders it must return (None for other modules)."""

    name: str
    content: dict[str, Any]
    orders: int | None = None


def module_task(name: str, url: str, orders: int, **options: Any) -> Task:
    """Return a task of the module that must return so many orders."""
    connection = {"endpoint": url, "domain_id": DOMAIN_ID, "auth_token": TOKEN}
    return Task(name, {MODULE: {**connection, **options}}, orders)


def uri_task(name: str, url: str, loop: int = 0) -> Task:
    """Return a task of ansible.builtin.uri for one order, or for so many in a loop."""
    ids = order_ids(max(loop, 1))
    options = {
        "url": f"{url}/v2/{DOMAIN_ID}/delivery-orders/{'{{ item }}' if loop else ids[0]}",
        "headers": {"X-Auth-Token": TOKEN},
        "return_content": True,
    }
    return Task(name, {"ansible.builtin.uri": options, **({"loop": ids} if loop else {})})


def time_tasks(cache: Path, tasks: Sequence[Task], rounds: int, *, warm_up: Sequence[Task] = ()) -> dict[str, Seconds]:
    """Run the tasks in turns, all in one run of a playbook, and return the seconds of each by its name.

    A first round fills caches and isn't counted. If a round takes too long, ``warm_up`` takes its place.
    """
    sequence = [replace(task, name="warm-up") for task in warm_up or tasks]
    for number in range(rounds):
        # Each task is first, second and so on equally often.
        turn = number % len(tasks)
        sequence += [*tasks[turn:], *tasks[:turn]]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"name": task.name, **task.content} for task in sequence],
    }
    playbook, times = cache / "playbook.yml", cache / "times.jsonl"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    times.unlink(missing_ok=True)
    variables = ansible_environment(cache, BENCHMARK_TIMES=str(times))
    run(["-m", "ansible", "playbook", str(playbook)], variables, cwd=cache)
    entries = [json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()]
    if [(entry["task"], entry["orders"]) for entry in entries] != [(task.name, task.orders) for task in sequence]:
        raise DryRunError("The tasks did not return the expected orders.")
    seconds: dict[str, Seconds] = {task.name: [] for task in sequence}
    for entry in entries:
        seconds[entry["task"]].append(entry["seconds"])
    return seconds


def time_queries(
    cache: Path, url: str, orders: int, contestants: Sequence[tuple[str, int]], rounds: int
) -> dict[tuple[str, int], tuple[Seconds, Seconds]]:
    """Query orders in fresh processes, in turns: by ``client`` or ``bare``, each with so many threads.

    Returns the seconds of importing, and of querying.
    """
    times: dict[tuple[str, int], tuple[Seconds, Seconds]] = {contestant: ([], []) for contestant in contestants}
    for _round in range(rounds):
        for (by, threads), (importing, querying) in times.items():
            asked = {"by": by, "url": url, "token": TOKEN, "domain_id": DOMAIN_ID, "threads": threads}
            query = json.dumps({**asked, "order_ids": order_ids(orders)})
            answer = json.loads(
                run([str(HERE / "query_orders.py")], ansible_environment(cache), cwd=cache, stdin=query)
            )
            importing.append(answer["import"])
            querying.append(answer["query"])
    return times


class Table:
    """The figures, line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._aims = 0
        self._missed = 0

    def heading(self, text: str) -> None:
        """Begin a part of the table."""
        self._lines += ["", text]

    def times(self, label: str, seconds: Seconds, factor: float = 1) -> None:
        """Add the median and the range of some times, multiplied by a factor."""
        low, middle, high = (factor * each for each in (min(seconds), median(seconds), max(seconds)))
        self._line(label, _duration(middle), f"{_duration(low)} to {_duration(high)}")

    def figure(self, label: str, figure: float, form: str, *, least: float = 0, most: float = math.inf) -> None:
        """Add a figure, and whether it reaches its aim, if it has one."""
        aim = f"aim: at least {least}" if least else f"aim: at most {most}" if math.isfinite(most) else ""
        if aim:
            missed = not least <= figure <= most
            self._aims += 1
            self._missed += missed
            aim += "   MISSED <----" if missed else "   met"
        self._line(label, form.format(figure), aim)

    def _line(self, label: str, figure: str, more: str) -> None:
        self._lines.append(f"  {label:<58} {figure:>9}   {more}".rstrip())

    def show(self) -> None:
        """Print it."""
        for line in self._lines:
            say(line)
        say(f"\n{self._missed} of {self._aims} aims missed." if self._missed else f"\nAll {self._aims} aims met.")


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def measure_call(cache: Path, table: Table, url: str) -> None:
    """(a): one call of the module, in both ways, and of others."""
    say(f"(a) One call: {CALLS} each of the module in both ways, uri and ping ...")
    module, uri = module_task("module", url, 1, delivery_order_id=order_ids(1)[0]), uri_task("uri", url)
    shipped = replace(module, name="shipped", content={**module.content, "environment": {"LC_ALL": "C.UTF-8"}})
    times = time_tasks(cache, [module, shipped, uri, Task("ping", {"ansible.builtin.ping": {}})], CALLS)
    middle = {name: median(seconds) for name, seconds in times.items()}
    table.heading("(a) One call, as a task")
    table.times("the module, in Ansible's own process", times["module"])
    table.times("the module, shipped", times["shipped"])
    table.times("ansible.builtin.uri", times["uri"])
    table.times("ansible.builtin.ping", times["ping"])
    table.figure("in Ansible's own process / uri", middle["module"] / middle["uri"], "{:.2f}", most=AIM_CALL_URI)
    table.figure("in Ansible's own process / ping", middle["module"] / middle["ping"], "{:.2f}", most=AIM_CALL_PING)
    table.figure("shipped / uri", middle["shipped"] / middle["uri"], "{:.2f}", most=AIM_SHIPPED)
    table.figure("shipped / ping", middle["shipped"] / middle["ping"], "{:.2f}")


def measure_many(cache: Path, table: Table, url: str, *, late: bool) -> Seconds:
    """(b) and (c): many orders in one task, and in a loop. Returns the seconds of the task by ID."""
    part, rounds = ("(c)", TASKS_WITH_LATENCY) if late else ("(b)", TASKS)
    with_latency = f", with {LATENCY * 1000:.0f} ms of latency" if late else ""
    say(f"{part} {ORDERS:,} orders in one task, and uri over {URI_LOOP}, {rounds} times each{with_latency} ...")
    by_id = module_task("by ID", url, ORDERS, delivery_order_ids=order_ids(ORDERS))
    listed, loop = module_task("listed", url, ORDERS), uri_task("uri", url, loop=URI_LOOP)
    times = time_tasks(cache, [by_id, listed, loop], rounds, warm_up=[listed, uri_task("uri", url)])
    scale = ORDERS // URI_LOOP
    table.heading(f"{part} {ORDERS:,} orders{with_latency}")
    table.times("the module, by ID, one task", times["by ID"])
    table.times("the module, listed, one task", times["listed"])
    table.times(f"a loop of ansible.builtin.uri over {URI_LOOP}, x {scale}", times["uri"], scale)
    looped = median(times["uri"]) * scale
    aims = (0, 0) if late else (AIM_BY_ID, AIM_LISTED)
    for name, aim in zip(("by ID", "listed"), aims):
        table.figure(f"uri / module, {name}", looped / median(times[name]), "{:.0f}", least=aim)
    return times["by ID"]


def measure_limit(cache: Path, table: Table, url: str, task: Seconds, *, late: bool) -> None:
    """(d): the client and a bare script."""
    rounds = QUERIES_WITH_LATENCY if late else QUERIES
    with_latency = f", with {LATENCY * 1000:.0f} ms of latency" if late else ""
    say(f"(d) {ORDERS:,} orders by ID, and a bare script, {rounds} times each{with_latency} ...")
    client, bare, alike = ("client", PRODUCT_THREADS), ("bare", BARE_THREADS), ("bare", PRODUCT_THREADS)
    before = requests_at(url)
    times = time_queries(cache, url, ORDERS, [client], rounds)
    asked = (requests_at(url) - before) / rounds
    times.update(time_queries(cache, url, ORDERS, [bare, alike], rounds))
    table.heading(f"(d) {ORDERS:,} orders by ID{with_latency}, and a bare script")
    table.times("the client, imports excluded", times[client][1])
    table.figure("  requests of the client", asked, "{:.0f}", most=3)
    table.times(f"the bare script, {BARE_THREADS} threads, import excluded", times[bare][1])
    table.times(f"the bare script, {PRODUCT_THREADS} threads, import excluded", times[alike][1])
    for other, most in ((bare, AIM_BARE_WITH_LATENCY if late else AIM_BARE), (alike, math.inf)):
        ratio = median(times[client][1]) / median(times[other][1])
        table.figure(f"client / bare script with {other[1]} threads", ratio, "{:.2f}", most=most)
    if not late:
        table.times("importing the client, and requests with it", times[client][0])
        table.times("importing requests", times[bare][0])
    table.times("the module's whole task, from above", task)


def measure_threads(cache: Path, table: Table, url: str, orders: int, *, late: bool) -> None:
    """(f): the client with more and fewer threads."""
    rounds = QUERIES_WITH_LATENCY if late else QUERIES
    with_latency = f", with {LATENCY * 1000:.0f} ms of latency" if late else ""
    numbers = ", ".join(map(str, THREADS))
    say(f"(f) {orders:,} orders by ID with {numbers} threads, {rounds} times each{with_latency} ...")
    times = time_queries(cache, url, orders, [("client", threads) for threads in THREADS], rounds)
    table.heading(
        f"(f) {orders:,} orders{with_latency} that are in no listing, by threads (the product has {PRODUCT_THREADS})"
    )
    for threads in THREADS:
        table.times(f"{threads} thread{'s' if threads > 1 else ''}", times["client", threads][1])


def measure_memory(cache: Path, table: Table, url: str) -> None:
    """(e): the peak of the module's process while it lists."""
    say(f"(e) Listing {MANY_ORDERS:,} orders, and the memory it takes, {LISTINGS} times each ...")
    one = module_task("one order, for comparison", url, 1, delivery_order_id=order_ids(1)[0])
    # Shipped, because otherwise it has no process of its own.
    default = module_task(f"{MANY_ORDERS:,} orders, page_size 100", url, MANY_ORDERS)
    largest = module_task(f"{MANY_ORDERS:,} orders, page_size 2000", url, MANY_ORDERS, page_size=2000)
    tasks, peaks = [], {}
    for number, task in enumerate((one, default, largest)):
        interpreter, peaks[task.name] = cache / f"python-{number}", cache / f"peaks-{number}"
        peaks[task.name].unlink(missing_ok=True)
        # Ansible takes the name of one program, without arguments.
        command = shlex.join([sys.executable, str(HERE / "measured_python.py"), str(peaks[task.name])])
        interpreter.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        interpreter.chmod(0o755)
        variables = {"ansible_python_interpreter": str(interpreter)}
        shipped = {"vars": variables, "environment": {"LC_ALL": "C.UTF-8"}}
        tasks.append(replace(task, content={**task.content, **shipped}))
    times = time_tasks(cache, tasks, LISTINGS, warm_up=[one])
    # Linux counts in KiB, macOS in bytes.
    unit = 1024**2 if sys.platform == "darwin" else 1024
    table.heading("(e) Peak memory of the module's process while it lists")
    for task in tasks:
        peak = max(int(line) / unit for line in peaks[task.name].read_text(encoding="utf-8").split())
        table.figure(task.name, peak, "{:.0f} MiB", most=AIM_MEMORY if task is not tasks[0] else math.inf)
    for task in tasks[1:]:
        table.times(f"{task.name}: the task", times[task.name])


def measure_masking(cache: Path, table: Table) -> None:
    """(h): a listing whose names are escaped, and one of ASCII names."""
    say(f"(h) Reading and masking {MANY_ORDERS:,} orders, by the encoding of their names ...")
    query = json.dumps({"orders": MANY_ORDERS, "rounds": LISTINGS})
    script = str(HERE / "mask_orders.py")
    answer = json.loads(run([script], ansible_environment(cache), cwd=cache, stdin=query))
    table.heading(f"(h) Reading and masking {MANY_ORDERS:,} orders")
    base = median(answer["ASCII, a secret of 32 characters"])
    for label, seconds in answer.items():
        table.times(label, seconds)
        table.figure("  of ASCII with the short secret", median(seconds) / base, "{:.2f}", most=AIM_MASKING)


def measure_inventory(cache: Path, table: Table, url: str) -> None:
    """(i): the inventory and a static one of as many hosts with the same variables."""
    say(f"(i) An inventory of {MANY_ORDERS:,} hosts, ours and a static one ...")
    ours, static = cache / "orders.cloudpond.yml", cache / "static.yml"
    connection = {"endpoint": url, "domain_id": DOMAIN_ID, "auth_token": TOKEN}
    plugin = {"plugin": "huaweicloud.cloudpond.delivery_orders", "page_size": 2000, "hostname": "{{ id }}"}
    ours.write_text(json.dumps({**plugin, **connection}), encoding="utf-8")
    seconds: dict[Path, float] = {}
    output = ""
    for path in (ours, static):
        if path is static:
            static.write_text(_static(output), encoding="utf-8")
        started = time.perf_counter()
        output = run(["-m", "ansible", "inventory", "-i", str(path), "--list"], ansible_environment(cache), cwd=cache)
        seconds[path] = time.perf_counter() - started
        if len(json.loads(output)["_meta"]["hostvars"]) != MANY_ORDERS:
            raise DryRunError(f"The inventory {path.name} has not all hosts.")
    table.heading(f"(i) ansible-inventory --list, {MANY_ORDERS:,} hosts: one run each, Ansible's own start included")
    table.figure("the inventory delivery_orders", seconds[ours], "{:.1f} s")
    table.figure("a static YAML file", seconds[static], "{:.1f} s")
    table.figure("ours / static", seconds[ours] / seconds[static], "{:.2f}", most=AIM_INVENTORY)


def _static(listing: str) -> str:
    """Return an inventory file, in YAML, with the hosts and variables of a listing."""
    hosts = json.loads(listing)["_meta"]["hostvars"]
    lines = ["all:", "  hosts:"]
    for name, variables in hosts.items():
        lines.append(f"    {name}:")
        lines += [f"      delivery_order_id: {variables['delivery_order_id']}", "      delivery_order:"]
        lines += [f"        {key}: {json.dumps(value)}" for key, value in variables["delivery_order"].items()]
    return "\n".join([*lines, ""])


#: The tasks that gate a fleet: each host by itself, or all together, with a check for each host or one for all.
EACH_HOST = [
    {
        "name": "Gate the host",
        MODULE: {"delivery_order_id": "{{ delivery_order_id }}"},
        "register": "delivery",
        "failed_when": "delivery is not huaweicloud.cloudpond.delivery_order_succeeded",
    }
]
URI_EACH_HOST = [
    {
        "name": "Query the host's order",
        "ansible.builtin.uri": {
            "url": f"{{{{ endpoint }}}}/v2/{DOMAIN_ID}/delivery-orders/{{{{ delivery_order_id }}}}",
            "headers": {"X-Auth-Token": TOKEN},
            "return_content": True,
        },
        "register": "delivery",
        "failed_when": "delivery.json.delivery_order.status != 'SUCCESS'",
    }
]
IDS_OF_HOSTS = "groups['all'] | map('extract', hostvars, 'delivery_order_id') | list"
ALL_HOSTS = {
    "name": "Gate all hosts",
    "ansible.builtin.include_role": {
        "name": "huaweicloud.cloudpond.delivery_order_gate",
        "apply": {"run_once": True, "delegate_to": "localhost"},
    },
    "vars": {"delivery_order_gate_ids": f"{{{{ {IDS_OF_HOSTS} }}}}"},
    "run_once": True,
}
ONE_CHECK = {
    "name": "Make sure that the order of every host is among those that have succeeded",
    "ansible.builtin.assert": {
        "that": f"{IDS_OF_HOSTS} | difference(delivery_order_gate_orders | map(attribute='id')) | length == 0"
    },
    "run_once": True,
    "delegate_to": "localhost",
}
CHECK_OF_EACH = [
    {
        "name": "Make a dictionary of what each host looks up",
        "ansible.builtin.set_fact": {"statuses": "{{ dict(ids | zip(values)) }}"},
        "vars": {
            "ids": "{{ delivery_order_gate_orders | map(attribute='id') }}",
            "values": "{{ delivery_order_gate_orders | map(attribute='status') }}",
        },
        "run_once": True,
        "delegate_to": "localhost",
    },
    {
        "name": "Leave out a host whose order is not among those that have succeeded",
        "ansible.builtin.meta": "end_host",
        "when": "statuses[delivery_order_id] | default('') != 'SUCCESS'",
    },
]


def measure_fleet(cache: Path, table: Table) -> None:
    """(g): a thousand hosts, each with its order."""
    hosts = {f"site-{number:04}": {"delivery_order_id": each} for number, each in enumerate(order_ids(ORDERS), 1)}
    inventory, playbook = cache / "fleet-inventory.json", cache / "fleet.yml"
    # Ansible's own Python stands for that of the hosts, because the search for a Python is not part of a gate.
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
    wall: dict[str, float] = {}
    cpu: dict[str, float] = {}
    asked: dict[str, int] = {}
    uri, each = "ansible.builtin.uri, on each host", "the module, on each host"
    provision = "the playbook provision_ready_sites"
    contestants: dict[str, list[Any]] = {
        uri: URI_EACH_HOST,
        each: EACH_HOST,
        "the role once, a check on each host": [ALL_HOSTS, *CHECK_OF_EACH],
        "the role once, one check of all hosts": [ALL_HOSTS, ONE_CHECK],
        provision: [],
    }
    tasks_file = cache / "provision.yml"
    tasks_file.write_text(json.dumps([{"name": "Provision", "ansible.builtin.meta": "noop"}]), encoding="utf-8")
    for label, tasks in contestants.items():
        say(f"(g) A fleet of {ORDERS:,} hosts: {label} ...")
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        with emulated(ORDERS) as url:
            connection = {"HW_CLOUDPOND_ENDPOINT": url, "HW_DOMAIN_ID": DOMAIN_ID, "HW_AUTH_TOKEN": TOKEN}
            # The plugin that measures tasks works for one host only.
            output = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline"}
            used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            arguments = ["-m", "ansible", "playbook", "-i", str(inventory), "-e", f"endpoint={url}"]
            if label == provision:
                arguments += ["huaweicloud.cloudpond.provision_ready_sites", "-e", f"provision_tasks_file={tasks_file}"]
            else:
                arguments.append(str(playbook))
            run(arguments, ansible_environment(cache, **connection, **output), cwd=cache)
            wall[label] = time.perf_counter() - started
            more = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu[label] = more.ru_utime + more.ru_stime - used.ru_utime - used.ru_stime
            asked[label] = requests_at(url)
    table.heading(f"(g) A fleet of {ORDERS:,} hosts, each with its order: one run each, Ansible's own start included")
    for label in contestants:
        table.figure(label, wall[label], "{:.1f} s", most=AIM_PROVISION if label == provision else math.inf)
        table.figure("  CPU", cpu[label], "{:.1f} s")
        table.figure("  requests", asked[label], "{:,}", most=ORDERS)
        if label != uri:
            share, most = 100 * wall[label] / wall[uri], math.inf
            if label != provision:
                most = 100 * AIM_EACH_HOST if label == each else AIM_FLEET
            table.figure("  of uri's wall time", share, "{:.1f} %", most=most)


def benchmark(cache: Path) -> int:
    """Measure everything, and print the table."""
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"ansible-core {version('ansible-core')}, requests {version('requests')}, urllib3 {version('urllib3')}"
    )
    say(f"{machine}; load {os.getloadavg()[0]:.2f} (on a machine that is busy with other things, figures mean little).")
    install_collection(cache, ansible_environment(cache))
    table = Table()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(emulated(ORDERS))
        late_url = stack.enter_context(emulated(ORDERS, LATENCY))
        # If the credential may not list, each order is queried by its ID.
        by_id_url = stack.enter_context(emulated(ORDERS, listing="http:403"))
        late_by_id_url = stack.enter_context(emulated(ORDERS, LATENCY, listing="http:403"))
        many_url = stack.enter_context(emulated(MANY_ORDERS))
        stack.callback(say, "The emulators are stopped.")
        measure_call(cache, table, url)
        task = measure_many(cache, table, url, late=False)
        late_task = measure_many(cache, table, late_url, late=True)
        measure_limit(cache, table, url, task, late=False)
        measure_limit(cache, table, late_url, late_task, late=True)
        measure_memory(cache, table, many_url)
        measure_threads(cache, table, by_id_url, ORDERS, late=False)
        measure_threads(cache, table, late_by_id_url, THREADS_ORDERS_WITH_LATENCY, late=True)
        measure_masking(cache, table)
        measure_inventory(cache, table, many_url)
    measure_fleet(cache, table)
    say(f"\n{machine}\nMedians, and the range from the shortest to the longest")
    table.show()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache-dir", type=Path, required=True, help="where to install the collection")
    cache_dir = parser.parse_args().cache_dir.resolve()
    sys.exit(main(lambda: benchmark(cache_dir)))
