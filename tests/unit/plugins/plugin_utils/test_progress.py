# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import types
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible.plugins.loader import callback_loader

from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _progress
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._progress import Line, Progress, say

from ..stand_ins import Screen

ACCEPT = "the customer must accept the delivery in the CloudPond console"

COLLECTIONS = Path(__file__).parents[7]

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
        {"id": key, "name": f"site {key}", "status": statuses[key], "edge_site_id": f"edge-{key}"} for key in statuses
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


@pytest.mark.parametrize("status", ["SUCCESS", "FAIL", "PROCESSING", "ACCEPTING", None])
def test_a_wait_that_is_over_after_its_first_query_has_no_line(wait: Wait, status: str | None) -> None:
    assert wait.answered(orders(a=status), over=True) == []


def test_a_failure_that_ends_the_wait_has_no_line(wait: Wait) -> None:
    assert wait.failed("HTTP 403", over=True) == []
    wait.answered(orders(a="PROCESSING"))
    assert wait.failed("HTTP 403", over=True) == []
    assert wait.answered(orders(a="PROCESSING")) == []


def test_many_orders_have_a_line_each_if_they_need_a_wait(wait: Wait) -> None:
    assert wait.answered(orders(a="PROCESSING", b="SUCCESS", c="ACCEPTING", d="CANCELLED")) == [
        "site a (a): PROCESSING",
        f"site c (c): ACCEPTING: {ACCEPT}",
    ]
    assert wait.answered(orders(a="PROCESSING", b="SUCCESS", c="SUCCESS", d="CANCELLED"), after=5) == [
        "site c (c): ACCEPTING -> SUCCESS, waited for 5 s"
    ]
    assert wait.answered(orders(a="PROCESSING", b="DELETED", c="SUCCESS", d="CANCELLED"), after=5) == [
        "site b (b): SUCCESS -> DELETED, waited for 10 s"
    ]


def test_an_order_that_appears_later_has_a_line(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="PROCESSING", b="PROCESSING"), after=5) == ["site b (b): PROCESSING, waiting for 5 s"]
    assert wait.answered([], after=5) == []


def test_sites_that_share_an_order_share_its_lines(wait: Wait) -> None:
    def twice(status: str) -> list[dict[str, t.Any]]:
        return orders(a=status) * 2

    assert wait.answered(twice("PROCESSING")) == ["site a (a): PROCESSING"]
    assert wait.answered(twice("PROCESSING"), after=15 * MINUTE) == ["still waiting after 15 min: 1 PROCESSING"]
    assert wait.answered(twice("SUCCESS"), over=True) == ["site a (a): PROCESSING -> SUCCESS, waited for 15 min"]


def test_a_status_that_the_api_left_out(wait: Wait) -> None:
    assert wait.answered(orders(a=None)) == ["site a (a): no status"]
    assert wait.answered(orders(a=None)) == []
    assert wait.answered(orders(a="")) == []


def test_an_unknown_status_is_in_quotes(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a=" SUCCESS ")) == [
        'site a (a): PROCESSING -> unknown status " SUCCESS ", waiting for 0 s'
    ]
    assert wait.answered(orders(a="SUCCESS")) == ['site a (a): unknown status " SUCCESS " -> SUCCESS, waited for 0 s']


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_order_without_a_name(wait: Wait, name: str | None) -> None:
    assert wait.answered([{"id": "a", "name": name, "status": "PROCESSING"}]) == ["Delivery order a: PROCESSING"]


