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
import typing as t

from ._errors import CloudPondError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Refusals in a row after which a credential is no longer sent. The others are left to what Ansible does not see.
REFUSALS_MAX = 3

#: A credential has the slot that its digest chooses, and a newer credential replaces an older one there.
_SLOTS = 64
_SLOT_SIZE = 4096
_DIGEST_SIZE = hashlib.sha256().digest_size

_NEW: dict[str, t.Any] = {"refusals": 0, "answered": False}


class Refusals:
    """
    The refusals in a row of each credential. Processes that are forked from the one that makes it share it.

    It keeps no credential, only digests.
    """

    def __init__(self, folder: str | None = None) -> None:
        """
        :param folder: A directory for a temporary file, which has no name there.
        :raises OSError: if there can be none.
        """
        self._file, path = tempfile.mkstemp(dir=folder)
        os.unlink(path)
        os.ftruncate(self._file, _SLOTS * _SLOT_SIZE)
        self._memory = mmap.mmap(self._file, _SLOTS * _SLOT_SIZE)

    @contextlib.contextmanager
    def turn(self, identity: str, asked: str) -> Iterator[None]:
        """
        Send one request within the context.

        A credential that has not been answered since its last refusal is sent by one process at a time: forks would
        find out at the same time.

        :param identity: The API's endpoint and the name of the credential.
        :param asked: As for CloudPondError.
        :raises CloudPondError: the last refusal again, if there have been REFUSALS_MAX in a row.
        """
        digest = hashlib.sha256(identity.encode(errors="surrogateescape")).digest()
        slot = digest[0] % _SLOTS
        alone = not self._read(digest, slot)["answered"]
        if alone:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, slot)
        try:
            known = self._read(digest, slot)
            if known["refusals"] >= REFUSALS_MAX:
                raise CloudPondError(asked, **known["error"])
            try:
                yield
            except CloudPondError as error:
                if error.http_status == 401:
                    self._write(digest, slot, _refused(known, error))
                elif not known["refusals"] or (error.http_status is not None and not error.retryable):
                    # An outage or a throttle says nothing of the credential, but must not keep all waiting.
                    self._write(digest, slot, {**_NEW, "answered": True})
                raise
            if not known["answered"]:
                self._write(digest, slot, {**_NEW, "answered": True})
        finally:
            if alone:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)

    def _read(self, digest: bytes, slot: int) -> Mapping[str, t.Any]:
        content = self._memory[slot * _SLOT_SIZE : (slot + 1) * _SLOT_SIZE]
        if content[:_DIGEST_SIZE] != digest:
            return _NEW
        try:
            known: dict[str, t.Any] = json.loads(content[_DIGEST_SIZE:].rstrip(b"\0"))
        except ValueError:
            # Another process is writing.
            return _NEW
        return known

    def _write(self, digest: bytes, slot: int, known: Mapping[str, t.Any]) -> None:
        content = digest + json.dumps(known).encode()
        self._memory[slot * _SLOT_SIZE : (slot + 1) * _SLOT_SIZE] = content.ljust(_SLOT_SIZE, b"\0")


def _refused(known: Mapping[str, t.Any], error: CloudPondError) -> dict[str, t.Any]:
    fields = error.to_dict()
    if len(json.dumps(fields)) > _SLOT_SIZE // 2:
        fields.update(message=None, code=None, request_id=None)
    return {"refusals": known["refusals"] + 1, "answered": False, "error": fields}
