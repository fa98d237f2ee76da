# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._sanitize import Sanitizer, one_line

SECRET = "MIIE+tok/en==Secret&<0123456789>"


def _lower_escapes(text: str) -> str:
    return "".join(char if char.isalnum() else quote(char, safe="").lower() for char in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": _lower_escapes,
    "form": quote_plus,
    "html, decimal": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html, hexadecimal": lambda text: "".join(f"&#x00{ord(char):X};" for char in text),
    "json": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
}


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_a_secret_is_masked_in_each_encoding(encoding: str) -> None:
    assert Sanitizer([SECRET]).text(f"<{ENCODINGS[encoding](SECRET)}>") == "<********>"


@settings(max_examples=300, deadline=None, database=None)
@given(
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    start=st.integers(0, len(SECRET) - 16),
    length=st.integers(16, len(SECRET)),
    encoding=st.sampled_from(sorted(ENCODINGS)),
)
def test_every_piece_of_a_secret_is_masked(before: str, after: str, start: int, length: int, encoding: str) -> None:
    piece = ENCODINGS[encoding](SECRET[start : start + length])
    assert piece not in Sanitizer([SECRET]).text(f"{before}{piece}{after}")


@settings(max_examples=300, deadline=None, database=None)
@given(st.text())
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert Sanitizer([SECRET]).text(text) == text
    assert Sanitizer([]).text(text) == text


def test_several_secrets_and_short_ones() -> None:
    sanitizer = Sanitizer(["tiny", SECRET, "", "another-secret-of-some-length"])
    assert (
        sanitizer.text(f"a tiny b{SECRET}c{SECRET}another-secret-of-some-length")
        == "a ******** b********c****************"
    )


def test_one_line() -> None:
    assert one_line(" a\x1b[31m\r\n\tb\u2028c ") == "a [31m b c"
    assert one_line("x" * 501) == "x" * 500 + "..."
    assert Sanitizer(["secret"]).line("a\nsecret") == "a ********"


@pytest.mark.parametrize("escape", [False, True])
def test_secrets_in_json(escape: bool) -> None:
    text = json.dumps({SECRET: [SECRET, {"a": SECRET}], "b": 1, "c": None, "d": 1.5, "e": True})
    if escape:
        text = text.replace("+", "\\u002b")
    assert Sanitizer([SECRET]).json(text.encode()) == {
        "********": ["********", {"a": "********"}],
        "b": 1,
        "c": None,
        "d": 1.5,
        "e": True,
    }


def test_json_with_a_mark_of_its_encoding() -> None:
    assert Sanitizer([]).json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_half_a_character_is_replaced() -> None:
    assert Sanitizer([]).json(b'{"a\\ud800": "b\\ud83d", "c": "\\ud83d\\ude00"}') == {"a?": "b?", "c": "\U0001f600"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\xff",
        b'"\xed\xa0\x80"',
        '{"a": "ä"}'.encode("utf-16"),
        b'{"a": NaN}',
        b"[-Infinity]",
        b"[1e999]",
        b"[" * 100_000,
        b"[" * 60 + b"]" * 60,
        b'{"a":' * 60 + b"1" + b"}" * 60,
    ],
)
def test_what_is_not_json(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Sanitizer([SECRET]).json(content)
