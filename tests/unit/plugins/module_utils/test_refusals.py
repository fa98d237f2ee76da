# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import os
import resource
import threading
import time
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _refusals
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import (
    CONCURRENT_MAX,
    REFUSALS_MAX,
    Refusals,
    Turn,
)
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import DOMAIN_ID, TOKEN, Tls

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]

    Ask = t.Callable[..., t.Optional[CloudPondError]]

#: Seconds that a fork waits for its turn, on a busy machine.
PATIENCE = 30

#: With threads, Python warns of forks. The emulator's do not matter to the children.
forks = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEYS = {"access_key": "emulator-access-key", "secret_key": "emulator-secret-key"}


@pytest.fixture
def refusals(tmp_path: Path) -> Refusals:
    """Of one run, on a disk that works."""
    return Refusals(str(tmp_path), pytest.fail)


@pytest.fixture
def ask(refusals: Refusals) -> Ask:
    """Query an order with a client of its own, as each task does, and return the failure."""

    def ask_once(url: str, delivery_order_id: str, **given: t.Any) -> CloudPondError | None:
        options = {"endpoint": url, "domain_id": DOMAIN_ID, "timeout": 5, "max_retries": 0, **given}
        with Client(options, os.environ, refusals=refusals) as client:
            try:
                DELIVERY_ORDERS.show(client, delivery_order_id)
            except CloudPondError as error:
                return error
        return None

    return ask_once


def turn(refusals: Refusals, patience: float = 0, identity: str = "key") -> t.ContextManager[Turn]:
    return refusals.turn(identity, "a", time.monotonic() + patience)


def refuse(refusals: Refusals) -> None:
    with turn(refusals) as refused:
        as_refused(refused)


def accept(refusals: Refusals) -> None:
    with turn(refusals) as accepted:
        as_accepted(accepted)


class Child:
    """A fork that has a turn until it is told how the turn ends."""

    def __init__(self, refusals: Refusals, outcome: t.Callable[[Turn], None]) -> None:
        from_child, to_parent = os.pipe()
        from_parent, self._to_child = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            # With it open, the child would wait for itself when the parent ends early.
            os.close(self._to_child)
            try:
                with turn(refusals, PATIENCE) as own:
                    os.write(to_parent, b"1")
                    os.read(from_parent, 1)
                    outcome(own)
            finally:
                os._exit(0)
        os.close(to_parent)
        # Nothing to read at the end of the pipe: the child had no turn.
        assert os.read(from_child, 1)

    def end(self) -> None:
        os.write(self._to_child, b"1")
        os.waitpid(self.pid, 0)


def as_refused(refused: Turn) -> None:
    refused.refusal = CloudPondError("a", "no", http_status=401)


def as_accepted(accepted: Turn) -> None:
    accepted.answered = True


