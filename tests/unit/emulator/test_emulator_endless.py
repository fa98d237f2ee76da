# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that never end by themselves: their bytes, their pace, and how they let go."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    PATIENCE,
    get,
    list_path,
    raw_connection,
    raw_request,
    receive,
    wait_until,
)
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.pki import Pki

PAUSE = 0.05
MIB = 1024 * 1024

HEADERS = rb"HTTP/1\.1 200 OK\r\n(?:(?!X-Trickle)[A-Z][A-Za-z-]+: [^\r\n]+\r\n)+"
CHUNKED = HEADERS + rb"(?<=Transfer-Encoding: chunked\r\n)\r\n"
BODY = rb'[0-9a-f]+\r\n\{"delivery_order.*\}\r\n'

# The start of each, and the piece that is then repeated.
ENDLESS = {
    "endless-headers": (HEADERS, rb"X-Trickle: 1\r\n"),
    "endless-header-line": (HEADERS + rb"X-Trickle: ", rb"1"),
    "endless-interim": (b"", rb"HTTP/1\.1 100 Continue\r\n\r\n"),
    "endless-chunks": (CHUNKED + BODY, rb"1\r\n \r\n"),
    "endless-chunk-line": (CHUNKED + rb"1;x=", rb"1"),
    "endless-trailers": (CHUNKED + BODY + rb"0\r\n", rb"X-Trickle: 1\r\n"),
}


def emulator_with(fault: str, of_listing: bool = False) -> Emulator:
    """Its order, or its listing, has that fault."""
    if of_listing:
        return Emulator(["0000-a=SUCCESS"], listing=fault)
    return Emulator([f"0000-a={fault}"])


def asking(emulator: Emulator, of_listing: bool = False) -> socket.socket:
    """A connection on which the order, or the listing, was asked for."""
    connection = raw_connection(emulator)
    connection.sendall(raw_request(path=list_path() if of_listing else None))
    return connection


@pytest.mark.parametrize("of_listing", [False, True])
@pytest.mark.parametrize("fault", ENDLESS)
def test_endless(fault: str, of_listing: bool) -> None:
    start, piece = ENDLESS[fault]
    begun = time.monotonic()
    with emulator_with(f"{fault}:{PAUSE}", of_listing) as emulator, asking(emulator, of_listing) as connection:
        got = b""
        while not (found := re.fullmatch(start + b"((?:%b){5,})" % piece, got, re.DOTALL)):
            got += receive(connection, 1)
        # The first of them may have come at once.
        assert time.monotonic() - begun >= (len(re.findall(piece, found[1])) - 1) * PAUSE
        assert [(request.status, request.fault) for request in emulator.requests] == [(None, f"{fault}:{PAUSE}")]


@pytest.mark.parametrize("fault", ENDLESS)
def test_endless_without_a_pause(fault: str) -> None:
    start, piece = ENDLESS[fault]
    with emulator_with(f"{fault}:0") as emulator, asking(emulator) as connection:
        got = b""
        while len(got) < 4 * MIB:
            got += connection.recv(MIB)
    found = re.match(start + b"(?:%b)+" % piece, got, re.DOTALL)
    assert found
    assert len(got) - found.end() < 50


@pytest.mark.parametrize("of_listing", [False, True])
def test_trickle_body(of_listing: bool) -> None:
    begun = time.monotonic()
    with emulator_with(f"trickle-body:{PAUSE}", of_listing) as emulator, asking(emulator, of_listing) as connection:
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < 5:
            got += receive(connection, 1)
        head, _blank, body = got.partition(b"\r\n\r\n")
        assert time.monotonic() - begun >= len(body) * PAUSE
        assert int(re.findall(rb"Content-Length: (\d+)", head)[0]) > 100
        assert body.startswith(b'{"del')
        assert emulator.requests[0].status is None


def test_trickled_body_is_right_in_the_end() -> None:
    with Emulator(["0000-a=ACCEPTING,trickle-body:0.001,SUCCESS"]) as emulator:
        right = get(emulator.url).json
        begun = time.monotonic()
        got = get(emulator.url)
        assert time.monotonic() - begun >= 0.001 * len(got.body)
        assert (got.status, got.json) == (200, right)
        assert emulator.requests[1].status == 200


def test_pause_left_out() -> None:
    begun = time.monotonic()
    with emulator_with("endless-interim") as emulator, asking(emulator) as connection:
        receive(connection, 3 * len(b"HTTP/1.1 100 Continue\r\n\r\n"))
        assert time.monotonic() - begun >= 2 * 0.2


@pytest.mark.parametrize("of_listing", [False, True])
def test_hang(of_listing: bool) -> None:
    with emulator_with("hang", of_listing) as emulator, asking(emulator, of_listing) as connection:
        wait_until(lambda: len(emulator.requests) == 1)
        connection.settimeout(0.2)
        with pytest.raises(socket.timeout):
            connection.recv(1)
        assert [(request.status, request.fault) for request in emulator.requests] == [(None, "hang")]


HELD = [
    *(f"{fault}:60" for fault in ENDLESS),
    *(f"{fault}:0" for fault in ENDLESS),
    "trickle-body:60",
    "hang",
    "slow:60",
]


@pytest.mark.parametrize("fault", [*HELD, "down:60", "long-length"])
def test_nothing_outlives_the_emulator(fault: str) -> None:
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with emulator_with(fault) as emulator:
            stack.enter_context(asking(emulator))
            wait_until(lambda: len(emulator.requests) == 1)
        assert set(threading.enumerate()) == before


def test_outage_that_begins_as_the_emulator_closes() -> None:
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with Emulator(["0000-a=down:60"]) as emulator:
            connection = stack.enter_context(raw_connection(emulator))
            wait_until(lambda: emulator.connections == 1)
            # close() does this first; the listening thread then ends without beginning the outage.
            emulator._listener._closing.set()
            connection.sendall(raw_request())
            wait_until(lambda: len(emulator.requests) == 1)
            begun = time.monotonic()
        assert time.monotonic() - begun < PATIENCE
        assert set(threading.enumerate()) == before


@pytest.mark.parametrize("fault", [*HELD, "long-length"])
def test_client_that_leaves_is_let_go(fault: str) -> None:
    with Emulator([f"0000-a={fault}", "0000-b=SUCCESS"]) as emulator:
        with asking(emulator):
            wait_until(lambda: len(emulator.requests) == 1)
        wait_until(lambda: not emulator._listener._connections)
        get(emulator.url, "0000-b")
        assert [(request.status, request.concurrent) for request in emulator.requests] == [(None, 1), (200, 1)]


@pytest.mark.parametrize("fault", ["hang", "endless-headers:60", "slow:60"])
def test_client_that_leaves_by_tls_is_let_go(fault: str, pki: Pki) -> None:
    with Emulator([f"0000-a={fault}"], certificate=pki.certificate, key=pki.key) as emulator:
        with raw_connection(emulator) as plain, pki.trusting.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            tls.sendall(raw_request())
            wait_until(lambda: len(emulator.requests) == 1)
        wait_until(lambda: not emulator._listener._connections)
