# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS from given certificate and key files, and handshakes that go wrong."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

from ..conftest import Tls
from .client import FakeClock, connect, exchange, get, raw


@pytest.fixture
def trusting(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls.ca)


def shake_hands(emulator: Emulator, patience: float = 20) -> None:
    """Raises what the handshake ends with; ``patience`` is in seconds."""
    with raw(emulator) as connection:
        connection.settimeout(patience)
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")


def test_a_client_that_trusts_the_authority_is_served(tls: Tls, trusting: ssl.SSLContext) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"], certificate=tls.certificate, key=tls.key) as emulator:
        # One that says nothing holds up nobody.
        with raw(emulator):
            connection = connect(emulator.url, trusting)
            assert [exchange(connection).order["status"] for _time in range(2)] == ["PROCESSING", "SUCCESS"]
            connection.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(emulator)
        assert len(emulator.requests) == 2


@pytest.mark.parametrize(
    ("handshake", "seen", "message"),
    [
        ("stall", socket.timeout, "timed out"),
        ("trickle:0.02", socket.timeout, "timed out"),
        ("reset", ConnectionResetError, "reset"),
        ("not-tls", ssl.SSLError, "(?i)wrong.version.number"),
    ],
)
def test_a_handshake_goes_wrong(handshake: str, seen: type[Exception], message: str) -> None:
    with Emulator(["0000-a=SUCCESS"], handshake=handshake) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        with pytest.raises(seen, match=message):
            shake_hands(emulator, 0.3)
        assert (emulator.connections, emulator.requests) == (1, [])


def test_handshakes_have_a_life(tls: Tls, trusting: ssl.SSLContext) -> None:
    clock = FakeClock()
    options: Any = {"certificate": tls.certificate, "key": tls.key, "handshake": "reset*2,ok@10,not-tls"}
    with Emulator(["0000-a=SUCCESS"], clock=clock, **options) as emulator:
        for _time in range(2):
            with pytest.raises(ConnectionResetError):
                shake_hands(emulator)
        assert [get(emulator.url, tls=trusting).status for _time in range(3)] == [200, 200, 200]
        clock.now += 10
        with pytest.raises(ssl.SSLError):
            shake_hands(emulator)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"certificate": __file__}, "TLS needs both a certificate and a key"),
        ({"certificate": "/missing.pem", "key": __file__}, "/missing.pem and key .* can't be used: No such file"),
        ({"certificate": __file__, "key": __file__}, "both must be PEM files"),
        ({"handshake": "stall,ok"}, "a TLS handshake that is ok needs a certificate and a key"),
    ],
)
def test_what_is_wrong_is_told_what_is_right(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Emulator(**options)
