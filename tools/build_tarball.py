# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the collection's tarball, with the same bytes for the same files.

    python -m tools.build_tarball FOLDER

ansible-galaxy's own tarball contains the current time, and lists the files in the order of the file system. This module
sorts the lists, and sets all times to SOURCE_DATE_EPOCH, else to the time of the last commit, in seconds since 1970. It
leaves out empty folders, which a clone does not have: antsibull-changelog leaves one behind.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

ROOT = Path(__file__).resolve().parents[1]

MANIFEST = "MANIFEST.json"
FILES = "FILES.json"


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
            # PurePosixPath.parents of a file in the root has ".", as FILES.json has it.
            folders = {str(folder) for each in source if each.isfile() for folder in PurePosixPath(each.name).parents}
            lists = _sorted_lists(source, folders)
            # Without the file's name and time in the header.
            with gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as copy:
                # ansible-galaxy reads these two files first.
                for member in sorted(source, key=lambda each: (each.name not in lists, each.name)):
                    if member.isdir() and member.name not in folders:
                        continue
                    member.mtime = date
                    member.uid = member.gid = 0
                    member.uname = member.gname = ""
                    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                    member.pax_headers = {}
                    content: IO[bytes] | None = source.extractfile(member) if member.isfile() else None
                    if member.name in lists:
                        member.size = len(lists[member.name])
                        content = io.BytesIO(lists[member.name])
                    copy.addfile(member, content)
    return target


def _sorted_lists(source: tarfile.TarFile, folders: set[str]) -> dict[str, bytes]:
    """
    Return the contents of MANIFEST.json and FILES.json: the second sorted, the first with its new checksum.

    :param folders: The folders with files in them. FILES.json lists no others.
    """
    manifest, files = (json.load(source.extractfile(name) or io.BytesIO()) for name in (MANIFEST, FILES))
    files["files"] = sorted(
        (entry for entry in files["files"] if entry["ftype"] == "file" or entry["name"] in folders),
        key=lambda entry: entry["name"],
    )
    listed = _as_json(files)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    return {MANIFEST: _as_json(manifest), FILES: listed}


def _as_json(value: object) -> bytes:
    # As ansible-galaxy writes it.
    return json.dumps(value, indent=True).encode()


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "."), source_date()))
