# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending replies, at their own pace and for as long as the client stays."""

from __future__ import annotations

import select
import socket
from typing import Callable

from ._replies import Answer, Stream, Then, rendered

# The other side's orderly end, even if there are bytes to read. Only Linux has it. Elsewhere, POLLHUP must do, which
# poll() always reports.
_ENDED = getattr(select, "POLLRDHUP", 0)


def hold(connection: socket.socket, seconds: float | None = None) -> None:
    """Wait that long, or forever. Raises ConnectionAbortedError as soon as the connection ends, on either side.

    It reads nothing, so it does not disturb TLS, or a request that arrived early.
    """
    poll = select.poll()
    poll.register(connection, _ENDED)
    if poll.poll(None if seconds is None else seconds * 1000):
        raise ConnectionAbortedError


def send(
    connection: socket.socket,
    reply: Answer | Stream,
    settle: Callable[[int | None], None],
    keep_alive: bool = False,
    with_body: bool = True,
) -> bool:
    """Send a reply. Returns whether the connection can serve another request. Raises OSError if the client leaves.

    ``settle`` gets the status, None for an incomplete answer, before the last byte is sent: a client that has the
    answer must find the status in the journal.
    """
    if isinstance(reply, Answer):
        settle(reply.status)
        connection.sendall(rendered(reply, keep_alive, with_body))
        return keep_alive
    pieces = iter(reply.pieces)
    last = next(pieces, b"")
    for piece in pieces:
        connection.sendall(last)
        if reply.pause:
            hold(connection, reply.pause)
        last = piece
    if reply.then is not Then.HOLD:
        settle(reply.status)
    connection.sendall(last)
    if reply.then is Then.HOLD:
        hold(connection)
    return keep_alive and reply.then is Then.SERVE
