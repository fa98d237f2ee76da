# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as it is in an environment of a controller."""

from __future__ import annotations

import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The files that a person can paste.
EXAMPLES = ROOT / "docs" / "controller"

#: Seconds after which something that should have happened has not.
PATIENCE = 120.0

#: All that a controller's environment must have of the collection.
NEEDED = {"extensions", "meta", "playbooks", "plugins"}


class Installed(t.NamedTuple):
    """The collection, built and installed as users do it."""

    tarball: Path
    #: For ANSIBLE_COLLECTIONS_PATH.
    path: Path

    @property
    def folder(self) -> Path:
        """Where the collection is."""
        return self.path / "ansible_collections" / "huaweicloud" / "cloudpond"


def install(folder: Path) -> Installed:
    """Build the collection, install it into a folder, and delete what nothing needs at run time."""
    galaxy = [sys.executable, "-m", "ansible", "galaxy", "collection"]
    subprocess.run([*galaxy, "build", str(ROOT), "--output-path", str(folder)], check=True, timeout=PATIENCE)
    (tarball,) = folder.glob("*.tar.gz")
    # Where a person has installed the collection, ansible-galaxy without --force would have nothing to do.
    options = ["--force", "--offline", str(tarball), "--collections-path", str(folder)]
    subprocess.run([*galaxy, "install", *options], check=True, timeout=PATIENCE)
    installed = Installed(tarball, folder)
    present = {path.name for path in installed.folder.iterdir() if path.is_dir()}
    # Else nothing would be proved by deleting.
    assert present > NEEDED
    for name in present - NEEDED:
        shutil.rmtree(installed.folder / name)
    return installed
