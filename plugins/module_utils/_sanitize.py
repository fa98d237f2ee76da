# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""What a server sends, made fit to be shown: without secrets, and without what ansible-core can't take."""

from __future__ import annotations

import json
import math
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_HIDDEN = "********"

#: Characters. As many of a secret in a row are masked wherever they stand, since a server may cut what it echoes.
_PIECE = 16

#: Characters of a text that go into a message.
_LINE_MAX = 500

#: How deep JSON may be nested. An order is two levels deep; ansible-core itself fails at some hundreds.
_DEPTH_MAX = 50

# One character, in each form that servers give it in an answer: percent-encoded, as an HTML or as a JSON escape.
_CHARACTER = re.compile(r"%([0-9a-f]{2})|&#x0*([0-9a-f]{1,6});|\\u([0-9a-f]{4})|&#0*([0-9]{1,7});|.", re.I | re.S)


class Sanitizer:
    """Knows some secrets, and keeps them out of whatever it passes on."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._pieces: dict[int, set[str]] = {}

    def text(self, text: str) -> str:
        """
        :param text: Any text.
        :return: The text without secrets, whole or in part, plain or in one of the usual encodings.
        """
        if not self._secrets:
            return text
        pieces = self._all_pieces()
        characters = [(_decode(match), match.span()) for match in _CHARACTER.finditer(text)]
        plain = "".join(character for character, _span in characters)
        result, done, hidden_to = [], 0, -1
        for at, (_char, (start, end)) in enumerate(characters):
            for length, some in pieces.items():
                if plain[at : at + length] in some:
                    if at > hidden_to:
                        result += [text[done:start], _HIDDEN]
                    hidden_to = max(hidden_to, at + length - 1)
            if at <= hidden_to:
                done = end
        return "".join([*result, text[done:]])

    def line(self, text: str) -> str:
        """
        :param text: Any text.
        :return: One line of it for a message: no secrets, no control characters, not too long.
        """
        return one_line(self.text(text))

    def json(self, content: bytes) -> t.Any:
        """
        :param content: JSON as it came.
        :return: What it says, with no secret in any string.
        :raises ValueError: if it isn't JSON in UTF-8, or is JSON that ansible-core can't take.
        """
        text = content.decode("utf-8-sig")
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        return self._walk(value, self._may_be_in(text), _DEPTH_MAX)

    def _may_be_in(self, text: str) -> bool:
        """Tell at little cost that no secret is in a long text. A part of one below twice the _PIECE goes unnoticed."""
        if "\\" in text or "%" in text or "&#" in text:
            return True
        return any(
            secret[start : start + _PIECE] in text
            for secret in self._secrets
            for start in range(0, max(1, len(secret) - _PIECE + 1), _PIECE)
        )

    def _walk(self, value: t.Any, suspicious: bool, levels: int) -> t.Any:
        if isinstance(value, str):
            # Half of a character that JSON spells in two escapes: ansible-core would refuse the whole result.
            return self.text(value.encode("utf-8", "replace").decode()) if suspicious else value
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not a number that JSON has")
        if not isinstance(value, (dict, list)):
            return value
        if not levels:
            raise ValueError("nested too deeply")
        if isinstance(value, list):
            return [self._walk(item, suspicious, levels - 1) for item in value]
        return {
            self._walk(key, suspicious, levels): self._walk(item, suspicious, levels - 1) for key, item in value.items()
        }

    def _all_pieces(self) -> dict[int, set[str]]:
        if not self._pieces:
            for secret in self._secrets:
                length = min(len(secret), _PIECE)
                self._pieces.setdefault(length, set()).update(
                    secret[start : start + length] for start in range(len(secret) - length + 1)
                )
        return self._pieces


def one_line(text: str) -> str:
    """Return one line of a text for a message: no control characters, not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LINE_MAX else f"{line[:_LINE_MAX]}..."


def _decode(match: re.Match[str]) -> str:
    percent, html, escape, decimal = match.groups()
    if percent or html or escape:
        code = int(percent or html or escape, 16)
    elif decimal:
        code = int(decimal)
    else:
        return match[0]
    # A form that is no character is none: it can't be a part of a secret.
    return chr(code) if code < 0x80 else "\0"
