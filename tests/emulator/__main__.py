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
A CloudPond stand-in on loopback: runs delivery orders and edge sites through the lives you give them, and misbehaves
on request. Prints its URL as the first line on stdout, then serves until SIGTERM, SIGINT (Ctrl-C) or --stop-after.
"""

_MANUAL = """\
lives:
  A life is a list of steps, separated by commas: LIFE = STEP[,STEP]...
  A step is a status or a fault, and how long it lasts:

    STATUS     one of CANCELLED, PROCESSING, ACCEPTING, SUCCESS, FAIL, DELETED, or any other word in upper case
    FAULT      one of the table below
    STEP*N     lasts N polls (1 if nothing is said)
    STEP@S     lasts S seconds, such as 2.5

  The last step lasts forever and takes neither. So a fault for one poll is a step in the middle, and a fault for
  all polls is the last step. A poll is one request for that order with a good credential; a client's own retries
  are polls too. The first step begins at the order's first poll. A step after STEP*N begins at the poll that first
  shows it; a step after STEP@S begins when the S seconds are over, whether anybody looks or not, and may be over
  itself at the next poll. In a fault, the order is in the status that came before; every order begins as PROCESSING.

the listing:
  It has a life of its own, --listing LIFE, of steps that are ok or a fault: 'ok,http:503*2,ok'. A request for a page
  is a poll of the listing, and one of each order that it looks at: those on the page, and those before them that its
  status filter left out. It shows the status of an order that is in a fault, and not the fault.

many orders:
  A range in the ID stands for one order a number, each with a life of its own: --order 'site-{{0001..1000}}=SUCCESS'

edge sites:
  --edge-site takes the same, with the statuses initial, deploying, available and unavailable, any word in upper case
  beside them, and the faults of an order: --edge-site 'site-a=deploying*2,available'. Every site begins as initial.
  Their listing has the life --site-listing.

faults, and of what:
{faults}

  SECONDS between one piece and the next are 0.2 if left out; 0 is as fast as the client takes them.

TLS handshakes:
  They have a life of their own, --tls-handshake LIFE, of steps that are ok or one of these; a poll is a connection:

{handshakes}

credentials:
  A request brings the token in X-Auth-Token, or is signed with the access key and its secret key (SDK-HMAC-SHA256).
  With --security-token, signed requests must bring that in X-Security-Token. An access key that failed more than 5
  times in a row is locked for 5 minutes.

files:
  --orders takes a JSON file; name and edge_site_id may be left out:

    {{"orders": [{{"id": "0000-a", "name": "rack 7", "edge_site_id": "0000-site",
                 "life": ["PROCESSING*2", "http:503", "SUCCESS"]}}]}}

also served:
  GET /emulator/requests, without a credential: a JSON list of the requests that arrived at all other paths, each with
  method, path, delivery_order_id, edge_site_id, status (null when no whole answer was sent), fault, user_agent,
  failures_in_a_row (of the access key to authenticate), at (seconds since the start) and concurrent (requests then
  waiting for an answer).

examples:
  An order that succeeds at its fifth poll, after one outage:
    python3 -m tests.emulator --order '0000-a=PROCESSING*2,http:503,ACCEPTING,SUCCESS'
  By the clock, on a fixed port: 30 seconds PROCESSING, 10 seconds ACCEPTING, then SUCCESS:
    python3 -m tests.emulator --port 8080 --order '0000-a=PROCESSING@30,ACCEPTING@10,SUCCESS'
  Two orders; the service is gone for 5 seconds, and the second order fails:
    python3 -m tests.emulator --order '0000-a=PROCESSING,down:5,SUCCESS' --order '0000-b=PROCESSING*3,FAIL'
  A token that is refused at every poll:
    python3 -m tests.emulator --order '0000-a=http:401'
  A thousand orders; the second request for a page is refused, and each answer takes 50 ms more:
    python3 -m tests.emulator --order 'site-{{0001..1000}}=PROCESSING@9,SUCCESS' --listing ok,http:503,ok --latency 0.05
  Ask it:
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
        "--secret-key", default=DEFAULT_SECRET_KEY, metavar="KEY", help="its half (default %(default)s)"
    )
    parser.add_argument(
        "--security-token", metavar="TOKEN", help="make the keys temporary ones that go with this token"
    )
    parser.add_argument(
        "--domain-id", default=DEFAULT_DOMAIN_ID, metavar="ID", help="the account (default %(default)s)"
    )
    parser.add_argument(
        "--order", type=_order, action="extend", default=[], metavar="ID=LIFE", help="an order; may be repeated"
    )
    parser.add_argument("--orders", type=_orders_file, default=[], metavar="FILE", help="a JSON file of orders")
    parser.add_argument(
        "--listing", default=DEFAULT_LISTING, metavar="LIFE", help="how the listing fares (default %(default)s)"
    )
    parser.add_argument(
        "--edge-site", type=_site, action="extend", default=[], metavar="ID=LIFE", help="an edge site; may be repeated"
    )
    parser.add_argument(
        "--site-listing", default=DEFAULT_LISTING, metavar="LIFE", help="how their listing fares (default %(default)s)"
    )
    parser.add_argument(
        "--latency", type=seconds, default=0.0, metavar="SECONDS", help="add that to each answer of the API"
    )
    parser.add_argument(
        "--throttle", type=_rate, metavar="RATE", help="refuse more than RATE requests in a second: 429, Retry-After: 1"
    )
    add_running(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exits with 0 when it was told to end, with 2 and a message when the arguments are wrong."""
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