def test_an_outage_has_a_line_when_it_begins_and_one_when_it_ends(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.failed("first", after=60) == ["outage: first"]
    assert wait.failed("second", after=60) == []
    assert wait.failed("third", after=60) == []
    assert wait.answered(orders(a="PROCESSING"), after=60) == [
        "answered again after 3 failed queries (3 min), the last: third"
    ]
    assert wait.failed("fourth", after=60) == ["outage: fourth"]
    assert wait.answered(orders(a="SUCCESS"), after=60, over=True) == [
        "answered again after 1 failed query (1 min): fourth",
        "site a (a): PROCESSING -> SUCCESS, waited for 6 min",
    ]


def test_a_wait_that_begins_with_an_outage(wait: Wait) -> None:
    assert wait.failed("first") == ["outage: first"]
    assert wait.answered(orders(a="PROCESSING", b="SUCCESS"), after=60) == [
        "answered again after 1 failed query (1 min): first",
        "site a (a): PROCESSING, waiting for 1 min",
    ]


def minutes_of(lines: dict[int, list[str]]) -> list[int]:
    return [minute for minute, texts in lines.items() if texts]


def test_while_nothing_changes_a_line_comes_whenever_the_time_has_doubled(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING", b="PROCESSING", c="ACCEPTING", d="SUCCESS"))
    same = orders(a="PROCESSING", b="PROCESSING", c="ACCEPTING", d="SUCCESS")
    lines = {minute: wait.answered(same, after=MINUTE) for minute in range(1, 300)}
    assert minutes_of(lines) == [15, 30, 60, 120, 240]
    assert lines[15] == ["still waiting after 15 min: 2 PROCESSING, 1 ACCEPTING"]
    assert lines[120] == ["still waiting after 2 h: 2 PROCESSING, 1 ACCEPTING"]


def test_during_an_outage_such_a_line_says_how_long_it_lasts(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    wait.failed("gone", after=10 * MINUTE)
    lines = {minute: wait.failed("gone", after=MINUTE) for minute in range(11, 70)}
    assert minutes_of(lines) == [15, 30, 60]
    assert lines[30] == ["still waiting after 30 min: no answer for 20 min"]


def test_a_query_that_comes_late_brings_one_such_line(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="PROCESSING"), after=5 * HOUR) == ["still waiting after 5 h: 1 PROCESSING"]
    assert wait.answered(orders(a="PROCESSING"), after=2 * HOUR) == []
    assert wait.answered(orders(a="PROCESSING"), after=HOUR) == ["still waiting after 8 h: 1 PROCESSING"]


def test_a_change_takes_the_place_of_such_a_line(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="ACCEPTING"), after=15 * MINUTE) == [
        f"site a (a): PROCESSING -> ACCEPTING, waiting for 15 min: {ACCEPT}"
    ]
    assert wait.answered(orders(a="ACCEPTING"), after=MINUTE) == []
    assert wait.failed("gone", after=14 * MINUTE) == ["outage: gone"]
    assert wait.failed("gone", after=MINUTE) == []


def test_a_wait_that_is_over_is_not_said_to_go_on(wait: Wait) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="PROCESSING"), after=HOUR, over=True) == []


def test_an_edge_site_is_waited_for_with_its_order(wait: Wait) -> None:
    assert wait.answered(orders(a="PROCESSING"), {}) == ["site a (a): PROCESSING"]
    assert wait.answered([{**orders(a="SUCCESS")[0], "edge_site_id": None}], {}, after=60) == [
        "site a (a): PROCESSING -> SUCCESS, no edge site yet, waiting for 1 min"
    ]
    assert wait.answered(orders(a="SUCCESS"), {"edge-a": "deploying"}, after=60) == [
        "site a (a): SUCCESS, no edge site yet -> SUCCESS, edge site edge-a deploying, waiting for 2 min"
    ]
    assert wait.answered(orders(a="SUCCESS"), {"edge-a": "deploying"}, after=13 * MINUTE) == [
        "still waiting after 15 min: 1 SUCCESS, edge site edge-a deploying"
    ]
    assert wait.answered(orders(a="SUCCESS"), {"edge-a": None}, after=60) == [
        "site a (a): SUCCESS, edge site edge-a deploying -> SUCCESS, edge site edge-a no status, waiting for 16 min"
    ]
    assert wait.answered(orders(a="SUCCESS"), {"edge-a": "available"}, after=60, over=True) == [
        "site a (a): SUCCESS, edge site edge-a no status -> SUCCESS, edge site edge-a available, waited for 17 min"
    ]


