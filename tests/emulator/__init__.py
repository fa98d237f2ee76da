# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CloudPond (IES API) stand-in on loopback, and a proxy, for the demo, the tests and dry runs. See README.md."""

from __future__ import annotations

from ._emulator import Emulator
from ._journal import RecordedRequest
from ._proxy import Proxy, ProxyRequest

__all__ = ["Emulator", "Proxy", "ProxyRequest", "RecordedRequest"]
