# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""What the API says of delivery orders, and the one call that the specification describes."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ._client import Answer, Client

#: The six statuses (specification, table 4).
STATUSES = ("CANCELLED", "PROCESSING", "ACCEPTING", "SUCCESS", "FAIL", "DELETED")

#: The status in which a site may be touched.
SUCCESS = "SUCCESS"

#: The statuses in which an order stays. Assumed from their meaning: no page of the vendor says it. A status that is
#: not among the six may appear one day and is not final.
FINAL_STATUSES = frozenset({SUCCESS, "FAIL", "CANCELLED", "DELETED"})

#: The keys of an order (specification, table 4). All are strings.
FIELDS = ("id", "name", "domain_id", "status", "edge_site_id", "effected_at", "created_at", "updated_at")

Order = dict[str, t.Any]


def show_delivery_order(client: Client, delivery_order_id: str) -> Order:
    """
    Query one order (specification: ``GET /v2/{domain_id}/delivery-orders/{delivery_order_id}``).

    :param delivery_order_id: The order's ID: letters, digits, ``-`` and ``_``.
    :return: The order: FIELDS, each a string, or ``None`` where the API left it out, and any key the API adds.
    :raises CloudPondError: if it can't be had, or if another order came.
    """
    answer = client.get("v2", "delivery-orders", delivery_order_id, asked=f"delivery order {delivery_order_id!r}")
    order = _order(answer, answer.data.get("delivery_order"))
    if order["id"] != delivery_order_id:
        raise answer.error(f"the answer is about another order, {order['id']!r}")
    return order


def _order(answer: Answer, data: t.Any) -> Order:
    if not isinstance(data, dict):
        raise answer.error("the answer has no delivery order in it")
    for field in FIELDS:
        if not isinstance(data.get(field), (str, type(None))):
            raise answer.error(f"the {field} of the delivery order in the answer is not a string")
    return {**dict.fromkeys(FIELDS), **data}
