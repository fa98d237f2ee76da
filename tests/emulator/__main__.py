# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's command line: ``python3 -m tests.emulator``, from the collection's root."""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Sequence
from pathlib import Path

from ._book import Plan
from ._command import add_listening, add_running, fault_rows, run, seconds
from ._emulator import (
    DEFAULT_ACCESS_KEY,
    DEFAULT_DOMAIN_ID,
    DEFAULT_LISTING,
    DEFAULT_SECRET_KEY,
    DEFAULT_TOKEN,
    Emulator,
)
from ._faults import FAULTS
from ._orders import OrderPlan, parse_order, parse_orders
from ._sites import parse_site
from ._tls import HANDSHAKE_FAULTS

_DESCRIPTION = """\
A CloudPond stand-in on loopback. It runs delivery orders and edge sites through the lives that you choose, and
misbehaves on request. It prints its URL as the first line on stdout, then serves until SIGTERM, SIGINT (Ctrl-C) or
--stop-after.
"""

_MANUAL = """\
lives:
  A life is a list of steps, separated by commas: LIFE = STEP[,STEP]...
  A step is a status or a fault, and how long it lasts:

    STATUS     one of CANCELLED, PROCESSING, ACCEPTING, SUCCESS, FAIL, DELETED, or any other word in upper case
    FAULT      one of the table below
    STEP*N     lasts N polls (by default 1)
    STEP@S     lasts S seconds, such as 2.5

  The last step lasts forever and takes neither. So a fault for one poll is a step in the middle, and a fault for
  all polls is the last step. A poll is one request for that order with a good credential; a client's own retries
  are polls too. The first step begins at the order's first poll. A step after STEP*N begins at the poll that first
  shows it. A step after STEP@S begins when the S seconds are over, even without a poll, and may itself be over at
  the next poll. During a fault, the order keeps its previous status. Every order begins as PROCESSING.

the listing:
  It has its own life, --listing LIFE, with steps that are ok or a fault: 'ok,http:503*2,ok'. A request for a page is
  a poll of the listing, and of each order that the emulator examines for it: the orders on the page, and those before
  them that the status filter left out. An order whose current step is a fault is listed with its previous status.

many orders:
  A range in the ID creates an order for each number, each with its own life: --order 'site-{{0001..1000}}=SUCCESS'

edge sites:
  --edge-site works like --order, with the statuses initial, deploying, available and unavailable, any other word in
  upper case, and the faults of an order: --edge-site 'site-a=deploying*2,available'. Every site begins as initial.
  --site-listing is the life of their listing.

faults, and where they can be used:
{faults}

  SECONDS is the time between two pieces, by default 0.2. With 0, the emulator sends as fast as the client reads.

TLS handshakes:
  They have their own life, --tls-handshake LIFE, with steps that are ok or one of these faults. A poll is a connection.

{handshakes}

credentials:
  A request must have the token in X-Auth-Token, or be signed with the access key and its secret key (SDK-HMAC-SHA256).
  With --security-token, signed requests must have that token in X-Security-Token. An access key that failed more than
  5 times in a row is locked for 5 minutes.

files:
  --orders reads a JSON file; name and edge_site_id may be left out:

    {{"orders": [{{"id": "0000-a", "name": "rack 7", "edge_site_id": "0000-site",
                 "life": ["PROCESSING*2", "http:503", "SUCCESS"]}}]}}

also served:
  GET /emulator/requests, without a credential: a JSON list of the requests to all other paths, each with method, path,
  delivery_order_id, edge_site_id, status (null if no complete answer was sent), fault, user_agent, failures_in_a_row
  (failed authentications of the access key), at (seconds since the start) and concurrent (requests that were waiting
  for an answer then).

examples:
  An order that succeeds at its fifth poll, after one outage:
    python3 -m tests.emulator --order '0000-a=PROCESSING*2,http:503,ACCEPTING,SUCCESS'
  By the clock, on a fixed port: 30 seconds PROCESSING, 10 seconds ACCEPTING, then SUCCESS:
    python3 -m tests.emulator --port 8080 --order '0000-a=PROCESSING@30,ACCEPTING@10,SUCCESS'
  Two orders. The service is down for 5 seconds, and the second order fails:
    python3 -m tests.emulator --order '0000-a=PROCESSING,down:5,SUCCESS' --order '0000-b=PROCESSING*3,FAIL'
  A token that is refused at every poll:
    python3 -m tests.emulator --order '0000-a=http:401'
  A thousand orders. The second request for a page is refused, and each answer takes 50 ms longer:
    python3 -m tests.emulator --order 'site-{{0001..1000}}=PROCESSING@9,SUCCESS' --listing ok,http:503,ok --latency 0.05
  Queries:
    curl -H 'X-Auth-Token: {token}' URL/v2/{domain_id}/delivery-orders/0000-a
    curl -H 'X-Auth-Token: {token}' 'URL/v2/{domain_id}/delivery-orders?status=FAIL'
"""


