# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.filter.delivery_order_report import FilterModule
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import STATUSES

report = FilterModule().filters()["delivery_order_report"]

#: What each advice is known by.
ADVICE = (
    BAD := "will not be delivered",
    ACCEPTING := "must accept the delivery in the CloudPond console",
    RETRYABLE := "Waiting may help",
    TOKEN := "Renew the token before",
    KEY := "off by more than 15 minutes",
    EITHER := "Renew the token, or check the access key",
    LOCK := "the vendor locks a key",
    FORBIDDEN := "scoped to the domain and not to a project",
    GATEWAY := "partner clouds have their own",
    MISSING := "Check the IDs, and domain_id",
    OTHER := "Correct this",
    SKIPPED := "Check the conditions of the task",
    UNKNOWN := "does not count as delivered",
    WAITING := "asks again for what is in progress",
    WAITED := "Still in progress after 61 s: run the play again",
    DELIVERED := "the gate is open",
    NOTHING := "There is no delivery order",
)


def order(number: int, status: str | None, **more: t.Any) -> dict[str, t.Any]:
    ids = {"id": f"0-{number}", "name": f"site-{number}", "edge_site_id": f"e-{number}"}
    return {**ids, "status": status, "updated_at": "2026-01-04T07:05:14Z", **more}


def result(*orders: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "failed": False, "listed": False, "delivery_orders": list(orders), **more}


def failed(
    http_status: int | None, retryable: bool = False, msg: str = "Cannot query it: no", code: str | None = None
) -> dict[str, t.Any]:
    error = {"http_status": http_status, "retryable": retryable, "code": code}
    return {"changed": False, "failed": True, "msg": msg, "error": error}


def gate(*orders: dict[str, t.Any], sites: dict[str, str | None] | None = None, **more: t.Any) -> dict[str, t.Any]:
    """A result of the gate. The sites are statuses by their IDs."""
    entries = {} if sites is None else {"edge_sites": [{"id": each, "status": sites[each]} for each in sites]}
    return {"changed": False, "open": False, "elapsed": 61, "msg": "m", "delivery_orders": [*orders], **entries, **more}


#: As the gateway says it.
WRONG_TOKEN = "Cannot query it: HTTP 401, APIGW.0301: Incorrect IAM authentication information: "


def loop(*items: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"changed": False, "msg": "All items completed", "results": list(items)}


def test_a_line_an_order_the_bad_ones_first_then_what_to_do() -> None:
    statuses = ("SUCCESS", "PROCESSING", "FAIL", "NEW_STATUS", "CANCELLED")
    orders = [order(number, status) for number, status in enumerate(statuses, start=1)]
    expected = [
        f"site-{number} (0-{number}) has {status} since 2026-01-04T07:05:14Z, edge site e-{number}."
        for number, status in {
            3: "been FAIL",
            5: "been CANCELLED",
            2: "been PROCESSING",
            4: 'had the unknown status "NEW_STATUS"',
            1: "been SUCCESS",
        }.items()
    ]
    for value in (orders, result(*orders, listed=True), loop(*map(result, orders))):
        *lines, advice = report(value).splitlines()
        assert lines == expected
        assert advice.startswith("An order that is FAIL, CANCELLED or DELETED will")


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ([order(1, "SUCCESS"), order(2, "PROCESSING")], {WAITING}),
        ([order(1, " SUCCESS "), order(2, "SUCCESS")], {UNKNOWN}),
        ([order(1, None), order(2, "PROCESSING")], {WAITING, UNKNOWN}),
        ([order(1, "PROCESSING"), order(2, "ACCEPTING")], {WAITING, ACCEPTING}),
        ([order(1, "DELETED"), order(2, "ACCEPTING"), order(3, "PROCESSING")], {BAD, ACCEPTING}),
        (result(listed=True), {NOTHING}),
        ([], {NOTHING}),
        (loop(), {NOTHING}),
        # Whether asking again makes sense is for the module to say.
        (failed(401, True), {RETRYABLE}),
        (failed(503, True, code="APIGW.0101"), {RETRYABLE}),
        (failed(401, msg=f"{WRONG_TOKEN}decrypt token fail"), {TOKEN, LOCK}),
        (failed(401, msg=f"{WRONG_TOKEN}verify aksk signature fail"), {KEY, LOCK}),
        (failed(401), {EITHER, LOCK}),
        (failed(403, code="APIGW.0302"), {FORBIDDEN}),
        (failed(404, code="IES.00001008"), {MISSING}),
        (failed(404, code="APIGW.0101"), {GATEWAY}),
        (failed(400), {OTHER}),
        ({"failed": True, "msg": "missing required arguments: domain_id"}, {OTHER}),
        (loop(failed(401), failed(404), failed(403), failed(401)), {EITHER, LOCK, MISSING, FORBIDDEN}),
        (loop({"changed": False, "skipped": True}), {SKIPPED}),
        (loop(failed(503, True), result(order(1, "PROCESSING"))), {RETRYABLE}),
        (loop(failed(503, True), result(order(1, "ACCEPTING"), order(2, "NEW"))), {RETRYABLE, ACCEPTING, UNKNOWN}),
        (loop(failed(503, True), result(order(1, "FAIL"))), {BAD}),
        # Some orders are missing, and others were found.
        ({**failed(404), "delivery_orders": [order(1, "SUCCESS")], "missing": ["x"]}, {MISSING}),
        ({**failed(404), "delivery_orders": [order(1, "FAIL")], "missing": ["x"]}, {BAD, MISSING}),
        ({**failed(404), "delivery_orders": [order(1, "ACCEPTING")], "missing": ["x"]}, {MISSING, ACCEPTING}),
        # The gate waits for the sites, too.
        (gate(order(1, "SUCCESS")), {DELIVERED}),
        (gate(order(1, "SUCCESS"), sites={"e-1": "available"}), {DELIVERED}),
        (gate(order(1, "SUCCESS"), sites={"e-1": "unavailable"}), {WAITED}),
        (gate(order(1, "SUCCESS", edge_site_id=None), sites={}), {WAITED}),
        (gate(order(1, "SUCCESS"), order(2, "SUCCESS"), sites={"e-1": "available", "e-2": "initial"}), {WAITED}),
        (gate(order(1, "SUCCESS"), order(2, "FAIL"), sites={"e-1": "deploying"}), {BAD}),
    ],
)
def test_the_last_line_says_what_to_do(value: t.Any, advice: set[str]) -> None:
    assert {each for each in ADVICE if each in report(value).splitlines()[-1]} == advice


