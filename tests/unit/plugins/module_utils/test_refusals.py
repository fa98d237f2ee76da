# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import os
import re
import resource
import time
import typing as t
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _refusals
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import REFUSALS_MAX, Refusals, Turn
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import DOMAIN_ID, TOKEN, Emulate, FakeClock, Tls

Ask = t.Callable[..., t.Optional[CloudPondError]]

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


REFUSAL = CloudPondError("a", "no", http_status=401)


def refuse(refusals: Refusals) -> None:
    with turn(refusals) as refused:
        refused.refusal = REFUSAL


def accept(refusals: Refusals) -> None:
    with turn(refusals) as accepted:
        accepted.answered = True


WAITING = "Cannot query a: other tasks of this run are still waiting for answers with the same credential"


def failure(refusals: Refusals) -> str | None:
    """Return why no more request may be sent at once."""
    try:
        with turn(refusals):
            return None
    except CloudPondError as error:
        return str(error)


def test_a_credential_is_not_sent_after_refusals_in_a_row(emulate: Emulate, ask: Ask) -> None:
    emulator, other = emulate("a=SUCCESS", "b=SUCCESS"), emulate("a=SUCCESS")
    errors = [ask(emulator.url, order, auth_token="wrong") for order in ("a" * REFUSALS_MAX + "b")]
    assert len(emulator.requests) == REFUSALS_MAX
    last, repeated = (t.cast("CloudPondError", error) for error in errors[-2:])
    assert repeated.to_dict() == last.to_dict()
    assert str(repeated) == str(last).replace("'a'", "'b'")
    # Another credential is, and so is this one to another endpoint.
    assert ask(emulator.url, "a", auth_token=TOKEN) is None
    ask(other.url, "a", auth_token="wrong")
    assert len(other.requests) == 1


def test_the_vendor_counts_by_access_key(emulate: Emulate, ask: Ask) -> None:
    emulator = emulate("a=SUCCESS")
    for number in range(REFUSALS_MAX + 2):
        assert ask(emulator.url, "a", **{**KEYS, "secret_key": f"wrong-{number}"})
    assert len(emulator.requests) == REFUSALS_MAX


