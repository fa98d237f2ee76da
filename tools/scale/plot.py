# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plot of docs/scale.md."""

from __future__ import annotations

import io
import re

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

from .figures import ROOT, SHOWN, WAYS, Figures

PLOT = ROOT / "docs" / "images" / "scale.svg"

# A placeholder for the color of text, which depends on whether the page is light or dark.
_INK = "#010203"
_STYLE = "<style>svg { color: #1f2328 } @media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>"

# Distinct for most kinds of color blindness, and against white and black; the markers tell them apart too.
_LOOKS = {
    "until": ("#d55e00", "o"),
    "role": ("#c673a3", "s"),
    "schedule": ("#8c8c8c", "^"),
    "inventory": ("#1a86c7", "D"),
    "event source": ("#0a9a72", "v"),
}


def draw(figures: Figures) -> None:
    """Write the plot: the requests and the time over the number of orders, a curve for each way."""
    mpl.rcParams.update(
        dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK)
        # The same figures must give the same file.
        | {"svg.fonttype": "none", "svg.hashsalt": "scale", "font.family": "sans-serif", "font.size": 11}
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for panel, field in zip(axes, ("requests", "seconds")):
        for way, (color, marker) in _LOOKS.items():
            costs = figures.costs[way]
            xs, ys = [cost.orders for cost in costs], [getattr(cost, field) for cost in costs]
            panel.plot(xs, ys, color=color, marker=marker, markersize=5, label=WAYS[way].replace("`", ""))
            if xs[-1] < SHOWN[-1]:
                ends = [ys[-1], getattr(figures.at(way, SHOWN[-1]), field)]
                panel.plot([xs[-1], SHOWN[-1]], ends, color=color, linestyle=":", marker=marker, fillstyle="none")
        panel.set(xscale="log", yscale="log", xlabel="orders", ylabel=f"{field} each time it asks")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter("{x:,g}")
        panel.grid(color=_INK, alpha=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue().replace(_INK, "currentColor")
    svg = re.sub(r"(<svg [^>]*>)", rf"\1\n {_STYLE}", svg, count=1)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.M)
    PLOT.write_text(svg, encoding="utf-8")
