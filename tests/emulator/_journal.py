# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of the requests that arrived."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived; of its headers only the User-Agent is kept, so that no credential is.

    ``path`` has the query with it. ``delivery_order_id`` is None where the path has none. ``status`` is the HTTP
    status, None as long as no whole answer is sent. ``fault`` is the fault that was played, as it was written.
    """

    method: str
    path: str
    delivery_order_id: str | None
    status: int | None
    fault: str | None
    user_agent: str | None


class Journal:
    """The requests in the order of their arrival, safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def add(self, request: RecordedRequest) -> int:
        """Record a request, and return its number for ``settle``."""
        with self._lock:
            self._requests.append(request)
            return len(self._requests) - 1

    def settle(self, number: int, status: int | None) -> None:
        """Record what became of a request."""
        with self._lock:
            self._requests[number] = dataclasses.replace(self._requests[number], status=status)

    def requests(self) -> list[RecordedRequest]:
        """A copy of the record so far."""
        with self._lock:
            return list(self._requests)
