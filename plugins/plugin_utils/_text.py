# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""A server's text, made fit for a terminal."""

from __future__ import annotations

#: How many characters of a line one value may take.
_LENGTH_MAX = 300


def printable(text: str) -> str:
    """
    Replace each character that a terminal acts upon by ``?``, and each mark that changes the direction of writing.

    Line breaks are among them, so that a text can't begin a line of its own.
    """
    return "".join(char if char.isprintable() else "?" for char in text)


def clean(value: object) -> str:
    """Return a server's value, made safe by ``printable`` and cut to a length that leaves the line readable."""
    text = printable("none" if value is None else str(value))
    return text if len(text) <= _LENGTH_MAX else f"{text[:_LENGTH_MAX]}..."
