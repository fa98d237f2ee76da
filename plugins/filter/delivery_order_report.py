# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: delivery_order_report
author:
  - CloudPond collection contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Report on delivery orders in plain words
description:
  - Turns delivery orders, or a failed query, into readable text, for C(fail_msg) and other messages.
  - Each delivery order has a line with its name, its ID, its status, the time of its last update, and its edge site.
    Orders that ended badly come first, then failed queries, then orders in progress, then delivered orders.
  - The last line gives advice.
notes:
  - The text has several lines. ansible-core's P(ansible.builtin.default#callback) prints line breaks as C(\n) where it
    shows a result as JSON. Set C(callback_result_format=yaml) in the section C([defaults]) of the configuration file to
    see the lines. From ansible-core 2.19 on, the error above the result always has them.
  - Names and messages come from the server. The filter replaces characters by C(?) if they could move the cursor,
    change colours, start another line, or change the direction of writing, and several spaces by one. It cuts a name
    after 64 characters. A name is in quotes if it has characters other than letters, digits, spaces, C(-) and C(_),
    and C(.) within a word, so that it can't look like another line. So is a time that is none.
  - An unknown status is in quotes, too. Spaces at its ends are shown.
positional: _input
options:
  _input:
    description:
      - A registered result of M(huaweicloud.cloudpond.cloudpond_delivery_order_info) or
        M(huaweicloud.cloudpond.cloudpond_delivery_order_gate), one order, or a list of orders. The result may be that
        of a C(loop), or a listing.
    type: raw
    required: true
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_gate
  - plugin: huaweicloud.cloudpond.delivery_order_succeeded
    plugin_type: test
"""

EXAMPLES = r"""
- name: Query the delivery orders
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_ids: "{{ cloudpond_delivery_order_ids }}"
  register: deliveries
  failed_when: false

- name: Stop unless all edge sites are delivered
  ansible.builtin.assert:
    that: deliveries is huaweicloud.cloudpond.delivery_order_succeeded
    fail_msg: "{{ deliveries | huaweicloud.cloudpond.delivery_order_report }}"

# The text looks like this:
#
#   site-07 (0000-0007) has been FAIL since 2026-01-04T07:05:14Z, edge site 0000-1007.
#   site-08 (0000-0008) has been PROCESSING since 2026-01-03T10:00:00Z, edge site 0000-1008.
#   An order that is FAIL, CANCELLED or DELETED will not be delivered: look it up in the CloudPond console, and put the
#   ID of the order that replaces it into the inventory.

- name: Query all orders of the account
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
  register: deliveries

- name: Show the report line by line
  ansible.builtin.debug:
    msg: "{{ (deliveries | huaweicloud.cloudpond.delivery_order_report).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The text, one or more lines.
  type: str
"""

import typing as t

from ..plugin_utils._report import report

if t.TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    """Tells ansible-core which filters this file has."""

    def filters(self) -> dict[str, Callable[[object], str]]:
        return {"delivery_order_report": report}
