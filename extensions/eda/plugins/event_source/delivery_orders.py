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
  - In an event, the source adds spaces to text that Ansible could otherwise take for a template. A space follows each
    C({), C(\) and C($), and each C(#) at the beginning of the text or after a quotation mark. At the end of the text,
    a space and C(?) follow.
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
        M(huaweicloud.cloudpond.cloudpond_delivery_order_info).
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
import importlib
import logging
import os
import re
import sys
import threading
import types
import typing as t
from pathlib import Path

#: The name under which the collection's module_utils are imported. If there is an ansible_collections package as well,
#: it may belong to another copy of the collection.
_PACKAGE = "_huaweicloud_cloudpond_module_utils"

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    _auth, _client, _deadline, _delivery_orders, _errors, _paging, _settings, _specification = (
        importlib.import_module(f"{_PACKAGE}.{name}")
        for name in (
            "_auth",
            "_client",
            "_deadline",
            "_delivery_orders",
            "_errors",
            "_paging",
            "_settings",
            "_specification",
        )
    )

#: Seconds.
INTERVAL_DEFAULT = 60.0
INTERVAL_MIN = 1.0
INTERVAL_MAX = 86400.0

#: Seconds. The longest pause during an outage, unless the interval is longer.
BACKOFF_MAX = 600.0

# Characters that have a meaning together with the next ones: {{ and {% and {#, escapes, and $ANSIBLE_VAULT anywhere,
# and #jinja2: at the beginning of a text or of a literal. The second group is empty, or the end of the text.
_ACTIVE = re.compile(r"""([{\\$]|(?:^|['"])\s*\#)(\s*\Z|(?! ))""")

# Not by __name__, which does not name the plugin if the file is run by its path.
_log = logging.getLogger("huaweicloud.cloudpond.delivery_orders")
_sleep = asyncio.sleep


class _Type(t.NamedTuple):
    #: In messages, it follows "must be".
    name: str
    classes: tuple[type, ...]


_STRING = _Type("a string", (str,))
_NUMBER = _Type("a number", (int, float))

_TYPES = {
    "str": _STRING,
    "path": _STRING,
    "bool": _Type("true or false", (bool,)),
    "int": _Type("a whole number", (int,)),
    "float": _NUMBER,
}

CONNECTION_ARGUMENTS = {name: _TYPES[option.type] for name, option in _settings.OPTIONS.items()}
ARGUMENTS = {
    "delivery_order_ids": _Type("a list of IDs", (list,)),
    "interval": _NUMBER,
    **CONNECTION_ARGUMENTS,
}


async def main(queue: asyncio.Queue[dict[str, t.Any]], args: Mapping[str, t.Any]) -> None:
    """
    Put an event into the queue for each order that is new or has a new status, until cancelled.

    :param args: The arguments in ARGUMENTS, as the documentation describes them.
    :raises ValueError: if an argument can't be used.
    :raises CloudPondError: if a query fails in a way that waiting can't cure.
    """
    _check_types(args)
    interval = _find_interval(args)
    delivery_order_ids = _find_ids(args)
    connection = {name: args.get(name) for name in CONNECTION_ARGUMENTS}
    if connection["ca_path"] is not None:
        connection["ca_path"] = os.path.expanduser(os.path.expandvars(connection["ca_path"]))
    if _auth.REQUESTS_IMPORT_ERROR:
        raise ValueError(f"The Python library requests is missing: install it for {sys.executable}.")

    # When this is cancelled, the end of the context also ends the query that runs in its thread.
    with _client.Client(connection, os.environ, caller="ansible-rulebook") as client:

        def query() -> list[_specification.Order]:
            if delivery_order_ids is None:
                return list(_delivery_orders.DELIVERY_ORDERS.list_all(client, {}, _paging.PAGE_SIZE_MAX))
            return _delivery_orders.DELIVERY_ORDERS.show_many(client, delivery_order_ids)

        await _watch(queue, query, interval)


async def _watch(
    queue: asyncio.Queue[dict[str, t.Any]], query: Callable[[], list[_specification.Order]], interval: float
) -> None:
    statuses: dict[str, str | None] = {}
    failures = 0
    backoff = interval
    while True:
        pause = interval
        try:
            orders = await _in_thread(query)
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
    Return a value of the API without text that Ansible would take for a template, now or later.

    Rules pass text on as extra variables, and ansible-rulebook adds the whole event to those of a playbook. Ansible
    evaluates templates in extra variables, including lookups that run commands. A rule can join texts, and
    ansible-rulebook reads the result as a Python literal, which can have escapes and parts. It also decrypts text with
    the header of a vault.
    """
    if isinstance(value, str):
        # A rule can trim spaces from the end of a text and then join it with another.
        return _ACTIVE.sub(lambda found: f"{found[1]} {'' if found.end() < len(value) else '?'}", value)
    if isinstance(value, dict):
        return {_harmless(key): _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_harmless(inner) for inner in value]
    return value


async def _in_thread(query: Callable[[], list[_specification.Order]]) -> list[_specification.Order]:
    """
    Run a query in a thread of its own.

    Unlike with asyncio.to_thread, the end of the loop or of the process doesn't wait for the thread: the system calls
    that resolve a host name or connect can't be interrupted.
    """
    future: concurrent.futures.Future[list[_specification.Order]] = concurrent.futures.Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(query())
        except BaseException as error:
            future.set_exception(error)

    with _deadline.without_signals():
        threading.Thread(target=run, name="cloudpond-delivery-orders", daemon=True).start()
    return await asyncio.wrap_future(future)


def _check_types(args: Mapping[str, t.Any]) -> None:
    unknown = [str(name) for name in args if name not in ARGUMENTS]
    if unknown:
        raise ValueError(f"Unknown arguments: {', '.join(unknown)}. The known arguments are: {', '.join(ARGUMENTS)}.")
    for name, value in args.items():
        if value is None and name != "delivery_order_ids":
            continue
        # bool is a subclass of int.
        if not isinstance(value, ARGUMENTS[name].classes) or (
            isinstance(value, bool) and bool not in ARGUMENTS[name].classes
        ):
            # The value could be a secret.
            raise ValueError(f"{name} must be {ARGUMENTS[name].name}: got {_type_name(value)}.{_hint(name, value)}")


def _find_interval(args: Mapping[str, t.Any]) -> float:
    value = args.get("interval")
    if value is None:
        return INTERVAL_DEFAULT
    # This form of the comparison also excludes NaN.
    if not INTERVAL_MIN <= value <= INTERVAL_MAX:
        raise ValueError(f"interval must be from {INTERVAL_MIN:g} to {INTERVAL_MAX:g} seconds: got {value}.")
    return float(value)


def _find_ids(args: Mapping[str, t.Any]) -> list[str] | None:
    """Return the IDs to query, None for all orders."""
    if "delivery_order_ids" not in args:
        return None
    delivery_order_ids: list[t.Any] = args["delivery_order_ids"]
    if not delivery_order_ids:
        raise ValueError("delivery_order_ids must not be empty: leave it out to watch all orders of the account.")
    for number, delivery_order_id in enumerate(delivery_order_ids, 1):
        if not isinstance(delivery_order_id, str):
            got = _type_name(delivery_order_id)
            hint = _hint("delivery_order_ids", delivery_order_id)
            raise ValueError(f"Entry {number} of delivery_order_ids must be a string: got {got}.{hint}")
        if not _settings.is_valid_id(delivery_order_id):
            raise ValueError(f"Entry {number} of delivery_order_ids {_settings.SEGMENT_RULE}.")
    return delivery_order_ids


def _type_name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _hint(name: str, value: object) -> str:
    if name == "delivery_order_ids" and value is None:
        return " Leave it out to watch all orders of the account."
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return " ansible-rulebook turns a template whose result is digits into a number: write \"'{{ variable }}'\"."
    return ""
