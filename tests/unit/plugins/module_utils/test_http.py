# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import gzip
import signal
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import Emulate, FakeClock, Tls, without_port
from .test_client import ID, ORDER, failure, serve, show

#: Seconds.
TIMEOUT = 0.3
SLACK = 5.0

COMPRESSED = gzip.compress(ORDER, mtime=0)

TIMED_OUT = "127.0.0.1 did not answer within 0.3 seconds"


def in_time(ask: t.Callable[[], CloudPondError]) -> CloudPondError:
    """Return the failure of a query, which must end in time."""
    begun = time.monotonic()
    error = ask()
    assert time.monotonic() - begun < TIMEOUT + SLACK
    return error


# The time-out


# A time-out of the socket would start anew with each header line and each byte.
@pytest.mark.parametrize(
    ("life", "handshake", "reason"),
    [
        *((each, "", TIMED_OUT) for each in ("endless-headers:0.02", "trickle-body:0.02", "long-length", "hang")),
        *(("SUCCESS", each, TIMED_OUT) for each in ("stall", "trickle:0.02")),
        ("SUCCESS", "reset", "no answer from 127.0.0.1: Connection reset"),
    ],
)
def test_no_server_holds_a_query(emulate: Emulate, tls: Tls, life: str, handshake: str, reason: str) -> None:
    with_tls = {"handshake": handshake, "certificate": tls.certificate, "key": tls.key} if handshake else {}
    emulator = emulate(f"{ID}={life}", **with_tls)
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT, ca_path=tls.ca))
    assert reason in without_port(error)
    assert (error.http_status, error.retryable) == (None, True)


def test_no_connection_holds_a_query() -> None:
    # Connecting takes until somebody gives up: those who wait to be accepted are too many.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        port = listener.getsockname()[1]
        for _each in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        error = in_time(lambda: failure(f"http://127.0.0.1:{port}", timeout=TIMEOUT))
    assert without_port(error).endswith(TIMED_OUT)
    assert error.retryable


def join_tries() -> None:
    """Wait until the threads of all tries have ended."""
    for thread in threading.enumerate():
        if thread.name == "cloudpond-try":
            thread.join(SLACK)
            assert not thread.is_alive()


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[[float], None]]:
    """Let each name be looked up for some seconds, and no longer than until the end of the test."""
    look_up, over = socket.getaddrinfo, threading.Event()

    def slow_down(seconds: float) -> None:
        def look_up_slowly(*args: t.Any, **kwargs: t.Any) -> t.Any:
            over.wait(seconds)
            return look_up(*args, **kwargs)

        monkeypatch.setattr("socket.getaddrinfo", look_up_slowly)

    yield slow_down
    over.set()
    join_tries()


def test_no_name_server_holds_a_query(emulate: Emulate, slow_names: t.Callable[[float], None]) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    slow_names(60)
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT))
    assert without_port(error).endswith(TIMED_OUT)
    assert error.retryable


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_nothing_is_sent_after_the_time_out(
    emulate: Emulate,
    slow_names: t.Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    tls: Tls,
    behind_proxy: bool,
) -> None:
    # A refused key would be sent although its turn is over.
    with_tls = {"certificate": tls.certificate, "key": tls.key} if behind_proxy else {}
    with Proxy() as proxy:
        emulator = emulate(f"{ID}=SUCCESS", **with_tls)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        slow_names(0.5)
        failure(emulator.url, timeout=0.1, ca_path=tls.ca)
        join_tries()
        assert len(emulator.requests) == len(proxy.requests) == 0


def test_nothing_is_sent_after_an_interruption(emulate: Emulate, slow_names: t.Callable[[float], None]) -> None:
    # A cancelled job, or a task whose time is over, asks no more.
    def interrupt(*_args: object) -> t.NoReturn:
        raise KeyboardInterrupt

    emulator = emulate(f"{ID}=SUCCESS")
    slow_names(0.5)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            show(emulator.url, timeout=30)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    join_tries()
    assert emulator.requests == []


def test_each_try_has_a_time_out_of_its_own(emulate: Emulate, retry_clock: FakeClock) -> None:
    emulator = emulate(f"{ID}=hang*2,SUCCESS")
    assert show(emulator.url, timeout=0.5, max_retries=2)["status"] == "SUCCESS"


