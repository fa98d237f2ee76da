# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Makes text from a server safe to show: without secrets, and on one line in a message."""

from __future__ import annotations

import html
import json
import re
import typing as t
from urllib.parse import quote_plus

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_HIDDEN = b"********"

#: Characters. A shorter secret could be a part of anything.
_SECRET_MIN = 8

#: Characters. A longer secret is known by its beginning.
_HEAD = 16

#: A secret that is cut off or encoded in any way goes on to the next space, quotation mark, or escape of one of these.
_BREAK = r'[\s"\\]'
_UNBROKEN = rb'[^\s"\\]+|\\+[^\s"\\bfnrt]'

#: Maximum length of a text in a message, in characters.
_LINE_MAX = 500


class Sanitizer:
    """
    Masks secrets, plain or as a server may echo them: percent-encoded, or as forms, HTML or JSON encode them.

    A secret of more than 16 characters is known by its first 16, and masked with whatever follows unbroken. So an echo
    that is cut off is masked, too. Secrets of less than eight characters are not masked.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SECRET_MIN}, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(_pattern, known))) if known else None

    def mask(self, text: bytes) -> bytes:
        """
        :param text: Any text in UTF-8, such as a body before it is parsed.
        :return: The text without secrets.
        """
        return self._pattern.sub(_HIDDEN, text) if self._pattern else text

    def line(self, text: str) -> str:
        """
        :param text: Any text.
        :return: One line of it for a message: no secrets, no control characters, not too long.
        """
        return one_line(self.mask(text.encode("utf-8", "replace")).decode())


def one_line(text: str) -> str:
    """Return one line of a text for a message: no control characters, not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"{line[:_LINE_MAX]}..." if len(line) > _LINE_MAX else line


def _pattern(secret: str) -> bytes:
    head = b"".join(map(_any_form, secret[:_HEAD]))
    if len(secret) <= _HEAD:
        return head
    breaks = [_any_form(char) for char in sorted(set(secret[_HEAD:])) if re.match(_BREAK, char)]
    return head + b"(?:%s)*" % b"|".join([*breaks, _UNBROKEN])


def _any_form(char: str) -> bytes:
    # The longest first, because the plain form can be the beginning of another.
    forms = [re.escape(form.encode()) for form in sorted(_forms(char), key=len, reverse=True)]
    # JSON in a string of JSON has several backslashes in place of one.
    return b"(?:%s)" % b"|".join(form.replace(rb"\\", rb"\\+", 1) for form in forms)


def _forms(char: str) -> set[str]:
    """Return a character in each encoding. Letters and digits are the same in all."""
    if char.isascii() and char.isalnum():
        return {char}
    forms = {char, quote_plus(char), html.escape(char), json.dumps(char)[1:-1]}
    # Encoders may escape more than they must, such as a slash in JSON.
    forms |= {f"\\{char}", f"&#{ord(char)};"}
    numbered = ("%{:02x}", "%{:02X}", "&#x{:x};", "&#x{:X};", "\\u{:04x}", "\\u{:04X}")
    return forms | {form.format(ord(char)) for form in numbered}