def test_a_delivered_order_has_a_line_while_its_site_is_not_available(wait: Wait) -> None:
    sites = {"edge-a": "available", "edge-b": "initial"}
    assert wait.answered(orders(a="SUCCESS", b="SUCCESS", c="FAIL"), sites) == [
        "site b (b): SUCCESS, edge site edge-b initial"
    ]


HOSTILE = "\x1b[31mred\x07 \r\nfake \x9b2J\u202eabc\u2028x\ud800 \u673a\u67dc 7"
HARMLESS = "?[31mred? ??fake ?2J?abc?x? \u673a\u67dc 7"


def test_what_a_terminal_acts_on_is_shown_as_question_marks(wait: Wait) -> None:
    label = f'"{HARMLESS}" (a)'
    order = {"id": "a\n", "name": HOSTILE, "status": "A\x1bc", "edge_site_id": HOSTILE}
    assert wait.answered([order]) == [f'{label}: unknown status "A?c"']
    order["status"] = "\x08"
    assert wait.answered([order]) == [f'{label}: unknown status "A?c" -> unknown status "?", waiting for 0 s']
    order["status"] = "SUCCESS"
    assert wait.answered([order], {HOSTILE: HOSTILE}) == [
        f'{label}: unknown status "?" -> SUCCESS, edge site "{HARMLESS}" "{HARMLESS}", waiting for 0 s'
    ]
    assert wait.failed(HOSTILE) == [f"outage: {HARMLESS}"]
    assert wait.answered([]) == [f"answered again after 1 failed query (0 s): {HARMLESS}"]


def test_an_endless_name_is_cut(wait: Wait) -> None:
    (line,) = wait.answered([{"id": "a", "name": "n" * 10_000, "status": "PROCESSING"}])
    assert line == f"{'n' * 64}... (a): PROCESSING"


def test_a_name_that_looks_like_a_line_is_in_quotes(wait: Wait) -> None:
    name = "rack 9 (0-9): FAIL".ljust(200) + "rack 7 (0-7): SUCCESS"
    (line,) = wait.answered([{"id": "a", "name": name, "status": "PROCESSING"}])
    assert line == '"rack 9 (0-9): FAIL rack 7 (0-7): SUCCESS" (a): PROCESSING'
    assert wait.failed("HTTP 503".ljust(200) + "again") == ["outage: HTTP 503 again"]


@pytest.mark.parametrize(
    ("status", "site", "color"),
    [
        ("ACCEPTING", None, "COLOR_CHANGED"),
        ("ON_HOLD", None, "COLOR_CHANGED"),
        ("SUCCESS", None, "COLOR_OK"),
        ("FAIL", None, "COLOR_ERROR"),
        ("CANCELLED", None, "COLOR_ERROR"),
        ("DELETED", None, "COLOR_ERROR"),
        ("SUCCESS", "deploying", "COLOR_CHANGED"),
        ("SUCCESS", "available", "COLOR_OK"),
    ],
)
def test_the_colour_of_a_change(wait: Wait, status: str, site: str | None, color: str) -> None:
    wait.answered(orders(a="PROCESSING"))
    sites = {"edge-a": site} if site else None
    assert [line.color for line in wait.progress.answered(BEGAN, orders(a=status), sites, over=False)] == [color]


def test_the_colours_of_an_outage(wait: Wait) -> None:
    assert [line.color for line in wait.progress.failed(BEGAN, "gone", over=False)] == ["COLOR_WARN"]
    assert [line.color for line in wait.progress.answered(BEGAN, [], over=False)] == ["COLOR_OK"]


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
def test_durations(wait: Wait, seconds: float, text: str) -> None:
    wait.answered(orders(a="PROCESSING"))
    assert wait.answered(orders(a="ON_HOLD"), after=seconds) == [
        f'site a (a): PROCESSING -> unknown status "ON_HOLD", waiting for {text}'
    ]


# How the lines are printed


