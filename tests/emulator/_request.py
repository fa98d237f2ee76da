# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request as it came off the wire."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from email.message import Message
from io import BufferedIOBase

# The gateway's limit is not published for this API. A GET has no body at all, so any limit that keeps memory small will
# do.
_BODY_LIMIT = 1024 * 1024
_LINE_LIMIT = 65536


class UnreadableRequest(Exception):
    """What came is not HTTP/1.x, or its body can't be told from what follows; the connection can't be used again."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. ``target`` is the request's path and query as sent; header names are case-insensitive."""

    method: str
    target: str
    headers: Message
    body: bytes
    keep_alive: bool

    @property
    def path(self) -> str:
        """The target's path, still percent-encoded. A proxied client's ``http://host`` is not part of it."""
        return re.sub(r"^https?://[^/?]*", "", self.target, flags=re.IGNORECASE).partition("?")[0]


def read_request(stream: BufferedIOBase) -> Request | None:
    """The next request of a connection, or None when the client has closed it.

    Raises UnreadableRequest, and OSError when the connection breaks.
    """
    line = stream.readline(_LINE_LIMIT)
    if not line:
        return None
    try:
        method, target, version = line.decode("latin-1").split()
        headers = http.client.parse_headers(stream)
        length = int(headers.get("Content-Length", "0"))
    except (ValueError, http.client.HTTPException) as error:
        raise UnreadableRequest from error
    if not version.startswith("HTTP/1.") or "Transfer-Encoding" in headers or not 0 <= length <= _BODY_LIMIT:
        raise UnreadableRequest
    keep_alive = version != "HTTP/1.0" and "close" not in headers.get("Connection", "").lower()
    return Request(method, target, headers, stream.read(length), keep_alive)
