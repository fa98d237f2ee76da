# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the examples out of the documentation, so that a test can run them as they stand there.

Usage: examples.py ROOT FOLDER. Writes a playbook for each example that is one, or a list of tasks, into FOLDER, and
prints what there is as JSON: a list of objects with ``page``, ``line``, ``playbook`` (a file's name, null for what is
only data) and ``command`` (an ansible-playbook command line, null for anything else).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Example(NamedTuple):
    """A block of code in a page: the line on which it begins, its language, and what it says."""

    line: int
    language: str
    text: str


def examples_in(page: Path) -> Iterator[Example]:
    """Yield the blocks of code in a page of RST or Markdown."""
    lines = page.read_text(encoding="utf-8").splitlines()
    begin = re.compile(r"\.\. code-block:: *(\S+)$" if page.suffix == ".rst" else r"```(\w+)$")
    number = 0
    while number < len(lines):
        match = begin.match(lines[number])
        number += 1
        if not match:
            continue
        start = number
        if page.suffix == ".rst":
            while number < len(lines) and (not lines[number] or lines[number].startswith(" ")):
                number += 1
            block = [line[4:] for line in lines[start:number]]
        else:
            while lines[number] != "```":
                number += 1
            block = lines[start:number]
        yield Example(start, match[1], "\n".join(block).strip("\n") + "\n")


def playbook_of(content: Any) -> list[dict[str, Any]] | None:
    """Return the plays that an example is, or that its tasks make; None for what is only data."""
    if not isinstance(content, list) or not all(isinstance(item, dict) and "name" in item for item in content):
        return None
    if all("hosts" in item for item in content):
        return content
    return [{"name": "Run the example", "hosts": "localhost", "gather_facts": False, "tasks": content}]


def commands_in(text: str) -> Iterator[str]:
    """Yield the command lines of a shell block that run a playbook of the collection."""
    for line in re.sub(r"\\\n *", "", text).splitlines():
        match = re.search(r"ansible-playbook .*huaweicloud\.cloudpond\..*", line)
        if match:
            yield match[0]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    pages = [
        options.root / "README.md",
        *sorted(options.root.glob("roles/*/README.md")),
        *sorted(options.root.glob("docs/docsite/rst/*.rst")),
    ]
    found: list[dict[str, Any]] = []
    for page in pages:
        name = str(page.relative_to(options.root))
        for example in examples_in(page):
            entry: dict[str, Any] = {"page": name, "line": example.line, "playbook": None, "command": None}
            if example.language in ("yaml", "yaml+jinja"):
                plays = playbook_of(yaml.safe_load(example.text))
                if plays is None and example.language == "yaml+jinja":
                    sys.exit(f"{name}:{example.line}: neither plays nor tasks; what is only data is of the type yaml")
                if plays is not None:
                    entry["playbook"] = f"{re.sub(r'[^a-z_]', '-', name.lower())}-{example.line}.yml"
                    (options.folder / entry["playbook"]).write_text(yaml.safe_dump(plays), encoding="utf-8")
                found.append(entry)
            for command in commands_in(example.text) if example.language in ("shell", "console") else ():
                found.append({**entry, "command": command})
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
