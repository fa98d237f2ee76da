# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives a secret in every place where one can be given, lets every kind of query fail, and looks for it everywhere.

    python canaries.py EMULATOR_URL PROXY_URL WAY

The way of the queries is here, in Ansible's own process, or shipped. It prints a line for each place, and exits with 1
when a secret came to light, or when nothing was echoed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

MODULE = "huaweicloud.cloudpond.cloudpond_delivery_order_info"
GATE = "huaweicloud.cloudpond.cloudpond_delivery_order_gate"
DOMAIN_ID = "0" * 32
CANARY = "canary-7f3Kq9+Xw2/secret-Zr8=="
PASSWORD = "canary-pw-9Lm4Tt6Vb1"

#: Orders of the emulator, one for each kind of failure.
ORDERS = ("ready", "echo-401", "echo-403", "away", "redirect", "odd")

CALLBACKS = ("ansible.builtin.tree", "ansible.builtin.junit", "huaweicloud.cloudpond.delivery_progress")

#: Else Ansible would look for a Python, which may lack requests.
PYTHON = {"ansible_python_interpreter": sys.executable}

#: The connection of each way. The short name stands for the one that ships everything.
LOCAL = {"here": "ansible.builtin.local", "shipped": "local"}

#: ansible-core itself writes the arguments of a shipped module there, and removes the file unless told to keep it.
KEPT = "AnsiballZ_"

#: With ANSIBLE_DEBUG, ansible-core prints the arguments of every shipped module in a line that has this.
DEBUG_LINE = "done with _execute_module"


