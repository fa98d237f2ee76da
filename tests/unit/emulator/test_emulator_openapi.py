# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator does what openapi.yaml says of its calls, for valid and for invalid requests."""

from __future__ import annotations

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
import yaml

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

from .client import DOMAIN_ID, TOKEN

assert emulator_package.__file__
DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(emulator_package.__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
SITES = ["site-a", "site-b"]
ORDERS = ["0000-a", "0000-b", "0000-c"]


def narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the IDs that the emulator knows as the only valid ones.

    With others, hardly a request would get beyond the check of the account.
    """
    narrow = copy.deepcopy(document)
    narrow["components"]["parameters"]["domain_id"]["schema"] = {"type": "string", "enum": [DOMAIN_ID]}
    for url, path in narrow["paths"].items():
        for parameter in path["parameters"] + path["get"].get("parameters", []):
            if parameter.get("name") in ("delivery_order_id", "site_id", "marker"):
                parameter["schema"] = {"type": "string", "enum": ORDERS if "orders" in url else SITES}
    return narrow


SCHEMA = schemathesis.openapi.from_dict(narrowed(DOCUMENT))

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
