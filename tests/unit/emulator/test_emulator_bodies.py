# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of how a body is sent, and of the JSON in it, as the bytes on the wire show them."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import zlib
from typing import Any

import pytest

from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator
from ansible_collections.huaweicloud.cloudpond.tests.unit.emulator.client import (
    TOKEN,
    Got,
    connect,
    exchange,
    list_path,
    order_path,
    raw_connection,
    raw_request,
)

MIB = 1024 * 1024

both = pytest.mark.parametrize("of_listing", [False, True])


def emulator_with(fault: str, of_listing: bool) -> Emulator:
    """Its order, or its listing, is right at the first poll, then has that fault, and then is right again."""
    if of_listing:
        return Emulator(["0000-a=ACCEPTING", "0000-b=FAIL"], listing=f"ok,{fault},ok")
    return Emulator([f"0000-a=ACCEPTING,{fault},ACCEPTING"])


def path_to(of_listing: bool) -> str:
    return list_path() if of_listing else order_path()


def right_and_faulty(fault: str, of_listing: bool) -> tuple[Got, Got]:
    """The first two answers, both by one connection."""
    with emulator_with(fault, of_listing) as emulator:
        connection = connect(emulator.url)
        right, faulty = (exchange(connection, path_to(of_listing)) for _time in range(2))
        connection.close()
        assert [request.status for request in emulator.requests] == [right.status, faulty.status]
    assert right.status == 200
    return right, faulty


def first_order(content: Any) -> Any:
    return content["delivery_orders"][0] if "delivery_orders" in content else content["delivery_order"]


def assert_right_but_for(key: str, value: object, right: Any, faulty: Any) -> None:
    """Both are the same but for that value in the first order."""
    assert first_order(faulty)[key] == value
    first_order(right)[key] = value
    assert faulty == right


class Raw:
    """Return the bytes that come on one connection for as many requests; only the emulator ends it."""

    def __init__(self, fault: str, of_listing: bool, requests: int = 2) -> None:
        with emulator_with(fault, of_listing) as emulator, raw_connection(emulator) as connection:
            request = raw_request(path=path_to(of_listing))
            connection.sendall(request * requests)
            got = b""
            connection.settimeout(0.2)
            self.ended = False
            try:
                while more := connection.recv(65536):
                    got += more
                self.ended = True
            except socket.timeout:
                pass
            self.statuses = [request.status for request in emulator.requests]
        head, _blank, rest = got.partition(b"\r\n\r\n")
        # The first answer is right.
        self.right = rest[: int(re.findall(rb"Content-Length: (\d+)", head)[0])]
        self.head, _blank, self.rest = rest[len(self.right) :].partition(b"\r\n\r\n")
        assert self.head.startswith(b"HTTP/1.1 200 OK\r\n")


@both
@pytest.mark.parametrize("fault", ["large-error", "escaped-error"])
@pytest.mark.parametrize(("argument", "code"), [("", 500), (":400", 400)])
def test_errors_with_a_large_message(fault: str, argument: str, code: int, of_listing: bool) -> None:
    _right, got = right_and_faulty(fault + argument, of_listing)
    assert got.status == code
    assert 8 * MIB < len(got.body) < 8 * MIB + 200
    assert set(got.json) == {"error_code", "error_msg"}
    if fault == "escaped-error":
        assert got.body.count(b"\\") >= len(got.json["error_msg"])
    else:
        assert len(got.json["error_msg"]) == 8 * MIB


@both
@pytest.mark.parametrize(("argument", "code"), [("", 500), (":429", 429)])
def test_long_headers(argument: str, code: int, of_listing: bool) -> None:
    with emulator_with(f"long-headers{argument}", of_listing) as emulator:
        connection = connect(emulator.url)
        exchange(connection, path_to(of_listing))
        connection.request("GET", path_to(of_listing), headers={"X-Auth-Token": TOKEN})
        response = connection.getresponse()
        assert (response.status, len(response.reason), response.read()) == (code, 60 * 1024, b"")
        assert len(response.headers["X-Request-Id"]) == 60 * 1024
        assert emulator.requests[1].status == code
        assert exchange(connection, path_to(of_listing)).status == 200
        connection.close()


@both
def test_large_field(of_listing: bool) -> None:
    right, got = right_and_faulty("large-field", of_listing)
    assert_right_but_for("name", "x" * MIB, right.json, got.json)


@both
def test_long_length(of_listing: bool) -> None:
    raw = Raw("long-length", of_listing)
    assert f"\r\nContent-Length: {2 * len(raw.right)}".encode() in raw.head
    assert (raw.rest, raw.ended) == (raw.right, False)
    assert raw.statuses == [200, None]


@both
def test_short_length(of_listing: bool) -> None:
    raw = Raw("short-length", of_listing, requests=3)
    assert f"\r\nContent-Length: {len(raw.right) // 2}".encode() in raw.head
    # The third answer follows, on the connection that a client must believe to be in order.
    assert raw.rest.startswith(raw.right + b"HTTP/1.1 200 OK\r\n")
    assert raw.rest.endswith(raw.right)
    assert raw.statuses == [200, 200, 200]


