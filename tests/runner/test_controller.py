# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a person can paste into a controller."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tests.runner.installation import EXAMPLES, PATIENCE, ROOT
from tools.docs.examples import blocks_in

CREDENTIAL_TYPE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "credential_types" / "cloudpond"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "controller.rst"

#: Stands in for each module of awx.awx: it writes down what the controller would be told.
RECORDER = """
import json, os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps([self._task.action, self._task.args]) + "\\n")
        return {"changed": True}
"""
PLAYBOOK = "wait_for_delivery_order.yml"
MODULES = ("credential_type", "inventory", "inventory_source", "job_template", "workflow_job_template")


Told = dict[str, list[dict[str, t.Any]]]


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_injector_leaves_unset_what_a_credential_leaves_out() -> None:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    templates = load(CREDENTIAL_TYPE / "injectors.yml")["env"]
    inputs = {"domain_id": "account", "auth_token": "the-token"}
    rendered = {name: environment.from_string(template).render(**inputs) for name, template in templates.items()}
    # An empty variable counts as unset.
    assert {name: value for name, value in rendered.items() if value} == {
        "HW_DOMAIN_ID": "account",
        "HW_AUTH_TOKEN": "the-token",
    }


def test_the_guide_shows_the_files() -> None:
    files = [CREDENTIAL_TYPE / "input.yml", CREDENTIAL_TYPE / "injectors.yml"]
    files.append(EXAMPLES / "project" / "orders.cloudpond.yml")
    shown = [yaml.safe_load(block.text) for block in blocks_in(GUIDE) if block.language == "yaml"]
    for file in files:
        assert load(file) in shown, file
    # And it names all others or their folder, so that none is there for nobody.
    text = GUIDE.read_text(encoding="utf-8")
    for path in EXAMPLES.rglob("*.yml"):
        assert any(f"``{each.relative_to(ROOT).as_posix()}``" in text for each in (path, path.parent)), path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return the playbook's requests to a controller, by module."""
    folder = tmp_path_factory.mktemp("setup")
    plugins = folder / "ansible_collections" / "awx" / "awx" / "plugins" / "action"
    plugins.mkdir(parents=True)
    for module in MODULES:
        (plugins / f"{module}.py").write_text(RECORDER, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(EXAMPLES / "setup.yml")]
    record = folder / "record"
    folders = dict.fromkeys(("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "HOME"), str(folder))
    env = {**folders, "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "RECORD": str(record)}
    subprocess.run([*command, "-e", "credential=CloudPond"], env=env, check=True, timeout=PATIENCE)
    told: Told = {}
    for line in record.read_text(encoding="utf-8").splitlines():
        action, arguments = json.loads(line)
        told.setdefault(action.rpartition(".")[2], []).append(arguments)
    assert set(told) == set(MODULES)
    return told


def test_the_credential_type_arrives_as_it_is(told: Told) -> None:
    (made,) = told["credential_type"]
    assert made["inputs"] == load(CREDENTIAL_TYPE / "input.yml")
    assert made["injectors"] == load(CREDENTIAL_TYPE / "injectors.yml")


def test_the_survey_asks_for_the_variables_of_the_playbook(told: Told) -> None:
    playbook = (ROOT / "playbooks" / PLAYBOOK).read_text(encoding="utf-8")
    # A name, and the default if it has one.
    variables = dict(re.findall(r"\{\{ (wait_for_delivery_order_\w+)(?: \| default\((\d+)\))? \}\}", playbook))
    (template,) = [template for template in told["job_template"] if template["playbook"] == PLAYBOOK]
    questions = template["survey_spec"]["spec"]
    assert {question["variable"]: str(question["default"]) for question in questions} == variables
    assert {question["variable"] for question in questions if question["required"]} == {"wait_for_delivery_order_id"}
    # An extra variable delivery_order_id would stand for the order of every site.
    assert not [template["name"] for template in told["job_template"] if template.get("ask_variables_on_launch")]


def test_the_rulebook_of_the_guide_starts_a_job_template(told: Told) -> None:
    books = [yaml.safe_load(block.text) for block in blocks_in(GUIDE) if "run_job_template" in block.text]
    assert len(books) == 1
    action = books[0][0]["rules"][0]["action"]["run_job_template"]
    (template,) = [template for template in told["job_template"] if template["name"] == action["name"]]
    asked = {question["variable"] for question in template["survey_spec"]["spec"]}
    assert asked == action["job_args"]["extra_vars"].keys() == {"provision_delivery_order_id"}


def test_what_is_made_fits_together(told: Told) -> None:
    project = EXAMPLES / "project"
    assert all((project / template["playbook"]).is_file() for template in told["job_template"])
    (source,) = told["inventory_source"]
    assert (project / source["source_path"]).is_file()
    assert source["update_on_launch"] is source["overwrite"] is True
    (workflow,) = told["workflow_job_template"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    templates = {template["name"] for template in told["job_template"]}
    order, following = [], [{"identifier": "accept"}]
    while following:
        node = nodes[following[0]["identifier"]]
        order.append((node["unified_job_template"]["type"], node["unified_job_template"]["name"] in templates))
        following = node.get("related", {}).get("success_nodes", [])
    # An approval opens no gate: the order is asked for after it.
    assert order == [("workflow_approval", False), ("job_template", True), ("job_template", True)]
