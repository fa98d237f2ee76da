# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query orders by ID in this process, without Ansible around it, and print the seconds as JSON.

Reads JSON from stdin: which "by" ("client": the collection's client; "bare": a script as short as requests allows),
"url", "token", "domain_id", "order_ids", and how many "threads".
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def bare(asked: dict[str, Any]) -> tuple[float, list[dict[str, Any]]]:
    """Return when requests was imported, and the orders."""
    import requests
    from requests.adapters import HTTPAdapter

    imported = time.perf_counter()
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=asked["threads"]))
        session.headers["X-Auth-Token"] = asked["token"]
        collection = f"{asked['url']}/v2/{asked['domain_id']}/delivery-orders"

        def show(order_id: str) -> dict[str, Any]:
            response = session.get(f"{collection}/{order_id}", timeout=30)
            response.raise_for_status()
            order: dict[str, Any] = response.json()["delivery_order"]
            return order

        with ThreadPoolExecutor(asked["threads"]) as executor:
            return imported, list(executor.map(show, asked["order_ids"]))


def client(asked: dict[str, Any]) -> tuple[float, list[dict[str, Any]]]:
    """Return when the collection's client was imported, and the orders."""
    from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _client, _delivery_orders

    imported = time.perf_counter()
    options = {"endpoint": asked["url"], "domain_id": asked["domain_id"], "auth_token": asked["token"]}
    with _client.Client(options, {}, caller="benchmark") as connected:
        return imported, _delivery_orders.DELIVERY_ORDERS.show_many(connected, asked["order_ids"])


def main() -> None:
    """Query, check that the right orders came, and print the seconds of importing and of querying."""
    asked = json.load(sys.stdin)
    started = time.perf_counter()
    imported, orders = {"bare": bare, "client": client}[asked["by"]](asked)
    ended = time.perf_counter()
    if [order["id"] for order in orders] != asked["order_ids"]:
        raise SystemExit("The orders are not the expected ones.")
    print(json.dumps({"import": imported - started, "query": ended - imported}))


if __name__ == "__main__":
    main()
