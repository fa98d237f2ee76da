# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the event source, because ansible-doc and antsibull-docs don't support event sources."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import yaml

SOURCE = Path("extensions/eda/plugins/event_source/delivery_orders.py")


def page(root: Path) -> str:
    """Return the page, in reStructuredText, made of the plugin's own documentation."""
    source = (root / SOURCE).read_text(encoding="utf-8")
    texts = dict(re.findall(r'^(DOCUMENTATION|EXAMPLES) = r"""\n(.*?)"""', source, re.M | re.S))
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["markup"] = _markup
    template = environment.get_template("event_source.rst.j2")
    return template.render(yaml.safe_load(texts["DOCUMENTATION"]), example=texts["EXAMPLES"].strip())


def _markup(text: str) -> str:
    """Turn Ansible's markup into that of Sphinx."""
    text = re.sub(r"M\((\S+?)\)", r":ansplugin:`\1#module`", text)
    return re.sub(r"[COEV]\(([^)]+)\)", r"``\1``", text)
