# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Java that ansible-rulebook needs for its rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST_JAVA = 17


def find_java_home() -> str | None:
    """Return the directory of a Java that is new enough: JAVA_HOME, else that of the PATH, else one of the system's."""
    for home in _homes():
        if _version(home) >= OLDEST_JAVA:
            return str(home)
    return None


def _homes() -> Iterator[Path]:
    if variable := os.environ.get("JAVA_HOME"):
        yield Path(variable)
    if java := shutil.which("java"):
        yield Path(java).resolve().parents[1]
    yield from sorted(Path("/usr/lib/jvm").glob("*"))


def _version(home: Path) -> int:
    try:
        command = [str(home / "bin" / "java"), "-version"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    # Java prints its version on stderr. Java 8 calls itself 1.8.
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match[1]) if match else 0
