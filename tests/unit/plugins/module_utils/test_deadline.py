# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._deadline import Expired, bounded, without_signals

#: Seconds. No test waits for so long, unless what it tests is broken.
LONG = 20.0


def test_a_result_comes_back() -> None:
    assert bounded(LONG, lambda: 7) == 7


def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        bounded(LONG, lambda: 1 // 0)


def test_what_does_not_end_in_time_is_not_waited_for() -> None:
    release = threading.Event()
    begun = time.monotonic()
    with pytest.raises(Expired):
        bounded(0.1, lambda: release.wait(LONG))
    assert time.monotonic() - begun < LONG / 2
    # It must not keep the process alive either.
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "cloudpond-try")
    release.set()


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_at_once(number: signal.Signals) -> None:
    """The time-out of a task, the end of a job, and Ctrl-C."""

    def interrupt(*_args: object) -> t.NoReturn:
        raise InterruptedError

    release = threading.Event()
    before = signal.signal(number, interrupt)
    main = threading.main_thread().ident or 0
    begun = time.monotonic()
    sender = threading.Timer(0.2, signal.pthread_kill, (main, number))
    sender.start()
    try:
        with pytest.raises(InterruptedError):
            bounded(LONG, lambda: release.wait(LONG))
        assert time.monotonic() - begun < LONG / 2
    finally:
        sender.join()
        signal.signal(number, before)
        release.set()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux shows the signals that a thread blocks")
def test_the_thread_takes_no_signal() -> None:
    # Ansible sends its workers two signals at once. The handlers run in the main thread, which nothing else wakes up.
    status = bounded(LONG, lambda: Path(f"/proc/self/task/{threading.get_native_id()}/status").read_text("ascii"))
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        assert blocked & 1 << (number - 1), number
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_handler_that_raises_leaves_no_signal_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    change_mask = signal.pthread_sigmask

    def interrupted(how: int, mask: t.Iterable[int]) -> set[signal.Signals]:
        before = change_mask(how, mask)
        # Python runs the handlers of pending signals before it returns.
        if how == signal.SIG_BLOCK and mask:
            raise KeyboardInterrupt
        return t.cast("set[signal.Signals]", before)

    monkeypatch.setattr("signal.pthread_sigmask", interrupted)
    with pytest.raises(KeyboardInterrupt), without_signals():
        pass
    assert not change_mask(signal.SIG_BLOCK, [])
