# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy's command line: ``python3 -m tests.emulator.proxy``, from the collection's root."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

from ._command import add_listening, add_running, fault_rows, run
from ._faults_proxy import PROXY_FAULTS
from ._proxy import DEFAULT_LIFE, Proxy
from ._tls import HANDSHAKE_FAULTS

_DESCRIPTION = """\
A proxy on loopback. It forwards CONNECT and requests for http URLs to loopback, and misbehaves on request.
It prints its URL as the first line on stdout, then serves until SIGTERM, SIGINT (Ctrl-C) or --stop-after.
"""

_MANUAL = f"""\
lives:
  LIFE is a list of steps, separated by commas. A step is ok or a fault of the table below, and how long it lasts:
  STEP*N for N polls (by default 1), STEP@S for S seconds. The last step lasts forever and takes neither. A poll is one
  request with a good login and a target on loopback.

faults:
{fault_rows(PROXY_FAULTS)}

TLS handshakes with the proxy itself, where a poll is a connection:
{fault_rows(HANDSHAKE_FAULTS)}

refused in any life:
  407 without the login, 400 for anything but CONNECT and http URLs, 403 for a target that is not on loopback, and 502
  for a target where no server listens. Each connection is for one request.

also served:
  GET /emulator/requests: a JSON list of the requests that arrived, each with method, target, authorization (whether it
  had one), user, status (of the proxy's own answer), fault and at (seconds since the start). Passwords are left out.

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
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.emulator.proxy",
        description=_DESCRIPTION,
        epilog=_MANUAL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_listening(parser)
    parser.add_argument("--life", default=DEFAULT_LIFE, help="the life of the proxy (default %(default)s)")
    parser.add_argument("--login", metavar="USER:PASSWORD", help="refuse requests without this login, with 407")
    add_running(parser)
    options = parser.parse_args(arguments)
    run(parser, options, functools.partial(Proxy, options.life, login=options.login))


if __name__ == "__main__":
    main()
