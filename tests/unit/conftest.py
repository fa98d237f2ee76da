# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import re
import typing as t

import hypothesis
import pytest
import trustme

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._settings import FILE_VARIABLE, OPTIONS
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

DOMAIN_ID = "0123456789abcdef0123456789abcdef"
#: With characters that percent-encoding changes, as the tokens of IAM have them.
TOKEN = "MIIF/secret+token=="

#: The password is canary. Each is given as an option or in the environment.
ENDPOINTS_WITH_A_PASSWORD: list[tuple[str, t.Any]] = [
    ("option", "https://user:canary@ies.example.com"),
    ("option", "https://user:canary%40ies.example.com"),
    ("option", ["https://user:canary@ies.example.com"]),
    ("option", {"url": "https://user:canary@ies.example.com"}),
    ("environment", "https://user:canary@ies.example.com"),
]

#: The fixture `emulate`, which takes orders and the options of an emulator.
Emulate = t.Callable[..., Emulator]

# The session `chaos` runs the random tests with more.
EXAMPLES = int(os.environ.get("CHAOS_EXAMPLES", "50"))
hypothesis.settings.register_profile("cloudpond", max_examples=EXAMPLES, deadline=None, database=None)
hypothesis.settings.load_profile("cloudpond")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that selects, besides hypothesis's own, what the session `chaos` runs."""
    config.addinivalue_line("markers", "lives: random lives of an order")


class FakeClock:
    """Stands in for the clock by which the client waits between tries; time-outs are kept in real time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def retry_clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(_client, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    """Nobody's credential, proxy or CA bundle takes part."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in (FILE_VARIABLE, *(name for option in OPTIONS.values() for name in option.variables)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def emulate() -> t.Iterator[Emulate]:
    """Start emulators that run until the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(*orders: str, **options: t.Any) -> Emulator:
            options = {"token": TOKEN, "domain_id": DOMAIN_ID, **options}
            return stack.enter_context(Emulator(orders=list(orders), **options))

        yield start


class Tls(t.NamedTuple):
    """PEM files: of an authority, and of its certificate for this machine with the key."""

    ca: str
    certificate: str
    key: str


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    paths = Tls(*(str(folder / name) for name in ("ca.pem", "certificate.pem", "key.pem")))
    authority.cert_pem.write_to_path(paths.ca)
    server.private_key_pem.write_to_path(paths.key)
    server.cert_chain_pems[0].write_to_path(paths.certificate)
    return paths


def without_port(error: object) -> str:
    """Return the text of an error without the port of a server, which each test has anew."""
    return re.sub(r"(127\.0\.0\.1):\d+", r"\1", str(error))
