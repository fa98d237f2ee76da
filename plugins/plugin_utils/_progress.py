# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The lines that people see while something waits for delivery orders: of the gate, and of the callback."""

from __future__ import annotations

import inspect
import typing as t
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import callback_loader

from ..module_utils._specification import ACCEPTING, FINAL_STATUSES, SUCCESS
from ._decision import is_done
from ._report import ACCEPT
from ._text import NO_STATUS, clean, order_label, shown, status_label

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible.utils.display import Display

#: While nothing changes, a line follows when this time has passed, and whenever it has doubled.
_FIRST_REMINDER = timedelta(minutes=15)

#: ansible-core's stdout callbacks, all of which write text.
_TEXT_CALLBACKS = ("default", "minimal", "oneline")


class Line(t.NamedTuple):
    """A line, and ansible-core's setting for its colour."""

    text: str
    color: str


class Progress:
    """The state of one wait, and the lines about it. A wait that is over after its first query has none."""

    def __init__(self, began: datetime) -> None:
        """
        :param began: The time of the first query. All times have a time zone.
        """
        self._began = began
        self._reminder = _FIRST_REMINDER
        #: The last known state of each order, by its ID. None before the first answer.
        self._states: dict[str, str] | None = None
        self._queries = 0
        #: Queries that failed in a row, the time of the first, and the message of the last.
        self._failures = 0
        self._failing_since = began
        self._failure = ""

    def failed(self, now: datetime, message: object, *, over: bool) -> list[Line]:
        """
        Note a query that failed.

        :param over: The wait is over. The failure's own message gives the reason, so there is no line.
        """
        self._queries += 1
        if over:
            return []
        self._failures += 1
        self._failure = clean(message)
        if self._failures == 1:
            self._failing_since = now
        reminder = self._remind(now, f"no answer for {_duration(now - self._failing_since)}")
        return [Line(f"outage: {self._failure}", "COLOR_WARN")] if self._failures == 1 else reminder

    def answered(
        self,
        now: datetime,
        orders: Iterable[Mapping[str, t.Any]],
        sites: Mapping[str, str | None] | None = None,
        *,
        over: bool,
    ) -> list[Line]:
        """
        Note a query that was answered.

        :param orders: All orders of the wait, as the module returns them.
        :param sites: The statuses of their edge sites by ID, None if the wait is not for sites.
        :param over: The wait is over.
        """
        self._queries += 1
        if over and self._queries == 1:
            return []
        lines: list[Line] = []
        if self._failures:
            count = f"{self._failures} failed queries" if self._failures > 1 else "1 failed query"
            last = ", the last" if self._failures > 1 else ""
            outage = _duration(now - self._failing_since)
            lines.append(Line(f"answered again after {count} ({outage}){last}: {self._failure}", "COLOR_OK"))
            self._failures = 0
        before, self._states = self._states, {}
        waiting: Counter[str] = Counter()
        # Sites may share an order.
        for order in {order["id"]: order for order in orders}.values():
            key, state = str(order["id"]), _state(order, sites)
            self._states[key] = state
            settled = _is_settled(order, sites)
            if not settled:
                waiting[state] += 1
            if before is None:
                # An order that needs no wait has no line.
                changed, text = not settled, state
            else:
                changed, text = before.get(key) != state, f"{before.get(key)} -> {state}" if key in before else state
            if changed:
                lines.append(Line(self._order_line(now, order, text, settled), _color(order, settled)))
        reminder = self._remind(now, _counted(waiting))
        return lines or ([] if over else reminder)

    def _order_line(self, now: datetime, order: Mapping[str, t.Any], text: str, settled: bool) -> str:
        waited = ""
        if self._queries > 1:
            waited = f", {'waited' if settled else 'waiting'} for {_duration(now - self._began)}"
        advice = f": {ACCEPT}" if order["status"] == ACCEPTING else ""
        return f"{order_label(order)}: {text}{waited}{advice}"

    def _remind(self, now: datetime, what: str) -> list[Line]:
        """Return the reminder that is due. It is due once, even if a line about a change takes its place."""
        waited = now - self._began
        if waited < self._reminder:
            return []
        while waited >= self._reminder:
            self._reminder *= 2
        return [Line(f"still waiting after {_duration(waited)}: {what}", "COLOR_VERBOSE")]


def say(display: Display, lines: Iterable[Line], host: str) -> None:
    """
    Print lines with the controller's local time and, unless it is localhost, the host.

    They go to stdout if the stdout callback writes text for people, and to stderr if an extra line could break it.
    """
    where = "" if host == "localhost" else f"[{clean(host)}] "
    for text, color in lines:
        display.display(
            f"{now().astimezone():%H:%M:%S} {where}{text}",
            color=C.config.get_config_value(color),
            stderr=not _stdout_is_text(),
        )


def now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


def _stdout_is_text() -> bool:
    """
    Return whether the stdout callback writes text for people.

    A callback has no property for this. Callbacks that derive from ansible-core's own write text, unless "json" is in
    their name. Any other callback may write JSON, or another format that an extra line would break.
    """
    name = C.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
    plugin = callback_loader.get(name, class_only=True)
    if plugin is None or "json" in name:
        return False
    own = Path(inspect.getfile(CallbackBase)).parent
    # By their files: the loader gives a module other names when it lists all plugins, or finds one by its full name.
    files = [Path(inspect.getfile(base)) for base in plugin.__mro__ if base is not object]
    return any(file.parent == own and file.stem in _TEXT_CALLBACKS for file in files)


def _state(order: Mapping[str, t.Any], sites: Mapping[str, str | None] | None) -> str:
    label = status_label(order["status"])
    if sites is None or order["status"] != SUCCESS:
        return label
    site = order["edge_site_id"]
    if not site:
        return f"{label}, no edge site yet"
    return f"{label}, edge site {shown(site)} {shown(sites.get(site)) or NO_STATUS}"


def _is_settled(order: Mapping[str, t.Any], sites: Mapping[str, str | None] | None) -> bool:
    return is_done(order, sites) or order["status"] in FINAL_STATUSES - {SUCCESS}


def _color(order: Mapping[str, t.Any], settled: bool) -> str:
    if not settled:
        return "COLOR_CHANGED"
    return "COLOR_OK" if order["status"] == SUCCESS else "COLOR_ERROR"


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _duration(time: timedelta) -> str:
    """Return a time in its two largest units, as in "1 h 12 min"."""
    seconds = max(0, round(time.total_seconds()))  # below 0 when the clock was set back
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    while len(units) > 1 and not units[0][0]:
        del units[0]
    return " ".join(f"{count} {unit}" for count, unit in units[:2] if count) or "0 s"
