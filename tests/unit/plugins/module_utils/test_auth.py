# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import time
import typing as t
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._auth import SignatureAuth, TokenAuth
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError

#: What UTF-8 can encode: surrogates can't be sent, nor can requests prepare them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HEADER_VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
HOST = st.sampled_from(["ies.myhuaweicloud.com", "IES.Example.Com", "127.0.0.1", "[::1]", "xn--bcher-kva.example"])
PORT = st.sampled_from(["", ":443", ":80", ":8443", ":1"])
METHOD = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
QUERY = st.lists(
    st.tuples(TEXT | st.sampled_from(["status", "a", "limit"]), TEXT | st.sampled_from(["", "+", "%20", "~", "/"])),
    max_size=6,
)


def sign_as_the_vendor_does(request: requests.PreparedRequest, access_key: str, secret_key: str) -> str:
    """Return what the vendor's signer makes of a request whose headers have been added already."""
    url = urlsplit(str(request.url))
    signed = {"host", "x-sdk-date", "x-security-token", "x-language", "x-domain-id"}
    sdk_request = SdkRequest(
        method=str(request.method),
        schema=url.scheme,
        host=request.headers["Host"],
        resource_path=url.path,
        query_params=parse_qsl(url.query, keep_blank_values=True),
        header_params={name: value for name, value in request.headers.items() if name.lower() in signed},
        body=request.body or b"",
    )
    Signer(GlobalCredentials(access_key, secret_key)).sign(sdk_request)
    authorization: str = sdk_request.header_params["Authorization"]
    return authorization


@given(
    method=METHOD,
    scheme=st.sampled_from(["http", "https"]),
    host=HOST,
    port=PORT,
    path=st.lists(TEXT, max_size=5),
    query=QUERY,
    access_key=HEADER_VALUE,
    secret_key=HEADER_VALUE,
    security_token=st.none() | HEADER_VALUE,
    body=st.none() | st.binary(max_size=30),
    domain_id=st.none() | HEADER_VALUE,
)
def test_signatures_are_those_of_the_vendors_signer(
    method: str,
    scheme: str,
    host: str,
    port: str,
    path: list[str],
    query: list[tuple[str, str]],
    access_key: str,
    secret_key: str,
    security_token: str | None,
    body: bytes | None,
    domain_id: str | None,
) -> None:
    # requests would take these for the beginning of a query or of a fragment.
    segments = "/".join(segment.replace("?", "%3F").replace("#", "%23") for segment in path)
    headers = {"X-Language": "en-us", "Accept": "*/*", **({"X-Domain-Id": domain_id} if domain_id else {})}
    request = requests.Request(
        method, f"{scheme}://{host}{port}/{segments}", params=query, data=body, headers=headers
    ).prepare()
    SignatureAuth(access_key, secret_key, security_token)(request)
    assert request.headers["Authorization"] == sign_as_the_vendor_does(request, access_key, secret_key)


def prepared(url: str) -> requests.PreparedRequest:
    return requests.Request("GET", url).prepare()


def signed_headers(request: requests.PreparedRequest) -> list[str]:
    match = re.search(r"SignedHeaders=([^,]+), ", request.headers["Authorization"])
    assert match
    return match[1].split(";")


def test_what_is_signed() -> None:
    headers = {"X-Under_Score": "x", "X-Language": "en-us", "Accept": "*/*"}
    request = SignatureAuth("AK", "SK", "ST")(requests.Request("GET", "https://host/", headers=headers).prepare())
    assert signed_headers(request) == ["host", "x-language", "x-sdk-date", "x-security-token"]
    assert request.headers["Authorization"].startswith("SDK-HMAC-SHA256 Access=AK, SignedHeaders=")
    assert request.headers["X-Security-Token"] == "ST"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://host:443/", "host"),
        ("http://host:80/", "host"),
        ("https://host:80/", "host:80"),
        ("https://[::1]:443/", "[::1]"),
        ("https://[::1]/", "[::1]"),
        ("https://user:password@host:8443/", "host:8443"),
    ],
)
def test_the_port_is_part_of_the_host_unless_it_is_the_default(url: str, host: str) -> None:
    assert SignatureAuth("AK", "SK")(prepared(url)).headers["Host"] == host


def test_each_call_dates_and_signs_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = SignatureAuth("AK", "SK")
    request = prepared("https://host/")
    authorizations = []
    for now in (0, 1_800_000_000):
        monkeypatch.setattr("time.gmtime", lambda now=now: time.struct_time(time.localtime(now)))
        authorizations.append(auth(request).headers["Authorization"])
    assert len(set(authorizations)) == 2
    assert signed_headers(request).count("x-sdk-date") == 1


def test_a_key_is_known_by_its_public_part() -> None:
    auth = SignatureAuth("AK", "SK", "ST")
    assert auth.secrets == ("SK", "ST")
    # The vendor locks an access key, whatever its secret.
    assert auth.identity == "AK"


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("wrong", ["", "a b", "a\nb", "ä"])
def test_keys_that_cannot_be_headers(place: int, wrong: str) -> None:
    keys: list[t.Any] = ["AK", "SK", "ST"]
    keys[place] = wrong
    name = ("access_key", "secret_key", "security_token")[place]
    with pytest.raises(CloudPondError, match=f": {name} must be one line of visible ASCII") as caught:
        SignatureAuth(*keys)
    assert not wrong or wrong not in str(caught.value)


def test_a_token_that_cannot_be_a_header() -> None:
    with pytest.raises(CloudPondError) as caught:
        TokenAuth("a b")
    assert str(caught.value) == (
        "Cannot query the CloudPond API: auth_token must be one line of visible ASCII characters without spaces (look "
        "for a line break at its end, or a variable that came out empty)"
    )


def test_an_empty_value_is_part_of_the_signature() -> None:
    def signature(query: str) -> str:
        return SignatureAuth("AK", "SK")(prepared(f"https://host/?{query}")).headers["Authorization"]

    assert signature(urlencode({"a": ""})) != signature("")
