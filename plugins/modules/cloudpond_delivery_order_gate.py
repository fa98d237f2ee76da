#!/usr/bin/python
# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudpond_delivery_order_gate
short_description: Hold a play until delivery orders have succeeded
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Waits until every delivery order is V(SUCCESS). Fails at once if an order has ended as V(FAIL), V(CANCELLED) or
    V(DELETED), or if a query failed in a way that waiting can't cure.
  - It belongs in the play that touches the site, once for each host. Like M(ansible.builtin.assert), it runs on the
    control node and connects to nothing, so the host need not exist yet. C(become) and C(delegate_to) make no
    difference.
  - While it waits, it prints a line for each order in progress, one at each change, one when an outage begins and one
    when it ends. While nothing changes, it prints a line after 15 minutes, and whenever the time waited has doubled.
    With C(no_log), and for orders that need no wait, it prints nothing.
  - C(--check) waits, too. For a quick look, set O(wait_timeout=0).
  - Once it runs, its failure counts. C(ignore_errors) does not apply, whether it stands on the task, a block or the
    play, and a warning says so. A C(rescue) and C(failed_when) do apply.
  - A gate that is skipped can't fail. Give it C(tags=always), and write C(when=gate.open) where the site is touched.
extends_documentation_fragment:
  - huaweicloud.cloudpond._attributes
  - huaweicloud.cloudpond._attributes.gate
  - huaweicloud.cloudpond._attributes.actiongroup_cloudpond
  - huaweicloud.cloudpond._connection
options:
  delivery_order_id:
    description:
      - The ID of one order. An ID that is empty, blank or null is an error.
      - One of O(delivery_order_id) and O(delivery_order_ids) is required. They exclude each other.
    type: str
  delivery_order_ids:
    description:
      - The IDs of many orders. All of them must succeed.
      - A list that is empty, or contains an ID that is empty, blank or null, is an error.
    type: list
    elements: str
  wait_timeout:
    description:
      - How long to wait, in seconds. V(0) queries once.
      - A last query is sent when this time is over.
    type: int
    default: 3600
  wait_sleep:
    description:
      - Seconds between two queries, at least V(1). A delivery takes days, so keep it at a minute or more.
    type: int
    default: 60
  in_progress:
    description:
      - What to do if orders (or edge sites, with O(edge_site_available)) are still in progress when O(wait_timeout) is
        over.
      - V(fail) fails. V(continue) lets the play go on with RV(open) false.
      - An outage that lasts until then is a failure with V(continue), too.
    type: str
    choices: [fail, continue]
    default: fail
  edge_site_available:
    description:
      - Whether to wait within the same O(wait_timeout) until the edge site of each order is V(available), too.
      - An order without an edge site yet, and a site in any other status, is in progress. A site that the API does not
        know is a failure.
    type: bool
    default: false
notes:
  - C(async) and C(loop) are refused. Use O(delivery_order_ids) in place of a loop.
  - With C(run_once) in a play of more than one host, O(delivery_order_id) is refused, because the order of one host
    would open the gate for all. O(delivery_order_ids) must then list the orders of all hosts.
  - C(run_once) on a dynamic include around the gate is refused.
  - Ansible evaluates the keywords and connection variables of a host before any task. If a variable such as
    C(ansible_host) is known only after the delivery, write C(delegate_to=localhost) on the gate.
  - Each host that waits occupies one of Ansible's forks.
  - Guides in the folder C(docs/docsite/rst) of the collection explain more, above all
    R(Gates,ansible_collections.huaweicloud.cloudpond.docsite.gates),
    R(Waiting for a delivery,ansible_collections.huaweicloud.cloudpond.docsite.waiting) and
    R(Troubleshooting,ansible_collections.huaweicloud.cloudpond.docsite.troubleshooting).
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
  - plugin: huaweicloud.cloudpond.delivery_order_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Provision a site once its order is delivered
  hosts: site_a
  gather_facts: false
  vars:
    delivery_order_id: 00000000-0000-000-0000-000000000000
  tasks:
    - name: Wait for the delivery of the site
      huaweicloud.cloudpond.cloudpond_delivery_order_gate:
        delivery_order_id: "{{ delivery_order_id }}"
      register: gate
      tags: always

    - name: Provision the site
      ansible.builtin.include_role:
        name: provision
      when: gate.open

