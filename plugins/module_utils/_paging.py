# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Reads the API's lists page by page."""

from __future__ import annotations

import typing as t

from ._errors import CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._client import ApiAnswer, Client

#: Entries per page (vendor: ListEdgeSites). The same limits are assumed for ListDeliveryOrders.
PAGE_SIZE_MAX = 2000
PAGE_SIZE_DEFAULT = 100

#: Limit of empty pages in a row before the last page. A server may apply the filter after it has made the pages.
EMPTY_PAGES_MAX = 100

#: Limits of one list, because a server could go on forever. The second one is in bytes, about 500,000 orders.
PAGES_MAX = 10_000
LIST_MAX = 256 * 1024 * 1024


class Page(t.NamedTuple):
    """One page of a list."""

    #: For errors about the entries.
    answer: ApiAnswer
    entries: list[t.Any]


def pages(
    client: Client,
    version: str,
    *path: str,
    key: str,
    subject: str,
    page_size: int,
    query: Iterable[tuple[str, str | int]] = (),
) -> Iterator[Page]:
    """
    Get a list, page by page, until an answer says that no more pages follow.

    :param version: As for Client.get, as are the path and ``subject``.
    :param key: The key of the list in an answer. Errors show "_" as a space.
    :param page_size: Entries per page, 1 to PAGE_SIZE_MAX.
    :param query: Keys and values besides ``limit`` and ``marker``; a key may be repeated.
    :raises CloudPondError: if the query of a page fails, or if a page differs from the specification.
    """
    # ansible-core accepts true as a whole number.
    if isinstance(page_size, bool) or not 1 <= page_size <= PAGE_SIZE_MAX:
        raise CloudPondError(subject, f"page_size must be from 1 to {PAGE_SIZE_MAX}: got {page_size}")
    fixed: list[tuple[str, str | int]] = [("limit", page_size), *query]
    markers: set[str] = set()
    empty_pages = size = 0
    marker: str | None = None
    for _number in range(PAGES_MAX):
        answer = client.get(version, *path, subject=subject, query=[*fixed, *([("marker", marker)] if marker else [])])
        entries = answer.data.get(key)
        if not isinstance(entries, list):
            raise answer.error(f"the answer has no list of {key.replace('_', ' ')} in it")
        size += answer.size
        if size > LIST_MAX:
            raise answer.error(f"the pages of the answer are larger than {LIST_MAX // 1024**2} MiB together")
        yield Page(answer, entries)
        marker = _next_marker(answer)
        if marker is None:
            return
        if marker in markers:
            raise answer.error(f"the pages of the answer go round in circles, at the marker {marker!r}")
        markers.add(marker)
        empty_pages = 0 if entries else empty_pages + 1
        if empty_pages > EMPTY_PAGES_MAX:
            raise answer.error(f"{empty_pages} pages in a row are empty, and the last one says that more follow")
    raise answer.error(f"the answer has more than {PAGES_MAX:,} pages: use a larger page_size")


def _next_marker(answer: ApiAnswer) -> str | None:
    """Return the marker of the next page, None on the last one. Missing pages could open a gate."""
    page_info = answer.data.get("page_info")
    if not isinstance(page_info, dict):
        raise answer.error("the answer does not say whether more pages follow: it has no page_info")
    marker = page_info.get("next_marker")
    if marker is not None and (not isinstance(marker, str) or not marker):
        raise answer.error("the next_marker in the answer is empty or not a string")
    return marker
