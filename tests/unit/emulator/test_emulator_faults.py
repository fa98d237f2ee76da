# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault, as a client sees it."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import socket
import time
from pathlib import Path

import pytest

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    PATIENCE,
    TOKEN,
    address,
    connect,
    exchange,
    get,
    order_path,
    raw_connection,
    raw_request,
    wait_until,
)


@pytest.mark.parametrize(
    ("code", "error_code", "error_msg"),
    [
        (400, "IES.00001005", "param is invalid."),
        (401, "APIGW.0301", "Incorrect IAM authentication information: token expires"),
        (403, "APIGW.0302", "The IAM user is not allowed to access the API."),
        (404, "IES.00001008", "The delivery order does not exist."),
        (408, "APIGW.0201", "API request error."),
        (413, "APIGW.0201", "Request entity too large."),
        (429, "APIGW.0308", "The throttling threshold has been reached."),
        (499, "APIGW.0201", "API request error."),
        (500, "APIGW.0201", "Backend unavailable."),
        (503, "APIGW.0201", "Backend unavailable."),
        (504, "APIGW.0201", "Backend timeout."),
        (599, "APIGW.0201", "Backend unavailable."),
    ],
)
def test_http(code: int, error_code: str, error_msg: str) -> None:
    with Emulator([f"0000-a=http:{code}"]) as emulator:
        got = get(emulator.url)
    assert got.status == code
    assert got.json == {"error_code": error_code, "error_msg": error_msg}
    assert got.headers["Content-Type"] == "application/json"
    assert "Retry-After" not in got.headers


@pytest.mark.parametrize(("fault", "code"), [("html", 502), ("html:503", 503)])
def test_html(fault: str, code: int) -> None:
    with Emulator([f"0000-a={fault}"]) as emulator:
        got = get(emulator.url)
    assert got.status == code
    assert got.headers["Content-Type"] == "text/html"
    assert got.body.startswith(b"<html>")
    assert str(code).encode() in got.body


def assert_reset(connection: socket.socket) -> None:
    connection.sendall(raw_request())
    with pytest.raises(ConnectionResetError) as caught:
        connection.recv(1)
    assert caught.value.errno == errno.ECONNRESET


def test_reset() -> None:
    with Emulator(["0000-a=PROCESSING,reset,SUCCESS"]) as emulator:
        get(emulator.url)
        with raw_connection(emulator) as connection:
            assert_reset(connection)
        assert get(emulator.url).order["status"] == "SUCCESS"


def test_cut_short() -> None:
    with Emulator(["0000-a=cut-short,SUCCESS"]) as emulator:
        connection = connect(emulator.url)
        with pytest.raises(http.client.IncompleteRead) as caught:
            exchange(connection, order_path())
        connection.close()
        assert len(caught.value.partial) > 0
        assert caught.value.expected
        assert caught.value.expected > 0
        assert get(emulator.url).order["status"] == "SUCCESS"


def test_slow() -> None:
    with Emulator(["0000-a=ACCEPTING,slow:0.3,SUCCESS"]) as emulator:
        get(emulator.url)
        begun = time.monotonic()
        got = get(emulator.url)
        assert time.monotonic() - begun >= 0.3
        assert got.status == 200
        assert got.order["id"] == "0000-a"
        assert got.order["status"] == "ACCEPTING"


def test_slow_holds_up_nobody_else() -> None:
    with Emulator(["0000-a=slow:60", "0000-b=SUCCESS"]) as emulator, raw_connection(emulator) as waiting:
        waiting.sendall(raw_request())
        wait_until(lambda: len(emulator.requests) == 1)
        assert get(emulator.url, "0000-b").status == 200
        assert emulator.requests[0].status is None


def test_redirect() -> None:
    with Emulator(["0000-a=redirect"]) as emulator:
        got = get(emulator.url)
        assert got.status == 302
        assert got.headers["Location"] == f"/redirected{order_path()}"
        assert get(emulator.url, path=got.headers["Location"]).status == 404
        assert [request.path for request in emulator.requests] == [order_path(), f"/redirected{order_path()}"]


def test_not_json() -> None:
    with Emulator(["0000-a=not-json"]) as emulator:
        got = get(emulator.url)
    assert got.status == 200
    assert got.body
    with pytest.raises(json.JSONDecodeError):
        json.loads(got.body)


def test_empty() -> None:
    with Emulator(["0000-a=empty"]) as emulator:
        got = get(emulator.url)
    assert (got.status, got.body, got.headers["Content-Length"]) == (200, b"", "0")


def test_json_list() -> None:
    with Emulator(["0000-a=json-list"]) as emulator:
        got = get(emulator.url)
    assert got.status == 200
    assert [order["id"] for order in got.json] == ["0000-a"]


@pytest.mark.parametrize(("fault", "content"), [("no-order", {}), ("null-order", {"delivery_order": None})])
def test_order_missing(fault: str, content: object) -> None:
    with Emulator([f"0000-a={fault}"]) as emulator:
        got = get(emulator.url)
    assert (got.status, got.json) == (200, content)


def test_wrong_types() -> None:
    with Emulator(["0000-a=SUCCESS,wrong-types"]) as emulator:
        right = get(emulator.url).order
        got = get(emulator.url)
    assert got.status == 200
    assert set(got.order) == set(right)
    assert [key for key, value in got.order.items() if value is None or isinstance(value, str)] == ["id"]
    assert got.order["id"] == "0000-a"


def test_other_order() -> None:
    with Emulator(["0000-a=ACCEPTING,other-order"]) as emulator:
        right = get(emulator.url).order
        got = get(emulator.url)
    assert got.status == 200
    assert got.order["id"] != "0000-a"
    assert {**got.order, "id": "0000-a"} == right


