# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and masks a listing with several encodings of names, and prints the seconds of each as JSON."""

from __future__ import annotations

import json
import secrets
import sys
import time

PAGE_SIZE = 2000


def page(first: int, name: str) -> bytes:
    """Return the body of an answer with PAGE_SIZE orders. The name is raw JSON."""
    entries = (
        f'{{"id": "00000000-0000-000-0000-{number:012}", "name": "{name}-{number}", "domain_id": "{"0" * 32}", '
        f'"status": "PROCESSING", "edge_site_id": "00000000-0000-000-0000-{number:012}", "effected_at": null, '
        '"created_at": "2026-01-04T07:05:14.405839Z", "updated_at": "2026-01-04T07:05:14.405839Z"}'
        for number in range(first, first + PAGE_SIZE)
    )
    return f'{{"delivery_orders": [{", ".join(entries)}], "page_info": {{}}}}'.encode()


def main() -> None:
    """Measure in turns."""
    from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._json import parse
    from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._sanitize import Sanitizer

    asked = json.load(sys.stdin)
    chinese = "\u8fb9\u7f18\u7ad9\u70b9"
    short, long = secrets.token_hex(16), secrets.token_urlsafe(12288)
    ways = {
        "ASCII, a secret of 32 characters": ("edge", short),
        "Chinese, escaped": (json.dumps(chinese)[1:-1], short),
        "Chinese, as it is": (chinese, short),
        "a percent sign in each name": ("100% edge", short),
        "ASCII, a token of 16 KiB": ("edge", long),
        "Chinese, escaped, a token of 16 KiB": (json.dumps(chinese)[1:-1], long),
    }
    numbers = range(0, asked["orders"], PAGE_SIZE)
    bodies = {label: [page(first, name) for first in numbers] for label, (name, _secret) in ways.items()}
    times: dict[str, list[float]] = {label: [] for label in ways}
    for _round in range(asked["rounds"]):
        for label, (_name, secret) in ways.items():
            started = time.perf_counter()
            for body in bodies[label]:
                parse(Sanitizer([secret]).mask(body))
            times[label].append(time.perf_counter() - started)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
