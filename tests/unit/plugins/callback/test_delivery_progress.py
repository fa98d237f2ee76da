# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.callback import delivery_progress
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _progress

from ..stand_ins import Screen

FQCN = "huaweicloud.cloudpond.cloudpond_delivery_order_info"


class Run:
    """A callback under a clock of its own, and the results that it is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, modern: bool) -> None:
        self.modern = modern
        self.screen = Screen()
        self.callback = delivery_progress.CallbackModule(display=self.screen)
        self.now = datetime(2026, 1, 4, 10, 0, tzinfo=timezone.utc)
        for module in (delivery_progress, _progress):
            monkeypatch.setattr(module, "now", lambda: self.now)

    def result(
        self,
        data: dict[str, t.Any],
        *,
        action: str = FQCN,
        resolved: str | None = FQCN,
        host: str = "localhost",
        uuid: str = "1",
    ) -> t.Any:
        """Return a result as ansible-core sends it: before 2.19 it had no attribute without an underscore."""
        task = SimpleNamespace(action=action, resolved_action=resolved, _uuid=uuid)
        values = {"host": SimpleNamespace(get_name=lambda: host), "task": task, "result": data}
        return SimpleNamespace(**{name if self.modern else f"_{name}": value for name, value in values.items()})

    def send(self, event: str, data: dict[str, t.Any], *, after: float = 0, **more: t.Any) -> list[str]:
        """Let that many seconds pass, send a result, and return the lines it brought."""
        self.now += timedelta(seconds=after)
        getattr(self.callback, f"v2_runner_{event}")(self.result(data, **more))
        return self.screen.lines()


@pytest.fixture(params=[True, False], ids=["modern", "old"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch, request.param)


def orders(**statuses: str | None) -> dict[str, t.Any]:
    return {"delivery_orders": [{"id": key, "name": f"site {key}", "status": statuses[key]} for key in statuses]}


def failure(message: str = "Cannot query: HTTP 503", retryable: bool = True) -> dict[str, t.Any]:
    return {"failed": True, "msg": message, "error": {"http_status": 503, "retryable": retryable}}


def test_a_status_is_said_once(run: Run) -> None:
    assert run.send("retry", orders(a="PROCESSING")) == ["site a (a): PROCESSING"]
    assert run.send("retry", orders(a="PROCESSING"), after=60) == []
    assert run.send("on_ok", orders(a="SUCCESS"), after=65) == [
        "site a (a): PROCESSING -> SUCCESS, waited for 2 min 5 s"
    ]


@pytest.mark.parametrize("retryable", [True, False])
def test_the_task_s_own_message_stands_alone(run: Run, retryable: bool) -> None:
    run.send("retry", orders(a="PROCESSING"))
    assert run.send("on_failed", failure(retryable=retryable)) == []


def test_a_failure_that_waiting_cannot_cure_is_no_outage(run: Run) -> None:
    run.send("retry", orders(a="PROCESSING"))
    assert run.send("retry", failure(retryable=False)) == []
    assert run.send("retry", orders(a="PROCESSING")) == []


@pytest.mark.parametrize("event", ["on_failed", "item_on_ok", "item_on_failed"])
def test_a_wait_ends_with_its_last_result(run: Run, event: str) -> None:
    """By `failed_when`, and by the items of a loop, which are waits of their own."""
    for _item in range(2):
        assert run.send("retry", orders(a="PROCESSING"), after=60) == ["site a (a): PROCESSING"]
        assert run.send(event, orders(a="FAIL")) == ["site a (a): PROCESSING -> FAIL, waited for 0 s"]
    assert run.send("on_ok", {"results": [orders(a="SUCCESS"), failure(), orders(a="FAIL")], "changed": False}) == []


@pytest.mark.parametrize("event", ["on_unreachable", "item_on_failed"])
def test_a_result_without_an_order_or_an_error_ends_its_wait(run: Run, event: str) -> None:
    run.send("retry", orders(a="PROCESSING"))
    assert run.send(event, {"failed": True, "msg": "An 'until' expression failed."}) == []
    assert run.send("retry", orders(a="PROCESSING")) == ["site a (a): PROCESSING"]


def test_hosts_and_tasks_do_not_mix(run: Run) -> None:
    run.send("retry", orders(a="PROCESSING"))
    assert run.send("retry", orders(a="PROCESSING"), host="rack-7") == ["[rack-7] site a (a): PROCESSING"]
    assert run.send("retry", failure("gone"), host="rack-7") == ["[rack-7] outage: gone"]
    assert run.send("retry", orders(a="PROCESSING")) == []
    assert run.send("retry", orders(a="PROCESSING"), uuid="2") == ["site a (a): PROCESSING"]
    (line,) = run.send("retry", orders(a="PROCESSING"), host="rack-7")
    assert line == "[rack-7] answered again after 1 failed query (0 s): gone"


@pytest.mark.parametrize(
    ("action", "resolved", "expected"),
    [
        (FQCN, FQCN, True),
        ("cloudpond_delivery_order_info", FQCN, True),
        # Where the action was a template, ansible-core 2.16 does not say what it resolves to.
        (FQCN, None, True),
        ("cloudpond_delivery_order_info", "other.cloudpond.cloudpond_delivery_order_info", False),
        ("cloudpond_delivery_order_info", None, False),
        ("other.cloudpond.delivery_order_info", "other.cloudpond.delivery_order_info", False),
    ],
)
def test_no_other_module_is_spoken_of(run: Run, action: str, resolved: str | None, expected: bool) -> None:
    assert bool(run.send("retry", orders(a="PROCESSING"), action=action, resolved=resolved)) is expected
    assert bool(run.send("retry", failure(), action=action, resolved=resolved)) is expected


def test_of_another_module_nothing_is_asked_but_its_name(run: Run) -> None:
    result = run.result({}, action="ansible.builtin.debug")
    # ansible-core copies the one when it is asked for, and may warn when asked for the other.
    task = result.__dict__["task" if run.modern else "_task"]
    del result.__dict__["result" if run.modern else "_result"], task.resolved_action
    run.callback.v2_runner_on_ok(result)
    assert run.screen.lines() == []


def test_no_log_is_respected(run: Run) -> None:
    assert run.send("retry", {"censored": "the output has been hidden", "attempts": 1, "retries": 4}) == []


def test_a_query_that_is_not_repeated_has_no_line(run: Run) -> None:
    assert run.send("on_ok", orders(a="SUCCESS", b="PROCESSING")) == []
    assert run.send("on_failed", orders(a="FAIL")) == []
    assert run.send("on_failed", failure()) == []


def test_a_reminder_comes_by_the_clock_of_the_wait(run: Run) -> None:
    run.send("retry", orders(a="PROCESSING"), after=3600)
    assert run.send("retry", orders(a="PROCESSING"), after=14 * 60) == []
    assert run.send("retry", orders(a="PROCESSING"), after=60) == ["still waiting after 15 min: 1 PROCESSING"]


def test_orders_that_were_found_beside_missing_ones_are_no_end_of_an_outage(run: Run) -> None:
    run.send("retry", failure("gone"))
    assert run.send("retry", {**failure("missing", retryable=False), **orders(a="SUCCESS"), "missing": ["b"]}) == []
