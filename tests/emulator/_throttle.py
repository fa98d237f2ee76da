# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's limit on the requests in a second."""

from __future__ import annotations

import collections
import threading
from typing import Callable

# Seconds. The window for counting requests, and the Retry-After of a refused one.
WINDOW = 1


class Throttle:
    """Lets ``rate`` requests through in any second, safe to use from several threads; None lets all through.

    ``clock`` returns seconds and never goes back. Raises ValueError for a rate below 1.
    """

    def __init__(self, rate: int | None, clock: Callable[[], float]) -> None:
        if rate is not None and rate < 1:
            raise ValueError(f"the throttle {rate} is not a number of requests in a second, 1 or more")
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = rate
        self._passed: collections.deque[float] = collections.deque(maxlen=rate)

    def lets_through(self) -> bool:
        """Count a request that arrives now. False if it is one too many.

        Refused requests are not counted, so an impatient client also gets its share, as from a real gateway (assumed).
        """
        if self._rate is None:
            return True
        with self._lock:
            now = self._clock()
            if len(self._passed) == self._rate and now - self._passed[0] < WINDOW:
                return False
            self._passed.append(now)
            return True
