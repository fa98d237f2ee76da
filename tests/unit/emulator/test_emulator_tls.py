# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS from given certificate and key files."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from pathlib import Path

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    connect,
    exchange,
    get,
    order_path,
    raw_connection,
    wait_until,
)
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.pki import Pki


def test_https(pki: Pki) -> None:
    with Emulator(["0000-a=PROCESSING,SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        connection = connect(emulator.url, pki.trusting)
        statuses = [exchange(connection, order_path()).order["status"] for _time in range(2)]
        connection.close()
    assert statuses == ["PROCESSING", "SUCCESS"]


def test_unknown_authority_is_no_error_of_the_emulator(
    pki: Pki, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with Emulator(["0000-a=SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        with pytest.raises(ssl.SSLCertVerificationError):
            get(emulator.url, tls=ssl.create_default_context())
        with raw_connection(emulator) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                connection.recv(65536)
        wait_until(lambda: not emulator._listener._connections)
        assert emulator.requests == []
        assert get(emulator.url, tls=pki.trusting).status == 200
    assert raised == []
    assert capfd.readouterr() == ("", "")


def test_client_that_says_nothing_holds_up_nobody(pki: Pki) -> None:
    with Emulator(["0000-a=SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        with raw_connection(emulator):
            assert get(emulator.url, tls=pki.trusting).status == 200


def test_faults_of_the_connection(pki: Pki) -> None:
    with Emulator(["0000-a=reset,cut-short,down:0.2,SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        for _time in range(3):
            with pytest.raises(Exception, match=r"reset by peer|IncompleteRead|EOF|without response"):
                get(emulator.url, tls=pki.trusting)
        with pytest.raises(ConnectionRefusedError):
            get(emulator.url, tls=pki.trusting)
        assert [request.fault for request in emulator.requests] == ["reset", "cut-short", "down:0.2"]


def test_client_that_is_gone_at_once(pki: Pki) -> None:
    with Emulator(["0000-a=SUCCESS"], certificate=pki.certificate, key=pki.key) as emulator:
        for _time in range(20):
            connection = raw_connection(emulator)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        assert get(emulator.url, tls=pki.trusting).status == 200


def test_certificate_without_key(pki: Pki) -> None:
    with pytest.raises(ValueError, match="TLS needs both a certificate and a key"):
        Emulator(certificate=pki.certificate)
    with pytest.raises(ValueError, match="TLS needs both a certificate and a key"):
        Emulator(key=pki.key)


def test_files_that_are_no_certificate_and_key(pki: Pki, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ValueError, match=re.escape(f"{missing} and key {pki.key} can't be used: No such file")):
        Emulator(certificate=missing, key=pki.key)
    with pytest.raises(ValueError, match="both must be PEM files"):
        Emulator(certificate=pki.key, key=pki.key)


def test_encrypted_key_asks_nobody(pki: Pki, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pki.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ValueError, match="the key without a password"):
        Emulator(certificate=pki.certificate, key=encrypted)
