# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._argspec import connection_argument_spec
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._credentials import FILE_VARIABLE
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._http import RETRYABLE_STATUSES
from ansible_collections.huaweicloud.cloudpond.tools.docs.examples import (
    DONE,
    Block,
    Unknown,
    blocks_in,
    examples_of,
    pages_of,
    understand,
)
from ansible_collections.huaweicloud.cloudpond.tools.docs.messages import is_of, messages_in, rows_in
from ansible_collections.huaweicloud.cloudpond.tools.docs.role_readme import markdown, paragraphs, readme

from ..plugins.module_utils.test_argspec import VARIABLES

ROOT = Path(__file__).parents[3]
TROUBLESHOOTING = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"
# The others are parts of these.
ROLES = sorted(path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
MESSAGES = messages_in(ROOT)
ROWS = rows_in(TROUBLESHOOTING)


# The version


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


# The README of a role


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_of_a_role_is_what_its_argument_specs_make(role: str) -> None:
    path = ROOT / "roles" / role
    text = (path / "README.md").read_text(encoding="utf-8")
    assert text == readme(path)
    # A parenthesis in the wrong markup leaves it as it is.
    assert not re.search(r"\b(?:[BCEILMOPUV]|RV)\(", text)


@pytest.mark.parametrize("role", ROLES)
def test_the_argument_specs_of_a_role_have_its_defaults(role: str) -> None:
    path = ROOT / "roles" / role
    specs = yaml.safe_load((path / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    defaults = yaml.safe_load((path / "defaults" / "main.yml").read_text(encoding="utf-8"))
    options = specs["options"].items()
    assert {name: option["default"] for name, option in options if "default" in option} == defaults


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("V(0), C(a=b), E(HW) and O(opt)", "`0`, `a=b`, `HW` and `opt`"),
        ("O(huaweicloud.cloudpond.m#module:opt=1), RV(n.c.m#module:msg)", "`opt=1`, `msg`"),
        ("M(n.c.m), P(n.c.t#test)", "`n.c.m`, `n.c.t`"),
        (r"V(a\)b)", "`a)b`"),
        (r"C(a\), V(f(b\))", "`a\\`, `f(b)`"),
        ("L(here,https://a.test/b), U(https://c.test)", "[here](https://a.test/b), <https://c.test>"),
        ("B(bold), I(it)", "**bold**, *it*"),
        ("once (or more), SUCCESS", "once (or more), SUCCESS"),
    ],
)
def test_markup_in_markdown(text: str, expected: str) -> None:
    assert markdown(text) == expected
    assert paragraphs(text) == paragraphs([text]) == [expected]


def test_unknown_markup_in_markdown() -> None:
    with pytest.raises(KeyError):
        markdown("XY(z)")


# The page on messages


def core_messages() -> list[str]:
    """Return what ansible-core and CloudPondError put together."""
    validator = ArgumentSpecValidator(
        {**connection_argument_spec({}), "domain_id": {"required": True}, "a": {}, "b": {}},
        mutually_exclusive=[("a", "b")],
    )
    statuses = [400, 401, 403, 404, 408, 429, *range(500, 600)]
    return [
        missing_required_lib("requests"),
        *validator.validate({"a": 1, "b": 2}).error_messages,
        *(str(CloudPondError("an order", "no", http_status=status, code="APIGW.0101")) for status in statuses),
    ]


@pytest.mark.parametrize("pattern", [pattern for row in ROWS for pattern in row], ids=" ... ".join)
def test_every_message_of_the_page_stands_in_the_code(pattern: tuple[str, ...]) -> None:
    assert any(is_of(pattern, message) for message in [*MESSAGES, *((text,) for text in core_messages())])


@pytest.mark.parametrize("message", sorted(MESSAGES), ids=" ... ".join)
def test_every_message_of_the_code_stands_in_the_page(message: tuple[str, ...]) -> None:
    assert any(is_of(pattern, message) for row in ROWS for pattern in row)


def test_the_page_says_of_each_status_whether_the_wait_goes_on() -> None:
    rows = TROUBLESHOOTING.read_text(encoding="utf-8").split("\n   * - ")
    statuses = {
        int(status): "the wait goes on" in row
        for row in rows
        for status in re.findall(r"``HTTP (\d+)``", row.partition("\n     - ")[0])
    }
    assert len(statuses) > 8
    assert statuses == {status: status in RETRYABLE_STATUSES for status in statuses}


def test_messages_are_what_the_code_prints() -> None:
    # One of each kind: a call, a variable, a constant, another file's, a table's, one with an alternative, a role's.
    for parts in [
        ("an ID must be made of letters", "got"),
        ("the answer from", "was cut short"),
        ("the answer is larger than", "and was cut off"),
        ("the answer is not JSON",),
        ("is null: leave it out",),
        ("HUAWEICLOUD_SDK_CREDENTIALS_FILE names", "which does not exist"),
        ("FAIL, CANCELLED or DELETED will not be delivered",),
        ("The query was skipped",),
        ("The query returned nothing",),
        ("Check the IDs of the orders, and domain_id",),
        ("must contain at least one ID",),
    ]:
        assert any(is_of(parts, message) for message in MESSAGES), parts
    assert not any(is_of(("Asks the CloudPond API, within one domain",), message) for message in MESSAGES)


def test_parts_of_a_message_have_an_order() -> None:
    message = ("the certificate of ", " can't be verified: ")
    assert is_of(("certificate", "of", "verified"), message)
    assert not is_of(("verified", "certificate"), message)
    assert not is_of(("of can't",), message)


def test_a_cell_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text("   * - ``a``, ``b`` ... ``c``\n     - text\n")
    assert rows_in(page) == [[("a",), ("b", "c")]]
    page.write_text("   * - ``a`` or ``b``\n     - text\n")
    with pytest.raises(ValueError, match="neither"):
        rows_in(page)


# The pages' examples


@pytest.mark.parametrize("page", pages_of(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_it_is_known_what_to_do_with_each_block_of_a_page(page: Path) -> None:
    assert examples_of(page, page.name)


@pytest.mark.parametrize("page", pages_of(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_variable_that_a_page_names_is_read(page: Path) -> None:
    known = {FILE_VARIABLE, *itertools.chain(*VARIABLES.values())}
    named = set(re.findall(r"\b(?:HW|HUAWEICLOUD_SDK)_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    assert named - known == set()


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/docsite/rst/*.rst")), ids=lambda page: page.stem)
def test_a_guide_reads_well_on_a_forge(page: Path) -> None:
    # A forge prints the roles of Sphinx and Ansible as raw text, and leaves out a seealso.
    text = re.sub(r"\n\.\. seealso::\n(\n|   .*\n)*", "\n", page.read_text(encoding="utf-8"))
    assert not re.findall(r":[\w:-]+:`.*", text)


def test_every_guide_is_in_the_table_of_contents() -> None:
    sections = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"))


def test_blocks_in_rst(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(
        "Text\n\n.. code-block:: yaml+jinja\n\n    - name: a\n      b:\n\n    - name: c\n\nMore\n\n"
        ".. note::\n\n   .. code:: ini\n      :caption: x\n\n      [a]\n\n   more\n"
    )
    assert list(blocks_in(page)) == [
        (3, "yaml+jinja", "- name: a\n  b:\n\n- name: c\n"),
        (14, "ini", "[a]\n"),
    ]


def test_blocks_in_markdown(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Text\n```yaml\na: 1\n```\n- item\n\n  ```\n  b\n  ```\n")
    assert list(blocks_in(page)) == [(2, "yaml", "a: 1\n"), (7, "", "b\n")]


def kinds(language: str, text: str) -> list[tuple[str, str | None]]:
    return [(example.kind, example.command) for example in understand(Block(1, language, text), "f")]


def test_plays_and_tasks_are_run() -> None:
    run = [("playbook", "ansible-playbook -i inventory.yml f.yml")]
    play = "- name: p\n  hosts: all\n"
    task = "- name: t\n  ansible.builtin.debug:\n\n- name: b\n  block: []\n"
    assert kinds("yaml+jinja", play) == kinds("yaml", play) == kinds("yaml", task) == run
    assert kinds("yaml", "- name: i\n  ansible.builtin.import_playbook: a.b.c\n") == run
    (example,) = understand(Block(1, "yaml", task), "f")
    assert yaml.safe_load(example.content)[0]["tasks"] == yaml.safe_load(task)
    assert re.search(DONE, "site : ok=2 changed=0")
    assert not re.search(DONE, "site : ok=0 changed=0")


def test_an_inventory_is_read_and_other_data_is_parsed() -> None:
    assert kinds("yaml", "sites:\n  hosts:\n    a:\n") == [("inventory", "ansible-inventory -i inventory.yml --list")]
    assert kinds("yaml", "plugin: a.b.c\n") == [("inventory", "ansible-inventory -i f.cloudpond.yml --graph")]
    source = "# orders.cloudpond.yml\nplugin: a.b.c\n"
    assert kinds("yaml", source) == [("inventory", "ansible-inventory -i orders.cloudpond.yml --graph")]
    play = "- name: p\n  hosts: cloudpond_success\n"
    assert kinds("yaml", play) == [("playbook", "ansible-playbook -i inventory.yml -i orders.cloudpond.yml f.yml")]
    assert kinds("yaml", "fields: []\n") == [("data", None)]


def test_commands_are_run() -> None:
    text = "$ ansible-playbook \\\n    a.b.c -e d=1  # why\noutput\n17 */2 * * * /usr/bin/ansible-playbook e.yml\n"
    of_schedule = ("command", "ansible-playbook e.yml")
    assert kinds("console", text) == [("command", "ansible-playbook a.b.c -e d=1"), of_schedule]
    assert kinds("shell", "ansible localhost -m a.b.c\n") == [("command", "ansible localhost -m a.b.c")]
    assert kinds("shell", "make demo # why\n") == [("data", None)]
    assert kinds("ini", "[Service]\nExecStart=/usr/bin/ansible-playbook e.yml\n") == [of_schedule]
    assert kinds("ini", "[Timer]\nOnCalendar=daily\n") == [("data", None)]
    assert kinds("console", "$ ansible-vault encrypt_string --stdin-name a\n")[0][0] == "vault"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "anything"),
        ("python", "pass"),
        ("yaml+jinja", "a: 1"),
        ("yaml", "- hosts: all"),
        ("yaml", "- name: t\n  debug:"),
        ("yaml", "- a"),
        ("yaml", "text"),
        ("console", "$ ansible-navigator run"),
        ("shell", "rm -r x"),
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


def test_settings_are_tried_with_the_first_playbook_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```ini\n[defaults]\n```\n```yaml\n- name: p\n  hosts: all\n```\n")
    settings, playbook = (example for _line, example in examples_of(page, "page"))
    assert settings.kind == "settings"
    assert settings.command == f"env -u ANSIBLE_CALLBACKS_ENABLED ANSIBLE_CONFIG={settings.file} {playbook.command}"
