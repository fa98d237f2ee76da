# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Reads the operands of the tests and filters: registered results, orders, and lists of orders."""

from __future__ import annotations

import enum
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible.errors import AnsibleFilterError
from jinja2 import Undefined

from ..module_utils._specification import FINAL_STATUSES, SUCCESS

#: Keys that a registered result has and an order hasn't.
_RESULT_KEYS = frozenset({"changed", "failed", "skipped", "unreachable"})

#: Keys that mark a mapping without the keys above as a result, unless it is an order: a playbook may have removed them.
_OTHER_RESULT_KEYS = frozenset({"delivery_orders", "error", "msg", "results"})


class FailureKind(enum.Enum):
    """The reason why a query brought no orders, as far as the advice depends on it."""

    #: A later query may succeed.
    RETRYABLE = enum.auto()
    #: The API refused the credential.
    REFUSED = enum.auto()
    #: The API knows no such order.
    MISSING = enum.auto()
    #: Ansible skipped the task, or an item of its loop.
    SKIPPED = enum.auto()
    OTHER = enum.auto()


_KINDS = {401: FailureKind.REFUSED, 403: FailureKind.REFUSED, 404: FailureKind.MISSING}


@dataclass(frozen=True)
class Failure:
    """A query that brought no orders."""

    kind: FailureKind
    #: The message of the task's result. It may have several lines.
    message: str


@dataclass(frozen=True)
class Answer:
    """The outcome of one query: orders, or a failure and no orders."""

    orders: Sequence[Mapping[str, t.Any]]
    failure: Failure | None = None

    @property
    def settled(self) -> bool:
        """Further waiting is useless."""
        if self.failure:
            return self.failure.kind is not FailureKind.RETRYABLE
        return bool(self.orders) and all(order["status"] in FINAL_STATUSES for order in self.orders)

    @property
    def succeeded(self) -> bool:
        """There is an order, and every order is delivered."""
        return bool(self.orders) and all(order["status"] == SUCCESS for order in self.orders)


def read(value: object, plugin: str, *, takes_listing: bool) -> list[Answer]:
    """
    Read the operand of a test or filter.

    :param value: A registered result (of a loop, too), an order, or a list of orders.
    :param plugin: The full name of the test or filter, for errors.
    :param takes_listing: Whether a registered result may be a listing of the account.
    :return: One answer for each query, at least one. An empty loop is an answer without orders.
    :raises AnsibleFilterError: for any other value. The message describes it.
    :raises jinja2.UndefinedError: for an undefined variable.
    """
    # From 2.19 on, ansible-core does this before it calls a plugin.
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    answers = _of_value(value)
    if answers is None:
        raise AnsibleFilterError(
            f"{plugin} takes a registered result of huaweicloud.cloudpond.cloudpond_delivery_order_info, "
            f"a delivery order or a list of delivery orders, but was given {_describe(value)}"
        )
    if not takes_listing and _has_listing(value):
        raise AnsibleFilterError(
            f"{plugin} was given a listing of the account, which is no gate: the task has neither delivery_order_id "
            "nor delivery_order_ids. Give the IDs, or test the result's delivery_orders if the listing is meant"
        )
    return answers


def _of_value(value: object) -> list[Answer] | None:
    """Return None for an unreadable or ambiguous value. So do the functions below."""
    if isinstance(value, Mapping):
        if _is_bare_order(value):
            return [Answer([value])]
        return _of_result(value) if _is_result(value) else None
    return [Answer(value)] if _is_list(value) and all(map(_is_bare_order, value)) else None


def _of_result(result: Mapping[str, t.Any]) -> list[Answer] | None:
    orders, error = result.get("delivery_orders"), result.get("error")
    if "results" in result:
        return None if orders is not None or error is not None else _of_loop(result)
    if result.get("skipped"):
        return [_failure(FailureKind.SKIPPED, "The query was skipped")]
    message = result.get("msg")
    if result.get("unreachable"):
        return [_failure(FailureKind.OTHER, message or "The host that queries is unreachable")]
    if isinstance(error, Mapping):
        status = error.get("http_status")
        kind = _KINDS.get(status, FailureKind.OTHER) if isinstance(status, int) else FailureKind.OTHER
        if error.get("retryable") is True:
            kind = FailureKind.RETRYABLE
        return [_failure(kind, message or error.get("message"))]
    if error is not None or orders is None:
        # Wrong arguments or a crash: the wait ends, so that the task's own message stands.
        return [_failure(FailureKind.OTHER, message)]
    return [Answer(orders)] if _is_list(orders) and all(map(_is_order, orders)) else None


def _of_loop(result: Mapping[str, t.Any]) -> list[Answer] | None:
    items = result["results"]
    if not _is_list(items):
        return None
    answers: list[Answer] = []
    for item in items:
        if not isinstance(item, Mapping) or not _is_result(item):
            return None
        of_item = _of_result(item)
        if of_item is None:
            return None
        answers += of_item
    if not answers:
        return [Answer([])]
    # ansible-core sets this when every item was skipped, and must not be overruled.
    if result.get("skipped"):
        answers.append(_failure(FailureKind.SKIPPED, "The query was skipped"))
    return answers


def _failure(kind: FailureKind, message: object) -> Answer:
    return Answer([], Failure(kind, str(message or "The query brought no orders")))


def _has_listing(value: object) -> bool:
    if not isinstance(value, Mapping) or not _is_result(value):
        return False
    items = value.get("results")
    return bool(value.get("listed")) or (_is_list(items) and any(map(_has_listing, items)))


def _is_result(value: Mapping[str, t.Any]) -> bool:
    return bool(_RESULT_KEYS & value.keys()) or (not _is_order(value) and bool(_OTHER_RESULT_KEYS & value.keys()))


def _is_order(value: object) -> t.TypeGuard[Mapping[str, t.Any]]:
    return isinstance(value, Mapping) and isinstance(value.get("status", 0), (str, type(None)))


def _is_bare_order(value: object) -> bool:
    """Tell an order from a result that has a status of its own, such as one of another module."""
    return _is_order(value) and not (_RESULT_KEYS | {"delivery_orders", "results"}) & value.keys()


def _is_list(value: object) -> t.TypeGuard[Sequence[t.Any]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def _describe(value: object) -> str:
    """Return the type of a value, and the keys of a mapping. ansible-core's own types are named after their base."""
    base = next(base for base in type(value).__mro__ if base.__module__ == "builtins")
    name = (type(value) if base is object else base).__name__
    return (
        f"{name} with the keys {', '.join(sorted(map(str, value)))}" if value and isinstance(value, Mapping) else name
    )
