# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import SITE_STATUSES, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._decision import (
    Decision,
    Outcome,
    decide,
    is_done,
)

OPEN, WAIT, CONTINUE, SHUT = Decision.OPEN, Decision.WAIT, Decision.CONTINUE, Decision.SHUT

#: The decision with time left; without time; and without time, but with in_progress=continue.
OPENS = (OPEN, OPEN, OPEN)
IN_PROGRESS = (WAIT, SHUT, CONTINUE)
OUTAGE = (WAIT, SHUT, SHUT)
DEAD_END = (SHUT, SHUT, SHUT)

RETRYABLE = CloudPondError("the order", "no answer", retryable=True)
FINAL = CloudPondError("the order", "not found", http_status=404)


def orders(*statuses: str | None) -> list[dict[str, t.Any]]:
    """Orders, each with an edge site of its own: "site-0" and so on."""
    return [{"id": f"{n}", "status": status, "edge_site_id": f"site-{n}"} for n, status in enumerate(statuses)]


def sites(*statuses: str | None) -> list[dict[str, t.Any]]:
    return [{"id": f"site-{number}", "status": status} for number, status in enumerate(statuses)]


def decisions(outcome: Outcome, waits_for_sites: bool = False) -> tuple[Decision, ...]:
    return tuple(
        decide(outcome, waits_for_sites=waits_for_sites, has_time=has_time, may_continue=may_continue)
        for has_time, may_continue in ((True, False), (False, False), (False, True))
    )


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Outcome(orders("SUCCESS")), OPENS, id="delivered"),
        pytest.param(Outcome(orders("SUCCESS", "SUCCESS")), OPENS, id="all delivered"),
        pytest.param(Outcome(orders("PROCESSING")), IN_PROGRESS, id="processing"),
        pytest.param(Outcome(orders("ACCEPTING")), IN_PROGRESS, id="accepting"),
        pytest.param(Outcome(orders("SUCCESS", "PROCESSING")), IN_PROGRESS, id="one of two delivered"),
        pytest.param(Outcome(orders("ON_HOLD")), IN_PROGRESS, id="unknown status"),
        pytest.param(Outcome(orders("success")), IN_PROGRESS, id="lower case"),
        pytest.param(Outcome(orders(" SUCCESS")), IN_PROGRESS, id="a space"),
        pytest.param(Outcome(orders(None)), IN_PROGRESS, id="no status"),
        pytest.param(Outcome(orders("")), IN_PROGRESS, id="empty status"),
        pytest.param(Outcome(orders("FAIL")), DEAD_END, id="failed"),
        pytest.param(Outcome(orders("CANCELLED")), DEAD_END, id="cancelled"),
        pytest.param(Outcome(orders("DELETED")), DEAD_END, id="deleted"),
        pytest.param(Outcome(orders("PROCESSING", "FAIL")), DEAD_END, id="one of two failed"),
        pytest.param(Outcome(orders("SUCCESS", "FAIL")), DEAD_END, id="one delivered, one failed"),
        pytest.param(Outcome([]), DEAD_END, id="no orders"),
        pytest.param(Outcome(None), DEAD_END, id="nothing at all"),
        pytest.param(Outcome(None, failure=RETRYABLE), OUTAGE, id="outage"),
        pytest.param(Outcome(None, failure=FINAL), DEAD_END, id="refused"),
        pytest.param(Outcome(orders("SUCCESS"), failure=FINAL), DEAD_END, id="one delivered, one missing"),
        pytest.param(Outcome(orders("SUCCESS"), failure=RETRYABLE), OUTAGE, id="delivered, and an outage"),
        pytest.param(Outcome(orders("FAIL"), failure=RETRYABLE), DEAD_END, id="failed, and an outage"),
    ],
)
def test_orders(outcome: Outcome, expected: tuple[Decision, ...]) -> None:
    assert decisions(outcome) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Outcome(orders("SUCCESS"), sites("available")), OPENS, id="available"),
        pytest.param(Outcome(orders("SUCCESS", "SUCCESS"), sites("available", "available")), OPENS, id="all available"),
        pytest.param(Outcome(orders("SUCCESS"), sites("initial")), IN_PROGRESS, id="initial"),
        pytest.param(Outcome(orders("SUCCESS"), sites("deploying")), IN_PROGRESS, id="deploying"),
        pytest.param(Outcome(orders("SUCCESS"), sites("unavailable")), IN_PROGRESS, id="unavailable"),
        pytest.param(Outcome(orders("SUCCESS"), sites("AVAILABLE")), IN_PROGRESS, id="upper case"),
        pytest.param(Outcome(orders("SUCCESS"), sites(None)), IN_PROGRESS, id="no status"),
        pytest.param(
            Outcome(orders("SUCCESS", "SUCCESS"), sites("available", "deploying")), IN_PROGRESS, id="one of two"
        ),
        pytest.param(Outcome(orders("SUCCESS", "PROCESSING"), sites("available")), IN_PROGRESS, id="no delivery yet"),
        pytest.param(Outcome(orders("PROCESSING"), []), IN_PROGRESS, id="no site asked for"),
        pytest.param(Outcome(orders("SUCCESS"), []), IN_PROGRESS, id="the site is not in the answer"),
        pytest.param(Outcome(orders("SUCCESS"), None), IN_PROGRESS, id="the sites were never asked for"),
        pytest.param(
            Outcome([{**orders("SUCCESS")[0], "edge_site_id": None}], []), IN_PROGRESS, id="delivered without a site"
        ),
        pytest.param(
            Outcome([{**orders("SUCCESS")[0], "edge_site_id": ""}], []), IN_PROGRESS, id="delivered with an empty one"
        ),
        pytest.param(Outcome(orders("SUCCESS", "FAIL"), sites("available")), DEAD_END, id="another order failed"),
        pytest.param(Outcome(orders("SUCCESS"), failure=RETRYABLE), OUTAGE, id="outage of the sites"),
        pytest.param(Outcome(orders("SUCCESS"), failure=FINAL), DEAD_END, id="unknown site"),
        pytest.param(Outcome(orders("SUCCESS", "PROCESSING"), failure=FINAL), DEAD_END, id="unknown site of one"),
    ],
)
def test_orders_and_their_sites(outcome: Outcome, expected: tuple[Decision, ...]) -> None:
    assert decisions(outcome, waits_for_sites=True) == expected


