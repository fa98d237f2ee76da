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
    The module M(huaweicloud.cloudpond.cloudpond_delivery_order_gate) prints the same lines by itself.
  - When the first poll of M(huaweicloud.cloudpond.cloudpond_delivery_order_info) is not the last one, it prints a line
    for each delivery order that is in progress, and then a line at each change, with the time (the controller's local
    time), the order's name and ID, its old and new status, and how long the task has been waiting. A line about
    V(ACCEPTING) says what to do.
  - When polls fail in a way that waiting can cure, it prints one line at the beginning of the outage, and one when the
    API answers again. The second line has the number of failed queries and the last message. If the task ends during
    the outage, there is no second line, because the task's own message gives the reason.
  - While nothing changes, it prints a line after 15 minutes, and whenever the time waited has doubled.
  - It prints nothing for other modules or for a task with C(no_log), and leaves the rest of the output unchanged.
requirements:
  - It must be enabled, with C(callbacks_enabled) in the section C([defaults]) of the configuration file, or with the
    environment variable E(ANSIBLE_CALLBACKS_ENABLED).
notes:
  - The lines go to stdout if the stdout callback is ansible-core's P(ansible.builtin.default#callback),
    P(ansible.builtin.minimal#callback) or P(ansible.builtin.oneline#callback), or is based on one of these, such as
    the callback of ansible-runner. Otherwise they go to stderr, so that the output of callbacks that write JSON, such
    as P(ansible.posix.json#callback) and P(ansible.posix.jsonl#callback), stays valid.
  - A line names the host unless it is C(localhost).
  - Names and messages come from the server. Characters that could move the cursor, change colours or start another
    line are replaced by C(?), and several spaces by one. A name is cut after 64 characters. It is in quotes if it has
    characters other than letters, digits, spaces, C(-) and C(_), and C(.) within a word, so that it can't look like
    another line.
  - An unknown status is in quotes, too.
seealso:
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_info
  - module: huaweicloud.cloudpond.cloudpond_delivery_order_gate
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
#   10:31:07 site-07 (0000-0007): PROCESSING
#   10:33:09 outage: Cannot query delivery order '0000-0007': HTTP 502: Bad Gateway
#   10:35:13 answered again after 2 failed queries (2 min 4 s), the last: Cannot query delivery order '0000-0007': ...
#   10:35:13 site-07 (0000-0007): PROCESSING -> ACCEPTING, waiting for 4 min 6 s: the customer must accept ...
#   10:36:14 site-07 (0000-0007): ACCEPTING -> SUCCESS, waited for 5 min 7 s

- name: Wait for the delivery order
  huaweicloud.cloudpond.cloudpond_delivery_order_info:
    delivery_order_id: "{{ delivery_order_id }}"
  register: delivery
  until: delivery is huaweicloud.cloudpond.delivery_order_settled
  retries: 60
  delay: 60
  failed_when: delivery is not huaweicloud.cloudpond.delivery_order_succeeded
"""

import typing as t
from collections.abc import Mapping

from ansible.plugins.callback import CallbackBase

from ..plugin_utils._progress import Progress, now, say

if t.TYPE_CHECKING:
    from ansible.executor.task_result import TaskResult

_NAME = "cloudpond_delivery_order_info"
_FQCN = f"huaweicloud.cloudpond.{_NAME}"


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
        self._waits: dict[tuple[str, str], Progress] = {}

    def v2_runner_retry(self, result: TaskResult) -> None:
        self._polled(result, over=False)

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        self._polled(result, over=True)

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        self._polled(result, over=True)

    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        self._polled(result, over=True)

    def v2_runner_item_on_ok(self, result: TaskResult) -> None:
        self._polled(result, over=True)

    def v2_runner_item_on_failed(self, result: TaskResult) -> None:
        self._polled(result, over=True)

    def _polled(self, result: TaskResult, *, over: bool) -> None:
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
        time = now()
        progress = self._waits.pop(key, None) or Progress(time)
        if not over:
            self._waits[key] = progress
        data = result.result if modern else result._result
        orders, error = data.get("delivery_orders"), data.get("error")
        if isinstance(error, Mapping):
            say(
                self._display,
                progress.failed(time, data.get("msg"), over=over or error.get("retryable") is not True),
                host,
            )
        elif orders is not None:  # neither hidden by no_log, nor a loop's summary or a failure of Ansible's own
            say(self._display, progress.answered(time, orders, over=over), host)
