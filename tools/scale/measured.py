# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a program, and prints the memory of its largest process in MiB as a last line.

    python measured.py PROGRAM ARGUMENT ...

It is a separate process, because the memory of the process that starts a program counts as the program's own.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run it, and return its exit code."""
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    try:
        _pid, status, usage = os.wait4(pid, 0)
    except BaseException:
        os.kill(pid, 15)
        raise
    # Linux counts in KiB, macOS in bytes.
    print(usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
