#!/usr/bin/python
# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudpond_delivery_order_info
short_description: Query delivery orders of Huawei Cloud CloudPond
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Returns the status and other facts of one delivery order, of many, or of all orders of the account.
  - A delivery order goes through V(PROCESSING) and V(ACCEPTING) to V(SUCCESS), or ends as V(FAIL), V(CANCELLED) or
    V(DELETED). The test P(huaweicloud.cloudpond.delivery_order_settled#test) tells whether it has ended. The test
    P(huaweicloud.cloudpond.delivery_order_succeeded#test) tells whether the edge site may be touched.
extends_documentation_fragment:
  - huaweicloud.cloudpond._attributes
  - huaweicloud.cloudpond._attributes.info_module
  - huaweicloud.cloudpond._attributes.actiongroup_cloudpond
  - huaweicloud.cloudpond._connection
options:
  delivery_order_id:
    description:
      - The ID of one order. An empty ID is an error.
      - Excludes O(delivery_order_ids) and O(status). Without an ID, all orders of the account are queried.
    type: str
  delivery_order_ids:
    description:
      - The IDs of many orders. An empty list queries nothing. An empty string in
        the list is an error.
      - With 5 or more IDs, the module lists the account's orders first, and queries by ID only those that the listing
        lacks.
      - The module fails if one of the orders does not exist, and names all missing orders.
      - Excludes O(delivery_order_id) and O(status).
    type: list
    elements: str
  status:
    description:
      - Query all orders of the account that are in one of these statuses. An empty list means any status.
    type: list
    elements: str
    choices: [CANCELLED, PROCESSING, ACCEPTING, SUCCESS, FAIL, DELETED]
  page_size:
    description:
      - The number of orders in one page of a listing, from V(1) to V(2000).
    type: int
    default: 100
notes:
  - Guides in the folder C(docs/docsite/rst) of the collection explain more, above all
    R(Waiting for a delivery,ansible_collections.huaweicloud.cloudpond.docsite.waiting),
    R(Credentials,ansible_collections.huaweicloud.cloudpond.docsite.credentials) and
    R(Troubleshooting,ansible_collections.huaweicloud.cloudpond.docsite.troubleshooting).
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_gate
  - plugin: huaweicloud.cloudpond.delivery_order_settled
    plugin_type: test
  - plugin: huaweicloud.cloudpond.delivery_order_succeeded
    plugin_type: test
"""

EXAMPLES = r"""
- name: Query a delivery order, with the connection from the environment
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_id: 00000000-0000-000-0000-000000000000
  register: delivery

- name: Show its status
  ansible.builtin.debug:
    msg: "{{ delivery.delivery_order.name }} is {{ delivery.delivery_order.status }}"

# A failed poll ends the wait only if waiting can't help. Use a key, because a token expires after 24 hours.
- name: Wait for a delivery order
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_id: "{{ cloudpond_delivery_order_id }}"
    domain_id: "{{ cloudpond_domain_id }}"
    access_key: "{{ cloudpond_access_key }}"
    secret_key: "{{ cloudpond_secret_key }}"
  register: delivery
  until: delivery is huaweicloud.cloudpond.delivery_order_settled
  retries: 60
  delay: 60
  failed_when: delivery is not huaweicloud.cloudpond.delivery_order_succeeded

- name: Set the connection once for several tasks
  module_defaults:
    group/huaweicloud.cloudpond.cloudpond:
      domain_id: "{{ cloudpond_domain_id }}"
      access_key: "{{ cloudpond_access_key }}"
      secret_key: "{{ cloudpond_secret_key }}"
      timeout: 10
  block:
    - name: Stop unless all edge sites are delivered
      huaweicloud.cloudpond.cloudpond_delivery_order_info:
        delivery_order_ids:
          - "{{ cloudpond_delivery_order_id }}"
          - 00000000-0000-000-0000-000000000000
      register: deliveries
      failed_when: deliveries is not huaweicloud.cloudpond.delivery_order_succeeded

    - name: Query the orders that wait for acceptance
      huaweicloud.cloudpond.cloudpond_delivery_order_info:
        status:
          - ACCEPTING
      register: waiting

    - name: Query all orders of the account
      huaweicloud.cloudpond.cloudpond_delivery_order_info:
      register: deliveries

- name: Look up orders by their edge site
  ansible.builtin.debug:
    msg: "{{ item.edge_site_id }} is {{ orders_by_site[item.edge_site_id].status }}"
  vars:
    sites: "{{ deliveries.delivery_orders | map(attribute='edge_site_id') }}"
    orders_by_site: "{{ dict(sites | zip(deliveries.delivery_orders)) }}"
  loop: "{{ deliveries.delivery_orders }}"
  loop_control:
    label: "{{ item.name }}"

- name: Tell an order that does not exist from one that could not be queried
  block:
    - name: Query a delivery order
      huaweicloud.cloudpond.cloudpond_delivery_order_info:
        delivery_order_id: "{{ cloudpond_delivery_order_id }}"
        max_retries: 0
      register: delivery
  rescue:
    - name: Go on only without such an order
      ansible.builtin.assert:
        that: delivery.error.http_status == 404
        fail_msg: "{{ delivery.msg }}"
"""

RETURN = r"""
delivery_order:
  description: The order. The API may add keys to the ones described here.
  returned: success, when O(delivery_order_id) is given
  type: dict
  contains: &order
    id:
      description: Order ID.
      returned: always
      type: str
      sample: 00000000-0000-000-0000-000000000000
    name:
      description: Order name. This key and the following ones are V(null) if the API leaves them out.
      returned: always
      type: str
      sample: delivery_order-zurcq
    domain_id:
      description: Account ID.
      returned: always
      type: str
      sample: '00000000000000000000000000000000'
    status:
      description:
        - "Order status: V(CANCELLED), V(PROCESSING), V(ACCEPTING) (the delivery waits for the customer's acceptance),
          V(SUCCESS), V(FAIL) or V(DELETED)."
        - A status that the API adds in the future is returned unchanged.
      returned: always
      type: str
      sample: PROCESSING
    edge_site_id:
      description: Edge site ID.
      returned: always
      type: str
      sample: 00000000-0000-000-0000-000000000000
    effected_at:
      description: Effective time. The billing of the offerings associated with the order starts from this time.
      returned: always
      type: str
      sample: '2026-11-23T08:48:16Z'
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
delivery_orders:
  description: The orders. With O(delivery_order_ids), they are in the same sequence as the IDs.
  returned: success
  type: list
  elements: dict
  contains: *order
listed:
  description:
    - Whether the orders come from a listing of the account. This is the case if neither O(delivery_order_id) nor
      O(delivery_order_ids) was given. The tests refuse such a result.
  returned: success
  type: bool
  sample: false
msg:
  description: One sentence that says what was queried, with the HTTP status, the API's code and the API's message.
  returned: failure
  type: str
  sample: "Cannot query delivery order '00000000': HTTP 400, IES.00001005: param is invalid. (request ID 7f3c)"
error:
  description: The fields of the error.
  returned: failure, unless the module's arguments were wrong
  type: dict
  contains:
    http_status:
      description: HTTP status of the answer. V(null) if there was no complete answer.
      returned: always
      type: int
      sample: 400
    code:
      description: Error code of the API. V(null) if it gave none.
      returned: always
      type: str
      sample: IES.00001005
    message:
      description: Message of the API, or the fault on the way to it.
      returned: always
      type: str
      sample: param is invalid.
    request_id:
      description: The API's ID of the request. V(null) if it gave none.
      returned: always
      type: str
      sample: 7f3c
    retryable:
      description: Whether the query may succeed later.
      returned: always
      type: bool
      sample: false
"""

import typing as t

from ..module_utils._delivery_orders import query_delivery_orders
from ..module_utils._module import Info, run_module
from ..module_utils._paging import PAGE_SIZE_DEFAULT
from ..module_utils._specification import STATUSES

OPTIONS: dict[str, dict[str, t.Any]] = {
    "delivery_order_id": {"type": "str"},
    "delivery_order_ids": {"type": "list", "elements": "str"},
    "status": {"type": "list", "elements": "str", "choices": list(STATUSES)},
    "page_size": {"type": "int", "default": PAGE_SIZE_DEFAULT},
}

INFO = Info(
    options=OPTIONS,
    mutually_exclusive=[("delivery_order_id", "delivery_order_ids", "status")],
    ids=("delivery_order_id", "delivery_order_ids"),
    query=query_delivery_orders,
)


def main() -> None:
    run_module(INFO)


if __name__ == "__main__":
    main()
