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
# The pages of its labels, as far as antsibull-docs uses them.
_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def _link_to_ansible(app: Sphinx, env: Any, node: nodes.Element, contents: nodes.TextElement) -> nodes.Node | None:
    """Link to Ansible's site for references to its documentation. Nothing is downloaded."""
    target: str = node["reftarget"]
    if target.startswith(f"ansible_collections.{project}."):
        return None
    if target.startswith("ansible_collections."):
        _root, namespace, collection, name = target.split(".", 3)
        page = f"collections/{namespace}/{collection}/{name.partition('__')[0]}.html"
    elif target.startswith("ANSIBLE_"):
        page = f"{_PAGES['ansible_configuration_settings']}#envvar-{target}"
    elif target in _PAGES:
        page = _PAGES[target]
    else:
        return None
    return nodes.reference("", "", contents, internal=False, refuri=f"{_ANSIBLE}{page}")


def setup(app: Sphinx) -> None:
    """Connect the handler to Sphinx."""
    app.connect("missing-reference", _link_to_ansible)
