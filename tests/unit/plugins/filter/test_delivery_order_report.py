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

BAD = (
    "An order that is FAIL, CANCELLED or DELETED will not be delivered: look it up in the CloudPond console, and put "
    "the ID of the order that replaces it into the inventory."
)
ACCEPTING = "ACCEPTING means that the customer must accept the delivery in the CloudPond console."
RETRYABLE = "Waiting may help: query again when the API answers."
TOKEN = (
    "Renew the token before another query: the vendor locks a key that is refused more than five times in a row. "
    "A token expires after 24 hours."
)
KEY = (
    "Check the clock of the host that runs the query, which must not be off by more than 15 minutes, and the access "
    "key and its secret before another query: the vendor locks a key that is refused more than five times in a row."
)
EITHER = (
    "Renew the token, or check the access key, its secret and the clock of the host before another query: the vendor "
    "locks a key that is refused more than five times in a row."
)
FORBIDDEN = (
    "Check that domain_id is the ID of the account, that a token is scoped to the domain and not to a project, the "
    "permissions of the user, and endpoint."
)
GATEWAY = "Check endpoint: partner clouds have their own. Check domain_id and the permissions of the user, too."
MISSING = "Check the IDs, and domain_id."
OTHER = "Correct this before another query."
SKIPPED = "Check the conditions of the task that queries the orders."
UNKNOWN = "An order without a known status does not count as delivered: look it up in the CloudPond console."
WAITING = "The next query asks again for what is in progress."
WAITED = "Still in progress after 61 s: run the play again, or raise wait_timeout."
DELIVERED = "Every order is delivered: the gate is open."
NOTHING = "There is no delivery order: check the IDs, the status filter, and domain_id."


