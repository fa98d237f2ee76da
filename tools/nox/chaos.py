# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the random tests in numbers that the unit tests have no time for."""

from __future__ import annotations

import nox

from .ansible_test import copy_collection
from .interpreters import find_interpreter
from .runner import PYTHONS
from .table import keep_result

LIVES = "500"
ANSWERS = "20000"


@nox.session(python=find_interpreter(PYTHONS) or ">=3.11,<3.15")
def chaos(session: nox.Session) -> None:
    """Let orders live through random faults, and answer with random bytes."""
    requirements = ["ansible-core>=2.19", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt"]
    session.install("--upgrade", *requirements)
    copy = copy_collection(session, "2.21")
    junit = copy / "tests" / "output" / "junit"
    # Most of them wait most of the time.
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", "-n", "6", f"--junit-xml={junit}/chaos.xml"]
    variables = {"PYTHONPATH": str(copy.parents[2]), "CHAOS_LIVES": LIVES, "CHAOS_ANSWERS": ANSWERS}
    with session.chdir(copy):
        try:
            arguments = session.posargs or ["tests/unit/plugins/test_chaos.py"]
            session.run("python", "-m", "pytest", *options, *arguments, env=variables)
        finally:
            keep_result(session, junit, note=f"{LIVES} lives, {ANSWERS} answers")
