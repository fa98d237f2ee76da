# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the site that `make docs` builds."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

project = "huaweicloud.cloudpond"
author = "CloudPond collection contributors"
# Sphinx's own name for the line at the foot of each page.
copyright = author  # noqa: A001  # Sphinx prescribes the name
extensions = ["sphinx_antsibull_ext"]
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
nitpicky = True
pygments_style = "ansible"

_ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"


def _link_to_ansible(app: Sphinx, env: Any, node: nodes.Element, contents: nodes.TextElement) -> nodes.Node | None:
    """Link to the site of Ansible for what is documented there. Nothing is downloaded to find out where."""
    target: str = node["reftarget"]
    parts = target.split(".")
    if target.startswith(f"ansible_collections.{project}."):
        return None
    page = ""
    if parts[0] == "ansible_collections":
        page = f"collections/{parts[1]}/{parts[2]}/{'.'.join(parts[3:]).partition('__')[0]}.html"
    return nodes.reference("", "", contents, internal=False, refuri=f"{_ANSIBLE}{page}")


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is done here."""
    app.connect("missing-reference", _link_to_ansible)
