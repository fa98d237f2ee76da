# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "docsite" / "rst" / "threat_model.rst"
NAMED = sorted(set(re.findall(r"``(test_\w+|targets/\w+)``", PAGE.read_text(encoding="utf-8"))))
TESTS = {
    name
    for folder in ("unit", "runner", "eda")
    for path in (ROOT / "tests" / folder).rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
}


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize("name", NAMED)
def test_a_test_of_the_page_is_there(name: str) -> None:
    if name.startswith("targets/"):
        assert (ROOT / "tests" / "integration" / name / "tasks" / "main.yml").is_file()
    else:
        assert name in TESTS
