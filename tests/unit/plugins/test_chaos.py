# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random lives of an order, with every fault of the emulator, and random bytes for an answer.

The variable CHAOS_LIVES is how many lives there are; there are four times CHAOS_EXAMPLES answers. A life that fails is
named by its seed: pytest -k 'test_a_life[17]' runs it alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import threading
import time
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.action import cloudpond_delivery_order_gate
from ansible_collections.huaweicloud.cloudpond.plugins.action.cloudpond_delivery_order_info import ActionModule
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import Refusals
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FINAL_STATUSES, STATUSES
from ansible_collections.huaweicloud.cloudpond.plugins.plugin_utils import _run
from ansible_collections.huaweicloud.cloudpond.plugins.test.delivery_order import (
    delivery_order_settled,
    delivery_order_succeeded,
)
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS, Scope

from ..conftest import DOMAIN_ID, EXAMPLES, TOKEN
from .module_utils.test_client import make_client
from .stand_ins import Screen, make_action

LIVES = int(os.environ.get("CHAOS_LIVES", "25"))
ANSWERS = 4 * EXAMPLES

ID = "00000000-0000-000-0000-000000000001"

#: Seconds.
TIMEOUT = 0.4
SLACK = 10.0
MAX_RETRIES = 1
ATTEMPTS = 15

CODES = (400, 401, 403, 404, 408, 409, 418, 429, 500, 502, 503, 504)


def fault_texts(rng: random.Random) -> list[str]:
    """Every fault of an order, with values where it takes some."""
    values: dict[str, tuple[object, ...]] = {
        "throttled": (0, 1, 3600),
        "down": (0.1,),
        "CODE": CODES,
        "SECONDS": ("0.001", "0.01", "0.2", "30"),
    }
    texts = []
    for kind in FAULTS.values():
        if kind.scope is not Scope.LISTING:
            takes = next((name for name in values if name in (kind.name, *re.findall("[A-Z]+", kind.form))), None)
            texts.append(f"{kind.name}:{rng.choice(values[takes])}" if takes else kind.name)
    return texts


def life(rng: random.Random) -> list[str]:
    """Steps that end in a status or in a fault that stays."""
    faults = fault_texts(rng)
    steps = []
    for _number in range(rng.randint(0, 6)):
        step = rng.choice(faults) if rng.random() < 0.7 else rng.choice(("PROCESSING", "ACCEPTING", "ON_HOLD"))
        steps.append(step + rng.choice(("", "", "*2", "@0.05")))
    last = rng.choice((*STATUSES, "SUCCESS", "SUCCESS", "SUCCESS", "ON_HOLD", rng.choice(faults)))
    return [*steps, last]


#: The arguments of a task that queries the order.
ARGS: dict[str, t.Any] = {"domain_id": DOMAIN_ID, "auth_token": TOKEN, "delivery_order_id": ID}
ARGS.update(timeout=TIMEOUT, max_retries=MAX_RETRIES)


@pytest.fixture(autouse=True)
def new_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test counts its own refusals, and waits for nothing that a server asks: that has tests of its own."""
    monkeypatch.setattr(_run, "REFUSALS", Refusals(str(tmp_path), pytest.fail))
    monkeypatch.setattr(_client.Client, "_pause", lambda *args: 0.0)


def status_of(emulator: Emulator) -> str | None:
    """Return what the emulator knows, without asking it."""
    return emulator._gateway._resources["v2", "delivery-orders"].book._entries[ID].status


def live(steps: list[str]) -> str | None:
    """Query until the order is settled, or for ATTEMPTS times, and return the status that was believed in the end."""
    with Emulator([f"{ID}={','.join(steps)}"], token=TOKEN, domain_id=DOMAIN_ID) as emulator:
        for _attempt in range(ATTEMPTS):
            begun = time.monotonic()
            result = make_action(ActionModule, {**ARGS, "endpoint": emulator.url}).run(task_vars={})
            assert time.monotonic() - begun < (MAX_RETRIES + 1) * TIMEOUT + SLACK, steps
            assert TOKEN not in json.dumps(result)
            status = status_of(emulator)
            settled, succeeded = delivery_order_settled(result), delivery_order_succeeded(result)
            if succeeded:
                assert settled
                assert status == "SUCCESS", steps
            if settled:
                break
        if not result.get("failed"):
            assert result["delivery_order"]["status"] == status, steps
            assert settled == (status in FINAL_STATUSES), steps
        elif settled:
            assert not result["error"]["retryable"]
            assert result["msg"].startswith(f"Cannot query delivery order '{ID}': ")
        else:
            assert result["error"]["retryable"]
        statuses = [request.status for request in emulator.requests]
        assert statuses.count(401) + statuses.count(403) <= 1, steps
    return result["delivery_order"]["status"] if settled and not result.get("failed") else None


def wait_at_gate(steps: list[str], in_progress: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Let a gate wait for as many queries as live does, and return its result."""
    screen, slept = Screen(), [0.0]
    monkeypatch.setattr(cloudpond_delivery_order_gate, "Display", lambda: screen)
    real = time.monotonic
    clock = SimpleNamespace(
        monotonic=lambda: real() + slept[0], sleep=lambda seconds: slept.append(slept.pop() + seconds)
    )
    monkeypatch.setattr(cloudpond_delivery_order_gate, "time", clock)
    # So far apart that the queries, which take real time, don't matter.
    args = {**ARGS, "wait_sleep": 86400, "wait_timeout": 86400 * (ATTEMPTS - 1), "in_progress": in_progress}
    with Emulator([f"{ID}={','.join(steps)}"], token=TOKEN, domain_id=DOMAIN_ID) as emulator:
        action = make_action(cloudpond_delivery_order_gate.ActionModule, {**args, "endpoint": emulator.url})
        result = action.run(task_vars={})
        status = status_of(emulator)
        statuses = [request.status for request in emulator.requests]
    assert TOKEN not in json.dumps(result) + str(screen.shown)
    assert statuses.count(401) + statuses.count(403) <= 1, steps
    if result["open"]:
        assert status == "SUCCESS", steps
        assert not {"failed", "error"} & result.keys()
    elif result.get("failed"):
        assert result.get("error") or status in FINAL_STATUSES - {"SUCCESS"} or in_progress == "fail", steps
    else:
        assert in_progress == "continue"
        assert status not in FINAL_STATUSES, steps
    if result["elapsed"] < args["wait_timeout"]:
        # It did not give up early.
        assert result["open"] or status in FINAL_STATUSES or not result["error"]["retryable"], steps
    assert result["open"] is delivery_order_succeeded(result)
    return result


