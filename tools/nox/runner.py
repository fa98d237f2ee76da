# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the tests for controllers: ansible-builder's environments and ansible-runner's jobs."""

from __future__ import annotations

from pathlib import Path

import nox

from .interpreters import interpreter
from .table import keep_result

# The Pythons of the newest ansible-core, then those of ansible-core 2.19.
PYTHONS = ("3.13", "3.12", "3.14", "3.11")


@nox.session(python=interpreter(PYTHONS))
def runner(session: nox.Session) -> None:
    """Build environments with ansible-builder, and run jobs with ansible-runner, as controllers do."""
    session.install("--upgrade", "-r", "tests/runner/requirements.txt")
    junit = Path(session.create_tmp()).resolve() / "junit"
    options = ["-p", "no:cacheprovider", f"--junit-xml={junit}/runner.xml"]
    try:
        session.run("python", "-m", "pytest", *options, *(session.posargs or ["tests/runner"]))
    finally:
        keep_result(session, junit)
