# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Facts of the vendor's specification. This file can be imported without requests."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

#: The six statuses (specification, table 4).
STATUSES = ("CANCELLED", "PROCESSING", "ACCEPTING", "SUCCESS", "FAIL", "DELETED")

#: The status in which the customer must accept the delivery.
ACCEPTING = "ACCEPTING"

#: The status in which a site may be touched.
SUCCESS = "SUCCESS"

#: The statuses in which an order stays. Assumed from their meaning: the vendor doesn't document it. An unknown status
#: counts as in progress.
FINAL_STATUSES = frozenset({SUCCESS, "FAIL", "CANCELLED", "DELETED"})

#: Keys of an object: None for a string, and for an object the keys that it has in turn. All may be left out.
Fields = Mapping[str, t.Optional["Fields"]]

#: The keys of an order (specification, table 4). All are strings.
FIELDS = ("id", "name", "domain_id", "status", "edge_site_id", "effected_at", "created_at", "updated_at")

Order = dict[str, t.Any]

#: The statuses of an edge site (vendor: ListEdgeSites). Assumed: a site can leave any of them again.
SITE_STATUSES = ("initial", "deploying", "available", "unavailable")

#: The status in which a site can be used.
AVAILABLE = "available"

#: The keys of an edge site (vendor: ShowEdgeSite, EdgeSiteDetail).
SITE_FIELDS: Fields = {
    **dict.fromkeys(("id", "domain_id", "name", "description", "region_id", "project_id", "availability_zone_id")),
    **dict.fromkeys(("status", "enterprise_project_id", "created_at", "updated_at")),
    "location": {
        **dict.fromkeys(("name", "description", "zone_code", "address", "country", "province", "city", "district")),
        "condition": {},
    },
}
