# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries orders by their IDs, eight at a time, as a script does that has nothing but requests.

python bare_script.py URL_OF_THE_ORDERS TOKEN < IDS, one a line
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import requests

THREADS = 8

with requests.Session() as session:
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    session.headers["X-Auth-Token"] = sys.argv[2]

    def succeeded(order_id: str) -> bool:
        """Query an order."""
        response = session.get(f"{sys.argv[1]}/{order_id}", timeout=30)
        response.raise_for_status()
        return bool(response.json()["delivery_order"]["status"] == "SUCCESS")

    with ThreadPoolExecutor(THREADS) as executor:
        sys.exit(not all(executor.map(succeeded, sys.stdin.read().split())))
