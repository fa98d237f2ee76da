# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Makes text from a server safe for a terminal."""

from __future__ import annotations

#: Maximum length of a value in a line, in characters.
_LENGTH_MAX = 300


def printable(text: str) -> str:
    """
    Replace each character that a terminal could act on, or that changes the direction of writing, with ``?``.

    This includes line breaks, so a text can't start a new line.
    """
    return "".join(char if char.isprintable() else "?" for char in text)


def clean(value: object) -> str:
    """Return a value from a server, made safe by ``printable``, and cut so that the line stays readable."""
    text = printable("none" if value is None else str(value))
    return text if len(text) <= _LENGTH_MAX else f"{text[:_LENGTH_MAX]}..."
