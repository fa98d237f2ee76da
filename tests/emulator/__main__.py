# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's command line: ``python3 -m tests.emulator``, from the collection's root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._command import parser_of, run
from ._emulator import (
    DEFAULT_ACCESS_KEY,
    DEFAULT_DOMAIN_ID,
    DEFAULT_LISTING,
    DEFAULT_SECRET_KEY,
    DEFAULT_TOKEN,
    Emulator,
)
from ._orders import OrderPlan, parse_orders

_DESCRIPTION = """\
A CloudPond stand-in on loopback. It runs delivery orders and edge sites through the lives that you choose, and
misbehaves on request. It prints its URL as the first line on stdout, then serves until SIGTERM, SIGINT (Ctrl-C) or
--stop-after.
"""

_MANUAL = f"""\
lives:
  A life is a list of steps, separated by commas: LIFE = STEP[,STEP]...
  A step is a status or a fault, and how long it lasts:

    STATUS     one of CANCELLED, PROCESSING, ACCEPTING, SUCCESS, FAIL, DELETED, or any other word in upper case
    FAULT      one of those below
    STEP*N     lasts N polls (by default 1)
    STEP@S     lasts S seconds, such as 2.5

  The last step lasts forever and takes neither. A poll is one request for that order with a good credential. During a
  fault, the order keeps its previous status. A range in the ID creates many orders: 'site-{{0001..1000}}=SUCCESS'.
  An edge site has the statuses initial, deploying, available and unavailable, a listing those of ok and a fault.

faults:
    http:CODE          the API's error with that HTTP status, 400 to 599
    html[:CODE]        a proxy's HTML page, by default with 502
    reset              a connection reset, without an answer
    cut-short          half of the answer
    slow:SECONDS       the right answer, SECONDS later
    down:SECONDS       a reset, and no connection is accepted for SECONDS
    throttled:SECONDS  429 with SECONDS as Retry-After
    redirect           302
    echo[:CODE]        an error, by default 401, that repeats the request's credential

  tests/emulator/FAULTS.md describes all others, and those of TLS handshakes.

examples:
  An order that succeeds at its fifth poll, after one outage:
    python3 -m tests.emulator --order '0000-a=PROCESSING*2,http:503,ACCEPTING,SUCCESS'
  By the clock, on a fixed port: 30 seconds PROCESSING, 10 seconds ACCEPTING, then SUCCESS:
    python3 -m tests.emulator --port 8080 --order '0000-a=PROCESSING@30,ACCEPTING@10,SUCCESS'
  Two orders. The service is down for 5 seconds, and the second order fails:
    python3 -m tests.emulator --order '0000-a=PROCESSING,down:5,SUCCESS' --order '0000-b=PROCESSING*3,FAIL'
  A thousand orders. The second request for a page is refused, and each answer takes 50 ms longer:
    python3 -m tests.emulator --order 'site-{{0001..1000}}=PROCESSING@9,SUCCESS' --listing ok,http:503,ok --latency 0.05
  Queries, and what has arrived:
    curl -H 'X-Auth-Token: {DEFAULT_TOKEN}' URL/v2/{DEFAULT_DOMAIN_ID}/delivery-orders/0000-a
    curl -H 'X-Auth-Token: {DEFAULT_TOKEN}' 'URL/v2/{DEFAULT_DOMAIN_ID}/delivery-orders?status=FAIL'
    curl URL/emulator/requests
"""


def _read(name: str) -> list[OrderPlan]:
    try:
        return parse_orders(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"can't read {name}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _make(order: list[str], file: str | None, **options: Any) -> Emulator:
    return Emulator([*order, *(_read(file) if file else ())], **options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exits with 0 at its regular end, and with 2 and a message if the arguments are wrong."""
    parser = parser_of("tests.emulator", _DESCRIPTION, _MANUAL)
    add = parser.add_argument
    add("--order", action="append", default=[], metavar="ID=LIFE", help="an order; may be repeated")
    add("--orders", dest="file", metavar="FILE", help="a JSON file of orders")
    add("--listing", default=DEFAULT_LISTING, metavar="LIFE", help="the life of the listing (default %(default)s)")
    add(
        "--edge-site",
        dest="edge_sites",
        action="append",
        default=[],
        metavar="ID=LIFE",
        help="an edge site; may be repeated",
    )
    add("--site-listing", default=DEFAULT_LISTING, metavar="LIFE", help="the same for edge sites")
    add("--token", default=DEFAULT_TOKEN, help="the X-Auth-Token to accept (default %(default)s)")
    add("--access-key", default=DEFAULT_ACCESS_KEY, metavar="KEY", help="the key to accept (default %(default)s)")
    add("--secret-key", default=DEFAULT_SECRET_KEY, metavar="KEY", help="its secret key (default %(default)s)")
    add("--security-token", metavar="TOKEN", help="make the keys temporary, with this token")
    add("--domain-id", default=DEFAULT_DOMAIN_ID, metavar="ID", help="the account (default %(default)s)")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="delay each answer of the API")
    add("--throttle", type=int, metavar="RATE", help="refuse more than RATE requests in a second: 429, Retry-After: 1")
    run(parser, parser.parse_args(arguments), _make)


if __name__ == "__main__":
    main()
