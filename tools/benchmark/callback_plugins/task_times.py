# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: task_times
type: stdout
short_description: Records the duration of each task
version_added: 1.0.0
author:
  - CloudPond collection contributors (!UNKNOWN)
description:
  - Appends a line of JSON to the file that the environment variable E(BENCHMARK_TIMES) names, for each task that ran.
  - Its time runs from when the task is handed to a worker process until its result is back from there.
  - Prints nothing but failures.
extends_documentation_fragment:
  - result_format_callback
"""

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

if t.TYPE_CHECKING:
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook.task import Task


class CallbackModule(CallbackBase):
    """Takes the times as close to a task's work as a plugin can: for each host, not for each play."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "task_times"

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._started: dict[str, float] = {}

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        self._started[task._uuid] = time.perf_counter()

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        seconds = time.perf_counter() - self._started.pop(result.task._uuid)
        orders = result.result.get("delivery_orders")
        entry = {"task": result.task.name, "seconds": seconds, "orders": None if orders is None else len(orders)}
        with open(os.environ["BENCHMARK_TIMES"], "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._display.display(f"{result.task.name}: {self._dump_results(result.result)}")
