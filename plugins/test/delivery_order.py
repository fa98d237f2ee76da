# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ..module_utils._specification import FINAL_STATUSES, SUCCESS

if t.TYPE_CHECKING:
    from collections.abc import Callable

#: What a registered result has and an order hasn't.
_RESULT_KEYS = {"changed", "failed", "skipped", "unreachable"}


class _State(t.NamedTuple):
    """What a test's operand says."""

    #: The status of each order.
    statuses: list[str | None]
    #: The query failed, and neither retrying nor these statuses tell of an order.
    failed: bool
    #: Asking again later may tell more.
    retryable: bool


def delivery_order_settled(value: object) -> bool:
    """
    :param value: A registered result of the module, an order, or a list of orders.
    :return: Is every order in a final status, or did the query fail in a way that waiting can't cure?
    :raises AnsibleFilterError: for anything else.
    """
    state = _state(value, "delivery_order_settled")
    if state.failed:
        return not state.retryable
    return bool(state.statuses) and all(status in FINAL_STATUSES for status in state.statuses)


def delivery_order_succeeded(value: object) -> bool:
    """
    :param value: A registered result of the module, an order, or a list of orders.
    :return: Is there at least one order, and is every order SUCCESS?
    :raises AnsibleFilterError: for anything else.
    """
    state = _state(value, "delivery_order_succeeded")
    return not state.failed and bool(state.statuses) and all(status == SUCCESS for status in state.statuses)


def _state(value: object, test: str) -> _State:
    if isinstance(value, Mapping):
        orders = value.get("delivery_orders")
        error = value.get("error")
        if orders is None and _is_order(value) and not _RESULT_KEYS & value.keys():
            orders, error = [value], None
        elif isinstance(error, Mapping):
            return _State([], True, error.get("retryable") is True)
        elif orders is None and (_RESULT_KEYS | {"msg"}) & value.keys():
            # Wrong arguments or a crash: the wait ends, so that the task's own message stands.
            return _State([], True, False)
    else:
        orders = value
    if isinstance(orders, Sequence) and not isinstance(orders, (str, bytes)) and all(map(_is_order, orders)):
        return _State([order["status"] for order in orders], False, False)
    keys = f" with the keys {', '.join(sorted(map(str, value)))}" if value and isinstance(value, Mapping) else ""
    raise AnsibleFilterError(
        f"huaweicloud.cloudpond.{test} takes a registered result of "
        "huaweicloud.cloudpond.cloudpond_delivery_order_info, a delivery order or a list of delivery orders, "
        f"but was given {type(value).__name__}{keys}"
    )


def _is_order(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("status", 0), (str, type(None)))


class TestModule:
    """Tells ansible-core which tests this file has."""

    def tests(self) -> dict[str, Callable[[object], bool]]:
        return {
            "delivery_order_settled": delivery_order_settled,
            "delivery_order_succeeded": delivery_order_succeeded,
        }
