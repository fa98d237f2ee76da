# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands one after another, and compares each result with the expected one: a loop of tasks takes far longer.

Reads a JSON object from each line of the standard input that is not empty. All keys but the first two may be left out:

* ``name``: for the messages,
* ``command``: a command line, without a shell,
* ``files``: by name, what to write into them as JSON before,
* ``environment``: variables added to those that are there,
* ``rc``: the exit code, 0 by default,
* ``output``: a regular expression that the standard output matches,
* ``lacks``: a regular expression that it does not match,
* ``errors``: a regular expression that the standard error matches, with line breaks as spaces.

Prints a JSON list of objects with ``command`` and ``stdout``. If any came out otherwise, shows those instead and exits
with 1.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

#: How long one command may take, in seconds.
TIMEOUT = 300


def run(case: dict[str, Any]) -> tuple[str, str]:
    """Run a command, and return its standard output, and a text on how it came out otherwise, which may be empty."""
    for name, content in case.get("files", {}).items():
        Path(name).write_text(json.dumps(content), encoding="utf-8")
    process = subprocess.run(
        shlex.split(case["command"]),
        env={**os.environ, **case.get("environment", {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    problems = []
    if process.returncode != case.get("rc", 0):
        problems.append(f"the exit code is {process.returncode}, not {case.get('rc', 0)}")
    if not re.search(case.get("output", ""), process.stdout):
        problems.append(f"the output lacks {case['output']!r}")
    if "lacks" in case and re.search(case["lacks"], process.stdout):
        problems.append(f"the output has {case['lacks']!r}")
    if not re.search(case.get("errors", ""), re.sub(r"\s+", " ", process.stderr)):
        problems.append(f"the errors lack {case['errors']!r}")
    if not problems:
        return process.stdout, ""
    said = f"{case['name']}: {', and '.join(problems)}."
    return process.stdout, f"{said}\n$ {case['command']}\n{process.stdout}\n{process.stderr}"


def main() -> int:
    """Run the command line."""
    outputs = []
    problems = []
    for line in filter(str.strip, sys.stdin):
        case = json.loads(line)
        output, problem = run(case)
        outputs.append({"command": case["command"], "stdout": output})
        problems += [problem] if problem else []
    print("\n".join(problems) if problems else json.dumps(outputs))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
