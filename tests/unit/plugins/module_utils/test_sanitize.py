# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._sanitize import Sanitizer, one_line

SECRET = "MIIE+tok/en==Secret&<0123456789>"
MASK = "********"


def _lower_escapes(text: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else quote(char, safe="").lower() for char in text)


def _utf16_units(text: str) -> list[int]:
    units = text.encode("utf-16-be")
    return [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": _lower_escapes,
    "percent, each character": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "form": quote_plus,
    "html, names": html.escape,
    "html, decimal": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html, hexadecimal": lambda text: "".join(f"&#x00{ord(char):X};" for char in text),
    "json": lambda text: "".join(f"\\u{unit:04x}" for unit in _utf16_units(text)),
    "json, capitals": lambda text: "".join(f"\\u{unit:04X}" for unit in _utf16_units(text)),
    "json, only what must be": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json, slashes too": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
}

# Characters that no secret below has, and that neither begin nor end an escape.
inert_texts = st.text("-¿中\U0001f600", max_size=40)
encodings = st.sampled_from(sorted(ENCODINGS))
# html.unescape is not its own inverse for control characters, and a mask can't hide its own characters.
secret_characters = st.one_of(
    st.sampled_from("abXY019 %&#;\\u/+=\"'<>"), st.characters(min_codepoint=0xA1, exclude_categories=["Cs"])
).filter(lambda char: char not in "-¿中\U0001f600*")
any_secrets = st.text(secret_characters, min_size=1, max_size=60)


@st.composite
def secrets_and_pieces(draw: st.DrawFn) -> tuple[str, str]:
    """A secret, and what must not be shown of it: 16 characters or more of it, or the whole of a shorter one."""
    secret = draw(any_secrets)
    length = draw(st.integers(min(16, len(secret)), len(secret)))
    start = draw(st.integers(0, len(secret) - length))
    return secret, secret[start : start + length]


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_a_secret_is_masked_in_each_encoding(encoding: str) -> None:
    assert Sanitizer([SECRET]).text(f"<{ENCODINGS[encoding](SECRET)}>") == "<********>"


@given(secrets_and_pieces(), inert_texts, inert_texts, encodings)
def test_a_piece_of_a_secret_is_masked_and_nothing_else(
    some: tuple[str, str], before: str, after: str, encoding: str
) -> None:
    secret, piece = some
    sanitizer = Sanitizer([secret])
    text = before + ENCODINGS[encoding](piece) + after
    assert sanitizer.text(text) == before + MASK + after
    assert sanitizer.data([text, {"": text}]) == [before + MASK + after, {"": before + MASK + after}]
    if len(secret) < 16:
        assert sanitizer.data([{text: 1}]) == [{text: 1}]
    else:
        with pytest.raises(ValueError, match="the answer has a credential in the name of a key"):
            sanitizer.data([{text: 1}])


@given(
    st.text(max_size=20).filter(lambda text: not set(text) & set("%&\\")),
    st.text(max_size=20),
    st.integers(0, len(SECRET) - 16),
    st.integers(16, len(SECRET)),
    encodings,
)
def test_any_text_can_stand_around_it(before: str, after: str, start: int, length: int, encoding: str) -> None:
    piece = ENCODINGS[encoding](SECRET[start : start + length])
    assert piece not in Sanitizer([SECRET]).text(f"{before}{piece}{after}")


@given(
    st.text("QRST+=%é", min_size=2, max_size=40), st.sampled_from(["&#38;", "\\u0041", "%41", "&amp;%41\\/"]), encodings
)
def test_other_escapes_in_the_text_change_nothing(secret: str, escape: str, encoding: str) -> None:
    text = f"{escape}-{ENCODINGS[encoding](secret)}-{escape}"
    assert Sanitizer([secret]).text(text) == f"{escape}-{MASK}-{escape}"


@pytest.mark.parametrize(
    "text",
    [
        # As a link in JSON, whose writer escapes what HTML could take for its own.
        quote("MIIE+tok/en==Secret", safe="=").replace("=", "\\u003d"),
        # As a link in an attribute.
        html.escape(quote("MIIE+tok/en==Secret&<", safe="&")),
        html.escape(SECRET).replace("&amp;", "&AMP;").replace("&lt;", "&Lt;"),
    ],
)
def test_unusual_escapes(text: str) -> None:
    assert Sanitizer([SECRET]).text(f"<{text}>") == "<********>"


@given(st.text())
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert Sanitizer([SECRET]).text(text) == text
    assert Sanitizer([]).text(text) == text


@given(st.text('%&#;\\u0xX4aJ@-"/'))
def test_escapes_of_something_else_stay_as_they_are(text: str) -> None:
    assert Sanitizer(["QRST" * 5, "RQ"]).text(text) == text


@given(st.text("ab", min_size=16, max_size=60), st.data(), encodings)
def test_fewer_characters_of_a_long_secret_are_shown(secret: str, data: st.DataObject, encoding: str) -> None:
    start = data.draw(st.integers(0, len(secret) - 1))
    text = ENCODINGS[encoding](secret[start : start + 15])
    assert Sanitizer([secret]).text(f"-{text}-{text}-") == f"-{text}-{text}-"


def _mask_by_hand(secrets: list[str], text: str) -> str:
    """Mask each run of characters in which secrets' pieces overlap, by looking at each piece at each place."""
    pieces = {
        secret[start : start + min(16, len(secret))]
        for secret in secrets
        for start in range(max(1, len(secret) - 16 + 1))
    }
    result, done = "", 0
    for at in range(len(text)):
        end = at + max((len(piece) for piece in pieces if text.startswith(piece, at)), default=0)
        if end > at and at >= done:
            result += MASK
        done = max(done, end)
        if at >= done:
            result += text[at]
    return result


