# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook for each cell of cells.yml, and compares who was touched, who failed, and the exit code.

Prints a table. Exits with 1 when a cell came out otherwise, and shows what that run printed. Arguments are the names of
the cells to run; without any, all run. Writes its files into the working folder.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

#: An ansible-playbook keeps one core busy.
AT_A_TIME = 2

#: How long one run may take, in seconds.
TIMEOUT = 120

ROLE = "huaweicloud.cloudpond.delivery_order_gate"
SITES = ("ready-a", "coming-b", "ready-c")

Data = dict[str, t.Any]


class Cell(t.NamedTuple):
    """One run, and how it is to come out."""

    name: str
    playbook: str
    #: Of cells.yml.
    row: Data


class Outcome(t.NamedTuple):
    """How a run came out. The lists are of names of sites."""

    touched: list[str]
    #: Touched by the play after, which asks the fact.
    later: list[str]
    failed: list[str]
    rc: int


def gate(row: Data, way: str) -> Data:
    """
    :param way: include_role, import_role, or roles.
    :return: The entry of a play, which is a task unless the way is roles.
    """
    variables = {"delivery_order_gate_ids": ["{{ delivery_order_id }}"], "delivery_order_gate_retries": 0}
    variables |= {f"delivery_order_gate_{name}": value for name, value in row.get("gate", {}).items()}
    keywords = {"delegate_to": "localhost", **row.get("keywords", {})}
    if way == "roles":
        return {"role": ROLE, "vars": variables, **keywords}
    if way == "import_role":
        return {"name": "Gate", "ansible.builtin.import_role": {"name": ROLE}, "vars": variables, **keywords}
    include = {"name": ROLE, "apply": keywords}
    return {
        "name": "Gate",
        "ansible.builtin.include_role": include,
        "vars": variables,
        "tags": "always",
        **row.get("include", {}),
    }


def write_playbook(stem: str, row: Data, way: str, nested: str | None) -> str:
    """
    :param nested: The way in which the gate is taken in: include_tasks, import_tasks or import_playbook, or None.
    :return: The name of the playbook, for ansible-playbook.
    """

    def write(name: str, content: object) -> str:
        Path(f"{stem}{name}.yml").write_text(json.dumps(content, indent=2), encoding="utf-8")
        return f"{stem}{name}.yml"

    if "plays" in row:
        return write("", row["plays"])
    play: Data = {"name": "Provision", "hosts": "sites", "gather_facts": False, **row.get("play", {})}
    provision = {
        "name": "Provision the site",
        "ansible.builtin.debug": {"msg": "touched {{ inventory_hostname }}"},
        "tags": "provision",
    }
    entry = gate(row, way)
    if way == "roles":
        play |= {"roles": [entry], "tasks": [provision]}
    elif nested in ("include_tasks", "import_tasks"):
        outer = write("-inner", [entry])
        keywords = {"tags": "always"} if nested == "include_tasks" else {}
        play["tasks"] = [{"name": "Nest", f"ansible.builtin.{nested}": {"file": outer}, **keywords}, provision]
    else:
        play["tasks"] = [*row.get("before", []), entry, provision]
    after = {
        "name": "Ask the fact",
        "hosts": "sites",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Provision later",
                "ansible.builtin.debug": {"msg": "later {{ inventory_hostname }}"},
                "when": "delivery_order_gate_open | default(false)",
                "tags": "provision",
            }
        ],
    }
    if nested == "import_playbook":
        return write("", [{"ansible.builtin.import_playbook": write("-inner", [play])}, after])
    return write("", [play, after])


def cells(rows: list[Data], wanted: list[str]) -> t.Iterator[Cell]:
    """Yield a cell for each way in which a row is to be run."""
    for row in rows:
        for way in row.get("ways", ["include_role"]):
            for nested in row.get("nested", [None]):
                name = ", ".join(part for part in (row["name"], "" if "plays" in row else way, nested) if part)
                if wanted and row["name"] not in wanted and name not in wanted:
                    continue
                stem = re.sub(r"\W+", "-", name)
                yield Cell(name, write_playbook(stem, row, way, nested), row)


def run(cell: Cell) -> tuple[Outcome, str]:
    """Return how ansible-playbook came out, and what it printed."""
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "true", "ANSIBLE_FORCE_COLOR": "false"}
    process = subprocess.run(
        ["ansible-playbook", "-i", "inventory.json", cell.playbook, *cell.row.get("arguments", [])],
        env=environment | cell.row.get("environment", {}),
        input=cell.row.get("input", ""),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    printed = process.stdout
    recap = printed.rpartition("PLAY RECAP")[2]
    outcome = Outcome(
        sorted(set(re.findall(r'"touched (\S+)"', printed))),
        sorted(set(re.findall(r'"later (\S+)"', printed))),
        sorted(set(re.findall(r"^(\S+) .*(?:failed|unreachable)=[1-9]", recap, re.MULTILINE))),
        process.returncode,
    )
    return outcome, printed


def expected(row: Data) -> Outcome:
    """Return how a row is to come out."""
    touched = sorted(row["touched"])
    return Outcome(touched, sorted(row.get("later", touched)), sorted(row.get("failed", [])), row.get("rc", 0))


def main() -> int:
    """Run the command line."""
    inventory = {
        site: {"delivery_order_id": site, "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        for site in SITES
    }
    away = {"ansible_connection": "ssh", "ansible_ssh_executable": str(Path("no-ssh").resolve())}
    Path("inventory.json").write_text(
        json.dumps({"sites": {"hosts": inventory}, "elsewhere": {"hosts": {"away": away}}}), encoding="utf-8"
    )
    # As ssh does for a host that does not answer.
    Path("no-ssh").write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
    Path("no-ssh").chmod(0o700)
    provision = {"name": "Provision", "ansible.builtin.debug": {"msg": "touched {{ inventory_hostname }}"}}
    Path("provision.yml").write_text(json.dumps([provision]), encoding="utf-8")
    change = {"name": "Go on to the other", "ansible.builtin.set_fact": {"order_to_wait_for": "coming-b"}}
    Path("roles/change_the_order/tasks").mkdir(parents=True, exist_ok=True)
    Path("roles/change_the_order/tasks/main.yml").write_text(json.dumps([change]), encoding="utf-8")
    every = list(cells(yaml.safe_load(Path("cells.yml").read_text(encoding="utf-8")), sys.argv[1:]))
    width = max(len(cell.name) for cell in every)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for cell, (outcome, printed) in zip(every, pool.map(run, every)):
            right = expected(cell.row)
            missing = [each for each in cell.row.get("messages", []) if not re.search(each, printed)]
            columns = [" ".join(names) or "-" for names in outcome[:3]]
            print(f"{cell.name:{width}} | {' | '.join(columns)} | {outcome.rc}")
            if outcome != right or missing:
                bad += 1
                print(f"^^^ not {right}{f', or lacks {missing}' if missing else ''}\n{printed}\n")
    print(f"{len(every) - bad} of {len(every)} cells are right")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
