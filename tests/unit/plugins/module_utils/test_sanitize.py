# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._sanitize import Sanitizer, one_line

SECRET = "MIIE+tok/en==Secret&<0123456789>"
MASK = "********"


def _each_mark(form: str) -> Callable[[str], str]:
    """Return an encoder of every character but letters and digits."""
    return lambda text: "".join(char if char.isalnum() else form.format(ord(char)) for char in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent, every mark": _each_mark("%{:02X}"),
    "percent, lower case": _each_mark("%{:02x}"),
    "form": quote_plus,
    "html, what must be": html.escape,
    "html, decimal": _each_mark("&#{};"),
    "html, hexadecimal": _each_mark("&#x{:X};"),
    "json, what must be": lambda text: json.dumps(text)[1:-1],
    "json, slashes too": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, every mark": _each_mark("\\u{:04X}"),
}

visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)
encodings = st.sampled_from(sorted(ENCODINGS))


def mask(secret: str, text: str) -> str:
    return Sanitizer([secret]).mask(text.encode()).decode()


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@pytest.mark.parametrize("secret", [SECRET, "pass+word", "8 chars="])
def test_a_secret_is_masked_in_each_encoding(encoding: str, secret: str) -> None:
    assert mask(secret, f'"{ENCODINGS[encoding](secret)}"') == f'"{MASK}"'


@given(visible, encodings)
def test_any_secret_is_masked(secret: str, encoding: str) -> None:
    assert mask(secret, f"\n{ENCODINGS[encoding](secret)}\n") == f"\n{MASK}\n"


@given(st.integers(16, len(SECRET)), encodings)
def test_an_echo_that_is_cut_off_is_masked(length: int, encoding: str) -> None:
    assert mask(SECRET, f"{ENCODINGS[encoding](SECRET[:length])}... (cut)") == f"{MASK} (cut)"


@pytest.mark.parametrize("secret", ["MIIE" * 4 + "/+==", "correct horse battery staple"])
@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_json_in_json_in_json_is_masked_to_its_end(secret: str, encoding: str) -> None:
    text = json.dumps({"a": json.dumps({"b": f"({ENCODINGS[encoding](secret)}"})})
    assert json.loads(json.loads(mask(secret, text))["a"]) == {"b": f"({MASK}"}


@pytest.mark.parametrize(("secret", "text"), [(SECRET, SECRET[:15]), ("8 chars=", "8 chars"), ("7 chars", "7 chars")])
def test_a_shorter_part_and_a_short_secret_are_shown(secret: str, text: str) -> None:
    assert mask(secret, text) == text


@pytest.mark.parametrize("encoding", ["percent", "form", "json, what must be"])
def test_a_password_can_have_any_character(encoding: str) -> None:
    assert mask("p\u00e4ss w\u00f6rd \U0001f600", ENCODINGS[encoding]("p\u00e4ss w\u00f6rd \U0001f600")) == MASK


def test_several_secrets() -> None:
    sanitizer = Sanitizer(["", "tiny", SECRET, SECRET[:20], "another-secret-of-some-length"])
    text = f"a tiny b{SECRET}, {SECRET},another-secret-of-some-length"
    assert sanitizer.mask(text.encode()) == f"a tiny b{MASK} {MASK}".encode()


def test_json_stays_json() -> None:
    data = {"message": f"token {SECRET}, expired", "other": [1, None, {"a": SECRET}]}
    masked = {"message": f"token {MASK} expired", "other": [1, None, {"a": MASK}]}
    for text in (json.dumps(data), json.dumps(data).replace("/", "\\/").replace("=", "\\u003d")):
        assert json.loads(mask(SECRET, text)) == masked


@given(st.text(), st.binary())
def test_a_text_without_secrets_stays_as_it_is(text: str, binary: bytes) -> None:
    assert mask(SECRET, text) == text
    assert Sanitizer([]).mask(binary) == binary == Sanitizer([SECRET]).mask(binary)


def test_one_line() -> None:
    assert one_line(" a\x1b[31m\r\n\tb\u2028c ") == "a [31m b c"
    assert one_line("x" * 500) == "x" * 500
    assert one_line("x" * 501) == "x" * 500 + "..."


def test_a_line_is_masked_before_it_is_cut() -> None:
    assert Sanitizer([SECRET]).line(f"a\n{SECRET}\n\ud800") == f"a {MASK} ?"
    for length in range(460, 501):
        assert SECRET[:8] not in Sanitizer([SECRET]).line("x" * length + SECRET)
    assert Sanitizer([]).line("x" * 501) == "x" * 500 + "..."
