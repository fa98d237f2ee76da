# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two command lines, run as their users run them, and the pages about them."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.huaweicloud.cloudpond.tests import emulator as emulator_package
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator, __main__, proxy
from ansible_collections.huaweicloud.cloudpond.tests.emulator._faults import FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._listener import HANDSHAKE_FAULTS
from ansible_collections.huaweicloud.cloudpond.tests.emulator._proxy import PROXY_FAULTS

from .client import ORDERS, PATIENCE, SITES, get

assert emulator_package.__file__
FOLDER = Path(emulator_package.__file__).parent
MAINS = {"tests.emulator": __main__.main, "tests.emulator.proxy": proxy.main}
#: Without site-packages and the user's environment.
PROGRAM = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name='__main__')"
)

both = pytest.mark.parametrize("module", MAINS)
Run = Callable[..., "Running"]


class Running:
    def __init__(self, module: str, arguments: tuple[str, ...]) -> None:
        command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(FOLDER.parents[1]), module, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def end(self, number: int = 0) -> tuple[int, str, str]:
        """The exit status, and the rest of both outputs."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output, errors


@pytest.fixture
def run() -> Iterator[Run]:
    """Start command lines that end with the test at the latest."""
    started: list[Running] = []

    def start(*arguments: str, module: str = "tests.emulator") -> Running:
        started.append(Running(module, arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


@both
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(run: Run, module: str, number: int) -> None:
    command = run("--tls-handshake", "stall", module=module)
    assert re.fullmatch(r"https://127\.0\.0\.1:[1-9]\d*", command.url)
    assert command.end(number) == (0, "", "")


@both
def test_it_starts_at_once_and_ends_after_some_seconds(run: Run, module: str) -> None:
    begun = time.monotonic()
    assert run("--stop-after", "0.3", module=module).end() == (0, "", "")
    # Generous to a busy machine.
    assert 0.3 <= time.monotonic() - begun < 5


def test_orders_sites_and_credentials_are_those_of_the_options(run: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({"orders": [{"id": "0000-c", "name": "rack 7", "life": ["SUCCESS"]}]}))
    with Emulator() as emulator:
        free = emulator.url.rpartition(":")[2]
    arguments = ["--port", free, "--token", "own", "--domain-id", "own-domain", "--orders", str(orders)]
    arguments += ["--order", "0000-a=FAIL", "--order", "0000-b=FAIL", "--edge-site", "s=available"]
    arguments += ["--listing", "ok,http:503", "--site-listing", "http:403", "--throttle", "5", "--latency", "0.1"]
    command, begun = run(*arguments), time.monotonic()
    assert command.url == f"http://127.0.0.1:{free}"
    paths = [f"{ORDERS}/0000-c", f"{SITES}/s", ORDERS, ORDERS, SITES, ORDERS]
    headers = {"X-Auth-Token": "own"}
    got = [get(command.url, path.replace("0" * 32, "own-domain"), headers=headers) for path in paths]
    assert [each.status for each in got[:5]] == [200, 200, 200, 503, 403]
    assert (got[0].order["name"], got[2].ids) == ("rack 7", ["0000-a", "0000-b", "0000-c"])
    assert time.monotonic() - begun >= 6 * 0.1
    assert "in use" in run("--port", free).end()[2]


def test_the_proxy_has_a_life_and_a_login(run: Run) -> None:
    headers = {"Proxy-Authorization": "Basic " + base64.b64encode(b"user:password").decode()}
    command = run("--login", "user:password", "--life", "http:502", "--verbose", module="tests.emulator.proxy")
    assert [get(command.url, "http://[::1]/", headers=each).status for each in ({}, headers)] == [407, 502]
    log = "GET http://[::1]/\nGET http://[::1]/ [http:502]\n"
    assert command.end(signal.SIGTERM) == (0, "", log)


@pytest.mark.parametrize(
    ("module", "arguments", "complaint"),
    [
        ("tests.emulator", ["--orders", "/nowhere/orders.json"], "can't read /nowhere/orders.json: No such file"),
        ("tests.emulator", ["--orders", __file__], f"{__file__}: not JSON: "),
        ("tests.emulator", ["--host", "0.0.0.0"], "the host '0.0.0.0' is not a loopback address: use 127.0.0.1 or ::1"),
        ("tests.emulator", ["--token", ""], "the token must be one or more visible ASCII characters"),
        ("tests.emulator", ["--throttle", "0"], "the throttle 0 is not a number of requests in a second, 1 or more"),
        ("tests.emulator.proxy", ["--life", "cut-short"], "the proxy: 'cut-short' is neither ok nor a fault (http:"),
        ("tests.emulator.proxy", ["--login", "wrong-secret"], "the login must be USER:PASSWORD"),
    ],
)
def test_what_is_wrong_is_told_what_is_right(
    module: str, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        MAINS[module](arguments)
    output, errors = capsys.readouterr()
    assert (caught.value.code, output) == (2, "")
    assert complaint in errors
    assert "wrong-secret" not in errors


def rows(page: str, title: str) -> list[str]:
    """The first cells of the table under a title."""
    section = (FOLDER / page).read_text(encoding="utf-8").partition(f"\n{title}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]


def test_the_pages_have_every_fault_and_the_help_those_of_a_user(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["--help"])
    manual = capsys.readouterr().out
    assert re.findall(r"^    ([a-z]\S+) +\S.*$", manual, re.MULTILINE)[:9] == rows("README.md", "## Faults")
    assert rows("README.md", "## Faults") + rows("FAULTS.md", "## Orders and listings") == [
        kind.form for kind in FAULTS.values()
    ]
    assert rows("FAULTS.md", "## TLS handshakes") == [kind.form for kind in HANDSHAKE_FAULTS]
    assert rows("FAULTS.md", "## The proxy") == [kind.form for kind in PROXY_FAULTS]
