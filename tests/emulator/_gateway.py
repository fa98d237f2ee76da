# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to its reply: the API's paths, who may use them, and the journal of what arrived."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ._answers import Answer, Reply, error_answer, json_answer, no_such_api
from ._auth import Authenticator, sent_credential
from ._faults import Situation
from ._journal import Journal, RecordedRequest
from ._orders import OrderBook, is_id
from ._request import Request

JOURNAL_PATH = "/emulator/requests"


@dataclass(frozen=True)
class Exchange:
    """A reply, the fault in it as written, and the request's number in the journal, None for what isn't recorded."""

    reply: Reply
    fault: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class _OrderPath:
    domain_id: str
    order_id: str


def _order_path(path: str) -> _OrderPath | None:
    parts = path.split("/")
    if len(parts) != 5 or parts[:2] != ["", "v2"] or parts[3] != "delivery-orders" or not parts[2] or not parts[4]:
        return None
    return _OrderPath(parts[2], parts[4])


class Gateway:
    """Answers requests as the vendor's gateway and the service behind it do.

    The order of its checks is the real one's as far as the codes show it: an API gateway first looks up the API (path
    and method), then who asks, and only then hands over to the service, which looks at the parameters.
    """

    def __init__(self, authenticator: Authenticator, orders: OrderBook, domain_id: str) -> None:
        self.journal = Journal()
        self._authenticator = authenticator
        self._orders = orders
        self._domain_id = domain_id

    def handle(self, request: Request) -> Exchange:
        """The reply to a request, which is recorded; its status is for the sender to settle."""
        if request.path == JOURNAL_PATH:
            return Exchange(self._show_journal(request))
        wanted = _order_path(request.path)
        reply, fault = self._show_order(request, wanted)
        number = self.journal.add(
            RecordedRequest(
                method=request.method,
                path=request.target,
                delivery_order_id=wanted.order_id if wanted else None,
                status=None,
                fault=fault,
                user_agent=request.headers.get("User-Agent"),
            )
        )
        return Exchange(reply, fault, number)

    def _show_journal(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return no_such_api()
        return json_answer([dataclasses.asdict(recorded) for recorded in self.journal.requests()])

    def _show_order(self, request: Request, wanted: _OrderPath | None) -> tuple[Reply, str | None]:
        if wanted is None or request.method != "GET":
            return no_such_api(), None
        refusal = self._authenticator.refusal(request)
        if refusal is not None:
            return refusal, None
        if not is_id(wanted.domain_id) or not is_id(wanted.order_id):
            return error_answer(400), None
        if wanted.domain_id != self._domain_id:
            return error_answer(403), None
        poll = self._orders.poll(wanted.order_id)
        if poll is None:
            return error_answer(404), None
        if poll.fault is None:
            return json_answer({"delivery_order": poll.order}), None
        situation = Situation(poll.order, request.path, sent_credential(request.headers))
        return poll.fault.reply(situation), poll.fault.text
