# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
import typing as t

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._refusals import REFUSALS_MAX, Refusals

from ...conftest import DOMAIN_ID, TOKEN

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]

    Ask = t.Callable[..., t.Optional[CloudPondError]]

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
        with pytest.raises(CloudPondError), refusals.turn("key", "a"):
            raise CloudPondError("a", **fields, http_status=401)
    with pytest.raises(CloudPondError) as caught, refusals.turn("key", "a"):
        pass
    shown = fields if kept else dict.fromkeys(fields)
    assert caught.value.to_dict() == {**shown, "http_status": 401, "retryable": False}


def test_it_leaves_no_file_behind(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    Refusals(str(folder))
    assert list(folder.iterdir()) == []
    with pytest.raises(OSError, match="nowhere"):
        Refusals(str(tmp_path / "nowhere"))


# With threads, Python warns of forks; the emulator's don't matter to the children.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
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


def test_what_is_half_written_counts_as_nothing() -> None:
    refusals = Refusals()
    for _number in range(REFUSALS_MAX):
        with pytest.raises(CloudPondError), refusals.turn("key", "a"):
            raise CloudPondError("a", "no", http_status=401)
    memory = refusals._memory
    start = memory.find(b'"refusals"')
    memory[start : start + 10] = b"{" * 10
    with refusals.turn("key", "a"):
        pass
