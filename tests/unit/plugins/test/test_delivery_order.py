# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import enum
import os
import subprocess
import sys
import types
import typing as t
from collections.abc import Iterator, Mapping, Sequence

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined, Undefined, UndefinedError

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import (
    FIELDS,
    FINAL_STATUSES,
    STATUSES,
)
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import (
    TestModule as Plugin,
)
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import (
    delivery_order_settled,
    delivery_order_succeeded,
)

TESTS = Plugin().tests()
settled = TESTS["delivery_order_settled"]
succeeded = TESTS["delivery_order_succeeded"]


def order(status: t.Any) -> dict[str, t.Any]:
    return {"id": "1", "status": status, "changed_by": "somebody"}


def result(*statuses: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "failed": False, "delivery_orders": [order(status) for status in statuses], **more}


def failed(**error: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "failed": True, "msg": "m", "error": {"http_status": None, **error}}


def loop(*items: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "msg": "All items completed", "results": list(items), **more}


SKIPPED = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False", "item": 1}
DEBUG = {"changed": False, "failed": False, "msg": "SUCCESS", "item": 1, "ansible_loop_var": "item"}


#: Keys of some results, in an order.
ADDED: list[dict[str, t.Any]] = [
    {"edge_sites": ["x"]},
    {"edge_sites": [], "msg": "m", "error": None},
    {"listed": True, "open": True},
]

#: What a result adds to an order that a playbook combines with it.
COMBINED: list[dict[str, t.Any]] = [
    failed(http_status=404),
    {"changed": False, "failed": True},
    {"failed": "yes"},
    {"failed": False},
    {"error": {"retryable": True}, "changed": False},
    {"changed": False, "unreachable": True, "msg": "m"},
    SKIPPED,
    result("FAIL"),
    result(),
    loop(result("FAIL")),
    loop(),
    {"listed": True, "changed": False},
]


class Text(str):
    """As ansible-core marks texts: with classes of its own."""


class Choice(str, enum.Enum):
    SUCCESS = "SUCCESS"


@pytest.mark.parametrize(
    "status", [*STATUSES, "NEW_STATUS", None, "", " SUCCESS", "SUCCESS\n", "success", Text("FAIL")]
)
def test_one_status_in_each_form(status: str | None) -> None:
    for value in (order(status), [order(status)], (order(status),), result(status), result(status, failed=True)):
        assert settled(value) is (status in {"SUCCESS", "FAIL", "CANCELLED", "DELETED"})
        assert succeeded(value) is (status == "SUCCESS")


@pytest.mark.parametrize("more", ADDED)
@pytest.mark.parametrize("status", STATUSES)
def test_an_order_with_keys_that_the_api_adds(status: str, more: dict[str, t.Any]) -> None:
    whole: dict[str, t.Any] = {**dict.fromkeys(FIELDS), **order(status), **more}
    for value in (whole, [whole], [whole, whole], {**result(), "delivery_orders": [whole]}):
        assert settled(value) is (status in FINAL_STATUSES)
        assert succeeded(value) is (status == "SUCCESS")


@pytest.mark.parametrize("more", COMBINED)
def test_an_order_combined_with_a_result_is_not_delivered(more: dict[str, t.Any]) -> None:
    # What counts then is the result.
    combined: dict[str, t.Any] = {**dict.fromkeys(FIELDS), **order("SUCCESS"), **more}
    assert succeeded(combined) is False
    for value in ([combined], [order("SUCCESS"), combined]):
        with pytest.raises(AnsibleFilterError):
            succeeded(value)


