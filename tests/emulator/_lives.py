# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lives: the steps that an order, or anything else that can fail, goes through by polls and by seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable

from ._faults import Fault, parse_order_fault

#: Of an edge site; a word in upper case stands for one that the vendor may add.
SITE_STATUSES = ("initial", "deploying", "available", "unavailable")


def is_status(text: str) -> bool:
    """Whether ``text`` can be an order's status, or one that the vendor may add."""
    return re.fullmatch(r"[A-Z][A-Z0-9_]*", text) is not None


@dataclass(frozen=True)
class Step:
    """One step of a life: a status or a fault, for a number of polls or of seconds; with neither, forever.

    Only a step of an order or of a site has a status. A step of anything else has a fault, or None for ok.
    """

    status: str | None
    fault: Fault | None
    polls: int | None
    seconds: float | None


def parse_life(steps: Iterable[str]) -> tuple[Step, ...]:
    """The life of an order that ``steps`` (each ``WHAT``, ``WHAT*POLLS`` or ``WHAT@SECONDS``) describe.

    Raises ValueError with the step and the right syntax.
    """
    return _parse_steps(steps, _status_or_fault, "a status")


def parse_site_life(steps: Iterable[str]) -> tuple[Step, ...]:
    """The same for an edge site, whose statuses are in lower case."""
    return _parse_steps(steps, _site_status_or_fault, "a status")


def parse_service(text: str, whose: str, fault: Callable[[str], Fault]) -> tuple[Step, ...]:
    """The life of something without a status that ``STEP,STEP,...`` describes. ``fault`` reads each step but ``ok``.

    Raises ValueError that begins with ``whose``.
    """
    try:
        return _parse_steps(text.split(","), lambda what: (None, None if what == "ok" else fault(what)), "ok")
    except ValueError as error:
        raise ValueError(f"{whose}: {error}") from None


_Reader = Callable[[str], "tuple[str | None, Fault | None]"]


def _status_or_fault(what: str) -> tuple[str | None, Fault | None]:
    if is_status(what):
        return what, None
    return None, parse_order_fault(what)


def _site_status_or_fault(what: str) -> tuple[str | None, Fault | None]:
    return (what, None) if what in SITE_STATUSES else _status_or_fault(what)


def _parse_steps(steps: Iterable[str], read: _Reader, well: str) -> tuple[Step, ...]:
    texts = [text.strip() for text in steps]
    if not texts:
        raise ValueError("a life has at least one step")
    return tuple(_parse_step(text, number == len(texts), read, well) for number, text in enumerate(texts, start=1))


def _parse_step(text: str, last: bool, read: _Reader, well: str) -> Step:
    what, mark, duration = [*re.split(r"([*@])", text, maxsplit=1), "", ""][:3]
    if not what:
        raise ValueError(f"the step {text!r} has neither {well} nor a fault")
    if mark and last:
        raise ValueError(f"the last step {text!r} lasts forever: leave {mark + duration!r} off, or add what follows it")
    polls: int | None = None
    seconds: float | None = None
    if mark == "@":
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", duration) or float(duration) <= 0:
            raise ValueError(f"the step {text!r}: after @ comes a number of seconds above 0, such as 2.5")
        seconds = float(duration)
    elif mark == "*":
        if not re.fullmatch(r"[1-9][0-9]*", duration):
            raise ValueError(f"the step {text!r}: after * comes a whole number of polls, 1 or more")
        polls = int(duration)
    elif not last:
        polls = 1
    return Step(*read(what), polls, seconds)


class Course:
    """A life under way. All times are a clock's, in seconds."""

    def __init__(self, life: tuple[Step, ...]) -> None:
        self._life = life
        self._index = -1
        self._began = 0.0
        self._polls = 0

    def poll(self, now: float) -> Step:
        """Count one poll, and return the step that it falls into."""
        if self._index < 0:
            self._enter(0, now)
        while True:
            step = self._life[self._index]
            over = now
            if step.seconds is not None:
                # With ``now``, the later steps would depend on the time of this poll.
                over = self._began + step.seconds
                if now < over:
                    break
            elif step.polls is None or self._polls < step.polls:
                break
            self._enter(self._index + 1, over)
        self._polls += 1
        return step

    def entered(self, step: Step, when: float) -> None:
        """Called when a step begins, even if the step is over before any poll."""

    def _enter(self, index: int, when: float) -> None:
        self._index, self._began, self._polls = index, when, 0
        self.entered(self._life[index], when)
