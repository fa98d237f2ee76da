# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.docs.examples import commands_in, examples_in, playbook_of
from ansible_collections.huaweicloud.cloudpond.tests.docs.role_readme import readme

ROOT = Path(__file__).parents[3]
TROUBLESHOOTING = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"

#: What the code puts together of parts, and what comes from ansible-core.
PUT_TOGETHER = re.compile(r"HTTP \S*( APIGW)?|missing required arguments: domain_id")


def sources() -> str:
    """Return all code that messages come from, without the breaks between its lines."""
    files = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/*/*/*.yml")]
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(files))
    return re.sub(r'"\s+f?"|\s+', lambda match: "" if '"' in match[0] else " ", text)


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_the_readme_of_a_role_is_what_its_argument_specs_make(role: str) -> None:
    path = ROOT / "roles" / role
    assert (path / "README.md").read_text(encoding="utf-8") == readme(path)


def test_every_message_in_the_troubleshooting_page_stands_in_the_code() -> None:
    cells = re.findall(r"^   \* - (``.*(?:\n {7}.*)*)", TROUBLESHOOTING.read_text(encoding="utf-8"), re.M)
    messages = [message for cell in cells for message in re.findall(r"``(.+?)``", cell)]
    assert len(messages) > 30
    code = sources()
    assert [message for message in messages if not PUT_TOGETHER.fullmatch(message) and message not in code] == []


def test_examples_in_rst(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text("Text\n\n.. code-block:: yaml+jinja\n\n    - name: a\n      b:\n\n    - name: c\n\nMore\n")
    (example,) = examples_in(page)
    assert example == (3, "yaml+jinja", "- name: a\n  b:\n\n- name: c\n")


def test_examples_in_markdown(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Text\n```yaml\na: 1\n```\n```shell\nansible-playbook \\\n  huaweicloud.cloudpond.p\n```\n")
    first, second = examples_in(page)
    assert first == (2, "yaml", "a: 1\n")
    assert list(commands_in(second.text)) == ["ansible-playbook huaweicloud.cloudpond.p"]


def test_what_is_a_playbook() -> None:
    play = {"name": "p", "hosts": "all"}
    task = {"name": "t", "ansible.builtin.debug": {}}
    assert playbook_of([play]) == [play]
    assert playbook_of([task]) == [
        {"name": "Run the example", "hosts": "localhost", "gather_facts": False, "tasks": [task]}
    ]
    assert playbook_of({"sites": {}}) is None
    assert playbook_of(["a"]) is None
