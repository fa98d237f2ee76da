# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to its reply: the API's paths, who may use them, and the journal of what arrived."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from ._answers import error_answer, json_answer, no_such_api, throttled_answer
from ._auth import Authenticator, sent_credential
from ._book import Book, ListQuery, is_id
from ._journal import Journal
from ._listing import page_content, read_order_query, read_site_query
from ._orders import OrderBook
from ._replies import Answer, Reply
from ._request import Request
from ._sites import SiteBook
from ._situation import Situation
from ._throttle import WINDOW, Throttle

JOURNAL_PATH = "/emulator/requests"


@dataclass(frozen=True)
class Exchange:
    """A reply, the text of its fault, and the request's number in the journal, None if it isn't recorded."""

    reply: Reply
    fault: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class Resource:
    """A kind of entry that the API shows by ID and lists: its book, its keys in answers, and the reader of queries."""

    book: Book[Any]
    key: str
    list_key: str
    read_query: Callable[[Iterable[tuple[str, str]]], ListQuery]


@dataclass(frozen=True)
class _Wanted:
    """The target of a path: an entry, or without an ID the listing."""

    resource: Resource
    domain_id: str
    entry_id: str | None


class Gateway:
    """Answers requests as the vendor's gateway and the service behind it do.

    The order of its checks is the real one's as far as the codes show it: an API gateway first looks up the API (path
    and method), then who asks, and only then hands over to the service, which looks at the parameters. Assumed: it
    throttles those only whom it knows, because its limits are per user.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        throttle: Throttle,
        orders: OrderBook,
        sites: SiteBook,
        journal: Journal,
        domain_id: str,
    ) -> None:
        self.journal = journal
        self._authenticator = authenticator
        self._throttle = throttle
        self._domain_id = domain_id
        self._resources = {
            ("v2", "delivery-orders"): Resource(orders, "delivery_order", "delivery_orders", read_order_query),
            ("v1", "edge-sites"): Resource(sites, "edge_site", "edge_sites", read_site_query),
        }

    def _wanted(self, path: str) -> _Wanted | None:
        parts = path.split("/")
        if len(parts) not in (4, 5) or parts[0] or "" in parts[2:]:
            return None
        resource = self._resources.get((parts[1], parts[3]))
        return _Wanted(resource, parts[2], parts[4] if len(parts) == 5 else None) if resource else None

    def handle(self, request: Request) -> Exchange:
        """The reply to a request. The request is recorded, and the sender settles its status."""
        path = request.path
        if path == JOURNAL_PATH:
            return Exchange(self._show_journal(request))
        wanted = self._wanted(path)
        fault = failures = None
        reply: Reply
        if wanted is None or request.method != "GET":
            reply = no_such_api()
        else:
            verdict = self._authenticator.check(request)
            failures = verdict.failures_in_a_row
            if verdict.refusal is not None:
                reply = verdict.refusal
            elif not self._throttle.lets_through():
                reply = throttled_answer(WINDOW)
            else:
                reply, fault = self._serve(request, wanted)
        number = self.journal.add(
            method=request.method,
            path=request.target,
            delivery_order_id=wanted.entry_id if wanted and wanted.resource.key == "delivery_order" else None,
            edge_site_id=wanted.entry_id if wanted and wanted.resource.key == "edge_site" else None,
            fault=fault,
            user_agent=request.headers.get("user-agent"),
            failures_in_a_row=failures,
        )
        return Exchange(reply, fault, number)

    def _show_journal(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return no_such_api()
        return json_answer([dataclasses.asdict(recorded) for recorded in self.journal.requests()])

    def _serve(self, request: Request, wanted: _Wanted) -> tuple[Reply, str | None]:
        """The service's reply, and the text of its fault."""
        resource = wanted.resource
        if not is_id(wanted.domain_id) or not is_id(wanted.entry_id or "-"):
            return error_answer(400), None
        if wanted.domain_id != self._domain_id:
            return error_answer(403), None
        if wanted.entry_id is None:
            return self._list_entries(request, resource)
        poll = resource.book.poll(wanted.entry_id)
        if poll is None:
            return error_answer(404, f"The {resource.key.replace('_', ' ')} does not exist."), None
        content = {resource.key: poll.entry}
        if poll.fault is None:
            return json_answer(content), None
        situation = Situation(content, resource.key, [poll.entry], request.path, sent_credential(request.headers))
        return poll.fault.reply(situation), poll.fault.text

    def _list_entries(self, request: Request, resource: Resource) -> tuple[Reply, str | None]:
        try:
            query = resource.read_query(request.query)
        except ValueError:
            return error_answer(400), None
        page = resource.book.page(query)
        if page is None:
            # Assumed: an unknown marker is an invalid parameter.
            return error_answer(400), None
        content = page_content(resource.list_key, page)
        if page.fault is None:
            return json_answer(content), None
        credential = sent_credential(request.headers)
        situation = Situation(content, resource.list_key, page.entries, request.path, credential, query.marker)
        return page.fault.reply(situation), page.fault.text
