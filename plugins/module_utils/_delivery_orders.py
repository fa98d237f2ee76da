# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Queries delivery orders."""

from __future__ import annotations

import typing as t

from ._errors import CloudPondError
from ._paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, pages
from ._specification import FIELDS
from ._transport import CONCURRENT_MAX

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ._client import Answer, Client
    from ._specification import Order

#: From this number of IDs on, the account's orders are listed first: one request brings a page of orders.
LISTING_FROM = 20

#: One page of that listing is worth its request for every so many IDs.
IDS_A_PAGE = 20

_PATH = "delivery-orders"
_MANY = "the delivery orders"


def query_delivery_orders(client: Client, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """
    Query one order, many orders, or a listing of the account, depending on the options.

    :param options: ``delivery_order_id``, else ``delivery_order_ids``, else ``status`` and ``page_size``. One that is
        None counts as left out.
    :return: ``delivery_orders`` (a list of orders as show_delivery_order returns them), ``listed`` (bool: they come
        from a listing) and, for one ID, ``delivery_order``.
    :raises CloudPondError: if the query fails.
    """
    if options.get("delivery_order_id") is not None:
        order = show_delivery_order(client, options["delivery_order_id"])
        return {"listed": False, "delivery_order": order, "delivery_orders": [order]}
    if options.get("delivery_order_ids") is not None:
        return {"listed": False, "delivery_orders": show_delivery_orders(client, options["delivery_order_ids"])}
    page_size = PAGE_SIZE_DEFAULT if options.get("page_size") is None else options["page_size"]
    return {
        "listed": True,
        "delivery_orders": list(list_delivery_orders(client, options.get("status") or (), page_size)),
    }


def show_delivery_order(client: Client, delivery_order_id: str) -> Order:
    """
    Query one order (specification: ``GET /v2/{domain_id}/delivery-orders/{delivery_order_id}``).

    :param delivery_order_id: The order's ID: letters, digits, ``-`` and ``_``.
    :return: The order: FIELDS, each a string, or ``None`` where the API left it out, and any key the API adds.
    :raises CloudPondError: if the query fails, or if the answer is about another order.
    """
    answer = client.get("v2", _PATH, delivery_order_id, asked=f"delivery order {delivery_order_id!r}")
    order = _order(answer, answer.data.get("delivery_order"))
    if order["id"] != delivery_order_id:
        raise answer.error(f"the answer is about another order, {order['id']!r}")
    return order


def show_delivery_orders(client: Client, delivery_order_ids: Sequence[str]) -> list[Order]:
    """
    Query many orders. A repeated ID is queried once.

    From LISTING_FROM IDs on, a listing of the account comes first. Orders that it lacks are queried by ID, a few at a
    time.

    :return: The orders as show_delivery_order returns them, one for each ID, in the order of the IDs.
    :raises CloudPondError: if an ID is malformed (before any request); for missing orders, naming all of them; or for
        the first other failure.
    """
    unique = list(dict.fromkeys(delivery_order_ids))
    for delivery_order_id in unique:
        client.check_id(delivery_order_id, asked=_MANY)
    orders = _find_in_listing(client, unique) if len(unique) >= LISTING_FROM else {}
    orders.update(_show_each(client, [each for each in unique if each not in orders]))
    return [orders[delivery_order_id] for delivery_order_id in delivery_order_ids]


def list_delivery_orders(
    client: Client, statuses: Sequence[str] = (), page_size: int = PAGE_SIZE_DEFAULT
) -> Iterator[Order]:
    """
    Query all orders of the account, page by page (ListDeliveryOrders: ``GET /v2/{domain_id}/delivery-orders``).

    :param statuses: Only orders in these statuses; none means all orders.
    :param page_size: Orders per page, 1 to PAGE_SIZE_MAX.
    :return: The orders as show_delivery_order returns them, in the API's order.
    :raises CloudPondError: if the query of a page fails, or if a page differs from the specification.
    """
    for orders in _list_pages(client, statuses, page_size):
        # Assumed: the API takes several statuses as a repeated key. If it ignores them, it lists all orders.
        yield from (order for order in orders if not statuses or order["status"] in statuses)


def _list_pages(client: Client, statuses: Sequence[str], page_size: int) -> Iterator[list[Order]]:
    query = [("status", status) for status in statuses]
    for page in pages(client, "v2", _PATH, key="delivery_orders", asked=_MANY, page_size=page_size, query=query):
        orders = [_order(page.answer, entry) for entry in page.entries]
        if not all(order["id"] for order in orders):
            raise page.answer.error("a delivery order in the answer has no ID")
        yield orders


def _find_in_listing(client: Client, delivery_order_ids: Sequence[str]) -> dict[str, Order]:
    """
    Return those of the orders that the first pages of a listing have, by their IDs; none if the listing fails.

    :raises CloudPondError: if the credential is refused: to go on with it could lock a key.
    """
    missing = set(delivery_order_ids)
    found: dict[str, Order] = {}
    try:
        for number, orders in enumerate(_list_pages(client, (), PAGE_SIZE_MAX), 1):
            for order in orders:
                if order["id"] in missing:
                    missing.remove(order["id"])
                    found[order["id"]] = order
                elif order["id"] in found and found[order["id"]] != order:
                    # It changed between two pages. A query by ID decides.
                    del found[order["id"]]
            if not missing or number >= len(delivery_order_ids) // IDS_A_PAGE:
                break
    except CloudPondError as error:
        if error.http_status == 401:
            raise
        return {}
    return found


def _show_each(client: Client, delivery_order_ids: Sequence[str]) -> dict[str, Order]:
    """Query orders by ID, a few at a time, and return them by their IDs. Raises as show_delivery_orders does."""
    orders: dict[str, Order] = {}
    missing: dict[str, CloudPondError] = {}
    # After the first failure, the queries that are still queued are not sent.
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

    # The first one runs alone, so that a bad credential is refused once, and not in each thread.
    for delivery_order_id in delivery_order_ids[:1]:
        show(delivery_order_id)
    if len(delivery_order_ids) > 1 and not failures:
        # Imported here, because most calls are for one order only.
        from concurrent.futures import ThreadPoolExecutor, wait

        with ThreadPoolExecutor(CONCURRENT_MAX) as executor:
            try:
                futures = [executor.submit(show, each) for each in delivery_order_ids[1:]]
                # Not for as long as it takes: Python handles a signal only when the main thread wakes up.
                while wait(futures, timeout=0.25).not_done:
                    pass
                for future in futures:
                    future.result()
            except BaseException:
                # A time-out of the task, or Ctrl-C. Otherwise the executor would wait for its threads.
                client.close()
                raise
    if missing:
        raise _all_missing([missing[each] for each in delivery_order_ids if each in missing])
    if failures:
        raise failures[0]
    return orders


def _is_missing(error: CloudPondError) -> bool:
    # The gateway's own 404 means that the API doesn't exist there.
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