@both
def test_cut_without_length(of_listing: bool) -> None:
    raw = Raw("cut-without-length", of_listing)
    assert b"Content-Length" not in raw.head
    assert b"Transfer-Encoding" not in raw.head
    assert b"\r\nConnection: close" in raw.head
    assert (raw.rest, raw.ended) == (raw.right[: len(raw.right) // 2], True)
    assert raw.statuses == [200, None]


@both
def test_cut_chunks(of_listing: bool) -> None:
    raw = Raw("cut-chunks", of_listing)
    assert b"\r\nTransfer-Encoding: chunked" in raw.head
    assert (raw.rest, raw.ended) == (b"%x\r\n%b\r\n" % (len(raw.right), raw.right), True)
    assert raw.statuses == [200, None]


@both
@pytest.mark.parametrize(("fault", "size"), [("negative-chunk", b"-1"), ("garbage-chunk", b"size")])
def test_chunk_sizes(fault: str, size: bytes, of_listing: bool) -> None:
    raw = Raw(fault, of_listing, requests=3)
    assert b"\r\nTransfer-Encoding: chunked" in raw.head
    assert raw.rest.startswith(size + b"\r\n" + raw.right + b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert raw.statuses == [200, None, 200]


@both
def test_unknown_encoding(of_listing: bool) -> None:
    right, got = right_and_faulty("unknown-encoding", of_listing)
    assert (got.status, got.headers["Content-Encoding"]) == (200, "base64")
    assert base64.b64decode(got.body, validate=True) == right.body


@both
def test_not_gzip(of_listing: bool) -> None:
    right, got = right_and_faulty("not-gzip", of_listing)
    assert (got.status, got.headers["Content-Encoding"], got.body) == (200, "gzip", right.body)


def unpacked(packed: bytes) -> tuple[int, bytes, bytes]:
    """How long a gzip file of many equal members between two others is when unpacked, how it begins, how it ends."""
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    begin = member.decompress(packed)
    packed = member.unused_data
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    middle = member.decompress(packed)
    one = packed[: len(packed) - len(member.unused_data)]
    times = packed.count(one)
    assert packed.startswith(one * times)
    end = gzip.decompress(packed[len(one) * times :])
    return len(begin) + len(middle) * times + len(end), begin, end


@both
def test_gzip_bomb(of_listing: bool) -> None:
    right, got = right_and_faulty("gzip-bomb", of_listing)
    assert (got.status, got.headers["Content-Encoding"]) == (200, "gzip")
    assert len(got.body) < 2 * MIB
    size, begin, end = unpacked(got.body)
    assert size > 1024 * MIB
    content = json.loads(begin + end)
    assert content == {**right.json, "padding": ""}


@both
def test_gzip_of_a_gzip_bomb(of_listing: bool) -> None:
    _right, got = right_and_faulty("gzip-gzip-bomb", of_listing)
    assert (got.status, got.headers["Content-Encoding"]) == (200, "gzip, gzip")
    assert len(got.body) < 64 * 1024
    inner = gzip.decompress(got.body)
    assert MIB < len(inner) < 2 * MIB
    assert unpacked(inner)[0] > 1024 * MIB


def pairs(body: bytes) -> Any:
    """The JSON with its objects as lists of pairs, so that no key hides another."""
    return json.loads(body, object_pairs_hook=list)


@both
def test_duplicate_keys(of_listing: bool) -> None:
    right, got = right_and_faulty("duplicate-keys", of_listing)
    expected = pairs(right.body)
    order = expected[0][1][0] if of_listing else expected[0][1]
    at = order.index(("status", "ACCEPTING"))
    order[at : at + 1] = [("status", "PROCESSING"), ("status", "SUCCESS")]
    assert pairs(got.body) == expected


@both
def test_duplicate_order(of_listing: bool) -> None:
    right, got = right_and_faulty("duplicate-order", of_listing)
    (first, last, *others) = pairs(got.body)
    (usual, *usual_others) = pairs(right.body)
    assert (first[0], last[0], others) == (usual[0], usual[0], usual_others)
    for (_key, value), status in ((first, "PROCESSING"), (last, "SUCCESS")):
        assert re.findall(r"\('status', '([A-Z]+)'\)", str(value)) == [status] * (2 if of_listing else 1)
        assert re.sub(r"'status', '[A-Z]+'", "", str(value)) == re.sub(r"'status', '[A-Z]+'", "", str(usual[1]))


@both
@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("nan", "NaN"),
        ("infinity", "-Infinity"),
        ("huge-float", "1e999"),
        ("huge-integer", "7" * 5000),
        ("deep", "[" * 10000 + "]" * 10000),
    ],
)
def test_odd_values(fault: str, value: str, of_listing: bool) -> None:
    right, got = right_and_faulty(fault, of_listing)
    text = got.body.decode()
    assert text.count(f'"progress": {value}') == 1
    assert_right_but_for("progress", 0, right.json, json.loads(text.replace(value, "0")))


@both
@pytest.mark.parametrize(("fault", "name"), [("lone-surrogate", rb"rack \ud83d"), ("not-utf-8", b"rack \xe9")])
def test_odd_names(fault: str, name: bytes, of_listing: bool) -> None:
    right, got = right_and_faulty(fault, of_listing)
    assert got.body.count(b'"name": "%b"' % name) == 1
    assert_right_but_for("name", "rack", right.json, json.loads(got.body.replace(name, b"rack")))


@pytest.mark.parametrize(
    "fault", ["large-field", "duplicate-keys", "duplicate-order", "nan", "deep", "lone-surrogate", "not-utf-8"]
)
def test_faults_of_the_first_order_pass_over_an_empty_page(fault: str) -> None:
    with Emulator(listing=fault) as emulator:
        connection = connect(emulator.url)
        got = exchange(connection, list_path())
        connection.close()
    assert got.json == {"delivery_orders": [], "page_info": {"current_count": 0}}
