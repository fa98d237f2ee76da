# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._json import parse

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.sampled_from(["\U0001f600", "\\ud83d", 10**639, 1.7976931348623157e308]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=30,
)


@given(values, st.booleans(), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_values_are_read_as_they_were_written(value: Any, ascii_only: bool, encoding: str) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    # Compared as JSON, in which 1 is neither true nor 1.0.
    assert json.dumps(parse(text.encode(encoding))) == json.dumps(value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a\\ud800": ["b\\uD83D", 1], "c": "\\ud83d\\ude00"}', {"a?": ["b?", 1], "c": "\U0001f600"}),
        (b'["\\\\ud800", "\\\\\\udbff"]', ["\\ud800", "\\?"]),
        (b'"\\ud7ff\\ue000"', "\ud7ff\ue000"),
    ],
)
def test_half_a_character_is_replaced(content: bytes, value: Any) -> None:
    assert parse(content) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(opening: str, closing: str) -> None:
    with pytest.raises(ValueError, match=r"^the answer is not JSON$"):
        parse(f'["\\ud800", {opening * 100_000}1{closing * 100_000}]'.encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"text", "is not JSON"),
        (b"\xff", "is not JSON"),
        ('{"a": "\u00e4"}'.encode("utf-16"), "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b"[-Infinity]", "is not JSON"),
        (b"[1e999]", "is not JSON"),
        (b'{"status": "PROCESSING", "status": "SUCCESS"}', "has the key 'status' twice"),
        (b'{"status": 1, "st\\u0061tus": 1}', "has the key 'status' twice"),
        (b'{"a": [{"b": {"c": 1, "d": 2, "c": 1}}]}', "has the key 'c' twice"),
        (b'{"a\\ud800": 1, "a\\ud801": 2}', "has the key 'a?' twice"),
    ],
)
def test_anything_else_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^the answer {re.escape(reason)}$"):
        parse(content)


def test_one_key_in_two_objects_is_no_double() -> None:
    assert parse(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]