def test_each_order_has_its_site_s_status_if_the_gate_waits_for_sites() -> None:
    value = gate(order(1, "SUCCESS"), order(2, "PROCESSING"), sites={"e-1": "deploying"})
    assert report(value).splitlines()[:2] == [
        "site-2 (0-2) has been PROCESSING since 2026-01-04T07:05:14Z, edge site e-2.",
        "site-1 (0-1) has been SUCCESS since 2026-01-04T07:05:14Z, edge site e-1 deploying.",
    ]
    assert f'edge site e-1 "{HARMLESS}".\n' in report(gate(order(1, "SUCCESS"), sites={"e-1": HOSTILE}))


def test_failed_queries_stand_between_orders_that_failed_and_others() -> None:
    found = [order(1, "SUCCESS"), order(2, "PROCESSING"), order(3, "FAIL")]
    missing = {**failed(404), "delivery_orders": found, "missing": ["x"]}
    for value in (missing, loop(result(found[0]), failed(503, True), *map(result, found[1:]))):
        starts = [line.partition(" ")[0] for line in report(value).splitlines()]
        assert starts == ["site-3", "Cannot", "site-2", "site-1", "An"]


def test_a_failed_query_has_its_message_in_one_line() -> None:
    assert report(failed(404, msg="MODULE FAILURE\n\tSee \x1bstdout\r\n")) == f"MODULE FAILURE See ?stdout.\n{MISSING}."
    # The message of a gate is a report already.
    message = f"Cannot query x: HTTP 404.\n{MISSING}"
    assert report(gate(order(1, "SUCCESS"), failed=True, msg=message, error=failed(404)["error"])) == message


@pytest.mark.parametrize("end", ["", ".", "...", ". "])
def test_no_line_ends_in_two_full_stops(end: str) -> None:
    assert report(failed(404, msg=f"param is invalid{end}")).startswith("param is invalid.\n")
    site = f'"e{end.rstrip()}"' if end else "e"
    assert f"edge site {site}.\n" in report(order(1, "FAIL", edge_site_id=f"e{end}"))


