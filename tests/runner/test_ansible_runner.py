# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate, the playbooks and the inventory, run by ansible-runner as a controller runs them."""

from __future__ import annotations

import json
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
def private_data(installed: Installed, tmp_path: Path) -> t.Callable[..., PrivateData]:
    """Make private data directories."""

    def make(emulator: Emulator, credential: str = "token", name: str = "job", **variables: str) -> PrivateData:
        connection = {
            "ANSIBLE_COLLECTIONS_PATH": str(installed.path),
            "HW_CLOUDPOND_ENDPOINT": emulator.url,
            "HW_DOMAIN_ID": "0" * 32,
            **CREDENTIALS[credential],
        }
        return PrivateData(tmp_path / name, {**connection, **variables})

    return make


def waits_for(order: str) -> dict[str, t.Any]:
    """Return the variables of wait_for_delivery_order."""
    return {"wait_for_delivery_order_id": order, "wait_for_delivery_order_sleep": 1}


def emulate(*orders: str, **options: t.Any) -> Emulator:
    return Emulator(orders, token=TOKEN, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **options)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_the_playbook_waits_and_no_artifact_has_the_secret(
    private_data: t.Callable[..., PrivateData], credential: str
) -> None:
    with emulate("0000-a=PROCESSING,http:503,ACCEPTING,SUCCESS") as emulator:
        data = private_data(emulator, credential, HW_MAX_RETRIES="0")
        data.write("env/extravars", waits_for("0000-a"))
        job = data.run("wait_for_delivery_order.yml", verbosity=4)
        assert len(emulator.requests) == 4
    assert job.status == "successful", job.stdout
    for status in ("PROCESSING", "PROCESSING -> ACCEPTING", "ACCEPTING -> SUCCESS"):
        assert f"(0000-a): {status}" in job.stdout
    assert data.files_with_secrets() == []


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_server_that_repeats_the_credential_does_not_bring_it_into_an_artifact(
    private_data: t.Callable[..., PrivateData], credential: str
) -> None:
    with emulate("0000-a=echo:403") as emulator:
        data = private_data(emulator, credential)
        data.write("env/extravars", waits_for("0000-a"))
        job = data.run("wait_for_delivery_order.yml", verbosity=4)
        assert len(emulator.requests) == 1
    assert job.status == "failed"
    assert "HTTP 403" in job.stdout
    assert data.files_with_secrets() == []


