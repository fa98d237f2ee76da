# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._order import FINAL_STATUSES, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import TestModule as Plugin

TESTS = Plugin().tests()
settled = TESTS["delivery_order_settled"]
succeeded = TESTS["delivery_order_succeeded"]


def order(status: str | None) -> dict[str, t.Any]:
    return {"id": "1", "status": status, "changed_by": "somebody"}


def result(*statuses: str | None, **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "failed": False, "delivery_orders": [order(status) for status in statuses], **more}


def failed(**error: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "failed": True, "msg": "m", "error": {"http_status": None, **error}}


@pytest.mark.parametrize("status", [*STATUSES, "NEW_STATUS", None])
def test_one_status_in_each_form(status: str | None) -> None:
    for value in (order(status), [order(status)], (order(status),), result(status), result(status, failed=True)):
        assert settled(value) is (status in {"SUCCESS", "FAIL", "CANCELLED", "DELETED"})
        assert succeeded(value) is (status == "SUCCESS")


def test_there_are_six_statuses_and_four_are_final() -> None:
    assert len(STATUSES) == 6
    assert {"SUCCESS", "FAIL", "CANCELLED", "DELETED"} == FINAL_STATUSES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], (False, False)),
        (result(), (False, False)),
        (result("SUCCESS", "SUCCESS"), (True, True)),
        (result("SUCCESS", "FAIL"), (True, False)),
        (result("SUCCESS", "PROCESSING"), (False, False)),
        (result("FAIL", "PROCESSING"), (False, False)),
        (failed(retryable=True), (False, False)),
        (failed(retryable=False), (True, False)),
        (failed(), (True, False)),
        ({"msg": "m", "error": {"retryable": True}}, (False, False)),
        (result("SUCCESS", error={"retryable": True}), (False, False)),
        ({"changed": False, "failed": True, "msg": "missing required arguments: domain_id"}, (True, False)),
        ({"changed": False, "skipped": True}, (True, False)),
        ({"unreachable": True, "msg": "m"}, (True, False)),
        ({"changed": False, "status": 200, "json": {}}, (True, False)),
        ({"changed": False, "id": "volume", "status": "SUCCESS"}, (True, False)),
        ({"id": "1", "status": "SUCCESS", "error": {"retryable": True}}, (True, True)),
    ],
)
def test_results(value: t.Any, expected: tuple[bool, bool]) -> None:
    assert (settled(value), succeeded(value)) == expected


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (None, "NoneType"),
        ("SUCCESS", "str"),
        (b"SUCCESS", "bytes"),
        (True, "bool"),
        ({}, "dict"),
        ({"id": "1", "name": "n"}, "dict with the keys id, name"),
        ({"status": 1}, "dict with the keys status"),
        ([order("SUCCESS"), "SUCCESS"], "list"),
        ([result("SUCCESS")], "list"),
        ({"delivery_orders": 1}, "dict with the keys delivery_orders"),
        ({"changed": False, "delivery_orders": ["SUCCESS"]}, "dict with the keys changed, delivery_orders"),
    ],
)
def test_anything_else_is_an_error_that_says_what_was_given(value: t.Any, given: str) -> None:
    for name, test in TESTS.items():
        with pytest.raises(AnsibleFilterError) as caught:
            test(value)
        assert f"huaweicloud.cloudpond.{name} takes" in str(caught.value)
        assert str(caught.value).endswith(f"but was given {given}")
