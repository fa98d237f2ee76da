# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests signed with an access key, and the lock of keys that fail."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._request import Request
from ansible_collections.huaweicloud.cloudpond.tests.emulator._signature import Keys, is_signed, read_authorization
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    ACCESS_KEY,
    SECRET_KEY,
    TOKEN,
    FakeClock,
    Got,
    connect,
    exchange,
    get,
    list_path,
    order_path,
    sign,
)

HOST = "ies.example.com:8443"
NOW = 1_790_000_000
REFUSED = {
    "error_code": "APIGW.0301",
    "error_msg": "Incorrect IAM authentication information: verify aksk signature fail",
}


def date(offset: float = 0) -> str:
    """A date ``offset`` seconds after the emulator's wall clock."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW + offset))


def emulate(*orders: str, **options: Any) -> Emulator:
    return Emulator(orders or ["0000-a=SUCCESS"], wall_clock=lambda: NOW, **options)


def ask(
    emulator: Emulator,
    headers: dict[str, str],
    target: str | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Got:
    connection = connect(emulator.url)
    try:
        return exchange(connection, target or order_path(), method, headers, body)
    finally:
        connection.close()


def signed(target: str | None = None, **options: Any) -> dict[str, str]:
    return sign(target or order_path(), **{"host": HOST, "date": date(), **options})


def test_a_vector_that_was_made_by_the_vendor_s_signer() -> None:
    target = "/v2/00000000000000000000000000000000/delivery-orders?limit=10&status=ACCEPTING&status=SUCCESS"
    headers = {
        "Host": "ies.example.com:8443",
        "X-Sdk-Date": "20260921T141320Z",
        "X-Security-Token": "MIIF/+==",
        "Content-Type": "application/json",
        "Authorization": (
            "SDK-HMAC-SHA256 Access=emulator-access-key, SignedHeaders=content-type;host;x-sdk-date;x-security-token, "
            "Signature=f45194b96ab68bbabfbe3b21dc8407427779c64a0cec0d75163ff5677ac62f58"
        ),
    }
    with emulate(security_token="MIIF/+==") as emulator:
        assert ask(emulator, headers, target).status == 200


def test_signed_request_is_served() -> None:
    with emulate("0000-a=PROCESSING,SUCCESS") as emulator:
        shown = [ask(emulator, signed()).order["status"] for _time in range(2)]
        assert ask(emulator, signed(list_path()), list_path()).ids == ["0000-a"]
        recorded = emulator.requests
    assert shown == ["PROCESSING", "SUCCESS"]
    assert [request.failures_in_a_row for request in recorded] == [0, 0, 0]


def test_by_the_clock_of_the_machine() -> None:
    with Emulator(["0000-a=SUCCESS"]) as emulator:
        assert ask(emulator, sign(order_path(), HOST)).status == 200


def test_own_keys() -> None:
    keys = ("AK_1", "s/+=", "MIIF/+==")
    with emulate(access_key=keys[0], secret_key=keys[1], security_token=keys[2]) as emulator:
        assert ask(emulator, signed(keys=keys)).status == 200
        assert ask(emulator, signed()).status == 401


def test_token_is_good_beside_the_keys() -> None:
    with emulate() as emulator:
        assert get(emulator.url).status == 200
        assert get(emulator.url, headers={"X-Auth-Token": TOKEN, "Authorization": "Basic eDp5"}).status == 200
        # A signature is looked at first.
        assert ask(emulator, {**signed(date=date(-3600)), "X-Auth-Token": TOKEN}).status == 401
        assert ask(emulator, {**signed(), "X-Auth-Token": "wrong"}).status == 200


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (list_path("status=SUCCESS&limit=5"), None, "limit=5&status=SUCCESS"),
        (list_path("status=SUCCESS&status=FAIL"), None, "status=FAIL&status=SUCCESS"),
        (list_path("x"), None, "x="),
        (list_path("&x=1&&"), None, "x=1"),
        (list_path("x=a+b"), None, "x=a%20b"),
        (list_path("x=%7e%2F*"), None, "x=~%2F%2A"),
        (list_path("x=a=b"), None, "x=a%3Db"),
        (list_path("%C3%A4=%ff"), None, "%C3%A4=%FF"),
        # Before and after encoding, these sort differently.
        (list_path("a-b=1&a%C3%A9=2&aZ=3"), None, "a-b=1&aZ=3&a%C3%A9=2"),
        (f"{order_path()}?x=1", f"{order_path()}/", "x=1"),
        (f"http://{HOST}{order_path()}", f"{order_path()}/", ""),
        ("/v2/%30%30000000000000000000000000000000/delivery-orders/0000-a", f"{order_path()}/", ""),
    ],
)
def test_canonical_form(target: str, path: str | None, query: str) -> None:
    with emulate() as emulator:
        got = ask(emulator, signed(target, path=path, query=query), target)
    # Its path may be none of the API's all the same.
    assert got.status in (200, 400), got.json


def test_trimmed_repeated_and_other_headers() -> None:
    with emulate() as emulator:
        more = {"X-Text": "  two  words ", "X-Utf8": "\u00e4".encode().decode("latin-1")}
        headers = signed(more={**more, "X-Utf8": "\u00e4"})
        assert ask(emulator, {**headers, **more, "Accept": "*/*", "X_Unsigned": "1"}).status == 200


@pytest.mark.parametrize("offset", [-900, 900])
def test_date_within_a_quarter_of_an_hour(offset: int) -> None:
    with emulate() as emulator:
        assert ask(emulator, signed(date=date(offset))).status == 200


@pytest.mark.parametrize(
    "sent_date",
    [
        date(-901),
        date(901),
        date()[:-1],
        f"{date()}Z",
        "20269921T141320Z",
        "Mon, 21 Sep 2026 14:13:20 GMT",
    ],
)
def test_date_that_is_refused(sent_date: str) -> None:
    with emulate() as emulator:
        got = ask(emulator, signed(date=sent_date))
    assert (got.status, got.json) == (401, REFUSED)


def test_whatever_is_changed_after_signing_is_refused() -> None:
    target = list_path("limit=5&status=SUCCESS")
    more = {"X-Language": "en-us"}
    with emulate(security_token="temporary") as emulator:
        headers = signed(target, keys=(ACCESS_KEY, SECRET_KEY, "temporary"), more=more)
        assert ask(emulator, headers, target).status == 200
        for changed in (
            list_path("limit=6&status=SUCCESS"),
            list_path("limit=5&status=SUCCESS&status=FAIL"),
            list_path("limit=5"),
            order_path() + "?limit=5&status=SUCCESS",
            target.replace("0000", "1000", 1),
        ):
            assert ask(emulator, headers, changed).json == REFUSED
            # Else the key would soon be locked.
            assert ask(emulator, headers, target).status == 200
        for name, value in (
            ("Host", "127.0.0.1:8443"),
            ("X-Sdk-Date", date(1)),
            ("X-Language", "zh-cn"),
            ("X-Security-Token", "temporarz"),
            ("Authorization", headers["Authorization"].replace("Access=e", "Access=f")),
        ):
            assert ask(emulator, {**headers, name: value}, target).json == REFUSED
            assert ask(emulator, headers, target).status == 200
        for name in headers:
            assert ask(emulator, {key: headers[key] for key in headers if key != name}, target).status == 401
            assert ask(emulator, headers, target).status == 200
        assert ask(emulator, headers, target, body=b"{}").json == REFUSED


def test_body_is_signed() -> None:
    with emulate() as emulator:
        assert ask(emulator, signed(body=b"{}"), body=b"{}").status == 200
        assert ask(emulator, signed(body=b"{}"), body=b"[]").json == REFUSED
        assert ask(emulator, signed(body=b"{}")).json == REFUSED


@pytest.mark.parametrize(("method", "good"), [("GET", False), ("POST", True)])
def test_method_is_signed(method: str, good: bool) -> None:
    # No other method gets as far as here through the gateway.
    headers = {name.lower(): value for name, value in signed(method="POST").items()}
    authorization = read_authorization(headers["authorization"])
    assert authorization
    request = Request(method, order_path(), headers, b"", keep_alive=False)
    assert is_signed(request, authorization, Keys(ACCESS_KEY, SECRET_KEY, None), NOW) is good


def test_order_of_the_signed_headers_is_the_client_s() -> None:
    with emulate() as emulator:
        headers = signed(backwards=True)
        assert "x-sdk-date;host" in headers["Authorization"]
        assert ask(emulator, headers).status == 200


@pytest.mark.parametrize("left_out", ["host", "x-sdk-date", "x-security-token"])
def test_headers_that_must_be_signed(left_out: str) -> None:
    keys = (ACCESS_KEY, SECRET_KEY, "temporary")
    with emulate(security_token=keys[2]) as emulator:
        assert ask(emulator, signed(keys=keys, leave_out=["user-agent"])).status == 200
        assert ask(emulator, signed(keys=keys, leave_out=[left_out])).json == REFUSED


@pytest.mark.parametrize(("known", "sent"), [("temporary", None), (None, "temporary"), ("temporary", "other")])
def test_security_token_must_be_the_key_s(known: str | None, sent: str | None) -> None:
    with emulate(security_token=known) as emulator:
        assert ask(emulator, signed(keys=(ACCESS_KEY, SECRET_KEY, sent))).json == REFUSED


@pytest.mark.parametrize("keys", [(ACCESS_KEY, "wrong", None), ("unknown", SECRET_KEY, None)])
def test_wrong_keys(keys: tuple[str, str, str | None]) -> None:
    with emulate() as emulator:
        assert ask(emulator, signed(keys=keys)).json == REFUSED
        assert ask(emulator, signed(keys=keys), order_path("unknown")).status == 401
        assert [request.failures_in_a_row for request in emulator.requests] == [1, 2]


def test_header_with_an_underscore_can_not_be_signed() -> None:
    with emulate() as emulator:
        assert ask(emulator, signed(more={"X_Text": "1"})).json == REFUSED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SDK-HMAC-SHA256", "SDK-HMAC-SM3"),
        ("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256"),
        ("SDK-HMAC-SHA256 ", "Bearer "),
        ("Access=", "Credential="),
        (", SignedHeaders=", ",SignedHeaders="),
        ("host;", "Host;"),
        ("host;x-sdk-date", "x-sdk-date;host"),
        ("host;x-sdk-date", "host;x-sdk-date;x-missing"),
        ("SignedHeaders=host;x-sdk-date", "SignedHeaders="),
        (", Signature=", ", Signature=0"),
        (", Signature=", ", "),
    ],
)
def test_authorization_of_another_form(old: str, new: str) -> None:
    with emulate() as emulator:
        headers = signed()
        assert old in headers["Authorization"]
        headers["Authorization"] = headers["Authorization"].replace(old, new)
        got = ask(emulator, headers)
        assert (got.status, got.json) == (401, REFUSED)


def test_authorization_with_more_than_a_signature() -> None:
    with emulate() as emulator:
        headers = signed()
        headers["Authorization"] += ", Scope=ies"
        assert ask(emulator, headers).json == REFUSED


def test_refused_signature_is_no_poll() -> None:
    with emulate("0000-a=PROCESSING,SUCCESS") as emulator:
        ask(emulator, signed(keys=(ACCESS_KEY, "wrong", None)))
        assert ask(emulator, signed()).order["status"] == "PROCESSING"


def test_key_that_fails_more_than_five_times_in_a_row_is_locked() -> None:
    clock = FakeClock()
    bad = signed(keys=(ACCESS_KEY, "wrong", None))
    with emulate(clock=clock) as emulator:
        assert [ask(emulator, bad).json for _time in range(6)] == [REFUSED] * 6
        locked = ask(emulator, signed())
        assert locked.status == 401
        assert locked.json["error_code"] == "APIGW.0301"
        assert locked.json["error_msg"] == "Incorrect IAM authentication information: the access key is locked"
        # Neither another key nor a token suffers from it.
        assert get(emulator.url).status == 200
        assert ask(emulator, signed(keys=("other", "wrong", None))).json == REFUSED
        clock.now += 299.9
        assert ask(emulator, bad).json == locked.json
        clock.now += 0.1
        assert ask(emulator, bad).json == REFUSED
        assert ask(emulator, signed()).status == 200
        counted = [request.failures_in_a_row for request in emulator.requests]
    assert counted == [1, 2, 3, 4, 5, 6, 6, None, 1, 6, 1, 0]


def test_good_signature_begins_the_count_anew() -> None:
    bad = signed(keys=(ACCESS_KEY, "wrong", None))
    with emulate() as emulator:
        for _time in range(2):
            for _failure in range(5):
                assert ask(emulator, bad).status == 401
            assert ask(emulator, signed()).status == 200
        counted = [request.failures_in_a_row for request in emulator.requests]
    assert counted == [1, 2, 3, 4, 5, 0] * 2


def test_request_that_names_no_key_counts_for_none() -> None:
    with emulate() as emulator:
        for _time in range(7):
            assert ask(emulator, {"Authorization": "SDK-HMAC-SHA256"}).status == 401
        assert ask(emulator, signed()).status == 200
        assert [request.failures_in_a_row for request in emulator.requests] == [None] * 7 + [0]


def test_echo_repeats_what_was_sent() -> None:
    keys = (ACCESS_KEY, SECRET_KEY, "temporary")
    with emulate("0000-a=echo", security_token=keys[2], listing="echo:500") as emulator:
        headers = signed(keys=keys)
        got = ask(emulator, headers)
        listed = ask(emulator, signed(list_path(), keys=keys), list_path())
    assert got.status == 401
    assert got.headers["X-Echo"] == f"{headers['Authorization']} temporary"
    assert got.headers["X-Echo"] in got.json["error_msg"]
    assert listed.status == 500
    assert "temporary" in listed.json["error_msg"]


def test_neither_journal_nor_log_has_a_credential() -> None:
    lines: list[str] = []
    keys = (ACCESS_KEY, SECRET_KEY, "temporary")
    with emulate("0000-a=echo", security_token=keys[2], log=lines.append) as emulator:
        headers = signed(keys=keys)
        ask(emulator, headers)
        journal = get(emulator.url, path="/emulator/requests", headers={}).body.decode()
    for text in (journal, *lines):
        for secret in (ACCESS_KEY, SECRET_KEY, "temporary", headers["Authorization"][-64:]):
            assert secret not in text
