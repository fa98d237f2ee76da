# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a Python object."""

from __future__ import annotations

import time
from collections.abc import Iterable
from os import PathLike
from typing import Callable

from ._auth import Authenticator
from ._book import Plan, is_id
from ._faults import parse_listing_fault
from ._gateway import Gateway
from ._journal import Journal, RecordedRequest
from ._kinds import LONGEST
from ._listener import DEFAULT_HOST, Listener, Service, check_address
from ._lives import parse_service
from ._orders import OrderBook, OrderPlan, parse_order
from ._server import Server
from ._signature import Keys
from ._sites import SiteBook, parse_site
from ._throttle import Throttle
from ._tls import DEFAULT_HANDSHAKE, tls_of

DEFAULT_TOKEN = "emulator-token"
DEFAULT_ACCESS_KEY = "emulator-access-key"
DEFAULT_SECRET_KEY = "emulator-secret-key"
# The account ID of the specification's example.
DEFAULT_DOMAIN_ID = "00000000000000000000000000000000"
DEFAULT_LISTING = "ok"


class Emulator(Service):
    """A CloudPond stand-in that listens while its ``with`` block runs. Its ``url`` is the ``endpoint`` of a module.

    ``orders``: ``"ID=LIFE"`` texts (the grammar is in README.md) or what ``parse_orders`` made of a file.
    ``listing``: the life of their listing, such as ``"ok,http:503,ok"``.
    ``edge_sites``, ``site_listing``: the same for edge sites.
    ``token``, ``access_key``, ``secret_key``: a request must have the token, or a signature with the keys. With a
    ``security_token``, the keys are temporary, and signed requests must have that token, too.
    ``port``: 0 picks a free one.
    ``clock``: returns seconds and never goes back. The lives, the throttle, the lock of an access key and the journal
    use it. ``slow``, ``down`` and ``latency`` always take real time, because a client waits for them.
    ``wall_clock``: returns Unix seconds, for the check of a signature's date.
    ``latency``: seconds that are added to each answer of the API.
    ``throttle``: the number of requests that are answered in a second; more are refused. None for no limit.
    ``certificate``, ``key``: PEM files; with them the emulator speaks TLS.
    ``handshake``: the life of the TLS handshakes, such as ``"stall,ok"``. If no step is ok, it needs no certificate.
    ``log`` gets one line for each request, without the credential.

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
        host: str = DEFAULT_HOST,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        latency: float = 0.0,
        throttle: int | None = None,
        certificate: str | PathLike[str] | None = None,
        key: str | PathLike[str] | None = None,
        handshake: str = DEFAULT_HANDSHAKE,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        check_address(host, port)
        if not is_id(domain_id):
            raise ValueError(f"the domain ID {domain_id!r} must be of letters, digits, '-' and '_'")
        if not 0 <= latency <= LONGEST:
            raise ValueError(f"the latency {latency} is not a number of seconds from 0 to {LONGEST}")
        self._tls = tls_of(certificate, key, handshake)
        plans = [plan for order in orders for plan in (parse_order(order) if isinstance(order, str) else [order])]
        sites = [plan for site in edge_sites for plan in (parse_site(site) if isinstance(site, str) else [site])]
        self._gateway = Gateway(
            Authenticator(token, Keys(access_key, secret_key, security_token), clock, wall_clock),
            Throttle(throttle, clock),
            OrderBook(plans, parse_service(listing, "the listing", parse_listing_fault), domain_id, clock),
            SiteBook(
                sites, parse_service(site_listing, "the listing of edge sites", parse_listing_fault), domain_id, clock
            ),
            Journal(clock),
            domain_id,
        )
        self._host = host
        self._port = port
        self._clock = clock
        self._latency = latency
        self._log = log

    def _listen(self) -> Listener:
        server = Server(self._gateway, self._host, self._port, self._tls, self._clock, self._latency, self._log)
        return server.listener

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the API's paths so far, in the order of their arrival."""
        return self._gateway.journal.requests()
