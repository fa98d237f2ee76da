#!/usr/bin/python
# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudpond_edge_site_info
short_description: Query edge sites of Huawei Cloud CloudPond
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Returns the status and other facts of one edge site, of many, or of all edge sites of the account.
  - An edge site is V(initial), V(deploying), V(available) or V(unavailable). It can become unavailable and available
    again, so no status is final.
  - A delivered order does not yet mean that the site can be used. The test
    P(huaweicloud.cloudpond.edge_site_available#test) tells whether it can.
extends_documentation_fragment:
  - huaweicloud.cloudpond._attributes
  - huaweicloud.cloudpond._attributes.info_module
  - huaweicloud.cloudpond._attributes.actiongroup_cloudpond
  - huaweicloud.cloudpond._connection
options:
  edge_site_id:
    description:
      - The ID of one site. In a delivery order, it is
        RV(huaweicloud.cloudpond.cloudpond_delivery_order_info#module:delivery_order.edge_site_id). An empty ID is an
        error.
      - Excludes O(edge_site_ids), O(status) and O(name). Without an ID, all sites of the account are queried.
    type: str
  edge_site_ids:
    description:
      - The IDs of many sites. An empty list queries nothing. An empty string in
        the list is an error.
      - With 5 or more IDs, the module lists the account's sites first, and queries by ID only those that the listing
        lacks.
      - The module fails if one of the sites does not exist, and names all missing sites.
      - Excludes O(edge_site_id), O(status) and O(name).
    type: list
    elements: str
  status:
    description:
      - Query all sites of the account that are in one of these statuses. An empty list means any status.
    type: list
    elements: str
    choices: [initial, deploying, available, unavailable]
  name:
    description:
      - Query all sites of the account that have one of these names, which must match exactly. An empty list means any
        name. An empty string in the list is an error.
    type: list
    elements: str
  page_size:
    description:
      - The number of sites in one page of a listing, from V(1) to V(2000).
    type: int
    default: 100
notes:
  - Guides in the folder C(docs/docsite/rst) of the collection explain more, above all
    R(Gates,ansible_collections.huaweicloud.cloudpond.docsite.gates),
    R(Credentials,ansible_collections.huaweicloud.cloudpond.docsite.credentials) and
    R(Troubleshooting,ansible_collections.huaweicloud.cloudpond.docsite.troubleshooting).
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_gate
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
  - plugin: huaweicloud.cloudpond.edge_site_available
    plugin_type: test
"""

EXAMPLES = r"""
- name: Query an edge site, with the connection from the environment
  huaweicloud.cloudpond.cloudpond_edge_site_info:
    edge_site_id: 00000000-0000-000-0000-000000000000
  register: site

- name: Show its status
  ansible.builtin.debug:
    msg: "{{ site.edge_site.name }} is {{ site.edge_site.status }}"

- name: Wait until the site of a delivered order can be used
  huaweicloud.cloudpond.cloudpond_edge_site_info:
    edge_site_id: "{{ delivery.delivery_order.edge_site_id }}"
  register: site
  # A refused credential or a wrong ID ends the wait.
  until: >-
    site is huaweicloud.cloudpond.edge_site_available
    or (site is failed and not site.error.retryable | default(false))
  retries: 60
  delay: 60

- name: Query all sites of the account that can't be used
  huaweicloud.cloudpond.cloudpond_edge_site_info:
    status:
      - unavailable
  register: sites
"""

RETURN = r"""
edge_site:
  description: The site. The API may add keys to the ones described here.
  returned: success, when O(edge_site_id) is given
  type: dict
  contains: &site
    id:
      description: Site ID.
      returned: always
      type: str
      sample: 00000000-0000-000-0000-000000000000
    domain_id:
      description: Account ID. This key and the following ones are V(null) if the API leaves them out.
      returned: always
      type: str
      sample: '00000000000000000000000000000000'
    name:
      description: Site name.
      returned: always
      type: str
      sample: edge-site-07
    description:
      description: Site description.
      returned: always
      type: str
      sample: ''
    region_id:
      description: Region ID.
      returned: always
      type: str
      sample: cn-north-4
    project_id:
      description: Project ID.
      returned: always
      type: str
      sample: '00000000000000000000000000000000'
    availability_zone_id:
      description: ID of the site's availability zone.
      returned: always
      type: str
      sample: cn-north-4-ies-01
    status:
      description:
        - "Site status: V(initial) (to be deployed), V(deploying), V(available) or V(unavailable)."
        - A status that the API adds in the future is returned unchanged.
      returned: always
      type: str
      sample: available
    enterprise_project_id:
      description: Enterprise project ID.
      returned: always
      type: str
      sample: '0'
    created_at:
      description: Creation time.
      returned: always
      type: str
      sample: '2026-01-04T07:05:14.405839Z'
    updated_at:
      description: Update time.
      returned: always
      type: str
      sample: '2026-01-04T07:05:14.405839Z'
    location:
      description: Place of the site.
      returned: always
      type: dict
      contains:
        name:
          description: Name of the place. The API no longer sets it.
          returned: always
          type: str
        description:
          description: Description of the place.
          returned: always
          type: str
        zone_code:
          description: Code of the administrative area.
          returned: always
          type: str
        address:
          description: Address.
          returned: always
          type: str
        country:
          description: Country.
          returned: always
          type: str
        province:
          description: Province.
          returned: always
          type: str
        city:
          description: City.
          returned: always
          type: str
        district:
          description: District.
          returned: always
          type: str
        condition:
          description: Condition of the place.
          returned: always
          type: dict
edge_sites:
  description: The sites. With O(edge_site_ids), they are in the same sequence as the IDs.
  returned: success
  type: list
  elements: dict
  contains: *site
listed:
  description:
    - Whether the sites come from a listing of the account. This is the case if neither O(edge_site_id) nor
      O(edge_site_ids) was given. The test refuses such a result.
  returned: success
  type: bool
  sample: false
msg:
  description: One sentence that says what was queried, with the HTTP status, the API's code and the API's message.
  returned: failure
  type: str
  sample: "Cannot query edge site '00000000': HTTP 400, IES.00001005: param is invalid. (request ID 7f3c)"
error:
  description: >-
    The fields of the error, the same as for M(huaweicloud.cloudpond.cloudpond_delivery_order_info): C(http_status),
    C(code), C(message), C(request_id) and C(retryable).
  returned: failure, unless the module's arguments were wrong
  type: dict
"""

import typing as t

from ..module_utils._edge_sites import query_edge_sites
from ..module_utils._module import Info, run_module
from ..module_utils._paging import PAGE_SIZE_DEFAULT
from ..module_utils._specification import SITE_STATUSES

OPTIONS: dict[str, dict[str, t.Any]] = {
    "edge_site_id": {"type": "str"},
    "edge_site_ids": {"type": "list", "elements": "str"},
    "status": {"type": "list", "elements": "str", "choices": list(SITE_STATUSES)},
    "name": {"type": "list", "elements": "str"},
    "page_size": {"type": "int", "default": PAGE_SIZE_DEFAULT},
}

INFO = Info(
    options=OPTIONS,
    mutually_exclusive=[
        ("edge_site_id", "edge_site_ids", "status"),
        ("edge_site_id", "edge_site_ids", "name"),
    ],
    ids=("edge_site_id", "edge_site_ids"),
    query=query_edge_sites,
)


def main() -> None:
    run_module(INFO)


if __name__ == "__main__":
    main()
