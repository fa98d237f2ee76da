# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ansible_collections.huaweicloud.cloudpond.plugins.callback import delivery_progress

FQCN = "huaweicloud.cloudpond.cloudpond_delivery_order_info"


class Screen:
    """Stands in for Ansible's display."""

    verbosity = 0

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, bool]] = []

    def display(self, text: str, color: str, stderr: bool) -> None:
        self.shown.append((text, color, stderr))

    def lines(self) -> list[str]:
        """Return the lines since the last call, without the time."""
        lines = [text.split(" ", 1)[1] for text, _color, _stderr in self.shown]
        self.shown.clear()
        return lines


class Run:
    """A callback under a clock of its own, and the results that it is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, modern: bool) -> None:
        self.modern = modern
        self.screen = Screen()
        self.callback = delivery_progress.CallbackModule(display=self.screen)
        self.now = datetime(2026, 1, 4, 10, 0, tzinfo=timezone.utc)
        monkeypatch.setattr(delivery_progress, "now", lambda: self.now)

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

    def retry(self, data: dict[str, t.Any], *, after: float = 0, **more: t.Any) -> list[str]:
        """Let that many seconds pass, send a retry, and return the lines it brought."""
        self.now += timedelta(seconds=after)
        self.callback.v2_runner_retry(self.result({"attempts": 99, **data}, **more))
        return self.screen.lines()

    def ok(self, data: dict[str, t.Any], *, after: float = 0, **more: t.Any) -> list[str]:
        """Let that many seconds pass, send the final result, and return the lines it brought."""
        self.now += timedelta(seconds=after)
        self.callback.v2_runner_on_ok(self.result(data, **more))
        return self.screen.lines()


@pytest.fixture(params=[True, False], ids=["modern", "old"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch, request.param)


def orders(**statuses: str | None) -> dict[str, t.Any]:
    return {"delivery_orders": [{"id": key, "name": f"site {key}", "status": statuses[key]} for key in statuses]}


def failure(message: str = "Cannot query: HTTP 503", retryable: bool = True) -> dict[str, t.Any]:
    return {"failed": True, "msg": message, "error": {"http_status": 503, "retryable": retryable}}


def test_a_status_is_said_once(run: Run) -> None:
    assert run.retry(orders(a="PROCESSING")) == ["site a (a): PROCESSING, attempt 1"]
    assert run.retry(orders(a="PROCESSING"), after=60) == []
    assert run.retry(orders(a="ACCEPTING"), after=60) == [
        "site a (a): PROCESSING -> ACCEPTING, attempt 3, waiting for 2 min"
    ]
    assert run.retry(orders(a="ACCEPTING"), after=60) == []
    assert run.ok({**orders(a="SUCCESS"), "attempts": 5}, after=65) == [
        "site a (a): ACCEPTING -> SUCCESS, attempt 5, waited for 4 min 5 s"
    ]


def test_many_orders_have_a_line_each(run: Run) -> None:
    assert run.retry(orders(a="PROCESSING", b="ACCEPTING")) == [
        "site a (a): PROCESSING, attempt 1",
        "site b (b): ACCEPTING, attempt 1",
    ]
    assert run.retry(orders(a="PROCESSING", b="SUCCESS", c="PROCESSING"), after=5) == [
        "site b (b): ACCEPTING -> SUCCESS, attempt 2, waited for 5 s",
        "site c (c): PROCESSING, attempt 2, waiting for 5 s",
    ]
    assert run.retry(orders(a="PROCESSING", c="PROCESSING"), after=5) == []
    assert run.retry({"delivery_orders": []}, after=5) == []


def test_a_query_without_until_has_no_attempt(run: Run) -> None:
    assert run.ok(orders(a="SUCCESS")) == ["site a (a): SUCCESS"]
    assert run.ok(orders(a="SUCCESS")) == ["site a (a): SUCCESS"]


def test_a_status_that_the_api_left_out(run: Run) -> None:
    assert run.retry(orders(a=None)) == ["site a (a): no status, attempt 1"]
    assert run.retry(orders(a=None)) == []
    assert run.retry(orders(a="")) == ["site a (a): no status -> no status, attempt 3, waiting for 0 s"]


def test_an_unknown_status_is_quoted(run: Run) -> None:
    assert run.retry(orders(a="PROCESSING")) == ["site a (a): PROCESSING, attempt 1"]
    assert run.retry(orders(a=" SUCCESS ")) == [
        'site a (a): PROCESSING -> unknown status " SUCCESS ", attempt 2, waiting for 0 s'
    ]
    assert run.retry(orders(a="SUCCESS")) == [
        'site a (a): unknown status " SUCCESS " -> SUCCESS, attempt 3, waited for 0 s'
    ]


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_order_without_a_name(run: Run, name: str | None) -> None:
    order = {"id": "a", "name": name, "status": "PROCESSING"}
    assert run.retry({"delivery_orders": [order]}) == ["Delivery order a: PROCESSING, attempt 1"]


def test_an_outage_has_two_lines_however_long_it_is(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    assert run.retry(failure("first"), after=60) == ["outage at attempt 2: first"]
    assert run.retry(failure("second"), after=60) == []
    assert run.retry(failure("third"), after=60) == []
    assert run.retry(orders(a="PROCESSING"), after=60) == [
        "answered again after 3 failed attempts (3 min), the last: third"
    ]
    assert run.retry(failure("fourth"), after=60) == ["outage at attempt 6: fourth"]
    assert run.ok({**orders(a="SUCCESS"), "attempts": 7}, after=60) == [
        "answered again after 1 failed attempt (1 min): fourth",
        "site a (a): PROCESSING -> SUCCESS, attempt 7, waited for 6 min",
    ]


def test_an_outage_in_the_first_place(run: Run) -> None:
    assert run.retry(failure("first")) == ["outage at attempt 1: first"]
    assert run.retry(orders(a="PROCESSING"), after=60) == [
        "answered again after 1 failed attempt (1 min): first",
        "site a (a): PROCESSING, attempt 2, waiting for 1 min",
    ]


@pytest.mark.parametrize("retryable", [True, False])
def test_the_task_s_own_message_stands_alone(run: Run, retryable: bool) -> None:
    run.retry(orders(a="PROCESSING"))
    run.callback.v2_runner_on_failed(run.result({**failure(retryable=retryable), "attempts": 2}))
    assert run.screen.lines() == []


def test_a_failure_that_waiting_cannot_cure_is_no_outage(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    assert run.retry(failure(retryable=False)) == []
    assert run.retry(orders(a="PROCESSING")) == []


def test_a_result_that_failed_when_turned_down_has_orders(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    run.callback.v2_runner_on_failed(
        run.result({**orders(a="FAIL"), "attempts": 2, "failed_when_result": True}), ignore_errors=True
    )
    assert run.screen.lines() == ["site a (a): PROCESSING -> FAIL, attempt 2, waited for 0 s"]


def test_the_count_goes_on_where_ansible_s_own_stops(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    run.retry(orders(a="PROCESSING"))
    run.callback.v2_runner_on_failed(run.result({**orders(a="ACCEPTING"), "attempts": 2, "failed": True}))
    assert run.screen.lines() == ["site a (a): PROCESSING -> ACCEPTING, attempt 3, waiting for 0 s"]


def test_items_of_a_loop_are_waits_of_their_own(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    run.callback.v2_runner_item_on_ok(run.result({**orders(a="SUCCESS"), "attempts": 2}))
    assert run.screen.lines() == ["site a (a): PROCESSING -> SUCCESS, attempt 2, waited for 0 s"]
    run.retry(orders(a="PROCESSING"), after=60)
    # This one ends without an order and without an error: its expression in `until` was wrong.
    run.callback.v2_runner_item_on_failed(run.result({"failed": True, "msg": "An 'until' expression failed."}))
    assert run.screen.lines() == []
    assert run.retry(orders(a="PROCESSING"), after=60) == ["site a (a): PROCESSING, attempt 1"]
    run.callback.v2_runner_item_on_failed(run.result({**orders(a="FAIL"), "attempts": 2, "failed": True}))
    assert run.screen.lines() == ["site a (a): PROCESSING -> FAIL, attempt 2, waited for 0 s"]
    assert run.ok({"results": [orders(a="SUCCESS"), failure(), orders(a="FAIL")], "changed": False}) == []


def test_an_unreachable_host_ends_its_wait(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    run.callback.v2_runner_on_unreachable(run.result({"unreachable": True, "msg": "no route"}))
    assert run.screen.lines() == []
    assert run.retry(orders(a="PROCESSING")) == ["site a (a): PROCESSING, attempt 1"]


def test_hosts_and_tasks_do_not_mix(run: Run) -> None:
    run.retry(orders(a="PROCESSING"))
    assert run.retry(orders(a="PROCESSING"), host="rack-7") == ["[rack-7] site a (a): PROCESSING, attempt 1"]
    assert run.retry(failure("gone"), host="rack-7") == ["[rack-7] outage at attempt 2: gone"]
    assert run.retry(orders(a="PROCESSING")) == []
    assert run.retry(orders(a="PROCESSING"), uuid="2") == ["site a (a): PROCESSING, attempt 1"]
    assert run.retry(orders(a="PROCESSING"), host="rack-7") == [
        "[rack-7] answered again after 1 failed attempt (0 s): gone"
    ]


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
        ("ansible.builtin.set_fact", "ansible.builtin.set_fact", False),
    ],
)
def test_no_other_module_is_spoken_of(run: Run, action: str, resolved: str | None, expected: bool) -> None:
    assert bool(run.retry(orders(a="PROCESSING"), action=action, resolved=resolved)) is expected
    assert bool(run.retry(failure(), action=action, resolved=resolved)) is expected


def test_of_another_module_nothing_is_asked_but_its_name(run: Run) -> None:
    result = run.result({}, action="ansible.builtin.debug")
    # ansible-core copies the one when it is asked for, and may warn when asked for the other.
    task = result.__dict__["task" if run.modern else "_task"]
    del result.__dict__["result" if run.modern else "_result"], task.resolved_action
    run.callback.v2_runner_on_ok(result)
    assert run.screen.lines() == []


def test_no_log_is_respected(run: Run) -> None:
    assert run.retry({"censored": "the output has been hidden", "attempts": 1, "retries": 4}) == []


def test_what_acts_upon_a_terminal_is_shown_as_question_marks(run: Run) -> None:
    hostile = "\x1b[31mred\x07 \r\nfake \x9b2J\u202eabc\u2028x\ud800 机柜 7"
    harmless = "?[31mred? ??fake ?2J?abc?x? 机柜 7"
    label = f'"{harmless}" (a)'
    order = {"id": "a\n", "name": hostile, "status": "A\x1bc"}
    assert run.retry({"delivery_orders": [order]}) == [f'{label}: unknown status "A?c", attempt 1']
    order["status"] = "\x08"
    assert run.retry({"delivery_orders": [order]}) == [
        f'{label}: unknown status "A?c" -> unknown status "?", attempt 2, waiting for 0 s'
    ]
    assert run.retry(failure(hostile), host="h\x1b") == [f"[h?] outage at attempt 1: {harmless}"]
    assert run.retry({"delivery_orders": []}, host="h\x1b") == [
        f"[h?] answered again after 1 failed attempt (0 s): {harmless}"
    ]


def test_an_endless_name_is_cut(run: Run) -> None:
    (line,) = run.retry({"delivery_orders": [{"id": "a", "name": "n" * 10_000, "status": "PROCESSING"}]})
    assert line == f"{'n' * 64}... (a): PROCESSING, attempt 1"


def test_a_name_that_looks_like_a_line(run: Run) -> None:
    name = "rack 9 (0-9): FAIL".ljust(200) + "rack 7 (0-7): SUCCESS"
    (line,) = run.retry({"delivery_orders": [{"id": "a", "name": name, "status": "PROCESSING"}]})
    assert line == '"rack 9 (0-9): FAIL rack 7 (0-7): SUCCESS" (a): PROCESSING, attempt 1'
    assert run.retry(failure("HTTP 503".ljust(200) + "again")) == ["outage at attempt 2: HTTP 503 again"]


@pytest.mark.parametrize(
    ("status", "color"),
    [
        ("PROCESSING", "COLOR_CHANGED"),
        ("ACCEPTING", "COLOR_CHANGED"),
        ("SUCCESS", "COLOR_OK"),
        ("FAIL", "COLOR_ERROR"),
        ("CANCELLED", "COLOR_ERROR"),
        ("DELETED", "COLOR_ERROR"),
    ],
)
def test_colors(run: Run, status: str, color: str) -> None:
    run.callback.v2_runner_on_ok(run.result(orders(a=status)))
    assert [shown[1] for shown in run.screen.shown] == [C.config.get_config_value(color)]


def test_colors_of_an_outage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_COLOR_WARN", "bright red")
    run.callback.v2_runner_retry(run.result(failure()))
    run.callback.v2_runner_retry(run.result({"delivery_orders": []}))
    assert [shown[1] for shown in run.screen.shown] == ["bright red", C.config.get_config_value("COLOR_OK")]


def test_the_time_is_the_controller_s(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CPT-5:30")
    time.tzset()
    try:
        run.callback.v2_runner_on_ok(run.result(orders(a="SUCCESS")))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [shown[0] for shown in run.screen.shown] == ["15:30:00 site a (a): SUCCESS"]


def test_the_clock_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    run = Run(monkeypatch, True)
    monkeypatch.undo()
    callback = delivery_progress.CallbackModule(display=screen)
    before = datetime.now().replace(microsecond=0)
    callback.v2_runner_on_ok(run.result(orders(a="SUCCESS")))
    said = datetime.strptime(screen.shown[0][0][:8], "%H:%M:%S").time()
    assert said in {(before + timedelta(seconds=late)).time() for late in range(10)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (4320, "1 h 12 min"),
        (86400, "1 d"),
        (90000, "1 d 1 h"),
        (86400 * 21 + 60, "21 d"),
    ],
)
def test_durations(run: Run, seconds: float, text: str) -> None:
    run.retry(orders(a="PROCESSING"))
    assert run.retry(orders(a="ACCEPTING"), after=seconds) == [
        f"site a (a): PROCESSING -> ACCEPTING, attempt 2, waiting for {text}"
    ]


class DerivedCallback(DefaultCallback):
    """As ansible-runner's, and many others."""


