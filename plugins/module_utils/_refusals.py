# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
Counts refusals of a credential across all processes of one run of Ansible.

The vendor locks an access key that fails to authenticate more than five times in a row. One query never repeats a
refused request, but a play sends queries for each of its hosts, in as many processes as it has forks.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import mmap
import os
import tempfile
import threading
import time
import typing as t

from ._errors import CloudPondError
from ._transport import CONCURRENT_MAX

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Refusals in a row after which a credential is no longer sent. It is below the vendor's limit, to leave room for
#: programs outside Ansible.
REFUSALS_MAX = 3

#: Minimum seconds to wait for a turn. With many forks and a slow API, a turn can take longer than a query.
PATIENCE_MIN = 600.0

#: A credential gets the first free slot, starting at the one that its digest selects. Unused slots take no disk space.
_SLOTS = 512
_SLOT_SIZE = 4096
_DIGEST_SIZE = hashlib.sha256().digest_size
_NOBODY = bytes(_DIGEST_SIZE)

#: Seconds between two attempts to get a turn. The pause grows from the first value to the second.
_LOOK_AGAIN = 0.02
_LOOK_AGAIN_MAX = 0.2

_NEW: dict[str, t.Any] = {"refusals": 0, "answered": False}
_ANSWERED: dict[str, t.Any] = {**_NEW, "answered": True}


class NoTurn(CloudPondError):
    """Other tasks of the run have not finished in time. The error is retryable."""


class Turn:
    """One request that may be sent. Set its outcome; if it is not set, there was no answer."""

    #: The credential was not refused.
    answered = False
    #: The credential was refused, with this error.
    refusal: CloudPondError | None = None


