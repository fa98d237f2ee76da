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
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._specification import FIELDS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._version import VERSION

from ...conftest import DOMAIN_ID, TOKEN, Emulate, FakeClock, Tls, without_port

if t.TYPE_CHECKING:
    from pathlib import Path


ID = "00000000-0000-000-0000-000000000001"


def make_client(url: str, **options: t.Any) -> Client:
    """A client with a token, unless the options have keys; environment variables count."""
    caller, retry_until = options.pop("caller", ""), options.pop("retry_until", None)
    credential = {} if "access_key" in options else {"auth_token": options.pop("token", TOKEN)}
    options = {"endpoint": url, "domain_id": DOMAIN_ID, "timeout": 5, "max_retries": 0, **credential, **options}
    return Client(options, os.environ, caller, retry_until=retry_until)


def show(url: str, order_id: str = ID, **options: t.Any) -> dict[str, t.Any]:
    with make_client(url, **options) as client:
        return DELIVERY_ORDERS.show(client, order_id)


def failure(url: str, order_id: str = ID, **options: t.Any) -> CloudPondError:
    with pytest.raises(CloudPondError) as caught:
        show(url, order_id, **options)
    assert caught.value.subject in ("the CloudPond API", f"delivery order '{order_id}'")
    assert "secret" not in repr(caught.value.to_dict()) + str(caught.value)
    return caught.value


