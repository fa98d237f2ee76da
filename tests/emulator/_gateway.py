# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to its reply: the API's paths, who may use them, and the journal of what arrived."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from ._auth import Authenticator, sent_credential
from ._book import Book, ListQuery, is_id
from ._faults import Situation
from ._journal import Journal, RecordedRequest
from ._listing import read_order_query, read_site_query
from ._orders import OrderBook
from ._replies import Answer, Reply, error_answer, json_answer, throttled_answer
from ._request import Request
from ._sites import SiteBook

# Seconds: the window for counting requests, and the Retry-After of a refused one.
_WINDOW = 1


@dataclass(frozen=True)
class Resource:
    """A kind of entry that the API shows by ID and lists: its book, its keys in answers, and the reader of queries."""

    book: Book[Any]
    key: str
    list_key: str
    read_query: Callable[[Iterable[tuple[str, str]]], ListQuery]


class Gateway:
    """Answers requests as the vendor's gateway and the service behind it do.

    The order of its checks is the real one's as far as the codes show it: an API gateway first looks up the API (path
    and method), then who asks, and only then hands over to the service, which looks at the parameters. Assumed: it
    throttles those only whom it knows, because its limits are per user.

    ``throttle`` is the number of requests that are answered in a second, None for no limit. ``clock`` returns seconds
    and never goes back.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        throttle: int | None,
        orders: OrderBook,
        sites: SiteBook,
        domain_id: str,
        clock: Callable[[], float],
    ) -> None:
        self.journal = Journal(RecordedRequest, clock)
        self._authenticator = authenticator
        self._throttle = throttle
        self._passed: collections.deque[float] = collections.deque(maxlen=throttle)
        self._clock = clock
        self._lock = threading.Lock()
        self._domain_id = domain_id
        self._resources = {
            ("v2", "delivery-orders"): Resource(orders, "delivery_order", "delivery_orders", read_order_query),
            ("v1", "edge-sites"): Resource(sites, "edge_site", "edge_sites", read_site_query),
        }

    def handle(self, request: Request) -> tuple[Reply, str | None, int]:
        """The reply to a request, the text of its fault, and its number in the journal, where its status is settled."""
        parts = request.path.split("/")
        resource = entry_id = None
        if len(parts) in (4, 5) and not parts[0] and all(parts[2:]):
            resource = self._resources.get((parts[1], parts[3]))
            entry_id = parts[4] if resource and len(parts) == 5 else None
        refusal: Answer | None
        failures = fault = None
        if resource is None or request.method != "GET":
            reply: Reply = error_answer(404, "The API does not exist or has not been published.", "APIGW.0101")
        else:
            refusal, failures = self._authenticator.check(request)
            if refusal is None and not self._lets_through():
                refusal = throttled_answer(_WINDOW)
            reply, fault = (refusal, None) if refusal else self._serve(request, resource, parts[2], entry_id)
        number = self.journal.add(
            method=request.method,
            path=request.target,
            delivery_order_id=entry_id if resource and resource.key == "delivery_order" else None,
            edge_site_id=entry_id if resource and resource.key == "edge_site" else None,
            fault=fault,
            user_agent=request.headers.get("user-agent"),
            failures_in_a_row=failures,
        )
        return reply, fault, number

    def _lets_through(self) -> bool:
        """Count a request that arrives now. False if it is one too many.

        Refused requests are not counted, so an impatient client also gets its share, as from a real gateway (assumed).
        """
        with self._lock:
            now = self._clock()
            if len(self._passed) == self._throttle and now - self._passed[0] < _WINDOW:
                return False
            if self._throttle:
                self._passed.append(now)
            return True

    def _serve(
        self, request: Request, resource: Resource, domain_id: str, entry_id: str | None
    ) -> tuple[Reply, str | None]:
        """The service's reply, and the text of its fault."""
        if not is_id(domain_id) or not is_id(entry_id or "-"):
            return error_answer(400), None
        if domain_id != self._domain_id:
            return error_answer(403), None
        content: dict[str, Any]
        if entry_id is not None:
            poll = resource.book.poll(entry_id)
            if poll is None:
                return error_answer(404, f"The {resource.key.replace('_', ' ')} does not exist."), None
            key, marker, (entry, fault) = resource.key, None, poll
            entries, content = [entry], {key: entry}
        else:
            try:
                query = resource.read_query(request.query)
            except ValueError:
                return error_answer(400), None
            page = resource.book.page(query)
            if page is None:
                # Assumed: an unknown marker is an invalid parameter.
                return error_answer(400), None
            key, marker, (entries, next_marker, fault) = resource.list_key, query.marker, page
            page_info = {"current_count": len(entries)}
            content = {
                key: entries,
                "page_info": {**page_info, "next_marker": next_marker} if next_marker else page_info,
            }
        if fault is None:
            return json_answer(content), None
        credential = sent_credential(request.headers)
        return fault.reply(Situation(content, key, entries, request.path, credential, marker)), fault.text
