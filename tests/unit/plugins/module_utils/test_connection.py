# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.huaweicloud.cloudpond.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._connection import (
    CONNECTION_ARGUMENT_SPEC,
    variables_of,
)
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION

ROOT = Path(__file__).parents[4]
DOCUMENTED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_every_connection_option_is_documented() -> None:
    assert DOCUMENTED.keys() == CONNECTION_ARGUMENT_SPEC.keys()


@pytest.mark.parametrize("option", sorted(CONNECTION_ARGUMENT_SPEC))
def test_the_documentation_says_what_the_argument_spec_says(option: str) -> None:
    spec, documented = CONNECTION_ARGUMENT_SPEC[option], DOCUMENTED[option]
    for key in ("type", "default", "required"):
        assert documented.get(key) == spec.get(key)
    own = re.findall(r"E\((HW_\w+|HUAWEICLOUD_\w+)\)", " ".join(documented["description"]))
    assert own == list(variables_of(option))
    assert not own or own[0].startswith("HW_")
