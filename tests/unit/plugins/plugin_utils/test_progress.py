# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import time
import types
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible.plugins import callback
from ansible.plugins.callback import default, junit
from ansible.plugins.loader import callback_loader

from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _progress
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._progress import Line, Progress, say

from ..stand_ins import Screen

ACCEPT = "the customer must accept the delivery in the CloudPond console"

MINUTE = 60
HOUR = 3600

BEGAN = datetime(2026, 1, 4, 10, 0, tzinfo=timezone.utc)


class Wait:
    """A wait whose queries come after the given seconds."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.progress = Progress(BEGAN)

    def answered(
        self, orders: list[dict[str, t.Any]], sites: t.Any = None, *, after: float = 0, over: bool = False
    ) -> list[str]:
        self.now += timedelta(seconds=after)
        return [line.text for line in self.progress.answered(self.now, orders, sites, over=over)]

    def failed(self, message: object, *, after: float = 0, over: bool = False) -> list[str]:
        self.now += timedelta(seconds=after)
        return [line.text for line in self.progress.failed(self.now, message, over=over)]


@pytest.fixture
def wait() -> Wait:
    return Wait()


def orders(**statuses: str | None) -> list[dict[str, t.Any]]:
    return [
        {"id": key, "name": f"site {key}", "status": each, "edge_site_id": f"edge-{key}"}
        for key, each in statuses.items()
    ]


def test_a_status_has_one_line(wait: Wait) -> None:
    assert wait.answered(orders(a="PROCESSING")) == ["site a (a): PROCESSING"]
    assert wait.answered(orders(a="PROCESSING"), after=60) == []
    assert wait.answered(orders(a="ACCEPTING"), after=60) == [
        f"site a (a): PROCESSING -> ACCEPTING, waiting for 2 min: {ACCEPT}"
    ]
    assert wait.answered(orders(a="ACCEPTING"), after=60) == []
    assert wait.answered(orders(a="SUCCESS"), after=65, over=True) == [
        "site a (a): ACCEPTING -> SUCCESS, waited for 4 min 5 s"
    ]


def test_a_wait_that_is_over_has_no_line_without_a_change(wait: Wait) -> None:
    assert wait.answered(orders(a="PROCESSING", b="FAIL", c="SUCCESS"), over=True) == []
    assert wait.failed("HTTP 403", over=True) == []
    wait.answered(orders(a="PROCESSING", b="FAIL", c="SUCCESS"))
    assert wait.failed("HTTP 403", over=True) == []
    assert wait.answered(orders(a="PROCESSING", b="FAIL", c="SUCCESS"), after=HOUR, over=True) == []


def test_many_orders_have_a_line_each_if_they_need_a_wait(wait: Wait) -> None:
    # Sites may share an order.
    assert wait.answered(orders(a="PROCESSING", b="SUCCESS", c="ACCEPTING") + orders(a="PROCESSING")) == [
        "site a (a): PROCESSING",
        f"site c (c): ACCEPTING: {ACCEPT}",
    ]
    assert wait.answered(orders(a="PROCESSING", b="DELETED", c="SUCCESS", d="PROCESSING"), after=5) == [
        "site b (b): SUCCESS -> DELETED, waited for 5 s",
        "site c (c): ACCEPTING -> SUCCESS, waited for 5 s",
        "site d (d): PROCESSING, waiting for 5 s",
    ]


def test_an_outage_has_a_line_when_it_begins_and_one_when_it_ends(wait: Wait) -> None:
    assert wait.failed("first") == ["outage: first"]
    assert wait.failed("second", after=60) == []
    assert wait.failed("third", after=60) == []
    assert wait.answered(orders(a="PROCESSING", b="SUCCESS"), after=60) == [
        "answered again after 3 failed queries (3 min), the last: third",
        "site a (a): PROCESSING, waiting for 3 min",
    ]
    assert wait.failed("fourth", after=60) == ["outage: fourth"]
    assert wait.answered(orders(a="SUCCESS"), after=60, over=True) == [
        "answered again after 1 failed query (1 min): fourth",
        "site a (a): PROCESSING -> SUCCESS, waited for 5 min",
    ]


def test_while_nothing_changes_a_line_comes_whenever_the_time_has_doubled(wait: Wait) -> None:
    same = orders(a="PROCESSING", b="PROCESSING", c="ACCEPTING", d="SUCCESS")
    wait.answered(same)
    lines = {minute: wait.answered(same, after=MINUTE) for minute in range(1, 300)}
    assert [minute for minute, texts in lines.items() if texts] == [15, 30, 60, 120, 240]
    assert lines[15] == ["still waiting after 15 min: 2 PROCESSING, 1 ACCEPTING"]
    assert lines[120] == ["still waiting after 2 h: 2 PROCESSING, 1 ACCEPTING"]


def test_a_query_that_comes_late_brings_one_such_line(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="PROCESSING"), after=5 * HOUR) == ["still waiting after 5 h: 1 PROCESSING"]
    assert wait.answered(orders(a="PROCESSING"), after=2 * HOUR) == []
    assert wait.answered(orders(a="PROCESSING"), after=HOUR) == ["still waiting after 8 h: 1 PROCESSING"]


def test_a_change_takes_the_place_of_such_a_line(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert len(wait.answered(orders(a="ACCEPTING"), after=15 * MINUTE)) == 1
    assert wait.answered(orders(a="ACCEPTING"), after=MINUTE) == []
    assert wait.failed("gone", after=14 * MINUTE) == ["outage: gone"]
    assert wait.failed("gone", after=MINUTE) == []
    assert wait.failed("gone", after=HOUR) == ["still waiting after 1 h 31 min: no answer for 1 h 1 min"]


def test_an_edge_site_is_waited_for_with_its_order(wait: Wait) -> None:
    # A delivered order has a line while its site is not available.
    others = orders(b="SUCCESS", c="FAIL")
    sites: dict[str, str | None] = {"edge-b": "available"}
    assert wait.answered([*orders(a="SUCCESS"), *others], {**sites, "edge-a": "initial"}) == [
        "site a (a): SUCCESS, edge site edge-a initial"
    ]
    lines = [
        *wait.answered([{**orders(a="SUCCESS")[0], "edge_site_id": None}, *others], sites, after=60),
        *wait.answered([*orders(a="SUCCESS"), *others], {**sites, "edge-a": None}, after=60),
        *wait.answered([*orders(a="SUCCESS"), *others], {**sites, "edge-a": "available"}, after=60, over=True),
    ]
    assert lines == [
        "site a (a): SUCCESS, edge site edge-a initial -> SUCCESS, no edge site yet, waiting for 1 min",
        "site a (a): SUCCESS, no edge site yet -> SUCCESS, edge site edge-a no status, waiting for 2 min",
        "site a (a): SUCCESS, edge site edge-a no status -> SUCCESS, edge site edge-a available, waited for 3 min",
    ]


HOSTILE = "\x1b[31mred\x07 \r\nfake \x9b2J\u202eabc\u2028x\ud800 \u673a\u67dc 7"
HARMLESS = "?[31mred? ??fake ?2J?abc?x? \u673a\u67dc 7"


def test_what_a_terminal_acts_on_is_shown_as_question_marks(wait: Wait) -> None:
    label = f'"{HARMLESS}" (a)'
    order = {"id": "a\n", "name": HOSTILE, "status": "A\x1bc", "edge_site_id": HOSTILE}
    assert wait.answered([order]) == [f'{label}: unknown status "A?c"']
    assert wait.answered([{**order, "status": "SUCCESS"}], {HOSTILE: HOSTILE}) == [
        f'{label}: unknown status "A?c" -> SUCCESS, edge site "{HARMLESS}" "{HARMLESS}", waiting for 0 s'
    ]
    assert wait.failed(HOSTILE) == [f"outage: {HARMLESS}"]


@pytest.mark.parametrize(
    ("status", "site", "color"),
    [("ON_HOLD", None, "CHANGED"), ("SUCCESS", None, "OK"), ("DELETED", None, "ERROR"), ("SUCCESS", "x", "CHANGED")],
)
def test_a_change_has_the_colour_of_its_status(wait: Wait, status: str, site: str | None, color: str) -> None:
    lines = [
        *wait.progress.failed(BEGAN, "gone", over=False),
        *wait.progress.answered(BEGAN, orders(a="X"), over=False),
        *wait.progress.answered(BEGAN, orders(a=status), {"edge-a": site} if site else None, over=False),
    ]
    assert [line.color for line in lines] == ["COLOR_WARN", "COLOR_OK", "COLOR_CHANGED", f"COLOR_{color}"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3605, "1 h"), (4320, "1 h 12 min"), (90000, "1 d 1 h")],
)
def test_a_duration_has_its_two_largest_units(wait: Wait, seconds: float, text: str) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="ON_HOLD"), after=seconds)[0].endswith(f", waiting for {text}")


# How the lines are printed


def said(host: str = "localhost") -> tuple[str, str, bool]:
    screen = Screen()
    say(t.cast("t.Any", screen), [Line("a line", "COLOR_WARN")], host)
    (shown,) = screen.shown
    return shown


def test_a_line_has_the_controller_s_time_and_colour_and_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "now", lambda: BEGAN)
    monkeypatch.setenv("ANSIBLE_COLOR_WARN", "bright red")
    with monkeypatch.context() as india:
        india.setenv("TZ", "CPT-5:30")
        time.tzset()
        lines = [said()[:2], said("h\x1b")[:2]]
    time.tzset()
    assert lines == [("15:30:00 a line", "bright red"), ("15:30:00 [h?] a line", "bright red")]


def test_the_clock_goes() -> None:
    assert abs(datetime.now(timezone.utc) - _progress.now()) < timedelta(seconds=10)


class Derived(default.CallbackModule):
    """As ansible-runner's, and many others."""


# A callback of one's own, in a file with a name of ansible-core's.
own = types.ModuleType("own_callback")
own.__file__ = "/home/callback_plugins/default.py"
Own = type("CallbackModule", (callback.CallbackBase,), {"__module__": own.__name__})


@pytest.mark.parametrize(
    ("name", "plugin", "to_stderr"),
    [
        ("ansible.builtin.default", default.CallbackModule, False),
        ("awx_display", Derived, False),
        ("my.own.jsonl_lines", Derived, True),
        ("junit", junit.CallbackModule, True),
        ("default", Own, True),
        ("nonesuch", None, True),
    ],
)
def test_only_a_callback_that_writes_text_gets_the_lines_on_stdout(
    monkeypatch: pytest.MonkeyPatch, name: str, plugin: type | None, to_stderr: bool
) -> None:
    monkeypatch.setitem(sys.modules, own.__name__, own)
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", name)
    monkeypatch.setattr(callback_loader, "get", lambda asked, **_more: plugin if asked == name else None)
    assert said()[2] is to_stderr
