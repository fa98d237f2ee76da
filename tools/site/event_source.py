# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the event source, because ansible-doc and antsibull-docs don't support event sources."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path("extensions/eda/plugins/event_source/delivery_orders.py")
NAME = "huaweicloud.cloudpond.delivery_orders"


def page(root: Path) -> str:
    """Return the page, in reStructuredText, made of the plugin's own documentation."""
    constants = _constants(root / SOURCE)
    documentation: dict[str, Any] = yaml.safe_load(constants["DOCUMENTATION"])
    title = f"{NAME} event source"
    lines = [".. _ansible_collections.huaweicloud.cloudpond.delivery_orders_event_source:", "", title, "=" * len(title)]
    lines += ["", f"{documentation['short_description']}, for ansible-rulebook.", ""]
    lines += [f"- {_markup(text)}" for text in documentation["description"]]
    lines += ["", "Requirements", "------------", ""]
    lines += [f"- {_markup(text)}" for text in documentation["requirements"]]
    lines += ["", "Arguments", "---------", "", ".. list-table::", "   :header-rows: 1", "   :widths: 25 75", ""]
    lines += ["   * - Argument", "     - Description"]
    for name, option in documentation["options"].items():
        kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
        default = f", default ``{option['default']}``" if "default" in option else ""
        texts = option["description"] if isinstance(option["description"], list) else [option["description"]]
        lines += [f"   * - ``{name}``", "", f"       {kind}{default}", f"     - {_markup(texts[0])}"]
        for text in texts[1:]:
            lines += ["", f"       {_markup(text)}"]
    lines += ["", "Notes", "-----", ""]
    lines += [f"- {_markup(text)}" for text in documentation["notes"]]
    lines += [
        "",
        "Example",
        "-------",
        "",
        ".. code-block:: yaml",
        "",
        textwrap.indent(constants["EXAMPLES"].strip(), "    "),
    ]
    return "\n".join([*lines, ""])


def _constants(path: Path) -> dict[str, str]:
    assigned = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: node.value.value
        for node in assigned
        if isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _markup(text: str) -> str:
    """Turn Ansible's markup into that of Sphinx."""
    text = re.sub(r"M\((\S+?)\)", r":ansplugin:`\1#module`", text)
    return re.sub(r"[COEV]\(([^)]+)\)", r"``\1``", text)
