# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import threading
import time
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _refusals
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import (
    _SLOTS,
    REFUSALS_MAX,
    NoTurn,
    Refusals,
    Turn,
)
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._transport import CONCURRENT_MAX
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
def ask() -> Ask:
    """Query an order with a client of its own, as each task does, and return the failure."""
    refusals = Refusals()

    def ask_once(url: str, delivery_order_id: str, **credential: str) -> CloudPondError | None:
        options = {"endpoint": url, "domain_id": DOMAIN_ID, "timeout": 5, "max_retries": 0, **credential}
        with Client(options, os.environ, refusals=refusals) as client:
            try:
                DELIVERY_ORDERS.show(client, delivery_order_id)
            except CloudPondError as error:
                return error
        return None

    return ask_once


def turn(refusals: Refusals, patience: float = 0, identity: str = "key") -> t.ContextManager[Turn]:
    return refusals.turn(identity, "a", time.monotonic() + patience, time.sleep)


def refuse(refusals: Refusals, **fields: t.Any) -> None:
    with turn(refusals) as refused:
        refused.refusal = CloudPondError("a", **{"message": "no", "http_status": 401, **fields})


def accept(refusals: Refusals) -> None:
    with turn(refusals) as accepted:
        accepted.answered = True


class Child:
    """A fork that has a turn until it is told how the turn ends."""

    def __init__(self, refusals: Refusals, outcome: t.Callable[[Turn], None]) -> None:
        from_child, to_parent = os.pipe()
        from_parent, self._to_child = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            # Otherwise it would wait for itself when the parent ends early.
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


def as_lost(_turn: Turn) -> None:
    raise OSError("no answer")


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


@pytest.mark.parametrize("credentials", [100, _SLOTS + 100])
def test_no_other_credential_takes_the_place_of_a_refused_one(credentials: int) -> None:
    refusals = Refusals()
    identities = [f"refused-{number}" for number in range(20)]
    for identity in identities * REFUSALS_MAX:
        with turn(refusals, identity=identity) as refused:
            refused.refusal = CloudPondError("a", "no", http_status=401)
    for number in range(credentials):
        with turn(refusals, identity=f"another-{number}") as another:
            another.answered = True
    for identity in identities:
        with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals, identity=identity):
            pass
    with turn(refusals, identity="another-0"), turn(refusals, identity="another-1"):
        pass


def test_credentials_do_not_wait_for_each_other() -> None:
    refusals = Refusals()
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


def test_another_credential_and_another_endpoint_are_sent(emulate: Emulate, ask: Ask) -> None:
    emulators = [emulate("a=SUCCESS"), emulate("a=SUCCESS")]
    for _number in range(REFUSALS_MAX + 1):
        ask(emulators[0].url, "a", auth_token="wrong")
    assert ask(emulators[0].url, "a", auth_token=TOKEN) is None
    ask(emulators[1].url, "a", auth_token="wrong")
    assert len(emulators[1].requests) == 1


@pytest.mark.parametrize(("length", "kept"), [(1500, True), (4096, False)])
def test_a_long_refusal_is_kept_without_its_text(length: int, kept: bool) -> None:
    refusals = Refusals()
    fields: dict[str, t.Any] = {"message": "m" * length, "code": "APIGW.0301", "request_id": "r-1"}
    for _number in range(REFUSALS_MAX):
        refuse(refusals, **fields)
    with pytest.raises(CloudPondError) as caught, turn(refusals):
        pass
    shown = fields if kept else dict.fromkeys(fields)
    assert caught.value.to_dict() == {**shown, "http_status": 401, "retryable": False}


def test_a_home_without_locks_or_room_does_not_matter_on_linux(tmp_path: Path) -> None:
    refuse(Refusals(str(tmp_path / "nowhere")))


def test_it_leaves_no_file_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "memfd_create")
    refuse(Refusals(str(tmp_path)))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="nowhere"):
        Refusals(str(tmp_path / "nowhere"))


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


def test_a_credential_is_counted_beyond_the_room_for_refused_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_refusals, "_SLOTS", 2)
    refusals = Refusals()
    for identity in ("a", "b", "c"):
        with turn(refusals, identity=identity) as refused:
            as_refused(refused)
    for _number in range(REFUSALS_MAX - 1):
        with turn(refusals, identity="c") as refused:
            as_refused(refused)
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals, identity="c"):
        pass


def test_what_is_half_written_counts_as_nothing() -> None:
    refusals = Refusals()
    for _number in range(REFUSALS_MAX):
        refuse(refusals)
    memory = refusals._memory
    start = memory.find(b'"refusals"')
    memory[start : start + 10] = b"{" * 10
    with turn(refusals) as again:
        assert not again.answered


@forks
def test_no_more_than_a_key_survives_are_on_their_way() -> None:
    """Revoked in the middle of a run, with many forks: no more are refused than are on their way."""
    refusals = Refusals()
    accept(refusals)
    children = [Child(refusals, as_refused) for _number in range(CONCURRENT_MAX)]
    with pytest.raises(NoTurn) as caught, turn(refusals):
        pass
    waiting = "Cannot query a: other tasks of this run are still waiting for answers with the same credential"
    assert (str(caught.value), caught.value.retryable) == (waiting, True)
    for child in children:
        child.end()
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals):
        pass


@forks
def test_after_a_refusal_one_is_on_its_way() -> None:
    refusals = Refusals()
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
def test_a_late_answer_does_not_start_the_count_anew() -> None:
    refusals = Refusals()
    accept(refusals)
    late = Child(refusals, as_accepted)
    refuse(refusals)
    late.end()
    for _number in range(REFUSALS_MAX - 1):
        refuse(refusals)
    with pytest.raises(CloudPondError, match="HTTP 401"), turn(refusals):
        pass


@forks
@pytest.mark.parametrize("outcome", [as_accepted, as_lost])
def test_forks_that_waited_for_the_first_go_on_together(outcome: t.Callable[[Turn], None]) -> None:
    """In an outage, too: the time of a run must not grow with its hosts."""
    refusals = Refusals()
    first = Child(refusals, outcome)
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


def test_a_refusal_while_a_place_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = Refusals()
    accept(refusals)
    take = refusals._take
    taken: list[bool] = []

    def take_late(slot: int, alone: bool) -> range | None:
        taken.append(alone)
        if len(taken) == 1:
            refuse(refusals)
        return take(slot, alone)

    monkeypatch.setattr(refusals, "_take", take_late)
    with turn(refusals):
        assert taken == [False, False, True]


def test_a_client_that_is_closed_waits_no_more() -> None:
    refusals = Refusals()

    def sleep(seconds: float) -> None:
        raise InterruptedError

    with turn(refusals), pytest.raises(InterruptedError), refusals.turn("key", "a", time.monotonic() + PATIENCE, sleep):
        pass
