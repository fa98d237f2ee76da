# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
The sessions of `make test` and of `make test-all`, besides those of antsibull-nox.toml.

`nox --list` shows them; CONTRIBUTING.md explains them.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools.nox.interpreters import find_interpreter, interpreter
from tools.nox.sessions import add_ansible_test, add_tests, add_units, imports, integration, sanity, units
from tools.nox.table import read_report, show_table, write_matrix

nox.options.allow_parallel = True
nox.options.download_python = "never"

# The Pythons that each ansible-core runs on, newest ansible-core first.
CONTROLLER_PYTHONS = {
    "2.21": ("3.14", "3.13", "3.12"),
    "2.20": ("3.14", "3.13", "3.12"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.18": ("3.13", "3.12", "3.11"),
    "2.17": ("3.12", "3.11", "3.10"),
    "2.16": ("3.12", "3.11", "3.10"),
}
OLDEST = next(reversed(CONTROLLER_PYTHONS))
# The newest with an installed Python. Without any, the table says which Pythons are missing.
NEWEST = next((core for core, pythons in CONTROLLER_PYTHONS.items() if find_interpreter(pythons)), "2.21")
NEWEST_PYTHONS = CONTROLLER_PYTHONS[NEWEST]

# The Pythons that modules run on, and the newest ansible-core that runs on each as a controller.
MODULE_PYTHONS = {"3.9": "2.15", "3.10": "2.17", "3.11": "2.19", "3.12": "2.21", "3.13": "2.21"}

# The versions in Red Hat Enterprise Linux 9, with urllib3 1.x, whose Retry differs from urllib3 2.x.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5")

# The tests of the emulator and of the tools do not depend on ansible-core, and run once.
OF_PLUGINS = ("tests/unit/plugins", "tests/unit/extensions")
# What runs on a host that is not the control node.
OF_MODULES = ("tests/unit/plugins/modules", "tests/unit/plugins/module_utils")
COVERAGE = ("--cov=plugins", "--cov-branch", "--cov-report=term-missing:skip-covered", "--cov-fail-under=95")

# Runs of ansible-playbook, a cell each, which take as long as all other targets.
MATRICES = ("gate_keywords", "playbooks")

# What a shipped task does otherwise.
SHIPPED_TARGETS = ("cloudpond_delivery_order_info", "secrets")
# The gate is never shipped, the inventory is no task, and in_process compares both ways by itself; in the playbooks and
# the guides, nothing but the query of the info module is shipped, which has its own target.
NEVER_SHIPPED = (
    "cloudpond_delivery_order_gate",
    "gate_keywords",
    "guides",
    "in_process",
    "inventory_delivery_orders",
    "playbooks",
)

# What pip reads besides its own variables.
NETWORK_VARIABLES = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

# The second ring.
ALL = ("all",)

# `make test`: the longest first, so that none of them runs alone at the end.
add_ansible_test(f"integration-{NEWEST}", NEWEST, NEWEST_PYTHONS, integration(without=MATRICES), default=True)
add_ansible_test(f"matrices-{NEWEST}", NEWEST, NEWEST_PYTHONS, integration(*MATRICES), default=True)
add_ansible_test(f"sanity-{NEWEST}", NEWEST, NEWEST_PYTHONS, sanity(), default=True)
add_units(f"units-{NEWEST}", NEWEST, NEWEST_PYTHONS, arguments=COVERAGE, default=True)
add_units("units-oldest-requests", "2.15", ("3.9",), *OLDEST_REQUESTS, tests=OF_MODULES, default=True)
add_units(f"units-{OLDEST}", OLDEST, CONTROLLER_PYTHONS[OLDEST][::-1], tests=OF_PLUGINS, default=True)
add_ansible_test(f"shipped-{NEWEST}", NEWEST, NEWEST_PYTHONS, integration(*SHIPPED_TARGETS, shipped=True), default=True)

# `make test-all`: every ansible-core on the newest and the oldest of its Pythons that are there. The targets take long,
# so they run in one way on each: shipped on the oldest, as a host may have an older Python than the control node.
for _core, _pythons in CONTROLLER_PYTHONS.items():
    _available = [python for python in _pythons if find_interpreter((python,))]
    if not _available:
        continue
    _newest, _oldest = _available[0], _available[-1]
    _shipped = integration(without=NEVER_SHIPPED, shipped=True)
    add_ansible_test(f"integration-{_core}-py{_newest}", _core, (_newest,), integration(), tags=ALL)
    add_ansible_test(f"shipped-{_core}-py{_oldest}", _core, (_oldest,), _shipped, tags=ALL)
    for _python in dict.fromkeys((_newest, _oldest)):
        # pylint takes as long as all the other tests, and one run of it is enough.
        _sanity = sanity("--skip-test", "pylint")
        add_ansible_test(f"sanity-{_core}-py{_python}", _core, (_python,), _sanity, tags=ALL)
        add_units(f"units-{_core}-py{_python}", _core, (_python,), tests=OF_PLUGINS, tags=ALL)
for _python, _core in MODULE_PYTHONS.items():
    add_ansible_test(f"import-py{_python}", NEWEST, NEWEST_PYTHONS, imports(_python), tags=ALL)
    add_units(f"units-py{_python}-newest-requests", _core, (_python,), tests=OF_MODULES, tags=ALL)
add_ansible_test(f"ansible-test-units-{NEWEST}", NEWEST, NEWEST_PYTHONS, units, tags=ALL)
add_units(
    "chaos",
    NEWEST,
    NEWEST_PYTHONS,
    arguments=("-m", "lives or hypothesis"),
    variables={"CHAOS_LIVES": "500", "CHAOS_EXAMPLES": "5000"},
    tags=ALL,
)
# ansible-rulebook itself does not look for Java in the PATH. Its bridge to Java has wheels for these Pythons.
_java = shutil.which("java")
add_tests(
    "eda",
    ("3.12", "3.13", "3.11"),
    "Run the event source and the rulebooks by ansible-rulebook, which needs Java 17 or newer.",
    variables={"JAVA_HOME": str(Path(_java).resolve().parents[1])} if _java and "JAVA_HOME" not in os.environ else {},
    tags=ALL,
)
add_tests(
    "runner",
    NEWEST_PYTHONS,
    "Build environments with ansible-builder, and run jobs with ansible-runner, as controllers do.",
    variables={},
    tags=ALL,
)

antsibull_nox.load_antsibull_nox_toml()


@nox.session(name="changelog")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("--upgrade", "antsibull-changelog~=0.36.0")
    session.run("antsibull-changelog", "lint")


@nox.session(name="workflow")
def workflow(session: nox.Session) -> None:
    """Check the workflow of GitHub."""
    session.install("--upgrade", "check-jsonschema")
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/test.yml")


@nox.session(name="site", default=False, tags=list(ALL), python=interpreter(NEWEST_PYTHONS))
def site(session: nox.Session) -> None:
    """Build the documentation site, and check its links."""
    session.install("--upgrade", "-r", "tools/site/requirements.txt")
    session.run("python", "-m", "tools.site", str(Path(session.create_tmp(), "site").resolve()))


@nox.session(name="commands", default=False, tags=list(ALL), python=False)
def commands(session: nox.Session) -> None:
    """Run the commands of the Makefile as in a new user's shell: an empty home, and no environment activated."""
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    session.run("git", "clone", "--quiet", ".", str(folder / "clone"), external=True)
    # What a closed network needs.
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in NETWORK_VARIABLES}
    environment = {**kept, "HOME": str(folder / "home"), "PATH": os.defpath}
    python = getattr(sys, "_base_executable", sys.executable)
    with session.chdir(folder / "clone"):
        for command in ("demo", "docs", "build", "format"):
            session.run("make", command, f"PYTHON={python}", env=environment, include_outer_env=False, external=True)


@nox.session(name="summary", default=False, python=False)
def summary(session: nox.Session) -> None:
    """Print the results and versions in nox's report (the argument). Fails if anything in it failed."""
    report = Path(session.posargs[0] if session.posargs else ".nox/report.json")
    if not report.is_file():
        session.error(f"{report} is missing: the run of the sessions ended before its report.")
    rows = read_report(report)
    write_matrix(rows)
    if problems := show_table(rows):
        session.error(f"Not successful: {', '.join(problems)}.")
