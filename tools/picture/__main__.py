# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws docs/images/delivery_progress.svg: a terminal in which a gate waits for an order of the emulator.

`make picture` runs it. It takes about half a minute, and needs no network.
"""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.emulator import Emulator
from tests.emulator._orders import parse_orders

from ..dry_run import ROOT, environment, install_collection, main, run, say

HERE = Path(__file__).resolve().parent
PICTURE = ROOT / "docs" / "images" / "delivery_progress.svg"
COLUMNS = 106

ORDER_ID = "0a1b2c3d-0007"
ORDER = {
    "id": ORDER_ID,
    "name": "edge-site-07",
    # By polls, not by seconds, so that a slow machine draws the same picture.
    "life": ["PROCESSING*3", "http:503*3", "ACCEPTING*2", "SUCCESS"],
}
COMMAND = ["ansible-playbook", "provision.yml", "-e", f"delivery_order_id={ORDER_ID}"]


def picture(cache: Path) -> int:
    """Run the playbook, and draw what it prints."""
    install_collection(cache)
    with Emulator(parse_orders(json.dumps({"orders": [ORDER]}))) as emulator:
        variables = {
            "ANSIBLE_FORCE_COLOR": "1",
            "HW_CLOUDPOND_ENDPOINT": emulator.url,
            "HW_DOMAIN_ID": "0" * 32,
            "HW_AUTH_TOKEN": "emulator-token",
            # One request per query: the client's own retries would hide such a short outage.
            "HW_MAX_RETRIES": "0",
        }
        command = ["-m", "ansible", "playbook", *COMMAND[1:]]
        output = run(command, environment(cache, **variables), cwd=HERE)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.from_ansi(f"$ {' '.join(COMMAND)}\n{output.strip()}"))
    svg = console.export_svg(title="Waiting for a delivery order", unique_id="terminal")
    # Without the fonts that it would load from the network.
    svg = re.sub(r" *@font-face \{.*?\}\n", "", svg, flags=re.S)
    PICTURE.write_text("".join(f"{line.rstrip()}\n" for line in svg.splitlines()), encoding="utf-8")
    say(f"Wrote {PICTURE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(picture))
