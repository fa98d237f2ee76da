# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
Counts refusals of a credential over all processes of one run of Ansible.

The vendor locks an access key that fails to authenticate more than five times in a row. One query never repeats a
refused request, but a play asks from each of its hosts, in as many processes as it has forks.
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

#: Refusals in a row after which a credential is no longer sent. The others are left to what Ansible does not see.
REFUSALS_MAX = 3

#: Seconds to wait for a turn, at least: with many forks and a slow API, that can take longer than a query.
PATIENCE_MIN = 600.0

#: A credential has the first free slot, from the one on that its digest chooses. Unused slots take no room on the disk.
_SLOTS = 512
_SLOT_SIZE = 4096
_DIGEST_SIZE = hashlib.sha256().digest_size
_NOBODY = bytes(_DIGEST_SIZE)

#: Seconds between two attempts to get a turn. They grow from the first to the second.
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
    The refusals in a row of each credential. Processes that are forked from the one that makes it share it.

    It keeps no credential, only digests.
    """

    def __init__(self, folder: str | None = None) -> None:
        """
        :param folder: A directory for a temporary file, which has no name there. Linux needs none.
        :raises OSError: if there can be no file.
        """
        self._file = _open(folder)
        os.ftruncate(self._file, _SLOTS * _SLOT_SIZE)
        self._memory = mmap.mmap(self._file, _SLOTS * _SLOT_SIZE)
        # The locks of a file exclude other processes, but not other threads.
        self._threads = threading.Lock()
        self._held: set[int] = set()

    @contextlib.contextmanager
    def turn(self, identity: str, asked: str, until: float, sleep: Callable[[float], None]) -> Iterator[Turn]:
        """
        Send one request within the context, and set the outcome.

        No more than CONCURRENT_MAX requests with one credential are in flight at the same time. A credential that
        has not been answered since its last refusal has only one request in flight.

        :param identity: The name of the credential, and of the peer that can refuse it.
        :param asked: As for CloudPondError.
        :param until: The time of ``time.monotonic()`` until which to wait for a turn.
        :param sleep: Waits for so many seconds.
        :raises CloudPondError: the last refusal again, if there have been REFUSALS_MAX in a row.
        :raises NoTurn: if others have not finished in time.
        """
        digest = hashlib.sha256(identity.encode(errors="surrogateescape")).digest()
        turn = Turn()
        known, places = self._wait(digest, asked, until, sleep)
        try:
            yield turn
        finally:
            try:
                self._keep(digest, known, turn)
            finally:
                # The time-out of a task can come at any moment, and its next attempt is made by the same process.
                self._leave(places)

    def _wait(
        self, digest: bytes, asked: str, until: float, sleep: Callable[[float], None]
    ) -> tuple[Mapping[str, t.Any], range]:
        """
        Wait for a turn.

        :return: The state of the credential, and the places to leave after the turn.
        """
        pause = _LOOK_AGAIN
        while True:
            slot, known = self._read(digest)
            if known["refusals"] >= REFUSALS_MAX:
                raise CloudPondError(asked, **known["error"])
            places = self._take(slot, alone=not known["answered"])
            if places:
                if self._read(digest) == (slot, known):
                    return known, places
                # Another process has got an answer meanwhile.
                self._leave(places)
            elif time.monotonic() < until:
                sleep(pause)
                pause = min(pause * 1.5, _LOOK_AGAIN_MAX)
            else:
                raise NoTurn(
                    asked,
                    "other tasks of this run are still waiting for answers with the same credential",
                    retryable=True,
                )

    def _take(self, slot: int, alone: bool) -> range | None:
        """
        Take one of the places of a slot, or all.

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
        Keep the outcome of a turn.

        :param before: The state when its request was sent.
        """
        with self._state():
            slot = self._find(digest)
            if turn.refusal:
                self._store(slot, digest, _refused(self._load(slot), turn.refusal))
            # An answer to a request from before a refusal says nothing about the credential now. Neither does an outage
            # or a throttle, but a new credential must not make the others wait until that ends.
            elif not before["answered"] and (turn.answered or not before["refusals"]):
                self._store(slot, digest, _ANSWERED)

    def _read(self, digest: bytes) -> tuple[int, Mapping[str, t.Any]]:
        with self._state():
            slot = self._find(digest)
            return slot, self._load(slot)

    @contextlib.contextmanager
    def _state(self) -> Iterator[None]:
        """Keep the other processes and threads from the states, for a moment."""
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
            # A process was killed while it wrote.
            return _NEW
        return known

    def _store(self, slot: int, digest: bytes, known: Mapping[str, t.Any]) -> None:
        content = digest + json.dumps(known, ensure_ascii=False).encode(errors="replace")
        self._memory[slot * _SLOT_SIZE : (slot + 1) * _SLOT_SIZE] = content.ljust(_SLOT_SIZE, b"\0")


def _open(folder: str | None) -> int:
    """Open a file without a name, in memory if the system can: a home directory may lack locks or space."""
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