def test_a_proxy_may_lock_a_user_too(emulate: Emulate, ask: Ask, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = emulate("a=SUCCESS", certificate=tls.certificate, key=tls.key)
    errors = []
    with Proxy(login="user:password") as proxy:
        for number, password in enumerate(("wrong", "wrong", "password", *["wrong"] * 5)):
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", f"http://user:{password}@"))
            # It counts for all credentials.
            errors.append(ask(emulator.url, "a", auth_token=(TOKEN, "another")[number % 2], ca_path=tls.ca))
        # A password that the proxy accepts starts the count anew.
        assert len(proxy.requests) == 3 + REFUSALS_MAX
    assert errors.pop(2) is None
    reason = f"the proxy {proxy.url[7:]} (HTTPS_PROXY) refused to connect: 407 Proxy Authentication Required"
    assert [str(error) for error in errors] == [f"Cannot query delivery order 'a': {reason}"] * len(errors)


def test_credentials_do_not_wait_for_each_other(refusals: Refusals) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(100):
            stack.enter_context(turn(refusals, identity=f"key-{number}"))


@pytest.mark.parametrize(
    ("answer", "sent"), [("SUCCESS", 6), ("http:403", 6), ("reset", 4), ("http:503", 4), ("throttled:1", 4)]
)
def test_an_answer_starts_the_count_anew_and_an_outage_does_not(
    emulate: Emulate, ask: Ask, answer: str, sent: int
) -> None:
    emulator = emulate("a=http:401", f"b={answer}")
    for order in "aabaaaab":
        ask(emulator.url, order, auth_token=TOKEN)
    assert len(emulator.requests) == sent


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


@forks
def test_forks_send_a_refused_credential_three_times(emulate: Emulate, ask: Ask) -> None:
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
    assert len(emulator.requests) == 3


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


def test_at_most_five_requests_in_flight(refusals: Refusals) -> None:
    """Revoked in the middle of a run, with many forks: no more are refused than are on their way."""
    accept(refusals)
    with contextlib.ExitStack() as stack:
        for _number in range(5):
            stack.enter_context(turn(refusals)).refusal = REFUSAL
        assert failure(refusals) == WAITING
    assert failure(refusals) == str(REFUSAL)


def test_after_a_refusal_one_is_on_its_way(refusals: Refusals) -> None:
    accept(refusals)
    with turn(refusals) as late:
        refuse(refusals)
        # The one on its way could be refused, too.
        assert failure(refusals) == WAITING
        # Its answer is from before the refusal.
        late.answered = True
    with turn(refusals) as alone:
        assert failure(refusals) == WAITING
        alone.answered = True
    with turn(refusals):
        assert failure(refusals) is None


def test_a_new_credential_that_gets_no_answer_is_still_sent_alone(refusals: Refusals) -> None:
    # It may be refused as soon as the outage is over.
    with turn(refusals):
        pass
    with turn(refusals):
        assert failure(refusals) == WAITING


def test_a_refusal_while_a_place_is_taken(refusals: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(refusals)
    lock = _refusals._lock
    with turn(refusals), contextlib.ExitStack() as refused:
        refused.enter_context(turn(refusals)).refusal = REFUSAL

        def lock_late(*args: t.Any) -> bool:
            refused.close()
            return lock(*args)

        monkeypatch.setattr(_refusals, "_lock", lock_late)
        # The credential has become doubtful, and one request is on its way already.
        assert failure(refusals) == WAITING


@pytest.mark.parametrize(
    ("settings", "last_moment", "least", "most"),
    [
        ({"timeout": 0.3}, None, 0.3, 0.5),
        # A turn that can't be had counts as a try.
        ({"timeout": 0.5, "max_retries": 1}, None, 1.25, 1.65),
        # The last moment ends the wait, but not that of a first try.
        ({"timeout": 1, "max_retries": 9}, -1, 1, 1.2),
        ({"timeout": 1, "max_retries": 9}, 1.7, 1.25, 1.9),
    ],
)
def test_the_wait_for_a_turn_ends_in_the_time_of_the_settings(
    refusals: Refusals,
    retry_clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, float],
    last_moment: float | None,
    least: float,
    most: float,
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    monkeypatch.setattr(_refusals, "time", retry_clock)
    url, begun = "http://127.0.0.1:1", retry_clock.now
    options = {"endpoint": url, "domain_id": DOMAIN_ID, "auth_token": TOKEN, "max_retries": 0, **settings}
    retry_until = None if last_moment is None else begun + last_moment
    with Client(options, {}, refusals=refusals, retry_until=retry_until) as client:
        with turn(refusals, identity=f"{url} {TOKEN}"), pytest.raises(CloudPondError, match="still waiting") as caught:
            DELIVERY_ORDERS.show(client, "a")
    assert caught.value.retryable
    assert least <= retry_clock.now - begun <= most + 0.01


def test_what_a_killed_task_left_half_written_counts_as_nothing(refusals: Refusals, tmp_path: Path) -> None:
    for _number in range(REFUSALS_MAX - 1):
        refuse(refusals)
    (log,) = tmp_path.iterdir()
    with log.open("ab") as file:
        file.write(b'{"http_sta')
    refuse(refusals)
    assert failure(refusals) == str(REFUSAL)


def test_the_files_name_no_credential(ask: Ask, tmp_path: Path, emulate: Emulate) -> None:
    ask(emulate("a=echo:401").url, "a", auth_token=TOKEN)
    (log,) = tmp_path.iterdir()
    assert re.fullmatch("cloudpond-[0-9a-f]{64}", log.name)
    assert TOKEN not in log.read_text()


# A disk that does not work


def warning_in(folder: Path) -> str:
    """Return the warning of a refusal that is sent all the same."""
    warnings: list[str] = []
    refuse(Refusals(str(folder), warnings.append))
    (warning,) = warnings
    return warning


def test_without_locks_requests_are_sent_and_a_warning_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A home directory on some network file systems.
    monkeypatch.setattr("fcntl.flock", mock.Mock(side_effect=OSError(errno.ENOLCK, "No locks available")))
    reason = f"since {tmp_path} can't be locked or written (No locks available): set ANSIBLE_LOCAL_TEMP"
    assert reason in warning_in(tmp_path)


def test_without_a_directory_requests_are_sent_and_a_warning_says_so(tmp_path: Path) -> None:
    assert "No such file or directory" in warning_in(tmp_path / "gone")


# A part of a line is no refusal, and must be told, too.
@pytest.mark.parametrize(("limit", "reason"), [(0, "File too large"), (10, "No space left on device")])
def test_a_refusal_that_cannot_be_written_is_told(tmp_path: Path, limit: int, reason: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        assert f"can't be locked or written ({reason})" in warning_in(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_error_of_the_request_is_no_fault_of_the_disk(refusals: Refusals) -> None:
    with pytest.raises(OSError, match="mine"), turn(refusals):
        raise OSError("mine")
