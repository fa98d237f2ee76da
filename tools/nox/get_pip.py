# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces the script that ansible-test downloads to install pip. It uses Python's own ensurepip.

The arguments are pip's. ensurepip runs in its own process, because it would make pip ignore its configuration in this
one.
"""

from __future__ import annotations

import subprocess
import sys

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
for command in (["ensurepip"], ["pip", "install", "--upgrade", *arguments]):
    status = subprocess.call([sys.executable, "-m", *command])
    if status:
        sys.exit(status)