def order(number: int, status: str | None, **more: t.Any) -> dict[str, t.Any]:
    return {
        "id": f"0-{number}",
        "name": f"site-{number}",
        "status": status,
        "updated_at": "2026-01-04T07:05:14Z",
        "edge_site_id": f"e-{number}",
        **more,
    }


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
    orders = [
        order(1, "SUCCESS"),
        order(2, "PROCESSING"),
        order(3, "FAIL"),
        order(4, "NEW_STATUS"),
        order(5, "CANCELLED"),
        order(6, "SUCCESS"),
    ]
    expected = [
        "site-3 (0-3) has been FAIL since 2026-01-04T07:05:14Z, edge site e-3.",
        "site-5 (0-5) has been CANCELLED since 2026-01-04T07:05:14Z, edge site e-5.",
        "site-2 (0-2) has been PROCESSING since 2026-01-04T07:05:14Z, edge site e-2.",
        'site-4 (0-4) has had the unknown status "NEW_STATUS" since 2026-01-04T07:05:14Z, edge site e-4.',
        "site-1 (0-1) has been SUCCESS since 2026-01-04T07:05:14Z, edge site e-1.",
        "site-6 (0-6) has been SUCCESS since 2026-01-04T07:05:14Z, edge site e-6.",
        f"{BAD} {UNKNOWN}",
    ]
    for value in (orders, result(*orders), result(*orders, listed=True), loop(*map(result, orders))):
        assert report(value).splitlines() == expected
    assert report(orders[2]).splitlines() == [expected[0], BAD]


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ([order(1, "SUCCESS"), order(2, "SUCCESS")], DELIVERED),
        ([order(1, "SUCCESS"), order(2, "PROCESSING")], WAITING),
        ([order(1, None)], UNKNOWN),
        ([order(1, " SUCCESS "), order(2, "SUCCESS")], UNKNOWN),
        ([order(1, "NEW"), order(2, "PROCESSING")], f"{WAITING} {UNKNOWN}"),
        (loop(failed(503, True), result(order(1, "NEW"))), f"{RETRYABLE} {UNKNOWN}"),
        ([order(1, "PROCESSING"), order(2, "ACCEPTING")], f"{WAITING} {ACCEPTING}"),
        ([order(1, "FAIL"), order(2, "PROCESSING")], BAD),
        ([order(1, "DELETED"), order(2, "ACCEPTING")], f"{BAD} {ACCEPTING}"),
        (result(), NOTHING),
        (result(listed=True), NOTHING),
        ([], NOTHING),
        (loop(), NOTHING),
        (failed(503, True), RETRYABLE),
        (failed(None, True), RETRYABLE),
        # Whether asking again makes sense is for the module to say.
        (failed(401, True), RETRYABLE),
        (failed(401, msg=f"{WRONG_TOKEN}decrypt token fail"), TOKEN),
        (failed(401, msg=f"{WRONG_TOKEN}token expires"), TOKEN),
        (failed(401, msg=f"{WRONG_TOKEN}token not found"), TOKEN),
        (failed(401, msg=f"{WRONG_TOKEN}verify aksk signature fail"), KEY),
        (failed(401), EITHER),
        (failed(403), FORBIDDEN),
        (failed(403, code="APIGW.0302"), FORBIDDEN),
        (failed(404), MISSING),
        (failed(404, code="IES.00001008"), MISSING),
        (failed(404, code="APIGW.0101"), GATEWAY),
        (failed(400, code="APIGW.0201"), OTHER),
        (failed(503, True, code="APIGW.0101"), RETRYABLE),
        (failed(400), OTHER),
        (failed(None), OTHER),
        ({"failed": True, "msg": "missing required arguments: domain_id"}, OTHER),
        ({"unreachable": True, "msg": "no route"}, OTHER),
        ({"changed": False, "skipped": True}, SKIPPED),
        (loop(failed(401), failed(404), failed(403), failed(401)), f"{EITHER} {MISSING} {FORBIDDEN}"),
        (loop(failed(503, True), failed(404)), MISSING),
        (loop(failed(503, True), result(order(1, "PROCESSING"))), RETRYABLE),
        (loop(failed(503, True), result(order(1, "ACCEPTING"))), f"{RETRYABLE} {ACCEPTING}"),
        (loop(failed(503, True), result(order(1, "FAIL"))), BAD),
        (loop(failed(404), result(order(1, "FAIL"))), f"{BAD} {MISSING}"),
        # Some orders are missing, and others were found.
        ({**failed(404), "delivery_orders": [order(1, "SUCCESS")], "missing": ["x"]}, MISSING),
        ({**failed(404), "delivery_orders": [order(1, "FAIL")], "missing": ["x"]}, f"{BAD} {MISSING}"),
        ({**failed(404), "delivery_orders": [order(1, "ACCEPTING")], "missing": ["x"]}, f"{MISSING} {ACCEPTING}"),
        ({**failed(404), "delivery_orders": [], "missing": ["x"]}, MISSING),
        # The gate waits for the sites, too.
        (gate(order(1, "SUCCESS")), DELIVERED),
        (gate(order(1, "SUCCESS"), sites={"e-1": "available"}), DELIVERED),
        (gate(order(1, "SUCCESS"), sites={"e-1": "deploying"}), WAITED),
        (gate(order(1, "SUCCESS"), sites={"e-1": "unavailable"}), WAITED),
        (gate(order(1, "SUCCESS"), sites={"e-1": None}), WAITED),
        (gate(order(1, "SUCCESS"), sites={}), WAITED),
        (gate(order(1, "SUCCESS", edge_site_id=None), sites={}), WAITED),
        (gate(order(1, "SUCCESS"), order(2, "SUCCESS"), sites={"e-1": "available", "e-2": "initial"}), WAITED),
        (gate(order(1, "SUCCESS"), order(2, "PROCESSING"), sites={"e-1": "available"}), WAITED),
        (gate(order(1, "SUCCESS"), order(2, "FAIL"), sites={"e-1": "deploying"}), BAD),
        # A gate that was given wrong arguments.
        ({"changed": False, "open": False, "elapsed": 0, "failed": True, "msg": "a loop is refused"}, OTHER),
    ],
)
def test_what_to_do(value: t.Any, advice: str) -> None:
    assert report(value).splitlines()[-1] == advice


