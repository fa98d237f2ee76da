# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.huaweicloud.cloudpond.plugins.doc_fragments import _connection
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._argspec import connection_argument_spec
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._settings import OPTIONS

from ..conftest import DOMAIN_ID, TOKEN, Emulate

Event = dict[str, t.Any]

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "extensions" / "eda" / "plugins" / "event_source"
ID = "0000-a"
SECRETS = {name for name, spec in connection_argument_spec({}).items() if spec.get("no_log")}


class Queue:
    """What ansible-rulebook hands to a source, as far as a source may use it."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def put(self, event: Event) -> None:
        self.events.append(event)

    @property
    def changes(self) -> list[tuple[str, str | None, str | None]]:
        """ID, status before, and status of each event."""
        orders = [event["delivery_order"] for event in self.events]
        return [(o["id"], e["previous_status"], o["status"]) for o, e in zip(orders, self.events)]


class Source:
    """The source, run by its path as ansible-rulebook does it, under a clock that stands still."""

    def __init__(self) -> None:
        # As runpy.run_path does it. That itself takes any path in a collection for a package under ansible-test.
        path = SOURCES / "delivery_orders.py"
        self.globals: dict[str, t.Any] = {"__name__": "<run_path>", "__file__": str(path)}
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), self.globals)
        self.queue = Queue()
        self.pauses: list[float] = []

    def run(self, url: str = "", *, polls: int = 1, **args: t.Any) -> None:
        """Run it until it has polled so many times, without retries of the client."""
        connection = {"endpoint": url, "domain_id": DOMAIN_ID, "max_retries": 0}
        credential = {} if "access_key" in args else {"auth_token": TOKEN}
        self.until_polled(polls, self.globals["main"](self.queue, {**connection, **credential, **args}))

    def watch(self, *outcomes: t.Any, interval: float = 60.0) -> None:
        """Run it with a query that has these outcomes: orders, statuses by order ID, or an exception."""
        remaining = list(outcomes)

        async def query() -> list[dict[str, t.Any]]:
            outcome = remaining.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            if isinstance(outcome, list):
                return outcome
            return [{"id": name, "status": status} for name, status in outcome.items()]

        self.until_polled(len(outcomes), self.globals["_watch"](self.queue, query, interval))

    def until_polled(self, polls: int, source: t.Coroutine[t.Any, t.Any, None]) -> None:
        left = polls

        async def sleep(seconds: float) -> None:
            nonlocal left
            self.pauses.append(seconds)
            left -= 1
            if not left:
                raise asyncio.CancelledError

        self.globals["_sleep"] = sleep
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(source)

    def error(self, *, retryable: bool = False) -> Exception:
        """Of the class as the source imports it, under a name of its own."""
        error: Exception = self.globals["_errors"].CloudPondError("the delivery orders", "gone", retryable=retryable)
        return error


@pytest.fixture
def source() -> Source:
    return Source()


def of_source(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("huaweicloud.")]


# Events


def test_an_order_is_announced_once_and_at_each_change(source: Source, emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=PROCESSING*2,ACCEPTING,SUCCESS")
    source.run(emulator.url, polls=5, delivery_order_ids=[ID])
    assert source.queue.changes == [
        (ID, None, "PROCESSING"),
        (ID, "PROCESSING", "ACCEPTING"),
        (ID, "ACCEPTING", "SUCCESS"),
    ]
    assert source.pauses == [60.0] * 5
    order = source.queue.events[-1]["delivery_order"]
    assert order["domain_id"] == DOMAIN_ID
    assert order["effected_at"]
    json.dumps(source.queue.events)


@pytest.mark.parametrize("ids", [None, [f"site-{number:03}" for number in range(1, 202)]])
def test_many_orders_are_listed_once_an_interval(source: Source, emulate: Emulate, ids: list[str] | None) -> None:
    emulator = emulate("site-001=PROCESSING,SUCCESS", "site-{002..201}=FAIL")
    source.run(emulator.url, polls=2, **({"delivery_order_ids": ids} if ids else {}))
    assert source.queue.changes[0] == ("site-001", None, "PROCESSING")
    assert source.queue.changes[-2:] == [("site-201", None, "FAIL"), ("site-001", "PROCESSING", "SUCCESS")]
    assert len(source.queue.events) == 202
    # Pages as large as they can be.
    assert [request.delivery_order_id for request in emulator.requests] == [None] * 2


# Quotation marks and backslashes matter, too: ansible-rulebook reads what a rule makes of texts as a Python literal.
@pytest.mark.parametrize(
    ("sent", "harmless"),
    [
        ("{{ lookup('pipe', 'id') }}", "__ lookup__pipe_, _id__ __"),
        ("#jinja2: a\n$ANSIBLE_VAULT", "_jinja2: a__ANSIBLE_VAULT"),
        ("!\"#$%&'()*;<=>?@[\\]^`{|}~\x1b", "_" * 26),
        ("Zürich 2/订单, +1.5: a-b_c ", "Zürich 2/订单, +1.5: a-b_c "),
    ],
)
def test_nothing_of_a_server_is_a_template_in_an_event(source: Source, sent: str, harmless: str) -> None:
    order = {"id": "a", "status": sent, "more": {sent: [sent, {"a": sent}, None, 1]}}
    source.watch([order], [order], [{**order, "status": "SUCCESS"}])
    expected = {"id": "a", "status": harmless, "more": {harmless: [harmless, {"a": harmless}, None, 1]}}
    assert [event["delivery_order"] for event in source.queue.events] == [expected, {**expected, "status": "SUCCESS"}]
    assert source.queue.changes == [("a", None, harmless), ("a", harmless, "SUCCESS")]


def test_an_order_that_is_not_listed_for_a_while_is_remembered(source: Source) -> None:
    # A status that is left out or unknown is one, too.
    source.watch({"a": None, "b": "FAIL"}, {"b": "FAIL"}, {"a": None}, {}, {"a": "REVIEWING", "b": "FAIL"})
    assert source.queue.changes == [("a", None, None), ("b", None, "FAIL"), ("a", None, "REVIEWING")]


def test_of_an_order_that_a_listing_has_twice_the_last_one_counts(source: Source) -> None:
    twice = [{"id": "a", "status": "ACCEPTING"}, {"id": "b", "status": "FAIL"}, {"id": "a", "status": "SUCCESS"}]
    source.watch(twice, twice)
    assert source.queue.changes == [("a", None, "SUCCESS"), ("b", None, "FAIL")]


# Outages


@pytest.mark.parametrize("fault", ["reset", "http:503", "cut-short", "throttled:1"])
def test_each_outage_is_waited_out_and_logged_twice(
    source: Source, emulate: Emulate, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    emulator = emulate(f"{ID}={fault}*3,PROCESSING,{fault}*2,SUCCESS")
    source.run(emulator.url, polls=8, delivery_order_ids=[ID])
    assert source.queue.changes == [(ID, None, "PROCESSING"), (ID, "PROCESSING", "SUCCESS")]
    assert source.pauses == [60, 120, 240, 60, 60, 120, 60, 60]
    logged = of_source(caplog)
    assert [line.startswith(f"Cannot query delivery order '{ID}'") for line in logged] == [True, False] * 2
    assert ("3" in logged[1], "2" in logged[3]) == (True, True)
    assert {record.levelno for record in caplog.records if record.name.startswith("huaweicloud.")} == {logging.WARNING}


@pytest.mark.parametrize(
    ("interval", "pauses"), [(60, [60, 120, 240, 480, 600, 600]), (300, [300, *[600] * 5]), (3600, [3600] * 6)]
)
def test_the_pauses_double_up_to_ten_minutes(source: Source, interval: float, pauses: list[float]) -> None:
    source.watch(*[source.error(retryable=True)] * 6, {}, interval=interval)
    assert source.pauses == [*pauses, interval]


# Errors that waiting can't cure


@pytest.mark.parametrize(("fault", "status"), [("http:403", 403), ("http:404", 404), ("echo", 401)])
def test_a_refusal_ends_the_source_after_one_try(
    source: Source, emulate: Emulate, caplog: pytest.LogCaptureFixture, fault: str, status: int
) -> None:
    emulator = emulate(listing=fault)
    with pytest.raises(type(source.error()), match=f"HTTP {status}") as caught:
        source.run(emulator.url, polls=3, max_retries=5)
    assert len(emulator.requests) == 1
    assert TOKEN not in str(caught.value)
    assert (source.queue.events, source.pauses, of_source(caplog)) == ([], [], [])


def test_the_folder_of_a_person_is_found(source: Source) -> None:
    with pytest.raises(type(source.error()), match=r"missing\.pem") as caught:
        source.run("https://localhost", ca_path="~/missing.pem")
    assert "~" not in str(caught.value)
    assert source.pauses == []


# Arguments


IDS = "delivery_order_ids must be a list of one ID or more"
INTERVAL = "interval must be a number of seconds from 1 to 86400"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"delivery_order_id": ID}, "Unknown arguments: delivery_order_id. The known arguments are: delivery_"),
        *(({"delivery_order_ids": each}, IDS) for each in (None, ID, [], [ID, ""], ["a/b"], [None], [12])),
        *(({"interval": each}, INTERVAL) for each in ("60", True, 0.5, 10**400, float("nan"))),
        ({"validate_certs": "false"}, "validate_certs must be true or false: got str."),
        ({"timeout": "5"}, "timeout must be a number: got str."),
        ({"max_retries": 1.5}, "max_retries must be a whole number: got float."),
        ({"max_retries": True}, "max_retries must be a whole number: got bool."),
        # The value, which may be a secret, is not repeated.
        ({"secret_key": 123456789}, "secret_key must be a string: got int. ansible-rulebook turns"),
    ],
)
def test_wrong_arguments_are_refused(source: Source, emulate: Emulate, args: dict[str, t.Any], message: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        source.run(emulator.url, **args)
    assert "123456789" not in str(caught.value)
    assert emulator.requests == []


def test_arguments_that_are_null_count_as_left_out(
    source: Source, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    monkeypatch.setenv("HW_CLOUDPOND_ENDPOINT", emulator.url)
    monkeypatch.setenv("HW_DOMAIN_ID", DOMAIN_ID)
    monkeypatch.setenv("HW_AUTH_TOKEN", TOKEN)
    args = dict.fromkeys(name for name in source.globals["ARGUMENTS"] if name != "delivery_order_ids")
    source.until_polled(1, source.globals["main"](source.queue, args))
    assert source.queue.changes == [(ID, None, "SUCCESS")]
    assert source.pauses == [60.0]


def test_a_missing_requests_is_told(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source.globals["_auth"], "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(ValueError, match="requests is missing"):
        source.run("http://127.0.0.1:1")


def test_each_query_finds_its_credential_anew(
    source: Source, emulate: Emulate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    keys = iter(["emulator-access-key", "another-key"])
    file = tmp_path / "credentials"
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))

    async def renew(_seconds: float = 0) -> None:
        file.write_text(f"[global]\nak = {next(keys)}\nsk = emulator-secret-key\n")

    asyncio.run(renew())
    source.globals["_sleep"] = renew
    args = {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "delivery_order_ids": [ID]}
    with pytest.raises(type(source.error()), match="HTTP 401"):
        asyncio.run(source.globals["main"](source.queue, args))
    assert source.queue.changes == [(ID, None, "SUCCESS")]


# Cancellation


@pytest.mark.parametrize(("ids", "asked"), [([ID, "0000-b"], 2), (None, 1)])
def test_a_cancelled_source_asks_no_more(source: Source, emulate: Emulate, ids: list[str] | None, asked: int) -> None:
    emulator = emulate(f"{ID}=SUCCESS", "0000-b=slow:30", listing="slow:30")
    args = {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "timeout": 1}

    async def cancel() -> None:
        given = {**args, "delivery_order_ids": ids} if ids else args
        task = asyncio.create_task(source.globals["main"](source.queue, given))
        while not any(request.fault for request in emulator.requests):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancel())
    # A try may last until its time-out. After that would come a pause and a retry.
    for thread in threading.enumerate():
        if thread.name == "cloudpond-delivery-orders":
            thread.join(10)
            assert not thread.is_alive()
    assert len(emulator.requests) == asked


def test_a_query_that_can_not_be_ended_holds_neither_the_loop_nor_a_signal(source: Source) -> None:
    asked, release = threading.Event(), threading.Event()
    blocked: set[int] = set()

    def query() -> None:
        blocked.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        asked.set()
        release.wait(30)

    async def cancel() -> None:
        task = asyncio.create_task(source.globals["_in_thread"](query))
        await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        await asyncio.wait([task])

    started = time.monotonic()
    asyncio.run(cancel())
    assert time.monotonic() - started < 2
    release.set()
    assert {signal.SIGINT, signal.SIGTERM} <= blocked


# Where it lies


def test_it_imports_nothing_by_the_name_of_the_collection(emulate: Emulate, tmp_path: Path) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    # Another copy of the collection, which must not be taken.
    (tmp_path / "ansible_collections.py").write_text("raise AssertionError('the wrong copy')\n", encoding="utf-8")
    args = {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "delivery_order_ids": [ID]}
    script = f"""
