# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the interpreters for the sessions, in the PATH and in pyenv."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def _directories() -> Iterator[Path]:
    """Yield the directories that may have an interpreter: that of this one, those in the PATH, then pyenv's versions.

    pyenv is looked for in several places: a test run may come without its variable, or with a home directory of its
    own. Its shims are left out, because they exist for versions that are switched off too.
    """
    yield Path(getattr(sys, "_base_executable", sys.executable)).parent
    path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    yield from (entry for entry in path if entry.name != "shims")

    roots = [entry.parent for entry in path if entry.name == "shims"]
    if variable := os.environ.get("PYENV_ROOT"):
        roots.append(Path(variable))
    if pyenv := shutil.which("pyenv"):
        roots.append(Path(pyenv).resolve().parent.parent)
    homes = [os.environ.get("HOME")]
    with contextlib.suppress(KeyError):  # a container may run as a user that the system does not know
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    roots += [Path(home, ".pyenv") for home in homes if home]
    for root in dict.fromkeys(roots):
        yield from sorted(root.glob("versions/*/bin"))


@functools.cache
def _makes_environments(python: Path) -> bool:
    """Return whether an interpreter runs, and has the modules that some distributions package separately."""
    try:
        command = [str(python), "-c", "import ensurepip, venv"]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_interpreter(versions: Iterable[str]) -> str | None:
    """Return the path of an interpreter of the first of these versions (X.Y) that is installed."""
    directories = list(dict.fromkeys(_directories()))
    for version in versions:
        for directory in directories:
            python = directory / f"python{version}"
            if python.is_file() and _makes_environments(python):
                return str(python)
    return None


def interpreter(pythons: tuple[str, ...]) -> str:
    """Return the first of these Pythons that is installed, or for nox a range of versions that it will not find."""
    numbers = sorted(int(python[2:]) for python in pythons)
    return find_interpreter(pythons) or f">=3.{numbers[0]},<3.{numbers[-1] + 1}"
