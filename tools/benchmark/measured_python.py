# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interpreter for a task: runs Python, and appends its peak memory to the file that the first argument names.

The other arguments are for Python. The peak is in the unit of the system's getrusage.
"""

from __future__ import annotations

import resource
import subprocess
import sys

status = subprocess.call([sys.executable, *sys.argv[2:]])
with open(sys.argv[1], "a", encoding="utf-8") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status)
