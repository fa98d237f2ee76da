# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the command lines of the emulator and of the proxy: listening, ending, and the tables in their help."""

from __future__ import annotations

import argparse
import contextlib
import re
import select
import signal
import socket
import sys
import textwrap
import threading
from collections.abc import Iterable
from types import FrameType
from typing import Any, Callable

from ._kinds import Kind
from ._listener import DEFAULT_HOST, Service
from ._tls import DEFAULT_HANDSHAKE

_WIDTH = 116


def fault_rows(kinds: Iterable[Kind[Any]], *columns: Callable[[Any], str]) -> str:
    """The faults as lines for a help text: the form, the result of each function in ``columns``, and the effect."""
    table = [([kind.form, *(column(kind) for column in columns)], kind.effect) for kind in kinds]
    widths = [max(map(len, cells)) + 2 for cells in zip(*(cells for cells, _effect in table))]
    return "\n".join(
        textwrap.fill(
            effect,
            _WIDTH,
            initial_indent="  " + "".join(f"{cell:{width}}" for cell, width in zip(cells, widths)),
            subsequent_indent=" " * (2 + sum(widths)),
        )
        for cells, effect in table
    )


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a number up to 65535, or 0 for any free one")
    return int(text)


def seconds(text: str) -> float:
    """An argument: seconds above 0."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return float(text)


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Add --host and --port."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="loopback address to listen on (default %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on (default 0: any free one)")


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add the options for TLS, the end, and the log."""
    parser.add_argument("--tls-certificate", metavar="FILE", help="speak TLS with this PEM certificate (chain)")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's PEM key, without a password")
    parser.add_argument(
        "--tls-handshake",
        default=DEFAULT_HANDSHAKE,
        metavar="LIFE",
        help="the life of the handshakes (default %(default)s); if no step is ok, no certificate is needed",
    )
    parser.add_argument("--stop-after", type=seconds, metavar="SECONDS", help="end after this many seconds")
    parser.add_argument("--verbose", action="store_true", help="log each request on stderr, without its credential")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace, make: Callable[..., Service]) -> None:
    """Print the URL, and serve until SIGTERM, SIGINT or --stop-after. Exits with 2 if it can't listen there.

    ``make`` gets the options of ``add_listening`` and ``add_running``. It may raise ValueError for a wrong argument.
    """
    with contextlib.ExitStack() as stack:
        stopped = stack.enter_context(_stop_signal())
        try:
            service = make(
                host=options.host,
                port=options.port,
                certificate=options.tls_certificate,
                key=options.tls_key,
                handshake=options.tls_handshake,
                log=_log if options.verbose else lambda line: None,
            )
            stack.enter_context(service)
        except ValueError as error:
            parser.error(str(error))
        except OSError as error:
            parser.error(f"can't listen on {options.host}, port {options.port}: {error.strerror}; try another --port")
        print(service.url, flush=True)
        select.select([stopped], [], [], options.stop_after)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _note(number: int, frame: FrameType | None) -> None:
    """Without a handler of Python's own, the signal would end the process before the wake-up descriptor matters."""


def _stop_signal() -> socket.socket:
    """A socket that becomes readable at SIGTERM or SIGINT.

    Waiting on an event won't do: a signal that comes just before the wait begins doesn't interrupt it, and is not
    noticed until it ends.
    """
    stopped, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _note)
    return stopped
