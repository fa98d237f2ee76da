# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source of ansible-rulebook: an event whenever a CloudPond delivery order is new, or has a new status."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: delivery_orders
short_description: Watch CloudPond delivery orders
version_added: 1.0.0
author: CloudPond collection contributors (!UNKNOWN)
description:
  - Queries delivery orders again and again, and sends an event when an order is first seen and when its status changes.
  - An event has two keys. C(delivery_order) is the order as the module
    M(huaweicloud.cloudpond.cloudpond_delivery_order_info) returns it. C(previous_status) is the status before the
    change, or null when the order is first seen.
  - In an event, text has only letters, digits, spaces and the characters C(_.,:/+-). The source replaces each other
    character by C(_), because rules could make a template of it, which Ansible would run.
  - The statuses are kept in memory. After a restart, each order is announced once more, with C(previous_status) null.
    Rules must tolerate a second run for the same order.
  - The source compares statuses, not times. It misses a status that comes and goes between two queries.
  - The source sends no event for an order that is no longer listed, and remembers its status. If the order is listed
    again, the source sends an event only if the status has changed. The status DELETED is treated like any other.
  - During an outage, the source waits. It logs the beginning and the end. The pauses between its queries double, up to
    ten minutes.
  - An error that waiting can't cure ends the source after one query. Examples are a refused credential, an order that
    does not exist, and a certificate that can't be verified.
