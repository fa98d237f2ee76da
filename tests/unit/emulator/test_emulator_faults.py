# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault, as a plain HTTP client sees it."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
import time
from typing import Any, Callable, Union

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS, Scope

from .client import ORDER, ORDERS, PATIENCE, REQUEST, Got, connect, exchange, get, raw, wait_until

MIB = 1024 * 1024
RESET, CUT = ConnectionResetError, http.client.IncompleteRead

#: Of a token with characters that are encoded.
TOKEN = "s+/=="
ECHOES = r": s+/== s%2B%2F%3D%3D s%2B%2F%3D%3D s+&#x2F;&#61;&#61; s+\/\u003d\u003d s+/..."
HEADERS = {"X-Auth-Token": TOKEN}

Seen = Union[type[Exception], Callable[[Got, Got], object]]


def first(got: Got) -> Any:
    content = got.json
    return content["delivery_orders"][0] if "delivery_orders" in content else content["delivery_order"]


def key(got: Got) -> str:
    return str(next(iter(got.json)))


def text(old: str, new: bytes) -> Seen:
    """The right answer, but for this piece of its text."""
    return lambda right, got: got.body == re.sub(old.encode(), lambda match: new, right.body, count=1)


def field(name: str, value: bytes) -> Seen:
    """The right answer, but for one more field."""
    return lambda right, got: got.body == right.body.replace(b'Z"}', b'Z", "%b": %b}' % (name.encode(), value), 1)


def info(value: object) -> Seen:
    return lambda right, got: got.json == {**right.json, "page_info": value}


