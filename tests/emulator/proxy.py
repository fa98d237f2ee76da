# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy's command line: ``python3 -m tests.emulator.proxy``, from the collection's root."""

from __future__ import annotations

from collections.abc import Sequence

from ._command import parser_of, run
from ._proxy import DEFAULT_LIFE, Proxy

_DESCRIPTION = """\
A proxy on loopback. It forwards CONNECT and requests for http URLs to loopback, and misbehaves on request.
It prints its URL as the first line on stdout, then serves until SIGTERM, SIGINT (Ctrl-C) or --stop-after.
"""

_MANUAL = """\
LIFE is a list of steps, separated by commas. A step is ok or a fault, and how long it lasts: STEP*N for N polls (by
default 1), STEP@S for S seconds. The last step lasts forever and takes neither. A poll is one request with a good login
and a target on loopback. tests/emulator/FAULTS.md describes the faults.

examples:
  A proxy that needs a login:
    python3 -m tests.emulator.proxy --login user:password
  A proxy that refuses the first two requests, then works, and hangs after a minute:
    python3 -m tests.emulator.proxy --life 'http:503*2,ok@60,hang'
  A query through it:
    https_proxy=http://user:password@127.0.0.1:PORT curl https://127.0.0.1:8443/
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exits with 0 at its regular end, and with 2 and a message if the arguments are wrong."""
    parser = parser_of("tests.emulator.proxy", _DESCRIPTION, _MANUAL)
    parser.add_argument("--life", default=DEFAULT_LIFE, help="the life of the proxy (default %(default)s)")
    parser.add_argument("--login", metavar="USER:PASSWORD", help="refuse requests without this login, with 407")
    run(parser, parser.parse_args(arguments), Proxy)


if __name__ == "__main__":
    main()
