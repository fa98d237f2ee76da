# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Puts a limit to the time that a piece of work takes."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = t.TypeVar("T")


class Expired(Exception):
    """The work did not end in time."""


def bounded(seconds: float, work: Callable[[], T]) -> T:
    """
    Do the work in a thread of its own, and wait for its result.

    Nothing else limits all of a request: a name server has its own time-outs, and that of a socket begins anew with
    each byte. Work that doesn't end in time goes on in its thread, which keeps no process alive.

    :param seconds: How long to wait. A signal's handler that raises ends the wait at once.
    :return: What the work returns.
    :raises Expired: if it does not end in time.
    """
    ended: queue.SimpleQueue[tuple[t.Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:
            ended.put((None, error))

    with without_signals():
        threading.Thread(target=run, name="cloudpond-try", daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except queue.Empty:
        raise Expired from None
    if error is not None:
        raise error
    return t.cast("T", result)


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """
    Let threads that start within the context take no signals.

    Python runs the handlers in the main thread. If another thread takes a signal, the main thread goes on sleeping.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # It can raise the exception of a handler after it has changed the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
