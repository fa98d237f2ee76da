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

from ..module_utils._specification import STATUSES

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: Maximum length of a message and of another value in a line, in characters. A longer value would fill lines of the
#: terminal.
_MESSAGE_MAX = 300
_VALUE_MAX = 64

#: Letters and a symbol that are printable, but look like a space.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")

#: A value that can't be mistaken for more than one, and a time.
_PLAIN = re.compile(r"[\w .-]*")
_TIME = re.compile(r"\d{4}-\d\d-[\d:.+TZ-]*")


def printable(text: str) -> str:
    """
    Replace each character that a terminal could act on, or that changes the direction of writing, with ``?``.

    This includes line breaks, so a text can't start a new line, and blanks other than spaces.
    """
    return "".join(char if char.isprintable() and char not in _BLANK else "?" for char in text)


def clean(value: object, most: int = _MESSAGE_MAX) -> str:
    """
    Return a value from a server, made safe by ``printable``, and cut to ``most`` characters.

    Runs of spaces become one: with many spaces, the terminal would wrap the line where the server wants it.
    """
    text = re.sub(" +", " ", printable("none" if value is None else str(value)))
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(value: object) -> str:
    """Return a value in quotes, in a safe form."""
    return json.dumps(clean(value, _VALUE_MAX), ensure_ascii=False)


def shown(value: object) -> str:
    """Return a value in a safe form, in quotes if it could be mistaken for more than one, and "" for a blank one."""
    text = "" if value is None else clean(str(value).strip(), _VALUE_MAX)
    return text if _PLAIN.fullmatch(text) or _TIME.fullmatch(text) else quoted(str(value).strip())


def order_label(order: Mapping[str, t.Any]) -> str:
    """Return the name and the ID of an order, as far as it has them."""
    name, order_id = shown(order.get("name")), shown(order.get("id"))
    if name:
        return f"{name} ({order_id or 'no ID'})"
    return f"Delivery order {order_id}" if order_id else "A delivery order without an ID"


def unknown_status(status: str | None) -> str:
    """Return how to call a status that the specification does not have, or "" for one that it has."""
    if status in STATUSES:
        return ""
    # Spaces around it stay, because they may be all that is wrong with it.
    return f"unknown status {quoted(status)}" if status and not status.isspace() else "no status"
