# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# These filters are PRIVATE to the collection's playbooks: they can change at any time, in any release.
# Do not use them from other playbooks.

"""
Sorts the sites of the playbook provision_ready_sites.

In the playbook itself, an ID that can't be evaluated would fail the task for all sites, and ansible-core from 2.19 on
compiles each template of a loop anew for each item.
"""

from __future__ import annotations

import typing as t

from ansible import constants as C

from ..module_utils._settings import is_valid_id
from ..module_utils._specification import FINAL_STATUSES, SUCCESS
from ..plugin_utils._report import report
from ..plugin_utils._values import plain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    HostVars = Mapping[str, Mapping[str, t.Any]]
    Ids = Mapping[str, t.Optional[str]]


def delivery_order_ids(hosts: Iterable[str], hostvars: HostVars, only: object = None) -> dict[str, str | None]:
    """
    Read the ``delivery_order_id`` of many hosts.

    :param only: An ID. Hosts with another one are left out.
    :return: The IDs by host. None for one that is missing, null, malformed, or can't be evaluated. localhost, by
        any of its names, is left out if it has no such variable, because many inventories name it for other reasons.
    """
    found = {
        host: _find_id(hostvars, host)
        for host in hosts
        if host not in C.LOCALHOST or "delivery_order_id" in hostvars[host]
    }
    return found if only is None else {host: each for host, each in found.items() if each == str(plain(only))}


def sorted_sites(ids: Ids, orders: Iterable[Mapping[str, t.Any]], groups: Mapping[str, str]) -> list[dict[str, t.Any]]:
    """
    Sort sites by their orders.

    :param ids: As delivery_order_ids returns them.
    :param orders: The orders that exist.
    :param groups: The names of the groups ``ready`` and ``failed``.
    :return: For each site its ``name``, ``order`` (empty if there is none), ``groups`` (none for an order in progress),
        and a ``report`` of one line.
    """
    by_id = {order["id"]: order for order in orders}
    return [dict(_site(name, each, by_id.get(each), groups)) for name, each in ids.items()]


def _find_id(hostvars: HostVars, host: str) -> str | None:
    try:
        value = plain(hostvars[host]["delivery_order_id"])
    # A lookup in a template can raise anything.
    except Exception:
        return None
    # In YAML, an ID of digits is a number.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if is_valid_id(text) else None


def _site(
    name: str, order_id: str | None, order: Mapping[str, t.Any] | None, groups: Mapping[str, str]
) -> Iterator[tuple[str, t.Any]]:
    yield "name", name
    yield "order", order or {}
    if not order:
        yield "groups", [groups["failed"]]
        yield (
            "report",
            f"There is no delivery order {order_id}. Check the ID, and domain_id."
            if order_id
            else "The site has no delivery_order_id, or one that is empty, malformed or can't be evaluated.",
        )
        return
    # As a result, whose keys are known. The API may add any key to an order, such as one that a result has.
    lines = report({"changed": False, "delivery_orders": [order]}).splitlines()
    if order["status"] == SUCCESS:
        yield "groups", [groups["ready"]]
        # No advice: what to do is what the run does next.
        yield "report", lines[0]
    else:
        yield "groups", [groups["failed"]] if order["status"] in FINAL_STATUSES else []
        yield "report", " ".join(lines)


class FilterModule:
    """Tells ansible-core which filters this file has."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"_delivery_order_ids": delivery_order_ids, "_sorted_sites": sorted_sites}
