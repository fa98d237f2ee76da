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
from collections import Counter

#: The bytes of white space and of a byte order mark.
BLANK = b"\xef\xbb\xbf \t\r\n"

# JSON writes a character beyond U+FFFF as two escapes. A server can send one without the other.
_HALF_ESCAPED = re.compile(r"\\u[Dd][89A-Fa-f]")


class _Ambiguous(ValueError):
    pass


def parse(content: bytes) -> t.Any:
    """
    :param content: JSON in UTF-8, with or without a byte order mark.
    :return: Its value, as ``json.loads`` returns it. A lone surrogate becomes ``?``, so all strings can be encoded.
    :raises ValueError: if it isn't JSON, if Python can't hold its values, or if an object has a key twice. The text is
        the reason, which can repeat a key of any length.
    """
    try:
        text = content.decode("utf-8-sig")
        value = _load(text)
        if _HALF_ESCAPED.search(text):
            # ansible-core would refuse the whole result because of a lone surrogate.
            value = _load(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode())
    except _Ambiguous:
        raise
    except (ValueError, RecursionError):
        raise ValueError("the answer is not JSON" if content.strip(BLANK) else "the answer is empty") from None
    return value


def _load(text: str) -> t.Any:
    return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        ((key, _count),) = Counter(key for key, _value in pairs).most_common(1)
        raise _Ambiguous(f"the answer has the key {key!r} twice")
    return result


def _finite(number: str) -> float:
    # NaN and Infinity, which Python's own parser accepts, and numbers that it would turn into Infinity.
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value
