# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Makes text from a server safe to show: without secrets, and on one line in a message."""

from __future__ import annotations

import json
import re
import typing as t
from bisect import bisect_right
from functools import lru_cache
from urllib.parse import unquote

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HIDDEN = "********"

#: This many characters in a row of a secret are masked, because a server may echo a part of a secret.
_PIECE = 16

#: A text is cut into blocks of this many characters. At any position, a piece contains at least one whole block.
_BLOCK = (_PIECE + 1) // 2

#: Characters of a text that are cut into blocks at once, to limit memory use. A multiple of _BLOCK.
_STRETCH = 8192 * _BLOCK

#: Maximum length of a text in a message, in characters.
_LINE_MAX = 500

#: For a message, only this many characters of a text are examined.
_LOOK_MAX = 4096

#: Characters of the longest escape below.
_ESCAPE_MAX = 16

# One character, as each of the usual encodings escapes it. UTF-8 takes up to four bytes, JSON up to two escapes.
_ENCODINGS = {
    "%": r"(?i:%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}"
    r"|%f[0-7](?:%[89ab][0-9a-f]){3})",
    "&": r"&(?i:#x[0-9a-f]{1,12}|#[0-9]{1,12}|amp|lt|gt|quot|apos);",
    "\\": r"\\(?:u(?i:d[89ab][0-9a-f]{2})\\u(?i:d[c-f][0-9a-f]{2})|u[0-9A-Fa-f]{4}|[\"\\/bfnrt])",
}
_ESCAPES = {mark: re.compile(f"({escape})") for mark, escape in _ENCODINGS.items()}
_MARK = re.compile(r"[%&\\]")
_ANY_ESCAPE = re.compile(f"({'|'.join(_ENCODINGS.values())})")

_HTML_NAMES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}

_blocks = re.compile(f".{{{_BLOCK}}}", re.S).findall


