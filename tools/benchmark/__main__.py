# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark: what a call costs, many orders, a fleet, memory, and waiting for 1 to 100,000 orders.

`make benchmark` runs it, against the emulator, and writes the tables and the plot of docs/benchmark.md. With --quick,
it prints the tables of small numbers, to see that it works. It is no test: its exit code is 0 even if an aim is missed.
"""

from __future__ import annotations

import argparse
import sys

from ..dry_run import ROOT, DryRunError, main, say
from .page import write_tables
from .questions import QUESTIONS, QUICK, THOROUGH, machine
from .runs import Runs


def benchmark(runs: Runs, names: list[str], *, quick: bool) -> int:
    """Answer the questions, and show the tables or write them into the page."""
    if unknown := set(names) - QUESTIONS.keys():
        raise DryRunError(f"There is no question {', '.join(sorted(unknown))}. These are: {', '.join(QUESTIONS)}.")
    tables = {}
    for name in names or QUESTIONS:
        say(f"{name} ...")
        tables[name] = QUESTIONS[name](runs, QUICK if quick else THOROUGH)
        say(f"{tables[name]}\n")
    if not quick:
        write_tables(ROOT / "docs" / "benchmark.md", {"machine": machine(), **tables})
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure small numbers, and leave the page as it is")
    parser.add_argument("questions", nargs="*", help=f"all by default: {', '.join(QUESTIONS)}")
    options = parser.parse_args()
    sys.exit(main(lambda cache: benchmark(Runs(cache), options.questions, quick=options.quick)))
