# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of the requests that arrived."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import Any, Callable, Generic, TypeVar

#: Where the emulator and the proxy show their record, without a credential.
JOURNAL_PATH = "/emulator/requests"


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived. Its only header is the User-Agent, so it contains no credential.

    ``path`` includes the query. ``delivery_order_id`` and ``edge_site_id`` are None if the path has none. ``status`` is
    the HTTP status, None until a complete answer is sent. ``fault`` is the text of the fault that was used.
    ``failures_in_a_row`` counts the failed authentications of the access key since its last success, this request
    included: 0 after a success, more than 5 for a locked key, None for a request without an access key.
    ``at`` is the time of arrival, in seconds of the emulator's clock since the start.
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


_R = TypeVar("_R")


class Journal(Generic[_R]):
    """Requests in the order of their arrival, safe to use from several threads.

    ``record`` is a dataclass with the fields ``status`` and ``at``. ``clock`` returns seconds and never goes back.
    """

    def __init__(self, record: Callable[..., _R], clock: Callable[[], float]) -> None:
        self._record = record
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._requests: list[Any] = []

    def add(self, **fields: Any) -> int:
        """Record a request that arrives now, and return its number for ``settle``."""
        with self._lock:
            self._requests.append(self._record(status=None, at=self._clock() - self._start, **fields))
            return len(self._requests) - 1

    def settle(self, number: int, status: int | None) -> None:
        """Record what a request is answered, None for no whole answer.

        A later word replaces an earlier one: an answer that was recorded may turn out impossible to send.
        """
        with self._lock:
            self._requests[number] = dataclasses.replace(self._requests[number], status=status)

    def requests(self) -> list[_R]:
        """A copy of the record so far."""
        with self._lock:
            return list(self._requests)

    def shown(self) -> list[dict[str, Any]]:
        """The same, for JSON."""
        return [dataclasses.asdict(request) for request in self.requests()]  # type: ignore[call-overload]  # a dataclass