def test_each_order_has_its_site_s_status_if_the_gate_waits_for_sites() -> None:
    value = gate(order(1, "SUCCESS"), order(2, "PROCESSING"), sites={"e-1": "deploying"})
    assert report(value).splitlines()[:2] == [
        "site-2 (0-2) has been PROCESSING since 2026-01-04T07:05:14Z, edge site e-2.",
        "site-1 (0-1) has been SUCCESS since 2026-01-04T07:05:14Z, edge site e-1 deploying.",
    ]
    assert f'edge site e-1 "{HARMLESS}".\n' in report(gate(order(1, "SUCCESS"), sites={"e-1": HOSTILE}))


def test_orders_that_were_found_stand_beside_the_missing_ones() -> None:
    found = [order(1, "SUCCESS"), order(2, "PROCESSING"), order(3, "FAIL")]
    value = {**failed(404, msg="Cannot query x: HTTP 404"), "delivery_orders": found, "missing": ["x"]}
    starts = [line.partition(" ")[0] for line in report(value).splitlines()]
    assert starts == ["site-3", "Cannot", "site-2", "site-1", "An"]


def test_the_message_of_a_gate_is_not_reported_twice() -> None:
    message = f"Cannot query x: HTTP 404.\n{MISSING}"
    assert report(gate(order(1, "SUCCESS"), failed=True, msg=message, error=failed(404)["error"])) == message


def test_a_failed_query_has_its_message() -> None:
    assert report(failed(404, msg="Cannot query x: HTTP 404")) == f"Cannot query x: HTTP 404.\n{MISSING}"
    value = loop(
        result(order(1, "SUCCESS")), failed(503, True), result(order(2, "FAIL")), result(order(3, "ACCEPTING"))
    )
    starts = [line.partition(" ")[0] for line in report(value).splitlines()]
    assert starts == ["site-2", "Cannot", "site-3", "site-1", "An"]


@pytest.mark.parametrize("end", ["", ".", "..", "...", ". ", " ."])
def test_no_line_ends_in_two_full_stops(end: str) -> None:
    assert report(failed(404, msg=f"param is invalid{end}")).startswith("param is invalid.\n")
    site = f'"e{end.rstrip()}"' if end else "e"
    assert f"edge site {site}.\n" in report(order(1, "FAIL", edge_site_id=f"e{end}"))
    assert report(failed(404, msg="no (request ID 7f3c)")).startswith("no (request ID 7f3c).\n")


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_fields_that_the_api_left_out(nothing: str | None) -> None:
    line = report(order(1, "ACCEPTING", name=nothing, updated_at=nothing, edge_site_id=nothing)).splitlines()[0]
    assert line == "Delivery order 0-1 is ACCEPTING, no edge site."
    line = report(order(1, nothing, id=nothing)).splitlines()[0]
    assert line == "site-1 (no ID) has had no status since 2026-01-04T07:05:14Z, edge site e-1."


@pytest.mark.parametrize("status", [" SUCCESS ", "success", "SUCCESS.", "NEW STATUS"])
def test_an_unknown_status_is_quoted(status: str) -> None:
    line = report(order(1, status)).splitlines()[0]
    assert line.startswith(f'site-1 (0-1) has had the unknown status "{status}" since ')
    line = report(order(1, status, updated_at=None, edge_site_id=None)).splitlines()[0]
    assert line == f'site-1 (0-1) has the unknown status "{status}", no edge site.'


def test_an_order_may_have_no_more_than_a_status() -> None:
    assert report({"status": "SUCCESS"}) == f"A delivery order without an ID is SUCCESS, no edge site.\n{DELIVERED}"