def half(right: Got, got: Got) -> bool:
    return got.body == right.body[: len(right.body) // 2]


def twice(right: Got, got: Got) -> bool:
    """The order, or the orders, are there in two statuses."""
    values = [value for name, value in json.loads(got.body, object_pairs_hook=list) if name == key(right)]
    return [re.findall("'status', '([A-Z]+)'", str(value)) for value in values] == [["PROCESSING"], ["SUCCESS"]]


#: What the client gets: an exception, or an answer which is to be compared with the right one.
SEEN: dict[str, Seen] = {
    "http:400": lambda right, got: got.json == {"error_code": "IES.00001005", "error_msg": "param is invalid."},
    "http:599": lambda right, got: (got.status, got.json["error_code"]) == (599, "APIGW.0201"),
    "html": lambda right, got: (got.status, got.headers["Content-Type"], got.body[:6]) == (502, "text/html", b"<html>"),
    "reset": RESET,
    "cut-short": CUT,
    "slow:0.1": lambda right, got: got.body == right.body,
    "down:0.05": RESET,
    "throttled:7": lambda right, got: (got.status, got.headers["Retry-After"]) == (429, "7"),
    "redirect": lambda right, got: got.status == 302 and got.headers["Location"].startswith("/redirected/v2/"),
    "echo": lambda right, got: got.status == 401 and got.json["error_msg"].endswith(ECHOES),
    "echo:500": lambda right, got: got.status == 500 and got.headers["X-Echo"] == TOKEN,
    "hang": socket.timeout,
    "endless-headers:0": http.client.HTTPException,
    "trickle-body:0.001": lambda right, got: got.body == right.body,
    "long-length": socket.timeout,
    "short-length": half,
    "cut-without-length": lambda right, got: "Content-Length" not in got.headers and half(right, got),
    "cut-chunks": CUT,
    "not-gzip": lambda right, got: got.headers["Content-Encoding"] == "gzip" and got.body == right.body,
    "unknown-encoding": lambda right, got: base64.b64decode(got.body) == right.body,
    "huge": lambda right, got: len(got.body) > 10 * MIB and first(got) == first(right),
    "large-field": lambda right, got: len(first(got)["name"]) == MIB,
    "large-error:400": lambda right, got: got.status == 400 and len(got.json["error_msg"]) == 8 * MIB,
    "long-headers": lambda right, got: got.status == 500 and len(got.headers["X-Request-Id"]) == 60 * 1024,
    "not-json": lambda right, got: got.status == 200 and got.body == b"status: PROCESSING\n",
    "empty": lambda right, got: (got.status, got.body) == (200, b""),
    "json-list": lambda right, got: got.json == [first(right)],
    "no-order": lambda right, got: got.json == {},
    "null-order": lambda right, got: got.json == {**right.json, key(right): None},
    "wrong-types": lambda right, got: [name for name, value in first(got).items() if isinstance(value, str)] == ["id"],
    "duplicate-keys": text('"status": "ACCEPTING"', b'"status": "PROCESSING", "status": "SUCCESS"'),
    "duplicate-order": twice,
    "nan": field("progress", b"NaN"),
    "infinity": field("progress", b"-Infinity"),
    "lone-surrogate": text('"delivery_order-.*?"', rb'"rack \ud83d"'),
    "not-utf-8": text('"delivery_order-.*?"', b'"rack \xe9"'),
    "other-order": lambda right, got: first(got) == {**first(right), "id": "other-0000-a"},
    "object-page": lambda right, got: got.json["delivery_orders"] == {"0000-a": first(right)},
    "null-entry": lambda right, got: got.json["delivery_orders"] == [None, first(right)],
    "repeated-marker": info({"current_count": 1, "next_marker": "0000-a"}),
    "null-marker": info({"current_count": 1, "next_marker": None}),
    "empty-marker": info({"current_count": 1, "next_marker": ""}),
    "no-page-info": lambda right, got: got.json == {"delivery_orders": right.json["delivery_orders"]},
    "list-page-info": info([{}]),
}


PATHS = {Scope.BOTH: (ORDER, ORDERS), Scope.ORDER: (ORDER,), Scope.LISTING: (ORDERS,)}
CASES = [(path, fault) for fault in SEEN for path in PATHS[FAULTS[fault.partition(":")[0]].scope]]


@pytest.mark.parametrize(("path", "fault"), CASES)
def test_a_fault_is_what_its_name_says(path: str, fault: str) -> None:
    seen = SEEN[fault]
    order, listing = ("ACCEPTING", f"ok,{fault},ok") if path == ORDERS else (f"ACCEPTING,{fault},FAIL", "ok")
    with Emulator([f"0000-a={order}"], listing=listing, token=TOKEN) as emulator:
        right = get(emulator.url, path, HEADERS)
        connection = connect(emulator.url, patience=0.3 if seen is socket.timeout else PATIENCE)
        begun = time.monotonic()
        if isinstance(seen, type):
            with pytest.raises(seen):
                exchange(connection, path, HEADERS)
            status = None
        else:
            got = exchange(connection, path, HEADERS)
            assert seen(right, got)
            assert len(got.headers["X-Request-Id"]) >= 32
            status = None if fault == "cut-without-length" else got.status
        assert time.monotonic() - begun >= {"slow:0.1": 0.1, "trickle-body:0.001": 0.2}.get(fault, 0)
        connection.close()
        wait_until(lambda: len(emulator.requests) == 2)
        assert (emulator.requests[1].fault, emulator.requests[1].status) == (fault, status)
        # It is over at the next poll.
        wait_until(lambda: accepts(emulator))
        assert get(emulator.url, path, HEADERS).status == 200


def test_every_fault_has_a_case() -> None:
    assert {fault.partition(":")[0] for fault in SEEN} == set(FAULTS)


def accepts(emulator: Emulator) -> bool:
    try:
        raw(emulator).close()
        return True
    except ConnectionRefusedError:
        return False


def test_an_outage_ends_every_connection_and_refuses_new_ones() -> None:
    with Emulator(["0000-a=down:0.6,SUCCESS", "0000-b=SUCCESS"]) as emulator:
        with raw(emulator) as bystander, raw(emulator, REQUEST) as connection:
            begun = time.monotonic()
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            assert not accepts(emulator)
            assert bystander.recv(1) == b""
        wait_until(lambda: accepts(emulator))
        assert time.monotonic() - begun >= 0.6
        assert get(emulator.url).order["status"] == "SUCCESS"


def test_a_fault_leaves_the_connection_usable_where_its_answer_is_whole() -> None:
    with Emulator(["0000-a=http:503,html,redirect,throttled:1,echo,short-length,SUCCESS"]) as emulator:
        connection = connect(emulator.url)
        statuses = [exchange(connection).status for _time in range(5)]
        connection.close()
        assert (statuses, emulator.connections) == ([503, 502, 302, 429, 401], 1)


@pytest.mark.parametrize("fault", ["hang", "slow:60", "endless-headers:60", "endless-headers:0", "down:60"])
def test_nobody_is_held_when_the_client_or_the_emulator_ends(fault: str) -> None:
    before = set(threading.enumerate())
    with Emulator([f"0000-a={fault}"]) as emulator:
        if fault != "down:60":
            with raw(emulator, REQUEST):
                wait_until(lambda: len(emulator.requests) == 1)
            wait_until(lambda: not emulator._open)
        held = raw(emulator, REQUEST)
        wait_until(lambda: 0 < len(emulator.requests) == emulator.connections)
    assert set(threading.enumerate()) == before
    held.close()
