# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball has what users need and nothing else, and is the same bytes whenever and wherever it is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.runner.installation import PATIENCE, ROOT

#: What users need at the top: the collection itself, its documentation, its licence, and the emulator for dry runs.
TOP = """
CHANGELOG.md CHANGELOG.md.license CODE_OF_CONDUCT.md CONTRIBUTING.md COPYING FILES.json LICENSES MANIFEST.json README.md
REUSE.toml SECURITY.md changelogs docs extensions meta playbooks plugins tests
"""

#: Turns the order around in which a Python sees the files of a directory.
REVERSE = """
import os
listdir = os.listdir
os.listdir = lambda *arguments: sorted(listdir(*arguments), reverse=True)
"""


@pytest.fixture(scope="module")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """
    Two, from copies of the checkout that were made at different times, with different permissions and orders, and one
    with an empty folder.
    """
    built: list[Path] = []
    start = tmp_path_factory.mktemp("start") / "sitecustomize.py"
    start.write_text(REVERSE, encoding="utf-8")
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"build-{number}")
        copy = folder / "checkout"
        ignored = shutil.ignore_patterns(".git", ".nox", ".venv", "__pycache__", "output")
        shutil.copytree(ROOT, copy, ignore=ignored, copy_function=shutil.copyfile)
        for path in copy.rglob("*"):
            if path.is_file():
                os.utime(path, (number * 10**9, number * 10**9))
                path.chmod(0o644 if number else 0o600)
        command = [sys.executable, "-m", "tools.build_tarball", str(folder)]
        variables = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PYTHONDONTWRITEBYTECODE": "1"}
        if number:
            variables["PYTHONPATH"] = str(start.parent)
            # As a release leaves it behind.
            (copy / "changelogs" / "fragments").mkdir(exist_ok=True)
        subprocess.run(command, cwd=copy, env=variables, check=True, timeout=PATIENCE)
        built += folder.glob("*.tar.gz")
    return built


def test_the_same_bytes(tarballs: list[Path]) -> None:
    first, second = tarballs
    assert first.read_bytes() == second.read_bytes()


def test_it_has_what_users_need_and_nothing_else(tarballs: list[Path]) -> None:
    with tarfile.open(tarballs[0]) as tarball:
        names = tarball.getnames()
    assert {name.partition("/")[0] for name in names} <= set(TOP.split())
    unwanted = r"tests/(?!emulator(/|$))|docs/(controller|inclusion\.md)|.*(\.pyc|\.tar\.gz)$|.*/\."
    assert [name for name in names if re.match(unwanted, name)] == []
    assert "plugins/modules/cloudpond_delivery_order_info.py" in names


def test_it_installs_offline(tarballs: list[Path], tmp_path: Path) -> None:
    galaxy = [sys.executable, "-m", "ansible", "galaxy", "collection"]
    install = ["install", "--force", "--offline", str(tarballs[0]), "--collections-path", str(tmp_path)]
    subprocess.run([*galaxy, *install], check=True, timeout=PATIENCE)
