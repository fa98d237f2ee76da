# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.huaweicloud.cloudpond.tools.site.event_source import page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_the_event_source_has_all_arguments() -> None:
    text = page(ROOT)
    for argument in ("delivery_order_ids", "interval", "endpoint", "max_retries"):
        assert f"   * - ``{argument}``" in text
    assert ":ansplugin:`huaweicloud.cloudpond.cloudpond_delivery_order_info#module`" in text
    assert "float, default ``60``" in text
    assert "C(" not in text
