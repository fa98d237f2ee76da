# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the random tests with more examples than the unit tests have time for."""

from __future__ import annotations

import nox

from .ansible_test import run_pytest
from .interpreters import interpreter

# The newest ansible-core that runs on Python 3.11.
CORE = "2.19"
PYTHONS = ("3.13", "3.12", "3.11")

LIVES = 500
EXAMPLES = 200
MATRIX_EXAMPLES = 5_000


@nox.session(python=interpreter(PYTHONS))
def chaos(session: nox.Session) -> None:
    """Let orders live through random faults, and run each test that makes up its own examples."""
    _run(session, EXAMPLES)


@nox.session(name="matrix-chaos", python=interpreter(PYTHONS), default=False, tags=["matrix"])
def matrix_chaos(session: nox.Session) -> None:
    """Do the same with twenty-five times as many examples, and with the emulator's description."""
    _run(session, MATRIX_EXAMPLES, "tests/unit/emulator")


def _run(session: nox.Session, examples: int, *more: str) -> None:
    run_pytest(
        session,
        CORE,
        "pytest-xdist",
        # Six processes, because most tests wait most of the time.
        arguments=["-n", "6", "-m", "lives or hypothesis", "tests/unit/plugins", *more],
        note=f"{LIVES} lives, {examples} examples",
        variables={"CHAOS_LIVES": str(LIVES), "CHAOS_EXAMPLES": str(examples)},
    )
