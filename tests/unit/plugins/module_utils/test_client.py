# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import typing as t
import warnings

import pytest
import trustme

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._client import Client
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._http import BODY_MAX
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION

from ...conftest import DOMAIN_ID, TOKEN, FakeClock, Tls, without_port

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]

ID = "00000000-0000-000-0000-000000000001"


def make_client(url: str, **options: t.Any) -> Client:
    """A client with a token, unless the options have keys; environment variables count."""
    caller, retry_until = options.pop("caller", ""), options.pop("retry_until", None)
    credential = {} if "access_key" in options else {"auth_token": options.pop("token", TOKEN)}
    options = {"endpoint": url, "domain_id": DOMAIN_ID, "timeout": 5, "max_retries": 0, **credential, **options}
    return Client(options, os.environ, caller, retry_until=retry_until)


def show(url: str, **options: t.Any) -> dict[str, t.Any]:
    with make_client(url, **options) as client:
        return DELIVERY_ORDERS.show(client, ID)


def failure(url: str, **options: t.Any) -> CloudPondError:
    with pytest.raises(CloudPondError) as caught:
        show(url, **options)
    assert caught.value.subject in ("the CloudPond API", f"delivery order '{ID}'")
    assert "secret" not in repr(caught.value.to_dict()) + str(caught.value)
    return caught.value


