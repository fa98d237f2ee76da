# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Describes delivery orders and failed queries for people, with advice: for the filter, and for the gate's message."""

from __future__ import annotations

import typing as t

from ..module_utils._specification import ACCEPTING, AVAILABLE, FINAL_STATUSES, STATUSES, SUCCESS
from ._answers import ORDERS, read
from ._text import NO_STATUS, order_label, printable, shown, shown_time, status_label

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ._answers import Failure

    Order = Mapping[str, t.Any]

#: What to do about an order that is ACCEPTING.
ACCEPT = "the customer must accept the delivery in the CloudPond console"

_RETRY_ADVICE = "Waiting may help: query again when the API answers."
_SKIPPED_ADVICE = "Check the conditions of the task that queries the orders."
_LOCK_ADVICE = "before another query: the vendor locks a key that is refused more than five times in a row."
_TOKEN_ADVICE = f"Renew the token {_LOCK_ADVICE} A token expires after 24 hours."
_KEY_ADVICE = (
    "Check the clock of the host that runs the query, which must not be off by more than 15 minutes, and the access "
    f"key and its secret {_LOCK_ADVICE}"
)
_CREDENTIAL_ADVICE = f"Renew the token, or check the access key, its secret and the clock of the host {_LOCK_ADVICE}"
_PERMISSION_ADVICE = (
    "Check that domain_id is the ID of the account, that a token is scoped to the domain and not to a project, the "
    "permissions of the user, and endpoint."
)
_GATEWAY_ADVICE = "Check endpoint: partner clouds have their own. Check domain_id and the permissions of the user, too."
_MISSING_ADVICE = "Check the IDs, and domain_id."
_OTHER_ADVICE = "Correct this before another query."

_BAD_ADVICE = (
    "An order that is FAIL, CANCELLED or DELETED will not be delivered: look it up in the CloudPond console, and put "
    "the ID of the order that replaces it into the inventory."
)
_UNKNOWN_ADVICE = "An order without a known status does not count as delivered: look it up in the CloudPond console."
_ACCEPTING_ADVICE = f"ACCEPTING means that {ACCEPT}."
_WAITING_ADVICE = "The next query asks again for what is in progress."
_LONGER = "run the play again, or raise wait_timeout."
_DELIVERED_ADVICE = "Every order is delivered: the gate is open."
_NOTHING_ADVICE = "There is no delivery order: check the IDs, the status filter, and domain_id."


def report(value: object) -> str:
    """
    :param value: A registered result of the module or the gate, also of a loop or a listing, an order, or a list of
        orders.
    :return: Lines of text: one for each order and each failed query, and one with advice.
    :raises AnsibleFilterError: for anything else.
    """
    # The message of a gate is such a text already.
    if isinstance(value, dict) and {"open", "error", "msg"} <= value.keys():
        return str(value["msg"])
    return describe(value)


def describe(value: object) -> str:
    """Do the same as report, also for a result of the gate whose message is only that of a failed query."""
    answers = read(value, "huaweicloud.cloudpond.delivery_order_report", ORDERS, takes_listing=True)
    orders = [order for answer in answers for order in answer.entries]
    failures = [answer.failure for answer in answers if answer.failure]
    sites = _sites_of_gate(value)
    # A gate that ends with this has waited for as long as it may.
    waited = value.get("elapsed", 0) if isinstance(value, dict) and "open" in value else None
    bad = [order for order in orders if order["status"] in FINAL_STATUSES - {SUCCESS}]
    waiting = [order for order in orders if order["status"] not in FINAL_STATUSES]
    delivered = [order for order in orders if order["status"] == SUCCESS]
    lines = [
        *(_line(order, sites) for order in bad),
        *(_sentence(printable(" ".join(failure.message.split()))) for failure in failures),
        *(_line(order, sites) for order in [*waiting, *delivered]),
        " ".join(_advice(bad, failures, waiting, delivered, sites, waited)),
    ]
    # From 2.19 on, ansible-core prints an error above a result, and would show a list there in Python's form. In a
    # result that is shown as JSON, each "\n" follows the full stop of a sentence.
    # A loop may produce the same line many times, for example for skipped items.
    return "\n".join(dict.fromkeys(lines))


def _sites_of_gate(value: object) -> dict[t.Any, t.Any] | None:
    """Return the statuses of the edge sites that a gate waits for by their IDs, None if it does not wait for sites."""
    if not isinstance(value, dict) or "open" not in value or "edge_sites" not in value:
        return None
    return {site["id"]: site["status"] for site in value["edge_sites"]}


def _line(order: Order, sites: Mapping[t.Any, t.Any] | None) -> str:
    since, edge_site = shown_time(order.get("updated_at")), shown(order.get("edge_site_id"))
    status = order["status"]
    if status in STATUSES:
        state = f"{'has been' if since else 'is'} {status}"
    else:
        label = status_label(status)
        state = f"{'has had' if since else 'has'} {label if label == NO_STATUS else f'the {label}'}"
    parts = [
        f"{order_label(order)} {state}",
        f" since {since}" if since else "",
        f", edge site {edge_site}" if edge_site else ", no edge site",
        f" {shown(sites[order['edge_site_id']])}" if sites and order.get("edge_site_id") in sites else "",
    ]
    return _sentence("".join(parts))


def _advice(
    bad: Sequence[Order],
    failures: Sequence[Failure],
    waiting: Sequence[Order],
    delivered: Sequence[Order],
    sites: Mapping[t.Any, t.Any] | None,
    waited: int | None,
) -> Iterator[str]:
    """Yield sentences. None of them says to query again while another problem must be solved first."""
    final = [failure for failure in failures if not failure.retryable]
    if bad:
        yield _BAD_ADVICE
    yield from dict.fromkeys(_failure_advice(failure) for failure in final)
    if not bad and not final:
        known = any(order["status"] in STATUSES for order in waiting)
        without_site = [
            order for order in delivered if sites is not None and sites.get(order.get("edge_site_id")) != AVAILABLE
        ]
        if failures:
            yield _RETRY_ADVICE if waited is None else f"The API did not answer in the end, after {waited} s: {_LONGER}"
        elif known or without_site:
            yield _WAITING_ADVICE if waited is None else f"Still in progress after {waited} s: {_LONGER}"
        elif delivered and not waiting:
            yield _DELIVERED_ADVICE
        elif not waiting:
            yield _NOTHING_ADVICE
    if any(order["status"] not in STATUSES for order in waiting):
        yield _UNKNOWN_ADVICE
    if any(order["status"] == ACCEPTING for order in waiting):
        yield _ACCEPTING_ADVICE


def _failure_advice(failure: Failure) -> str:
    if failure.skipped:
        return _SKIPPED_ADVICE
    if failure.http_status == 401:
        # The gateway says "token not found", "token expires", "decrypt token fail" and "verify aksk signature fail".
        text = failure.message.lower()
        return _KEY_ADVICE if "signature" in text else _TOKEN_ADVICE if "token" in text else _CREDENTIAL_ADVICE
    if str(failure.code or "").startswith("APIGW.") and failure.http_status == 404:
        return _GATEWAY_ADVICE
    return {403: _PERMISSION_ADVICE, 404: _MISSING_ADVICE}.get(failure.http_status or 0, _OTHER_ADVICE)


def _sentence(text: str) -> str:
    """End a text with one full stop."""
    return f"{text.rstrip('. ')}."