@contextlib.contextmanager
def serve(*answers: bytes, received: list[bytes] | None = None, stall: bool = False) -> t.Iterator[str]:
    """Say what no HTTP server would: each connection gets the bytes, whatever it asks, and then ends or stalls."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_all() -> None:
            for data in answers:
                connection, _peer = listener.accept()
                with connection:
                    request = connection.recv(65536)
                    if received is not None:
                        received.append(request)
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(data)
                    if stall:
                        over.wait()

        thread = threading.Thread(target=serve_all, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join(5)


def answer(status: str, body: bytes = b"", *headers: bytes) -> bytes:
    """An answer after which the connection ends."""
    lines = (b"HTTP/1.1 %s" % status.encode(), b"Content-Length: %d" % len(body), b"Connection: close", *headers)
    return b"\r\n".join((*lines, b"", body))


def ok(body: bytes, *headers: bytes) -> bytes:
    return answer("200 OK", body, *headers)


#: The body of an answer about the order.
ORDER = b'{"delivery_order": {"id": "%s"}}' % ID.encode()


# What arrives


@pytest.mark.parametrize("order_id", [ID, "Site_A-1"])
def test_an_order(emulate: Emulate, order_id: str) -> None:
    emulator = emulate(f"{order_id}=PROCESSING")
    order = show(emulator.url, order_id)
    assert (order["id"], order["status"], order["domain_id"]) == (order_id, "PROCESSING", DOMAIN_ID)
    assert [request.path for request in emulator.requests] == [f"/v2/{DOMAIN_ID}/delivery-orders/{order_id}"]


def test_the_headers_of_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # requests by itself would replace the token by a login from there.
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    received: list[bytes] = []
    with serve(ok(ORDER), received=received) as url:
        show(url, caller="ansible-core/2.16.0")
    lines = dict(line.split(b": ", 1) for line in received[0].strip().split(b"\r\n")[1:])
    del lines[b"Host"]
    assert lines == {
        b"User-Agent": f"huaweicloud.cloudpond/{VERSION} ansible-core/2.16.0".encode(),
        b"Accept": b"application/json",
        b"Accept-Encoding": b"gzip",
        b"X-Language": b"en-us",
        b"X-Domain-Id": DOMAIN_ID.encode(),
        b"X-Auth-Token": TOKEN.encode(),
    }


def test_a_key_left_out_is_none_and_an_added_one_is_kept() -> None:
    with serve(ok(ORDER.replace(b"}}", b', "colour": 1}}'))) as url:
        assert show(url) == {**dict.fromkeys(FIELDS), "id": ID, "colour": 1}


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.0 200 OK\r\n\r\n " + ORDER,
        ok(ORDER, b"Content-Encoding: identity"),
        ok(gzip.compress(ORDER, mtime=0), b"Content-Encoding:  GZIP "),
        ok(gzip.compress(ORDER.ljust(BODY_MAX), mtime=0), b"Content-Encoding: x-gzip"),
    ],
)
def test_the_forms_of_an_answer(whole: bytes) -> None:
    with serve(whole) as url:
        assert show(url)["id"] == ID


def test_a_base_path_is_kept(emulate: Emulate) -> None:
    emulator = emulate()
    failure(f"{emulator.url}/prefix/")
    assert emulator.requests[0].path == f"/prefix/v2/{DOMAIN_ID}/delivery-orders/{ID}"


# Refused before anything is sent


@pytest.mark.parametrize("wrong", ["", "..", "a/b", "a%2Fb", "a?b", "a\n", "\u00e4", TOKEN])
@pytest.mark.parametrize("many", [False, True])
def test_ids_are_one_harmless_segment_and_no_secret_is_repeated(emulate: Emulate, wrong: str, many: bool) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    with make_client(emulator.url) as client, pytest.raises(CloudPondError, match="an ID must be made of") as caught:
        DELIVERY_ORDERS.show_many(client, [ID, wrong]) if many else DELIVERY_ORDERS.show(client, wrong)
    assert str(caught.value).endswith(f"got {wrong!r}".replace(f"{TOKEN}'", "********"))
    assert TOKEN not in str(caught.value) + str(caught.value.to_dict())
    assert not caught.value.retryable
    assert emulator.requests == []


# Wrong answers


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("not-json", "the answer is not JSON"),
        ("duplicate-order", "the answer has the key 'delivery_order' twice"),
        ("json-list", "the answer is not a JSON object"),
        ("null-order", "the answer has no delivery order in it"),
        ("wrong-types", "of the delivery order in the answer is not a string"),
        ("other-order", "the answer is about another order"),
        ("huge", "the answer is larger than 10 MiB and was cut off"),
        ("not-gzip", "the answer can't be decoded"),
    ],
)
def test_answers_that_waiting_does_not_cure(emulate: Emulate, retry_clock: FakeClock, fault: str, reason: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    error = failure(emulator.url, max_retries=3)
    assert str(error).startswith(f"Cannot query delivery order '{ID}': HTTP 200: ")
    assert reason in str(error)
    assert not error.retryable
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(("status", "location"), [(301, ""), (302, ""), (307, ""), (308, "http://[")])
def test_a_redirect_is_not_followed(emulate: Emulate, status: int, location: str) -> None:
    other = emulate(f"{ID}=SUCCESS")
    location = location or f"{other.url}/v2/{DOMAIN_ID}/delivery-orders/{ID}"
    with serve(answer(f"{status} No", b"", f"Location: {location}".encode())) as url:
        error = failure(url, max_retries=3)
    assert (error.http_status, error.retryable) == (status, False)
    assert f"the answer is a redirect to '{location}', which is not followed" in str(error)
    assert other.requests == []


#: What can follow the first line of an answer without coming to a good end, and whether the connection stays open.
NO_GOOD_END = [
    (b"X: y\r\n" * 200, False),
    (b"X-A: " + b"b" * 100_000, False),
    (b"no header\r\n", False),
    (b"Content-Length: 9", False),
    (b"Content-Length: 99\r\n\r\n{", False),
    (b"Content-Length: 99\r\nContent-Encoding: gzip\r\n\r\n{", False),
    (b"Connection: close\r\n\r\n", False),
    (b'Connection: close\r\n\r\n{"error_code": "APIGW.0301"', False),
    (b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False),
    (b"", True),
    (b"Content-Len", True),
    (b"Content-Length: 99\r\n\r\n{", True),
    (b"\r\n{", True),
]


@pytest.mark.parametrize(("rest", "stall"), NO_GOOD_END)
@pytest.mark.parametrize(("status", "max_retries"), [(401, 5), (403, 5), (503, 0)])
def test_an_answer_that_cannot_be_read_keeps_its_status(
    retry_clock: FakeClock, status: int, max_retries: int, rest: bytes, stall: bool
) -> None:
    with serve(b"HTTP/1.1 %d No\r\n" % status + rest, stall=stall) as url:
        error = failure(url, max_retries=max_retries, timeout=0.3 if stall else 5)
    # So a refusal is final.
    assert (error.http_status, error.retryable) == (status, status == 503)
    assert retry_clock.sleeps == []


def test_an_echo_among_broken_headers_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    echo = ok(ORDER, b"no header", b"X-Echo: " + TOKEN.encode())
    with caplog.at_level("DEBUG"), serve(echo) as url, contextlib.suppress(CloudPondError):
        show(url)
    assert TOKEN not in caplog.text


def test_a_compressed_answer_that_is_too_large() -> None:
    with serve(ok(gzip.compress(b" " * 100_000_000, mtime=0), b"Content-Encoding: gzip")) as url:
        tracemalloc.start()
        try:
            assert "larger than 10 MiB" in str(failure(url))
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
def test_host_names_that_are_none(host: str) -> None:
    error = failure(f"https://{host}", max_retries=3)
    assert not error.retryable


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_refusals_are_never_repeated(emulate: Emulate, retry_clock: FakeClock, status: int) -> None:
    emulator = emulate(f"{ID}=http:{status}")
    error = failure(emulator.url, max_retries=5)
    assert (error.http_status, error.retryable) == (status, False)
    assert error.code
    assert error.message
    assert error.request_id
    assert f"HTTP {status}, {error.code}: {error.message} (request ID {error.request_id})" in str(error)
    assert len(emulator.requests) == 1
    assert retry_clock.sleeps == []


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        *((f"http:{status}", status, f"HTTP {status}, ") for status in (408, 429, 500, 502, 503, 504)),
        ("reset", None, "no answer from 127.0.0.1: Connection reset"),
        ("cut-short", None, "the answer from 127.0.0.1 was cut short"),
        ("cut-chunks", None, "the answer from 127.0.0.1 was cut short"),
        ("cut-without-length", None, "the answer from 127.0.0.1 was cut short"),
    ],
)
def test_outages_are_waited_out(
    emulate: Emulate, retry_clock: FakeClock, fault: str, status: int | None, reason: str
) -> None:
    emulator = emulate(f"{ID}={fault}*2,SUCCESS", f"other={fault}")
    assert show(emulator.url, max_retries=2)["status"] == "SUCCESS"
    error = failure(emulator.url, "other", max_retries=2)
    assert (error.http_status, error.retryable) == (status, True)
    assert reason in without_port(error)
    assert len(emulator.requests) == 6


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = f"127.0.0.1:{listener.getsockname()[1]}"
    facts = {"http_status": None, "code": None, "request_id": None, "retryable": True}
    assert failure(f"http://{server}").to_dict() == {**facts, "message": f"no answer from {server}: Connection refused"}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (answer("502 Bad Gateway", b"<html>"), "HTTP 502: Bad Gateway"),
        (b"HTTP/1.1 418\r\nContent-Length: 0\r\n\r\n", "HTTP 418"),
    ],
)
def test_a_gateway_that_does_not_speak_json(page: bytes, said: str) -> None:
    with serve(page) as url:
        assert str(failure(url)).endswith(f": {said}")


# Waiting between retries


def test_back_off_doubles_up_to_a_bound(
    emulate: Emulate, retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    failure(emulate(f"{ID}=http:503").url, max_retries=9)
    assert retry_clock.sleeps == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("asked", "slept"),
    [
        ("7", 7),
        # What is too long, and what is no time to come, does not replace the back-off.
        ("86400", 60),
        ("0", 0.25),
        ("soon", 0.25),
        ("9" * 5000, 0.25),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", 0.25),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.25),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept_within_a_bound(
    retry_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, status: int, asked: str, slept: float
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    with serve(answer(f"{status} Slow", b"", f"Retry-After: {asked}".encode()), ok(ORDER)) as url:
        assert show(url, max_retries=1)["id"] == ID
    assert retry_clock.sleeps == [slept]


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
    with serve(answer("503 Away"), b"", ok(ORDER), received=received) as url:
        assert show(url, access_key="AK", secret_key="my-secret", max_retries=2)["id"] == ID
    signatures = {line for request in received for line in request.split(b"\r\n") if line.startswith(b"Authorization")}
    assert len(received) == len(signatures) == 3
    assert all(b"X-Sdk-Date: 2026110%dT000000Z" % day in request for day, request in zip((1, 2, 3), received))


def test_an_echo_in_any_place_is_masked() -> None:
    token = TOKEN.encode()
    quoted = b"MIIF%2Fsecret%2Btoken%3D%3D"
    echo = b'"name": "%s", "echo": ["%s"], "%s": 1}}' % (token, quoted, token)
    with serve(ok(ORDER.replace(b"}}", b", " + echo))) as url:
        order = show(url)
    assert (order["name"], order["echo"], order["********"]) == ("********", ["********"], 1)
    with serve(ok(b'{"%s": 1, "%s": 2}' % (token, quoted))) as url:
        assert "the answer has the key '********' twice" in str(failure(url))
    with serve(answer("302 Found", b"", b"Location: /?t=" + quoted)) as url:
        assert "'/?t=********'" in str(failure(url))
    with serve(answer(f"400 {TOKEN}", b"", b"X-Request-Id: " + token)) as url:
        error = failure(url)
    assert (error.message, error.request_id) == ("********", "********")


def test_an_echo_where_no_header_should_be(retry_clock: FakeClock) -> None:
    with serve(b"XX MIIF/secret+token==\r\n\r\n") as url:
        error = failure(url)
    assert "********" in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_message_is_one_clean_line() -> None:
    body = b'{"error_code": "X", "error_msg": "a\\u001b[31m\\r\\n b %s"}' % (b"x" * 1000)
    with serve(answer("400 Bad", body)) as url:
        assert failure(url).message == "a [31m b " + "x" * 491 + "..."


# The API's errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error_code": "IES.1", "error_msg": "m"}', ("IES.1", "m")),
        (b'{"errorCode": "IES.1", "errorMsg": "m"}', ("IES.1", "m")),
        (b'{"code": "IES.1", "message": "m"}', ("IES.1", "m")),
        (b'{"error": {"error_code": "IES.1", "error_msg": "m"}}', ("IES.1", "m")),
        (b'{"error": {"code": 7, "message": "m"}}', ("7", "m")),
        (b'{"error_code": null, "error_msg": null}', (None, "Bad")),
        (b'{"error_code": "IES.1"}', (None, "Bad")),
        (b'{"a": {"b": {"code": "IES.1", "message": "m"}}}', (None, "Bad")),
    ],
)
def test_bodies_of_errors(body: bytes, expected: tuple[str | None, str | None]) -> None:
    with serve(answer("400 Bad", body, b"X-Request-Id: r-1")) as url:
        error = failure(url)
    assert (error.code, error.message, error.request_id) == (*expected, "r-1")


# TLS


def test_an_unknown_authority_is_refused_at_once(emulate: Emulate, retry_clock: FakeClock, tls: Tls) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    error = failure(emulator.url, max_retries=5)
    reason = "the certificate of 127.0.0.1 can't be verified: unable to get local issuer certificate"
    assert (without_port(error.message), error.retryable) == (reason, False)
    assert retry_clock.sleeps == []
    assert emulator.requests == []


def test_the_tls_options_are_obeyed_and_without_them_the_environment(
    emulate: Emulate, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.ca)
    assert show(emulator.url)["status"] == "SUCCESS"
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert not failure(emulator.url).retryable
    assert show(emulator.url, ca_path=tls.ca)["status"] == "SUCCESS"
    with warnings.catch_warnings(record=True) as shown:
        assert show(emulator.url, validate_certs=False)["status"] == "SUCCESS"
    assert shown == []


def test_a_directory_of_authorities(emulate: Emulate, tls: Tls, tmp_path: Path) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    shutil.copy(tls.ca, tmp_path)
    error = failure(emulator.url, ca_path=str(tmp_path))
    reason = f"{str(tmp_path)!r}, which has no certificate named by its hash: run openssl rehash on it"
    assert str(error).endswith(f"ca_path names the directory {reason}")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    assert show(emulator.url, ca_path=str(tmp_path))["status"] == "SUCCESS"


# Proxies


def test_plain_requests_never_meet_a_proxy(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = emulate()
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert show(emulate(f"{ID}=SUCCESS").url)["status"] == "SUCCESS"
    assert proxy.requests == []


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
