# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This filter is PRIVATE to the collection's playbooks: it can change at any time, in any release.
# Do not use it from other playbooks.

from __future__ import annotations

import typing as t

from ..module_utils._settings import is_segment
from ..plugin_utils._values import plain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def delivery_order_ids(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, t.Any]], only: object = None
) -> dict[str, str | None]:
    """
    Read the ``delivery_order_id`` of many hosts.

    In a playbook, one that can't be evaluated would fail the task for all of them.

    :param only: An ID. Hosts with another one are left out.
    :return: The IDs by host. None for one that is missing, null, malformed, or can't be evaluated. The host localhost is
        left out if it has no such variable, because many inventories name it for other reasons.
    """
    found = {
        host: _find_id(hostvars, host)
        for host in hosts
        if host != "localhost" or "delivery_order_id" in hostvars["localhost"]
    }
    return found if only is None else {host: each for host, each in found.items() if each == str(plain(only))}


def _find_id(hostvars: Mapping[str, Mapping[str, t.Any]], host: str) -> str | None:
    try:
        value = plain(hostvars[host]["delivery_order_id"])
    # A lookup in a template can raise anything.
    except Exception:
        return None
    # In YAML, an ID of digits is a number.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if is_segment(text) else None


class FilterModule:
    """Tells ansible-core which filters this file has."""

    def filters(self) -> dict[str, Callable[..., dict[str, str | None]]]:
        return {"_delivery_order_ids": delivery_order_ids}