HOSTILE = "\x1b[31mred\r\nfake\x00\x7f\u202eabc\u200f\u2066\u2028\u2029\x85x 机柜 7"
HARMLESS = "?[31mred??fake???abc?????x 机柜 7"


@pytest.mark.parametrize("field", ["id", "name", "status", "updated_at", "edge_site_id"])
def test_what_the_server_says_is_made_harmless(field: str) -> None:
    text = report([{**order(1, "PROCESSING"), field: HOSTILE}])
    assert HARMLESS in text
    assert len(text.split("\n")) == 2
    assert all(char.isprintable() for char in text.replace("\n", ""))


def test_a_message_of_several_lines_is_one() -> None:
    assert report({"failed": True, "msg": "MODULE FAILURE\n\tSee \x1bstdout\r\n"}).splitlines() == [
        "MODULE FAILURE See ?stdout.",
        OTHER,
    ]


def test_values_are_cut_and_messages_are_not() -> None:
    """A message names every order that is missing."""
    assert report(order(1, "FAIL", name="n" * 5000)).startswith(f"{'n' * 64}... (0-1) has been FAIL")
    ids = " and ".join(f"delivery order '{number:036}'" for number in range(200))
    assert f"Cannot query {ids}: no." in report(failed(404, msg=f"Cannot query {ids}: no"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Rack_7-b 2.0", "Rack_7-b 2.0"),
        (
            "Cafe\u0301 \u0928\u0908 \u0926\u093f\u0932\u094d\u0932\u0940",
            "Cafe\u0301 \u0928\u0908 \u0926\u093f\u0932\u094d\u0932\u0940",
        ),
        ("\u673a\u67dc\u30007\xa0b", "\u673a\u67dc 7 b"),
        ("All is well. Go on", '"All is well. Go on"'),
        ("\u673a\u67dc 7", "\u673a\u67dc 7"),
        (" two  spaces ", "two spaces"),
        ("rack 7 (0-7) is SUCCESS since 2026", '"rack 7 (0-7) is SUCCESS since 2026"'),
        ("rack 9 (0-9) is FAIL".ljust(200) + "rack 7 (0-7)", '"rack 9 (0-9) is FAIL rack 7 (0-7)"'),
        ('"a\\', '"\\"a\\\\"'),
        # Letters and symbols that look like a space.
        ("a" + "\u3164\uffa0\u115f\u1160\u2800" + "b", '"a?????b"'),
    ],
)
def test_a_value_that_could_be_mistaken_for_more_is_quoted(name: str, shown: str) -> None:
    assert report(order(1, "FAIL", name=name)).startswith(f"{shown} (0-1) has been FAIL since 2026-01-04T07:05:14Z, ")
    assert f", edge site {shown}.\n" in report(order(1, "FAIL", edge_site_id=name))
    assert report(order(1, "FAIL", id=name)).startswith(f"site-1 ({shown}) has been FAIL")


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-01-04T07:05:14.123+08:00", "2026-01-04T07:05:14.123+08:00"),
        ("yesterday", '"yesterday"'),
        ("2026-01-04. Go on", '"2026-01-04. Go on"'),
    ],
)
def test_a_time_that_is_none_is_quoted(time: str, shown: str) -> None:
    assert f" has been FAIL since {shown}, edge" in report(order(1, "FAIL", updated_at=time))


def test_a_name_is_cut_and_an_id_is_whole() -> None:
    name, order_id = "(" * 65, "i" * 250
    text = report(order(1, "FAIL", name=name, id=order_id, edge_site_id=order_id))
    assert text.startswith(f'"{"(" * 64}..." ({order_id}) has been FAIL')
    assert f", edge site {order_id}.\n" in text


def test_a_line_comes_once() -> None:
    skipped = {"changed": False, "skipped": True}
    assert report(loop(skipped, skipped)).splitlines() == ["The query was skipped.", SKIPPED]


@pytest.mark.parametrize("value", ["SUCCESS", None, {}, ["SUCCESS"], {"id": "1"}, iter([])])
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
