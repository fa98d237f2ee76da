# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stdout callback whose whole output is one JSON document, as that of ansible.posix.json is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: structured
type: stdout
short_description: Writes JSON
description:
  - Writes JSON.
"""

import json
import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Writes which hosts there were."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "structured"

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._display.display(json.dumps({"hosts": sorted(stats.processed)}))
