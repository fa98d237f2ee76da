# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._settings import FILE_VARIABLE, OPTIONS
from ansible_collections.huaweicloud.cloudpond.tools.docs.examples import (
    DONE,
    Block,
    Unknown,
    blocks_in,
    examples_of,
    pages_of,
    understand,
)

ROOT = Path(__file__).parents[3]
GUIDES = sorted(ROOT.glob("docs/docsite/rst/*.rst"))
#: Exceptions whose text people see. The text of any other is for the code that catches it, or for a traceback.
SHOWN = ("CloudPondError", "TransportError", "ValueError")


def test_the_tarball_has_the_version_in_all_documentation() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    pages = [path for pattern in ("*.md", "docs/**/*.*") for path in ROOT.glob(pattern)]
    named = {
        (path.name, found)
        for path in pages
        if path.suffix in (".md", ".rst", ".yml")
        for found in re.findall(r"huaweicloud-cloudpond-(\d[\w.-]*)\.tar\.gz", path.read_text(encoding="utf-8"))
    }
    assert {found for _name, found in named} == {version}, named


# Messages


def texts_in(node: ast.AST) -> Iterator[str]:
    """Yield the texts in code that can be messages, with "..." in place of what the code fills in."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name.endswith(("Error", "Exception")) and name not in SHOWN:
            return
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from texts_in(child)


def test_the_guide_to_troubleshooting_has_a_row_for_each_message_of_the_client() -> None:
    page = (ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst").read_text(encoding="utf-8")
    cells = re.findall(r"^   \* - (``.*(?:\n {7}.*)*)", page, re.M)
    rows = [
        re.compile(".*".join(map(re.escape, re.findall(r"``([^`]+)``", pattern))))
        for cell in cells
        for pattern in re.split(r"(?<=``),\s+(?=``)", cell)
    ]
    messages = {
        text
        for path in (ROOT / "plugins" / "module_utils").glob("*.py")
        for text in texts_in(ast.parse(path.read_text(encoding="utf-8")))
        # Four words of a sentence, with or without what stands between.
        if re.search(r"([a-z']+|\.\.\.)( ([a-z']+|\.\.\.)){3}", text)
    }
    assert len(messages) > 30
    assert not [message for message in sorted(messages) if not any(row.search(message) for row in rows)]


# Pages


@pytest.mark.parametrize("page", pages_of(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_it_is_known_what_to_do_with_each_block_of_a_page(page: Path) -> None:
    assert examples_of(page, page.name)


@pytest.mark.parametrize("page", pages_of(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_variable_that_a_page_names_is_read(page: Path) -> None:
    known = {FILE_VARIABLE, *(name for option in OPTIONS.values() for name in option.variables)}
    # Of another program: the page says that this collection does not read it.
    known.add("HW_ASSUME_ROLE_")
    named = set(re.findall(r"\b(?:HW|HUAWEICLOUD_SDK)_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    assert named - known == set()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_reads_well_on_a_forge(page: Path) -> None:
    # A forge prints the roles of Sphinx and Ansible as raw text, and leaves out a seealso.
    text = re.sub(r"\n\.\. seealso::\n(\n|   .*\n)*", "\n", page.read_text(encoding="utf-8"))
    assert not re.findall(r":[\w:-]+:`.*", text)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a forge and Sphinx make of the headings of a page."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^(.+)\n[=-]{3,}$|^#+ (.+)$", text, re.M)
    return {re.sub(r"[^a-z0-9]+", "-", (of_rst or of_md).lower()).strip("-") for of_rst, of_md in headings}


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *GUIDES], ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    pattern = r"`[^`<]+<([^>`]+)>`__" if page.suffix == ".rst" else r"\]\(([^)]+)\)"
    links = [link for link in re.findall(pattern, page.read_text(encoding="utf-8")) if "://" not in link]
    for link in links:
        name, _hash, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_guide_is_in_the_table_of_contents_and_in_the_readme() -> None:
    sections = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert sorted(listed) == [path.stem for path in GUIDES]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Guides")[2]
    assert re.findall(r"docs/docsite/rst/(\w+)\.rst", readme) == listed


# The reader of the examples


@pytest.mark.parametrize(
    ("name", "text", "blocks"),
    [
        (
            "page.rst",
            "Text\n\n.. code-block:: yaml+jinja\n\n    - name: a\n      b:\n\n    - name: c\n\nMore\n\n"
            ".. note::\n\n   .. code:: ini\n      :caption: x\n\n      [a]\n\n   more\n",
            [(3, "yaml+jinja", "- name: a\n  b:\n\n- name: c\n"), (14, "ini", "[a]\n")],
        ),
        ("page.md", "Text\n```yaml\na: 1\n```\n- item\n\n  ```\n  b\n  ```\n", [(2, "yaml", "a: 1\n"), (7, "", "b\n")]),
    ],
)
def test_blocks_in_a_page(tmp_path: Path, name: str, text: str, blocks: list[tuple[int, str, str]]) -> None:
    (tmp_path / name).write_text(text)
    assert list(blocks_in(tmp_path / name)) == blocks


TASKS = "- name: t\n  ansible.builtin.debug:\n\n- name: b\n  block: []\n"


@pytest.mark.parametrize(
    ("language", "text", "command"),
    [
        ("yaml+jinja", "- name: p\n  hosts: all\n", "ansible-playbook -i inventory.yml f.yml"),
        ("yaml", TASKS, "ansible-playbook -i inventory.yml f.yml"),
        ("yaml", "- name: p\n  hosts: cloudpond_success\n", "ansible-playbook -i inventory f.yml"),
        ("yaml", "# a/b.yml\nsites:\n  hosts:\n    a:\n", "ansible-inventory -i a/b.yml --list"),
        ("yaml", "plugin: a.b.c\n", "ansible-inventory -i f.cloudpond.yml --graph"),
        ("console", "$ ansible-playbook \\\n    a.b.c  # why\nout\n", "ansible-playbook a.b.c"),
        ("console", "17 */2 * * * /usr/bin/ansible-playbook e.yml\n", "ansible-playbook e.yml"),
        ("ini", "[Service]\nExecStart=/usr/bin/ansible-playbook e.yml\n", "ansible-playbook e.yml"),
    ],
)
def test_how_a_block_is_run(language: str, text: str, command: str) -> None:
    (example,) = understand(Block(1, language, text), "f")
    assert example.command == command


def test_tasks_become_a_play_that_must_do_something() -> None:
    (example,) = understand(Block(1, "yaml", TASKS), "f")
    assert yaml.safe_load(example.content)[0]["tasks"] == yaml.safe_load(TASKS)
    assert re.search(DONE, "site : ok=2 changed=0")
    assert not re.search(DONE, "site : ok=0 changed=0")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "anything"),
        ("yaml", "- hosts: all"),
        ("yaml", "- name: t\n  debug:"),
        ("console", "$ ansible-navigator run"),
        ("ini", "[other]"),
    ],
)
def test_what_is_unknown_is_an_error(language: str, text: str) -> None:
    with pytest.raises(Unknown):
        understand(Block(1, language, f"{text}\n"), "f")


def test_a_page_without_an_example_or_with_a_broken_one_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```yaml\na: 1\n```\n")
    with pytest.raises(Unknown, match=r"page: no example that can be run"):
        examples_of(page, "page")
    page.write_text("text\n\n```yaml\na: [\n```\n")
    with pytest.raises(Unknown, match=r"page:3: "):
        examples_of(page, "page")
