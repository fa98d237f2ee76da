#!/usr/bin/python
# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudpond_delivery_order_info
short_description: Query a delivery order of Huawei Cloud CloudPond
version_added: 0.1.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Returns the facts of a delivery order, such as its status.
  - A delivery order runs V(PROCESSING), V(ACCEPTING), V(SUCCESS), or ends as V(FAIL), V(CANCELLED) or V(DELETED).
    The tests P(huaweicloud.cloudpond.delivery_order_settled#test) and
    P(huaweicloud.cloudpond.delivery_order_succeeded#test) tell whether it has ended, and whether the edge site may be
    touched.
extends_documentation_fragment:
  - huaweicloud.cloudpond._attributes
  - huaweicloud.cloudpond._attributes.info_module
  - huaweicloud.cloudpond._attributes.actiongroup_cloudpond
  - huaweicloud.cloudpond._connection
options:
  delivery_order_id:
    description:
      - The ID of the order.
    type: str
    required: true
seealso:
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

- name: Set the connection once for several tasks
  module_defaults:
    group/huaweicloud.cloudpond.cloudpond:
      domain_id: "{{ cloudpond_domain_id }}"
      auth_token: "{{ cloudpond_auth_token }}"
      timeout: 10
  block:
    - name: Stop unless the edge site is delivered
      huaweicloud.cloudpond.cloudpond_delivery_order_info:
        delivery_order_id: "{{ cloudpond_delivery_order_id }}"
      register: delivery
      failed_when: delivery is not huaweicloud.cloudpond.delivery_order_succeeded

# A poll that fails does not end the wait, unless waiting can't cure it.
- name: Wait for a delivery order
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_id: "{{ cloudpond_delivery_order_id }}"
  register: delivery
  until: delivery is huaweicloud.cloudpond.delivery_order_settled
  retries: 60
  delay: 60
  failed_when: delivery is not huaweicloud.cloudpond.delivery_order_succeeded

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
  description: The order, with any key that the API adds to those described here.
  returned: success
  type: dict
  contains: &order
    id:
      description: Order ID.
      returned: always
      type: str
      sample: 00000000-0000-000-0000-000000000000
    name:
      description: Order name. V(null) if the API left it out, as all that follow.
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
        - A status that the API adds one day is passed on.
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
  description: The same order, as a list.
  returned: success
  type: list
  elements: dict
  contains: *order
msg:
  description: What was asked, the HTTP status, the API's code and its message, in one sentence.
  returned: failure
  type: str
  sample: "Cannot query delivery order '00000000': HTTP 400, IES.00001005: param is invalid. (request ID 7f3c)"
error:
  description: What went wrong, field by field.
  returned: failure, unless the module's arguments were wrong
  type: dict
  contains:
    http_status:
      description: HTTP status of the answer. V(null) if there was no whole answer.
      returned: always
      type: int
      sample: 400
    code:
      description: Error code of the API. V(null) if it gave none.
      returned: always
      type: str
      sample: IES.00001005
    message:
      description: Message of the API, or what went wrong on the way to it.
      returned: always
      type: str
      sample: param is invalid.
    request_id:
      description: The API's ID of the request. V(null) if it gave none.
      returned: always
      type: str
      sample: 7f3c
    retryable:
      description: Whether asking again later makes sense.
      returned: always
      type: bool
      sample: false
"""

from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._auth import REQUESTS_IMPORT_ERROR
from ..module_utils._connection import CONNECTION_ARGUMENT_SPEC, client_from
from ..module_utils._delivery_orders import show_delivery_order
from ..module_utils._errors import CloudPondError


def main() -> None:
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENT_SPEC, "delivery_order_id": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        with client_from(module.params, caller=f"ansible-core/{ansible_version}") as client:
            order = show_delivery_order(client, module.params["delivery_order_id"])
    except CloudPondError as error:
        module.fail_json(msg=str(error), error=error.to_dict())
    module.exit_json(changed=False, delivery_order=order, delivery_orders=[order])


if __name__ == "__main__":
    main()