options:
  delivery_order_ids:
    description:
      - The IDs of the orders to watch. Without IDs, the source watches all orders of the account, including new ones.
      - An empty list or ID is an error, because an empty variable must not select all orders.
      - With 20 or more IDs, the source lists the account's orders first, and queries by ID only those that the listing
        lacks.
    type: list
    elements: str
  interval:
    description:
      - Seconds between two queries, from 1 to 86400.
    type: float
    default: 60
  endpoint:
    description:
      - The base URL of the CloudPond API. It must begin with C(https://), except for a loopback address.
      - If it is left out, the environment variable E(HW_CLOUDPOND_ENDPOINT) is used.
    type: str
    default: https://ies.myhuaweicloud.com
  domain_id:
    description:
      - The ID of the account.
      - If it is left out, E(HW_DOMAIN_ID), then E(HUAWEICLOUD_SDK_DOMAIN_ID), then the file of the vendor's SDK is
        used.
    type: str
  auth_token:
    description:
      - A token from the vendor's identity service (IAM). It expires after 24 hours. Prefer an access key.
      - When no credential is given as arguments, the environment, then the file of the vendor's SDK is used, as by
        M(huaweicloud.cloudpond.cloudpond_delivery_order_info). Each query reads the file anew.
    type: str
  access_key:
    description: The ID of an access key (AK). It excludes O(auth_token).
    type: str
  secret_key:
    description: The secret of the access key (SK).
    type: str
  security_token:
    description: The token that comes with a temporary access key.
    type: str
  validate_certs:
    description: Whether the certificate of the server must be valid. Turn this off for tests only.
    type: bool
    default: true
  ca_path:
    description: A file with the CA certificates to trust, or a directory that C(openssl rehash) has prepared.
    type: path
  timeout:
    description: How many seconds one try of a request may last.
    type: float
    default: 30.0
  max_retries:
    description:
      - How often a request is sent again within one query, before the source treats the fault as an outage.
      - If it is left out, E(HW_MAX_RETRIES) is used.
    type: int
    default: 5
requirements:
  - requests >= 2.25
notes:
  - ansible-rulebook reads the result of a template as a Python literal, so that an ID made of digits becomes a number.
    Give credentials and the ID of the account in environment variables, or quote the template twice.
"""

EXAMPLES = r"""
- name: Follow the orders of two sites
  hosts: all
  sources:
    - huaweicloud.cloudpond.delivery_orders:
        delivery_order_ids:
          - 00000000-0000-000-0000-000000000000
          - 00000000-0000-000-0000-000000000001
        interval: 300
  rules:
    - name: Say that a site is delivered
      condition: event.delivery_order.status == "SUCCESS"
      action:
        debug:
          msg: "{{ event.delivery_order.name }} is delivered. Its status was {{ event.previous_status }}"
"""

import asyncio
import concurrent.futures
import logging
import os
import re
import sys
import threading
import types
import typing as t
from collections.abc import Awaitable, Callable
from pathlib import Path

#: The name under which the collection's module_utils are imported. If there is an ansible_collections package as well,
#: it may belong to another copy of the collection.
_PACKAGE = "_huaweicloud_cloudpond_module_utils"

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import (
        _auth,
        _client,
        _deadline,
        _delivery_orders,
        _errors,
        _paging,
        _settings,
        _specification,
    )
else:
    # ansible-rulebook runs this file by its path, so the collection can't be imported by its name.
    if _PACKAGE not in sys.modules:
        sys.modules[_PACKAGE] = types.ModuleType(_PACKAGE)
        sys.modules[_PACKAGE].__path__ = [str(Path(__file__).resolve().parents[4] / "plugins" / "module_utils")]
    from _huaweicloud_cloudpond_module_utils import (
        _auth,
        _client,
        _deadline,
        _delivery_orders,
        _errors,
        _paging,
        _settings,
        _specification,
    )

#: Seconds.
INTERVAL_DEFAULT = 60.0
INTERVAL_MIN = 1.0
INTERVAL_MAX = 86400.0

#: Seconds. The longest pause during an outage, unless the interval is longer.
BACKOFF_MAX = 600.0

#: Quotation marks, escapes, braces, comments and the like. Without them, no rule makes a template or a vault of a text.
_DOUBTFUL = re.compile(r"[^\w .,:/+-]")

# Not by __name__, which does not name the plugin if the file is run by its path.
_log = logging.getLogger("huaweicloud.cloudpond.delivery_orders")
_sleep = asyncio.sleep

_Result = t.TypeVar("_Result")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_settings.is_valid_id, value))


_STRING: tuple[str, Callable[[t.Any], bool]] = ("a string", lambda value: isinstance(value, str))

#: What each argument must be, in words and as a function.
_TYPES: dict[str, tuple[str, Callable[[t.Any], bool]]] = {
    "str": _STRING,
    "path": _STRING,
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", lambda value: _is_number(value) and isinstance(value, int)),
    "float": ("a number", _is_number),
}
CONNECTION_ARGUMENTS = {name: _TYPES[option.type] for name, option in _settings.OPTIONS.items()}
ARGUMENTS: dict[str, tuple[str, Callable[[t.Any], bool]]] = {
    "delivery_order_ids": (
        "a list of one ID or more, each a string of letters, digits, '-' and '_' (leave it out to watch all orders)",
        _are_ids,
    ),
    "interval": (
        f"a number of seconds from {INTERVAL_MIN:g} to {INTERVAL_MAX:g}",
        # This form of the comparison also excludes NaN.
        lambda value: _is_number(value) and INTERVAL_MIN <= value <= INTERVAL_MAX,
    ),
    **CONNECTION_ARGUMENTS,
}


async def main(queue: asyncio.Queue[dict[str, t.Any]], args: Mapping[str, t.Any]) -> None:
    """
    Put an event into the queue for each order that is new or has a new status, until cancelled.

    :param args: The arguments in ARGUMENTS, as the documentation describes them.
    :raises ValueError: if an argument can't be used.
    :raises CloudPondError: if a query fails in a way that waiting can't cure.
    """
    _check(args)
    interval = INTERVAL_DEFAULT if args.get("interval") is None else float(args["interval"])
    delivery_order_ids: list[str] | None = args.get("delivery_order_ids")
    connection = {name: args.get(name) for name in CONNECTION_ARGUMENTS}
    if connection["ca_path"] is not None:
        connection["ca_path"] = os.path.expanduser(os.path.expandvars(connection["ca_path"]))
    if _auth.REQUESTS_IMPORT_ERROR:
        raise ValueError(f"The Python library requests is missing: install it for {sys.executable}.")

    def ask(client: _client.Client) -> list[_specification.Order]:
        if delivery_order_ids is None:
            return list(_delivery_orders.DELIVERY_ORDERS.list_all(client, {}, _paging.PAGE_SIZE_MAX))
        return _delivery_orders.DELIVERY_ORDERS.show_many(client, delivery_order_ids)

    async def query() -> list[_specification.Order]:
        # A new one each time, because temporary keys in the SDK's file may have been renewed. When this is cancelled,
        # the query that runs in its thread sends nothing more after the end of the context.
        with await _in_thread(lambda: _client.Client(connection, os.environ, caller="ansible-rulebook")) as client:
            return await _in_thread(lambda: ask(client))

    await _watch(queue, query, interval)


async def _watch(
    queue: asyncio.Queue[dict[str, t.Any]], query: Callable[[], Awaitable[list[_specification.Order]]], interval: float
) -> None:
    statuses: dict[str, str | None] = {}
    failures = 0
    backoff = interval
    while True:
        pause = interval
        try:
            orders = await query()
        except _errors.CloudPondError as error:
            if not error.retryable:
                raise
            if not failures:
                _log.warning("%s. The query is repeated until it succeeds.", error)
            failures += 1
            pause, backoff = backoff, min(backoff * 2, max(BACKOFF_MAX, interval))
        else:
            if failures:
                _log.warning("The delivery orders can be queried again. Failed queries in a row: %d.", failures)
            failures = 0
            backoff = interval
            # A listing that changes between two pages can have an order twice. The last one counts.
            for order in {order["id"]: order for order in orders}.values():
                if order["id"] not in statuses or statuses[order["id"]] != order["status"]:
                    event = {"delivery_order": order, "previous_status": statuses.get(order["id"])}
                    await queue.put(_harmless(event))
                    statuses[order["id"]] = order["status"]
        await _sleep(pause)


def _harmless(value: t.Any) -> t.Any:
    """
    Return a value of the API without text that Ansible could take for a template, now or later.

    Rules pass text on as extra variables, in which Ansible evaluates templates, and decrypts vaults. ansible-rulebook
    does so with the whole event, and reads what a rule makes of texts as a Python literal, with escapes and parts.
    """
    if isinstance(value, str):
        return _DOUBTFUL.sub("_", value)
    if isinstance(value, dict):
        return {_harmless(key): _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_harmless(inner) for inner in value]
    return value


async def _in_thread(call: Callable[[], _Result]) -> _Result:
    """
    Run what can block in a thread of its own.

    Unlike with asyncio.to_thread, the end of the loop or of the process doesn't wait for the thread: the system calls
    that resolve a host name or connect can't be interrupted.
    """
    future: concurrent.futures.Future[_Result] = concurrent.futures.Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    with _deadline.without_signals():
        threading.Thread(target=run, name="cloudpond-delivery-orders", daemon=True).start()
    return await asyncio.wrap_future(future)


def _check(args: Mapping[str, t.Any]) -> None:
    unknown = [str(name) for name in args if name not in ARGUMENTS]
    if unknown:
        raise ValueError(f"Unknown arguments: {', '.join(unknown)}. The known arguments are: {', '.join(ARGUMENTS)}.")
    for name, value in args.items():
        words, is_right = ARGUMENTS[name]
        # Null counts as left out, but null IDs would list the account.
        if (value is not None or name == "delivery_order_ids") and not is_right(value):
            # The message doesn't repeat the value, which could be a secret.
            got = "null" if value is None else type(value).__name__
            hint = (
                " ansible-rulebook turns a template whose result is digits into a number: write \"'{{ variable }}'\"."
            )
            raise ValueError(f"{name} must be {words}: got {got}.{hint if 'string' in words else ''}")
