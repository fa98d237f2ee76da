# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.huaweicloud.cloudpond.tools.site.event_source import page
from ansible_collections.huaweicloud.cloudpond.tools.site.links import broken

ROOT = Path(__file__).resolve().parents[3]


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top">x</h1><a href="sub/a.html?v=1#here">1</a><a href="#top">2</a><a href="https://example.com/x">3</a>'
        '<a href="sub/b.html">4</a><a href="#nowhere">5</a><a href="sub/a.html#away">6</a><img src="gone.svg">'
    )
    (tmp_path / "sub" / "a.html").write_text('<a id="here" href="../index.html#top">1</a>')
    assert list(broken(tmp_path)) == [
        "index.html: #nowhere",
        "index.html: gone.svg",
        "index.html: sub/a.html#away",
        "index.html: sub/b.html",
    ]


def test_the_page_of_the_event_source_has_all_arguments() -> None:
    text = page(ROOT)
    for argument in ("delivery_order_ids", "interval", "endpoint", "max_retries"):
        assert f"   * - ``{argument}``" in text
    assert ":ansplugin:`huaweicloud.cloudpond.cloudpond_delivery_order_info#module`" in text
    assert "float, default ``60``" in text
    assert "C(" not in text