def test_sites_do_not_count_unless_the_gate_waits_for_them() -> None:
    assert decisions(Outcome(orders("SUCCESS"), sites("deploying"))) == OPENS


def test_time_left_changes_nothing_about_continue() -> None:
    outcome = Outcome(orders("PROCESSING"))
    assert decide(outcome, waits_for_sites=False, has_time=True, may_continue=True) is WAIT


@pytest.mark.parametrize(
    ("status", "site", "known", "expected"),
    [
        ("SUCCESS", "s", None, True),
        ("PROCESSING", "s", None, False),
        ("FAIL", "s", None, False),
        ("SUCCESS", "s", {"s": "available"}, True),
        ("SUCCESS", "s", {"s": "deploying"}, False),
        ("SUCCESS", "s", {}, False),
        ("SUCCESS", None, {"s": "available"}, False),
        ("PROCESSING", "s", {"s": "available"}, False),
    ],
)
def test_an_order_that_needs_no_more_waiting(
    status: str, site: str | None, known: dict[str, str | None] | None, expected: bool
) -> None:
    assert is_done({"id": "a", "status": status, "edge_site_id": site}, known) is expected


STATUS = st.sampled_from([*STATUSES, "SUCCESS", "SUCCESS", "ON_HOLD", None])
SITE = st.sampled_from([*SITE_STATUSES, "available", "available", None])


@given(
    st.none() | st.lists(STATUS, max_size=3),
    st.none() | st.lists(SITE, max_size=3),
    st.sampled_from([None, None, RETRYABLE, FINAL]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_it_never_opens_before_all_are_delivered(
    statuses: list[str | None] | None,
    of_sites: list[str | None] | None,
    failure: CloudPondError | None,
    waits_for_sites: bool,
    has_time: bool,
    may_continue: bool,
) -> None:
    outcome = Outcome(
        None if statuses is None else orders(*statuses), None if of_sites is None else sites(*of_sites), failure
    )
    decision = decide(outcome, waits_for_sites=waits_for_sites, has_time=has_time, may_continue=may_continue)
    opens = (
        failure is None
        and bool(statuses)
        and set(statuses or ()) == {"SUCCESS"}
        and (not waits_for_sites or (of_sites or [])[: len(statuses or ())] == ["available"] * len(statuses or ()))
    )
    assert (decision is OPEN) is opens
    if decision is WAIT:
        assert has_time
    if decision is CONTINUE:
        assert may_continue
        assert failure is None
