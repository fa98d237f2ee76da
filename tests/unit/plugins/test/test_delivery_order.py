# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from collections import deque
from collections.abc import Iterator
from types import MappingProxyType

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined, Undefined, UndefinedError

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FIELDS, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import TestModule as Plugin

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


#: What a result adds to an order that a playbook combines with it.
COMBINED: list[dict[str, t.Any]] = [
    failed(http_status=404),
    {"error": {"retryable": True}, "changed": False},
    SKIPPED,
    result("FAIL"),
    loop(),
    {"listed": True, "changed": False},
]


class Text(str):
    """As ansible-core marks texts: with classes of its own."""


@pytest.mark.parametrize(
    "status", [*STATUSES, "NEW_STATUS", None, " SUCCESS", "success", Text("FAIL"), Text("SUCCESS")]
)
@pytest.mark.parametrize("more", [{}, {"edge_sites": ["x"], "msg": "m", "error": None}, {"listed": True, "open": True}])
def test_one_status_in_each_form(status: str | None, more: dict[str, t.Any]) -> None:
    # The API may add keys.
    whole: dict[str, t.Any] = {**dict.fromkeys(FIELDS), **order(status), **more}
    for value in (whole, [whole], (whole, whole), {**result(failed=True), "delivery_orders": [whole]}):
        assert settled(value) is (status in {"SUCCESS", "FAIL", "CANCELLED", "DELETED"})
        assert succeeded(value) is (status == "SUCCESS")


@pytest.mark.parametrize("more", COMBINED)
def test_an_order_combined_with_a_result_is_not_delivered(more: dict[str, t.Any]) -> None:
    # What counts then is the result.
    combined: dict[str, t.Any] = {**dict.fromkeys(FIELDS), **order("SUCCESS"), **more}
    assert succeeded(combined) is False
    for value in ([combined], [order("SUCCESS"), combined]):
        with pytest.raises(AnsibleFilterError):
            succeeded(value)


#: Neither settled nor succeeded, settled but not succeeded, and both.
WAITS, ENDED, GOOD = (False, False), (True, False), (True, True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], WAITS),
        (result(), WAITS),
        (result("SUCCESS", "FAIL"), ENDED),
        (result("SUCCESS", "PROCESSING"), WAITS),
        (result("FAIL", "PROCESSING"), WAITS),
        (failed(retryable=True), WAITS),
        (failed(retryable=False), ENDED),
        (result("SUCCESS", error={"retryable": True}), WAITS),
        ({"changed": False, "failed": True, "msg": "missing required arguments: domain_id"}, ENDED),
        ({"unreachable": True, "msg": "m"}, ENDED),
        ({"changed": False, "id": "volume", "status": "SUCCESS"}, ENDED),
        (SKIPPED, ENDED),
        # Of a loop.
        (loop(result("SUCCESS"), result("SUCCESS", failed=True), failed=True), GOOD),
        (loop(result("SUCCESS"), result("FAIL")), ENDED),
        (loop(result("SUCCESS"), failed(retryable=True)), WAITS),
        (loop(result("SUCCESS"), SKIPPED), ENDED),
        (loop(result("SUCCESS"), result()), WAITS),
        (loop(skipped=True, skipped_reason="No items in the list"), WAITS),
        (loop(loop(result("SUCCESS")), loop(result("SUCCESS"))), GOOD),
        (loop(result("SUCCESS"), loop()), WAITS),
        # Never seen of ansible-core. In doubt, nothing has succeeded.
        (result("SUCCESS", results=[]), WAITS),
        (result("SUCCESS", skipped=True), ENDED),
        (result("SUCCESS", error={}), ENDED),
        # Of many orders, one that the API doesn't know.
        (result("SUCCESS", missing=["x"], error={"http_status": 404, "retryable": False}), ENDED),
        (result("SUCCESS", error=None), GOOD),
        (failed(retryable="true"), ENDED),
        ({"changed": False, "delivery_order": order("SUCCESS")}, ENDED),
    ],
)
def test_results_are_settled_or_succeeded_as_all_their_orders_are(value: t.Any, expected: tuple[bool, bool]) -> None:
    assert (settled(value), succeeded(value)) == expected