def test_huge() -> None:
    with Emulator(["0000-a=ACCEPTING,huge"]) as emulator:
        get(emulator.url)
        got = get(emulator.url)
    assert got.status == 200
    assert len(got.body) > 10 * 1024 * 1024
    assert (got.order["id"], got.order["status"]) == ("0000-a", "ACCEPTING")


@pytest.mark.parametrize("seconds", [0, 7])
def test_throttled(seconds: int) -> None:
    with Emulator([f"0000-a=throttled:{seconds}"]) as emulator:
        got = get(emulator.url)
    assert got.status == 429
    assert got.headers["Retry-After"] == str(seconds)
    assert got.json["error_code"] == "APIGW.0308"


@pytest.mark.parametrize(("fault", "code"), [("echo", 401), ("echo:500", 500)])
def test_echo(fault: str, code: int) -> None:
    with Emulator([f"0000-a={fault}"], token="secret+token/==") as emulator:
        got = get(emulator.url, headers={"X-Auth-Token": "secret+token/=="})
    assert got.status == code
    assert got.json["error_code"] == "APIGW.0301"
    echoes = got.json["error_msg"].partition(": ")[2].split(" ")
    assert echoes == [
        "secret+token/==",
        "secret%2Btoken%2F%3D%3D",
        "secret%2Btoken%2F%3D%3D",
        "secret+token&#x2F;&#61;&#61;",
        r"secret+token\/\u003d\u003d",
        "secret+token/...",
    ]
    assert got.headers["X-Echo"] == "secret+token/=="


def accepts_connections(emulator: Emulator) -> bool:
    try:
        raw_connection(emulator).close()
    except ConnectionRefusedError:
        return False
    return True


def test_down() -> None:
    with Emulator(["0000-a=PROCESSING,down:0.6,SUCCESS", "0000-b=SUCCESS"]) as emulator:
        url = emulator.url
        get(url)
        with raw_connection(emulator) as connection, raw_connection(emulator) as bystander:
            bystander.sendall(raw_request("0000-b"))
            assert bystander.recv(65536)
            begun = time.monotonic()
            assert_reset(connection)
            assert not accepts_connections(emulator)
            assert bystander.recv(1) == b""
        wait_until(lambda: accepts_connections(emulator))
        assert time.monotonic() - begun >= 0.6
        assert emulator.url == url
        assert get(url).order["status"] == "SUCCESS"


def test_down_refuses_from_the_reset_on() -> None:
    for _time in range(40):
        with Emulator(["0000-a=down:60"]) as emulator, raw_connection(emulator) as connection:
            assert_reset(connection)
            assert not accepts_connections(emulator)


def test_down_twice() -> None:
    with Emulator(["0000-a=down:0.2*2,SUCCESS"]) as emulator:
        for _time in range(2):
            with raw_connection(emulator) as connection:
                assert_reset(connection)
            assert not accepts_connections(emulator)
            wait_until(lambda: accepts_connections(emulator))
        assert get(emulator.url).order["status"] == "SUCCESS"


def test_down_holds_the_port() -> None:
    with Emulator(["0000-a=down:60"]) as emulator:
        with raw_connection(emulator) as connection:
            assert_reset(connection)
        with socket.socket() as thief, pytest.raises(OSError, match="in use"):
            thief.bind(address(emulator.url))


def test_closing_does_not_wait_for_an_outage_to_end() -> None:
    with Emulator(["0000-a=down:60"]) as emulator:
        with raw_connection(emulator) as connection:
            assert_reset(connection)
        begun = time.monotonic()
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.parametrize("fault", ["reset", "down:0.05", "cut-short"])
def test_no_whole_answer_no_status(fault: str) -> None:
    with Emulator([f"0000-a={fault}"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(raw_request())
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(65536):
                    pass
        assert [(request.status, request.fault) for request in emulator.requests] == [(None, fault)]


def test_status_is_null_when_the_client_leaves_while_it_is_answered() -> None:
    with Emulator(["0000-a=huge"]) as emulator:
        with raw_connection(emulator) as connection:
            connection.sendall(raw_request())
            connection.recv(1)
            assert emulator.requests[0].status == 200
        wait_until(lambda: emulator.requests[0].status is None)


@pytest.mark.parametrize("fault", ["http:500", "html", "redirect", "empty", "echo", "throttled:1"])
def test_every_answer_has_a_request_id_of_its_own(fault: str) -> None:
    with Emulator([f"0000-a={fault}"]) as emulator:
        ids = {get(emulator.url).headers["X-Request-Id"] for _time in range(2)}
    assert len(ids) == 2
    assert all(len(request_id) == 32 for request_id in ids)


def test_answers_that_fail_leave_the_connection_usable() -> None:
    with Emulator(["0000-a=http:503,html,redirect,empty,throttled:1,echo,SUCCESS"]) as emulator:
        connection = connect(emulator.url)
        connection.connect()
        first = connection.sock
        statuses = []
        for _time in range(7):
            statuses.append(exchange(connection, order_path()).status)
            assert connection.sock is first
        connection.close()
    assert statuses == [503, 502, 302, 200, 429, 401, 200]


def test_readme_has_every_fault() -> None:
    assert emulator_package.__file__
    readme = Path(emulator_package.__file__).with_name("README.md").read_text(encoding="utf-8")
    section = readme.partition("## Faults")[2].partition("\n## ")[0]
    table = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    assert table == [[f" `{kind.form}` ", f" {kind.scope.value} "] for kind in FAULTS.values()]


def test_request_without_a_credential_does_not_use_up_a_fault() -> None:
    with Emulator(["0000-a=http:503,SUCCESS"]) as emulator:
        assert get(emulator.url, headers={}).status == 401
        assert get(emulator.url, headers={"X-Auth-Token": TOKEN}).status == 503