def test_ansible_finds_them() -> None:
    assert Plugin().tests() == {
        "delivery_order_settled": delivery_order_settled,
        "delivery_order_succeeded": delivery_order_succeeded,
    }


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
    ("value", "expected"),
    [
        (loop(result("SUCCESS")), (True, True)),
        (loop(result("SUCCESS"), result("SUCCESS", failed=True), failed=True), (True, True)),
        (loop(result("SUCCESS"), result("FAIL")), (True, False)),
        (loop(result("SUCCESS"), result("PROCESSING")), (False, False)),
        (loop(result("PROCESSING"), result("FAIL")), (False, False)),
        (loop(result("SUCCESS"), failed(retryable=True)), (False, False)),
        (loop(result("SUCCESS"), failed(retryable=False)), (True, False)),
        (loop(result("SUCCESS"), {"changed": False, "failed": True, "msg": "MODULE FAILURE"}), (True, False)),
        (loop(result("SUCCESS"), {"unreachable": True, "msg": "m", "changed": False}), (True, False)),
        (loop(result("SUCCESS"), SKIPPED), (True, False)),
        (loop(SKIPPED, SKIPPED, skipped=True), (True, False)),
        (loop(result("SUCCESS"), result()), (False, False)),
        (loop(), (False, False)),
        (loop(skipped=True, skipped_reason="No items in the list"), (False, False)),
        (loop(loop(result("SUCCESS")), loop(result("FAIL"))), (True, False)),
        (loop(loop(result("SUCCESS")), loop(result("SUCCESS"))), (True, True)),
        (loop(result("SUCCESS"), loop()), (False, False)),
        (loop(DEBUG, DEBUG), (True, False)),
        (loop(result("SUCCESS"), DEBUG), (True, False)),
        # Never seen of ansible-core. In doubt, nothing has succeeded.
        (result("SUCCESS", results=[]), (False, False)),
        (loop(result("SUCCESS"), skipped=True), (True, False)),
        (result("SUCCESS", skipped=True), (True, False)),
        (result("SUCCESS", unreachable=True), (True, False)),
        (result("SUCCESS", error="text"), (True, False)),
        (result("SUCCESS", error={}), (True, False)),
        (result("FAIL", error={"retryable": True}), (False, False)),
        (result("SUCCESS", error=None), (True, True)),
        (failed(retryable="true"), (True, False)),
        (failed(retryable=1), (True, False)),
        ({"changed": False, "error": {"retryable": False, "http_status": []}}, (True, False)),
        ({"changed": False, "delivery_order": order("SUCCESS")}, (True, False)),
        # An order may have any key that the API adds.
        ({**order("SUCCESS"), "error": None, "msg": "m"}, (True, True)),
        (result() | {"delivery_orders": [{**order("SUCCESS"), "failed": True, "results": []}]}, (True, True)),
    ],
)
def test_results_of_a_loop_and_odd_ones(value: t.Any, expected: tuple[bool, bool]) -> None:
    assert (settled(value), succeeded(value)) == expected


@pytest.mark.parametrize("status", [Text("SUCCESS"), Choice.SUCCESS])
def test_a_status_may_be_of_a_class_that_derives_from_str(status: str) -> None:
    assert settled(order(status))
    assert succeeded(order(status))


LISTING = result("SUCCESS", listed=True)


@pytest.mark.parametrize(
    "value",
    [
        LISTING,
        result(listed=True),
        {**LISTING, "listed": "yes"},
        loop(LISTING),
        loop(result("SUCCESS", listed=False), LISTING),
        loop(loop(LISTING)),
    ],
)
def test_a_listing_is_no_gate(value: t.Any) -> None:
    for name, test in TESTS.items():
        with pytest.raises(AnsibleFilterError) as caught:
            test(value)
        message = f"huaweicloud.cloudpond.{name} was given a listing of the account, which is not a gate"
        assert message in str(caught.value)


def test_what_is_no_listing_and_the_orders_of_one() -> None:
    assert succeeded(result("SUCCESS", listed=False))
    assert succeeded(LISTING["delivery_orders"])


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "NoneType"),
        ("SUCCESS", "str"),
        (b"SUCCESS", "bytes"),
        (True, "bool"),
        ({}, "empty dict"),
        ({"id": "1", "name": "n"}, "dict with the keys id, name"),
        ({"status": 1}, "dict with the keys status"),
        ([order("SUCCESS"), "SUCCESS"], "list that begins with dict"),
        ([result("SUCCESS")], "list that begins with dict with the keys changed, delivery_orders, failed"),
        ({"results": [result("SUCCESS")]}, "dict with the keys results"),
        ({"msg": "m", "error": {"retryable": True}}, "dict with the keys error, msg"),
        ({"listed": True, "delivery_orders": [order("SUCCESS")]}, "dict with the keys delivery_orders, listed"),
        ({"changed": False, "edge_sites": []}, "dict with the keys changed, edge_sites"),
        ({"delivery_orders": 1}, "dict with the keys delivery_orders"),
        ({"changed": False, "delivery_orders": ["SUCCESS"]}, "dict with the keys changed, delivery_orders"),
        ({"changed": False, "delivery_orders": order("SUCCESS")}, "dict with the keys changed, delivery_orders"),
        ({"changed": False, "delivery_orders": "SUCCESS"}, "dict with the keys changed, delivery_orders"),
        (result(True), "dict with the keys changed, delivery_orders, failed"),
        (result(1), "dict with the keys changed, delivery_orders, failed"),
        ([{"id": "1"}], "list that begins with dict with the keys id"),
        ([[order("SUCCESS")]], "list that begins with list that begins with dict"),
        ([None], "list that begins with NoneType"),
        ({"id": "1", "status": b"SUCCESS"}, "dict with the keys id, status"),
        ((order(status) for status in STATUSES), "generator"),
        (bytearray(b""), "bytearray"),
        ({"SUCCESS"}, "set"),
        (Text("SUCCESS"), "str"),
        (types.SimpleNamespace(status="SUCCESS"), "SimpleNamespace"),
        # It could be read in two ways.
        ({**order("SUCCESS"), "delivery_orders": [order("PROCESSING")]}, "dict with the keys changed_by, delivery_ord"),
        ({**order("SUCCESS"), "results": [result("PROCESSING")]}, "dict with the keys changed_by, id, results, status"),
        (
            [{**order("SUCCESS"), "delivery_orders": [order("PROCESSING")]}],
            "list that begins with dict with the keys changed_by",
        ),
        ([{**order("SUCCESS"), "changed": False}], "list that begins with dict with the keys changed, changed_by"),
        (loop(order("SUCCESS")), "dict with the keys changed, msg, results"),
        (loop("SUCCESS"), "dict with the keys changed, msg, results"),
        (loop({}), "dict with the keys changed, msg, results"),
        (loop(None), "dict with the keys changed, msg, results"),
        (loop(result(True)), "dict with the keys changed, msg, results"),
        ({"changed": False, "results": {"a": result("SUCCESS")}}, "dict with the keys changed, results"),
        ({"changed": False, "results": "SUCCESS"}, "dict with the keys changed, results"),
        ({"changed": False, "results": None}, "dict with the keys changed, results"),
    ],
)
def test_anything_else_is_an_error_that_says_what_was_given(value: t.Any, described: str) -> None:
    for name, test in TESTS.items():
        with pytest.raises(AnsibleFilterError) as caught:
            test(value)
        assert f"huaweicloud.cloudpond.{name} takes" in str(caught.value)
        assert f"but was given {described}" in str(caught.value)


