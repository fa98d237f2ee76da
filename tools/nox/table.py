# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of `make test`: the versions and the result of each session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
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


def show_table(report: Path) -> list[str]:
    """Print the table of nox's report, and return the problems."""
    if not report.is_file():
        return [f"{report} is missing: the run of the sessions ended before its report"]
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    rows = [Row("session", "ansible-core", "Python", "result", "time", "")]
    for row, counts in _rows(json.loads(report.read_text(encoding="utf-8"))):
        rows.append(row)
        for outcome, count in counts.items():
            totals[outcome] += count
    widths = [max(map(len, column)) for column in zip(*rows)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print("\nUnit tests, summed over the sessions:")
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"total: {totals['passed']} passed, {totals['failed']} failed{skipped}", flush=True)
    problems = [f"{row.session}: {row.result}" for row in rows[1:] if row.result not in ("success", "skipped")]
    if not totals["passed"] and any(row.session.startswith("units-") for row in rows):
        problems.append("no unit test passed")
    return problems


def write_matrix(report: Path) -> None:
    """Put the results of a report into docs/matrix.md. Those of sessions that did not run stay."""
    rows = [row for row in _read(report) if re.search(r"-py3\.", row.session) and row.result != "skipped"]
    if not rows:
        return
    page = MATRIX.read_text(encoding="utf-8")
    before, _begin, rest = page.partition(_BEGIN)
    table, _end, after = rest.partition(_END)
    lines = dict(re.findall(r"^\| (\S+-py\S+) (\|.*)$", table, re.M))
    lines |= {
        row.session: f"| {row.core} | {row.python} | {row.result} | {row.time} | {row.note or '-'} |" for row in rows
    }
    head = ["| session | ansible-core | Python | result | time | |", "| --- | --- | --- | --- | --- | --- |"]
    text = "\n".join(["", *head, *(f"| {name} {rest}" for name, rest in sorted(lines.items())), "", ""])
    MATRIX.write_text(f"{before}{_BEGIN}{text}{_END}{after}", encoding="utf-8")


def _read(report: Path) -> list[Row]:
    if not report.is_file():
        return []
    return [row for row, _counts in _rows(json.loads(report.read_text(encoding="utf-8")))]


def _rows(report: dict[str, Any]) -> Iterator[tuple[Row, dict[str, int]]]:
    for entry in report["sessions"]:
        name, result = entry["name"], entry["result"]
        counts, notes = {}, [entry.get("reason") or ""]
        if (file := RESULTS_DIR / f"{name}.json").is_file():
            facts = json.loads(file.read_text(encoding="utf-8"))
            counts = facts["counts"]
            shown = (f"{count} {outcome}" for outcome, count in counts.items() if count or outcome == "passed")
            notes = [", ".join(shown), *notes, facts["note"]]
        core, python = _installed(name) if result != "skipped" else ("-", "-")
        yield Row(name, core, python, result, f"{entry['duration']:.0f} s", "; ".join(filter(None, notes))), counts


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
