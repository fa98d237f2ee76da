# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""How delivery orders are queried."""

from __future__ import annotations

import typing as t

from ._client import CONCURRENT_MAX, SEGMENT_RULE, is_segment
from ._errors import CloudPondError
from ._order import FIELDS

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._client import Answer, Client
    from ._order import Order

#: Orders a page when listing (assumed: the bounds are those of the sister call ListEdgeSites).
PAGE_SIZE_MAX = 2000
PAGE_SIZE_DEFAULT = 100

#: Pages in a row that may be empty, though more follow: a server may look for statuses in what it has paged already.
EMPTY_PAGES_MAX = 100


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


def show_delivery_orders(client: Client, delivery_order_ids: Sequence[str]) -> list[Order]:
    """
    Query many orders, a few at once; an ID that comes repeatedly is asked for once.

    :return: The orders as show_delivery_order returns them, one for each ID, in the order of the IDs.
    :raises CloudPondError: if an ID can't be one, before anything is asked; for the first failure after which it makes
        no sense to go on asking; or naming all the orders that were asked for and don't exist.
    """
    unique = list(dict.fromkeys(delivery_order_ids))
    for delivery_order_id in unique:
        if not is_segment(delivery_order_id):
            raise CloudPondError("the delivery orders", f"an ID {SEGMENT_RULE}: got {delivery_order_id!r}")
    orders: dict[str, Order] = {}
    missing: dict[str, CloudPondError] = {}
    # Set when the first thread fails: what is still queued behind it then is not asked.
    failures: list[CloudPondError] = []

    def show(delivery_order_id: str) -> None:
        if failures:
            return
        try:
            orders[delivery_order_id] = show_delivery_order(client, delivery_order_id)
        except CloudPondError as error:
            if _is_missing(error):
                missing[delivery_order_id] = error
            else:
                failures.append(error)

    # Here, since most calls are for one order, and pay for what they import.
    from concurrent.futures import ThreadPoolExecutor

    # The first one alone, so that a refused credential is refused once, and not in each thread.
    for delivery_order_id in unique[:1]:
        show(delivery_order_id)
    with ThreadPoolExecutor(CONCURRENT_MAX) as executor:
        list(executor.map(show, unique[1:]))
    if missing:
        raise _all_missing([missing[each] for each in unique if each in missing])
    if failures:
        raise failures[0]
    return [orders[delivery_order_id] for delivery_order_id in delivery_order_ids]


def list_delivery_orders(
    client: Client, statuses: Sequence[str] = (), page_size: int = PAGE_SIZE_DEFAULT
) -> Iterator[Order]:
    """
    Query all orders of the account, page by page (ListDeliveryOrders: ``GET /v2/{domain_id}/delivery-orders``).

    :param statuses: Only orders in these; none means all orders.
    :param page_size: Orders a page, 1 to PAGE_SIZE_MAX.
    :return: The orders as show_delivery_order returns them, in the API's order.
    :raises CloudPondError: if a page can't be had, or isn't what the API promises.
    """
    asked = "the delivery orders"
    if not 1 <= page_size <= PAGE_SIZE_MAX:
        raise CloudPondError(asked, f"page_size must be from 1 to {PAGE_SIZE_MAX}: got {page_size}")
    query: list[tuple[str, str | int]] = [("limit", page_size), *(("status", status) for status in statuses)]
    markers: set[str] = set()
    empty_pages = 0
    marker: str | None = None
    while True:
        page = query if marker is None else [*query, ("marker", marker)]
        answer = client.get("v2", "delivery-orders", asked=asked, query=page)
        orders = answer.data.get("delivery_orders")
        if not isinstance(orders, list):
            raise answer.error("the answer has no list of delivery orders in it")
        for order in (_order(answer, order) for order in orders):
            if not order["id"]:
                raise answer.error("a delivery order in the answer has no ID")
            # Assumed: that the API takes several statuses as a repeated key. If it takes another form, all come.
            if not statuses or order["status"] in statuses:
                yield order
        marker = _next_marker(answer)
        if marker is None:
            return
        if marker in markers:
            raise answer.error(f"the pages of the answer go round in circles, at the marker {marker!r}")
        markers.add(marker)
        empty_pages = 0 if orders else empty_pages + 1
        if empty_pages > EMPTY_PAGES_MAX:
            raise answer.error(f"{empty_pages} pages in a row have no orders, and the last one says that more follow")


def _next_marker(answer: Answer) -> str | None:
    """Return the marker of the next page, None on the last one. Pages that are missed could open a gate."""
    page_info = answer.data.get("page_info")
    if not isinstance(page_info, dict):
        raise answer.error("the answer does not say whether more pages follow: it has no page_info")
    marker = page_info.get("next_marker")
    if marker is not None and (not isinstance(marker, str) or not marker):
        raise answer.error("the next_marker in the answer is not a string with something in it")
    return marker


def _is_missing(error: CloudPondError) -> bool:
    # The gateway's own 404 says that there is no such API, and no order would be found.
    return error.http_status == 404 and not (error.code or "").startswith("APIGW.")


def _all_missing(errors: list[CloudPondError]) -> CloudPondError:
    first = errors[0]
    if len(errors) == 1:
        return first
    return CloudPondError(
        " and ".join(error.asked for error in errors),
        first.message,
        http_status=first.http_status,
        code=first.code,
        request_id=first.request_id,
    )


def _order(answer: Answer, data: t.Any) -> Order:
    if not isinstance(data, dict):
        raise answer.error("the answer has no delivery order in it")
    for field in FIELDS:
        if not isinstance(data.get(field), (str, type(None))):
            raise answer.error(f"the {field} of the delivery order in the answer is not a string")
    return {**dict.fromkeys(FIELDS), **data}
