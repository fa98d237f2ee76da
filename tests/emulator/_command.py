# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the command lines of the emulator and of the proxy: listening, ending, and the log."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Callable

from ._listener import DEFAULT_HANDSHAKE, DEFAULT_HOST, Service

_ENDS = (signal.SIGTERM, signal.SIGINT)


def parser_of(program: str, description: str, manual: str) -> argparse.ArgumentParser:
    """A parser with the options of every Service."""
    parser = argparse.ArgumentParser(
        prog=f"python3 -m {program}",
        description=description,
        epilog=manual,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default=DEFAULT_HOST, help="loopback address to listen on (default %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default 0: any free one)")
    add("--tls-certificate", dest="certificate", metavar="FILE", help="speak TLS with this PEM certificate (chain)")
    add("--tls-key", dest="key", metavar="FILE", help="the certificate's PEM key, without a password")
    add(
        "--tls-handshake",
        dest="handshake",
        default=DEFAULT_HANDSHAKE,
        metavar="LIFE",
        help="the life of the handshakes (default %(default)s); if no step is ok, no certificate is needed",
    )
    add("--stop-after", type=float, metavar="SECONDS", help="end after this many seconds")
    add("--verbose", action="store_true", help="log each request on stderr, without its credential")
    return parser


def run(parser: argparse.ArgumentParser, options: argparse.Namespace, make: Callable[..., Service]) -> None:
    """Print the URL, and serve until SIGTERM, SIGINT or --stop-after.

    ``make`` gets all other options by their names. Exits with 2 and a message if it raises ValueError, or can't listen.
    """
    arguments = vars(options)
    stop_after, verbose = arguments.pop("stop_after"), arguments.pop("verbose")
    log: Callable[[str], None] = (
        (lambda line: print(line, file=sys.stderr, flush=True)) if verbose else lambda line: None
    )
    try:
        service = make(**arguments, log=log)
        # Blocked in all threads, to be waited for.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        with service:
            print(service.url, flush=True)
            if stop_after is not None:
                timer = threading.Timer(stop_after, os.kill, (os.getpid(), signal.SIGTERM))
                timer.daemon = True
                timer.start()
            signal.sigwait(_ENDS)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"can't listen on {options.host}, port {options.port}: {error.strerror}; try another --port")