@dataclass(frozen=True)
class Place:
    """A place for a secret: options of the module, variables of the environment, files, and keywords of the play."""

    name: str
    options: dict[str, t.Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    play: dict[str, t.Any] = field(default_factory=dict)
    command: str = "ansible-playbook"
    #: ansible-core shows the environment of a shipped module in the command that starts it.
    ways: tuple[str, ...] = ("here", "shipped")


def places(url: str, proxy: str) -> t.Iterator[Place]:
    """Yield each of them."""
    keys = {"access_key": "emulator-access-key", "secret_key": CANARY}
    fine = {"auth_token": "emulator-token"}
    variable = {"auth_token": "{{ token }}"}
    group = "group/huaweicloud.cloudpond.cloudpond"
    source: dict[str, t.Any] = {
        "plugin": "huaweicloud.cloudpond.delivery_orders",
        "endpoint": url,
        "auth_token": CANARY,
    }
    source.update(domain_id=DOMAIN_ID, delivery_order_ids=["echo-401"])
    yield Place("the option auth_token", {"auth_token": CANARY})
    yield Place("the options secret_key and security_token", {**keys, "security_token": CANARY})
    yield Place("HW_AUTH_TOKEN", environment={"HW_AUTH_TOKEN": CANARY})
    yield Place("HW_SECRET_KEY", environment={"HW_ACCESS_KEY": "emulator-access-key", "HW_SECRET_KEY": CANARY})
    content = f"[global]\nak = emulator-access-key\nsk = {CANARY}\n"
    yield Place("the SDK's file", files={"home/.huaweicloud/credentials": content})
    yield Place("module_defaults", play={"module_defaults": {group: {"auth_token": CANARY}}})
    yield Place("the keyword environment", play={"environment": {"HW_AUTH_TOKEN": CANARY}}, ways=("here",))
    content = json.dumps({"all": {"hosts": {"localhost": {"token": CANARY, **PYTHON}}}})
    yield Place("the inventory", variable, files={"inventory.json": content}, arguments=("-i", "inventory.json"))
    yield Place(
        "a vault",
        variable,
        files={"vaulted.yml": json.dumps({"token": CANARY}), "password": "vault-password"},
        arguments=("--vault-password-file", "password"),
        play={"vars_files": ["vaulted.yml"]},
    )
    yield Place(
        "the inventory plugin",
        files={"orders.cloudpond.yml": json.dumps(source)},
        arguments=("-i", "orders.cloudpond.yml", "--list"),
        command="ansible-inventory",
        ways=("here",),
    )
    yield Place(
        "the proxy's URL",
        {**fine, "endpoint": url.replace("http://", "https://")},
        environment={"HTTPS_PROXY": proxy.replace("://", f"://user:{PASSWORD}@"), "NO_PROXY": ""},
    )
    with_password = url.replace("://", f"://user:{PASSWORD}@")
    yield Place("the endpoint, which is refused", {**fine, "endpoint": with_password})
    content = f"machine 127.0.0.1\nlogin user\npassword {PASSWORD}\n"
    yield Place(".netrc, which is not for us", fine, files={"home/.netrc": content})
    yield Place(
        "a CA bundle that is a secret of something else",
        fine,
        environment={"REQUESTS_CA_BUNDLE": "bundle.pem"},
        files={"bundle.pem": f"-----BEGIN PRIVATE KEY-----\n{PASSWORD}\n-----END PRIVATE KEY-----\n"},
    )


def play_of(place: Place, url: str, way: str) -> dict[str, t.Any]:
    """Return a play that queries each order, waits at a gate for it, and keeps and shows all that comes of it."""
    options = {"endpoint": url, "domain_id": DOMAIN_ID, "timeout": 1, "max_retries": 0, **place.options}
    query = {"name": "Query", MODULE: {**options, "delivery_order_id": "{{ item }}"}, "loop": ORDERS}
    tasks: list[dict[str, t.Any]] = [{**query, "register": "results", "ignore_errors": True}]
    # The gate is never shipped.
    for order in ORDERS if way == "here" else ORDERS[1:2]:
        gate = {"name": "Gate", GATE: {**options, "delivery_order_id": order, "wait_timeout": 0}, "register": "gate"}
        tasks.append({"block": [gate], "rescue": [{"name": "Show", "ansible.builtin.debug": {"var": "gate"}}]})
    tasks.append({"name": "Show", "ansible.builtin.debug": {"var": "results"}})
    kept = {"results": "{{ results }}", "gate": "{{ gate }}", "cacheable": True}
    tasks.append({"name": "Keep", "ansible.builtin.set_fact": kept})
    variables = {"ansible_connection": LOCAL[way]}
    return {"hosts": "localhost", "vars": variables, "gather_facts": False, "tasks": tasks, **place.play}


def run(place: Place, folder: Path, url: str, way: str) -> str:
    """Run Ansible with everything that makes it talk, and return what it printed."""
    for name, content in place.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    if "password" in place.files:
        command = ["ansible-vault", "encrypt", "--vault-password-file", "password", "vaulted.yml"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "play.yml").write_text(json.dumps([play_of(place, url, way)]), encoding="utf-8")
    home, output = folder / "home", folder / "output"
    home.mkdir(exist_ok=True)
    output.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HW_", "HUAWEICLOUD_"))},
        "HOME": str(home),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(output / "facts"),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join(CALLBACKS),
        # Else this callback writes down the arguments of every task, of whatever module.
        "JUNIT_HIDE_TASK_ARGUMENTS": "true",
        "ANSIBLE_CALLBACK_TREE_DIR": str(output / "tree"),
        "JUNIT_OUTPUT_DIR": str(output / "junit"),
        "ANSIBLE_DEBUG": "true",
        "ANSIBLE_KEEP_REMOTE_FILES": "true",
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_LOCAL_TEMP": str(output / "local"),
        "ANSIBLE_REMOTE_TMP": str(output / "remote"),
        "ANSIBLE_LOG_PATH": str(output / "log"),
        "ANSIBLE_NOCOLOR": "true",
        **place.environment,
    }
    arguments = [*place.arguments, "-vvvv", *(["play.yml"] if place.command == "ansible-playbook" else [])]
    process = subprocess.run(
        [place.command, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in process.stdout.splitlines() if not (way == "shipped" and DEBUG_LINE in line)]
    (output / "printed").write_text("\n".join(lines), encoding="utf-8")
    return process.stdout


def forms(secret: str) -> set[bytes]:
    """Return how its beginning and its end may stand in a text: plain, encoded, and as a login is sent."""
    begin, end = secret[:16], secret[-12:-2]
    return {form.encode() for form in (begin, quote(begin), end)} | {base64.b64encode(secret.encode())}


def found_in(folder: Path) -> list[str]:
    """Return the files in which a secret is."""
    wanted = forms(CANARY) | forms(PASSWORD)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if any(form in path.read_bytes() for form in wanted)]


def main() -> int:
    """Run the command line."""
    url, proxy, way = sys.argv[1:]
    bad = echoes = 0
    for number, place in enumerate(places(url, proxy)):
        if way not in place.ways:
            continue
        folder = Path(f"run-{number}").resolve()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        printed = run(place, folder, url, way)
        found = [name for name in found_in(folder / "output") if KEPT not in name]
        echoes += printed.count("authentication information: ********")
        # Else nothing would be proved.
        asked = "Cannot query" in printed or "must name a file" in printed
        asked = asked and ('"open": false' in printed or place.command != "ansible-playbook")
        bad += bool(found) or not asked
        print(f"{place.name}, {way}: {', '.join(found) if found else 'in no output' if asked else 'not asked'}")
        if not asked:
            print(printed[-3000:])
    print(f"{echoes} echoes were masked")
    return 1 if bad or not echoes else 0


if __name__ == "__main__":
    sys.exit(main())
