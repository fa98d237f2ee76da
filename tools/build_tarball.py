# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the collection's tarball, the same bytes from the same files.

    python -m tools.build_tarball FOLDER

ansible-galaxy builds it, with times in it. This sets them all to one: that of SOURCE_DATE_EPOCH, else that of the last
commit, in seconds since 1970.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def source_date() -> int:
    """Return the time that all files get."""
    if date := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(date)
    command = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def build(folder: Path, date: int) -> Path:
    """
    Build the tarball.

    :param date: The time of all files.
    :return: Its path, in the folder.
    :raises subprocess.CalledProcessError: if ansible-galaxy fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", str(ROOT)]
        subprocess.run([*command, "--output-path", temporary], check=True)
        (built,) = Path(temporary).glob("*.tar.gz")
        target = folder / built.name
        with tarfile.open(built) as source, target.open("wb") as raw:
            # Without the file's name and time in the header.
            with gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as copy:
                # ansible-galaxy reads these two before it has seen all others.
                first = ("MANIFEST.json", "FILES.json")
                for member in sorted(source, key=lambda each: (each.name not in first, each.name)):
                    member.mtime = date
                    member.uid = member.gid = 0
                    member.uname = member.gname = ""
                    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                    member.pax_headers = {}
                    copy.addfile(member, source.extractfile(member) if member.isfile() else None)
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "."), source_date()))
