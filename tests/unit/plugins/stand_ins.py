# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for what ansible-core hands to an action plugin or a callback: as much of each as the plugins look at."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

if t.TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

    Action = t.TypeVar("Action", bound=ActionBase)


def make_action(
    plugin: type[Action],
    args: dict[str, t.Any],
    *,
    transport: str = "local",
    become: object = None,
    **keywords: t.Any,
) -> Action:
    """
    Make an action plugin as ansible-core does.

    :param args: The arguments of the task.
    :param keywords: Attributes of the task.
    """
    shell = SimpleNamespace(env_prefix=lambda **_values: "", tmpdir=None)
    connection = SimpleNamespace(transport=transport, become=become, _shell=shell)
    task = {
        **dict.fromkeys(("ignore_errors", "loop", "loop_with", "_parent")),
        **dict.fromkeys(("run_once", "no_log", "check_mode"), False),
        "args": args,
        "action": "huaweicloud.cloudpond.x",
        "async_val": 0,
        "environment": [],
        **keywords,
    }
    templar = SimpleNamespace(template=lambda value: value)
    stand_ins: list[t.Any] = [SimpleNamespace(**task), connection, None, None, templar, None]
    return plugin(*stand_ins)


class Vaulted:
    """A value that is no string until somebody asks for one, as ansible-core has for those in a vault."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class Screen:
    """Stands in for ansible-core's display."""

    verbosity = 0

    def __init__(self) -> None:
        #: The text, the colour, and whether it went to stderr.
        self.shown: list[tuple[str, str, bool]] = []
        self.warnings: list[str] = []

    def display(self, text: str, color: str, stderr: bool) -> None:
        self.shown.append((text, color, stderr))

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def lines(self) -> list[str]:
        """Return the lines since the last call, without the time."""
        lines = [text.split(" ", 1)[1] for text, _color, _stderr in self.shown]
        self.shown.clear()
        return lines
