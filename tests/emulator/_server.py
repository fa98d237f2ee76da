# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 between the listener and the gateway.

``http.server`` won't do: it sends headers and body separately, and only complete answers.
"""

from __future__ import annotations

import socket
from io import BufferedIOBase
from typing import Callable

from ._answers import error_answer
from ._gateway import Gateway
from ._listener import Listener
from ._replies import Answer, Hangup, rendered
from ._request import UnreadableRequest, read_request
from ._tls import Tls
from ._wire import hold, send


class Server:
    """Listens from ``start`` to ``close``, and sends the gateway's replies.

    ``latency``, in seconds, is added to each answer of the API. ``log`` gets one line for each request. Raises OSError
    if the address can't be used.
    """

    def __init__(
        self,
        gateway: Gateway,
        host: str,
        port: int,
        tls: Tls | None,
        clock: Callable[[], float],
        latency: float,
        log: Callable[[str], None],
    ) -> None:
        self.listener = Listener(host, port, tls, clock, self._converse)
        self._gateway = gateway
        self._latency = latency
        self._log = log

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while self._serve_request(connection, stream):
                pass

    def _serve_request(self, connection: socket.socket, stream: BufferedIOBase) -> bool:
        """Serve the connection's next request. False if the connection must be closed."""
        try:
            request = read_request(stream)
        except UnreadableRequest:
            answer = error_answer(400, code="APIGW.0201", message="API request error.")
            connection.sendall(rendered(answer, keep_alive=False))
            return False
        if request is None:
            return False
        exchange = self._gateway.handle(request)
        reply = exchange.reply
        line = f"{request.method} {request.target}" + (f" [{exchange.fault}]" if exchange.fault else "")

        def settle(status: int | None) -> None:
            if exchange.number is not None:
                self._gateway.journal.settle(exchange.number, status)

        try:
            if isinstance(reply, Hangup):
                self.listener.reset(connection, reply.refuse_for)
                self._log(f"{line} -> reset")
                settle(None)
                return False
            wait = reply.after if isinstance(reply, Answer) else 0.0
            if exchange.number is not None:
                wait += self._latency
            if wait:
                hold(connection, wait)
            self._log(f"{line} -> {'no whole answer' if reply.status is None else reply.status}")
            return send(connection, reply, settle, request.keep_alive, request.method != "HEAD")
        except OSError:
            settle(None)
            raise
