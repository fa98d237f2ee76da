# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CloudPond (IES API) stand-in on loopback, for the demo, the tests and dry runs. See README.md beside this file."""

from __future__ import annotations

from ._emulator import Emulator
from ._journal import RecordedRequest

__all__ = ["Emulator", "RecordedRequest"]
