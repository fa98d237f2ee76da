# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing: changes the code in thousands of small ways, and checks that a unit test fails for each change.

`make mutation` runs it, by mutmut, which takes hours. It writes docs/mutation.md. With --survivors, it runs only the
mutants that survived the last run, after tests were added for them. A run that is interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from ..dry_run import ROOT, DryRunError, main, run_shown, say

HERE = Path(__file__).resolve().parent
PAGE = ROOT / "docs" / "mutation.md"
EXPLAINED = HERE / "explained.yml"

COLLECTION = Path("ansible_collections/huaweicloud/cloudpond")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "docs", "tools")
MUTATED = ("module_utils", "test")

#: Tests that run all of the code many times would make each survivor take minutes.
VARIABLES = {"CHAOS_LIVES": "5", "CHAOS_EXAMPLES": "200"}

#: Exit codes of a mutant's tests, as mutmut has them; -24 is the limit of its time.
SURVIVED = 0
RESULTS = {SURVIVED: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested", -24: "timed out"}

SETTINGS = f"""[mutmut]
source_paths={COLLECTION}/plugins
only_mutate=
{"".join(f"    */plugins/{folder}/*.py{chr(10)}" for folder in MUTATED)}also_copy=
    ansible_collections
pytest_add_cli_args=
    -p
    no:cacheprovider
    --import-mode=importlib
pytest_add_cli_args_test_selection=
    {COLLECTION}/tests/unit/plugins
use_git_change_detection=false
timeout_multiplier=2
timeout_constant=5
"""

#: For a survivor that nobody has examined.
NOT_YET = "not explained yet"

_TABLES = re.compile(r"(<!-- results -->\n).*(<!-- end -->)", re.S)


class Mutant(NamedTuple):
    """A change, and its result."""

    name: str
    file: str
    #: One of RESULTS.
    result: str

    @property
    def function(self) -> str:
        """The function or method, such as ``_client.Client.get``."""
        module, mangled = self.name.rpartition("__mutmut_")[0].rsplit(".", 1)
        # mutmut writes x_function, and xǁClassǁmethod.
        name = mangled[1:].strip("ǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled[2:]
        return f"{module.rpartition('.')[2]}.{name}"


class Explanation(NamedTuple):
    """Why some mutants survive."""

    #: Match the whole name of the function, and the whole of the mutant's line.
    function: re.Pattern[str]
    line: re.Pattern[str]
    why: str

    def explains(self, mutant: Mutant, line: str) -> bool:
        """Return whether it is about a mutant."""
        return bool(self.function.fullmatch(mutant.function) and self.line.fullmatch(line))


def prepare(cache: Path) -> None:
    """Copy the checkout to where the tests import it from, and write mutmut's settings."""
    shutil.rmtree(cache / "ansible_collections", ignore_errors=True)
    shutil.copytree(ROOT, cache / COLLECTION, ignore=LEFT_OUT)
    # mutmut's own copy keeps existing files.
    shutil.copytree(cache / COLLECTION / "tests", cache / "mutants" / COLLECTION / "tests", dirs_exist_ok=True)
    (cache / "setup.cfg").write_text(SETTINGS, encoding="utf-8")


def mutants(cache: Path) -> Iterator[Mutant]:
    """Yield all mutants in the order of the files."""
    folder = cache / "mutants" / COLLECTION / "plugins"
    for meta in sorted(folder.rglob("*.py.meta")):
        file = str(meta.relative_to(folder)).removesuffix(".meta")
        for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            yield Mutant(name, file, RESULTS.get(code, "not run"))


def changed_lines(mutant: Mutant) -> str:
    """Return the lines that a mutant has in place of the original's, as one line."""
    # mutmut reads the settings of the working folder when it is imported.
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = [line for line in get_diff_for_mutant(mutant.name).splitlines() if re.match(r"\+(?!\+\+)", line)]
    return " ".join(line[1:].strip() for line in lines) or "(the line is left out)"


def load_explained() -> list[Explanation]:
    """Return the explanations, in the order in which they must be tried."""
    content = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8"))
    return [Explanation(re.compile(entry["function"]), re.compile(entry["line"]), entry["why"]) for entry in content]


def cell(text: str) -> str:
    """Return a text as code in a table's cell."""
    return f"`` {text} ``".replace("|", "\\|")


def write_page(every: list[Mutant], survivors: list[tuple[str, str, str]]) -> None:
    """Put the figures and the survivors into the page."""
    columns = ("killed", "timed out", "survived", "untested")
    counts = {file: Counter(mutant.result for mutant in every if mutant.file == file) for file in _files(every)}
    total = sum(counts.values(), Counter[str]())
    found = total["killed"] + total["timed out"]
    unexplained = sum(why == NOT_YET for _function, _line, why in survivors)
    lines = [
        "",
        f"{len(every):,} mutants, of which the tests find {found:,}: {found / len(every):.1%}.",
        f"{len(survivors):,} survive, of which {unexplained:,} are not explained yet.",
        "",
        f"| file | mutants | {' | '.join(columns)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
    ]
    for file, count in {**counts, "all": total}.items():
        lines.append(f"| {file} | {count.total()} | {' | '.join(str(count[column]) for column in columns)} |")
    lines += ["", "| function | the mutant's line | why it survives |", "| --- | --- | --- |"]
    lines += [f"| {function} | {cell(line)} | {why} |" for function, line, why in survivors]
    text = "\n".join([*lines, "", ""])
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLES.sub(lambda match: f"{match[1]}{text}{match[2]}", page), encoding="utf-8")


def _files(every: list[Mutant]) -> list[str]:
    return list(dict.fromkeys(mutant.file for mutant in every))


def mutate(cache: Path, *, only_survivors: bool, children: int) -> int:
    """Run the mutants, write the page, and return 1 if one survives that is not explained."""
    say(f"Copying the checkout to {cache} ...")
    prepare(cache)
    names: list[str] = []
    if only_survivors:
        names = [mutant.name for mutant in mutants(cache) if mutant.result in ("survived", "untested", "not run")]
        say(f"Running the {len(names)} mutants that the last run left ...")
    variables = {**os.environ, **VARIABLES, "PYTHONPATH": str(cache / "mutants")}
    if run_shown(["-m", "mutmut", "run", "--max-children", str(children), *names], variables, cwd=cache):
        raise DryRunError("mutmut could not run the tests. Do the unit tests pass?")
    return report(cache)


def report(cache: Path) -> int:
    """Write the page from the results that are there, and return 1 if a survivor is not explained."""
    os.chdir(cache)
    every = list(mutants(cache))
    explanations = load_explained()
    used: set[Explanation] = set()
    survivors: list[tuple[str, str, str]] = []
    problems = []
    for mutant in every:
        if mutant.result == "not run":
            problems.append(f"not run: {mutant.name}")
        if mutant.result not in ("survived", "untested"):
            continue
        line = changed_lines(mutant)
        explanation = next((each for each in explanations if each.explains(mutant, line)), None)
        if explanation:
            used.add(explanation)
        else:
            problems.append(f"{mutant.result}, and not explained: {mutant.function}: {line}")
        survivors.append((mutant.function, line, explanation.why if explanation else NOT_YET))
    for unused in set(explanations) - used:
        problems.append(f"explained, but found now: {unused.function.pattern}: {unused.line.pattern}")
    write_page(every, survivors)
    for problem in problems:
        say(problem)
    say(f"Wrote {PAGE}. {len(survivors)} survivors.")
    if problems:
        say(f"Write a test for each survivor, or explain it in {EXPLAINED}.")
    return 1 if problems else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache-dir", type=Path, required=True, help="where to mutate the code")
    parser.add_argument("--children", type=int, default=os.cpu_count(), help="mutants at the same time")
    parser.add_argument("--survivors", action="store_true", help="run only the mutants that survived the last run")
    parser.add_argument("--report", action="store_true", help="only write the page from the last run")
    options = parser.parse_args()
    cache_dir = options.cache_dir.resolve()
    cache_dir.mkdir(parents=True, exist_ok=True)
    if options.report:
        sys.exit(main(lambda: report(cache_dir)))
    sys.exit(main(lambda: mutate(cache_dir, only_survivors=options.survivors, children=options.children)))