import asyncio, runpy, sys
main = runpy.run_path({str(SOURCES / "delivery_orders.py")!r})["main"]
class Queue:
    async def put(self, event):
        sys.exit(event["delivery_order"]["status"])
asyncio.run(main(Queue(), {args!r}))
"""
    env = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "SUCCESS\n"


# Its description


def test_the_documentation_and_the_schema_describe_the_arguments(source: Source) -> None:
    options = yaml.safe_load(source.globals["DOCUMENTATION"])["options"]
    properties = json.loads((SOURCES / "schemas" / "delivery_orders.json").read_text(encoding="utf-8"))["properties"]
    assert list(options) == list(properties) == list(source.globals["ARGUMENTS"])
    types = {"str": "string", "path": "string", "bool": "boolean", "int": "integer", "float": "number", "list": "array"}
    for name, option in options.items():
        assert properties[name]["type"] == types[option["type"]], name
        assert properties[name].get("default") == option.get("default"), name
    of_modules = yaml.safe_load(_connection.ModuleDocFragment.DOCUMENTATION)["options"]
    assert source.globals["CONNECTION_ARGUMENTS"].keys() == connection_argument_spec({}).keys()
    for name in connection_argument_spec({}):
        for fact in ("type", "default"):
            assert options[name].get(fact) == of_modules[name].get(fact), name
    assert options["interval"]["default"] == source.globals["INTERVAL_DEFAULT"]
    assert properties["interval"]["minimum"] == source.globals["INTERVAL_MIN"]
    assert properties["interval"]["maximum"] == source.globals["INTERVAL_MAX"]
    assert {name for name, facts in properties.items() if facts.get("format") == "password"} == SECRETS


def test_the_credential_type_sets_what_the_client_reads() -> None:
    folder = SOURCES / "credential_types" / "cloudpond"
    fields = yaml.safe_load((folder / "input.yml").read_text(encoding="utf-8"))
    variables = yaml.safe_load((folder / "injectors.yml").read_text(encoding="utf-8"))["env"]
    ids = {field["id"]: field for field in fields["fields"]}
    assert {template.split()[1]: name for name, template in variables.items()} == {
        name: OPTIONS[name].variables[0] for name in ids
    }
    assert ids.keys() == {"endpoint", "domain_id", "access_key"} | SECRETS
    assert set(fields["required"]) <= ids.keys()
    assert {name for name, field in ids.items() if field.get("secret")} == SECRETS
