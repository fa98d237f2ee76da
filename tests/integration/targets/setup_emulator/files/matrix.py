# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook for each cell of a file, and compares who was touched, who failed, and the exit code.

    python matrix.py CELLS.yml

Prints a table in Markdown. Exits with 1 when a cell came out otherwise, and shows what that run printed. Writes its
files into the working folder.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import yaml
from ansible.release import __version__ as ansible_version

#: An ansible-playbook keeps one core busy.
AT_A_TIME = 2

#: How long one run may take, in seconds.
TIMEOUT = 120

GATE = "huaweicloud.cloudpond.cloudpond_delivery_order_gate"
SITES = ("ready-a", "coming-b", "ready-c")
INVENTORY = "inventory.json"

Data = dict[str, t.Any]


class Cell(t.NamedTuple):
    """One run, and how it is to come out."""

    name: str
    inventory: str
    playbook: str
    #: Of the file of cells.
    row: Data


class Outcome(t.NamedTuple):
    """How a run came out. The lists are of names of sites."""

    touched: list[str]
    #: Touched by the play after.
    later: list[str]
    failed: list[str]
    rc: int


def write(name: str, content: object) -> str:
    """Write a file, which may be in a folder, and return its name."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    return name


class Playbook:
    """The playbook of a cell, made of its row."""

    def __init__(self, stem: str, row: Data, way: str) -> None:
        """
        :param stem: What the names of its files begin with.
        :param way: How the play takes in the gate.
        """
        self._stem = stem
        self._row = row
        self._way = way
        self._written = 0

    def write(self) -> str:
        """Write it, and return its name."""
        if "plays" in self._row:
            return write(f"{self._stem}.yml", self._fill(self._row["plays"]))
        tasks = self._row.get("tasks", ["gate", "touch"])
        play = {"name": "Provision", "hosts": "sites", "gather_facts": False, **self._row.get("play", {})}
        if self._way == "roles":
            play["roles"] = [{"role": self._role([self._gate({})]), **self._row.get("around", {})}]
            tasks = [task for task in tasks if task != "gate"]
        play = self._fill({**play, "tasks": tasks})
        if self._way == "import_playbook":
            play = {"ansible.builtin.import_playbook": write(f"{self._stem}-inner.yml", [play])}
        later = self._touch("later", {"when": "gate.open | default(false)"})
        after = {"name": "Go on", "hosts": "sites", "gather_facts": False, "tasks": [later]}
        return write(f"{self._stem}.yml", [play, after])

    def _fill(self, value: t.Any) -> t.Any:
        """Put the tasks into a part of a playbook: a list's items gate, touch and later stand for them."""
        if isinstance(value, dict):
            return {key: self._fill(each) for key, each in value.items()}
        if not isinstance(value, list):
            return value
        return [self._task(each) for each in value]

    def _task(self, item: t.Any) -> t.Any:
        name, keywords = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else (item, {})
        if name == "gate":
            return self._take_in(self._gate(keywords))
        if name in ("touch", "later"):
            return self._touch(name, keywords)
        return self._fill(item)

    def _gate(self, keywords: Data) -> Data:
        given = {"register": "gate", "tags": "always", **self._row.get("gate", {}), **keywords}
        own = {"wait_timeout": 0, **given.pop("options", {})}
        if "delivery_order_ids" not in own:
            own = {"delivery_order_id": "{{ delivery_order_id }}", **own}
        return {"name": "Gate", GATE: own, **given}

    def _touch(self, name: str, keywords: Data) -> Data:
        given = {"when": "gate.open", "tags": "provision", **self._row.get("touch", {}), **keywords}
        msg = {"msg": f"{'touched' if name == 'touch' else name} {{{{ inventory_hostname }}}}"}
        given = {keyword: value for keyword, value in given.items() if value is not None}
        return {"name": "Provision the site", "ansible.builtin.debug": msg, **given}

    def _role(self, tasks: list[Data]) -> str:
        self._written += 1
        name = f"{self._stem}-{self._written}"
        write(f"roles/{name}/tasks/main.yml", tasks)
        return name

    def _take_in(self, gate: Data) -> Data:
        if self._way in ("task", "import_playbook"):
            return gate
        around = {"name": "Take in the gate", **self._row.get("around", {})}
        if self._way == "block":
            return {**around, "block": [gate]}
        if self._way.startswith("include"):
            around = {"tags": "always", **around}
        role = self._role([gate])
        what = {"name": role} if self._way.endswith("role") else {"file": f"roles/{role}/tasks/main.yml"}
        return {f"ansible.builtin.{self._way}": {**what, **around.pop("with", {})}, **around}


