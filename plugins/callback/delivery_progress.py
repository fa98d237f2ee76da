# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: delivery_progress
type: notification
short_description: Prints the progress of a delivery while a task waits for it
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - While a task with C(until) waits, Ansible prints only C(FAILED - RETRYING), even if the delivery goes well.
    This callback adds the status of the order.
  - After a poll of M(huaweicloud.cloudpond.cloudpond_delivery_order_info), it prints one line for each delivery order
    whose status is new or has changed, with the time (the controller's local time), the order's name and ID, its old
    and new status, the attempt, and how long the task has been waiting.
  - When polls fail in a way that waiting can cure, it prints one line at the beginning of the outage, and one when the
    API answers again. The second line has the number of failed attempts and the last message. In between, it prints
    nothing. If the task ends during the outage, there is no second line, because the task's own message gives the
    reason.
  - It prints nothing for other modules or for a task with C(no_log), and leaves the rest of the output unchanged.
requirements:
  - It must be enabled, with C(callbacks_enabled) in the section C([defaults]) of the configuration file, or with the
    environment variable E(ANSIBLE_CALLBACKS_ENABLED).
notes:
  - The lines go to stdout if the stdout callback is ansible-core's P(ansible.builtin.default#callback),
    P(ansible.builtin.minimal#callback) or P(ansible.builtin.oneline#callback), or is based on one of these, such as
    the callback of ansible-runner. Otherwise they go to stderr, so that the output of callbacks that write JSON, such
    as P(ansible.posix.json#callback) and P(ansible.posix.jsonl#callback), stays valid.
  - The callback counts the attempts itself, from 1. Ansible's own C(attempts) is one too low after the last retry.
  - A line names the host unless it is C(localhost).
  - Names and messages come from the server. Characters that could move the cursor, change colours or start another
    line are replaced by C(?), and several spaces by one. A name is cut after 64 characters. It is in quotes if it has
    characters other than letters, digits, spaces, C(-) and C(_), and C(.) within a word, so that it can't look like
    another line.
  - An unknown status is in quotes, too.
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
  - plugin: huaweicloud.cloudpond.delivery_order_settled
    plugin_type: test
"""

EXAMPLES = r"""
# In ansible.cfg:
#
#   [defaults]
#   callbacks_enabled = huaweicloud.cloudpond.delivery_progress
#
# or in the environment:
#
#   export ANSIBLE_CALLBACKS_ENABLED=huaweicloud.cloudpond.delivery_progress
#
# The task below then prints lines like these between those of the stdout callback:
#
#   10:31:07 site-07 (0000-0007): PROCESSING, attempt 1
#   10:33:09 outage at attempt 3: Cannot query delivery order '0000-0007': HTTP 502: Bad Gateway
#   10:35:13 answered again after 2 failed attempts (2 min 4 s), the last: Cannot query delivery order '0000-0007': ...
#   10:35:13 site-07 (0000-0007): PROCESSING -> ACCEPTING, attempt 5, waiting for 4 min 6 s
#   10:36:14 site-07 (0000-0007): ACCEPTING -> SUCCESS, attempt 6, waited for 5 min 7 s

- name: Wait for the delivery order
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_id: "{{ delivery_order_id }}"
  register: delivery
  until: delivery is huaweicloud.cloudpond.delivery_order_settled
  retries: 60
  delay: 60
  failed_when: delivery is not huaweicloud.cloudpond.delivery_order_succeeded
"""

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import callback_loader

from ..module_utils._specification import FINAL_STATUSES, SUCCESS
from ..plugin_utils._text import clean, order_label, status_label

if t.TYPE_CHECKING:
    from ansible.executor.task_result import TaskResult

_NAME = "cloudpond_delivery_order_info"
_FQCN = f"huaweicloud.cloudpond.{_NAME}"

#: The modules of ansible-core's stdout callbacks, all of which write text. The loader adds a number before the name of
#: a plugin that it finds while it lists all of them.
_TEXT_CALLBACK = re.compile(r"ansible\.plugins\.callback\.(\d+_)?(default|minimal|oneline)")


@dataclass
class _Wait:
    """The state of one host's task, or of one item of its loop."""

    #: Time of the first result.
    began: datetime
    #: Polls so far.
    attempts: int = 0
    #: The last status of each order, by its ID.
    statuses: dict[str, str | None] = field(default_factory=dict)
    #: Polls that failed in a row, the time of the first, and the message of the last.
    failures: int = 0
    failing_since: datetime | None = None
    failure: str = ""


class CallbackModule(CallbackBase):
    """Prints a line when the status of a delivery order changes, and when an outage begins or ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "huaweicloud.cloudpond.delivery_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        # By host and task. The items of a loop need no key: they run one after the other, and each ends with its own
        # result. The result of a retry does not name its item.
        self._waits: dict[tuple[str, str], _Wait] = {}
        self._to_stderr: bool | None = None

    def v2_runner_retry(self, result: TaskResult) -> None:
        self._polled(result, final=False)

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        self._polled(result, final=True)

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        self._polled(result, final=True)

    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        self._polled(result, final=True)

    def v2_runner_item_on_ok(self, result: TaskResult) -> None:
        self._polled(result, final=True)

    def v2_runner_item_on_failed(self, result: TaskResult) -> None:
        self._polled(result, final=True)

    def _polled(self, result: TaskResult, *, final: bool) -> None:
        """Print the changes since the previous result."""
        # ansible-core 2.19 made the attributes public.
        modern = hasattr(result, "task")
        task = result.task if modern else result._task
        # Skip other modules' results early, because ansible-core would copy each of them. ansible-core 2.16 does not
        # resolve an action that was a template.
        if not task.action.endswith(_NAME) or (task.resolved_action or task.action) != _FQCN:
            return
        host = (result.host if modern else result._host).get_name()
        key = (host, task._uuid)
        now = _now()
        wait = self._waits.pop(key, None) or _Wait(now)
        data = result.result if modern else result._result
        orders, error = data.get("delivery_orders"), data.get("error")
        if not final:
            self._waits[key] = wait
        # ansible-core's count is not used: it is one too low once the retries have run out.
        wait.attempts += 1
        where = "" if host == "localhost" else f"[{clean(host)}] "
        attempt = f", attempt {wait.attempts}" if "attempts" in data else ""
        if isinstance(error, Mapping):
            if error.get("retryable") is not True or final:
                return  # the task's own message gives the reason
            wait.failures += 1
            wait.failure = clean(data.get("msg"))
            if wait.failing_since is None:
                wait.failing_since = now
                self._say(now, f"{where}outage at attempt {wait.attempts}: {wait.failure}", "COLOR_WARN")
            return
        if orders is None:
            return  # hidden by no_log, a loop's summary, or a failure of Ansible's own
        if wait.failing_since is not None:
            count = f"{wait.failures} failed attempts" if wait.failures > 1 else "1 failed attempt"
            last = ", the last" if wait.failures > 1 else ""
            length = _duration(now - wait.failing_since)
            self._say(now, f"{where}answered again after {count} ({length}){last}: {wait.failure}", "COLOR_OK")
            wait.failures, wait.failing_since = 0, None
        for order in orders:
            self._order(wait, now, where, attempt, order)

    def _order(self, wait: _Wait, now: datetime, where: str, attempt: str, order: Mapping[str, str | None]) -> None:
        """Print an order's status if it is new or has changed."""
        order_id, status = order["id"] or "", order["status"]
        if order_id in wait.statuses and wait.statuses[order_id] == status:
            return
        change = status_label(status)
        if order_id in wait.statuses:
            change = f"{status_label(wait.statuses[order_id])} -> {change}"
        wait.statuses[order_id] = status
        final = status in FINAL_STATUSES
        waiting = ""
        if wait.attempts > 1:
            waiting = f", {'waited' if final else 'waiting'} for {_duration(now - wait.began)}"
        color = "COLOR_OK" if status == SUCCESS else "COLOR_ERROR" if final else "COLOR_CHANGED"
        self._say(now, f"{where}{order_label(order)}: {change}{attempt}{waiting}", color)

    def _say(self, now: datetime, text: str, color: str) -> None:
        """Print a line in the colour of the user's setting ``color``."""
        if self._to_stderr is None:
            self._to_stderr = not _stdout_is_text()
        text = f"{now.astimezone():%H:%M:%S} {text}"
        self._display.display(text, color=C.config.get_config_value(color), stderr=self._to_stderr)


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
    return any(_TEXT_CALLBACK.fullmatch(base.__module__) for base in plugin.__mro__)


def _now() -> datetime:
    return datetime.now(timezone.utc)


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
