# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the integration tests in one of two ways: tasks in Ansible's own process, or shipped as modules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nox

from .table import keep_result

INTEGRATION = Path("tests/integration")


def run_targets(session: nox.Session, ansible_test: Callable[..., None], default_way: str) -> None:
    """
    Run the targets of the collection's copy, which is the working folder.

    :param default_way: The way without the variable CLOUDPOND_WAY: here or shipped.
    """
    way = os.environ.get("CLOUDPOND_WAY") or default_way
    if way not in ("here", "shipped"):
        session.error(f"CLOUDPOND_WAY is here or shipped, not {way}.")
    if way == "shipped":
        shutil.copytree(INTEGRATION / "shipped", INTEGRATION, dirs_exist_ok=True)
    ansible_test("integration")
    listing = session.run("ansible-test", "integration", "--list-targets", silent=True, log=False) or ""
    targets = [line for line in listing.splitlines() if (INTEGRATION / "targets" / (line.strip() or "-")).is_dir()]
    keep_result(session, note=f"{len(targets)} targets, {way}")
