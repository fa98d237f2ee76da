# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a Python object."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from io import BufferedIOBase
from typing import Any, Callable

from ._auth import Authenticator, Keys
from ._book import Plan, is_id
from ._faults import LONGEST, parse_listing_fault
from ._gateway import Gateway
from ._journal import JOURNAL_PATH, RecordedRequest
from ._listener import Service
from ._lives import parse_service
from ._orders import OrderBook, OrderPlan, parse_order
from ._replies import Hangup, error_answer, hold, json_answer, rendered, send
from ._request import UnreadableRequest, read_request
from ._sites import SiteBook, parse_site

DEFAULT_TOKEN = "emulator-token"
DEFAULT_ACCESS_KEY = "emulator-access-key"
DEFAULT_SECRET_KEY = "emulator-secret-key"
DEFAULT_DOMAIN_ID = "00000000000000000000000000000000"
DEFAULT_LISTING = "ok"


class Emulator(Service):
    """A CloudPond stand-in that listens while its ``with`` block runs. Its ``url`` is the ``endpoint`` of a module.

    ``orders``: ``"ID=LIFE"`` texts (the grammar is in README.md) or what ``parse_orders`` made of a file.
    ``listing``: the life of their listing, such as ``"ok,http:503,ok"``.
    ``edge_sites``, ``site_listing``: the same for edge sites.
    ``token``, ``access_key``, ``secret_key``: a request must have the token, or a signature with the keys. With a
    ``security_token``, the keys are temporary, and signed requests must have that token, too.
    ``clock``: returns seconds and never goes back. The lives, the throttle, the lock of an access key and the journal
    use it. ``slow``, ``down`` and ``latency`` always take real time, because a client waits for them.
    ``wall_clock``: returns Unix seconds, for the check of a signature's date.
    ``latency``: seconds that are added to each answer of the API.
    ``throttle``: the number of requests that are answered in a second; more are refused. None for no limit.
    ``options``: those of a Service.

    Raises ValueError with the fault and the right form, and on entry OSError if it can't listen there.
    """

    def __init__(
        self,
        orders: Iterable[str | OrderPlan] = (),
        *,
        listing: str = DEFAULT_LISTING,
        edge_sites: Iterable[str | Plan] = (),
        site_listing: str = DEFAULT_LISTING,
        token: str = DEFAULT_TOKEN,
        access_key: str = DEFAULT_ACCESS_KEY,
        secret_key: str = DEFAULT_SECRET_KEY,
        security_token: str | None = None,
        domain_id: str = DEFAULT_DOMAIN_ID,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        latency: float = 0.0,
        throttle: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(clock=clock, **options)
        if not is_id(domain_id):
            raise ValueError(f"the domain ID {domain_id!r} must be of letters, digits, '-' and '_'")
        if not 0 <= latency <= LONGEST:
            raise ValueError(f"the latency {latency} is not a number of seconds from 0 to {LONGEST}")
        if throttle is not None and throttle < 1:
            raise ValueError(f"the throttle {throttle} is not a number of requests in a second, 1 or more")
        plans = [plan for order in orders for plan in (parse_order(order) if isinstance(order, str) else [order])]
        sites = [plan for site in edge_sites for plan in (parse_site(site) if isinstance(site, str) else [site])]
        lives = [
            parse_service(life, whose, parse_listing_fault)
            for life, whose in ((listing, "the listing"), (site_listing, "the listing of edge sites"))
        ]
        self._gateway = Gateway(
            Authenticator(token, Keys(access_key, secret_key, security_token), clock, wall_clock),
            throttle,
            OrderBook(plans, lives[0], domain_id, clock),
            SiteBook(sites, lives[1], domain_id, clock),
            domain_id,
            clock,
        )
        self._latency = latency

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the API's paths so far, in the order of their arrival."""
        return self._gateway.journal.requests()

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while self._serve(connection, stream):
                pass

    def _serve(self, connection: socket.socket, stream: BufferedIOBase) -> bool:
        """Serve the connection's next request. False if the connection must be closed."""
        try:
            request = read_request(stream)
        except UnreadableRequest:
            connection.sendall(rendered(error_answer(400, "API request error.", "APIGW.0201"), keep_alive=False))
            return False
        if request is None:
            return False
        journal = self._gateway.journal
        if request.path == JOURNAL_PATH and request.method == "GET":
            return send(connection, json_answer(journal.shown()), keep_alive=request.keep_alive)
        reply, fault, number = self._gateway.handle(request)
        line = f"{request.method} {request.target}" + (f" [{fault}]" if fault else "")
        try:
            if isinstance(reply, Hangup):
                self._reset(connection, reply.refuse_for)
                self._log(f"{line} -> reset")
                return False
            if self._latency:
                hold(connection, self._latency)
            self._log(f"{line} -> {'no whole answer' if reply.status is None else reply.status}")
            return send(connection, reply, lambda status: journal.settle(number, status), request.keep_alive)
        except OSError:
            journal.settle(number, None)
            raise
