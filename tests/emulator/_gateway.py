# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to its reply: the API's paths, who may use them, and the journal of what arrived."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ._answers import error_answer, json_answer, no_such_api, throttled_answer
from ._auth import Authenticator, sent_credential
from ._journal import Journal
from ._listing import page_content, read_query
from ._orders import OrderBook, is_id
from ._replies import Answer, Reply
from ._request import Request
from ._situation import Situation
from ._throttle import WINDOW, Throttle

JOURNAL_PATH = "/emulator/requests"


@dataclass(frozen=True)
class Exchange:
    """A reply, the fault in it as written, and the request's number in the journal, None for what isn't recorded."""

    reply: Reply
    fault: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class _Resource:
    """What a path leads to: an order, or without an ID the listing."""

    domain_id: str
    order_id: str | None


def _resource(path: str) -> _Resource | None:
    parts = path.split("/")
    if len(parts) not in (4, 5) or parts[:2] != ["", "v2"] or parts[3] != "delivery-orders" or "" in parts[2:]:
        return None
    return _Resource(parts[2], parts[4] if len(parts) == 5 else None)


class Gateway:
    """Answers requests as the vendor's gateway and the service behind it do.

    The order of its checks is the real one's as far as the codes show it: an API gateway first looks up the API (path
    and method), then who asks, and only then hands over to the service, which looks at the parameters. Assumed: it
    throttles those only whom it knows, because its limits are per user.
    """

    def __init__(
        self, authenticator: Authenticator, throttle: Throttle, orders: OrderBook, journal: Journal, domain_id: str
    ) -> None:
        self.journal = journal
        self._authenticator = authenticator
        self._throttle = throttle
        self._orders = orders
        self._domain_id = domain_id

    def handle(self, request: Request) -> Exchange:
        """The reply to a request, which is recorded; its status is for the sender to settle."""
        path = request.path
        if path == JOURNAL_PATH:
            return Exchange(self._show_journal(request))
        wanted = _resource(path)
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
            delivery_order_id=wanted.order_id if wanted else None,
            fault=fault,
            user_agent=request.headers.get("user-agent"),
            failures_in_a_row=failures,
        )
        return Exchange(reply, fault, number)

    def _show_journal(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return no_such_api()
        return json_answer([dataclasses.asdict(recorded) for recorded in self.journal.requests()])

    def _serve(self, request: Request, wanted: _Resource) -> tuple[Reply, str | None]:
        """The service's reply, and the fault in it as written."""
        if not is_id(wanted.domain_id) or not is_id(wanted.order_id or "-"):
            return error_answer(400), None
        if wanted.domain_id != self._domain_id:
            return error_answer(403), None
        if wanted.order_id is None:
            return self._list_orders(request)
        poll = self._orders.poll(wanted.order_id)
        if poll is None:
            return error_answer(404), None
        content = {"delivery_order": poll.order}
        if poll.fault is None:
            return json_answer(content), None
        situation = Situation(content, [poll.order], request.path, sent_credential(request.headers))
        return poll.fault.reply(situation), poll.fault.text

    def _list_orders(self, request: Request) -> tuple[Reply, str | None]:
        try:
            query = read_query(request.query)
        except ValueError:
            return error_answer(400), None
        page = self._orders.page(query)
        if page is None:
            # Assumed: a marker that was never handed out is an invalid parameter.
            return error_answer(400), None
        content = page_content(page)
        if page.fault is None:
            return json_answer(content), None
        credential = sent_credential(request.headers)
        situation = Situation(content, page.orders, request.path, credential, query.marker)
        return page.fault.reply(situation), page.fault.text
