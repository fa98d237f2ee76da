# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query and the body of the listing of orders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ._orders import ListQuery, Page, is_id

# Assumed: the vendor's page gives no default, and the bounds are those of the sister call ListEdgeSites.
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 2000


def read_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """What the query's decoded keys and values ask for; ``status`` may be repeated, other keys may not.

    Raises ValueError for what the service calls an invalid parameter. Assumed: keys that it doesn't know are nothing to
    it, and a status that it doesn't know, in upper case as all are, is one that no order has.
    """
    statuses: set[str] = set()
    once: dict[str, str] = {}
    for key, value in pairs:
        if key == "status":
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
                raise ValueError(f"{value!r} can't be a status")
            statuses.add(value)
        elif key in ("limit", "marker", "id"):
            if key in once or not is_id(value):
                raise ValueError(f"{value!r} can't be the {key}, or is its second value")
            once[key] = value
    limit = once.get("limit", str(_DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]+", limit) or not 1 <= int(limit) <= _MAX_LIMIT:
        raise ValueError(f"the limit {limit} is not between 1 and {_MAX_LIMIT}")
    return ListQuery(frozenset(statuses), int(limit), once.get("marker"), once.get("id"))


def page_content(page: Page) -> dict[str, Any]:
    """The body of a page: ``delivery_orders`` and ``page_info``, without ``next_marker`` on the last one."""
    page_info: dict[str, Any] = {"current_count": len(page.orders)}
    if page.next_marker is not None:
        page_info["next_marker"] = page.next_marker
    return {"delivery_orders": page.orders, "page_info": page_info}
