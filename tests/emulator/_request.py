# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request as it came off the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from urllib.parse import unquote_plus

# The gateway's limit for this API is not published. A GET has no body, so any limit that keeps memory use low will do.
_BODY_LIMIT = 1024 * 1024
_LINE_LIMIT = 65536
_HEADER_LIMIT = 100

# Bytes that are not UTF-8 stay unchanged through decoding and encoding.
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
        """The target's path, still percent-encoded. A proxied client's ``http://host`` is not part of it."""
        return self._split_target()[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's keys and values, decoded, in the order sent.

        Assumed: ``+`` is a space, as in HTML forms, and a key without ``=`` has an empty value.
        """
        parts = (part.partition("=") for part in self._split_target()[1].split("&") if part)
        return [(_decoded(key), _decoded(value)) for key, _equals, value in parts]

    def _split_target(self) -> tuple[str, str]:
        path, _mark, query = re.sub(r"^https?://[^/?]*", "", self.target, flags=re.IGNORECASE).partition("?")
        return path, query


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
    keep_alive = version != "HTTP/1.0" and "close" not in headers.get("connection", "").lower()
    return Request(method, target, headers, body, keep_alive)


def _read_headers(stream: BufferedIOBase) -> dict[str, str]:
    """Headers by lower-case name. ``http.client.parse_headers`` would take most of the time of a request."""
    headers: dict[str, str] = {}
    for _number in range(_HEADER_LIMIT + 1):
        line = stream.readline(_LINE_LIMIT)
        if line in (b"\r\n", b"\n"):
            return headers
        if len(line) < _LINE_LIMIT and not line.endswith(b"\n"):
            raise ConnectionAbortedError
        name, _colon, value = line.decode("latin-1").partition(":")
        # A space before the colon and a continued line are errors (RFC 9112, 5.1 and 5.2). A line without a colon is
        # all name, and ends in a space.
        if not line.endswith(b"\n") or not name or name != name.strip():
            raise ValueError("not a header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise ValueError("too many headers")