def cells(rows: list[Data]) -> t.Iterator[Cell]:
    """Yield a cell for each way in which a row is to be run."""
    for row in rows:
        for way in row.get("ways", ["task"]):
            name = f"{row['name']}, {way}" if "ways" in row else row["name"]
            stem = re.sub(r"\W+", "_", name)
            playbook = row["playbook"] if "playbook" in row else Playbook(stem, row, way).write()
            inventory = write_inventory(f"{stem}-inventory.json", row["sites"]) if "sites" in row else INVENTORY
            yield Cell(name, inventory, playbook, row)


def run(cell: Cell) -> tuple[Outcome, str]:
    """Return how ansible-playbook came out, and what it printed."""
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "true", "ANSIBLE_FORCE_COLOR": "false"}
    process = subprocess.run(
        ["ansible-playbook", "-i", cell.inventory, cell.playbook, *cell.row.get("arguments", [])],
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
    if tuple(map(int, ansible_version.split(".")[:2])) < (2, 21):
        row = {**row, **row.get("before_2_21", {})}
    touched, failed = sorted(row["touched"]), sorted(row.get("failed", []))
    return Outcome(touched, sorted(row.get("later", touched)), failed, row.get("rc", 2 if failed else 0))


def write_inventory(name: str, sites: t.Mapping[str, Data]) -> str:
    """Write an inventory of sites with their variables, at which nothing answers, and return its name."""
    hosts = {site: {**away(), **variables} for site, variables in sites.items()}
    return write(name, {"sites": {"hosts": hosts}})


def away() -> Data:
    """Return the variables of a host that does not answer."""
    return {"ansible_connection": "ssh", "ansible_ssh_executable": str(Path("no-ssh").resolve())}


def write_surroundings() -> None:
    """Write down what all cells share."""
    # Nothing answers there: a gate connects to nothing. As ssh does for a host that does not answer.
    Path("no-ssh").write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
    Path("no-ssh").chmod(0o700)
    write_inventory(INVENTORY, {site: {"delivery_order_id": site} for site in SITES})
    write("localhost.json", {"all": {"hosts": {"localhost": away()}}})
    # A script may name a host as it likes.
    Path("port.sh").write_text("""#!/bin/sh\necho '{"sites": {"hosts": ["edge:1"]}}'\n""", encoding="utf-8")
    Path("port.sh").chmod(0o700)
    for word, file in (("touched", "provision.yml"), ("later", "provision_later.yml")):
        msg = {"msg": f"{word} {{{{ inventory_hostname }}}}"}
        write(file, [{"name": "Provision", "ansible.builtin.debug": msg, "tags": "provision"}])


def main() -> int:
    """Run the command line."""
    began = time.monotonic()
    write_surroundings()
    every = list(cells(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    print(f"| ansible-core {ansible_version} | touched | by the play after | failed | exit code |")
    print("|---|---|---|---|---|")
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for cell, (outcome, printed) in zip(every, pool.map(run, every)):
            right = expected(cell.row)
            missing = [each for each in cell.row.get("messages", []) if not re.search(each, printed)]
            surplus = [each for each in cell.row.get("lacks", []) if re.search(each, printed)]
            columns = [" ".join(names) or "-" for names in outcome[:3]]
            print(f"| {cell.name} | {' | '.join(columns)} | {outcome.rc} |")
            if outcome != right or missing or surplus:
                bad += 1
                why = f"{f', or lacks {missing}' if missing else ''}{f', or has {surplus}' if surplus else ''}"
                print(f"^^^ not {right}{why}\n{printed}\n")
    print(f"\n{len(every) - bad} of {len(every)} cells are right, after {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