def test_a_credential_is_not_sent_after_refusals_in_a_row(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS")
    errors = [ask(emulator.url, "a", auth_token="wrong") for _number in range(REFUSALS_MAX)]
    errors.append(ask(emulator.url, "b", auth_token="wrong"))
    assert len(emulator.requests) == REFUSALS_MAX
    assert all(errors)
    last, repeated = (t.cast("CloudPondError", error) for error in errors[-2:])
    assert repeated.to_dict() == last.to_dict()
    assert str(repeated) == str(last).replace("'a'", "'b'")


def test_the_vendor_counts_by_access_key(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=SUCCESS")
    for number in range(REFUSALS_MAX + 2):
        assert ask(emulator.url, "a", **{**KEYS, "secret_key": f"wrong-{number}"})
    assert len(emulator.requests) == REFUSALS_MAX


def test_a_proxy_may_lock_a_user_too(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(login="user:password") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:wrong@"))
        errors = [ask("https://ies.example.com", "a", auth_token=TOKEN) for _number in range(REFUSALS_MAX + 2)]
        assert len(proxy.requests) == REFUSALS_MAX
    assert [error.message for error in errors if error] == [
        f"the proxy {proxy.url[7:]} (HTTPS_PROXY) refused to connect: 407 Proxy Authentication Required"
    ] * len(errors)
    assert all(str(error).startswith("Cannot query delivery order 'a': ") for error in errors)


def test_a_password_that_a_proxy_accepts_starts_the_count_anew(
    emulate: Emulate, ask: Ask, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate("a=SUCCESS", certificate=tls.certificate, key=tls.key)
    passwords = [*["wrong"] * (REFUSALS_MAX - 1), "password", *["wrong"] * (REFUSALS_MAX - 1)]
    with Proxy(login="user:password") as proxy:
        for password in passwords:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", f"http://user:{password}@"))
            error = ask(emulator.url, "a", auth_token=TOKEN, ca_path=str(tls.ca))
            assert (error is None) == (password == "password")
        assert len(proxy.requests) == len(passwords)


def test_a_proxy_counts_for_all_credentials(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(login="user:password") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:wrong@"))
        for number in range(REFUSALS_MAX + 2):
            ask("https://ies.example.com", "a", auth_token=f"{TOKEN}{number}")
        assert len(proxy.requests) == REFUSALS_MAX


def test_credentials_do_not_wait_for_each_other(refusals: Refusals) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(100):
            stack.enter_context(turn(refusals, identity=f"key-{number}"))


@pytest.mark.parametrize("answer", ["SUCCESS", "http:403"])
def test_any_other_answer_starts_the_count_anew(emulate: Emulate, ask: Ask, answer: str) -> None:
    emulator = emulate("a=http:401", f"b={answer}")
    for order in "aabaabaa":
        ask(emulator.url, order, auth_token=TOKEN)
    assert len(emulator.requests) == 8
    ask(emulator.url, "a", auth_token=TOKEN)
    assert len(emulator.requests) == 9
    ask(emulator.url, "b", auth_token=TOKEN)
    assert len(emulator.requests) == 9


@pytest.mark.parametrize("answer", ["reset", "http:503", "throttled:1"])
def test_an_outage_does_not_start_it_anew(emulate: Emulate, ask: Ask, answer: str) -> None:
    emulator = emulate("a=http:401", f"b={answer}")
    for order in "aabaa":
        ask(emulator.url, order, auth_token=TOKEN)
    assert len(emulator.requests) == 4


def test_a_path_that_the_gateway_lacks_does_not_start_it_anew(emulate: Emulate, ask: Ask, refusals: Refusals) -> None:
    # A cloud without the listing: each task lists in vain before it queries by ID.
    emulator = emulate("a=http:401")
    options = {"endpoint": emulator.url, "domain_id": DOMAIN_ID, "auth_token": TOKEN}
    for _number in range(REFUSALS_MAX):
        with Client(options, {}, refusals=refusals) as client, pytest.raises(CloudPondError, match=r"APIGW\.0101"):
            client.get("v2", "nowhere", subject="a")
        ask(emulator.url, "a", auth_token=TOKEN)
    ask(emulator.url, "a", auth_token=TOKEN)
    assert len(emulator.requests) == 2 * REFUSALS_MAX


def test_another_credential_and_another_endpoint_are_sent(emulate: Emulate, ask: Ask) -> None:
    emulators = [emulate("a=SUCCESS"), emulate("a=SUCCESS")]
    for _number in range(REFUSALS_MAX + 1):
        ask(emulators[0].url, "a", auth_token="wrong")
    assert ask(emulators[0].url, "a", auth_token=TOKEN) is None
    ask(emulators[1].url, "a", auth_token="wrong")
    assert len(emulators[1].requests) == 1


@forks
def test_forks_share_the_count(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=SUCCESS", latency=0.05)
    children = []
    for _number in range(12):
        child = os.fork()
        if not child:
            try:
                error = ask(emulator.url, "a", auth_token="wrong")
                os._exit(0 if error is not None and error.http_status == 401 else 1)
            finally:
                os._exit(2)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 12
    assert len(emulator.requests) == REFUSALS_MAX


@forks
def test_a_fork_that_is_killed_keeps_none_waiting(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=hang", "b=SUCCESS")
    child = os.fork()
    if not child:
        ask(emulator.url, "a", auth_token=TOKEN)
        os._exit(0)
    while not emulator.requests:
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert ask(emulator.url, "b", auth_token=TOKEN) is None


def test_queries_with_a_new_credential_wait_for_the_first(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=SUCCESS", "b=SUCCESS", latency=0.2)
    errors: list[CloudPondError | None] = []
    first = threading.Thread(target=lambda: errors.append(ask(emulator.url, "a", auth_token=TOKEN)))
    first.start()
    while not emulator.requests:
        time.sleep(0.01)
    errors.append(ask(emulator.url, "b", auth_token=TOKEN))
    first.join()
    assert errors == [None, None]


@forks
def test_at_most_five_requests_in_flight(refusals: Refusals) -> None:
    """Revoked in the middle of a run, with many forks: no more are refused than are on their way."""
    accept(refusals)
    children = [Child(refusals, as_refused) for _number in range(CONCURRENT_MAX)]
    with pytest.raises(CloudPondError) as caught, turn(refusals):
        pass
    waiting = "Cannot query a: other tasks of this run are still waiting for answers with the same credential"
    assert (str(caught.value), caught.value.retryable) == (waiting, True)
    for child in children:
        child.end()
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals):
        pass


@forks
def test_after_a_refusal_one_is_on_its_way(refusals: Refusals) -> None:
    accept(refusals)
    late = Child(refusals, as_accepted)
    refuse(refusals)
    # The one on its way could be refused, too.
    with pytest.raises(CloudPondError, match="still wait"), turn(refusals):
        pass
    # Its answer is from before the refusal.
    late.end()
    alone = Child(refusals, as_accepted)
    with pytest.raises(CloudPondError, match="still wait"), turn(refusals):
        pass
    alone.end()
    with turn(refusals), turn(refusals):
        pass


@forks
def test_a_late_answer_does_not_start_the_count_anew(refusals: Refusals) -> None:
    accept(refusals)
    late = Child(refusals, as_accepted)
    refuse(refusals)
    late.end()
    for _number in range(REFUSALS_MAX - 1):
        refuse(refusals)
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals):
        pass


@forks
def test_who_waited_for_the_first_goes_on_together(refusals: Refusals) -> None:
    first = Child(refusals, as_accepted)
    together = threading.Barrier(CONCURRENT_MAX)

    def wait() -> None:
        with turn(refusals, PATIENCE):
            together.wait(PATIENCE)

    threads = [threading.Thread(target=wait) for _number in range(CONCURRENT_MAX)]
    for thread in threads:
        thread.start()
    first.end()
    for thread in threads:
        thread.join()
    assert not together.broken


def test_a_new_credential_that_gets_no_answer_is_still_sent_alone(refusals: Refusals) -> None:
    # It may be refused as soon as the outage is over.
    with turn(refusals):
        pass
    with turn(refusals), pytest.raises(CloudPondError, match="still wait"), turn(refusals):
        pass


def test_a_refusal_while_a_place_is_taken(refusals: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(refusals)
    lock = _refusals._lock
    with turn(refusals), contextlib.ExitStack() as refused:
        refused.enter_context(turn(refusals)).refusal = CloudPondError("a", "no", http_status=401)

        def lock_late(*args: t.Any) -> bool:
            refused.close()
            return lock(*args)

        monkeypatch.setattr(_refusals, "_lock", lock_late)
        # The credential has become doubtful, and one request is on its way already.
        with pytest.raises(CloudPondError, match="still wait"), turn(refusals):
            pass


def test_a_turn_that_cannot_be_had_ends_in_the_time_of_the_settings(
    emulate: Emulate, ask: Ask, refusals: Refusals
) -> None:
    emulator = emulate("a=SUCCESS")
    with turn(refusals, identity=f"{emulator.url} {TOKEN}"):
        begun = time.monotonic()
        error = ask(emulator.url, "a", auth_token=TOKEN, timeout=0.3)
        assert 0.3 <= time.monotonic() - begun < 2
        assert error
        assert "other tasks of this run are still waiting" in str(error)
        assert error.retryable
        # A turn that can't be had counts as a try.
        begun = time.monotonic()
        ask(emulator.url, "a", auth_token=TOKEN, timeout=0.5, max_retries=1)
        assert 1.2 <= time.monotonic() - begun < 4
    assert emulator.requests == []
    assert ask(emulator.url, "a", auth_token=TOKEN) is None


@pytest.mark.parametrize(("seconds", "least", "most"), [(-1.0, 1.0, 1.9), (1.7, 1.2, 2.15)])
def test_the_last_moment_ends_the_wait_for_a_turn_but_not_of_a_first_try(
    refusals: Refusals, monkeypatch: pytest.MonkeyPatch, seconds: float, least: float, most: float
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    url = "http://127.0.0.1:1"
    options = {"endpoint": url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "timeout": 1, "max_retries": 9}
    begun = time.monotonic()
    with Client(options, {}, refusals=refusals, retry_until=begun + seconds) as client:
        with turn(refusals, identity=f"{url} {TOKEN}"), pytest.raises(CloudPondError, match="still waiting"):
            DELIVERY_ORDERS.show(client, "a")
    assert least <= time.monotonic() - begun < most


def test_what_a_killed_task_left_half_written_counts_as_nothing(refusals: Refusals, tmp_path: Path) -> None:
    for _number in range(REFUSALS_MAX - 1):
        refuse(refusals)
    (log,) = tmp_path.iterdir()
    with log.open("ab") as file:
        file.write(b'{"http_sta')
    refuse(refusals)
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals):
        pass


def test_the_files_name_no_credential(ask: Ask, tmp_path: Path, emulate: Emulate) -> None:
    ask(emulate("a=echo:401").url, "a", auth_token=TOKEN)
    (log,) = tmp_path.iterdir()
    assert TOKEN not in f"{log} {log.read_text()}"


# A disk that does not work


@pytest.fixture
def warnings() -> list[str]:
    return []


def no_locks(*_args: object) -> t.NoReturn:
    raise OSError(errno.ENOLCK, "No locks available")


def test_without_locks_requests_are_sent_and_a_warning_says_so(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A home directory on some network file systems.
    monkeypatch.setattr("fcntl.flock", no_locks)
    with turn(Refusals(str(tmp_path), warnings.append)) as granted:
        as_refused(granted)
    (warning,) = warnings
    assert f"since {tmp_path} can't be locked or written (No locks available): set ANSIBLE_LOCAL_TEMP" in warning


def test_without_a_directory_requests_are_sent_and_a_warning_says_so(tmp_path: Path, warnings: list[str]) -> None:
    refuse(Refusals(str(tmp_path / "gone"), warnings.append))
    (warning,) = warnings
    assert "No such file or directory" in warning


def test_a_refusal_that_cannot_be_written_is_told(tmp_path: Path, warnings: list[str]) -> None:
    refusals = Refusals(str(tmp_path), warnings.append)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        refuse(refusals)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (warning,) = warnings
    assert "can't be locked or written (File too large)" in warning
    # A part of a line is no refusal, and must be told, too.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        refuse(refusals)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "can't be locked or written (No space left on device)" in warnings[-1]


def test_an_error_of_the_request_is_no_fault_of_the_disk(refusals: Refusals) -> None:
    with pytest.raises(OSError, match="mine"), turn(refusals):
        raise OSError("mine")
