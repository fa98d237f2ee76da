# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fault of an order or of the listing befalls."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from ._kinds import Kind


class Scope(enum.Enum):
    """What a fault can befall; the value is how the tables of faults write it."""

    BOTH = "order, listing"
    ORDER = "order"
    LISTING = "listing"


@dataclass(frozen=True)
class Situation:
    """What a fault may need.

    ``content`` is the body as it would have been answered, ``orders`` the orders in it, ``path`` the request's,
    ``credential`` what it sent to say who it is, ``marker`` the one it sent, None where it sent none.
    """

    content: dict[str, Any]
    orders: list[dict[str, Any]]
    path: str
    credential: str
    marker: str | None = None

    def with_orders(self, orders: list[Any]) -> dict[str, Any]:
        """The content with as many other orders in it."""
        if "delivery_order" in self.content:
            return {"delivery_order": orders[0]}
        return {**self.content, "delivery_orders": orders}

    def with_first(self, **fields: Any) -> dict[str, Any]:
        """The content with other values in the first order, if there is any."""
        return self.with_orders([*({**order, **fields} for order in self.orders[:1]), *self.orders[1:]])

    def with_marker(self, marker: Any) -> dict[str, Any]:
        """The content of the listing with another marker of the next page."""
        return {**self.content, "page_info": {**self.content["page_info"], "next_marker": marker}}


@dataclass(frozen=True)
class FaultKind(Kind[Situation]):
    """A fault of orders, of the listing, or of both."""

    scope: Scope = Scope.BOTH
