# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs what is measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..dry_run import environment, install_collection, run
from .emulated import DOMAIN_ID, TOKEN, order_ids, requests_at

HERE = Path(__file__).resolve().parent

Tasks = list[dict[str, Any]]


@dataclass(frozen=True)
class Cost:
    """The cost of a command."""

    seconds: float
    #: Seconds of CPU time, of all its processes.
    cpu: float
    #: MiB, of its largest process.
    memory: float
    requests: int
    output: str


class Runs:
    """Runs commands with the installed collection."""

    def __init__(self, cache: Path) -> None:
        """Install the collection."""
        self.cache = cache
        install_collection(cache)
        self.collection = cache / "collections" / "ansible_collections" / "huaweicloud" / "cloudpond"

    def write(self, name: str, content: Any) -> str:
        """Write a file of YAML, in the form of JSON, and return its path."""
        path = self.cache / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    def play(self, tasks: Tasks, variables: dict[str, Any] | None = None) -> list[str]:
        """Return a command that runs tasks on the control node."""
        files = [self.write("vars.json", variables or {})]
        content = [{"hosts": "localhost", "gather_facts": False, "vars_files": files, "tasks": tasks}]
        return ["-m", "ansible", "playbook", self.write("play.yml", content)]

    def fleet(self, orders: int) -> list[str]:
        """Return the beginning of a command for hosts with an order each."""
        hosts = {f"site-{number:06}": {"delivery_order_id": each} for number, each in enumerate(order_ids(orders), 1)}
        # Ansible's own Python stands for that of the hosts: the search for a Python is no part of a gate.
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = self.write("sites.json", {"all": {"hosts": hosts, "vars": variables}})
        return ["-m", "ansible", "playbook", "-i", inventory]

    def play_on_fleet(self, orders: int, tasks: Tasks) -> list[str]:
        """Return a command that runs tasks on such hosts."""
        content = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        return [*self.fleet(orders), self.write("play.yml", content)]

    def measure(self, url: str, arguments: Sequence[str], stdin: str = "", **variables: str) -> Cost:
        """
        Run this Python with an emulator, to its end.

        :raises DryRunError: if it fails (see run).
        """
        connection = {"HW_CLOUDPOND_ENDPOINT": url, "HW_DOMAIN_ID": DOMAIN_ID, "HW_AUTH_TOKEN": TOKEN}
        path = {"PYTHONPATH": str(self.cache / "collections")}
        every = environment(self.cache, **connection, **path, **variables)
        before = requests_at(url)
        command = [str(HERE / "measured.py"), sys.executable, *arguments]
        output = run(command, every, cwd=self.cache, stdin=stdin)
        text, _newline, usage = output.rstrip("\n").rpartition("\n")
        seconds, cpu, memory = json.loads(usage)
        return Cost(seconds, cpu, memory, requests_at(url) - before, text)