@pytest.mark.parametrize("kind", [Undefined, StrictUndefined])
def test_an_undefined_variable_is_named(kind: type[Undefined]) -> None:
    for test in TESTS.values():
        with pytest.raises(UndefinedError, match="'delivery' is undefined"):
            test(kind(name="delivery"))


class Keys(Mapping[str, t.Any]):
    """A mapping and no dict, such as ansible-core's host variables."""

    def __init__(self, values: dict[str, t.Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> t.Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Items(Sequence[t.Any]):
    """A sequence and no list."""

    def __init__(self, *items: t.Any) -> None:
        self._items = items

    def __getitem__(self, index: t.Any) -> t.Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


def test_any_mapping_and_any_sequence() -> None:
    for status, expected in (("SUCCESS", True), ("FAIL", False)):
        orders = Items(Keys(order(status)))
        for value in (
            orders,
            orders[0],
            Keys({"changed": False, "delivery_orders": orders}),
            Keys(loop() | {"results": Items(result(status))}),
        ):
            assert settled(value) is True
            assert succeeded(value) is expected


# The property that opens a gate

STATUS = st.one_of(st.sampled_from([*STATUSES, "success", " SUCCESS", "", None, True, 1]), st.just("SUCCESS"))
ORDERS = st.lists(st.one_of(st.fixed_dictionaries({"id": st.just("1"), "status": STATUS}), st.sampled_from([{}, "a"])))
RESULTS = st.fixed_dictionaries(
    {"changed": st.booleans()},
    optional={
        "failed": st.booleans(),
        "skipped": st.booleans(),
        "unreachable": st.booleans(),
        "listed": st.booleans(),
        "msg": st.just("m"),
        "delivery_orders": st.one_of(ORDERS, st.none()),
        "error": st.one_of(st.none(), st.fixed_dictionaries({"retryable": st.booleans()})),
        "results": st.one_of(st.just([]), st.just(["SUCCESS"]), st.none()),
    },
)
LOOPS = st.recursive(
    RESULTS,
    lambda items: st.fixed_dictionaries(
        {"changed": st.just(False), "results": st.lists(items)}, optional={"skipped": st.booleans()}
    ),
    max_leaves=6,
)
OPERANDS = st.one_of(LOOPS, ORDERS, ORDERS.filter(bool).flatmap(st.sampled_from))


def mappings_in(value: t.Any) -> Iterator[dict[str, t.Any]]:
    """Yield every mapping that can be reached from a value, and itself."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from mappings_in(item)


@given(OPERANDS)
def test_nothing_succeeds_unless_every_status_is_success(value: t.Any) -> None:
    try:
        outcome = succeeded(value)
    except AnsibleFilterError:
        return
    if outcome:
        mappings = list(mappings_in(value))
        assert {mapping["status"] for mapping in mappings if "status" in mapping} == {"SUCCESS"}
        for mapping in mappings:
            assert not any(mapping.get(key) for key in ("skipped", "unreachable", "listed", "error"))
            assert mapping.get("results") != []
            assert mapping.get("delivery_orders") != []
        assert settled(value) is True


@given(st.lists(st.sampled_from([*STATUSES, "NEW"]), max_size=4))
def test_a_loop_over_orders_is_what_one_query_for_all_is(statuses: list[str]) -> None:
    at_once = result(*statuses)
    each = loop(*map(result, statuses))
    assert (settled(each), succeeded(each)) == (settled(at_once), succeeded(at_once))


def test_the_tests_need_no_requests() -> None:
    code = (
        "import sys; sys.modules['requests'] = None; "
        "import ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order; "
        "import ansible_collections.huaweicloud.cloudpond.plugins.filter.delivery_order_report"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
