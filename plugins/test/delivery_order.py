# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._specification import FINAL_STATUSES, SUCCESS
from ..plugin_utils._answers import ORDERS, read

if t.TYPE_CHECKING:
    from collections.abc import Callable


def delivery_order_settled(value: object) -> bool:
    """
    :param value: A registered result of the module, also of a loop, an order, or a list of orders.
    :return: Whether every order is in a final status, or the query failed in a way that waiting can't cure.
    :raises AnsibleFilterError: for anything else, and for a listing of the account.
    """
    answers = read(value, "huaweicloud.cloudpond.delivery_order_settled", ORDERS, takes_listing=False)
    return all(answer.hopeless or answer.all_are(*FINAL_STATUSES) for answer in answers)


def delivery_order_succeeded(value: object) -> bool:
    """
    :param value: A registered result of the module, also of a loop, an order, or a list of orders.
    :return: Whether there is at least one order, and every order is SUCCESS.
    :raises AnsibleFilterError: for anything else, and for a listing of the account.
    """
    answers = read(value, "huaweicloud.cloudpond.delivery_order_succeeded", ORDERS, takes_listing=False)
    return all(answer.all_are(SUCCESS) for answer in answers)


class TestModule:
    """Tells ansible-core which tests this file has."""

    def tests(self) -> dict[str, Callable[[object], bool]]:
        return {
            "delivery_order_settled": delivery_order_settled,
            "delivery_order_succeeded": delivery_order_succeeded,
        }
