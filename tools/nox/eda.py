# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the tests of the event source with ansible-rulebook."""

from __future__ import annotations

import os
from pathlib import Path

import nox

from .interpreters import interpreter
from .java import OLDEST_JAVA, find_java_home
from .table import keep_result

# The Pythons for which ansible-rulebook's bridge to Java has wheels, best first.
PYTHONS = ("3.12", "3.13", "3.11")


@nox.session(python=interpreter(PYTHONS))
def eda(session: nox.Session) -> None:
    """Run the event source and the rulebooks by ansible-rulebook, which needs Java. EDA=0 leaves this out."""
    if os.environ.get("EDA") == "0":
        session.skip("EDA=0 leaves it out")
    java_home = find_java_home()
    if java_home is None:
        session.error(
            f"ansible-rulebook needs Java {OLDEST_JAVA} or newer: install it, or set JAVA_HOME; EDA=0 leaves this out."
        )
    session.install("--upgrade", "-r", "tests/eda/requirements.txt")
    junit = Path(session.create_tmp()).resolve() / "junit"
    options = ["-p", "no:cacheprovider", f"--junit-xml={junit}/eda.xml"]
    arguments = session.posargs or ["tests/eda"]
    try:
        session.run("python", "-m", "pytest", *options, *arguments, env={"JAVA_HOME": java_home})
    finally:
        keep_result(session, junit)
