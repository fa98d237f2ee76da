# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the place of the script that ansible-test downloads to install pip: Python's own ensurepip does it.

The arguments are pip's. ensurepip runs in a process of its own: called in this one, it would leave pip blind to its
configuration.
"""

from __future__ import annotations

import subprocess
import sys

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
for command in (["ensurepip"], ["pip", "install", "--upgrade", *arguments]):
    status = subprocess.call([sys.executable, "-m", *command])
    if status:
        sys.exit(status)
