# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Reads JSON from a server strictly: an ambiguous answer is an error."""

from __future__ import annotations

import json
import math
import re
import typing as t

from ._sanitize import one_line

#: Levels of objects and lists. An order has two; ansible-core itself fails at a few hundred.
_DEPTH_MAX = 50

#: Values, including objects and lists. A page of 2,000 orders has about 20,000. Millions take ansible-core minutes.
_VALUES_MAX = 100_000

#: Keys with which ansible-core marks values of its own types.
_RESERVED = frozenset({"__ansible_type", "__ansible_unsafe", "__ansible_vault"})

#: Characters of a number. Every version of Python accepts numbers of this length, and converts them fast.
_NUMBER_MAX = 640

#: Maximum length of a key in a message, in characters.
_KEY_MAX = 64

#: The bytes of white space and of a byte order mark.
BLANK = b"\xef\xbb\xbf \t\r\n"

_NOT_JSON = "the answer is not JSON"

# JSON writes a character beyond U+FFFF as two escapes. A server can send one without the other.
_HALF_ESCAPED = re.compile(r"\\u[Dd][89A-Fa-f]")


def parse(content: bytes) -> t.Any:
    """
    :param content: JSON in UTF-8, with or without a byte order mark.
    :return: Its value, as ``json.loads`` returns it. A lone surrogate becomes ``?``, so all strings can be encoded.
    :raises ValueError: if it isn't JSON, or if ansible-core can't handle it. The text is the reason, for a message. It
        can repeat a key of the answer, and thus a secret.
    """
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        raise _too_deep() from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(_NOT_JSON if content.strip(BLANK) else "the answer is empty") from None
    _check_size(value)
    return _whole(value) if _HALF_ESCAPED.search(text) else value


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _item in pairs:
            if key in seen:
                # A long key is not cut, because a part of a short secret in it could no longer be recognised.
                name = f"the key '{one_line(key)}'" if len(key) <= _KEY_MAX else f"a key of {len(key)} characters"
                raise ValueError(f"the answer has {name} twice")
            seen.add(key)
    if not _RESERVED.isdisjoint(result):
        raise ValueError("the answer has a key that is reserved for Ansible")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _NUMBER_MAX:
        raise _too_large()
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= _NUMBER_MAX else math.inf
    if math.isinf(value):
        raise _too_large()
    return value


def _constant(_name: str) -> t.NoReturn:
    # NaN and Infinity, which Python's own parser accepts.
    raise ValueError(_NOT_JSON)


def _check_size(value: t.Any) -> None:
    level: list[t.Any] = [[value]]
    values = 0
    for _depth in range(_DEPTH_MAX + 1):
        values += sum(map(len, level))
        if values > _VALUES_MAX:
            raise ValueError("the answer has too many values")
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def _whole(value: t.Any) -> t.Any:
    if isinstance(value, str):
        # ansible-core would refuse the whole result because of a lone surrogate.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return _object([(_whole(key), _whole(item)) for key, item in value.items()])
    return value


def _too_deep() -> ValueError:
    return ValueError("the answer is nested too deeply")


def _too_large() -> ValueError:
    return ValueError("the answer has a number that is too large")
