# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.huaweicloud.cloudpond.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _settings
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._argspec import connection_argument_spec
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import RETRY_AFTER_MAX
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION

ROOT = Path(__file__).parents[4]
DOCUMENTATION = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)
DOCUMENTED = DOCUMENTATION["options"]

OPTIONS = _settings.OPTIONS


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_every_option_of_the_table_is_documented() -> None:
    assert list(DOCUMENTED) == list(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_documentation_says_what_the_table_says(name: str) -> None:
    option, spec, documented = OPTIONS[name], connection_argument_spec({})[name], DOCUMENTED[name]
    for key in ("type", "default", "required"):
        assert documented.get(key) == spec.get(key)
    text = " ".join(documented["description"])
    assert re.findall(r"E\((\w+)\)", text) == list(option.variables)
    assert re.findall(r"C\((\w+)\) in the file", text) == ([option.file_key] if option.file_key else [])


def test_the_invocation_shows_what_the_environment_says_but_no_credential() -> None:
    environ = {name: "7" for option in OPTIONS.values() for name in option.variables}
    shown = ArgumentSpecValidator(connection_argument_spec(environ)).validate({}).validated_parameters
    expected = dict.fromkeys(OPTIONS) | {"endpoint": "7", "domain_id": "7", "ca_path": "7", "max_retries": 7}
    assert shown == {**expected, "validate_certs": True, "timeout": 30.0}


def test_what_the_environment_says_can_be_encoded() -> None:
    environ = {"HW_CLOUDPOND_ENDPOINT": os.fsdecode(b"a\xff"), "HW_DOMAIN_ID": os.fsdecode(b"b\xff")}
    shown = ArgumentSpecValidator(connection_argument_spec(environ)).validate({}).validated_parameters
    assert (shown["endpoint"].encode(), shown["domain_id"].encode()) == (b"a?", b"b?")


@pytest.mark.parametrize("environ", [{}, {"HW_MAX_RETRIES": "many"}, {"HW_MAX_RETRIES": "", "HW_DOMAIN_ID": ""}])
def test_what_is_missing_or_wrong_is_left_to_the_client(environ: dict[str, str]) -> None:
    validation = ArgumentSpecValidator(connection_argument_spec(environ)).validate({})
    assert validation.error_messages == []
    assert validation.validated_parameters["max_retries"] == 5
    assert validation.validated_parameters["domain_id"] == ""


def test_the_documentation_says_what_the_code_does() -> None:
    notes = " ".join(DOCUMENTATION["notes"])
    for fact in (
        f"C({_settings.DEFAULT_FILE})",
        f"C([{_settings.FILE_SECTION}])",
        f"E({_settings.FILE_VARIABLE})",
        *(f"E({variable.upper()})" for variable in _settings.PROXY_VARIABLES),
    ):
        assert fact in notes
    assert f"obeyed up to {RETRY_AFTER_MAX:g} seconds" in " ".join(DOCUMENTED["max_retries"]["description"])
