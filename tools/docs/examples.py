# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the examples out of the documentation, so that a test can run them unchanged.

Usage: examples.py ROOT FOLDER. Writes plays, tasks (in a play), an inventory and settings into files in FOLDER, and
prints a JSON list of objects:

* ``page`` and ``line``: its place,
* ``command``: the command line that runs it,
* ``expect``: a regular expression that its output must match.

A block that is a mapping can begin with the name of its file, as in ``# inventory/10-sites.yml``. Nothing is left out
silently: a block of an unknown kind, and a page without anything to run, are errors.
"""

from __future__ import annotations

import configparser
import json
import re
import sys
import textwrap
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

#: The names in the guides of a static inventory, and of a folder with a source of the collection's own plugin in it.
INVENTORY = "inventory.yml"
INVENTORY_FOLDER = "inventory"

#: The first line of a block that is a file with a name of its own.
NAMED = re.compile(r"# ((?:[\w-]+/)?[\w.-]+\.yml)\n")

#: The folders of files in the guides. In a run, FOLDER takes their place.
FOLDERS = re.compile("/srv/|/runner/project/")

#: The output of a run in which something was done. A play without hosts does not fail.
DONE = r"\bok=[1-9]"

#: The first words of commands that have tests of their own, or need what a test of the documentation doesn't have.
NOT_RUN = (
    "ansible-builder ",
    "ansible-galaxy collection ",
    "ansible-rulebook ",
    "crontab ",
    "export ",
    "make ",
    "pip install ",
    "python3 -m tests.emulator ",
    "sudo systemctl ",
)

#: The configuration of other programs, by a section of it.
OTHER_SETTINGS = ("inventory", "Timer")

#: Blocks in these languages contain nothing to run.
TEXT = ("ansible-output", "mermaid")


class Unknown(Exception):
    """A block of an unknown kind."""


class Block(NamedTuple):
    """A block of code in a page: its first line, its language, and its text."""

    line: int
    language: str
    text: str


class Example(NamedTuple):
    """How a block is run, or a command in it."""

    command: str
    expect: str
    #: A file to write before, and its content.
    file: str = ""
    content: str = ""


def blocks_in(page: Path) -> Iterator[Block]:
    """Yield all blocks of code in a page of RST or Markdown, also those that are indented."""
    lines = page.read_text(encoding="utf-8").splitlines()
    is_rst = page.suffix == ".rst"
    begin = re.compile(r"( *)\.\. (?:code-block|code|sourcecode)::(.*)" if is_rst else r"( *)(?:```|~~~)(.*)")
    number = 0
    while number < len(lines):
        match = begin.fullmatch(lines[number])
        number += 1
        if not match:
            continue
        start, indent = number, len(match[1])
        while number < len(lines) and (
            (not lines[number].strip() or lines[number].startswith(" " * (indent + 1)))
            if is_rst
            else lines[number].strip() not in ("```", "~~~")
        ):
            number += 1
        body = textwrap.dedent("\n".join(lines[start:number]))
        if is_rst:
            # Options of the directive.
            body = re.sub(r"\A(:\w[\w-]*:.*\n)+\n", "", body)
        else:
            number += 1
        yield Block(start, match[2].strip(), f"{body.strip()}\n")


def understand(block: Block, name: str, taken: Container[str] = ()) -> list[Example]:
    """
    Return how a block is run. It may have nothing to run.

    :param name: The name of the block's files, without an extension.
    :param taken: The names of files of the blocks before it.
    :raises Unknown: if it is not known.
    """
    if block.language in ("yaml", "yaml+jinja"):
        return _yaml(block, f"{name}.yml", taken)
    if block.language in ("shell", "console"):
        return [example for command in _commands(block) for example in _command(command)]
    if block.language == "ini":
        return _ini(block, f"{name}.cfg")
    if block.language in TEXT:
        return []
    raise Unknown(f"a block of the language {block.language!r}")


def _yaml(block: Block, file: str, taken: Container[str]) -> list[Example]:
    content = yaml.safe_load(block.text)
    match = NAMED.match(block.text)
    # A page can have several versions of a file. Its plays use the first one.
    own = match[1] if match and match[1] not in taken else None
    if isinstance(content, dict):
        # The language marks it: Ansible's own files are yaml+jinja.
        if block.language == "yaml+jinja":
            raise Unknown("neither plays nor tasks; use the language yaml for plain data")
        if "plugin" in content:
            file = own or f"{file.removesuffix('.yml')}.cloudpond.yml"
            return [Example(f"ansible-inventory -i {file} --graph", "@cloudpond_success:", file, block.text)]
        if all(isinstance(group, dict) and group.get("hosts") for group in content.values()):
            host = next(iter(next(iter(content.values()))["hosts"]))
            file = own or file
            return [Example(f"ansible-inventory -i {file} --list", re.escape(host), file, block.text)]
        return []
    if not isinstance(content, list) or not all(isinstance(item, dict) and "name" in item for item in content):
        raise Unknown("neither a mapping nor a list of plays or tasks that have names")
    if all("sources" in item for item in content):
        # The tests of ansible-rulebook validate it.
        return []
    if all({"hosts", "ansible.builtin.import_playbook"} & set(item) for item in content):
        text = block.text
    elif all("block" in item or any("." in key for key in item) for item in content):
        head = "- name: Run the example\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
        text = head + textwrap.indent(block.text, " " * 4)
    else:
        raise Unknown("a list that has neither plays nor tasks with full names of modules")
    needs_source = any(str(item.get("hosts")).startswith("cloudpond_") for item in content)
    inventory = INVENTORY_FOLDER if needs_source else INVENTORY
    return [Example(f"ansible-playbook -i {inventory} {file}", DONE, file, text)]


def _commands(block: Block) -> Iterator[str]:
    """Yield the commands of a block: its lines, those after a prompt, or those of a crontab."""
    for line in re.sub(r" *\\\n *", " ", block.text).splitlines():
        cron = re.fullmatch(r"(?:(?:[\d*/,-]+ ){5}|@(?:hourly|daily) )(.+)", line)
        prompt = re.fullmatch(r"\$ (.+)", line) if block.language == "console" else re.fullmatch(r"(.+)", line)
        command = cron or prompt
        if command:
            yield re.sub(r"\s+#.*", "", command[1])


def _command(command: str) -> list[Example]:
    words = command.split()
    # A schedule does not have the user's PATH.
    words[0] = re.sub(r"\A(/\S+)?/(ansible-\w+)\Z", r"\2", words[0])
    command = " ".join(words)
    expected = {
        "ansible": r"\| SUCCESS =>",
        "ansible-inventory": "@cloudpond_success:",
        "ansible-playbook": DONE,
        "ansible-vault": rf"\A{re.escape(words[-1])}: !vault \|",
    }
    if words[0] in expected:
        return [Example(command, expected[words[0]])]
    if command.startswith(NOT_RUN):
        return []
    raise Unknown(f"the command {command!r}")


def _ini(block: Block, file: str) -> list[Example]:
    parser = configparser.RawConfigParser()
    parser.read_string(block.text)
    if parser.has_section("defaults"):
        # The variable would override the settings.
        under = f"env -u ANSIBLE_CALLBACKS_ENABLED ANSIBLE_CONFIG={file}"
        command = f"{under} ansible-config dump --only-changed"
        return [Example(command, r"huaweicloud\.cloudpond\.", file, block.text)]
    if parser.has_option("Service", "ExecStart"):
        return _command(parser["Service"]["ExecStart"])
    if any(parser.has_section(section) for section in OTHER_SETTINGS):
        return []
    raise Unknown(f"the sections {parser.sections()}")


def examples_of(page: Path, name: str) -> list[tuple[int, Example]]:
    """
    Return the examples of a page, and their lines.

    :param name: The page's name, for files and errors.
    :raises Unknown: if it is not known of one what to do, or if there is nothing to run.
    """
    found: list[tuple[int, Example]] = []
    for block in blocks_in(page):
        try:
            examples = understand(
                block,
                f"{re.sub(r'[^a-z_]', '-', name.lower())}-{block.line}",
                {example.file for _line, example in found},
            )
        except (Unknown, yaml.YAMLError, configparser.Error) as error:
            raise Unknown(f"{name}:{block.line}: {error}") from error
        found += [(block.line, example) for example in examples]
    if not found:
        raise Unknown(f"{name}: no example that can be run")
    return found


def pages_of(root: Path) -> list[Path]:
    """Return the pages whose examples must run, without guides that have no blocks."""
    guides = [page for page in sorted(root.glob("docs/docsite/rst/**/*.rst")) if next(blocks_in(page), None)]
    return [root / "README.md", *guides]


def main(root: Path, folder: Path) -> None:
    """Run the command line."""
    report = []
    files: set[str] = set()
    for page in pages_of(root):
        name = page.relative_to(root).as_posix()
        try:
            examples = examples_of(page, name)
        except Unknown as error:
            sys.exit(f"{error}. See tools/docs/examples.py.")
        for line, example in examples:
            if example.file:
                if example.file in files:
                    sys.exit(f"{name}:{line}: there is a second {example.file}")
                files.add(example.file)
                path = folder / example.file
                path.parent.mkdir(exist_ok=True)
                path.write_text(FOLDERS.sub(f"{folder}/", example.content), encoding="utf-8")
            command = FOLDERS.sub(f"{folder}/", example.command)
            report.append({"page": name, "line": line, "command": command, "expect": example.expect})
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
