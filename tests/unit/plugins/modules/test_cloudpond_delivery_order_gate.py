# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
import yaml

from ansible_collections.huaweicloud.cloudpond.plugins.modules import cloudpond_delivery_order_gate

from .test_cloudpond_delivery_order_info import module_args


def test_run_as_a_module_it_says_that_it_needs_its_action_plugin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, t.Any] = {"delivery_order_id": "a", "domain_id": "b", "in_progress": "continue"}
    with module_args(options, monkeypatch), pytest.raises(SystemExit) as exited:
        cloudpond_delivery_order_gate.main()
    assert exited.value.code
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] is True
    assert "This module needs its action plugin" in result["msg"]


def test_its_options_are_documented() -> None:
    documented = yaml.safe_load(cloudpond_delivery_order_gate.DOCUMENTATION)["options"]
    assert documented.keys() == cloudpond_delivery_order_gate.OPTIONS.keys()
    for name, spec in cloudpond_delivery_order_gate.OPTIONS.items():
        assert {key: documented[name].get(key) for key in spec} == spec
