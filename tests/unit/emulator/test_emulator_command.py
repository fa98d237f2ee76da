# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line, run as its users run it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.emulator.__main__ import main
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._tls import HANDSHAKE_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    PATIENCE,
    TOKEN,
    address,
    get,
    list_path,
    order_path,
    raw_request,
    sign,
)

assert emulator_package.__file__
ROOT = Path(emulator_package.__file__).parents[2]


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.first_line = process.stdout.readline()
        self.url = self.first_line.strip()


@contextlib.contextmanager
def running(*arguments: str, module: str = "tests.emulator") -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.communicate()


def test_serves_and_prints_its_url_first() -> None:
    with running("--order", "0000-a=PROCESSING,SUCCESS", "--order", "0000-b=FAIL") as command:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*\n", command.first_line)
        assert get(command.url).order["status"] == "PROCESSING"
        assert get(command.url).order["status"] == "SUCCESS"
        assert get(command.url, "0000-b").order["status"] == "FAIL"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running("--order", "0000-a=slow:60") as command:
        with socket.create_connection(address(command.url), timeout=PATIENCE) as connection:
            connection.sendall(raw_request())
            command.process.send_signal(number)
            output, errors = command.process.communicate(timeout=PATIENCE)
    assert (command.process.returncode, output, errors) == (0, "", "")


def test_stops_after_seconds() -> None:
    begun = time.monotonic()
    with running("--stop-after", "0.3") as command:
        output, errors = command.process.communicate(timeout=PATIENCE)
    assert time.monotonic() - begun >= 0.3
    assert (command.process.returncode, output, errors) == (0, "", "")


def test_token_domain_port_and_file(tmp_path: Path) -> None:
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({"orders": [{"id": "0000-c", "name": "rack 7", "life": ["SUCCESS"]}]}))
    with Emulator() as emulator:
        free = emulator.url.rpartition(":")[2]
    arguments = ["--port", free, "--token", "own", "--domain-id", "own-domain", "--orders", str(orders)]
    with running(*arguments, "--order", "0000-a=FAIL") as command:
        assert command.url == f"http://127.0.0.1:{free}"
        for order_id, status in (("0000-c", "SUCCESS"), ("0000-a", "FAIL")):
            path = f"/v2/own-domain/delivery-orders/{order_id}"
            assert get(command.url, path=path, headers={"X-Auth-Token": "own"}).order["status"] == status


def test_keys_listing_latency_and_throttle() -> None:
    arguments = ["--access-key", "own-key", "--secret-key", "own-secret", "--security-token", "own-token"]
    arguments += ["--order", "site-{1..3}=SUCCESS", "--listing", "http:503,ok", "--latency", "0.1", "--throttle", "2"]
    with running(*arguments) as command:
        host = command.url.partition("//")[2]
        target = list_path("limit=2")
        headers = sign(target, host=host, keys=("own-key", "own-secret", "own-token"))
        begun = time.monotonic()
        statuses = [get(command.url, path=target, headers=headers).status for _time in range(2)]
        assert time.monotonic() - begun >= 0.2
        assert get(command.url, "site-3").status == 429
    assert statuses == [503, 200]


def test_handshake() -> None:
    with running("--tls-handshake", "not-tls") as command:
        assert command.url.startswith("https://")
        with socket.create_connection(address(command.url), timeout=PATIENCE) as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_verbose_logs_requests_but_no_credential() -> None:
    with running("--order", "0000-a=echo,SUCCESS", "--verbose") as command:
        get(command.url)
        get(command.url, headers={"X-Auth-Token": "wrong-secret"})
        command.process.terminate()
        _output, errors = command.process.communicate(timeout=PATIENCE)
    assert errors.splitlines() == [f"GET {order_path()} [echo] -> 401", f"GET {order_path()} -> 401"]
    assert TOKEN not in errors


def test_quiet_unless_asked() -> None:
    with running("--order", "0000-a=reset,SUCCESS") as command:
        with pytest.raises(OSError):  # noqa: PT011  # any will do
            get(command.url)
        get(command.url)
        command.process.terminate()
        output, errors = command.process.communicate(timeout=PATIENCE)
    assert (output, errors) == ("", "")


