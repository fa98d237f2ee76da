# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Decides whether a gate opens, waits or stays shut."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from ..module_utils._specification import AVAILABLE, FINAL_STATUSES, SUCCESS

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..module_utils._errors import CloudPondError


class Decision(enum.Enum):
    """What a gate does after a query."""

    #: The site may be touched.
    OPEN = enum.auto()
    #: Query again later.
    WAIT = enum.auto()
    #: Let the play go on, with the gate shut.
    CONTINUE = enum.auto()
    #: Fail.
    SHUT = enum.auto()


@dataclass(frozen=True)
class Outcome:
    """What one query of a gate found."""

    #: The orders, as the module returns them. None if their query failed.
    orders: Sequence[Mapping[str, t.Any]] | None
    #: The edge sites of the delivered orders. None if the gate doesn't wait for sites, or if their query failed.
    sites: Sequence[Mapping[str, t.Any]] | None = None
    #: Why a query failed, None if none did.
    failure: CloudPondError | None = None

    @property
    def site_statuses(self) -> dict[str, str | None] | None:
        """The statuses of the edge sites by their IDs, None if there are no sites."""
        return None if self.sites is None else {site["id"]: site["status"] for site in self.sites}


def is_done(order: Mapping[str, t.Any], sites: Mapping[str, str | None] | None) -> bool:
    """
    Return whether an order needs no more waiting.

    :param sites: The statuses of the edge sites by their IDs, None if the gate doesn't wait for sites.
    """
    return order["status"] == SUCCESS and (sites is None or sites.get(order["edge_site_id"] or "") == AVAILABLE)


def decide(outcome: Outcome, *, waits_for_sites: bool, has_time: bool, may_continue: bool) -> Decision:
    """
    :param waits_for_sites: Whether the edge site of each order must be available, too.
    :param has_time: Whether there is time for another query.
    :param may_continue: Whether orders or sites that are in progress when the time is over let the play go on.
    """
    orders = outcome.orders or []
    if any(order["status"] in FINAL_STATUSES - {SUCCESS} for order in orders):
        return Decision.SHUT
    if outcome.failure:
        return Decision.WAIT if outcome.failure.retryable and has_time else Decision.SHUT
    # A gate without orders proves nothing.
    if not orders:
        return Decision.SHUT
    sites = (outcome.site_statuses or {}) if waits_for_sites else None
    if all(is_done(order, sites) for order in orders):
        return Decision.OPEN
    if has_time:
        return Decision.WAIT
    return Decision.CONTINUE if may_continue else Decision.SHUT
