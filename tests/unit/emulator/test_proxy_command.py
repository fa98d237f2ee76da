# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy's command line, run as its users run it."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import urllib.request

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults_proxy import PROXY_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._tls import HANDSHAKE_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator.proxy import main
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import PATIENCE, TOKEN, address, order_path
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.test_emulator_command import ROOT, running

MODULE = "tests.emulator.proxy"


def answered(url: str, request: str) -> bytes:
    with socket.create_connection(address(url), timeout=PATIENCE) as connection:
        connection.sendall(f"{request}\r\n\r\n".encode())
        return connection.recv(65536)


def test_life_login_log_and_requests() -> None:
    login = base64.b64encode(b"user:password").decode()
    arguments = ["--login", "user:password", "--life", "http:503,ok", "--verbose"]
    with Emulator(["0000-a=SUCCESS"]) as emulator, running(*arguments, module=MODULE) as command:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*\n", command.first_line)
        request = f"GET {emulator.url}{order_path()} HTTP/1.1\r\nX-Auth-Token: {TOKEN}"
        assert answered(command.url, request).startswith(b"HTTP/1.1 407 ")
        for status in (b"503", b"200"):
            got = answered(command.url, f"{request}\r\nProxy-Authorization: Basic {login}")
            assert got.startswith(b"HTTP/1.1 " + status)
        with urllib.request.urlopen(f"{command.url}/emulator/requests", timeout=PATIENCE) as response:
            told = json.load(response)
        command.process.terminate()
        output, errors = command.process.communicate(timeout=PATIENCE)
    assert [(entry["user"], entry["status"], entry["fault"]) for entry in told] == [
        (None, 407, None),
        ("user", 503, "http:503"),
        ("user", None, None),
    ]
    (target,) = {entry["target"] for entry in told}
    assert target.endswith(order_path())
    url = f"GET {target}"
    assert (command.process.returncode, output) == (0, "")
    assert errors.splitlines() == [url, f"{url} [http:503]", url]
    assert "password" not in errors + json.dumps(told)


def test_tls_handshake_and_end() -> None:
    with running("--tls-handshake", "not-tls", "--stop-after", "0.5", module=MODULE) as command:
        assert command.url.startswith("https://127.0.0.1:")
        assert answered(command.url, "CONNECT 127.0.0.1:1 HTTP/1.1").startswith(b"HTTP/1.1 400 ")
        output, errors = command.process.communicate(timeout=PATIENCE)
    assert (command.process.returncode, output, errors) == (0, "", "")


def test_help_is_a_manual(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    manual = capsys.readouterr().out
    for form in [kind.form for kind in PROXY_FAULTS] + [kind.form for kind in HANDSHAKE_FAULTS]:
        assert f"\n  {form} " in manual
    assert max(len(line) for line in manual.splitlines()) <= 120


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--life", "oops"], "the proxy: 'oops' is neither ok nor a fault (http:CODE, "),
        (["--login", "secret"], "the login must be USER:PASSWORD"),
        (["--host", "0.0.0.0"], "the host '0.0.0.0' is not a loopback address: use 127.0.0.1 or ::1"),
        (["--port", "http"], "argument --port: 'http' is not a port"),
        (["--tls-key", "key.pem"], "TLS needs both a certificate and a key"),
        (["--stop-after", "0"], "argument --stop-after: '0' is not a number of seconds above 0"),
    ],
)
def test_bad_arguments(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert complaint in errors
    assert "secret" not in errors


def test_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from tests.emulator.proxy import main; main(sys.argv[1:])"
    )
    arguments = [sys.executable, "-I", "-S", "-c", program, str(ROOT), "--stop-after", "0.05"]
    completed = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("http://127.0.0.1:")
