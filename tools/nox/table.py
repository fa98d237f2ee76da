# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of `make test`: the versions and the result of each session."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import nox

NOX_DIR = Path(__file__).resolve().parents[2] / ".nox"
RESULTS_DIR = NOX_DIR / "results"

MATRIX = NOX_DIR.parent / "docs" / "matrix.md"
_BEGIN, _END = "<!-- results -->\n", "<!-- end -->"


class Row(NamedTuple):
    """One line of the table."""

    session: str
    core: str
    python: str
    result: str
    time: str
    note: str
    #: Of the tests: passed, failed and skipped.
    counts: dict[str, int]


def keep_result(session: nox.Session, junit: Path | None = None, note: str = "") -> None:
    """Keep the counts of the tests in a directory's JUnit files, and a note, for the table."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for file in junit.glob("*.xml") if junit else ():
        for suite in ElementTree.parse(file).iter("testsuite"):
            tests, failures, errors, skipped = (
                int(suite.get(name) or 0) for name in ("tests", "failures", "errors", "skipped")
            )
            counts["failed"] += failures + errors
            counts["skipped"] += skipped
            counts["passed"] += tests - failures - errors - skipped
    RESULTS_DIR.mkdir(parents=True, exist_ok=True)
    facts = {"counts": counts if junit else {}, "note": note}
    (RESULTS_DIR / f"{session.name}.json").write_text(json.dumps(facts), encoding="utf-8")


def read_report(report: Path) -> list[Row]:
    """Return the lines for nox's report, with what the sessions kept."""
    rows = []
    for entry in json.loads(report.read_text(encoding="utf-8"))["sessions"]:
        name, result = entry["name"], entry["result"]
        counts, notes = {}, [entry.get("reason") or ""]
        if (file := RESULTS_DIR / f"{name}.json").is_file():
            facts = json.loads(file.read_text(encoding="utf-8"))
            counts = facts["counts"]
            shown = (f"{count} {outcome}" for outcome, count in counts.items() if count or outcome == "passed")
            notes = [", ".join(shown), *notes, facts["note"]]
        core, python = _installed(name) if result != "skipped" else ("-", "-")
        note = "; ".join(filter(None, notes))
        rows.append(Row(name, core, python, result, f"{entry['duration']:.0f} s", note, counts))
    return rows


def show_table(rows: Sequence[Row]) -> list[str]:
    """Print the table, and return the problems."""
    lines = [("session", "ansible-core", "Python", "result", "time", ""), *(row[:6] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    totals = sum((Counter(row.counts) for row in rows), Counter[str]())
    print("\nUnit tests, summed over the sessions:")
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"total: {totals['passed']} passed, {totals['failed']} failed{skipped}", flush=True)
    problems = [f"{row.session}: {row.result}" for row in rows if row.result not in ("success", "skipped")]
    if not totals["passed"] and any(row.session.startswith("units-") for row in rows):
        problems.append("no unit test passed")
    return problems


def write_matrix(rows: Sequence[Row]) -> None:
    """Put the results into docs/matrix.md. Those of sessions that did not run stay."""
    page = MATRIX.read_text(encoding="utf-8")
    before, _begin, rest = page.partition(_BEGIN)
    table, _end, after = rest.partition(_END)
    lines = dict(re.findall(r"^\| (\S+-py\S+) (\|.*)$", table, re.M))
    lines |= {
        row.session: f"| {row.core} | {row.python} | {row.result} | {row.time} | {row.note or '-'} |"
        for row in rows
        if "-py3." in row.session and row.result != "skipped"
    }
    head = ["| session | ansible-core | Python | result | time | |", "| --- | --- | --- | --- | --- | --- |"]
    text = "\n".join(["", *head, *(f"| {name} {rest}" for name, rest in sorted(lines.items())), "", ""])
    MATRIX.write_text(f"{before}{_BEGIN}{text}{_END}{after}", encoding="utf-8")


def _installed(session: str) -> tuple[str, str]:
    """Return the versions of ansible-core and of Python in a session's environment."""
    environment = NOX_DIR / re.sub(r"[^\w-]", "-", session)  # as nox names it
    config = environment / "pyvenv.cfg"
    python = core = "-"
    if config.is_file():
        match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", config.read_text(encoding="utf-8"), re.M)
        python = match[1] if match else "-"
    for folder in environment.glob("lib/python3.*/site-packages/ansible_core-*.dist-info"):
        core = folder.name.split("-")[1].removesuffix(".dist")
    return core, python
