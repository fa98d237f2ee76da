# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import sys
import threading
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
        (b'"\\udc00"', "?"),
        (b'["\\uDFFF"]', ["?"]),
        (b'["\\\\ud800", "\\\\\\udbff"]', ["\\ud800", "\\?"]),
        (b'"\\ud7ff\\ue000"', "\ud7ff\ue000"),
    ],
)
def test_half_a_character_is_replaced(content: bytes, value: Any) -> None:
    assert parse(content) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_as_deep_as_it_may_be(opening: str, closing: str) -> None:
    levels = 50 // len(closing)
    text = opening * levels + "1" + closing * levels
    assert json.dumps(parse(text.encode())).replace(" ", "") == text
    with pytest.raises(ValueError, match=r"^the answer is nested too deeply$"):
        parse(f"[0, {text}]".encode())


@pytest.mark.parametrize("levels", [60, 900, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_of_any_depth_is_refused(opening: str, closing: str, levels: int) -> None:
    content = f"{opening * levels}1{closing * levels}".encode()
    reasons = []

    def run() -> None:
        with pytest.raises(ValueError, match=r".") as caught:
            parse(content)
        reasons.append(str(caught.value))

    run()
    # The stack of a thread can be smaller.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert reasons == ["the answer is nested too deeply"] * 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"text", "is not JSON"),
        (b"{} {}", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b'"\xed\xa0\x80"', "is not JSON"),
        (b'"\x00"', "is not JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "is not JSON"),
        ('{"a": "ä"}'.encode("utf-16"), "is not JSON"),
        ('{"a": 1}'.encode("utf-16-le"), "is not JSON"),
        (b"[" * 10_000, "is nested too deeply"),
        (b'{"a": NaN}', "is not JSON"),
        (b"[-Infinity]", "is not JSON"),
        (b"[Infinity]", "is not JSON"),
        (b"[1e999]", "has a number that is too large"),
        (b"[-1e999]", "has a number that is too large"),
        (b"1" * 641, "has a number that is too large"),
        # Python before 3.10.7 takes hours for it, later ones refuse it in words of their own.
        (b"1" * 10_000_000, "has a number that is too large"),
        (b"-0." + b"1" * 10_000_000, "has a number that is too large"),
        (b'{"status": "PROCESSING", "status": "SUCCESS"}', "has the key 'status' twice"),
        (b'{"status": 1, "st\\u0061tus": 1}', "has the key 'status' twice"),
        (b'{"a": [{"b": {"c": 1, "d": 2, "c": 1}}]}', "has the key 'c' twice"),
        (b'{"a": [{"": 1, "": 2}]}', "has the key '' twice"),
        (b'{"a\\n\\u001b[31mb": 1, "a\\n\\u001b[31mb": 2}', "has the key 'a [31mb' twice"),
        (b'{"a\\ud800": 1, "a\\ud801": 2}', "has the key 'a?' twice"),
        (b'[{"a": {"__ansible_type": "x"}}]', "has a key that is reserved for Ansible"),
        (b"[" + b"[]," * 100_000 + b"1]", "has too many values"),
        (b'{"a": {"b": [' + b"1," * 100_000 + b"1]}}", "has too many values"),
        (b'{"%s": 1, "%s": 2}' % (b"k" * 64, b"k" * 64), f"has the key '{'k' * 64}' twice"),
        (b'{"%s": 1, "%s": 2}' % (b"k" * 65, b"k" * 65), "has a key of 65 characters twice"),
    ],
)
def test_anything_else_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^the answer {re.escape(reason)}$"):
        parse(content)


def test_one_key_in_two_objects_is_no_double() -> None:
    assert parse(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="this Python converts numbers of any length")
def test_the_least_limit_of_python_changes_nothing() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert parse(b"-" + b"9" * 639) == 1 - 10**639
        assert parse(b"9" * 640) == 10**640 - 1
    finally:
        sys.set_int_max_str_digits(before)
