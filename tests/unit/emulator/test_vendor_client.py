# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own Python SDK is served by the emulator, so that it stands for the real service.

The SDK has edge sites, but no delivery orders; its generic client, of which all its services' clients are made, asks
for these.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from huaweicloudsdkcloudpond.v1 import CloudPondClient, ListEdgeSitesRequest, ShowEdgeSiteRequest
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

from .client import SITES, get

DOMAIN_ID = "0123456789abcdef0123456789abcdef"
Keys = tuple[str, str]
KEYS = ("vendor-access-key", "vendor/secret+key==")
SECURITY_TOKEN = "gQpjbi1ub3J0aC0/+=="
LIST = "/v2/{domain_id}/delivery-orders"

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def emulate(*orders: str, **options: Any) -> Emulator:
    return Emulator(orders, domain_id=DOMAIN_ID, access_key=KEYS[0], secret_key=KEYS[1], **options)


class Body:
    """The model, as the SDK calls it, of an answer's whole JSON body."""

    openapi_types: ClassVar = {"body": "object"}
    attribute_map: ClassVar = {"body": "body"}

    def __init__(self, body: Any) -> None:
        self.body = body


class VendorClient:
    """The SDK's client for an account."""

    def __init__(self, emulator: Emulator, security_token: str | None = None, keys: Keys = KEYS) -> None:
        credentials = GlobalCredentials(*keys, DOMAIN_ID)
        if security_token is not None:
            credentials.with_security_token(security_token)
        builder = ClientBuilder(Client, GlobalCredentials.__name__).with_credentials(credentials)
        self._client = builder.with_endpoint(emulator.url).build()

    def ask(self, url: str, **options: Any) -> Any:
        """The body of the answer; raises ClientRequestException for a 4xx."""
        formats = {"status": "multi"}
        return self._client.do_http_request("GET", url, response_type=Body, collection_formats=formats, **options).body

    def show(self, order_id: str = "0000-a", **options: Any) -> Any:
        path = {"delivery_order_id": order_id}
        return self.ask(LIST + "/{delivery_order_id}", path_params=path, **options)["delivery_order"]


@pytest.mark.parametrize("security_token", [None, SECURITY_TOKEN])
def test_an_order_is_shown_to_the_vendors_client(security_token: str | None) -> None:
    with emulate("0000-a=PROCESSING,SUCCESS", security_token=security_token) as emulator:
        client = VendorClient(emulator, security_token=security_token)
        shown = [client.show() for _time in range(2)]
        assert [(order["id"], order["status"]) for order in shown] == [("0000-a", "PROCESSING"), ("0000-a", "SUCCESS")]
        assert [request.failures_in_a_row for request in emulator.requests] == [0, 0]
        with pytest.raises(ClientRequestException) as caught:
            client.show("unknown")
    assert (caught.value.status_code, caught.value.error_code) == (404, "IES.00001008")
    assert len(caught.value.request_id) == 32


def test_orders_are_listed_to_the_vendors_client() -> None:
    with emulate("a=SUCCESS", "b=FAIL", "c=ACCEPTING", "d=SUCCESS") as emulator:
        client = VendorClient(emulator)
        query = [("status", ["SUCCESS", "ACCEPTING"]), ("limit", 2)]
        first = client.ask(LIST, query_params=query)
        second = client.ask(LIST, query_params=[*query, ("marker", first["page_info"]["next_marker"])])
        assert emulator.requests[-1].path.endswith("?limit=2&marker=c&status=ACCEPTING&status=SUCCESS")
    assert [order["id"] for page in (first, second) for order in page["delivery_orders"]] == ["a", "c", "d"]
    assert "next_marker" not in second["page_info"]


@pytest.mark.parametrize(
    ("security_token", "keys"),
    [(SECURITY_TOKEN, (KEYS[0], "wrong")), (SECURITY_TOKEN, ("unknown", KEYS[1])), ("another", KEYS), (None, KEYS)],
)
def test_a_wrong_key_is_refused(security_token: str | None, keys: Keys) -> None:
    with emulate("0000-a=SUCCESS", security_token=SECURITY_TOKEN) as emulator:
        client = VendorClient(emulator, security_token, keys)
        with pytest.raises(ClientRequestException, match="verify aksk signature fail"):
            client.show()
        assert emulator.requests[0].failures_in_a_row == 1


def sites_client(emulator: Emulator) -> Any:
    credentials = GlobalCredentials(*KEYS, DOMAIN_ID)
    return CloudPondClient.new_builder().with_credentials(credentials).with_endpoint(emulator.url).build()


def test_a_site_is_shown_to_the_vendors_client() -> None:
    with emulate(edge_sites=["site-a=deploying,available"]) as emulator:
        client = sites_client(emulator)
        shown = [client.show_edge_site(ShowEdgeSiteRequest(site_id="site-a")).edge_site for _time in range(2)]
        path = SITES.replace("0" * 32, DOMAIN_ID)
        ours = get(emulator.url, f"{path}/site-a").json["edge_site"]
        with pytest.raises(ClientRequestException, match="The edge site does not exist"):
            client.show_edge_site(ShowEdgeSiteRequest(site_id="nowhere"))
    assert [str(site.status).strip('"') for site in shown] == ["deploying", "available"]
    # Each key is one that the vendor's model knows, and the other way round.
    assert set(shown[0].attribute_map.values()) == set(ours)
    assert set(shown[0].location.attribute_map.values()) == set(ours["location"])


def test_sites_are_listed_to_the_vendors_client() -> None:
    with emulate(edge_sites=["b=available", "a=initial", "c=available"]) as emulator:
        client = sites_client(emulator)
        request = ListEdgeSitesRequest(limit=1, status=["available", "deploying"], sort_key=["id"], sort_dir=["desc"])
        first = client.list_edge_sites(request)
        request.marker = first.page_info.next_marker
        second = client.list_edge_sites(request)
        assert emulator.requests[-1].failures_in_a_row == 0
    assert [site.id for page in (first, second) for site in page.edge_sites] == ["c", "b"]
