# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._edge_sites import query_edge_sites
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import SITE_FIELDS

from ...conftest import DOMAIN_ID, Emulate
from .test_client import make_client, ok, serve

PATH = f"/v1/{DOMAIN_ID}/edge-sites"


def query(url: str, **options: t.Any) -> dict[str, t.Any]:
    with make_client(url) as client:
        return query_edge_sites(client, options)


def ids(result: dict[str, t.Any]) -> list[str]:
    return [site["id"] for site in result["edge_sites"]]


def test_one_site_has_every_key(emulate: Emulate) -> None:
    emulator = emulate(edge_sites=["a=available"])
    result = query(emulator.url, edge_site_id="a")
    assert (result["listed"], result["edge_sites"]) == (False, [result["edge_site"]])
    assert set(result["edge_site"]) == set(SITE_FIELDS)
    assert result["edge_site"]["status"] == "available"
    assert [request.path for request in emulator.requests] == [f"{PATH}/a"]


def test_keys_that_the_api_leaves_out_are_null_and_others_are_kept() -> None:
    site = {"id": "a", "location": {"city": "X", "floor": 3}, "racks": [1]}
    with serve(ok(json.dumps({"edge_site": site}).encode())) as url:
        shown = query(url, edge_site_id="a")["edge_site"]
    location = t.cast("dict[str, t.Any]", SITE_FIELDS["location"])
    assert shown == {
        **dict.fromkeys(SITE_FIELDS),
        "id": "a",
        "racks": [1],
        "location": {**dict.fromkeys(location), "city": "X", "floor": 3},
    }


@pytest.mark.parametrize(
    ("site", "reason"),
    [
        ({"id": "b"}, "the answer is about another site, 'b'"),
        ({"id": "a", "status": 1}, "the status of the edge site in the answer is not a string"),
        ({"id": "a", "location": "X"}, "the location of the edge site in the answer is not an object"),
        ({"id": "a", "location": {"city": []}}, "the city of the edge site in the answer is not a string"),
        (None, "the answer has no edge site in it"),
    ],
)
def test_answers_that_are_refused(site: t.Any, reason: str) -> None:
    with serve(ok(json.dumps({"edge_site": site}).encode())) as url:
        with pytest.raises(CloudPondError, match=reason) as caught:
            query(url, edge_site_id="a")
    assert not caught.value.retryable


def test_many_sites_are_listed_first(emulate: Emulate) -> None:
    emulator = emulate(edge_sites=["s-{01..30}=available"])
    wanted = [f"s-{number:02}" for number in range(25, 0, -1)]
    assert ids(query(emulator.url, edge_site_ids=wanted)) == wanted
    assert [request.path for request in emulator.requests] == [f"{PATH}?limit=2000"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["a", "b", "c"]),
        ({"status": ["available", "unavailable"]}, ["a", "c"]),
        ({"status": [], "name": []}, ["a", "b", "c"]),
    ],
)
def test_a_listing(emulate: Emulate, filters: dict[str, list[str]], found: list[str]) -> None:
    emulator = emulate(edge_sites=["a=available", "b=initial", "c=unavailable"])
    result = query(emulator.url, **filters, page_size=2)
    assert (result["listed"], ids(result)) == (True, found)


def test_a_listing_by_name(emulate: Emulate) -> None:
    emulator = emulate(edge_sites=["a=available", "b=initial"])
    name = query(emulator.url, edge_site_id="b")["edge_site"]["name"]
    assert ids(query(emulator.url, name=[name])) == ["b"]
    assert emulator.requests[-1].path == f"{PATH}?limit=100&name={name}"


def test_an_empty_name_is_refused(emulate: Emulate) -> None:
    emulator = emulate(edge_sites=["a=available"])
    reason = "Cannot query the edge sites: a name must not be empty: leave name out to query all sites"
    with pytest.raises(CloudPondError, match=f"^{reason}$"):
        query(emulator.url, name=["x", ""])
    assert emulator.requests == []