class Sanitizer:
    """
    Masks secrets in texts and data.

    The guarantee for texts, lines and data: the result contains no 16 characters in a row of a secret, and no shorter
    secret as a whole. This applies at any position, to the text as it is, and to the text after decoding
    percent-encoding, HTML or JSON escapes, alone or mixed. A text without secrets stays unchanged.

    The time is linear in the length of the text. It hardly depends on the lengths of the secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if secret}
        # Forms write a space as a plus sign.
        known |= {secret.replace(" ", "+") for secret in known}
        self._short = [secret for secret in known if len(secret) < _PIECE]
        self._long = [(_parts(secret, _BLOCK), secret) for secret in known if len(secret) >= _PIECE]
        self._length_min = min((len(secret) for secret in self._short), default=_PIECE if self._long else 0)

    def text(self, text: str) -> str:
        """
        :param text: Any text.
        :return: The text without secrets.
        """
        return _mask(text, self._spans(text), len(text))

    def line(self, text: str) -> str:
        """
        :param text: Any text. Only its beginning is examined.
        :return: One line of it for a message: no secrets, no control characters, not too long.
        """
        head = text[:_LOOK_MAX]
        # A piece that begins before the end has all its _PIECE characters in the head, so it is found.
        end = len(text) if head == text else _LOOK_MAX - _PIECE * _ESCAPE_MAX
        line = _squeeze(_mask(head, self._spans(head), end))
        # Two spaces that became one can complete a secret.
        return _cut(self.text(line), end < len(text))

    def data(self, value: t.Any) -> t.Any:
        """
        :param value: A value as JSON has it.
        :return: The value without secrets in its strings. Keys stay as they are, since they carry the meaning.
        :raises ValueError: if a key contains 16 characters of a secret, so that the value can't be shown. The text is
            the reason. Keys are not searched for shorter secrets, which can be a part of any key.
        """
        if not self._length_min:
            return value
        keys, strings = _collect(value)
        of_keys = Sanitizer(secret for _parts, secret in self._long) if self._short else self
        if any(of_keys._spans(key) for key in keys):
            raise ValueError("the answer has a credential in the name of a key")
        strings = {string for string in strings if len(string) >= self._length_min}
        # Usually there is nothing to mask, and one search of all strings is faster than a search of each.
        together = "\0".join(strings)
        escaped = [string for string in strings if _MARK.search(string)] if _MARK.search(together) else []
        if not any(self._find(together)) and not self._spans("\0".join(escaped)):
            return value
        return _replace(value, {string: self.text(string) for string in strings})

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return where secrets are, in any order. Spans can overlap."""
        if not self._length_min or len(text) < self._length_min:
            return []
        spans = list(self._find(text))
        escapes = [_ESCAPES[mark] for mark in _ESCAPES if mark in text and _ESCAPES[mark].search(text)]
        if len(escapes) > 1:
            escapes.append(_ANY_ESCAPE)
        for escape in escapes:
            found = list(self._find(_decode(escape, text)))
            if found:
                origin = _Origin(escape, text)
                spans += [(origin(start), origin(end)) for start, end in found]
        return spans

    def _find(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in self._short:
            yield from _runs(_whole(secret, text))
        if len(text) < _PIECE:
            return
        for base in range(0, len(text), _STRETCH):
            blocks = _blocks(text[base : base + _STRETCH])
            for parts, secret in self._long:
                if not parts.isdisjoint(blocks):
                    yield from _runs(_pieces(secret, text, base, blocks))


def _whole(secret: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = text.find(secret, at + 1)


def _pieces(secret: str, text: str, base: int, blocks: list[str]) -> Iterator[tuple[int, int]]:
    """Yield spans of pieces whose first whole block is one of ``blocks``, which begin at ``base`` in the text."""
    parts, pieces = _parts(secret, _BLOCK), _parts(secret, _PIECE)
    for number, block in enumerate(blocks):
        if block in parts:
            at = base + number * _BLOCK
            starts = range(max(0, at - _BLOCK + 1), at + 1)
            found = [start for start in starts if text[start : start + _PIECE] in pieces]
            if found:
                # Pieces that start so close together overlap: those between the first and the last add nothing.
                yield found[0], found[-1] + _PIECE


def _runs(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join ordered spans that overlap, to save memory: a text can be full of secrets."""
    start = end = 0
    for first, last in spans:
        if first >= end:
            if end:
                yield start, end
            start = first
        end = last
    if end:
        yield start, end


class _Origin:
    """Where the characters of a decoded text come from."""

    def __init__(self, escape: re.Pattern[str], text: str) -> None:
        self._decoded: list[int] = []
        self._ends: list[int] = []
        shorter = 0
        for match in escape.finditer(text):
            self._decoded.append(match.start() - shorter)
            self._ends.append(match.end())
            shorter += match.end() - match.start() - 1

    def __call__(self, at: int) -> int:
        """Return where the character at a place of the decoded text begins in the encoded one."""
        before = bisect_right(self._decoded, at - 1)
        return at if not before else self._ends[before - 1] + at - self._decoded[before - 1] - 1


def one_line(text: str) -> str:
    """Return one line of a text for a message: no control characters, not too long. Only its beginning is examined."""
    return _cut(_squeeze(text[:_LOOK_MAX]), len(text) > _LOOK_MAX)


def _squeeze(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _cut(line: str, more: bool) -> str:
    return f"{line[:_LINE_MAX]}..." if more or len(line) > _LINE_MAX else line


def _mask(text: str, spans: list[tuple[int, int]], end: int) -> str:
    """Return the first ``end`` characters of a text, with a mask for each run of spans that overlap."""
    result: list[str] = []
    done = 0
    for start, stop in sorted(spans):
        if start >= end:
            break
        if start >= done:
            result += [text[done:start], _HIDDEN]
        done = max(done, stop)
    return "".join([*result, text[done:end]]) if result else text[:end]


def _collect(value: t.Any) -> tuple[set[str], set[str]]:
    """Return the keys and the strings of a value as JSON has it."""
    keys: set[str] = set()
    strings: set[str] = set()
    nodes = [value]
    # This list grows during the iteration.
    for node in nodes:
        if isinstance(node, str):
            strings.add(node)
        elif isinstance(node, dict):
            keys.update(node)
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
    return keys, strings


def _replace(value: t.Any, strings: dict[str, str]) -> t.Any:
    if isinstance(value, str):
        return strings.get(value, value)
    if isinstance(value, dict):
        return {key: _replace(item, strings) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, strings) for item in value]
    return value


@lru_cache(maxsize=16)
def _parts(secret: str, length: int) -> frozenset[str]:
    # Cached, because each answer has its own Sanitizer, and a token can have 16 KiB.
    return frozenset(secret[start : start + length] for start in range(len(secret) - length + 1))


def _decode(escape: re.Pattern[str], text: str) -> str:
    # Every other part is an escape.
    parts = escape.split(text)
    parts[1::2] = map(_character, parts[1::2])
    return "".join(parts)


@lru_cache(maxsize=4096)
def _character(escape: str) -> str:
    """Return the one character that an escape stands for."""
    if escape[0] == "%":
        char = unquote(escape)
    elif escape[0] == "\\":
        char = json.loads(f'"{escape}"')
    elif escape[1] != "#":
        char = _HTML_NAMES.get(escape.lower(), "")
    else:
        code = int(escape[3:-1], 16) if escape[2] in "Xx" else int(escape[2:-1])
        char = chr(code) if code <= 0x10FFFF else ""
    # Some escapes stand for no character, such as bytes that aren't UTF-8.
    return char if len(char) == 1 else "\ufffd"