def test_help_is_a_manual(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    manual = capsys.readouterr().out
    for form in [kind.form for kind in FAULTS.values()] + [kind.form for kind in HANDSHAKE_FAULTS]:
        assert f"\n  {form} " in manual
    for word in ("STEP*N", "STEP@S", "lives:", "\nfaults", "\nexamples:", "/emulator/requests", "--stop-after", TOKEN):
        assert word in manual
    assert max(len(line) for line in manual.splitlines()) <= 120


def test_examples_of_the_manual_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    manual = capsys.readouterr().out
    lives = re.findall(r"--order '([^']+)'", manual)
    assert len(lives) >= 6
    for life in lives:
        Emulator([life])
    listings = re.findall(r"--listing ([a-z]\S+)", manual)
    assert listings
    for listing in listings:
        Emulator(listing=listing)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--order", "0000-a"], "argument --order: '0000-a' is not ID=LIFE, such as 0000-a=PROCESSING*2,SUCCESS"),
        (["--order", "0000-a=oops"], "argument --order: order 0000-a: 'oops' is neither a status"),
        (["--order", "a=SUCCESS", "--order", "a=FAIL"], "order a is described twice"),
        (["--orders", "/nonexistent/orders.json"], "can't read /nonexistent/orders.json: No such file or directory"),
        (["--port", "http"], "argument --port: 'http' is not a port: use a number up to 65535, or 0 for any free one"),
        (["--port", "65536"], "the port 65536 is not between 0 (any free one) and 65535"),
        (["--host", "0.0.0.0"], "the host '0.0.0.0' is not a loopback address: use 127.0.0.1 or ::1"),
        (["--token", ""], "the token must be one or more visible ASCII characters"),
        (["--domain-id", "a/b"], "the domain ID 'a/b' must be of letters, digits, '-' and '_'"),
        (["--order", "a-{2..1}=FAIL"], "argument --order: the range of 'a-{2..1}' must go up"),
        (["--listing", "ok,SUCCESS"], "the listing: 'SUCCESS' is neither ok nor a fault (http:CODE, "),
        (["--access-key", "a,b"], "the access key 'a,b' must be of letters, digits, '-' and '_'"),
        (["--secret-key", ""], "the secret key must be one or more visible ASCII characters"),
        (["--security-token", "a b"], "the security token must be one or more visible ASCII characters"),
        (["--latency", "0"], "argument --latency: '0' is not a number of seconds above 0"),
        (["--latency", "86401"], "the latency 86401.0 is not a number of seconds from 0 to 86400"),
        (["--throttle", "0"], "argument --throttle: '0' is not a number of requests in a second, 1 or more"),
        (["--stop-after", "0"], "argument --stop-after: '0' is not a number of seconds above 0"),
        (["--stop-after", "soon"], "argument --stop-after: 'soon' is not a number of seconds above 0"),
        (["--tls-key", "key.pem"], "TLS needs both a certificate and a key"),
        (["--tls-handshake", "stall,ok"], "a TLS handshake that is ok needs a certificate and a key"),
        (["--tls-certificate", "/nonexistent/c.pem", "--tls-key", "/nonexistent/k.pem"], "No such file or directory"),
        (["--verb"], "unrecognized arguments: --verb"),
    ],
)
def test_bad_arguments(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert complaint in errors


def test_bad_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = tmp_path / "orders.json"
    orders.write_text("{")
    with pytest.raises(SystemExit):
        main(["--orders", str(orders)])
    assert f"argument --orders: {orders}: not JSON: " in capsys.readouterr().err


def test_port_in_use() -> None:
    with Emulator() as emulator:
        port = emulator.url.rpartition(":")[2]
        with running("--port", port) as command:
            output, errors = command.process.communicate(timeout=PATIENCE)
    assert command.process.returncode == 2
    assert (command.first_line, output) == ("", "")
    assert f"can't listen on 127.0.0.1, port {port}: Address already in use; try another --port" in errors


def test_needs_nothing_but_the_standard_library() -> None:
    """Without site-packages and the user's environment, it serves all the same."""
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from tests.emulator.__main__ import main; main(sys.argv[1:])"
    )
    arguments = [sys.executable, "-I", "-S", "-c", program, str(ROOT), "--order", "a=SUCCESS", "--stop-after", "0.05"]
    completed = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("http://127.0.0.1:")
