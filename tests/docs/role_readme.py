# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the README of each role from its argument specs. With --check, says whether they are what it would write."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

#: An argument spec has no place for one.
EXAMPLES = {
    "delivery_order_gate": """
- name: Provision the edge sites
  hosts: localhost
  gather_facts: false
  roles:
    - role: huaweicloud.cloudpond.delivery_order_gate
      vars:
        delivery_order_gate_ids:
          - 00000000-0000-000-0000-000000000000
  tasks:
    - name: Only now touch the sites
      ansible.builtin.debug:
        msg: "{{ delivery_order_gate_orders | map(attribute='edge_site_id') | join(', ') }} are delivered"
""",
}


def head() -> str:
    """Return the comments that a README begins with: the licence is that of this file."""
    licence = [line[2:] for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3]]
    origin = "Written by tests/docs/role_readme.py from meta/argument_specs.yml: change that, and run it again."
    return "\n".join(["<!--", *licence, "-->", "", f"<!-- {origin} -->", ""])


def markdown(text: str) -> str:
    """Turn Ansible's markup into Markdown."""
    return re.sub(r"\b[COVE]\(([^)]*)\)", r"`\1`", text)


def cell(option: dict[str, Any]) -> str:
    """Return what a row of the table says of a variable."""
    lines = [markdown(line) for line in option["description"]]
    if "choices" in option:
        lines.append(f"One of {', '.join(f'`{choice}`' for choice in option['choices'])}.")
    return " ".join(lines).replace("|", "\\|")


def readme(role: Path) -> str:
    """Return the README of a role."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    name = f"huaweicloud.cloudpond.{role.name}"
    lines = [head(), f"# {name}", "", *(f"{markdown(line)}\n" for line in specs["description"])]
    lines += ["## Variables", "", "| variable | type | default | what it is |", "|---|---|---|---|"]
    for variable, option in specs["options"].items():
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        default = "required" if option.get("required") else f"`{option['default']}`"
        lines.append(f"| `{variable}` | {kind} | {default} | {cell(option)} |")
    lines += ["", "## Example", "", "```yaml", EXAMPLES[role.name].strip(), "```", ""]
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
        print(f"Not what the argument specs make: {', '.join(stale)}. Run tests/docs/role_readme.py.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
