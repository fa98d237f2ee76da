# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import pytest
from ansible.errors import AnsibleError
from jinja2 import Undefined

from ansible_collections.huaweicloud.cloudpond.plugins.filter._sites import FilterModule
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FIELDS, STATUSES

delivery_order_ids = FilterModule().filters()["_delivery_order_ids"]
sorted_sites = FilterModule().filters()["_sorted_sites"]

GROUPS = {"ready": "r", "failed": "f"}


class Failing(Mapping[str, t.Any]):
    """The variables of a host, none of which can be evaluated."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getitem__(self, key: str) -> t.Any:
        raise self._error

    def __iter__(self) -> Iterator[str]:
        return iter(["delivery_order_id"])

    def __len__(self) -> int:
        return 1


def order(status: str | None, order_id: str = "0-1") -> dict[str, t.Any]:
    return {**dict.fromkeys(FIELDS), "id": order_id, "name": "site-1", "status": status}


def sort(status: str | None) -> dict[str, t.Any]:
    (site,) = sorted_sites({"berlin": "0-1"}, [order(status)], GROUPS)
    return t.cast("dict[str, t.Any]", site)


@pytest.mark.parametrize(("value", "expected"), [("0-a_B", "0-a_B"), (17, "17"), (0, "0")])
def test_an_id_is_text(value: object, expected: str) -> None:
    assert delivery_order_ids(["berlin"], {"berlin": {"delivery_order_id": value}}) == {"berlin": expected}


@pytest.mark.parametrize(
    "value", ["", " ", "a/b", "a b", "0-1\n", "{{ x }}", None, True, 1.5, ["0-1"], {}, Undefined()]
)
def test_a_malformed_id_is_none(value: object) -> None:
    assert delivery_order_ids(["berlin"], {"berlin": {"delivery_order_id": value}}) == {"berlin": None}


@pytest.mark.parametrize("error", [KeyError("delivery_order_id"), AnsibleError("no"), OSError(), ZeroDivisionError()])
def test_an_id_that_can_not_be_evaluated_is_none_and_leaves_the_others_alone(error: Exception) -> None:
    hostvars = {"berlin": Failing(error), "bonn": {"delivery_order_id": "0-2"}}
    assert delivery_order_ids(["berlin", "bonn"], hostvars) == {"berlin": None, "bonn": "0-2"}


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_localhost_is_a_site_only_if_it_has_the_variable(name: str) -> None:
    assert delivery_order_ids([name], {name: {}}) == {}
    assert delivery_order_ids([name], {name: {"delivery_order_id": "0-1"}}) == {name: "0-1"}
    assert delivery_order_ids([name], {name: {"delivery_order_id": ""}}) == {name: None}


@pytest.mark.parametrize(("only", "expected"), [(17, {"b": "17"}), ("17", {"b": "17"}), ("", {}), ("None", {})])
def test_only_the_sites_of_one_order(only: object, expected: dict[str, str]) -> None:
    hostvars = {"a": {"delivery_order_id": "0-1"}, "b": {"delivery_order_id": "17"}, "c": {}}
    assert delivery_order_ids("abc", hostvars, only) == expected


@pytest.mark.parametrize("status", [*STATUSES, "NEW", "success", None])
def test_only_success_is_ready(status: str | None) -> None:
    assert ("r" in sort(status)["groups"]) == (status == "SUCCESS")


@pytest.mark.parametrize(
    ("status", "groups"),
    [("SUCCESS", ["r"]), ("FAIL", ["f"]), ("CANCELLED", ["f"]), ("DELETED", ["f"])]
    + [(each, []) for each in ("PROCESSING", "ACCEPTING", "NEW", None)],
)
def test_an_order_in_progress_neither_fails_nor_is_ready(status: str | None, groups: list[str]) -> None:
    assert sort(status) == {
        "name": "berlin",
        "order": order(status),
        "groups": groups,
        "report": sort(status)["report"],
    }


def test_a_report_is_one_line_with_advice_unless_delivered() -> None:
    assert sort("SUCCESS")["report"] == "site-1 (0-1) is SUCCESS, no edge site."
    assert sort("ACCEPTING")["report"].startswith("site-1 (0-1) is ACCEPTING, no edge site. ")
    assert "the customer must accept" in sort("ACCEPTING")["report"]
    assert "\n" not in sort("FAIL")["report"]


@pytest.mark.parametrize(
    "added",
    [
        {"changed": False, "failed": True, "msg": "no"},
        {"skipped": True},
        {"open": True, "error": None, "msg": "no"},
        {"delivery_orders": []},
        {"changed": False, "results": []},
    ],
)
def test_a_report_is_about_the_order_whatever_keys_the_api_adds(added: dict[str, t.Any]) -> None:
    (site,) = sorted_sites({"berlin": "0-1"}, [{**order("SUCCESS"), **added}], GROUPS)
    assert (site["groups"], site["report"]) == (["r"], sort("SUCCESS")["report"])


def test_a_site_without_an_order_fails() -> None:
    gone, unnamed = sorted_sites({"gone": "0-2", "unnamed": None}, [order("SUCCESS")], GROUPS)
    assert (gone["groups"], gone["order"]) == (unnamed["groups"], unnamed["order"]) == (["f"], {})
    assert gone["report"] == "There is no delivery order 0-2. Check the ID, and domain_id."
    assert unnamed["report"].startswith("The site has no delivery_order_id")


def test_sites_share_an_order() -> None:
    sites = sorted_sites({"a": "0-1", "b": "0-1"}, [order("SUCCESS")], GROUPS)
    assert [(site["name"], site["groups"]) for site in sites] == [("a", ["r"]), ("b", ["r"])]
