# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source and the rulebooks, as ansible-rulebook itself runs them from the installed collection."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.emulator import Emulator
from tests.emulator._orders import OrderPlan, parse_orders
from tests.runner.installation import PATIENCE, ROOT, install
from tools.docs.examples import blocks_in

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIN = Path(sys.executable).parent
TOKEN = "MIIF/secret+token=="


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the collection, built and installed as users do it."""
    return install(tmp_path_factory.mktemp("collections")).path


class Rulebook:
    """An ansible-rulebook that is running."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def output(self) -> str:
        """Its output so far, of both streams."""
        return self.log.read_text(encoding="utf-8")

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Wait for something that is to happen while it runs."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send it a signal, and return the seconds that it then took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - started


Start = t.Callable[..., Rulebook]


@pytest.fixture
def rulebook(collections: Path, tmp_path: Path) -> Iterator[Start]:
    """Start rulebooks of the collection, in an environment with nothing of the person's own."""
    with contextlib.ExitStack() as stack:

        def start(name: str, emulator: Emulator, *options: str) -> Rulebook:
            variables = {
                "ANSIBLE_COLLECTIONS_PATH": str(collections),
                "ANSIBLE_LOCALHOST_WARNING": "0",
                "HOME": str(tmp_path),
                "HW_AUTH_TOKEN": TOKEN,
                "HW_CLOUDPOND_ENDPOINT": emulator.url,
                "HW_DOMAIN_ID": "00000000000000000000000000000000",
                # The source's own patience is to be seen, and not that of the client below it.
                "HW_MAX_RETRIES": "0",
                "JAVA_HOME": os.environ.get("JAVA_HOME", ""),
                "LANG": "C.UTF-8",
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "PYTHONUNBUFFERED": "1",
            }
            (tmp_path / "variables.yml").write_text("delivery_order_interval: 1\n", encoding="utf-8")
            log = tmp_path / "output.txt"
            command = [str(BIN / "ansible-rulebook"), "-r", f"huaweicloud.cloudpond.{name}", "-e", "variables.yml"]
            with log.open("wb") as file:
                streams: dict[str, t.Any] = {"stdout": file, "stderr": file, "stdin": subprocess.DEVNULL}
                process = subprocess.Popen([*command, *options], cwd=tmp_path, env=variables, **streams)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Rulebook(process, log)

        yield start


def test_the_rulebooks_of_the_documentation_are_valid() -> None:
    source = runpy.run_path(str(ROOT / "extensions" / "eda" / "plugins" / "event_source" / "delivery_orders.py"))
    validate = importlib.import_module("ansible_rulebook.validators").Validate
    texts = [source["EXAMPLES"]]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml")]
    for page in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"):
        texts += [block.text for block in blocks_in(page) if block.language == "yaml" and "\n  sources:" in block.text]
    assert len(texts) == 6
    for text in texts:
        rulesets = yaml.safe_load(text)
        validate.rulebook(rulesets)
        for ruleset in rulesets:
            for each in ruleset["sources"]:
                assert each["huaweicloud.cloudpond.delivery_orders"].keys() <= source["ARGUMENTS"].keys()


def test_a_site_is_provisioned_when_its_order_has_succeeded(rulebook: Start, tmp_path: Path) -> None:
    tasks = tmp_path / "provision.yml"
    python = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {f"site-{site}": {"delivery_order_id": f"0000-{site}"} for site in "ab"}
    sites = {"sites": {"hosts": hosts, "vars": {**python, "provision_tasks_file": str(tasks)}}}
    (tmp_path / "inventory.yml").write_text(json.dumps(sites), encoding="utf-8")
    content = "{{ delivery_order.status }} {{ ansible_eda.event.delivery_order.name }}"
    copy = {"dest": f"{tmp_path}/{{{{ inventory_hostname }}}}.provisioned", "content": content}
    tasks.write_text(json.dumps([{"ansible.builtin.copy": copy}]), encoding="utf-8")
    provisioned = tmp_path / "site-a.provisioned"
    # A template in an extra variable, and ansible-rulebook makes one of the event.
    bait = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/trapped') }}}}"
    order = {"id": "0000-a", "name": bait, "life": ["PROCESSING*2", "ACCEPTING*2", "SUCCESS"]}
    # No site has the last one.
    others = ["0000-b=PROCESSING", "0000-z=SUCCESS"]
    orders: list[str | OrderPlan] = [*parse_orders(json.dumps({"orders": [order]})), *others]
    with Emulator(orders, token=TOKEN, listing="ok,reset,ok,http:503,ok") as emulator:
        running = rulebook("provision_delivered_sites", emulator, "--inventory", "inventory.yml", "--print-events")
        running.wait_until(lambda: provisioned.exists() and "There is no site to provision" in running.output)
        # Nothing more happens once the order stays as it is.
        polls = len(emulator.requests)
        running.wait_until(lambda: len(emulator.requests) >= polls + 3)
        assert running.end() < 2
        requests = emulator.requests
    output = running.output
    # The braces and quotation marks are gone.
    text = provisioned.read_text(encoding="utf-8")
    assert text.startswith("SUCCESS __ lookup__ansible.builtin.pipe_, _touch /")
    assert not (tmp_path / "trapped").exists()
    assert not (tmp_path / "site-b.provisioned").exists()
    assert output.count("The query is repeated until it succeeds.") == 2
    assert output.count("The delivery orders can be queried again") == 2
    # Each order is announced, and the one that changes twice more.
    counts = [output.count(f"'previous_status': {status}") for status in ("None", "'PROCESSING'", "'ACCEPTING'")]
    assert counts == [3, 1, 1]
    assert re.search("There is no site to provision.*0000-z", output)
    # The gate has asked once, for the one order.
    gate = [request for request in requests if "ansible-rulebook" not in (request.user_agent or "")]
    assert [request.delivery_order_id for request in gate] == ["0000-a"]
    assert TOKEN not in output


def test_people_are_told_what_needs_them(rulebook: Start) -> None:
    orders = ["0000-a=PROCESSING,ACCEPTING,SUCCESS", "0000-b=FAIL", "0000-c=PROCESSING,CANCELLED"]
    with Emulator(orders, token=TOKEN) as emulator:
        running = rulebook("notify_delivery_orders", emulator)
        running.wait_until(lambda: len(emulator.requests) >= 5)
        running.end()
    lines = [line for line in running.output.splitlines() if "0000-" in line]
    for said in (r"\(0000-a\) waits for your acceptance", r"\(0000-b\) is FAIL", r"\(0000-c\) is CANCELLED"):
        assert len([line for line in lines if re.search(said, line)]) == 1, running.output
    assert len(lines) == 3


def test_a_refused_credential_ends_ansible_rulebook_after_one_request(rulebook: Start) -> None:
    with Emulator(["0000-a=SUCCESS"], token="another") as emulator:
        running = rulebook("notify_delivery_orders", emulator)
        assert running.process.wait(PATIENCE) == 1
        assert len(emulator.requests) == 1
    assert "HTTP 401" in running.output
    assert TOKEN not in running.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_two_seconds_in_the_middle_of_a_query(rulebook: Start, number: signal.Signals) -> None:
    with Emulator(["0000-a=SUCCESS"], token=TOKEN, listing="slow:30") as emulator:
        running = rulebook("notify_delivery_orders", emulator)
        running.wait_until(lambda: len(emulator.requests) == 1)
        assert running.end(number) < 2
        assert len(emulator.requests) == 1
