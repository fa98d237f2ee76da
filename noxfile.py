# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of `make test`: antsibull-nox.toml's, and ansible-test on a matrix of ansible-core versions.

`nox --list` shows them; CONTRIBUTING.md explains them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools.nox.ansible_test import (
    add_ansible_test_session,
    add_plain_units_session,
    run_integration,
    run_sanity,
    run_sanity_without_pylint,
    run_units,
)
from tools.nox.chaos import chaos, matrix_chaos
from tools.nox.eda import eda
from tools.nox.interpreters import find_interpreter
from tools.nox.matrix import add_matrix, write_results
from tools.nox.runner import runner
from tools.nox.site import site
from tools.nox.table import show_table
from tools.nox.workflow import workflow

# nox finds sessions by their import.
__all__ = ["chaos", "eda", "matrix_chaos", "runner", "site", "workflow"]

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
OLDEST_CORE = next(reversed(CONTROLLER_PYTHONS))

# The Pythons that modules run on, and the newest ansible-core that runs on each as a controller.
MODULE_PYTHONS = {"3.9": "2.15", "3.10": "2.17", "3.11": "2.19", "3.12": "2.21", "3.13": "2.21"}
OLDEST_MODULE_PYTHON = next(iter(MODULE_PYTHONS))

# Percent of the lines and branches of the plugins.
MIN_COVERAGE = 95

# The versions in Red Hat Enterprise Linux 9, with urllib3 1.x, whose Retry differs from urllib3 2.x.
OLDEST_REQUESTS = ("requests==2.25.1", "urllib3==1.26.5")


def pythons_to_try(core: str) -> tuple[str, ...]:
    """Return the Pythons for an ansible-core, best first: old with old, and new with new, for the widest range."""
    pythons = CONTROLLER_PYTHONS[core]
    return pythons[::-1] if core == OLDEST_CORE else pythons


def default_cores() -> list[str]:
    """Return the versions for a run without arguments: the newest ansible-core with an installed Python, the oldest.

    Newer ones without a Python are included, so that the table at the end names them.
    """
    chosen = [OLDEST_CORE]
    for core in CONTROLLER_PYTHONS:
        chosen.append(core)
        if find_interpreter(pythons_to_try(core)):
            break
    return chosen


_default_cores = default_cores()
for _core in CONTROLLER_PYTHONS:
    for _kind, _run in (
        # The longest first, so that none of them runs alone at the end.
        ("integration", run_integration("shipped" if _core == OLDEST_CORE else "here")),
        ("units", run_units),
        # pylint takes as long as all the other tests, and one run of it is enough.
        ("sanity", run_sanity_without_pylint if _core == OLDEST_CORE else run_sanity),
    ):
        add_ansible_test_session(
            f"{_kind}-{_core}", _core, pythons_to_try(_core), _run, default=_core in _default_cores
        )

add_plain_units_session(
    "units-oldest-requests",
    "Run the unit tests on the oldest Python, requests and urllib3 that the modules run on, with coverage.",
    (OLDEST_MODULE_PYTHON,),
    MODULE_PYTHONS[OLDEST_MODULE_PYTHON],
    *OLDEST_REQUESTS,
    min_coverage=MIN_COVERAGE,
)
add_matrix(CONTROLLER_PYTHONS, MODULE_PYTHONS, OLDEST_REQUESTS)

antsibull_nox.load_antsibull_nox_toml()


@nox.session(name="changelog")
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("--upgrade", "antsibull-changelog~=0.36.0")
    session.run("antsibull-changelog", "lint")


@nox.session(name="summary", default=False, python=False)
def summary(session: nox.Session) -> None:
    """Print the results and versions in nox's report (the argument). Fails if anything in it failed."""
    report = Path(session.posargs[0] if session.posargs else ".nox/report.json")
    problems = show_table(report)
    if report.is_file():
        write_results(report)
    if problems:
        session.error(f"Not successful: {', '.join(problems)}.")
