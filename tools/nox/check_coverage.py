# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the measured coverage of each file, and fails if it is too low.

Usage: check_coverage.py PERCENT, in the collection's directory, where "coverage run" left its data. The last line has
the coverage of lines and branches together, and of the branches alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import coverage

measured = coverage.Coverage(data_file=".coverage", branch=True, config_file=False)
measured.exclude(r"if (t\.|typing\.)?TYPE_CHECKING:")
measured.exclude(r"if __name__ == .__main__.:")
measured.load()
# A file that no test imports is not measured. All files are named, so that it counts as not covered.
plugins = [str(path.resolve()) for path in Path("plugins").rglob("*.py")]
measured.get_data().touch_files(plugins)
measured.report(morfs=plugins, show_missing=True)
measured.json_report(morfs=plugins, outfile="coverage.json")
totals = json.loads(Path("coverage.json").read_text(encoding="utf-8"))["totals"]
lines_and_branches = totals["percent_covered"]
branches = 100 * totals["covered_branches"] / totals["num_branches"]
print(f"coverage {lines_and_branches:.1f} %, of branches {branches:.1f} %")
if min(lines_and_branches, branches) < float(sys.argv[1]):
    sys.exit(f"The coverage is less than {sys.argv[1]} %.")
