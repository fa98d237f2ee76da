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
      - A registered result of M(huaweicloud.cloudpond.cloudpond_delivery_order_info), one order, or a list of orders.
        The result may be that of a C(loop), or a listing.
    type: raw
    required: true
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
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
#   An order that is FAIL, CANCELLED or DELETED will not be delivered: look it up in the CloudPond console, and wait for
#   the order that replaces it.

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

from ..module_utils._specification import FINAL_STATUSES, STATUSES, SUCCESS
from ..plugin_utils._answers import ORDERS, FailureKind, read
from ..plugin_utils._text import NO_STATUS, order_label, printable, shown, shown_time, status_label

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Advice after a failed query.
_FAILURE_ADVICE = {
    FailureKind.RETRYABLE: "Another query may succeed: run the play again when the API answers.",
    FailureKind.REFUSED: (
        "Renew or correct the credential before you run the play again: the vendor locks a key that is refused more "
        "than five times in a row, and a token expires after 24 hours."
    ),
    FailureKind.MISSING: "Check the IDs of the orders, and domain_id.",
    FailureKind.SKIPPED: "Check the conditions of the task that queries the orders.",
    FailureKind.OTHER: "Fix this before you run the play again.",
}

_BAD_ADVICE = (
    "An order that is FAIL, CANCELLED or DELETED will not be delivered: look it up in the CloudPond console, and wait "
    "for the order that replaces it."
)
_WAITING_ADVICE = "Run the play again, perhaps with more retries."
_UNKNOWN_ADVICE = "An order without a known status does not count as delivered: look it up in the CloudPond console."
_ACCEPTING_ADVICE = "ACCEPTING means that the customer must accept the delivery in the CloudPond console."
_DELIVERED_ADVICE = "Every order is delivered: there is nothing to do."
_NOTHING_ADVICE = "There is no delivery order: check the IDs, the status filter, and domain_id."


def delivery_order_report(value: object) -> str:
    """
    :param value: A registered result of the module, also of a loop or a listing, an order, or a list of orders.
    :return: Lines of text: one for each order and each failed query, and one with advice.
    :raises AnsibleFilterError: for anything else.
    """
    answers = read(value, "huaweicloud.cloudpond.delivery_order_report", ORDERS, takes_listing=True)
    orders = [order for answer in answers for order in answer.entries]
    failures = [answer.failure for answer in answers if answer.failure]
    bad = [order for order in orders if order["status"] in FINAL_STATUSES - {SUCCESS}]
    waiting = [order for order in orders if order["status"] not in FINAL_STATUSES]
    delivered = [order for order in orders if order["status"] == SUCCESS]
    lines = [
        *map(_line, bad),
        *(_sentence(printable(" ".join(failure.message.split()))) for failure in failures),
        *map(_line, [*waiting, *delivered]),
        _advice(bad, {failure.kind for failure in failures}, waiting, delivered),
    ]
    # From 2.19 on, ansible-core prints an error above a result, and would show a list there in Python's form. In a
    # result that is shown as JSON, each "\n" follows the full stop of a sentence.
    # A loop may produce the same line many times, for example for skipped items.
    return "\n".join(dict.fromkeys(lines))


def _line(order: Mapping[str, t.Any]) -> str:
    since, edge_site = shown_time(order.get("updated_at")), shown(order.get("edge_site_id"))
    parts = [
        order_label(order),
        f" {_state(order['status'], bool(since))}",
        f" since {since}" if since else "",
        f", edge site {edge_site}" if edge_site else ", no edge site",
    ]
    return _sentence("".join(parts))


def _state(status: str | None, has_since: bool) -> str:
    label = status_label(status)
    if status in STATUSES:
        return f"{'has been' if has_since else 'is'} {label}"
    return f"{'has had' if has_since else 'has'} {label if label == NO_STATUS else f'the {label}'}"


def _advice(
    bad: list[Mapping[str, t.Any]],
    kinds: set[FailureKind],
    waiting: list[Mapping[str, t.Any]],
    delivered: list[Mapping[str, t.Any]],
) -> str:
    """Return the advice. It does not say to run the play again while another problem must be solved first."""
    sentences = [_BAD_ADVICE] if bad else []
    sentences += [advice for kind, advice in _FAILURE_ADVICE.items() if kind in kinds - {FailureKind.RETRYABLE}]
    if not sentences and FailureKind.RETRYABLE in kinds:
        sentences.append(_FAILURE_ADVICE[FailureKind.RETRYABLE])
    elif not sentences and any(order["status"] in STATUSES for order in waiting):
        sentences.append(_WAITING_ADVICE)
    if any(order["status"] not in STATUSES for order in waiting):
        sentences.append(_UNKNOWN_ADVICE)
    if any(order["status"] == "ACCEPTING" for order in waiting):
        sentences.append(_ACCEPTING_ADVICE)
    return " ".join(sentences) or (_DELIVERED_ADVICE if delivered else _NOTHING_ADVICE)


def _sentence(text: str) -> str:
    """End a text with one full stop."""
    return f"{text.rstrip('. ')}."


class FilterModule:
    """Tells ansible-core which filters this file has."""

    def filters(self) -> dict[str, Callable[[object], str]]:
        return {"delivery_order_report": delivery_order_report}
