# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
Counts refusals of a credential across all processes of one run of Ansible.

The vendor locks an access key that fails to authenticate more than five times in a row. One query never repeats a
refused request, but a play sends queries for each of its hosts, in as many processes as it has forks.

Each credential has a log of outcomes, which only grows, and which is locked while a request is on its way.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
import typing as t

from ._errors import CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Refusals in a row after which a credential is no longer sent. It is below the vendor's limit, to leave room for
#: programs outside Ansible.
REFUSALS_MAX = 3

#: Maximum requests with one credential at the same time. More than five could lock an access key, if all are refused.
CONCURRENT_MAX = 5

#: Seconds between two attempts to get a turn. The pause grows from the first value to the second.
_LOOK_AGAIN = 0.02
_LOOK_AGAIN_MAX = 0.2


class Turn:
    """One request that may be sent. Set its outcome; if it is not set, there was no answer."""

    #: The credential was not refused.
    answered = False
    #: The credential was refused, with this error.
    refusal: CloudPondError | None = None


class _Known(t.NamedTuple):
    """What a log says about its credential."""

    #: It was accepted after its last refusal.
    answered: bool
    #: The fields of the errors of its last refusals in a row.
    refusals: list[dict[str, t.Any]]


class Refusals:
    """
    The refusals in a row of each credential, in files that a process shares with its forks.

    They contain digests, and no credentials.
    """

    def __init__(self, folder: str, warn: Callable[[str], object]) -> None:
        """
        :param folder: A directory for the files.
        :param warn: Takes a warning, if the directory can't be used. Requests are then sent without counting: a home
            directory without locks, or a full disk, must not stop a run.
        """
        self._folder = folder
        self._warn = warn

    @contextlib.contextmanager
    def turn(self, identity: str, subject: str, until: float) -> Iterator[Turn]:
        """
        Send one request within the context, and set the outcome.

        No more than CONCURRENT_MAX requests with one credential are in flight at the same time. A credential that
        has not been accepted since its last refusal has only one request in flight.

        :param identity: The name of the credential, and of the peer that can refuse it.
        :param subject: As for CloudPondError.
        :param until: When to stop waiting for a turn, in seconds on the clock of ``time.monotonic()``.
        :raises CloudPondError: the last refusal again, if there have been REFUSALS_MAX in a row; a retryable error, if
            others have not finished in time.
        """
        digest = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()
        path = os.path.join(self._folder, f"cloudpond-{digest}")
        turn = Turn()
        # A killed process loses its locks with its files.
        with contextlib.ExitStack() as files:
            log: t.BinaryIO | None = None
            was_answered = False
            try:
                log, was_answered = self._wait(path, subject, until, files)
            except OSError as error:
                self._warn_of(error)
            try:
                yield turn
            finally:
                try:
                    if log and turn.refusal:
                        _add(log, turn.refusal.to_dict())
                    # If the request was sent before a refusal, its answer says nothing about the credential now.
                    elif log and turn.answered and not was_answered:
                        _add(log, None)
                except OSError as error:
                    self._warn_of(error)

    def _wait(self, path: str, subject: str, until: float, files: contextlib.ExitStack) -> tuple[t.BinaryIO, bool]:
        """
        Wait for a turn, which lasts until the files are closed.

        :return: The log of the credential, and whether it was accepted after its last refusal.
        """
        pause = _LOOK_AGAIN
        while True:
            with contextlib.ExitStack() as opened:
                # A lock belongs to an open file, so whoever opens it anew is excluded: a thread as well as a fork.
                log = opened.enter_context(open(path, "a+b", buffering=0))
                known = _read(log)
                if len(known.refusals) >= REFUSALS_MAX:
                    raise CloudPondError(subject, **known.refusals[-1])
                if known.answered:
                    places = (opened.enter_context(open(f"{path}.{n}", "wb")) for n in range(CONCURRENT_MAX))
                    has_turn = _lock(log, fcntl.LOCK_SH) and any(_lock(place, fcntl.LOCK_EX) for place in places)
                else:
                    has_turn = _lock(log, fcntl.LOCK_EX)
                # Another outcome may have come in the meantime.
                if has_turn and _read(log) == known:
                    files.push(opened.pop_all())
                    return log, known.answered
            if time.monotonic() >= until:
                raise CloudPondError(
                    subject,
                    "other tasks of this run are still waiting for answers with the same credential",
                    retryable=True,
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LOOK_AGAIN_MAX)

    def _warn_of(self, error: OSError) -> None:
        self._warn(
            f"Refused credentials can't be counted across the tasks of this run, since {self._folder} can't be locked "
            f"or written ({error.strerror}): set ANSIBLE_LOCAL_TEMP to a directory on a local disk with room. A key "
            "that is refused too often is locked by the vendor."
        )


def _lock(file: t.BinaryIO, mode: int) -> bool:
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(log: t.BinaryIO) -> _Known:
    log.seek(0)
    refusals: list[dict[str, t.Any]] = []
    for line in reversed(log.read().splitlines()):
        try:
            refusal = json.loads(line)
        except ValueError:
            # A process was killed while it was writing, or the line before the first outcome.
            continue
        if refusal is None:
            return _Known(not refusals, refusals[::-1])
        refusals.append(refusal)
    return _Known(False, refusals[::-1])


def _add(log: t.BinaryIO, refusal: dict[str, t.Any] | None) -> None:
    """Add a refusal, or None if the credential was accepted."""
    # What a killed process left behind must not become a part of this line.
    line = b"\n" + json.dumps(refusal).encode() + b"\n"
    if log.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
