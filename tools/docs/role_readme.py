# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the README of each role from its argument specs and its example. With --check, it only compares them."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

#: Contains an example for each role, in a file of its name, because an argument spec has no place for one.
EXAMPLES = Path(__file__).resolve().with_name("role_examples")


def head() -> str:
    """Return the comments at the beginning of a README. The licence is that of this file."""
    licence = [line[2:] for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3]]
    origin = "Written by tools/docs/role_readme.py from meta/argument_specs.yml and tools/docs/role_examples."
    return "\n".join(["<!--", *licence, "-->", "", f"<!-- {origin} -->", ""])


#: The Markdown for each kind of Ansible's markup. Commas separate the parts of an argument.
MARKUP: dict[str, str] = {
    "B": "**{0}**",
    "C": "`{0}`",
    "E": "`{0}`",
    "I": "*{0}*",
    "L": "[{0}]({1})",
    "M": "`{0}`",
    "O": "`{0}`",
    "P": "`{0}`",
    "RV": "`{0}`",
    "U": "<{0}>",
    "V": "`{0}`",
}


def markdown(text: str) -> str:
    """
    Turn Ansible's markup into Markdown.

    :raises KeyError: for markup that is not in MARKUP.
    """

    def render(match: re.Match[str]) -> str:
        kind = match[1] or match[3]
        argument = match[2] if match[1] else re.sub(r"\\(.)", r"\1", match[4])
        if kind in ("O", "P", "RV"):
            # An option's plugin, and a plugin's type, are for links.
            argument = argument.rpartition(":")[2] if kind != "P" else argument.partition("#")[0]
        return MARKUP[kind].format(*(part.strip() for part in argument.split(",", 1 if kind == "L" else 0)))

    # Only the newer kinds allow the backslash.
    return re.sub(r"\b(?:([BCILMU])\((.*?)\)|([A-Z]+)\(((?:[^\\)]|\\.)*)\))", render, text)


def paragraphs(text: str | list[str]) -> list[str]:
    """Return the paragraphs of a description, which may be only one."""
    return [markdown(text)] if isinstance(text, str) else [markdown(paragraph) for paragraph in text]


def code(value: object) -> str:
    """Return a value in YAML's notation."""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def row(variable: str, option: dict[str, Any]) -> str:
    """Return the table's row for a variable."""
    kind = option.get("type", "str")
    cells = [
        f"`{variable}`",
        f"{kind} of {option['elements']}" if "elements" in option else kind,
        "yes" if option.get("required") else "no",
        code(option["default"]) if "default" in option else "",
        ", ".join(map(code, option.get("choices", []))),
        " ".join(paragraphs(option["description"])),
    ]
    return " ".join(f"| {cell}" if cell else "|" for cell in (each.replace("|", "\\|") for each in cells)) + " |"


def example(role: str) -> str:
    """Return a role's example, without the comments at the beginning of its file."""
    text = (EXAMPLES / f"{role}.yml").read_text(encoding="utf-8")
    return text.partition("\n\n")[2].strip()


def readme(role: Path) -> str:
    """Return the README of a role."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    lines = [head(), f"# huaweicloud.cloudpond.{role.name}", ""]
    lines += [f"{paragraph}\n" for paragraph in paragraphs(specs["description"])]
    lines += ["## Variables", "", "| variable | type | required | default | choices | description |", "|---" * 6 + "|"]
    lines += [row(variable, option) for variable, option in specs["options"].items()]
    lines += ["", "## Example", "", "```yaml", example(role.name), "```", ""]
    return "\n".join(lines)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = []
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = specs.parents[1]
        path, text = role / "README.md", readme(role)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not options.check:
            path.write_text(text, encoding="utf-8")
    if stale and options.check:
        print(f"Out of date: {', '.join(stale)}. Run tools/docs/role_readme.py.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
