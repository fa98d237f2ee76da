# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's requirements for an environment, and an environment that meets no more than these."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.emulator import Emulator
from tests.runner.installation import EXAMPLES, PATIENCE, ROOT, Installed

TOKEN = "MIIF/secret+token=="
REQUIREMENT = "requests>=2.25"
#: A local connection that doesn't look like one.
SHIPPED = ROOT / "tests" / "integration" / "targets" / "setup_emulator" / "files" / "shipped"


def run(*command: str, cwd: Path, **variables: str) -> str:
    """Run a command that must succeed, and return what it writes to stdout."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The requirements


def test_introspection_finds_what_is_needed_and_nothing_else(installed: Installed, tmp_path: Path) -> None:
    answer = yaml.safe_load(run("ansible-builder", "introspect", str(installed.path), cwd=tmp_path))
    (python,) = answer.pop("python")
    assert python.split("#")[0].replace(" ", "") == REQUIREMENT
    assert answer == {"system": []}


def test_all_places_name_the_same_requirement() -> None:
    fragment = runpy.run_path(str(ROOT / "plugins" / "doc_fragments" / "_connection.py"))["ModuleDocFragment"]
    source = runpy.run_path(str(ROOT / "extensions" / "eda" / "plugins" / "event_source" / "delivery_orders.py"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    version = REQUIREMENT.rpartition("=")[2]
    assert yaml.safe_load(fragment.DOCUMENTATION)["requirements"] == [f"requests >= {version}"]
    assert f"requests >= {version}" in yaml.safe_load(source["DOCUMENTATION"])["requirements"]
    assert [line.replace(" ", "") for line in lines if line and not line.startswith("#")] == [REQUIREMENT]
    assert re.findall(r"\[requests\]\([^)]*\) ([0-9.]+) or\s+newer", readme) == [version]


# The examples of environments


@pytest.mark.parametrize("name", ["execution-environment", "decision-environment"])
def test_an_environment_can_be_created(name: str, installed: Installed, tmp_path: Path) -> None:
    # The definitions take the archive from the root of the repository.
    shutil.copytree(EXAMPLES, tmp_path / "docs" / "controller")
    shutil.copy(installed.tarball, tmp_path)
    definition, context = tmp_path / "docs" / "controller" / f"{name}.yml", tmp_path / "context"
    run("ansible-builder", "create", "--file", str(definition), "--context", str(context), cwd=tmp_path)
    containerfile = next(path for path in context.iterdir() if path.is_file()).read_text(encoding="utf-8")
    assert ("JAVA_HOME" in containerfile) == (name == "decision-environment")

    # The steps of the build that need no engine: install the collection, ask it for what it needs.
    build = context / "_build"
    galaxy = ["ansible-galaxy", "collection", "install", "--force", "--offline"]
    run(*galaxy, "-r", "requirements.yml", "-p", str(context), cwd=build)
    requirements = [f"--user-pip={file}" for file in build.glob("requirements.txt")]
    bindep = [f"--user-bindep={file}" for file in build.glob("bindep.txt")]
    answer = yaml.safe_load(run("ansible-builder", "introspect", *requirements, *bindep, str(context), cwd=build))
    packages = {re.split(r"[ ~>=]", line)[0] for line in answer["python"]}
    if name == "decision-environment":
        assert packages == {"ansible-rulebook", "requests"}
        assert [line.split()[0] for line in answer["system"]] == ["java-17-openjdk-headless"]
    else:
        assert packages == {"requests"}
        assert answer["system"] == []


# Without the other folders


def test_the_shipped_module_needs_no_other_folder(installed: Installed, tmp_path: Path) -> None:
    """The other plugins are run by ansible-runner, which has no other folder either."""
    module = {"huaweicloud.cloudpond.cloudpond_delivery_order_info": {"delivery_order_id": "0000-a"}}
    until = "delivery is huaweicloud.cloudpond.delivery_order_succeeded"
    report = {"msg": "{{ delivery | huaweicloud.cloudpond.delivery_order_report }}"}
    tasks = [{**module, "register": "delivery", "failed_when": f"not ({until})"}, {"ansible.builtin.debug": report}]
    variables = {"ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    with Emulator(["0000-a=SUCCESS"], token=TOKEN) as emulator:
        connection = {"HW_AUTH_TOKEN": TOKEN, "HW_CLOUDPOND_ENDPOINT": emulator.url, "HW_DOMAIN_ID": "0" * 32}
        paths = {"ANSIBLE_COLLECTIONS_PATH": str(installed.path), "ANSIBLE_CONNECTION_PLUGINS": str(SHIPPED)}
        output = run("ansible-playbook", "play.yml", cwd=tmp_path, **connection, **paths)
        assert len(emulator.requests) == 1
    assert "(0000-a) has been SUCCESS" in output
