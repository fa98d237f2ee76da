# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a program, and prints its seconds, its CPU time and the memory of its largest process as a last line of JSON.

    python measured.py PROGRAM ARGUMENT ...

It is a separate process, because the memory of the process that starts a program counts as the program's own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

# So that the program ends with this one.
signal.signal(signal.SIGTERM, lambda *_args: sys.exit(143))
started = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
try:
    _pid, status, usage = os.wait4(pid, 0)
except BaseException:
    os.kill(pid, signal.SIGTERM)
    raise
seconds = time.perf_counter() - started
# Linux counts in KiB, macOS in bytes.
memory = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, memory]))
sys.exit(os.waitstatus_to_exitcode(status))