def test_the_gate_in_a_play_that_gathers_facts(private_data: t.Callable[..., PrivateData]) -> None:
    """As the guide says: the facts of the control node have its environment, unless it is left out."""
    options = {"delivery_order_ids": ["0000-a", "0000-b"]}
    play = {
        "name": "Provision the edge sites",
        "hosts": "localhost",
        "gather_facts": True,
        "gather_subset": ["!env"],
        "tasks": [{"name": "Wait", "huaweicloud.cloudpond.cloudpond_delivery_order_gate": options}],
    }
    with emulate("0000-a=PROCESSING,SUCCESS", "0000-b=FAIL") as emulator:
        data = private_data(emulator, "key")
        data.write("project/play.yml", [play])
        data.write("inventory/hosts.yml", {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
        job = data.run("play.yml", verbosity=4)
    assert job.status == "failed"
    assert "0000-b" in job.results("runner_on_failed")[0]["res"]["msg"]
    (facts,) = data.folder.glob("artifacts/*/fact_cache/*localhost")
    assert "ansible_distribution" in facts.read_text(encoding="utf-8")
    assert data.files_with_secrets() == []


def test_the_sites_of_the_inventory_are_provisioned(private_data: t.Callable[..., PrivateData]) -> None:
    with emulate("0000-a=SUCCESS", "0000-b=PROCESSING", "0000-c=SUCCESS") as emulator:
        data = private_data(emulator, "key")
        shutil.move(data.folder / "project" / "orders.cloudpond.yml", data.folder / "inventory")
        job = data.run("provision_ready_sites.yml", verbosity=4)
    assert job.status == "successful", job.stdout
    provisioned = [result["host"] for result in job.results("runner_on_ok") if result["task"] == "Provision the site"]
    assert sorted(set(provisioned)) == ["0000-a", "0000-c"]
    assert data.files_with_secrets() == []


@pytest.mark.parametrize(
    ("order", "status", "provisioned"),
    [("0000-c", "successful", ["0000-c"]), ("0000-b", "successful", []), ("0000-x", "failed", [])],
)
def test_the_site_of_an_event_is_provisioned(
    private_data: t.Callable[..., PrivateData], order: str, status: str, provisioned: list[str]
) -> None:
    with emulate("0000-a=SUCCESS", "0000-b=PROCESSING", "0000-c=SUCCESS") as emulator:
        data = private_data(emulator, "key")
        shutil.move(data.folder / "project" / "orders.cloudpond.yml", data.folder / "inventory")
        job = data.run("provision_delivered_site.yml", extravars={"provision_delivery_order_id": order})
    assert job.status == status, job.stdout
    results = job.results("runner_on_ok")
    assert sorted({each["host"] for each in results if each["task"] == "Provision the site"}) == provisioned


def test_the_inventory_is_listed(private_data: t.Callable[..., PrivateData]) -> None:
    with emulate("0000-a=SUCCESS", "0000-b=PROCESSING", listing="ok,http:403") as emulator:
        data = private_data(emulator, **INVENTORY_UPDATE)
        source = data.folder / "project" / "orders.cloudpond.yml"

        def listed() -> tuple[t.Any, str]:
            inventory, error = ansible_runner.get_inventory(
                "list", [str(source)], response_format="json", private_data_dir=str(data.folder), quiet=True
            )
            return inventory, str(error)

        inventory, error = listed()
        assert inventory["cloudpond_success"]["hosts"] == ["0000-a"], error
        assert inventory["cloudpond_processing"]["hosts"] == ["0000-b"]
        assert not any(secret in json.dumps(inventory) + error for secret in SECRETS)
        # An outage must never look like an account without orders.
        inventory, error = listed()
        assert "HTTP 403" in f"{inventory}{error}"
        assert "_meta" not in str(inventory)


def test_a_job_goes_through_the_streams_of_a_remote_node(
    private_data: t.Callable[..., PrivateData], tmp_path: Path
) -> None:
    """A controller sends a job to its execution node, and takes the events out of what comes back."""
    with emulate("0000-a=PROCESSING,SUCCESS") as emulator:
        data = private_data(emulator, "key")
        data.write("env/extravars", waits_for("0000-a"))
        playbook, node = "wait_for_delivery_order.yml", tmp_path / "node"
        events: list[dict[str, t.Any]] = []
        node.mkdir()
        with (tmp_path / "sent").open("wb") as sent:
            ansible_runner.run(streamer="transmit", _output=sent, private_data_dir=str(data.folder), playbook=playbook)
        with (tmp_path / "sent").open("rb") as sent, (tmp_path / "returned").open("wb") as returned:
            ansible_runner.run(streamer="worker", _input=sent, _output=returned, private_data_dir=str(node))
        with (tmp_path / "returned").open("rb") as returned:
            runner = ansible_runner.run(
                streamer="process",
                _input=returned,
                private_data_dir=str(tmp_path / "controller"),
                event_handler=events.append,
                quiet=True,
            )
    assert runner.status == "successful"
    assert any("PROCESSING -> SUCCESS" in event["stdout"] for event in events)
    assert not any(secret in json.dumps(events) for secret in SECRETS)


@pytest.mark.parametrize("life", ["PROCESSING", "slow:30"], ids=["between-two-queries", "in-a-query"])
def test_a_cancelled_job_ends_and_asks_no_more(private_data: t.Callable[..., PrivateData], life: str) -> None:
    cancelled_at: list[float] = []
    with emulate(f"0000-a=PROCESSING*2,{life}") as emulator:

        def cancel() -> bool:
            if not cancelled_at and len(emulator.requests) >= 3:
                asked.append(len(emulator.requests))
                cancelled_at.append(time.monotonic())
            return bool(cancelled_at)

        asked: list[int] = []
        data = private_data(emulator)
        data.write("env/extravars", waits_for("0000-a"))
        job = data.run("wait_for_delivery_order.yml", cancel_callback=cancel)
        assert time.monotonic() - cancelled_at[0] < ENDS_WITHIN
        # As long as some more queries would take.
        time.sleep(3)
        assert len(emulator.requests) - asked[0] <= 1
    assert job.status == "canceled"
    assert data.files_with_secrets() == []


def test_a_gate_that_is_out_of_time_ends_the_job_and_asks_no_more(private_data: t.Callable[..., PrivateData]) -> None:
    gate = {"huaweicloud.cloudpond.cloudpond_delivery_order_gate": {"delivery_order_id": "0000-a", "wait_sleep": 1}}
    play = {"name": "Provision", "hosts": "localhost", "gather_facts": False}
    with emulate("0000-a=PROCESSING") as emulator:
        data = private_data(emulator)
        data.write("project/play.yml", [{**play, "tasks": [{"name": "Wait", "timeout": 3, **gate}]}])
        job = data.run("play.yml")
        asked = len(emulator.requests)
        # As long as some more queries would take.
        time.sleep(3)
        assert len(emulator.requests) == asked
    assert job.status == "failed"
    (failed,) = job.results("runner_on_failed")
    assert "timed out" in failed["res"]["msg"].lower()
    assert failed["duration"] < 3 + ENDS_WITHIN


def test_the_lines_of_a_wait_are_events_of_their_own(private_data: t.Callable[..., PrivateData]) -> None:
    kinds, texts = [], []
    for name, life in (("without", "SUCCESS"), ("with", "PROCESSING,ACCEPTING,SUCCESS")):
        with emulate(f"0000-a={life}") as emulator:
            data = private_data(emulator, name=name)
            data.write("env/extravars", waits_for("0000-a"))
            job = data.run("wait_for_delivery_order.yml")
        assert job.status == "successful"
        assert [event["counter"] for event in job.events] == list(range(1, len(job.events) + 1))
        assert not list(data.folder.rglob("*partial*"))
        kinds.append([event["event"] for event in job.events if event["event"] != "verbose"])
        texts.append([event["stdout"] for event in job.events if event["event"] == "verbose"])
    assert kinds[0] == kinds[1]
    assert not [text for text in texts[0] if "0000-a" in text]
    lines = [text for text in texts[1] if "0000-a" in text]
    assert len(lines) == 3
    assert all("\n" not in line.strip() for line in lines)
