# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of `make matrix`, and the table that they fill in docs/matrix.md."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import nox

from .ansible_test import (
    ROOT,
    AnsibleTest,
    Run,
    add_ansible_test_session,
    add_plain_units_session,
    run_integration,
    run_sanity,
    run_units,
)
from .interpreters import find_interpreter
from .table import read_rows

TAG = "matrix"
PAGE = ROOT / "docs" / "matrix.md"

_TABLE = re.compile(r"(<!-- results -->\n).*(<!-- end -->)", re.S)


def add_matrix(
    controller_pythons: Mapping[str, Sequence[str]],
    module_pythons: Mapping[str, str],
    oldest_requests: Sequence[str],
) -> None:
    """
    Add the sessions.

    :param controller_pythons: The Pythons of each ansible-core, newest first.
    :param module_pythons: The Pythons that modules run on, and the ansible-core that each runs as a controller.
    :param oldest_requests: The oldest requests and urllib3, as pip's requirements.
    """
    for core, pythons in controller_pythons.items():
        available = [python for python in pythons if find_interpreter((python,))]
        for python in dict.fromkeys(available[:1] + available[-1:]):
            for kind, run in (
                ("sanity", run_sanity),
                ("units", run_units),
                ("integration-here", run_integration("here")),
                ("integration-shipped", run_integration("shipped")),
            ):
                name = f"{TAG}-{kind}-{core}-py{python}"
                add_ansible_test_session(name, core, (python,), run, default=False, tags=(TAG,))
    newest = next(iter(controller_pythons))
    for python, core in module_pythons.items():
        importing = f"{TAG}-import-py{python}"
        run = _import(python)
        add_ansible_test_session(importing, newest, controller_pythons[newest], run, default=False, tags=(TAG,))
        for which, packages in (("oldest", oldest_requests), ("newest", ("requests", "urllib3"))):
            description = f"Run the unit tests on Python {python} with the {which} requests."
            name = f"{TAG}-units-py{python}-{which}-requests"
            # Newer Pythons lack modules that the oldest urllib3 imports.
            if which == "newest" or int(python.split(".")[1]) < 12:
                add_plain_units_session(name, description, (python,), core, *packages, tags=(TAG,))


def _import(python: str) -> Run:
    def run(session: nox.Session, ansible_test: AnsibleTest) -> None:
        """Import modules and module_utils by ansible-test."""
        # ansible-test looks for it in the PATH, where pyenv's shims also exist for versions that are switched off.
        if interpreter := find_interpreter((python,)):
            session.env["PATH"] = f"{Path(interpreter).parent}{os.pathsep}{os.environ['PATH']}"
        ansible_test("sanity", "--test", "import", "--python", python)

    return run


def write_results(report: Path) -> None:
    """Put the results of a run into the page. Those of sessions that did not run stay."""
    rows = [row for row in read_rows(report) if row.session.startswith(f"{TAG}-")]
    if not rows:
        return
    page = PAGE.read_text(encoding="utf-8")
    match = _TABLE.search(page)
    lines = dict(re.findall(r"^\| (matrix-\S+) \|(.*)$", match[0] if match else "", re.M))
    for row in rows:
        lines[row.session] = f" {row.core} | {row.python} | {row.result} | {row.time} | {row.note or '-'} |"
    table = ["| session | ansible-core | Python | result | time | |", "| --- | --- | --- | --- | --- | --- |"]
    table += [f"| {name} |{rest}" for name, rest in sorted(lines.items())]
    text = "\n".join(["", *table, "", ""])
    PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}{text}{found[2]}", page), encoding="utf-8")
