# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Makes text from a server safe for a terminal, and for a line that people read."""

from __future__ import annotations

import json
import re
import typing as t
import unicodedata

from ..module_utils._specification import STATUSES

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: Maximum length of a value in a line, and of one that a person has made up, in characters. A longer name would fill
#: lines of the terminal. An ID must stay whole.
_VALUE_MAX = 300
_NAME_MAX = 64

#: The label of a status that the API left out.
NO_STATUS = "no status"

#: Letters and a symbol that are printable, but look like a space.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")

#: A value that can't be mistaken for more than one, or for a sentence, and a time.
_PLAIN = re.compile(r"(?:[\w -]|\.(?=\w))*")
_TIME = re.compile(r"\d{4}-\d\d-[\d:.+TZ-]*")


def printable(text: str) -> str:
    """
    Replace each character that a terminal could act on, or that changes the direction of writing, with ``?``.

    This includes line breaks, so a text can't start a new line, and blanks other than spaces.
    """
    return "".join(char if char.isprintable() and char not in _BLANK else "?" for char in text)


def clean(value: object, most: int = _VALUE_MAX) -> str:
    """
    Return a value from a server, made safe by ``printable``, and cut to ``most`` characters.

    Runs of spaces of any kind become one: with many, the terminal would wrap the line where the server wants it.
    """
    return _cut(_flat("none" if value is None else str(value)), most)


def _flat(text: str) -> str:
    return re.sub(" +", " ", printable("".join(" " if unicodedata.category(char) == "Zs" else char for char in text)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(value: object, most: int = _NAME_MAX) -> str:
    """Return a value in quotes, in a safe form."""
    return json.dumps(clean(value, most), ensure_ascii=False)


def shown(value: object, most: int = _VALUE_MAX) -> str:
    """Return a value in a safe form, in quotes if it could be mistaken for more than one, and "" for a blank one."""
    text = "" if value is None else _flat(str(value).strip())
    # In some scripts, accents are characters of their own.
    letters = "".join(char for char in text if not unicodedata.category(char).startswith("M"))
    return _cut(text, most) if _PLAIN.fullmatch(letters) else quoted(text, most)


def shown_time(value: object) -> str:
    """Return a time in a safe form, in quotes if it is none, and "" for a blank one."""
    text = "" if value is None else str(value).strip()
    return text if not text or _TIME.fullmatch(text) else quoted(text)


def order_label(order: Mapping[str, t.Any]) -> str:
    """Return the name and the ID of an order, as far as it has them."""
    name, order_id = shown(order.get("name"), _NAME_MAX), shown(order.get("id"))
    if name:
        return f"{name} ({order_id or 'no ID'})"
    return f"Delivery order {order_id}" if order_id else "A delivery order without an ID"


def status_label(status: str | None) -> str:
    """Return a status as it is, NO_STATUS for a blank one, and words for one that the specification does not have."""
    if not status or status.isspace():
        return NO_STATUS
    # Spaces around it stay, because they may be all that is wrong with it.
    return status if status in STATUSES else f"unknown status {quoted(status)}"
