# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own Python SDK is served by the emulator, so that the emulator's check of signatures is the real one.

The SDK has no delivery orders; its generic client, which all of its services' clients are made of, does the requests.
"""

from __future__ import annotations

import time
from typing import Any, Callable, ClassVar

import pytest
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_handler import HttpHandler

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

DOMAIN_ID = "0123456789abcdef0123456789abcdef"
ACCESS_KEY = "vendor-access-key"
SECRET_KEY = "vendor/secret+key=="
SECURITY_TOKEN = "gQpjbi1ub3J0aC0/+=="
LIST = "/v2/{domain_id}/delivery-orders"
SHOW = LIST + "/{delivery_order_id}"

# The SDK's own business.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

Tamper = Callable[[Any], None]


def emulator_with_keys(*orders: str, security_token: str | None = None) -> Emulator:
    return Emulator(
        orders, domain_id=DOMAIN_ID, access_key=ACCESS_KEY, secret_key=SECRET_KEY, security_token=security_token
    )


class Body:
    """The model, as the SDK calls it, of an answer's whole JSON body."""

    openapi_types: ClassVar = {"body": "object"}
    attribute_map: ClassVar = {"body": "body"}

    def __init__(self, body: Any) -> None:
        self.body = body


class VendorClient:
    """The SDK's client for an account. ``tamper`` may change each of its requests between the signing and the wire."""

    def __init__(
        self,
        emulator: Emulator,
        *,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
        security_token: str | None = None,
        tamper: Tamper = lambda request: None,
    ) -> None:
        credentials = GlobalCredentials(access_key, secret_key, DOMAIN_ID)
        if security_token is not None:
            credentials.with_security_token(security_token)
        handler = HttpHandler().add_request_handler(lambda request, **other: tamper(request))
        self._client = (
            ClientBuilder(Client, GlobalCredentials.__name__)
            .with_credentials(credentials)
            .with_http_handler(handler)
            .with_endpoint(emulator.url)
            .build()
        )

    def show(self, order_id: str, **options: Any) -> Any:
        """The order that the SDK got; raises its ClientRequestException for a 4xx."""
        path = {"delivery_order_id": order_id}
        response = self._client.do_http_request("GET", SHOW, path_params=path, response_type=Body, **options)
        return response.body["delivery_order"]

    def list(self, *query: tuple[str, object]) -> Any:
        """The body of a page; a list as a value is sent as a repeated key."""
        formats = {"status": "multi"}
        response = self._client.do_http_request(
            "GET", LIST, query_params=list(query), response_type=Body, collection_formats=formats
        )
        return response.body


@pytest.fixture(params=[None, SECURITY_TOKEN], ids=["permanent", "temporary"])
def security_token(request: pytest.FixtureRequest) -> str | None:
    token: str | None = request.param
    return token


def refused(emulator: Emulator, error: ClientRequestException) -> bool:
    """Was it the signature that was refused, by a gateway that has counted it?"""
    assert error.error_code == "APIGW.0301"
    assert error.error_msg.endswith("verify aksk signature fail")
    return bool(error.status_code == 401 and emulator.requests[-1].failures_in_a_row == 1)


def test_show(security_token: str | None) -> None:
    with emulator_with_keys("0000-a=PROCESSING,SUCCESS", security_token=security_token) as emulator:
        client = VendorClient(emulator, security_token=security_token)
        shown = [client.show("0000-a") for _time in range(2)]
        recorded = emulator.requests
    assert [order["id"] for order in shown] == ["0000-a", "0000-a"]
    assert [order["status"] for order in shown] == ["PROCESSING", "SUCCESS"]
    assert [request.failures_in_a_row for request in recorded] == [0, 0]
    assert all("huaweicloud-usdk-python" in str(request.user_agent) for request in recorded)


def test_list(security_token: str | None) -> None:
    orders = [f"0000-{number}={status}" for number, status in enumerate(("SUCCESS", "FAIL", "ACCEPTING", "SUCCESS"))]
    with emulator_with_keys(*orders, security_token=security_token) as emulator:
        client = VendorClient(emulator, security_token=security_token)
        assert [order["id"] for order in client.list()["delivery_orders"]] == ["0000-0", "0000-1", "0000-2", "0000-3"]
        status = ("status", ["SUCCESS", "ACCEPTING"])
        first = client.list(status, ("limit", 2))
        second = client.list(status, ("marker", first["page_info"]["next_marker"]), ("limit", 2))
        path = emulator.requests[-1].path
    assert [order["id"] for order in first["delivery_orders"]] == ["0000-0", "0000-2"]
    assert [order["id"] for order in second["delivery_orders"]] == ["0000-3"]
    assert "next_marker" not in second["page_info"]
    assert path.endswith("?limit=2&marker=0000-2&status=ACCEPTING&status=SUCCESS")


