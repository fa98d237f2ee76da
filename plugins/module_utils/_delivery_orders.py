# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Queries delivery orders."""

from __future__ import annotations

import typing as t

from ._resources import Resource
from ._specification import FIELDS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ._client import Client

#: Specification (``GET /v2/{domain_id}/delivery-orders/{delivery_order_id}``), and the vendor's ListDeliveryOrders.
DELIVERY_ORDERS = Resource("v2", "delivery-orders", "delivery_order", "delivery_orders", dict.fromkeys(FIELDS))


def query_delivery_orders(client: Client, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Query one order, many, or a listing of those in some ``status``. Options, result and errors: Resource.query."""
    return DELIVERY_ORDERS.query(client, options, {"status": options.get("status") or ()})
