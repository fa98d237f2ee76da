# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator does what openapi.yaml says of its calls, for valid and for invalid requests."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.version_info < (3, 11):
    # 4.4, which is the last for these, takes the ways to authenticate for required all together.
    pytest.skip("needs a schemathesis that needs Python 3.11 or newer", allow_module_level=True)

import hypothesis
import schemathesis
import schemathesis.specs.openapi.checks as openapi_checks
import yaml

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

from .client import DOMAIN_ID, TOKEN

assert emulator_package.__file__
DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(emulator_package.__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
LIST, SHOW, LIST_SITES, SHOW_SITE = DOCUMENT["paths"]
SITES = ["site-a", "site-b"]
ORDERS = ["0000-a", "0000-b", "0000-c"]
IDS = {"domain_id": DOMAIN_ID, "delivery_order_id": ORDERS[0], "site_id": SITES[0]}


def narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the IDs that the emulator knows as the only valid ones.

    With others, hardly a request would get beyond the check of the account.
    """
    narrow = copy.deepcopy(document)
    narrow["components"]["parameters"]["domain_id"]["schema"] = {"type": "string", "enum": [DOMAIN_ID]}
    for url, path in narrow["paths"].items():
        for parameter in path["parameters"] + path["get"].get("parameters", []):
            if parameter.get("name") in ("delivery_order_id", "site_id", "marker"):
                parameter["schema"] = {"type": "string", "enum": ORDERS if url in (LIST, SHOW) else SITES}
    return narrow


SCHEMA = schemathesis.openapi.from_dict(narrowed(DOCUMENT))

# The checks that look at an answer alone.
CONFORMANCE = [
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]

# The same examples in each run: what is tested is the emulator, and not the luck of the day. Each is many requests.
settings = hypothesis.settings(max_examples=10, derandomize=True)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    lives = ("PROCESSING*20,ACCEPTING*20,SUCCESS", "ON_HOLD", "PROCESSING*30,FAIL")
    sites = [f"{site_id}=initial*20,deploying*20,available" for site_id in SITES]
    with Emulator([f"{order_id}={life}" for order_id, life in zip(ORDERS, lives)], edge_sites=sites) as running:
        yield running


@SCHEMA.parametrize()
@settings
def test_requests_for_the_account_are_answered_as_described(case: Any, emulator: Emulator) -> None:
    case.call_and_validate(base_url=emulator.url, headers={"X-Auth-Token": TOKEN})


def ask(path: str, emulator: Emulator) -> tuple[Any, Any]:
    case = SCHEMA[path]["GET"].Case(path_parameters=IDS)
    return case, case.call(base_url=emulator.url, headers={"X-Auth-Token": TOKEN})


@pytest.mark.parametrize("path", [LIST, SHOW, LIST_SITES, SHOW_SITE])
@pytest.mark.parametrize("fault", ["http:401", "throttled:5", "html:502", "echo:503", "wrong-types", "json-list"])
def test_errors_are_as_described_and_other_faults_are_not(path: str, fault: str) -> None:
    listing = f"ok,{fault}"
    with Emulator(
        [f"{ORDERS[0]}=SUCCESS,{fault}"],
        listing=listing,
        edge_sites=[f"{SITES[0]}=available,{fault}"],
        site_listing=listing,
    ) as emulator:
        case, right = ask(path, emulator)
        case.validate_response(right, checks=CONFORMANCE)
        case, got = ask(path, emulator)
    described = got.status_code != 200
    with contextlib.nullcontext() if described else pytest.raises(schemathesis.errors.FailureGroup):
        case.validate_response(got, checks=CONFORMANCE)
