# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

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
HOST = st.sampled_from(["ies.myhuaweicloud.com", "IES.Example.Com", "127.0.0.1", "[::1]"])
PORT = st.sampled_from(["", ":443", ":80", ":8443", ":1"])
QUERY = st.lists(
    st.tuples(TEXT | st.sampled_from(["status", "a", "limit"]), TEXT | st.sampled_from(["", "+", "%20", "~", "/"])),
    max_size=6,
)
#: Of a key and a temporary one.
KEYS = st.lists(HEADER_VALUE, min_size=2, max_size=3)


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


@given(st.sampled_from(["http", "https"]), HOST, PORT, st.lists(TEXT, max_size=5), QUERY, KEYS, HEADER_VALUE)
def test_signatures_are_those_of_the_vendors_signer(
    scheme: str, host: str, port: str, path: list[str], query: list[tuple[str, str]], keys: list[str], domain_id: str
) -> None:
    # requests would take these for the beginning of a query or of a fragment.
    segments = "/".join(segment.replace("?", "%3F").replace("#", "%23") for segment in path)
    headers = {"X-Language": "en-us", "Accept": "*/*", "X-Domain-Id": domain_id}
    request = requests.Request("GET", f"{scheme}://{host}{port}/{segments}", params=query, headers=headers).prepare()
    SignatureAuth(*keys)(request)
    assert request.headers["Authorization"] == sign_as_the_vendor_does(request, *keys[:2])


def prepared(url: str) -> requests.PreparedRequest:
    return requests.Request("GET", url).prepare()


def test_what_is_signed() -> None:
    headers = {"X-Under_Score": "x", "X-Language": "en-us", "Accept": "*/*"}
    request = SignatureAuth("AK", "SK", "ST")(requests.Request("GET", "https://host/", headers=headers).prepare())
    signed = "host;x-language;x-sdk-date;x-security-token"
    start = f"SDK-HMAC-SHA256 Access=AK, SignedHeaders={signed}, Signature="
    assert request.headers["Authorization"].startswith(start)
    assert request.headers["X-Security-Token"] == "ST"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://host:443/", "host"),
        ("http://host:80/", "host"),
        ("https://host:80/", "host:80"),
        ("https://[::1]:443/", "[::1]"),
        ("https://user:password@host:8443/", "host:8443"),
    ],
)
def test_the_port_is_part_of_the_host_unless_it_is_the_default(url: str, host: str) -> None:
    assert SignatureAuth("AK", "SK")(prepared(url)).headers["Host"] == host


def test_a_key_is_known_by_its_public_part() -> None:
    auth = SignatureAuth("AK", "SK", "ST")
    assert auth.secrets == ("SK", "ST")
    # The vendor locks an access key, whatever its secret.
    assert auth.identity == "AK"


@pytest.mark.parametrize("wrong", ["", "a b", "a\nb", "a\r", "a\0", "\u00e4"])
@pytest.mark.parametrize("name", ["access_key", "secret_key", "security_token"])
def test_keys_that_cannot_be_headers(name: str, wrong: str) -> None:
    keys = {"access_key": "AK", "secret_key": "SK", "security_token": "ST", name: wrong}
    with pytest.raises(CloudPondError, match=f": {name} must be one line of visible ASCII") as caught:
        SignatureAuth(**keys)
    assert not wrong or wrong not in str(caught.value)


def test_a_token_that_cannot_be_a_header() -> None:
    with pytest.raises(CloudPondError) as caught:
        TokenAuth("a b")
    assert str(caught.value) == (
        "Cannot query the CloudPond API: auth_token must be one line of visible ASCII characters without spaces (look "
        "for a line break at its end, or a variable that came out empty)"
    )
