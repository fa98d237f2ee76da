# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query of a listing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._book import ListQuery, is_id
from ._lives import SITE_STATUSES, is_status

# Assumed for orders: the vendor's page gives no default, and the limits are those of ListEdgeSites.
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 2000

_SITE_FILTERS = ("enterprise_project_id", "id", "name", "availability_zone_id", "status")


def read_order_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """Read a query's decoded keys and values; ``status`` may be repeated, other keys may not.

    Raises ValueError for an invalid parameter of the service. Assumed: no order matches an unknown status in upper
    case. A parameter that the service doesn't have is refused, so that none passes for a filter.
    """
    many, once = _collected(pairs, many=("status",), once=("limit", "marker", "id"))
    for status in many["status"]:
        if not is_status(status):
            raise ValueError(f"{status!r} can't be a status")
    wanted = once.get("id")
    filters = {"status": frozenset(many["status"]), "id": frozenset([wanted] if wanted else [])}
    return ListQuery(filters, _limit(once), once.get("marker"))


def read_site_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """The same for edge sites. All filters may be repeated, and the sites can be sorted.

    Assumed: a site can be sorted by each of its keys that is a string, with one direction for each key. The service
    ignores extra directions.
    """
    many, once = _collected(pairs, many=(*_SITE_FILTERS, "sort_key", "sort_dir"), once=("limit", "marker"))
    if not all(value for values in many.values() for value in values):
        raise ValueError("a filter is empty")
    for status in many["status"]:
        if status not in SITE_STATUSES and not is_status(status):
            raise ValueError(f"{status!r} can't be a status")
    keys, directions = many["sort_key"], many["sort_dir"]
    sortable = (*_SITE_FILTERS, "description", "region_id", "project_id", "created_at", "updated_at", "domain_id")
    if set(directions) - {"asc", "desc"} or set(keys) - set(sortable):
        raise ValueError("sort_key is no key of a site, or sort_dir is neither asc nor desc")
    directions += ["asc"] * (len(keys) - len(directions))
    sort = tuple((key, direction == "desc") for key, direction in zip(keys, directions))
    filters = {key: frozenset(many[key]) for key in _SITE_FILTERS}
    return ListQuery(filters, _limit(once), once.get("marker"), sort)


def _collected(
    pairs: Iterable[tuple[str, str]], many: tuple[str, ...], once: tuple[str, ...]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    repeated: dict[str, list[str]] = {key: [] for key in many}
    single: dict[str, str] = {}
    for key, value in pairs:
        if key in many:
            repeated[key].append(value)
        elif key in once:
            if key in single or not is_id(value):
                raise ValueError(f"{value!r} can't be the {key}, or is its second value")
            single[key] = value
        else:
            raise ValueError(f"the call has no parameter {key!r}")
    return repeated, single


def _limit(once: dict[str, str]) -> int:
    limit = once.get("limit", str(_DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]+", limit) or not 1 <= int(limit) <= _MAX_LIMIT:
        raise ValueError(f"the limit {limit} is not between 1 and {_MAX_LIMIT}")
    return int(limit)
