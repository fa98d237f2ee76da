# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of an account, and the outcome of a poll of one of them, or of the listing."""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Generic, TypeVar

from ._faults import Fault
from ._lives import Course, Step

# Far more than anybody needs. It limits the effect of a typing error.
_RANGE_LIMIT = 100_000


@dataclass(frozen=True)
class Plan:
    """An entry as the user described it."""

    id: str
    name: str
    life: tuple[Step, ...]


@dataclass(frozen=True)
class ListQuery:
    """The query of a request for the listing.

    ``filters``: the wanted values, by key. ``limit``: the maximum number of entries. ``marker``: the ID of the entry
    before the first. ``sort``: keys, each with True for descending; empty for the order of the definition.
    """

    filters: Mapping[str, frozenset[str]]
    limit: int
    marker: str | None = None
    sort: tuple[tuple[str, bool], ...] = ()


def is_id(text: str) -> bool:
    """Whether ``text`` can be an ID: letters, digits, ``-`` and ``_``. The vendor's own samples are not valid UUIDs."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None


def parse_entry(text: str, example: str) -> tuple[str, list[str]]:
    """The ID and the steps of ``ID=STEP,STEP,...``. Raises ValueError with the right syntax."""
    id_text, equals, life = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not ID=LIFE, such as {example}")
    return id_text, life.split(",")


def expanded(id_text: str, noun: str) -> Iterable[str]:
    """The IDs that a text stands for: itself, or with ``{FIRST..LAST}`` in it, one for each number of the range.

    Raises ValueError with the right syntax.
    """
    match = re.fullmatch(r"([A-Za-z0-9_-]*)\{([0-9]+)\.\.([0-9]+)\}([A-Za-z0-9_-]*)", id_text)
    if match is None:
        if not is_id(id_text):
            raise ValueError(
                f"{id_text!r} can't be {noun}'s ID: use letters, digits, '-' and '_', and for many a range such as "
                "{001..100}"
            )
        return (id_text,)
    before, first, last, after = match.groups()
    numbers = range(int(first), int(last) + 1)
    if not 0 < len(numbers) <= _RANGE_LIMIT:
        raise ValueError(f"the range of {id_text!r} must go up, and have at most {_RANGE_LIMIT} numbers")
    # As shells do it: a zero in front makes all numbers as long as the longer one.
    padded = any(len(text) > 1 and text[0] == "0" for text in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return (f"{before}{number:0{width}}{after}" for number in numbers)


P = TypeVar("P", bound=Plan)


class Living(Course, Generic[P]):
    """An entry on its way through its life; ``number`` is its place among the account's entries."""

    def __init__(self, plan: P, number: int, born: float, status: str) -> None:
        super().__init__(plan.life)
        self.plan = plan
        self.number = number
        self.status = status
        self.updated = born
        self.succeeded: float | None = None
        # Cached until the status changes, because a listing shows thousands.
        self.answered: dict[str, Any] | None = None

    def entered(self, step: Step, when: float) -> None:
        if step.status is None or step.status == self.status:
            return
        self.status, self.updated, self.answered = step.status, when, None
        if step.status == "SUCCESS":
            self.succeeded = when


class Book(Generic[P]):
    """The entries of one account and their listing, safe to use from several threads.

    ``clock`` returns seconds and never goes back. The result of a poll is shared: don't change it. Raises ValueError
    for a repeated ID.
    """

    #: The status in which each entry begins.
    birth_status: str
    #: The entry in messages.
    noun: str

    def __init__(
        self, plans: Iterable[P], listing: tuple[Step, ...], domain_id: str, clock: Callable[[], float]
    ) -> None:
        self.domain_id = domain_id
        self._clock = clock
        self._zero = clock()
        self._born = datetime.now(timezone.utc)
        self.created = self.timestamp(self._zero)
        self._lock = threading.Lock()
        self._listing = Course(listing)
        self._entries: dict[str, Living[P]] = {}
        for plan in plans:
            if plan.id in self._entries:
                raise ValueError(f"{self.noun} {plan.id} is described twice")
            self._entries[plan.id] = Living(plan, len(self._entries), self._zero, self.birth_status)
        self._sequence = tuple(self._entries.values())

    def shown(self, entry: Living[P]) -> dict[str, Any]:
        """The entry's keys as the API answers them."""
        raise NotImplementedError

    def poll(self, entry_id: str) -> tuple[dict[str, Any], Fault | None] | None:
        """Count one poll of an entry. Return it with all its keys, and the fault to commit; None for an unknown ID."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is None:
                return None
            step = entry.poll(self._clock())
            return self._as_answered(entry), step.fault

    def page(self, query: ListQuery) -> tuple[list[dict[str, Any]], str | None, Fault | None] | None:
        """Count one poll of the listing, and one of each entry that it examines.

        Return the entries, the marker of the next page (None on the last one), and the fault to commit; None for an
        unknown marker. It examines the entries after the marker until the page is full, including those that the
        filters leave out: a client that waits for a status by listing would wait forever for an entry that is never
        polled. With a filter by ID, it examines only the entries with these IDs. An entry's own fault does not show.
        """
        with self._lock:
            if query.marker is not None and query.marker not in self._entries:
                return None
            now = self._clock()
            fault = self._listing.poll(now).fault
            candidates = self._candidates(query)
            filters = {key: values for key, values in query.filters.items() if values}
            shown: list[dict[str, Any]] = []
            for entry in candidates:
                entry.poll(now)
                answered = self._as_answered(entry)
                if all(answered[key] in values for key, values in filters.items()):
                    shown.append(answered)
                    if len(shown) == query.limit:
                        break
            more = next(candidates, None) is not None
            return shown, shown[-1]["id"] if more else None, fault

    def _candidates(self, query: ListQuery) -> Iterator[Living[P]]:
        """The entries to examine, after the marker."""
        wanted = query.filters.get("id")
        start = self._entries[query.marker].number + 1 if query.marker is not None else 0
        if wanted:
            found = sorted((self._entries[each] for each in wanted if each in self._entries), key=lambda e: e.number)
            return iter([entry for entry in found if entry.number >= start])
        if not query.sort:
            return itertools.islice(self._sequence, start, None)
        ordered = list(self._sequence)
        for key, down in reversed(query.sort):
            ordered.sort(key=lambda entry: self._as_answered(entry)[key] or "", reverse=down)
        ids = [entry.plan.id for entry in ordered]
        return iter(ordered[ids.index(query.marker) + 1 if query.marker is not None else 0 :])

    def _as_answered(self, entry: Living[P]) -> dict[str, Any]:
        if entry.answered is None:
            entry.answered = self.shown(entry)
        return entry.answered

    def date(self, when: float) -> datetime:
        """The date of a moment of the clock."""
        return self._born + timedelta(seconds=when - self._zero)

    def timestamp(self, when: float) -> str:
        """The same, as the API writes it."""
        return self.date(when).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def digest_of(text: str) -> str:
    """Hexadecimal digits that stand for a text, the same in each run."""
    return hashlib.sha256(text.encode()).hexdigest()