- name: Provision the sites that are delivered, and leave out the others
  hosts: sites
  gather_facts: false
  tasks:
    - name: Ask once for the order of the site
      huaweicloud.cloudpond.cloudpond_delivery_order_gate:
        delivery_order_id: "{{ delivery_order_id }}"
        wait_timeout: 0
        in_progress: continue
      register: gate
      tags: always

    - name: Leave out a site that is not delivered yet
      ansible.builtin.meta: end_host
      when: not gate.open

    - name: Provision the site
      ansible.builtin.include_role:
        name: provision
      when: gate.open

- name: Provision all sites together, when the last one is delivered
  hosts: sites
  gather_facts: false
  tasks:
    - name: Wait for the orders of all sites
      huaweicloud.cloudpond.cloudpond_delivery_order_gate:
        delivery_order_ids: "{{ ansible_play_hosts_all | map('extract', hostvars, 'delivery_order_id') }}"
        wait_timeout: 86400
      register: gate
      run_once: true
      tags: always

    - name: Provision the site
      ansible.builtin.include_role:
        name: provision
      when: gate.open

- name: Deploy to a site that is delivered and can be used
  hosts: site_a
  gather_facts: false
  vars:
    delivery_order_id: 00000000-0000-000-0000-000000000000
  tasks:
    - name: Wait for the delivery and for the edge site
      huaweicloud.cloudpond.cloudpond_delivery_order_gate:
        delivery_order_id: "{{ delivery_order_id }}"
        edge_site_available: true
      register: gate
      tags: always

    - name: Deploy to the site
      ansible.builtin.include_role:
        name: deploy
      when: gate.open

- name: Tell somebody when an order will not be delivered
  hosts: site_a
  gather_facts: false
  vars:
    delivery_order_id: 00000000-0000-000-0000-000000000000
  tasks:
    - name: Wait for the delivery
      tags: always
      block:
        - name: Wait for the delivery of the site
          huaweicloud.cloudpond.cloudpond_delivery_order_gate:
            delivery_order_id: "{{ delivery_order_id }}"
          register: gate
      rescue:
        - name: Say why the gate stays shut
          ansible.builtin.debug:
            msg: "{{ gate.msg }}"

    - name: Provision the site
      ansible.builtin.include_role:
        name: provision
      when: gate.open
"""

RETURN = r"""
open:
  description: Whether the site may be touched.
  returned: always
  type: bool
  sample: true
elapsed:
  description: How long the gate has waited, in seconds.
  returned: always
  type: int
  sample: 61
msg:
  description: The report of P(huaweicloud.cloudpond.delivery_order_report#filter).
  returned: always
  type: str
  sample: |-
    site-07 (0000-0007) has been SUCCESS since 2026-01-04T07:05:14Z, edge site 0000-1007.
    Every order is delivered: the gate is open.
delivery_orders:
  description: The orders, as M(huaweicloud.cloudpond.cloudpond_delivery_order_info) returns them.
  returned: when the last query found them
  type: list
  elements: dict
delivery_order:
  description: The order.
  returned: when the last query found it, and O(delivery_order_id) is given
  type: dict
edge_sites:
  description: The sites of the delivered orders, as M(huaweicloud.cloudpond.cloudpond_edge_site_info) returns them.
  returned: when the last query found them, and O(edge_site_available) is true
  type: list
  elements: dict
error:
  description: The error of the last query, as M(huaweicloud.cloudpond.cloudpond_delivery_order_info) returns it.
  returned: when the last query failed
  type: dict
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import connection_argument_spec

OPTIONS: dict[str, dict[str, t.Any]] = {
    "delivery_order_id": {"type": "str"},
    "delivery_order_ids": {"type": "list", "elements": "str"},
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_sleep": {"type": "int", "default": 60},
    "in_progress": {"type": "str", "choices": ["fail", "continue"], "default": "fail"},
    "edge_site_available": {"type": "bool", "default": False},
}

MUTUALLY_EXCLUSIVE = [("delivery_order_id", "delivery_order_ids")]


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(os.environ), **OPTIONS},
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        supports_check_mode=True,
    )
    module.fail_json(
        msg="This module needs its action plugin: call it from a playbook, as "
        "huaweicloud.cloudpond.cloudpond_delivery_order_gate"
    )


if __name__ == "__main__":
    main()