class OtherCallback(CallbackBase):
    """As those that write JSON."""


class LoadedCallback(CallbackBase):
    """As the loader names a plugin that it met while looking through all of them."""

    __module__ = "ansible.plugins.callback.123456_minimal"


@pytest.mark.parametrize(
    ("name", "plugin", "to_stderr"),
    [
        ("default", DefaultCallback, False),
        ("awx_display", DerivedCallback, False),
        ("minimal", LoadedCallback, False),
        ("ansible.posix.json", OtherCallback, True),
        ("my.own.jsonl_lines", DerivedCallback, True),
        ("structured", OtherCallback, True),
        ("nonesuch", None, True),
    ],
)
def test_the_stream(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, plugin: type[CallbackBase] | None, to_stderr: bool
) -> None:
    asked = []

    def get(name: str, class_only: bool = False) -> type[CallbackBase] | None:
        asked.append(name)
        assert class_only
        return plugin

    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", name)
    monkeypatch.setattr(delivery_progress, "callback_loader", SimpleNamespace(get=get))
    for _poll in range(2):
        run.callback.v2_runner_on_ok(run.result(orders(a="SUCCESS")))
    assert [shown[2] for shown in run.screen.shown] == [to_stderr] * 2
    assert asked == [name]


@pytest.mark.parametrize("name", ["default", "minimal"])
def test_ansible_core_s_own_callbacks_write_text(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", name)
    run.callback.v2_runner_on_ok(run.result(orders(a="SUCCESS")))
    assert [shown[2] for shown in run.screen.shown] == [False]


def test_it_is_off_unless_enabled() -> None:
    assert delivery_progress.CallbackModule.CALLBACK_TYPE == "notification"
    assert delivery_progress.CallbackModule.CALLBACK_NEEDS_ENABLED is True