def _manual() -> str:
    faults = fault_rows(FAULTS.values(), lambda kind: str(kind.scope.value))
    return _MANUAL.format(
        faults=faults, handshakes=fault_rows(HANDSHAKE_FAULTS), token=DEFAULT_TOKEN, domain_id=DEFAULT_DOMAIN_ID
    )


def _order(text: str) -> list[OrderPlan]:
    try:
        return parse_order(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _site(text: str) -> list[Plan]:
    try:
        return parse_site(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _orders_file(name: str) -> list[OrderPlan]:
    try:
        return parse_orders(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"can't read {name}: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from None


def _rate(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests in a second, 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.emulator",
        description=_DESCRIPTION,
        epilog=_manual(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_listening(parser)
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the X-Auth-Token to accept (default %(default)s)")
    parser.add_argument(
        "--access-key", default=DEFAULT_ACCESS_KEY, metavar="KEY", help="the key to accept (default %(default)s)"
    )
    parser.add_argument(
        "--secret-key", default=DEFAULT_SECRET_KEY, metavar="KEY", help="its secret key (default %(default)s)"
    )
    parser.add_argument("--security-token", metavar="TOKEN", help="make the keys temporary, with this token")
    parser.add_argument(
        "--domain-id", default=DEFAULT_DOMAIN_ID, metavar="ID", help="the account (default %(default)s)"
    )
    parser.add_argument(
        "--order", type=_order, action="extend", default=[], metavar="ID=LIFE", help="an order; may be repeated"
    )
    parser.add_argument("--orders", type=_orders_file, default=[], metavar="FILE", help="a JSON file of orders")
    parser.add_argument(
        "--listing", default=DEFAULT_LISTING, metavar="LIFE", help="the life of the order listing (default %(default)s)"
    )
    parser.add_argument(
        "--edge-site", type=_site, action="extend", default=[], metavar="ID=LIFE", help="an edge site; may be repeated"
    )
    parser.add_argument(
        "--site-listing",
        default=DEFAULT_LISTING,
        metavar="LIFE",
        help="the life of the site listing (default %(default)s)",
    )
    parser.add_argument("--latency", type=seconds, default=0.0, metavar="SECONDS", help="delay each answer of the API")
    parser.add_argument(
        "--throttle", type=_rate, metavar="RATE", help="refuse more than RATE requests in a second: 429, Retry-After: 1"
    )
    add_running(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exits with 0 at its regular end, and with 2 and a message if the arguments are wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    make = functools.partial(
        Emulator,
        [*options.order, *options.orders],
        listing=options.listing,
        edge_sites=options.edge_site,
        site_listing=options.site_listing,
        token=options.token,
        access_key=options.access_key,
        secret_key=options.secret_key,
        security_token=options.security_token,
        domain_id=options.domain_id,
        latency=options.latency,
        throttle=options.throttle,
    )
    run(parser, options, make)


if __name__ == "__main__":
    main()
