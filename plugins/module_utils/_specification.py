# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Facts of the vendor's specification. This file can be imported without requests."""

from __future__ import annotations

import typing as t

#: The six statuses (specification, table 4).
STATUSES = ("CANCELLED", "PROCESSING", "ACCEPTING", "SUCCESS", "FAIL", "DELETED")

#: The status in which a site may be touched.
SUCCESS = "SUCCESS"

#: The statuses in which an order stays. Assumed from their meaning: the vendor doesn't document it. An unknown status
#: counts as in progress.
FINAL_STATUSES = frozenset({SUCCESS, "FAIL", "CANCELLED", "DELETED"})

#: The keys of an order (specification, table 4). All are strings.
FIELDS = ("id", "name", "domain_id", "status", "edge_site_id", "effected_at", "created_at", "updated_at")

Order = dict[str, t.Any]