def test_a_slow_answer_within_the_time_out_is_an_answer(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=trickle-body:0.001")
    assert show(emulator.url, timeout=30)["id"] == ID


def test_what_came_before_the_time_out_is_no_answer() -> None:
    # Without a length, the answer ends with the connection: what came by then is not the answer.
    with serve(b"HTTP/1.1 200 OK\r\n\r\n" + ORDER, stall=True) as url:
        assert TIMED_OUT in without_port(in_time(lambda: failure(url, timeout=TIMEOUT)))


def test_a_client_leaves_no_thread(emulate: Emulate) -> None:
    show(emulate(f"{ID}=SUCCESS").url)
    join_tries()


# The limit to the bytes of an answer


def test_only_the_beginning_of_an_error_is_read(emulate: Emulate) -> None:
    assert failure(emulate(f"{ID}=large-error:400").url).code is None


@pytest.mark.parametrize(
    ("headers", "body", "cut"),
    [
        (b"", b'{"delivery_order": {"id": "', True),
        (b"", b' {"delivery_order"\n', True),
        (b"", b'\xef\xbb\xbf{"delivery_order": {"name": "\xe5\xb9', True),
        # Whatever its length says.
        (b"Content-Length: 8\r\n", b'{"deliv"', True),
        (b"Transfer-Encoding: chunked\r\n", b'8\r\n{"deliv"\r\n0\r\n\r\n', True),
        (b"Content-Encoding: gzip\r\n", COMPRESSED[:-9], True),
        # It was no JSON object from the start, or is one that can't be believed.
        (b"Content-Length: 0\r\n", b"", False),
        (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", False),
        (b"", b"<html><body>", False),
        (b"", b'[{"delivery_order"', False),
        (b"", b'{"delivery_order": NaN}', False),
        (b"", b'{"delivery_order": {"id": null}}', False),
        (b"Content-Encoding: gzip\r\n", COMPRESSED + COMPRESSED, False),
        (b"Content-Encoding: br\r\n", b"{", False),
    ],
)
def test_an_object_that_breaks_off_was_cut_short(headers: bytes, body: bytes, cut: bool) -> None:
    with serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s" % (headers, body)) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (None if cut else 200, cut)
    assert without_port(error).endswith("the answer from 127.0.0.1 was cut short") is cut


@pytest.mark.parametrize("end", [b"HTTP/1.1 200", b"Content-Ty", b"Content-Type: a/b", b"\r\n\r\n"])
def test_an_answer_that_breaks_off_within_its_headers_was_cut_short(end: bytes) -> None:
    # To http.client, the end of the connection is the end of the headers.
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n"
    with serve(answer[: answer.index(end) + len(end)]) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (None, True)
    assert without_port(error).endswith("the answer from 127.0.0.1 was cut short")


# Proxies


Behind = t.Callable[..., t.Any]


@pytest.fixture
def behind(emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> Behind:
    """Return the failure, or the order, of a query of an emulator behind a proxy with this life."""

    def ask(
        life: str,
        order: str = "SUCCESS",
        *,
        tries: int = 1,
        password: str = "pass%23word",
        timeout: float = TIMEOUT,
        **options: t.Any,
    ) -> t.Any:
        emulator = emulate(f"{ID}={order}", certificate=tls.certificate, key=tls.key)
        with Proxy(life, login="user:pass#word", **options) as proxy:
            scheme, _colon, rest = proxy.url.partition("://")
            if scheme == "https":
                # urllib3 1.26 can't verify a proxy by its address.
                rest = rest.replace("127.0.0.1", "localhost")
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://user:{password}@{rest}")
            begun = time.monotonic()
            try:
                return show(emulator.url, ca_path=tls.ca, timeout=timeout, max_retries=tries - 1)
            except CloudPondError as raised:
                error = raised
        assert "pass" not in str(error)
        assert time.monotonic() - begun < tries * (timeout + SLACK)
        return error, rest, len(proxy.requests)

    return ask


def test_a_query_goes_through_a_proxy_with_tls(behind: Behind, tls: Tls) -> None:
    assert behind("ok", timeout=30, certificate=tls.certificate, key=tls.key)["status"] == "SUCCESS"


@pytest.mark.parametrize(("life", "password", "status"), [("http:403", "pass%23word", 403), ("ok", "pass", 407)])
def test_a_refusal_of_a_proxy_is_final(
    behind: Behind, retry_clock: object, life: str, password: str, status: int
) -> None:
    error, address, requests = behind(life, password=password, tries=4, timeout=30)
    assert f"the proxy {address} (HTTPS_PROXY) refused to connect: {status}" in str(error)
    assert (error.http_status, error.retryable, requests) == (None, False, 1)


@pytest.mark.parametrize("status", [408, 429, 502])
def test_an_outage_of_a_proxy_is_waited_out(behind: Behind, retry_clock: object, status: int) -> None:
    assert behind(f"http:{status}*2,ok", tries=3, timeout=30)["status"] == "SUCCESS"
    error, address, requests = behind(f"http:{status}", tries=3, timeout=30)
    assert f"the proxy {address} (HTTPS_PROXY) refused to connect: {status}" in str(error)
    assert (error.http_status, error.retryable, requests) == (None, True, 3)


# Behind the proxy, either of the two can be the cause.
@pytest.mark.parametrize(
    ("life", "handshake", "server"),
    [
        *((each, "", "") for each in ("hang", "trickle:0.02", "reset")),
        *(("ok", each, "") for each in ("stall", "trickle:0.02", "reset")),
        *((each, "", "127.0.0.1") for each in ("hang-after", "cut")),
    ],
)
def test_no_proxy_holds_a_query(behind: Behind, tls: Tls, life: str, handshake: str, server: str) -> None:
    with_tls = {"handshake": handshake, "certificate": tls.certificate, "key": tls.key} if handshake else {}
    error, address, _requests = behind(life, **with_tls)
    words, proxy, _rest = str(error).partition(f"the proxy {address} (HTTPS_PROXY)")
    assert proxy
    assert ("127.0.0.1" in words) is bool(server)
    assert error.retryable


def test_what_speaks_http_in_place_of_https(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    url = emulate().url.replace("http://", "https://")
    reason = "which seems to speak http, not https"
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert f"127.0.0.1, {reason}, through the proxy 127.0.0.1 (HTTPS_PROXY): " in without_port(failure(url))
        # urllib3 1.26 can't verify a proxy by its address.
        address = proxy.url.replace("http://127.0.0.1", "localhost")
        monkeypatch.setenv("HTTPS_PROXY", f"https://{address}")
        assert f"no answer from the proxy {address} (HTTPS_PROXY), {reason}: " in str(failure(url))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut-short", "the answer from 127.0.0.1 was cut short"),
        ("hang", "127.0.0.1 did not answer within 1 seconds"),
        ("trickle-body:0.02", "127.0.0.1 did not answer within 1 seconds"),
    ],
)
def test_no_answer_through_a_proxy_with_tls_holds_a_query(behind: Behind, tls: Tls, fault: str, reason: str) -> None:
    # Two handshakes come before the answer.
    error, address, _requests = behind("ok", fault, timeout=1, certificate=tls.certificate, key=tls.key)
    assert error.retryable
    assert without_port(error).endswith(f"{reason}, through the proxy {address} (HTTPS_PROXY)")


#: Answers that are not HTTP, and what a message says of each.
NO_HTTP = [
    (b"SSH-2.0-OpenSSH_9.6\r\n", ": SSH-2.0-OpenSSH_9.6"),
    (b"\x00\x01garbage \x1b[31m\r\n\r\n", ": garbage [31m"),
    (b"x" * 70_000, ": got more than 65536 bytes when reading status line"),
    (b"\r\n\r\n", ""),
]
NO_PROXY = " did not answer as an HTTP proxy"


@pytest.mark.parametrize(
    ("answer", "reason", "retryable"),
    [
        *((answer, f"{NO_PROXY}{reason}", True) for answer, reason in NO_HTTP),
        (b"HTTP/1.1 407\r\n" + b"X: y\r\n" * 200, " refused to connect: 407", False),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, ": got more than 65536 bytes when reading header line", True),
        # It was sent user:secret/word, and could repeat it.
        (b"Basic dXNlcjpzZWNyZXQvd29yZA== secret/word\r\n", f"{NO_PROXY}: Basic ******** ********", True),
        (b"HTTP/1.1 407 Basic dXNlcjpzZWNyZXQvd29yZA==\r\n\r\n", " refused to connect: 407 Basic ********", False),
    ],
)
def test_what_a_proxy_can_say(monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str, retryable: bool) -> None:
    with serve(answer) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://user:secret%2Fword@"))
        error = failure("https://ies.example.com")
    assert str(error).endswith(f"the proxy {url[7:]} (HTTPS_PROXY){reason}")
    assert error.retryable is retryable


@pytest.mark.parametrize(("answer", "reason"), NO_HTTP)
def test_a_server_that_does_not_speak_http(answer: bytes, reason: str) -> None:
    with serve(answer) as url:
        error = failure(url)
    assert without_port(error.message) == f"127.0.0.1 did not answer as an HTTP server{reason}"
    assert error.retryable


def test_a_hang_up_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(b"", b"") as url:
        assert "no answer from 127.0.0.1: " in without_port(failure(url))
        monkeypatch.setenv("HTTPS_PROXY", url)
        assert f"no answer from the proxy {url[7:]} (HTTPS_PROXY): " in str(failure("https://ies.example.com"))


def test_a_proxy_whose_certificate_does_not_verify(behind: Behind, tmp_path: Path) -> None:
    server = trustme.CA().issue_cert("localhost")
    path = tmp_path / "certificate.pem"
    server.private_key_and_cert_chain_pem.write_to_path(str(path))
    error, address, _requests = behind("ok", certificate=str(path), key=str(path))
    assert f"the certificate of the proxy {address} (HTTPS_PROXY) can't be verified" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(("name", "value"), [("https_proxy", ""), ("NO_PROXY", "127.0.0.1")])
def test_requests_looks_for_no_proxy_itself(
    emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:1")
    monkeypatch.setenv(name, value)
    assert show(emulator.url, ca_path=tls.ca)["status"] == "SUCCESS"


@pytest.mark.parametrize("rest", [b"<script></script>", b'{"delivery_order": {}}'])
def test_an_object_with_something_after_it_was_not_cut_short(rest: bytes) -> None:
    with serve(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"delivery_order": {}}' + rest) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (200, False)
    assert str(error).endswith("the answer is not JSON")
