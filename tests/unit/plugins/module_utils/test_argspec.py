# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.huaweicloud.cloudpond.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _credentials, _settings
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._argspec import connection_argument_spec
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import RETRY_AFTER_MAX
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION

ROOT = Path(__file__).parents[4]
DOCUMENTATION = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)
DOCUMENTED = DOCUMENTATION["options"]

#: The environment variables that stand in for an option, in the order in which they are asked.
VARIABLES = {
    "endpoint": (_settings.ENDPOINT_VARIABLE,),
    "domain_id": _credentials.DOMAIN_VARIABLES,
    "auth_token": (_credentials.TOKEN_VARIABLE,),
    **_credentials.CREDENTIAL_VARIABLES,
    "ca_path": _settings.BUNDLE_VARIABLES,
    "max_retries": (_settings.RETRIES_VARIABLE,),
}


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_every_connection_option_is_documented() -> None:
    assert DOCUMENTED.keys() == connection_argument_spec({}).keys()


@pytest.mark.parametrize("option", sorted(connection_argument_spec({})))
def test_the_documentation_says_what_the_argument_spec_says(option: str) -> None:
    spec, documented = connection_argument_spec({})[option], DOCUMENTED[option]
    for key in ("type", "default", "required"):
        assert documented.get(key) == spec.get(key)
    text = " ".join(documented["description"])
    assert re.findall(r"E\((\w+)\)", text) == list(VARIABLES.get(option, ()))
    if "fallback" in spec:
        assert spec["fallback"][1] == list(VARIABLES[option])
    if option in _credentials.FILE_KEYS:
        assert f"then C({_credentials.FILE_KEYS[option]}) in the file is used" in text


@pytest.mark.parametrize("option", ["endpoint", "domain_id"])
def test_the_value_of_a_variable_can_be_encoded(option: str) -> None:
    environ = {name: os.fsdecode(b"a\xff") for name in VARIABLES[option]}
    fallback, variables = connection_argument_spec(environ)[option]["fallback"]
    assert fallback(*variables).encode() == b"a?"


def test_the_documentation_says_what_the_code_does() -> None:
    notes = " ".join(DOCUMENTATION["notes"])
    for fact in (
        f"C({_credentials.DEFAULT_FILE})",
        f"C([{_credentials.FILE_SECTION}])",
        f"E({_credentials.FILE_VARIABLE})",
        *(f"E({variable.upper()})" for variable in _settings.PROXY_VARIABLES),
    ):
        assert fact in notes
    assert f"obeyed up to {RETRY_AFTER_MAX:g} seconds" in " ".join(DOCUMENTED["max_retries"]["description"])
    assert f"C({_credentials.FILE_DOMAIN_KEY})" in " ".join(DOCUMENTED["domain_id"]["description"])