class Refusals:
    """
    The refusals in a row of each credential. The process that creates it shares it with its forks.

    It stores digests, and no credentials.
    """

    def __init__(self, folder: str | None = None) -> None:
        """
        :param folder: A directory for a temporary file, which is unlinked at once. Linux needs none.
        :raises OSError: if the file can't be created.
        """
        self._file = _open(folder)
        os.ftruncate(self._file, _SLOTS * _SLOT_SIZE)
        self._memory = mmap.mmap(self._file, _SLOTS * _SLOT_SIZE)
        # The locks of a file exclude other processes, but not other threads.
        self._threads = threading.Lock()
        self._held: set[int] = set()

    @contextlib.contextmanager
    def turn(self, identity: str, subject: str, until: float, sleep: Callable[[float], None]) -> Iterator[Turn]:
        """
        Send one request within the context, and set the outcome.

        No more than CONCURRENT_MAX requests with one credential are in flight at the same time. A credential that
        has not been answered since its last refusal has only one request in flight.

        :param identity: The name of the credential, and of the peer that can refuse it.
        :param subject: As for CloudPondError.
        :param until: When to stop waiting for a turn, in seconds on the clock of ``time.monotonic()``.
        :param sleep: Waits for the given number of seconds.
        :raises CloudPondError: the last refusal again, if there have been REFUSALS_MAX in a row.
        :raises NoTurn: if others have not finished in time.
        """
        digest = hashlib.sha256(identity.encode(errors="surrogateescape")).digest()
        turn = Turn()
        known, places = self._wait(digest, subject, until, sleep)
        try:
            yield turn
        finally:
            try:
                self._keep(digest, known, turn)
            finally:
                # The time-out of a task can come at any moment, and the same process makes the next attempt.
                self._leave(places)

    def _wait(
        self, digest: bytes, subject: str, until: float, sleep: Callable[[float], None]
    ) -> tuple[Mapping[str, t.Any], range]:
        """
        Wait for a turn.

        :return: The state of the credential, and the places to leave after the turn.
        """
        pause = _LOOK_AGAIN
        while True:
            slot, known = self._read(digest)
            if known["refusals"] >= REFUSALS_MAX:
                raise CloudPondError(subject, **known["error"])
            places = self._take(slot, alone=not known["answered"])
            if places:
                if self._read(digest) == (slot, known):
                    return known, places
                # Another process got an answer in the meantime.
                self._leave(places)
            elif time.monotonic() < until:
                sleep(pause)
                pause = min(pause * 1.5, _LOOK_AGAIN_MAX)
            else:
                raise NoTurn(
                    subject,
                    "other tasks of this run are still waiting for answers with the same credential",
                    retryable=True,
                )

    def _take(self, slot: int, alone: bool) -> range | None:
        """
        Take one of the places of a slot, or all of them.

        :return: The places, as bytes of the file. None if they are not free.
        """
        first = slot * _SLOT_SIZE
        places = range(first, first + CONCURRENT_MAX)
        for wanted in [places] if alone else [range(place, place + 1) for place in places]:
            with self._threads:
                if self._held.isdisjoint(wanted) and self._lock(wanted):
                    self._held.update(wanted)
                    return wanted
        return None

    def _lock(self, places: range) -> bool:
        # A killed process loses its locks.
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, len(places), places.start)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _leave(self, places: range) -> None:
        with self._threads:
            self._held.difference_update(places)
            fcntl.lockf(self._file, fcntl.LOCK_UN, len(places), places.start)

    def _keep(self, digest: bytes, before: Mapping[str, t.Any], turn: Turn) -> None:
        """
        Store the outcome of a turn.

        :param before: The state of the credential when the request was sent.
        """
        with self._state():
            slot = self._find(digest)
            if turn.refusal:
                self._store(slot, digest, _refused(self._load(slot), turn.refusal))
            # If the request was sent before a refusal, its answer says nothing about the credential now. An outage or a
            # throttled request says nothing either, but with a new credential the others must not wait for its end.
            elif not before["answered"] and (turn.answered or not before["refusals"]):
                self._store(slot, digest, _ANSWERED)

    def _read(self, digest: bytes) -> tuple[int, Mapping[str, t.Any]]:
        with self._state():
            slot = self._find(digest)
            return slot, self._load(slot)

    @contextlib.contextmanager
    def _state(self) -> Iterator[None]:
        """Lock the states against other processes and threads."""
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, _SLOTS * _SLOT_SIZE)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _SLOTS * _SLOT_SIZE)

    def _find(self, digest: bytes) -> int:
        """Return the slot of a credential. A new credential gets a free slot, or else one without refusals."""
        home: int = int.from_bytes(digest[:2], "big") % _SLOTS
        slots: list[int] = [*range(home, _SLOTS), *range(home)]
        for slot in slots:
            owner = self._memory[slot * _SLOT_SIZE : slot * _SLOT_SIZE + _DIGEST_SIZE]
            if owner == digest:
                return slot
            if owner == _NOBODY:
                break
        else:
            slot = next((each for each in slots if not self._load(each)["refusals"]), home)
        self._store(slot, digest, _NEW)
        return slot

    def _load(self, slot: int) -> Mapping[str, t.Any]:
        content = self._memory[slot * _SLOT_SIZE + _DIGEST_SIZE : (slot + 1) * _SLOT_SIZE]
        try:
            known: dict[str, t.Any] = json.loads(content.rstrip(b"\0"))
        except ValueError:
            # A process was killed while it was writing.
            return _NEW
        return known

    def _store(self, slot: int, digest: bytes, known: Mapping[str, t.Any]) -> None:
        content = digest + json.dumps(known, ensure_ascii=False).encode(errors="replace")
        self._memory[slot * _SLOT_SIZE : (slot + 1) * _SLOT_SIZE] = content.ljust(_SLOT_SIZE, b"\0")


def _open(folder: str | None) -> int:
    """Open a file without a name, in memory if possible, because a home directory may lack locks or space."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("refusals")
    file, path = tempfile.mkstemp(dir=folder)
    os.unlink(path)
    return file


def _refused(known: Mapping[str, t.Any], error: CloudPondError) -> dict[str, t.Any]:
    fields = error.to_dict()
    if len(json.dumps(fields, ensure_ascii=False).encode(errors="replace")) > _SLOT_SIZE // 2:
        fields.update(message=None, code=None, request_id=None)
    return {"refusals": known["refusals"] + 1, "answered": False, "error": fields}
