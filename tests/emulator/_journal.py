# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of the requests that arrived."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived. Its only header is the User-Agent, so it contains no credential.

    ``path`` includes the query. ``delivery_order_id`` and ``edge_site_id`` are None if the path has none. ``status`` is
    the HTTP status, None until a complete answer is sent. ``fault`` is the text of the fault that was used.
    ``failures_in_a_row`` counts the failed authentications of the access key since its last success, this request
    included: 0 after a success, more than 5 for a locked key, None for a request without an access key.
    ``at`` is the time of arrival, in seconds of the emulator's clock since the start. ``concurrent`` is the number of
    requests that were waiting for their answers at that time, this one included.
    """

    method: str
    path: str
    delivery_order_id: str | None
    edge_site_id: str | None
    status: int | None
    fault: str | None
    user_agent: str | None
    failures_in_a_row: int | None
    at: float
    concurrent: int


class Journal:
    """The requests in the order of their arrival, safe to use from several threads.

    ``clock`` returns seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []
        self._waiting: set[int] = set()

    def add(
        self,
        method: str,
        path: str,
        delivery_order_id: str | None,
        edge_site_id: str | None,
        fault: str | None,
        user_agent: str | None,
        failures_in_a_row: int | None,
    ) -> int:
        """Record a request that arrives now, and return its number for ``settle``."""
        with self._lock:
            number = len(self._requests)
            self._waiting.add(number)
            self._requests.append(
                RecordedRequest(
                    method=method,
                    path=path,
                    delivery_order_id=delivery_order_id,
                    edge_site_id=edge_site_id,
                    status=None,
                    fault=fault,
                    user_agent=user_agent,
                    failures_in_a_row=failures_in_a_row,
                    at=self._clock() - self._start,
                    concurrent=len(self._waiting),
                )
            )
            return number

    def settle(self, number: int, status: int | None) -> None:
        """Record what a request is answered, None for no whole answer; it waits no longer.

        A later word replaces an earlier one: an answer that was recorded may turn out impossible to send.
        """
        with self._lock:
            self._waiting.discard(number)
            self._requests[number] = dataclasses.replace(self._requests[number], status=status)

    def requests(self) -> list[RecordedRequest]:
        """A copy of the record so far."""
        with self._lock:
            return list(self._requests)
