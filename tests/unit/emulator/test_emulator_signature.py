# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures are those of the vendor's signer, and keys that fail are locked."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._auth import Authenticator, Keys
from ansible_collections.huaweicloud.cloudpond.tests.emulator._request import Request

from .client import ORDER, TOKEN, FakeClock, get

KEYS = Keys("AK_1", "secret/+==", "MIIF/+==")
#: Of the date in HEADERS, in Unix seconds.
NOW = 1_790_000_000
HEADERS = {"host": "ies.example.com:8443", "x-sdk-date": "20260921T141320Z", "x-security-token": "MIIF/+=="}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


def sign(headers: dict[str, str], **parts: Any) -> dict[str, str]:
    """The headers with what the vendor's signer makes of the request: all of them are signed."""
    request = SdkRequest(
        **{"method": "GET", "schema": "https", "resource_path": ORDER, "query_params": [], "body": b"", **parts},
        host=headers["host"],
        header_params=dict(headers),
    )
    Signer(GlobalCredentials(KEYS.access_key, KEYS.secret_key)).sign(request)
    return {**headers, "authorization": request.header_params["Authorization"], "x-uri": request.uri}


def judge(
    headers: dict[str, str], target: str = ORDER, method: str = "GET", body: bytes = b"", late: int = 0
) -> tuple[bool, Any]:
    """Whether the signature is refused, and the failures of its key in a row."""
    authenticator = Authenticator(TOKEN, KEYS, FakeClock(), lambda: NOW + late)
    refusal, failures = authenticator.check(Request(method, target, headers, body, keep_alive=False))
    return refusal is not None, failures


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
    path=st.lists(TEXT, max_size=3),
    query=st.lists(st.tuples(TEXT | st.sampled_from(["a", "status"]), TEXT | st.just("+~%20")), max_size=4),
    language=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=10),
    body=st.binary(max_size=10),
)
def test_whatever_the_vendor_signs_is_taken(
    method: str, path: list[str], query: list[tuple[str, str]], language: str, body: bytes
) -> None:
    headers, url = {**HEADERS, "x-language": language}, "/v2/" + "/".join(quote(part, safe="") for part in path)
    signed = sign(headers, method=method, resource_path=url, query_params=query, body=body)
    target = signed.pop("x-uri")
    assert judge(signed, target, method, body) == (False, 0)
    assert judge(signed, target + "x", method, body) == (True, 1)
    assert judge(signed, target, method, body + b"x") == (True, 1)
    assert judge(signed, target, "PUT", body) == (True, 1)
    assert judge({**signed, "x-language": language + "x"}, target, method, body) == (True, 1)


@pytest.mark.parametrize(("late", "refused"), [(-901, True), (-900, False), (900, False), (901, True)])
def test_a_date_may_be_a_quarter_of_an_hour_off(late: int, refused: bool) -> None:
    assert judge(sign(HEADERS), late=late)[0] is refused


def test_a_security_token_must_be_signed() -> None:
    signed = sign({name: HEADERS[name] for name in ("host", "x-sdk-date")})
    assert judge({**signed, "x-security-token": HEADERS["x-security-token"]}) == (True, 1)


@pytest.mark.parametrize("left_out", HEADERS)
def test_a_header_that_was_signed_must_be_sent(left_out: str) -> None:
    signed = sign(HEADERS)
    assert judge({name: value for name, value in signed.items() if name != left_out}) == (True, 1)


@pytest.mark.parametrize(
    ("old", "new"), [("SHA256", "SM3"), ("Access=", "Credential="), ("host;", "Host;"), (",", ", ")]
)
def test_an_authorization_of_another_form_is_refused(old: str, new: str) -> None:
    signed = sign(HEADERS)
    assert judge(signed) == (False, 0)
    assert judge({**signed, "authorization": signed["authorization"].replace(old, new)})[0]


def test_a_key_that_fails_more_than_five_times_in_a_row_is_locked() -> None:
    clock = FakeClock()
    good = sign(HEADERS)
    bad = {**good, "x-sdk-date": "20260921T141321Z"}
    other = {**bad, "authorization": bad["authorization"].replace("AK_1", "AK_2")}
    with Emulator(["0000-a=SUCCESS"], clock=clock, wall_clock=lambda: NOW, **vars(KEYS)) as emulator:

        def ask(headers: dict[str, str]) -> str:
            got = get(emulator.url, headers=headers)
            return "ok" if got.status == 200 else got.json["error_msg"].rpartition(": ")[2]

        refused, locked = "verify aksk signature fail", "the access key is locked"
        # A success begins the count anew.
        assert [ask(each) for each in [bad] * 5 + [good] + [bad] * 6] == [refused] * 5 + ["ok"] + [refused] * 6
        # Neither another key nor a token suffers from it.
        assert [ask(good), ask(other), ask({"X-Auth-Token": TOKEN})] == [locked, refused, "ok"]
        clock.now += 299.9
        assert ask(bad) == locked
        clock.now += 0.1
        assert [ask(bad), ask(good)] == [refused, "ok"]
        counted = [request.failures_in_a_row for request in emulator.requests]
    assert counted == [1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 6, 6, 1, None, 6, 1, 0]
