# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import SITE_STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.test import edge_site
from ansible_collections.huaweicloud.cloudpond.plugins.test.edge_site import edge_site_available


def site(status: str | None) -> dict[str, t.Any]:
    return {"id": "a", "status": status}


def result(*statuses: str | None, **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "listed": False, "edge_sites": [site(status) for status in statuses], **more}


FAILED = {"failed": True, "changed": False, "msg": "no", "error": {"http_status": 503, "retryable": True}}


@pytest.mark.parametrize(
    "value",
    [
        site("available"),
        [site("available")],
        result("available"),
        result("available", "available"),
        {"changed": False, "results": [result("available"), result("available")]},
        # failed_when changes it.
        result("available", failed=True),
    ],
)
def test_available(value: object) -> None:
    assert edge_site_available(value) is True


@pytest.mark.parametrize(
    "value",
    [
        *(result(status) for status in SITE_STATUSES if status != "available"),
        *(result("available", status) for status in ("AVAILABLE", "Available", "SUCCESS", "", None)),
        result(),
        [],
        [site("available"), site("unavailable")],
        FAILED,
        {"failed": True, "msg": "Unsupported parameters"},
        {"changed": False, "skipped": True, "skip_reason": "x"},
        {"changed": False, "results": []},
        {"changed": False, "results": [result("available"), FAILED]},
        {"changed": False, "results": [result("available"), {"changed": False, "skipped": True}]},
    ],
)
def test_not_available(value: object) -> None:
    assert edge_site_available(value) is False


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            result("available", listed=True),
            "^huaweicloud.cloudpond.edge_site_available was given a listing of the account, .*: the task has neither "
            "edge_site_id nor edge_site_ids",
        ),
        ({"changed": False, "results": [result("available", listed=True)]}, "was given a listing"),
        ("available", "takes a registered result of huaweicloud.cloudpond.cloudpond_edge_site_info, an edge site or a"),
        (None, "was given NoneType"),
        ({"changed": False, "delivery_orders": [{"status": "available"}]}, "was given dict with the keys"),
        ({"changed": False, "edge_sites": "available"}, "was given dict"),
    ],
)
def test_what_is_refused(value: object, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        edge_site_available(value)


def test_ansible_finds_it() -> None:
    assert edge_site.TestModule().tests() == {"edge_site_available": edge_site_available}


@pytest.mark.parametrize("is_open", [True, False])
def test_a_gate_that_is_shut_waits_for_a_site(is_open: bool) -> None:
    # It has the sites of the delivered orders only.
    assert edge_site_available(result("available", open=is_open)) is is_open