def said(host: str = "localhost", color: str = "COLOR_OK") -> tuple[str, str, bool]:
    screen = Screen()
    say(t.cast("t.Any", screen), [Line("a line", color)], host)
    (shown,) = screen.shown
    return shown


def test_a_line_names_its_host_unless_it_is_localhost() -> None:
    assert said()[0][8:] == " a line"
    assert said("rack-7")[0][8:] == " [rack-7] a line"
    assert said("h\x1b")[0][8:] == " [h?] a line"


def test_a_line_has_the_colour_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said()[1] == C.config.get_config_value("COLOR_OK")
    monkeypatch.setenv("ANSIBLE_COLOR_WARN", "bright red")
    assert said(color="COLOR_WARN")[1] == "bright red"


def test_the_time_is_the_controller_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "now", lambda: BEGAN)
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "CPT-5:30")
        time.tzset()
        try:
            text = said()[0]
        finally:
            zone.undo()
            time.tzset()
    assert text == "15:30:00 a line"


def test_the_clock_goes() -> None:
    before = datetime.now().replace(microsecond=0)
    shown = datetime.strptime(said()[0][:8], "%H:%M:%S").time()
    assert shown in {(before + timedelta(seconds=late)).time() for late in range(10)}


class DerivedCallback(DefaultCallback):
    """As ansible-runner's, and many others."""


class OtherCallback(CallbackBase):
    """As those that write JSON."""


#: Prints whether stdout is text under each of the given stdout callbacks, as a run of Ansible finds them.
STREAMS = """
import json, os, sys
from ansible.plugins.loader import callback_loader, init_plugin_loader
init_plugin_loader()
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils._progress import _stdout_is_text
if sys.argv[1] == "listed":
    list(callback_loader.all(class_only=True))
found = {}
for name in sys.argv[2:]:
    os.environ["ANSIBLE_STDOUT_CALLBACK"] = name
    found[name] = _stdout_is_text()
print(json.dumps(found))
"""


@pytest.mark.parametrize("how", ["listed", "not listed"])
def test_ansible_core_s_own_callbacks_write_text_by_any_of_their_names(how: str) -> None:
    """The loader gives the module of a plugin another name when it lists all, or finds one by its full name."""
    text = [
        f"{prefix}{name}" for prefix in ("", "ansible.builtin.", "ansible.legacy.") for name in ("default", "minimal")
    ]
    other = ["ansible.builtin.junit", "tree", "nonesuch", "ansible.builtin.nonesuch"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    command = [sys.executable, "-c", STREAMS, how, *text, *other]
    done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE)
    assert json.loads(done.stdout) == {**dict.fromkeys(text, True), **dict.fromkeys(other, False)}


@pytest.mark.parametrize(
    ("name", "plugin", "to_stderr"),
    [
        ("awx_display", DerivedCallback, False),
        ("ansible.posix.json", OtherCallback, True),
        ("ansible.posix.jsonl", OtherCallback, True),
        ("my.own.jsonl_lines", DerivedCallback, True),
        ("structured", OtherCallback, True),
    ],
)
def test_the_stream_under_another_callback(
    monkeypatch: pytest.MonkeyPatch, name: str, plugin: type[CallbackBase], to_stderr: bool
) -> None:
    get: t.Any = callback_loader.get

    def found(asked: str, **more: t.Any) -> t.Any:
        return plugin if asked == name else get(asked, **more)

    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", name)
    monkeypatch.setattr(callback_loader, "get", found)
    assert said()[2] is to_stderr


def test_a_callback_of_one_s_own_with_a_name_of_ansible_core_s_may_write_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = types.ModuleType("own")
    own.__file__ = str(tmp_path / "default.py")
    monkeypatch.setitem(sys.modules, "own", own)
    plugin = type("CallbackModule", (CallbackBase,), {"__module__": "own"})
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "default")
    monkeypatch.setattr(callback_loader, "get", lambda _name, **_more: plugin)
    assert said()[2] is True
