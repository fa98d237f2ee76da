# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The situation in which a fault of an order or of the listing is committed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from ._kinds import Kind


class Scope(enum.Enum):
    """Where a fault can be used. The value is the text in the tables of faults."""

    BOTH = "order, listing"
    ORDER = "order"
    LISTING = "listing"


@dataclass(frozen=True)
class Situation:
    """The facts that a fault may need.

    ``content`` is the body of the right answer, ``key`` the key of the order or orders in it, and ``orders`` the orders
    in it. ``path``, ``credential`` and ``marker`` are those of the request; ``marker`` is None if it sent none. Edge
    sites count as orders here.
    """

    content: dict[str, Any]
    key: str
    orders: list[dict[str, Any]]
    path: str
    credential: str
    marker: str | None = None

    def with_orders(self, orders: list[Any]) -> dict[str, Any]:
        """The content with other orders, of the same number."""
        return {**self.content, self.key: orders if isinstance(self.content[self.key], list) else orders[0]}

    def with_first(self, **fields: Any) -> dict[str, Any]:
        """The content with other values in the first order, if there is any."""
        return self.with_orders([*({**order, **fields} for order in self.orders[:1]), *self.orders[1:]])

    def with_marker(self, marker: Any) -> dict[str, Any]:
        """The content of the listing with another ``next_marker``."""
        return {**self.content, "page_info": {**self.content["page_info"], "next_marker": marker}}


@dataclass(frozen=True)
class FaultKind(Kind[Situation]):
    """A fault of orders, of the listing, or of both."""

    scope: Scope = Scope.BOTH
