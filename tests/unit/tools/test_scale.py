# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.huaweicloud.cloudpond.tools.scale.figures import (
    PAGE,
    SHOWN,
    WAYS,
    Cost,
    Figures,
    load,
    write_tables,
)


def test_the_page_has_the_measured_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert write_tables(page, load()) == page


def test_each_way_is_in_the_figures() -> None:
    figures = load()
    assert set(figures.costs) == set(WAYS)
    for way in WAYS:
        assert [figures.at(way, orders).orders for orders in SHOWN] == list(SHOWN)


def test_a_missing_figure_is_calculated_and_marked() -> None:
    costs = [Cost(1, 1, 1.0, 50.0), Cost(100, 100, 2.0, 60.0), Cost(1_000, 1_000, 11.0, 150.0)]
    figures = Figures("a machine", {"schedule": costs}, {})
    assert figures.at("schedule", 100) is costs[1]
    calculated = figures.at("schedule", 100_000)
    assert (calculated.requests, calculated.calculated) == (100_000, True)
    assert calculated.seconds == pytest.approx(1_001)
    assert calculated.memory == pytest.approx(10_050)


def test_a_table_replaces_the_one_before() -> None:
    costs = {way: [Cost(orders, orders, 1.5, 64.0) for orders in SHOWN] for way in WAYS}
    figures = Figures("a machine", costs, {0: 2.0, 20: 50.0})
    page = "a\n<!-- figures: throttling -->\nold\n<!-- end -->\nz\n"
    once = write_tables(page, figures)
    assert "old" not in once
    assert once.index("| no limit | 2 s |") < once.index("| 20 requests a second | 50 s |")
    assert once.startswith("a\n")
    assert once.endswith("-->\nz\n")
    assert write_tables(once, figures) == once
