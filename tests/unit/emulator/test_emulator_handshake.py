# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS handshakes that go wrong."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    FakeClock,
    get,
    raw_connection,
    receive,
    wait_until,
)
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.pki import Pki


def shake_hands(emulator: Emulator, patience: float) -> None:
    """Raises what the handshake ends with; ``patience`` is in seconds."""
    with raw_connection(emulator) as connection:
        connection.settimeout(patience)
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")


@pytest.mark.parametrize("handshake", ["stall", "trickle:0.02"])
def test_handshake_that_does_not_end(handshake: str) -> None:
    with Emulator(["0000-a=SUCCESS"], handshake=handshake) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        with pytest.raises(socket.timeout, match="timed out"):
            shake_hands(emulator, 0.3)
        assert emulator.requests == []
        assert emulator.connections == 1


def test_stall_says_nothing() -> None:
    with Emulator(handshake="stall") as emulator, raw_connection(emulator) as connection:
        connection.settimeout(0.2)
        with pytest.raises(socket.timeout):
            connection.recv(1)


def test_trickle_is_a_hello_by_bytes() -> None:
    begun = time.monotonic()
    with Emulator(handshake="trickle:0.05") as emulator, raw_connection(emulator) as connection:
        got = receive(connection, 6)
        assert time.monotonic() - begun >= (len(got) - 1) * 0.05
    # A handshake record of 16,384 bytes, and the first byte of a ServerHello in it.
    assert got.startswith(b"\x16\x03\x03\x40\x00\x02")


def test_not_tls() -> None:
    with Emulator(handshake="not-tls") as emulator:
        with pytest.raises(ssl.SSLError, match=r"(?i)wrong.version.number"):
            shake_hands(emulator, 20)
        with raw_connection(emulator) as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_reset() -> None:
    with Emulator(handshake="reset") as emulator, pytest.raises(ConnectionResetError):
        shake_hands(emulator, 20)


def test_life_of_handshakes(pki: Pki) -> None:
    clock = FakeClock()
    with Emulator(
        ["0000-a=SUCCESS"],
        handshake="reset*2,ok@10,not-tls",
        clock=clock,
        certificate=pki.certificate,
        key=pki.key,
    ) as emulator:
        for _time in range(2):
            with pytest.raises(ConnectionResetError):
                shake_hands(emulator, 20)
        for _time in range(3):
            assert get(emulator.url, tls=pki.trusting).status == 200
        clock.now += 10
        with pytest.raises(ssl.SSLError):
            shake_hands(emulator, 20)
        assert emulator.connections == 6


@pytest.mark.parametrize("handshake", ["stall", "trickle:60"])
def test_held_connections_are_let_go(handshake: str) -> None:
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with Emulator(handshake=handshake) as emulator:
            with raw_connection(emulator) as connection:
                connection.sendall(b"\x16\x03\x01")
                wait_until(lambda: len(emulator._listener._connections) == 1)
            wait_until(lambda: not emulator._listener._connections)
            stack.enter_context(raw_connection(emulator))
            wait_until(lambda: len(emulator._listener._connections) == 1)
        assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("handshake", "complaint"),
    [
        ("stall,ok", "a TLS handshake that is ok needs a certificate and a key"),
        ("http:500", "the TLS handshake: 'http:500' is neither ok nor a fault (stall, trickle[:SECONDS], "),
        ("stall*2", "the TLS handshake: the last step 'stall*2' lasts forever"),
    ],
)
def test_bad_handshakes(handshake: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Emulator(handshake=handshake)
