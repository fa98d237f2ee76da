# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edge sites: their lives, their listing, and the vendor's own client for them."""

from __future__ import annotations

from typing import Any

import pytest
from huaweicloudsdkcloudpond.v1 import CloudPondClient, ListEdgeSitesRequest, ShowEdgeSiteRequest
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._sites import parse_site
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    ACCESS_KEY,
    DOMAIN_ID,
    SECRET_KEY,
    FakeClock,
    Got,
    get,
)

# The SDK's own business.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

PATH = f"/v1/{DOMAIN_ID}/edge-sites"


def ask(emulator: Emulator, rest: str = "") -> Got:
    return get(emulator.url, path=PATH + rest)


def ids(got: Got) -> list[str]:
    return [site["id"] for site in got.json["edge_sites"]]


def vendor_client(emulator: Emulator) -> Any:
    credentials = GlobalCredentials(ACCESS_KEY, SECRET_KEY, DOMAIN_ID)
    return CloudPondClient.new_builder().with_credentials(credentials).with_endpoint(emulator.url).build()


def test_a_site_lives_by_polls_and_by_seconds() -> None:
    clock = FakeClock()
    with Emulator(edge_sites=["site-a=initial,deploying@60,available,unavailable"], clock=clock) as emulator:
        statuses = [ask(emulator, "/site-a").json["edge_site"]["status"] for _time in range(3)]
        clock.now += 60
        statuses += [ask(emulator, "/site-a").json["edge_site"]["status"] for _time in range(3)]
        recorded = emulator.requests[0]
    assert statuses == ["initial", "deploying", "deploying", "available", "unavailable", "unavailable"]
    assert (recorded.edge_site_id, recorded.delivery_order_id) == ("site-a", None)


def test_a_fault_of_a_site_is_that_of_an_order() -> None:
    with Emulator(["site-a=SUCCESS"], edge_sites=["site-a=http:503,other-order,available"]) as emulator:
        statuses = [ask(emulator, "/site-a") for _time in range(3)]
    assert [got.status for got in statuses] == [503, 200, 200]
    assert [got.json["edge_site"]["id"] for got in statuses[1:]] == ["other-site-a", "site-a"]


def test_an_unknown_site() -> None:
    with Emulator(["site-a=SUCCESS"]) as emulator:
        got = ask(emulator, "/site-a")
    assert (got.status, got.json["error_msg"]) == (404, "The edge site does not exist.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["b", "a", "c"]),
        ("?status=available", ["b", "c"]),
        ("?status=available&status=initial", ["b", "a", "c"]),
        ("?id=c&id=b", ["b", "c"]),
        ("?name=nothing", []),
        ("?sort_key=id", ["a", "b", "c"]),
        ("?sort_key=id&sort_dir=desc", ["c", "b", "a"]),
        ("?sort_key=status&sort_key=id&sort_dir=desc&sort_dir=desc", ["a", "c", "b"]),
        ("?sort_key=id&marker=a", ["b", "c"]),
        ("?enterprise_project_id=0&limit=2", ["b", "a"]),
    ],
)
def test_the_listing(query: str, found: list[str]) -> None:
    with Emulator(edge_sites=["b=available", "a=initial", "c=available"]) as emulator:
        # A life begins at the first poll.
        ask(emulator)
        assert ids(ask(emulator, query)) == found


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=2001", "?sort_key=location", "?sort_key=id&sort_dir=up", "?name="]
)
def test_queries_that_are_refused(query: str) -> None:
    with Emulator(edge_sites=["a=available"]) as emulator:
        assert ask(emulator, query).status == 400


def test_the_listing_has_a_life_of_its_own() -> None:
    with Emulator(["a=SUCCESS"], edge_sites=["a=available"], site_listing="http:503,ok") as emulator:
        assert [ask(emulator).status for _time in range(2)] == [503, 200]
        assert get(emulator.url, path=f"/v2/{DOMAIN_ID}/delivery-orders").status == 200


@pytest.mark.parametrize("text", ["a", "a=", "a=ready", "a b=available", "a={1..2}", "{3..1}=available"])
def test_what_is_no_site(text: str) -> None:
    with pytest.raises(ValueError, match=r"site|step|range|ID"):
        parse_site(text)


def test_a_range_stands_for_many() -> None:
    assert [plan.id for plan in parse_site("s-{08..10}=available")] == ["s-08", "s-09", "s-10"]


def test_the_vendor_s_client_shows_a_site() -> None:
    with Emulator(edge_sites=["site-a=deploying,available"]) as emulator:
        client = vendor_client(emulator)
        request = ShowEdgeSiteRequest(site_id="site-a")
        shown = [client.show_edge_site(request).edge_site for _time in range(2)]
        ours = ask(emulator, "/site-a").json["edge_site"]
        with pytest.raises(ClientRequestException) as caught:
            client.show_edge_site(ShowEdgeSiteRequest(site_id="nowhere"))
    assert [str(site.status).strip('"') for site in shown] == ["deploying", "available"]
    # Each key is one that the vendor's model knows, and the other way round.
    assert set(shown[0].attribute_map.values()) == set(ours)
    assert set(shown[0].location.attribute_map.values()) == set(ours["location"])
    assert caught.value.status_code == 404


def test_the_vendor_s_client_lists_sites() -> None:
    with Emulator(edge_sites=["b=available", "a=initial", "c=available"]) as emulator:
        client = vendor_client(emulator)
        request = ListEdgeSitesRequest(limit=1, status=["available", "deploying"], sort_key=["id"], sort_dir=["desc"])
        first = client.list_edge_sites(request)
        request.marker = first.page_info.next_marker
        second = client.list_edge_sites(request)
        assert emulator.requests[-1].failures_in_a_row == 0
    assert [site.id for page in (first, second) for site in page.edge_sites] == ["c", "b"]
