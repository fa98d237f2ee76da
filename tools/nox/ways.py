# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways in which the integration tests run tasks: in Ansible's own process, or shipped as modules."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox


def choose_way(session: nox.Session, default: str) -> str:
    """
    Set the way up in the collection's copy, which is the working folder, and return it.

    :param default: The way without the variable CLOUDPOND_WAY: here or shipped.
    """
    way = os.environ.get("CLOUDPOND_WAY") or default
    if way not in ("here", "shipped"):
        session.error(f"CLOUDPOND_WAY is here or shipped, not {way}.")
    if way == "shipped":
        integration = Path("tests/integration")
        shutil.copytree(integration / "shipped", integration, dirs_exist_ok=True)
    return way