def test_headers_and_query_that_need_care() -> None:
    with emulator_with_keys("0000-a=SUCCESS") as emulator:
        headers = {"X-Language": "en-us", "X-Text": "  \u00e4 b ", "X_Left_Out": "1"}
        query = [("x y", "a+b/c~*"), ("x", "\u00e4&="), ("X", ""), ("x", "2"), ("x", "10")]
        assert VendorClient(emulator).show("0000-a", header_params=headers, query_params=query)["status"] == "SUCCESS"


def test_path_that_needs_care() -> None:
    with emulator_with_keys() as emulator, pytest.raises(ClientRequestException) as caught:
        VendorClient(emulator).show("\u00e4 b~+%2F")
    # Not for its signature, but as an ID that can't be.
    assert (caught.value.status_code, caught.value.error_code) == (400, "IES.00001005")


def test_error_is_understood_by_the_sdk() -> None:
    with emulator_with_keys() as emulator, pytest.raises(ClientRequestException) as caught:
        VendorClient(emulator).show("unknown")
    assert (caught.value.status_code, caught.value.error_code) == (404, "IES.00001008")
    assert len(caught.value.request_id) == 32


def change_path(request: Any) -> None:
    request.uri = request.uri.replace("0000-a", "0000-b")


def change_query(request: Any) -> None:
    request.uri += "?limit=1"


def change_body(request: Any) -> None:
    request.body = "{}"


def change_header(request: Any) -> None:
    request.header_params["X-Domain-Id"] = "0"


def change_host(request: Any) -> None:
    request.header_params["Host"] = "ies.example.com"


def change_date(request: Any) -> None:
    request.header_params["X-Sdk-Date"] = utc(-60)


def change_security_token(request: Any) -> None:
    request.header_params["X-Security-Token"] = "another"


def drop_security_token(request: Any) -> None:
    del request.header_params["X-Security-Token"]


@pytest.mark.parametrize(
    "tamper",
    [
        change_path,
        change_query,
        change_body,
        change_header,
        change_host,
        change_date,
        change_security_token,
        drop_security_token,
    ],
)
def test_request_changed_after_signing_is_refused(tamper: Tamper) -> None:
    with emulator_with_keys("0000-a=SUCCESS", "0000-b=SUCCESS", security_token=SECURITY_TOKEN) as emulator:
        with pytest.raises(ClientRequestException) as caught:
            VendorClient(emulator, security_token=SECURITY_TOKEN, tamper=tamper).show("0000-a")
        assert refused(emulator, caught.value)


def utc(offset: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + offset))


@pytest.mark.parametrize("minutes", [-16, 16])
def test_date_that_is_16_minutes_off_is_refused(minutes: int) -> None:
    with emulator_with_keys("0000-a=SUCCESS") as emulator:
        with pytest.raises(ClientRequestException) as caught:
            VendorClient(emulator).show("0000-a", header_params={"X-Sdk-Date": utc(60 * minutes)})
        assert refused(emulator, caught.value)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_date_that_is_14_minutes_off_is_taken(minutes: int) -> None:
    with emulator_with_keys("0000-a=SUCCESS") as emulator:
        assert VendorClient(emulator).show("0000-a", header_params={"X-Sdk-Date": utc(60 * minutes)})


@pytest.mark.parametrize(
    "options",
    [
        {"secret_key": "wrong"},
        {"access_key": "unknown"},
        {"security_token": "not-the-key-s"},
    ],
)
def test_wrong_key_is_refused(options: dict[str, str]) -> None:
    with emulator_with_keys("0000-a=SUCCESS") as emulator:
        with pytest.raises(ClientRequestException) as caught:
            VendorClient(emulator, **options).show("0000-a")  # type: ignore[arg-type]  # of several types
        assert refused(emulator, caught.value)


def test_temporary_key_without_its_security_token_is_refused() -> None:
    with emulator_with_keys("0000-a=SUCCESS", security_token=SECURITY_TOKEN) as emulator:
        with pytest.raises(ClientRequestException) as caught:
            VendorClient(emulator).show("0000-a")
        assert refused(emulator, caught.value)
