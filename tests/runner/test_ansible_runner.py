# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate, the playbooks and the inventory, run by ansible-runner as a controller runs them."""

from __future__ import annotations

import re
import shutil
import sys
import time
import typing as t
from pathlib import Path

import ansible_runner
import pytest
import yaml

from tests.emulator import Emulator
from tests.runner.installation import EXAMPLES, PATIENCE, Installed

TOKEN = "MIIF/canary+of+the+token=="
ACCESS_KEY = "canary-access-key"
SECRET_KEY = "canary/of+the+secret/key"
SECRETS = (TOKEN, SECRET_KEY)
CREDENTIALS = {
    "token": {"HW_AUTH_TOKEN": TOKEN},
    "key": {"HW_ACCESS_KEY": ACCESS_KEY, "HW_SECRET_KEY": SECRET_KEY},
}

#: A controller updates its inventories with these.
INVENTORY_UPDATE = {"ANSIBLE_INVENTORY_EXPORT": "True", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True"}

#: Seconds in which a job that is cancelled, or a task that is out of time, must have ended.
ENDS_WITHIN = 2.0


MakeData = t.Callable[..., "PrivateData"]


class Job(t.NamedTuple):
    """A job that has ended."""

    status: str
    events: list[dict[str, t.Any]]

    def results(self, kind: str) -> list[dict[str, t.Any]]:
        """Return the data of the events of one kind."""
        return [event["event_data"] for event in self.events if event["event"] == kind]

    @property
    def stdout(self) -> str:
        """Return what a person sees of it."""
        return "\n".join(event["stdout"] for event in self.events)


class PrivateData:
    """The private data directory of jobs."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables
        shutil.copytree(EXAMPLES / "project", folder / "project")
        self.write("env/envvars", variables)
        # ansible-runner asks whether a silent job is cancelled as often as this says.
        self.write("env/settings", {"pexpect_timeout": 1, "suppress_ansible_output": True})
        self.write("inventory/hosts.yml", {"all": {"vars": {"ansible_python_interpreter": sys.executable}}})

    def write(self, name: str, content: t.Any) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def run(self, playbook: str, **options: t.Any) -> Job:
        """Run a playbook of the project."""
        runner = ansible_runner.run(
            private_data_dir=str(self.folder), playbook=playbook, timeout=int(PATIENCE), **options
        )
        return Job(runner.status, list(runner.events))

    def files_with_secrets(self) -> list[str]:
        """Return the files that have a secret, but for the two that are there to have them."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert any(path.parent.name == "job_events" for path in files)
        found = [path for path in files if any(secret.encode() in path.read_bytes() for secret in SECRETS)]
        return [
            str(path.relative_to(self.folder))
            for path in found
            if path.name != "command" and path != self.folder / "env" / "envvars"
        ]


@pytest.fixture
def private_data(installed: Installed, tmp_path: Path) -> MakeData:
    """Make private data directories."""

    def make(emulator: Emulator, credential: str = "token", **variables: str) -> PrivateData:
        connection = {
            "ANSIBLE_COLLECTIONS_PATH": str(installed.path),
            "HW_CLOUDPOND_ENDPOINT": emulator.url,
            "HW_DOMAIN_ID": "0" * 32,
            **CREDENTIALS[credential],
        }
        return PrivateData(tmp_path / "job", {**connection, **variables})

    return make


def waits_for(order: str) -> dict[str, t.Any]:
    """Return the variables of wait_for_delivery_order."""
    return {"wait_for_delivery_order_id": order, "wait_for_delivery_order_sleep": 1}


def emulate(*orders: str, **options: t.Any) -> Emulator:
    return Emulator(orders, token=TOKEN, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **options)


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize(
    ("life", "requests", "status", "lines"),
    [("PROCESSING,http:503,ACCEPTING,SUCCESS", 4, "successful", 5), ("echo:403", 1, "failed", 0)],
)
def test_the_playbook_waits_and_no_artifact_has_the_secret(
    private_data: MakeData, credential: str, life: str, requests: int, status: str, lines: int
) -> None:
    with emulate(f"0000-a={life}") as emulator:
        data = private_data(emulator, credential, HW_MAX_RETRIES="0")
        data.write("env/extravars", waits_for("0000-a"))
        job = data.run("wait_for_delivery_order.yml", verbosity=4)
        assert len(emulator.requests) == requests
    assert job.status == status, job.stdout
    # Each line of a wait is an event of its own.
    shown = [event["stdout"] for event in job.events if re.search(r"\d\d:\d\d:\d\d .*0000-a", event["stdout"])]
    assert (len(shown), any("\n" in line.strip() for line in shown)) == (lines, False)
    assert data.files_with_secrets() == []


def test_the_gate_in_a_play_that_gathers_facts(private_data: MakeData) -> None:
    """As the guide says: the facts of the control node have its environment, unless it is left out."""
    gate = {"huaweicloud.cloudpond.cloudpond_delivery_order_gate": {"delivery_order_ids": ["0000-a"]}}
    play = {"hosts": "localhost", "gather_facts": True, "gather_subset": ["!env"], "tasks": [gate]}
    with emulate("0000-a=FAIL") as emulator:
        data = private_data(emulator, "key")
        data.write("project/play.yml", [play])
        data.write("inventory/hosts.yml", {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
        job = data.run("play.yml", verbosity=4)
    assert job.status == "failed"
    (facts,) = data.folder.glob("artifacts/*/fact_cache/*localhost")
    assert "ansible_distribution" in facts.read_text(encoding="utf-8")
    assert data.files_with_secrets() == []


@pytest.mark.parametrize(
    ("order", "status", "provisioned"),
    [
        (None, "successful", ["0000-a", "0000-c"]),
        ("0000-c", "successful", ["0000-c"]),
        ("0000-b", "successful", []),
        ("0000-x", "failed", []),
    ],
)
def test_the_delivered_sites_of_the_inventory_or_the_one_of_an_event_are_provisioned(
    private_data: MakeData, order: str | None, status: str, provisioned: list[str]
) -> None:
    playbook = "provision_delivered_site.yml" if order else "provision_ready_sites.yml"
    with emulate("0000-a=SUCCESS", "0000-b=PROCESSING", "0000-c=SUCCESS") as emulator:
        data = private_data(emulator, "key")
        shutil.move(data.folder / "project" / "orders.cloudpond.yml", data.folder / "inventory")
        job = data.run(playbook, extravars={"provision_delivery_order_id": order} if order else {})
    assert job.status == status, job.stdout
    results = job.results("runner_on_ok")
    assert sorted({each["host"] for each in results if each["task"] == "Provision the site"}) == provisioned
    assert data.files_with_secrets() == []


def test_the_inventory_is_listed_and_an_outage_is_no_account_without_orders(private_data: MakeData) -> None:
    with emulate("0000-a=SUCCESS", listing="ok,http:403") as emulator:
        data = private_data(emulator, **INVENTORY_UPDATE)
        source = str(data.folder / "project" / "orders.cloudpond.yml")
        (listed, error), (failed, reason) = [
            ansible_runner.get_inventory(
                "list", [source], response_format="json", private_data_dir=str(data.folder), quiet=True
            )
            for _each in range(2)
        ]
    assert listed["cloudpond_success"]["hosts"] == ["0000-a"], error
    assert not any(secret in f"{listed}{error}" for secret in SECRETS)
    assert "HTTP 403" in f"{failed}{reason}"
    assert "_meta" not in str(failed)


@pytest.mark.parametrize("life", ["PROCESSING", "slow:30"], ids=["between-two-queries", "in-a-query"])
def test_a_cancelled_job_ends_and_asks_no_more(private_data: MakeData, life: str) -> None:
    cancelled_at: list[float] = []
    with emulate(f"0000-a=PROCESSING,{life}") as emulator:

        def cancel() -> bool:
            if not cancelled_at and len(emulator.requests) >= 2:
                cancelled_at.append(time.monotonic())
            return bool(cancelled_at)

        data = private_data(emulator)
        data.write("env/extravars", waits_for("0000-a"))
        job = data.run("wait_for_delivery_order.yml", cancel_callback=cancel)
        assert time.monotonic() - cancelled_at[0] < ENDS_WITHIN
        asked = len(emulator.requests)
        # As long as some more queries would take.
        time.sleep(2)
        assert len(emulator.requests) == asked <= 3
    assert job.status == "canceled"


def test_a_gate_that_is_out_of_time_ends_the_job_and_asks_no_more(private_data: MakeData) -> None:
    gate = {"huaweicloud.cloudpond.cloudpond_delivery_order_gate": {"delivery_order_id": "0000-a", "wait_sleep": 1}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"timeout": 2, **gate}]}
    with emulate("0000-a=PROCESSING") as emulator:
        data = private_data(emulator)
        data.write("project/play.yml", [play])
        job = data.run("play.yml")
        asked = len(emulator.requests)
        # As long as some more queries would take.
        time.sleep(2)
        assert len(emulator.requests) == asked
    assert job.status == "failed"
    (failed,) = job.results("runner_on_failed")
    assert "timed out" in failed["res"]["msg"].lower()
    assert failed["duration"] < 2 + ENDS_WITHIN