@pytest.mark.lives
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_before_a_gate(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    wait_at_gate(life(rng), rng.choice(("fail", "continue")), monkeypatch)


@pytest.mark.lives
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life(seed: int) -> None:
    live(life(random.Random(seed)))


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        pytest.param("http:503*2,slow:30,cut-short,reset,ACCEPTING,hang,SUCCESS", "SUCCESS", id="every kind of outage"),
        pytest.param("ON_HOLD*3,SUCCESS", "SUCCESS", id="a status that nobody knows"),
        pytest.param("PROCESSING,cut-chunks,long-length,cut-short,FAIL", "FAIL", id="cut, then failed"),
        pytest.param("PROCESSING,http:401,SUCCESS", None, id="refused on the way"),
        pytest.param("throttled:0*3,http:403,SUCCESS", None, id="throttled, then forbidden"),
        pytest.param("PROCESSING,duplicate-keys,SUCCESS", None, id="two statuses in one answer"),
        pytest.param("PROCESSING,other-order,SUCCESS", None, id="the order of somebody else"),
    ],
)
def test_a_life_with_a_name(steps: str, end: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live(steps.split(",")) == end
    result = wait_at_gate(steps.split(","), "continue", monkeypatch)
    assert (result["open"], result.get("failed", False)) == (end == "SUCCESS", end != "SUCCESS")


class Server:
    """Answers each connection with the same bytes, whatever they are."""

    answer = b""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(self.answer)


@pytest.fixture(scope="module")
def server() -> t.Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Server(listener)
        thread = threading.Thread(target=running.serve, daemon=True)
        thread.start()
        yield running
        # A close alone would leave the thread in accept().
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


STATUS_LINES = st.one_of(
    st.sampled_from((b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 401 \r\n", b"HTTP/1.1 503 x\r\n")),
    st.binary(max_size=20),
    st.integers(0, 9999).map(lambda code: b"HTTP/1.1 %d \r\n" % code),
)
LINES = (
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"),
    *(b"Content-Encoding: gzip", b"Retry-After: x", b"Location: http://[::1", b"X-Request-Id: \xff\x00"),
)
HEADERS = st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(LINES)), max_size=4).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines) + b"\r\n"
)
VALUES = st.one_of(st.none(), st.just(ID), st.sampled_from(STATUSES), st.text(max_size=5), st.lists(st.none()))
ORDER = st.dictionaries(st.sampled_from(("id", "status", "name", "x")), VALUES)
BODIES = st.one_of(
    st.binary(max_size=200),
    ORDER.map(lambda order: json.dumps({"delivery_order": order}).encode()),
    ORDER.map(lambda order: b"%x\r\n{}\r\n0\r\n\r\n" % len(order)),
    st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@settings(max_examples=ANSWERS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.one_of(st.binary(max_size=300), st.tuples(STATUS_LINES, HEADERS, BODIES).map(b"".join)))
def test_any_bytes_bring_an_order_or_an_error_of_ours(server: Server, answer: bytes) -> None:
    server.answer = answer
    begun = time.monotonic()
    with make_client(server.url, timeout=5) as client:
        try:
            shown = DELIVERY_ORDERS.show(client, ID)
        except CloudPondError as error:
            shown = {"id": ID, "error": str(error)}
    assert shown["id"] == ID
    assert TOKEN not in str(shown)
    assert time.monotonic() - begun < 5 + SLACK
