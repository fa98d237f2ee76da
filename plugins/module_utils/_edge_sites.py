# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Queries edge sites."""

from __future__ import annotations

import typing as t

from ._errors import CloudPondError
from ._resources import Resource
from ._specification import SITE_FIELDS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ._client import Client

#: The vendor's ShowEdgeSite (``GET /v1/{domain_id}/edge-sites/{site_id}``) and ListEdgeSites.
EDGE_SITES = Resource("v1", "edge-sites", "edge_site", "edge_sites", SITE_FIELDS)


def query_edge_sites(client: Client, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """
    Query one site, many, or a listing by ``status`` and ``name``. Options, result and errors: Resource.query.

    :raises CloudPondError: also for an empty name.
    """
    if "" in (options.get("name") or ()):
        raise CloudPondError("the edge sites", "a name must not be empty: leave name out to query all sites")
    return EDGE_SITES.query(client, options, {key: options.get(key) or () for key in ("status", "name")})