LISTING = result("SUCCESS", listed=True)


@pytest.mark.parametrize("value", [LISTING, result(listed=True), loop(result("SUCCESS", listed=False), loop(LISTING))])
def test_a_listing_is_no_gate_but_its_orders_are(value: t.Any) -> None:
    for name, test in TESTS.items():
        with pytest.raises(AnsibleFilterError) as caught:
            test(value)
        message = f"huaweicloud.cloudpond.{name} was given a listing of the account, which is not a gate"
        assert message in str(caught.value)
    assert succeeded(LISTING["delivery_orders"])


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "NoneType"),
        (Text("SUCCESS"), "str"),
        ({}, "empty dict"),
        ({"id": "1", "name": "n"}, "dict with the keys id, name"),
        ([order("SUCCESS"), "SUCCESS"], "list that begins with dict"),
        ({"results": [result("SUCCESS")]}, "dict with the keys results"),
        ({"listed": True, "delivery_orders": [order("SUCCESS")]}, "dict with the keys delivery_orders, listed"),
        ({"changed": False, "delivery_orders": order("SUCCESS")}, "dict with the keys changed, delivery_orders"),
        (result(True), "dict with the keys changed, delivery_orders, failed"),
        ([[order("SUCCESS")]], "list that begins with list that begins with dict"),
        ((order(status) for status in STATUSES), "generator"),
        # It could be read in two ways.
        ({**order("SUCCESS"), "delivery_orders": [order("PROCESSING")]}, "dict with the keys changed_by, delivery_ord"),
        ({**order("SUCCESS"), "results": [result("PROCESSING")]}, "dict with the keys changed_by, id, results, status"),
        ([{**order("SUCCESS"), "changed": False}], "list that begins with dict with the keys changed, changed_by"),
        (loop(order("SUCCESS")), "dict with the keys changed, msg, results"),
        ({"changed": False, "results": {"a": result("SUCCESS")}}, "dict with the keys changed, results"),
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


def test_any_mapping_and_any_sequence() -> None:
    # Such as ansible-core's host variables.
    for status, expected in (("SUCCESS", True), ("FAIL", False)):
        orders = deque([MappingProxyType(order(status))])
        results = deque([MappingProxyType({"changed": False, "delivery_orders": orders})])
        for value in (orders[0], results[0], MappingProxyType({**loop(), "results": results})):
            assert settled(value) is True
            assert succeeded(value) is expected


# The property that opens a gate

STATUS = st.one_of(st.sampled_from([*STATUSES, "success", " SUCCESS", "", None, True, 1]), st.just("SUCCESS"))
ORDERS = st.lists(st.one_of(st.fixed_dictionaries({"id": st.just("1"), "status": STATUS}), st.sampled_from([{}, "a"])))
RESULTS = st.fixed_dictionaries(
    {"changed": st.booleans()},
    optional={
        **dict.fromkeys(("failed", "skipped", "unreachable", "listed"), st.booleans()),
        "delivery_orders": st.one_of(ORDERS, st.none()),
        "error": st.sampled_from([None, {"retryable": True}, {"retryable": False}]),
        "results": st.sampled_from([[], ["SUCCESS"], None]),
    },
)
LOOPS = st.recursive(
    RESULTS, lambda items: st.fixed_dictionaries({"changed": st.just(False), "results": st.lists(items)}), max_leaves=6
)
OPERANDS = st.one_of(LOOPS, ORDERS, ORDERS.filter(bool).flatmap(st.sampled_from))


def mappings_in(value: t.Any) -> Iterator[dict[str, t.Any]]:
    """Yield every mapping that can be reached from a value, and itself."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
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
