# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults: the ways in which an order or the listing misbehaves on request."""

from __future__ import annotations

from ._faults_body import BODY
from ._faults_endless import ENDLESS
from ._faults_json import JSON
from ._faults_page import PAGE
from ._faults_plain import PLAIN
from ._kinds import Fault, parse_fault
from ._situation import Scope, Situation

FAULTS = {kind.name: kind for kind in (*PLAIN, *ENDLESS, *BODY, *JSON, *PAGE)}


def parse_order_fault(text: str) -> Fault[Situation]:
    """The fault of an order that ``text`` describes. Raises ValueError with the right syntax."""
    return _parse(text, Scope.ORDER, "a status (upper case, such as PROCESSING)")


def parse_listing_fault(text: str) -> Fault[Situation]:
    """The fault of the listing that ``text`` describes. Raises ValueError with the right syntax."""
    return _parse(text, Scope.LISTING, "ok")


def _parse(text: str, here: Scope, well: str) -> Fault[Situation]:
    kind = FAULTS.get(text.partition(":")[0])
    if kind is not None and kind.scope not in (Scope.BOTH, here):
        only = "an order" if here is Scope.LISTING else "the listing"
        raise ValueError(f"{text!r}: {kind.name} is a fault of {only} only")
    return parse_fault(text, (kind for kind in FAULTS.values() if kind.scope in (Scope.BOTH, here)), well)
