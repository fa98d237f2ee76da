# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request as it came off the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from urllib.parse import unquote_plus

_BODY_LIMIT = 1024 * 1024
_LINE_LIMIT = 65536
_HEADER_LIMIT = 100

# A byte that is not UTF-8 must come out as it came in.
UTF8_ERRORS = "surrogateescape"


class UnreadableRequest(Exception):
    """The request is not HTTP/1.x, or the end of its body is unclear. The connection can't be used again."""


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    ``target`` is the request's path and query as sent. ``headers`` has names in lower case. Values are trimmed, with a
    character for each byte, and the values of a repeated header are joined by ``", "`` (RFC 9110, 5.3).
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool

    @property
    def path(self) -> str:
        """The target's path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's keys and values, decoded, in the order sent.

        Assumed: ``+`` is a space, as in HTML forms, and a key without ``=`` has an empty value.
        """
        parts = (part.partition("=") for part in self.target.partition("?")[2].split("&") if part)
        return [(_decoded(key), _decoded(value)) for key, _equals, value in parts]


def _decoded(text: str) -> str:
    return unquote_plus(text, errors=UTF8_ERRORS)


def read_request(stream: BufferedIOBase) -> Request | None:
    """The next request of a connection, or None if the client has closed it.

    Raises UnreadableRequest, and OSError if the connection breaks.
    """
    line = stream.readline(_LINE_LIMIT)
    if not line:
        return None
    try:
        # Split as bytes, because only ASCII spaces are separators here.
        method, target, version = (word.decode(errors=UTF8_ERRORS) for word in line.split())
        headers = _read_headers(stream)
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise UnreadableRequest from error
    if not version.startswith("HTTP/1.") or "transfer-encoding" in headers or not 0 <= length <= _BODY_LIMIT:
        raise UnreadableRequest
    body = stream.read(length)
    if len(body) < length:
        raise ConnectionAbortedError
    # The body of an answer to HEAD is ignored where the connection ends after it.
    keep_alive = version != "HTTP/1.0" and "close" not in headers.get("connection", "").lower() and method != "HEAD"
    return Request(method, target, headers, body, keep_alive)


def _read_headers(stream: BufferedIOBase) -> dict[str, str]:
    """Headers by lower-case name. ``http.client.parse_headers`` would take most of the time of a request."""
    headers: dict[str, str] = {}
    for _number in range(_HEADER_LIMIT + 1):
        line = stream.readline(_LINE_LIMIT)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line:
            raise ConnectionAbortedError
        name, colon, value = line.decode("latin-1").partition(":")
        if not line.endswith(b"\n") or not colon or not name:
            raise ValueError("not a header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise ValueError("too many headers")