@given(st.lists(st.text("ab", min_size=1, max_size=80), min_size=1, max_size=3), st.data())
def test_the_search_misses_nothing(secrets: list[str], data: st.DataObject) -> None:
    slices = st.builds(
        lambda secret, start, length: secret[start : start + length],
        st.sampled_from(secrets),
        st.integers(0, 40),
        st.integers(0, 40),
    )
    text = "".join(data.draw(st.lists(st.one_of(slices, st.text("ab-", max_size=9)), max_size=8)))
    assert Sanitizer(secrets).text(text) == _mask_by_hand(secrets, text)


@pytest.mark.parametrize("secret", ["0123456789abcdef", "MIIE" + "".join(f"{n:04x}" for n in range(4095))])
def test_a_piece_is_found_at_each_place_of_a_long_text(secret: str) -> None:
    sanitizer = Sanitizer([secret])
    for before in [*range(20), *range(2**16 - 20, 2**16 + 20), *range(2**17 - 20, 2**17 + 20)]:
        start = before % (len(secret) - 15)
        assert sanitizer.text(f"{'-' * before}{secret[start : start + 16]}--") == f"{'-' * before}{MASK}--", before


def test_several_secrets_and_short_ones() -> None:
    sanitizer = Sanitizer(["tiny", SECRET, "", "another-secret-of-some-length"])
    assert (
        sanitizer.text(f"a tiny b{SECRET}c{SECRET}another-secret-of-some-length")
        == "a ******** b********c****************"
    )
    assert Sanitizer(["no"]).data({"n": ["no", "n", "yes, no%6Fno", 1, None]}) == {
        "n": [MASK, "n", f"yes, {MASK}%6F{MASK}", 1, None]
    }


@pytest.mark.parametrize(
    "escape", ["%ED%A0%80", "%FF", "%C3", "&#x110000;", "&#999999999999;", "&#xD800;", "\\ud800", "%"]
)
def test_an_escape_of_no_character_is_part_of_no_secret(escape: str) -> None:
    text = f"{escape}{SECRET[:15]}{escape}"
    assert Sanitizer([SECRET]).text(text) == text
    assert Sanitizer([SECRET]).text(f"{escape}{quote(SECRET)}{escape}") == f"{escape}{MASK}{escape}"


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from([SECRET, f"<{SECRET[3:22]}>", quote(SECRET), "pin", "100%", "\\/&#38;"]),
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=5), st.sampled_from([SECRET, "pin"])), values, max_size=4),
    ),
    max_leaves=30,
)


def _each_string(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_string(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each_string(item, change) for key, item in value.items()}
    return value


def _all_keys(value: Any) -> list[str]:
    if isinstance(value, list):
        return [key for item in value for key in _all_keys(item)]
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _all_keys(item))]
    return []


@given(json_values, st.sampled_from([[], [SECRET], ["pin"], [SECRET, "pin"]]))
def test_data_are_masked_as_texts_are_and_keep_their_shape(value: Any, secrets: list[str]) -> None:
    before = json.dumps(value)
    sanitizer = Sanitizer(secrets)
    if SECRET in secrets and any(Sanitizer([SECRET]).text(key) != key for key in _all_keys(value)):
        with pytest.raises(ValueError, match="in the name of a key"):
            sanitizer.data(value)
    else:
        # Compared as JSON, in which 1 is neither true nor 1.0.
        assert json.dumps(sanitizer.data(value)) == json.dumps(_each_string(value, sanitizer.text))
    assert json.dumps(value) == before


def test_strings_next_to_each_other_are_read_alone() -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in SECRET[:16])
    strings = [f"0123456789abcdef {number} \\" for number in range(50)]
    assert Sanitizer([SECRET]).data([*strings, escaped]) == [*strings, MASK]


def test_one_line() -> None:
    assert one_line(" a\x1b[31m\r\n\tb\u2028c ") == "a [31m b c"
    assert one_line("x" * 500) == "x" * 500
    assert one_line("x" * 501) == "x" * 500 + "..."
    assert one_line("x" + " " * 10_000_000 + "y") == "x..."
    assert Sanitizer(["secret"]).line("a\nsecret") == "a ********"
    assert Sanitizer([]).line("x" * 501) == "x" * 500 + "..."


def test_a_line_does_not_put_a_secret_together() -> None:
    assert Sanitizer(["pass word"]).line("my pass \n word") == "my ********"


@given(secrets_and_pieces(), encodings, st.integers(3600, 4200), st.sampled_from([0, 1, 100, 10_000]))
def test_a_line_is_cut_through_no_secret(some: tuple[str, str], encoding: str, before: int, after: int) -> None:
    secret, piece = some
    assume(" " not in secret)
    # Of spaces, one line shows none: each character of the secret that isn't masked would be seen.
    line = Sanitizer([secret]).line(" " * before + ENCODINGS[encoding](piece) + " " * after)
    assert line in ("...", MASK, f"{MASK}...")


def test_the_longest_escapes_are_cut_through_no_secret() -> None:
    escaped = "".join(f"&#x{ord(char):012x};" for char in SECRET)
    for before in range(4096 - len(escaped), 4100):
        assert Sanitizer([SECRET]).line(" " * before + escaped + " ") in ("...", f"{MASK}..."), before


def test_a_long_line_of_secrets_is_cut() -> None:
    secret = "".join(f"{n:04x}" for n in range(4096))
    assert Sanitizer([secret]).line(secret * 100) == f"{MASK}..."
    assert Sanitizer(["pin"]).line("pin" * 10_000) == MASK * 62 + MASK[:4] + "..."