@pytest.mark.parametrize("nothing", [None, "  "])
def test_fields_that_the_api_left_out(nothing: str | None) -> None:
    line = report(order(1, "ACCEPTING", name=nothing, updated_at=nothing, edge_site_id=nothing)).splitlines()[0]
    assert line == "Delivery order 0-1 is ACCEPTING, no edge site."
    line = report(order(1, nothing, id=nothing)).splitlines()[0]
    assert line == "site-1 (no ID) has had no status since 2026-01-04T07:05:14Z, edge site e-1."
    line = report(order(1, " SUCCESS", updated_at=nothing)).splitlines()[0]
    assert line == 'site-1 (0-1) has the unknown status " SUCCESS", edge site e-1.'
    assert report({"status": "SUCCESS"}).startswith("A delivery order without an ID is SUCCESS, no edge site.\n")


HOSTILE = "\x1b[31mred\r\nfake\x00\x7f\u202eabc\u200f\u2066\u2028\u2029\x85x 机柜 7"
HARMLESS = "?[31mred??fake???abc?????x 机柜 7"


def test_a_name_is_cut_and_ids_and_messages_are_not() -> None:
    name, order_id = "(" * 65, "i" * 250
    text = report(order(1, "FAIL", name=name, id=order_id, edge_site_id=order_id))
    assert text.startswith(f'"{"(" * 64}..." ({order_id}) has been FAIL')
    assert f", edge site {order_id}.\n" in text
    # A message names every order that is missing.
    assert f"Cannot query {order_id * 20}: no." in report(failed(404, msg=f"Cannot query {order_id * 20}: no"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Rack_7-b 2.0", "Rack_7-b 2.0"),
        ("Cafe\u0301 \u0928\u0908 \u0926\u093f\u0932\u094d", "Cafe\u0301 \u0928\u0908 \u0926\u093f\u0932\u094d"),
        ("\u673a\u67dc\u30007\xa0b", "\u673a\u67dc 7 b"),
        (" two  spaces ", "two spaces"),
        ("All is well. Go on", '"All is well. Go on"'),
        ("rack 9 (0-9) is FAIL".ljust(200) + "rack 7 (0-7)", '"rack 9 (0-9) is FAIL rack 7 (0-7)"'),
        ('"a\\', '"\\"a\\\\"'),
        # Letters and symbols that look like a space.
        ("a\u3164\uffa0\u115f\u1160\u2800b", '"a?????b"'),
        (HOSTILE, f'"{HARMLESS}"'),
    ],
)
def test_a_value_that_could_be_mistaken_for_more_is_quoted(name: str, shown: str) -> None:
    assert report(order(1, "FAIL", name=name)).startswith(f"{shown} (0-1) has been FAIL since 2026-01-04T07:05:14Z, ")
    assert f", edge site {shown}.\n" in report(order(1, "FAIL", edge_site_id=name))
    assert report(order(1, "FAIL", id=name)).startswith(f"site-1 ({shown}) has been FAIL")


def test_an_unknown_status_and_a_time_that_is_none_are_quoted() -> None:
    line = report(order(1, HOSTILE, updated_at="yesterday")).splitlines()[0]
    assert line == f'site-1 (0-1) has had the unknown status "{HARMLESS}" since "yesterday", edge site e-1.'
    assert " has been FAIL since 2026-01-04T07:05:14.123+08:00, edge" in report(
        order(1, "FAIL", updated_at="2026-01-04T07:05:14.123+08:00")
    )


def test_a_line_comes_once() -> None:
    skipped = {"changed": False, "skipped": True}
    assert report(loop(skipped, skipped)).startswith("The query was skipped.\nCheck ")


@pytest.mark.parametrize("value", ["SUCCESS", {}, ["SUCCESS"], {"id": "1"}])
def test_anything_else_is_an_error(value: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"huaweicloud.cloudpond.delivery_order_report takes .* was given "):
        report(value)


TEXTS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["a.", "..", ". .", "x\n..\n"]))
ORDERS = st.fixed_dictionaries(
    {"status": st.one_of(st.sampled_from(STATUSES), TEXTS)},
    optional=dict.fromkeys(("id", "name", "updated_at", "edge_site_id"), TEXTS),
)
RESULTS = st.one_of(
    st.lists(ORDERS).map(lambda orders: result(*orders)),
    st.builds(failed, st.sampled_from([None, 401, 404, 500]), st.booleans(), st.text(max_size=20)),
)


@given(st.one_of(ORDERS, st.lists(ORDERS), RESULTS, st.lists(RESULTS).map(lambda items: loop(*items))))
def test_any_report_is_printable_lines_that_end_in_one_full_stop(value: t.Any) -> None:
    for line in report(value).split("\n"):
        assert line.isprintable()
        assert re.fullmatch(r".*[^.\s]\.|\.", line)
