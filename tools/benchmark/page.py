# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/benchmark.md, and its plot."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..dry_run import ROOT

PLOT = ROOT / "docs" / "images" / "benchmark.svg"

# A placeholder for the colour of text, which depends on whether the page is light or dark.
_INK = "#010203"
_STYLE = "<style>svg { color: #1f2328 } @media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>"
# Distinct for most kinds of colour blindness, and against white and black; the markers tell them apart too.
_LOOKS = (("#d55e00", "o"), ("#c673a3", "s"), ("#8c8c8c", "^"), ("#1a86c7", "D"), ("#0a9a72", "v"))

_TABLES = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.S)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def duration(seconds: float) -> str:
    """Return a time with three digits or fewer."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def aim(ratio: float, most: float) -> str:
    """Return a ratio with its aim."""
    return f"{ratio:.2f} (aim: at most {most}, {'met' if ratio <= most else '**missed**'})"


def write_tables(page: Path, tables: Mapping[str, str]) -> None:
    """Put the tables between the marks of the page."""

    def replace(found: re.Match[str]) -> str:
        return f"{found[1]}\n{tables[found[2]]}\n\n{found[3]}" if found[2] in tables else found[0]

    page.write_text(_TABLES.sub(replace, page.read_text(encoding="utf-8")), encoding="utf-8")


def draw(curves: Mapping[str, Mapping[int, float]]) -> None:
    """Write the plot: the seconds over the number of orders, a curve for each way of waiting."""
    # Imported late: a process that is measured would begin with its memory.
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update(
        dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK)
        # The same figures must give the same file.
        | {"svg.fonttype": "none", "svg.hashsalt": "benchmark", "font.family": "sans-serif", "font.size": 11}
    )
    figure, panel = plt.subplots(figsize=(9, 4.6), layout="constrained")
    for (name, curve), (color, marker) in zip(curves.items(), _LOOKS):
        panel.plot(list(curve), list(curve.values()), color=color, marker=marker, label=name.replace("`", ""))
    panel.set(xscale="log", yscale="log", xlabel="orders", ylabel="seconds each time it asks")
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter("{x:,g}")
    panel.grid(color=_INK, alpha=0.15)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = re.sub(r"(<svg [^>]*>)", rf"\1\n {_STYLE}", buffer.getvalue().replace(_INK, "currentColor"), count=1)
    PLOT.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.M), encoding="utf-8")
