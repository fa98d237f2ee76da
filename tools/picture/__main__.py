# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records a terminal with the output of the callback delivery_progress, and draws it.

    python -m tools.picture docs/images/delivery_progress.svg

It takes about 40 seconds and needs the packages of its requirements.txt. It needs no network, because the order comes
from the emulator.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.emulator import Emulator
from tests.emulator._orders import parse_orders

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

COLUMNS, ROWS = 100, 30

ORDER_ID = "0a1b2c3d-0007"
ORDER = {
    "id": ORDER_ID,
    "name": "edge-site-07",
    # By polls, not by seconds, so that a slow machine draws the same picture.
    "life": ["PROCESSING*3", "http:503*3", "ACCEPTING*2", "SUCCESS"],
}
COMMAND = ["ansible-playbook", "provision.yml", "-e", f"delivery_order_id={ORDER_ID}"]

# A dark terminal. Ansible's dark grey is bold black. Most terminals show it in grey.
THEME = TerminalTheme(
    background=(24, 26, 31),
    foreground=(208, 212, 218),
    normal=[
        (140, 146, 156),
        (240, 98, 98),
        (118, 199, 108),
        (229, 192, 90),
        (97, 160, 240),
        (205, 120, 221),
        (86, 182, 194),
        (208, 212, 218),
    ],
    bright=[
        (140, 146, 156),
        (255, 128, 128),
        (152, 220, 140),
        (245, 214, 130),
        (130, 185, 255),
        (225, 150, 240),
        (120, 210, 220),
        (255, 255, 255),
    ],
)

# rich's own frame, without the fonts that it would load from the network.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-family: "DejaVu Sans", Arial, sans-serif; font-size: 16px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def recorded_environment(folder: Path, url: str) -> dict[str, str]:
    """Return the environment of the recorded command: no user's settings, and the collection of this checkout."""
    collection = folder / "collections" / "ansible_collections" / "huaweicloud" / "cloudpond"
    collection.parent.mkdir(parents=True)
    collection.symlink_to(ROOT)
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        "LC_ALL": "C.UTF-8",
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "HW_CLOUDPOND_ENDPOINT": url,
        "HW_DOMAIN_ID": "00000000000000000000000000000000",
        "HW_AUTH_TOKEN": "emulator-token",
        # One request per poll: the module's own retries would hide such a short outage.
        "HW_MAX_RETRIES": "0",
    }


def record(command: list[str], variables: dict[str, str]) -> str:
    """Run a command in a terminal of its own, and return its output."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output = b""
    with subprocess.Popen(
        command, cwd=HERE, env=variables, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as process:
        os.close(terminal)
        while True:
            if not select.select([controller], [], [], 120)[0]:
                process.terminate()
                raise SystemExit("The playbook has been silent for two minutes.")
            try:
                chunk = os.read(controller, 65536)
            except OSError:  # Linux's way to say that nobody has the terminal open any more
                break
            if not chunk:
                break
            output += chunk
    os.close(controller)
    if process.returncode:
        raise SystemExit(f"The playbook failed:\n{output.decode()}")
    return output.decode().replace("\r\n", "\n")


def draw(output: str, target: Path) -> None:
    """Draw what a terminal shows after that output."""
    # A terminal breaks lines at its edge, and not between words.
    lines: list[Text] = []
    for line in Text.from_ansi(output).split("\n"):
        lines += line.divide(range(COLUMNS, len(line), COLUMNS))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        # One more column, for viewers whose letters are a little wider than rich expects.
        console = Console(record=True, width=COLUMNS + 1, file=nowhere, force_terminal=True, color_system="standard")
        for line in lines[-ROWS:]:
            console.print(line, no_wrap=True, crop=False)
        svg = console.export_svg(title="Waiting for a delivery order", theme=THEME, code_format=FRAME, unique_id="t")
    target.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=Path, help="the SVG to write")
    target = parser.parse_args().target
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Emulator(parse_orders(json.dumps({"orders": [ORDER]}))) as emulator:
            output = record(COMMAND, recorded_environment(folder, emulator.url))
    draw(f"$ {' '.join(COMMAND)}\n{output}", target)


if __name__ == "__main__":
    main()
