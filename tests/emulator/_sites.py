# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edge sites."""

from __future__ import annotations

from typing import Any

from ._book import Book, Living, Plan, digest_of, expanded, parse_entry
from ._lives import parse_site_life


def parse_site(text: str) -> list[Plan]:
    """The sites that ``ID=STEP,STEP,...`` describes: one, or with a ``{FIRST..LAST}`` in the ID, one for each number.

    Raises ValueError with the right syntax.
    """
    id_text, steps = parse_entry(text, "site-a=deploying*2,available")
    try:
        life = parse_site_life(steps)
    except ValueError as error:
        raise ValueError(f"edge site {id_text}: {error}") from None
    return [Plan(each, f"edge-site-{digest_of(each)[-5:]}", life) for each in expanded(id_text, "an edge site")]


class SiteBook(Book[Plan]):
    """The edge sites of one account: see Book."""

    birth_status = "initial"
    noun = "edge site"

    def shown(self, entry: Living[Plan]) -> dict[str, Any]:
        return {
            "id": entry.plan.id,
            "domain_id": self.domain_id,
            "name": entry.plan.name,
            "description": "",
            "region_id": "cn-north-4",
            "project_id": digest_of(self.domain_id)[:32],
            "availability_zone_id": f"cn-north-4-ies-{digest_of(entry.plan.id)[:4]}",
            "status": entry.status,
            "enterprise_project_id": "0",
            "created_at": self.created,
            "updated_at": self.timestamp(entry.updated),
            "location": {
                "name": "",
                "description": "",
                "zone_code": "110108",
                "address": "1 Example Road",
                "country": "CN",
                "province": "Beijing",
                "city": "Beijing",
                "district": "Haidian",
                "condition": {},
            },
        }