@contextlib.contextmanager
def serve(*answers: bytes, received: list[bytes] | None = None) -> t.Iterator[str]:
    """Say what no HTTP server would: each connection gets the bytes, whatever it asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for data in answers:
                connection, _peer = listener.accept()
                with connection:
                    request = connection.recv(65536)
                    if received is not None:
                        received.append(request)
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(data)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), b"Connection: close", *headers)
    return b"\r\n".join((*lines, b"", body))


# What arrives


def test_an_order(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=PROCESSING")
    order = show(emulator.url, caller="ansible-core/2.16.0")
    assert (order["id"], order["status"], order["domain_id"]) == (ID, "PROCESSING", DOMAIN_ID)
    assert [request.path for request in emulator.requests] == [f"/v2/{DOMAIN_ID}/delivery-orders/{ID}"]
    assert emulator.requests[0].user_agent == f"huaweicloud.cloudpond/{VERSION} ansible-core/2.16.0"


def test_the_headers_of_a_request() -> None:
    received: list[bytes] = []
    with serve(ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode()), received=received) as url:
        show(url)
    lines = dict(line.split(b": ", 1) for line in received[0].strip().split(b"\r\n")[1:])
    del lines[b"Host"]
    assert lines == {
        b"User-Agent": f"huaweicloud.cloudpond/{VERSION}".encode(),
        b"Accept": b"application/json",
        b"Accept-Encoding": b"gzip",
        b"X-Language": b"en-us",
        b"X-Domain-Id": DOMAIN_ID.encode(),
        b"X-Auth-Token": TOKEN.encode(),
    }


def test_a_key_left_out_is_none_and_an_added_one_is_kept() -> None:
    with serve(ok(b'{"delivery_order": {"id": "%s", "colour": 1}}' % ID.encode())) as url:
        assert show(url) == {
            "id": ID,
            "name": None,
            "domain_id": None,
            "status": None,
            "edge_site_id": None,
            "effected_at": None,
            "created_at": None,
            "updated_at": None,
            "colour": 1,
        }


def test_a_base_path_is_kept(emulate: Emulate) -> None:
    emulator = emulate()
    failure(f"{emulator.url}/prefix/")
    assert emulator.requests[0].path == f"/prefix/v2/{DOMAIN_ID}/delivery-orders/{ID}"


# Refused before anything is sent


@pytest.mark.parametrize("wrong", ["", "..", "a/b", "a b", "a%2Fb", "a?b", "a\n", "ä", "a;b"])
def test_ids_are_one_harmless_segment(emulate: Emulate, wrong: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    with make_client(emulator.url) as client, pytest.raises(CloudPondError, match="an ID must be made of") as caught:
        DELIVERY_ORDERS.show(client, wrong)
    assert repr(wrong) in str(caught.value)
    assert not caught.value.retryable
    assert "domain_id must be made of" in str(failure(emulator.url, domain_id=wrong))
    assert emulator.requests == []


def test_an_id_with_every_kind_of_character(emulate: Emulate) -> None:
    emulator = emulate("Site_A-1=SUCCESS")
    with make_client(emulator.url) as client:
        assert DELIVERY_ORDERS.show(client, "Site_A-1")["id"] == "Site_A-1"


@pytest.mark.parametrize("token", ["", "secret\nX-Evil: 1", "secret\r", "secret ", "secr\u00e9t-secret", "secret\0"])
def test_a_token_that_cannot_be_a_header_is_not_repeated(token: str) -> None:
    assert "auth_token must be one line" in str(failure("https://127.0.0.1", token=token))


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("http://ies.myhuaweicloud.com", "must begin with https://"),
        ("http://127.0.0.1.example.com", "must begin with https://"),
        ("http://10.0.0.1", "must begin with https://"),
        ("ftp://127.0.0.1", "must be a URL such as"),
        ("", "must be a URL such as"),
        ("ies.myhuaweicloud.com", "must be a URL such as"),
        ("https://", "must be a URL such as"),
        ("https://host?query", "must be a URL such as"),
        ("https://host#fragment", "must be a URL such as"),
        ("https://ho\nst", "must be a URL such as"),
        ("https://host:port", "must be a URL such as https://ies.myhuaweicloud.com"),
        ("https://[::1", "must be a URL such as"),
        ("https://user:secret@host", "must not contain a user name or password"),
    ],
)
def test_endpoints_that_are_refused(endpoint: str, message: str) -> None:
    assert f"endpoint {message}" in str(failure(endpoint))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_plain_http_to_loopback_is_accepted(host: str) -> None:
    make_client(f"http://{host}:1").close()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e12])
def test_timeouts_that_are_refused(timeout: float) -> None:
    assert "timeout must be a number greater than 0 and at most 86400" in str(
        failure("https://127.0.0.1", timeout=timeout)
    )


def test_negative_retries_are_refused() -> None:
    assert "max_retries must be a whole number of at least 0: got -1" in str(
        failure("https://127.0.0.1", max_retries=-1)
    )


# Wrong answers


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("not-json", "HTTP 200: the answer is not JSON"),
        ("empty", "HTTP 200: the answer is empty"),
        ("json-list", "HTTP 200: the answer is not a JSON object"),
        ("no-order", "HTTP 200: the answer has no delivery order in it"),
        ("null-order", "HTTP 200: the answer has no delivery order in it"),
        ("wrong-types", "of the delivery order in the answer is not a string"),
        ("other-order", "HTTP 200: the answer is about another order"),
        ("huge", "HTTP 200: the answer is larger than 10 MiB and was cut off"),
        ("redirect", "HTTP 302: the answer is a redirect to '"),
    ],
)
def test_answers_that_waiting_does_not_cure(emulate: Emulate, retry_clock: FakeClock, fault: str, reason: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    error = failure(emulator.url, max_retries=3)
    assert str(error).startswith(f"Cannot query delivery order '{ID}': HTTP ")
    assert reason in str(error)
    assert error.request_id
    assert not error.retryable
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b'{"delivery_order": {"id": null}}',
        b'{"delivery_order": "%s"}' % ID.encode(),
    ],
)
def test_answers_made_to_hurt(body: bytes) -> None:
    with serve(ok(body)) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (200, False)


@pytest.mark.parametrize("location", [b"http://[", b"\xff\xfe\xe9", b"", b"/elsewhere"])
def test_redirects_to_anywhere(location: bytes) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % location
    with serve(redirect) as url:
        error = failure(url, max_retries=3)
    assert (error.http_status, error.retryable) == (302, False)
    assert "the answer is a redirect to" in str(error)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_a_redirect_is_not_followed(emulate: Emulate, status: int) -> None:
    other = emulate(f"{ID}=SUCCESS")
    location = f"{other.url}/v2/{DOMAIN_ID}/delivery-orders/{ID}".encode()
    with serve(b"HTTP/1.1 %d No\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)) as url:
        error = failure(url, max_retries=3)
    assert (error.http_status, error.retryable) == (status, False)
    assert "the answer is a redirect to 'http://127.0.0.1:" in str(error)
    assert other.requests == []


@pytest.mark.parametrize("head", [b"", b"Content-Encoding: gzip\r\n"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_with_a_broken_body_is_a_refusal(retry_clock: FakeClock, head: bytes, status: int) -> None:
    refusal = b"HTTP/1.1 %d No\r\nContent-Length: 99\r\n%sConnection: close\r\n\r\n{" % (status, head)
    with serve(refusal) as url:
        error = failure(url, max_retries=5)
    assert (error.http_status, error.retryable) == (status, False)
    assert retry_clock.sleeps == []


@pytest.mark.parametrize(
    "rest",
    [
        b"X: y\r\n" * 200,
        b"X-A: " + b"b" * 100_000,
        b"no header\r\n",
        b"Content-Length: 9",
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_with_broken_headers_is_a_refusal(retry_clock: FakeClock, status: int, rest: bytes) -> None:
    with serve(b"HTTP/1.1 %d No\r\n" % status + rest) as url:
        error = failure(url, max_retries=5)
    assert (error.http_status, error.retryable) == (status, False)
    assert retry_clock.sleeps == []


def test_an_outage_with_broken_headers_is_an_outage() -> None:
    with serve(b"HTTP/1.1 503 No\r\n" + b"X: y\r\n" * 200) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (503, True)


def test_an_echo_among_broken_headers_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode(), b"no header", b"X-Echo: " + TOKEN.encode())
    with caplog.at_level("DEBUG"), serve(answer) as url, contextlib.suppress(CloudPondError):
        show(url)
    assert TOKEN not in caplog.text


def test_a_body_that_cannot_be_decoded(retry_clock: FakeClock) -> None:
    with serve(ok(b"not compressed", b"Content-Encoding: gzip")) as url:
        error = failure(url, max_retries=5)
    assert (error.http_status, error.message) == (200, "the answer can't be decoded")
    assert not error.retryable
    assert retry_clock.sleeps == []


def test_a_compressed_answer_that_is_too_large() -> None:
    with serve(ok(gzip.compress(b" " * 100_000_000), b"Content-Encoding: gzip")) as url:
        tracemalloc.start()
        try:
            error = failure(url)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert "larger than 10 MiB" in str(error)
    assert peak < 40_000_000


def test_the_largest_compressed_answer() -> None:
    order = b'{"delivery_order": {"id": "%s"}}' % ID.encode()
    body = gzip.compress(order.ljust(BODY_MAX))
    with serve(ok(body, b"Content-Encoding: gzip")) as url:
        assert show(url)["id"] == ID


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    sent = 0
    megabyte = b" " * 1024 * 1024
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            nonlocal sent
            connection, _peer = listener.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (60 * len(megabyte)))
                for number in range(1, 61):
                    connection.sendall(megabyte)
                    sent = number

        thread = threading.Thread(target=answer)
        thread.start()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert "larger than 10 MiB" in str(error)
    assert sent < 40


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
def test_host_names_that_are_none(host: str) -> None:
    error = failure(f"https://{host}", max_retries=3)
    assert not error.retryable


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b" GZIP "])
def test_a_compressed_answer(encoding: bytes) -> None:
    body = gzip.compress(b'{"delivery_order": {"id": "%s"}}' % ID.encode())
    with serve(ok(body, b"Content-Encoding: " + encoding)) as url:
        assert show(url)["id"] == ID


@pytest.mark.parametrize("encoding", [b"", b"identity"])
def test_an_answer_that_says_it_is_not_compressed(encoding: bytes) -> None:
    with serve(ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode(), b"Content-Encoding: " + encoding)) as url:
        assert show(url)["id"] == ID


def test_a_chunked_answer_that_breaks_off(retry_clock: FakeClock) -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"
    with serve(broken, ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode())) as url:
        assert show(url, max_retries=1)["id"] == ID
    with serve(broken) as url:
        error = failure(url)
    assert (without_port(error.message), error.retryable) == ("the answer from 127.0.0.1 was cut short", True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422])
def test_refusals_are_never_repeated(emulate: Emulate, retry_clock: FakeClock, status: int) -> None:
    emulator = emulate(f"{ID}=http:{status}")
    error = failure(emulator.url, max_retries=5)
    assert (error.http_status, error.retryable) == (status, False)
    assert error.code
    assert error.message
    assert error.request_id
    assert f"HTTP {status}, {error.code}: {error.message} (request ID {error.request_id})" in without_port(error)
    assert len(emulator.requests) == 1
    assert retry_clock.sleeps == []


def test_a_wrong_token_is_sent_once(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    error = failure(emulator.url, token="secret-but-wrong", max_retries=5)
    assert (error.http_status, error.code) == (401, "APIGW.0301")
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504])
def test_passing_faults_are_repeated(emulate: Emulate, retry_clock: FakeClock, status: int) -> None:
    emulator = emulate(f"{ID}=http:{status}*2,SUCCESS", f"other=http:{status}")
    assert show(emulator.url, max_retries=2)["status"] == "SUCCESS"
    with make_client(emulator.url, max_retries=2) as client, pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show(client, "other")
    assert (caught.value.http_status, caught.value.retryable) == (status, True)
    assert len(emulator.requests) == 6


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("reset", "no answer from 127.0.0.1: Connection reset"), ("cut-short", "the answer from 127.0.0.1 was cut short")],
)
def test_connections_that_break_are_repeated(emulate: Emulate, retry_clock: FakeClock, fault: str, reason: str) -> None:
    emulator = emulate(f"{ID}={fault}*2,SUCCESS", f"other={fault}")
    assert show(emulator.url, max_retries=2)["status"] == "SUCCESS"
    with make_client(emulator.url, max_retries=2) as client, pytest.raises(CloudPondError) as caught:
        DELIVERY_ORDERS.show(client, "other")
    assert (caught.value.http_status, caught.value.code, caught.value.retryable) == (None, None, True)
    assert reason in without_port(caught.value)
    assert len(emulator.requests) == 6


def test_different_faults_share_one_budget(emulate: Emulate, retry_clock: FakeClock) -> None:
    emulator = emulate(f"{ID}=http:503,cut-short,reset,http:429,cut-short,SUCCESS")
    assert failure(emulator.url, max_retries=4).retryable
    assert len(emulator.requests) == 5


def test_a_server_that_is_silent(emulate: Emulate, retry_clock: FakeClock) -> None:
    emulator = emulate(f"{ID}=slow:2")
    error = failure(emulator.url, timeout=0.1, max_retries=1)
    assert error.retryable
    assert "127.0.0.1 did not answer within 0.1 seconds" in without_port(error)


def test_a_body_that_stalls() -> None:
    stalled = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _peer = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
                stalled.wait(5)

        thread = threading.Thread(target=answer)
        thread.start()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.1)
        stalled.set()
        thread.join()
    assert error.retryable
    assert "did not answer within 0.1 seconds" in str(error)


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}")
    assert error.to_dict() == {
        "http_status": None,
        "code": None,
        "message": f"no answer from 127.0.0.1:{port}: Connection refused",
        "request_id": None,
        "retryable": True,
    }


def test_a_gateway_that_answers_html(emulate: Emulate) -> None:
    error = failure(emulate(f"{ID}=html:502").url)
    assert (error.http_status, error.code, error.message, error.retryable) == (502, None, "Bad Gateway", True)


def test_a_status_line_without_a_reason() -> None:
    with serve(b"HTTP/1.1 418\r\nContent-Length: 0\r\n\r\n") as url:
        error = failure(url)
    assert error.message is None
    assert str(error) == f"Cannot query delivery order '{ID}': HTTP 418"


# Waiting between retries


def test_back_off_doubles_up_to_a_bound_with_jitter(
    emulate: Emulate, retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    failure(emulate(f"{ID}=http:503").url, max_retries=9)
    assert retry_clock.sleeps == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    retry_clock.sleeps.clear()
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    failure(emulate(f"{ID}=http:503").url, max_retries=3)
    assert retry_clock.sleeps == [0.25, 0.5, 1]


@pytest.mark.parametrize(("asked", "slept"), [("7", 7), ("86400", 60)])
def test_retry_after_is_kept_within_a_bound(
    emulate: Emulate, retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, asked: str, slept: float
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    assert show(emulate(f"{ID}=throttled:{asked},SUCCESS").url, max_retries=1)["status"] == "SUCCESS"
    assert retry_clock.sleeps == [slept]


@pytest.mark.parametrize(
    "asked",
    [
        b"soon",
        b"0",
        b"9" * 5000,
        b"Fri, 31 Dec 20260 23:59:59 GMT",
        b"Fri, 31 Dec 99999999999 23:59:59 GMT",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
@pytest.mark.parametrize("status", [b"429", b"503"])
def test_a_retry_after_that_is_no_time_does_not_replace_the_back_off(
    retry_clock: FakeClock, status: bytes, asked: bytes
) -> None:
    throttled = b"HTTP/1.1 %s Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
        status,
        asked,
    )
    with serve(throttled, ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode())) as url:
        assert show(url, max_retries=1)["id"] == ID
    assert all(seconds > 0 for seconds in retry_clock.sleeps)
    assert retry_clock.sleeps


@pytest.mark.parametrize(("seconds", "tries"), [(0, 1), (1.4, 2), (1.6, 3), (100, 6)])
def test_no_retry_begins_after_the_last_moment(
    emulate: Emulate, retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, seconds: float, tries: int
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    emulator = emulate(f"{ID}=http:503")
    last_moment = retry_clock.now + seconds
    with make_client(emulator.url, max_retries=5, retry_until=last_moment) as client:
        with pytest.raises(CloudPondError, match="HTTP 503"):
            DELIVERY_ORDERS.show(client, ID)
    assert len(emulator.requests) == tries
    # An error that nothing follows is not waited for.
    assert retry_clock.now <= last_moment


def test_a_retry_after_makes_no_refusal_repeatable() -> None:
    too_large = b"HTTP/1.1 413 Large\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    with serve(too_large) as url:
        assert not failure(url, max_retries=3).retryable


# Secrets


@pytest.mark.parametrize("fault", ["echo:401", "echo:400", "echo:503"])
def test_an_echoed_credential_is_masked(emulate: Emulate, fault: str) -> None:
    # Plain, percent-encoded, as forms, HTML and JSON encode it, and cut off.
    error = failure(emulate(f"{ID}={fault}").url)
    assert error.message == "Incorrect IAM authentication information:" + 6 * " ********"


def test_each_try_is_signed_anew(retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    dates = iter(time.struct_time((2026, 11, day, 0, 0, 0, 0, 0, 0)) for day in range(1, 9))
    monkeypatch.setattr("time.gmtime", lambda: next(dates))
    received: list[bytes] = []
    unavailable = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    answers = (unavailable, b"", ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode()))
    with serve(*answers, received=received) as url:
        assert show(url, access_key="AK", secret_key="my-secret", max_retries=2)["id"] == ID
    signatures = {line for request in received for line in request.split(b"\r\n") if line.startswith(b"Authorization")}
    assert len(received) == len(signatures) == 3
    assert all(b"X-Sdk-Date: 2026110%dT000000Z" % day in request for day, request in zip((1, 2, 3), received))


def test_an_echo_in_any_place_is_masked() -> None:
    token = b"MIIF/secret+token=="
    quoted = b"MIIF%2Fsecret%2Btoken%3D%3D"
    body = b'{"delivery_order": {"id": "%s", "name": "%s", "echo": ["%s", 1]}}' % (ID.encode(), token, quoted)
    with serve(ok(body)) as url:
        order = show(url)
    assert (order["name"], order["echo"]) == ("********", ["********", 1])
    with serve(ok(b'{"delivery_order": {"id": "%s", "%s": 1}}' % (ID.encode(), token))) as url:
        assert show(url)["********"] == 1
    with serve(ok(b'{"delivery_order": {"id": "%s", "%s": 1, "%s": 2}}' % (ID.encode(), token, quoted))) as url:
        assert "the answer has the key '********' twice" in str(failure(url))
    with serve(b"HTTP/1.1 302 Found\r\nLocation: /?t=%s\r\nContent-Length: 0\r\n\r\n" % quoted) as url:
        assert "'/?t=********'" in str(failure(url))
    with serve(b"HTTP/1.1 400 %s\r\nX-Request-Id: %s\r\nContent-Length: 0\r\n\r\n" % (token, token)) as url:
        error = failure(url)
    assert (error.message, error.request_id) == ("********", "********")


@pytest.mark.parametrize(
    "echo",
    [
        b'{"error_code": "X", "error_msg": "MIIF\\u002fsecret+token=="}',
        b'{"error_code": "X", "error_msg": "MIIF&#47;secret&#43;token&#x3d;&#x3D;"}',
        b'{"error_code": "X", "error_msg": "MIIF%2fsecret%2btoken%3d%3d"}',
        '{"error_code": "X", "error_msg": "MIIF/secret+token=="}'.encode("utf-16"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_echo_in_any_encoding_is_masked(echo: bytes, status: int) -> None:
    with serve(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n" % (status, len(echo)) + echo) as url:
        failure(url)


def test_an_echo_where_no_header_should_be(retry_clock: FakeClock) -> None:
    with serve(b"XX MIIF/secret+token==\r\n\r\n") as url:
        error = failure(url)
    assert "********" in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_cookie_is_not_sent_back(retry_clock: FakeClock) -> None:
    received: list[bytes] = []
    busy = b"HTTP/1.1 503 Busy\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    answer = ok(b'{"delivery_order": {"id": "%s"}}' % ID.encode(), b"Set-Cookie: c=d; Path=/")
    with serve(busy, answer, answer, received=received) as url, make_client(url, max_retries=1) as client:
        DELIVERY_ORDERS.show(client, ID)
        DELIVERY_ORDERS.show(client, ID)
    assert len(received) == 3
    assert not any(b"cookie" in request.lower() for request in received)


def test_a_message_is_one_clean_line() -> None:
    body = b'{"error_code": "X", "error_msg": "a\\u001b[31m\\r\\n b %s"}' % (b"x" * 1000)
    with serve(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as url:
        message = failure(url).message
    assert message == "a [31m b " + "x" * 491 + "..."


def test_netrc_does_not_replace_the_token(emulate: Emulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert show(emulate(f"{ID}=SUCCESS").url)["status"] == "SUCCESS"


def test_a_secret_in_place_of_an_id_is_not_repeated(emulate: Emulate) -> None:
    with make_client(emulate().url) as client:
        for query in (DELIVERY_ORDERS.show, lambda client, value: DELIVERY_ORDERS.show_many(client, [value])):
            with pytest.raises(CloudPondError) as caught:
                query(client, TOKEN)
            assert TOKEN not in str(caught.value) + str(caught.value.to_dict())
            assert "an ID must be made of" in str(caught.value)


# The API's errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error_code": "IES.1", "error_msg": "m"}', ("IES.1", "m")),
        (b'{"errorCode": "IES.1", "errorMsg": "m"}', ("IES.1", "m")),
        (b'{"code": "IES.1", "message": "m"}', ("IES.1", "m")),
        (b'{"error": {"error_code": "IES.1", "error_msg": "m"}}', ("IES.1", "m")),
        (b'{"error": {"code": 7, "message": "m"}}', ("7", "m")),
        (b'{"error_code": "IES.1", "error_msg": "m", "encoded_authorization_message": "e"}', ("IES.1", "m")),
        (b'{"error_code": null, "error_msg": null}', (None, "Bad")),
        (b'{"error_code": "IES.1"}', (None, "Bad")),
        (b'{"error": "text", "more": {"code": "IES.1", "message": "m"}}', ("IES.1", "m")),
        (b'{"a": {"b": {"code": "IES.1", "message": "m"}}}', (None, "Bad")),
        (b"[]", (None, "Bad")),
        (b"text", (None, "Bad")),
    ],
)
def test_bodies_of_errors(body: bytes, expected: tuple[str | None, str | None]) -> None:
    head = b"HTTP/1.1 400 Bad\r\nX-Request-Id: r-1\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serve(head + body) as url:
        error = failure(url)
    assert (error.code, error.message, error.request_id) == (*expected, "r-1")


# TLS


def test_an_unknown_authority_is_refused_at_once(emulate: Emulate, retry_clock: FakeClock, tls: Tls) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    error = failure(emulator.url, max_retries=5)
    assert not error.retryable
    assert error.message is not None
    assert (
        without_port(error.message)
        == "the certificate of 127.0.0.1 can't be verified: unable to get local issuer certificate"
    )
    assert retry_clock.sleeps == []
    assert emulator.requests == []


@pytest.mark.parametrize("bundle", [None, "other"])
def test_the_tls_options_are_obeyed_whatever_the_environment_says(
    emulate: Emulate, tls: Tls, bundle: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bundle:
        path = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(path))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    assert show(emulator.url, ca_path=tls.ca)["status"] == "SUCCESS"
    with warnings.catch_warnings(record=True) as shown:
        assert show(emulator.url, validate_certs=False)["status"] == "SUCCESS"
    assert shown == []
    assert not failure(emulator.url).retryable


def test_a_bundle_of_the_environment_is_used_without_options(
    emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.ca)
    assert show(emulator.url)["status"] == "SUCCESS"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    error = failure(emulator.url)
    assert "/nowhere.pem" in str(error)
    assert not error.retryable


def test_a_directory_of_authorities(emulate: Emulate, tls: Tls, tmp_path: Path) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    shutil.copy(tls.ca, tmp_path)
    error = failure(emulator.url, ca_path=str(tmp_path))
    assert f"ca_path names the directory {str(tmp_path)!r}, which has no certificate named by its hash" in str(error)
    assert "run openssl rehash on it" in str(error)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    assert show(emulator.url, ca_path=str(tmp_path))["status"] == "SUCCESS"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_path_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    error = failure("https://127.0.0.1", ca_path=str(path))
    assert "ca_path must name a file or directory of CA certificates" in str(error)
    assert not error.retryable


def test_a_handshake_that_breaks_is_an_outage(tls: Tls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _peer = listener.accept()
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}", ca_path=tls.ca)
        thread.join()
    assert error.retryable


# Proxies


def test_plain_requests_never_meet_a_proxy(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = emulate()
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert show(emulate(f"{ID}=SUCCESS").url)["status"] == "SUCCESS"
    assert proxy.requests == []


def test_tls_requests_use_the_proxy_of_the_environment(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    # user:secret/word, as the proxy was sent it.
    echo = b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQvd29yZA=="
    with serve(b"HTTP/1.1 407 %s\r\nContent-Length: 0\r\n\r\n" % echo) as proxy:
        monkeypatch.setenv("https_proxy", proxy.replace("http://", "http://user:secret%2Fword@"))
        error = failure("https://ies.example.com")
    name = f"the proxy {proxy.replace('http://', '')} (https_proxy)"
    assert error.message == f"{name} refused to connect: 407 Proxy-Authorization: Basic ********"
    assert not error.retryable


def test_a_proxy_that_refuses_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(b"HTTP/1.1 403\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        error = failure("https://ies.example.com")
    assert error.message == f"the proxy {proxy.replace('http://', '')} (https_proxy) refused to connect: 403"


# Without requests


def test_the_module_can_be_imported_without_requests() -> None:
    code = """
import sys
sys.modules.update(requests=None, urllib3=None)
from ansible_collections.huaweicloud.cloudpond.plugins.modules import cloudpond_delivery_order_info
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _auth
print(_auth.REQUESTS_IMPORT_ERROR)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "ModuleNotFoundError" in run.stdout
