# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The syntax of faults, and the faults of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from ._replies import Reply

# Seconds, one day. It is longer than any client waits, and far below the limit of the system's timers.
LONGEST = 86400

# The facts that a fault may need.
S = TypeVar("S")


@dataclass(frozen=True)
class Kind(Generic[S]):
    """One row of a table of faults.

    ``form`` is the syntax. ``act`` makes the reply from the situation and the argument. ``read`` turns the text after
    the colon into the argument, and raises ValueError with the right syntax; without it, the fault has no argument.
    ``default`` is the argument if it is left out.
    """

    form: str
    effect: str
    act: Callable[[S, float], Reply]
    read: Callable[[str], float] | None = None
    default: float | None = None

    @property
    def name(self) -> str:
        """The fault's name, which is the form without its argument."""
        return re.split(r"[:\[]", self.form)[0]


@dataclass(frozen=True)
class Fault(Generic[S]):
    """A fault with its argument; ``text`` is how it was written."""

    text: str
    kind: Kind[S]
    argument: float

    def reply(self, situation: S) -> Reply:
        """The reply to the client."""
        return self.kind.act(situation, self.argument)


def parse_fault(text: str, kinds: Iterable[Kind[S]], well: str) -> Fault[S]:
    """The fault of ``kinds`` that ``text`` (``NAME`` or ``NAME:ARGUMENT``) describes.

    ``well`` describes the alternatives to a fault, for the message. Raises ValueError with the right syntax.
    """
    name, colon, argument = text.partition(":")
    table = {kind.name: kind for kind in kinds}
    kind = table.get(name)
    if kind is None:
        known = ", ".join(known.form for known in table.values())
        raise ValueError(f"{text!r} is neither {well} nor a fault ({known})")
    if kind.read is None:
        if colon:
            raise ValueError(f"{text!r}: {name} takes no argument")
        return Fault(text, kind, 0)
    if not colon and kind.default is not None:
        return Fault(text, kind, kind.default)
    try:
        return Fault(text, kind, kind.read(argument))
    except ValueError as error:
        raise ValueError(f"{text!r}: write {kind.form}, where {error}") from None


def error_code(text: str) -> float:
    """An argument: an HTTP status that is an error."""
    if not re.fullmatch(r"[45][0-9][0-9]", text):
        raise ValueError("CODE is an HTTP status from 400 to 599")
    return int(text)


def seconds(text: str) -> float:
    """An argument: for how long."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= LONGEST:
        raise ValueError(f"SECONDS is a number above 0, at most {LONGEST}")
    return float(text)


def pause(text: str) -> float:
    """An argument: how long between one piece and the next."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or float(text) > LONGEST:
        raise ValueError(f"SECONDS is a number from 0 (no pause) to {LONGEST}")
    return float(text)


def whole_seconds(text: str) -> float:
    """An argument: seconds as Retry-After has them."""
    if not re.fullmatch(r"[0-9]+", text) or int(text) > LONGEST:
        raise ValueError(f"SECONDS is a whole number from 0 to {LONGEST}, as in Retry-After")
    return int(text)
