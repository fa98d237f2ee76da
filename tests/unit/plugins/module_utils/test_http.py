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
import tracemalloc
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _http
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import FakeClock, Tls, without_port
from .test_client import ID, failure, make_client, serve, show

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]

#: Seconds.
TIMEOUT = 0.3
SLACK = 5.0

COMPRESSED = gzip.compress(b'{"delivery_order": {"id": "%s"}}' % ID.encode(), mtime=0)

TIMED_OUT = "127.0.0.1 did not answer within 0.3 seconds"


def in_time(ask: t.Callable[[], CloudPondError]) -> CloudPondError:
    """Return the failure of a query, which must end in time."""
    begun = time.monotonic()
    error = ask()
    assert time.monotonic() - begun < TIMEOUT + SLACK
    return error


# The time-out


# A time-out of the socket would start anew with each header line and each byte.
@pytest.mark.parametrize("fault", ["endless-headers:0.02", "trickle-body:0.02", "long-length", "hang", "slow:60"])
def test_no_answer_holds_a_query(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT))
    assert (error.http_status, error.retryable) == (None, True)
    assert without_port(error).endswith((TIMED_OUT, "was cut short"))


@pytest.mark.parametrize("fault", ["trickle-body:0.02", "hang"])
def test_no_page_holds_a_query(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS", listing=fault)

    def ask() -> CloudPondError:
        with make_client(emulator.url, timeout=TIMEOUT) as client, pytest.raises(CloudPondError) as caught:
            list(DELIVERY_ORDERS.list_all(client, {}))
        return caught.value

    assert TIMED_OUT in without_port(in_time(ask))


@pytest.mark.parametrize("handshake", ["stall", "trickle:0.02"])
def test_no_handshake_holds_a_query(emulate: Emulate, tls: Tls, handshake: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS", handshake=handshake, certificate=tls.certificate, key=tls.key)
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT, ca_path=tls.ca))
    assert TIMED_OUT in without_port(error)
    assert error.retryable


@pytest.fixture
def unreachable() -> t.Iterator[int]:
    """A port on which connecting takes until somebody gives up: those who wait to be accepted are too many."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _each in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield port
        for each in waiting:
            each.close()


def test_no_address_of_a_name_gets_time_of_its_own(unreachable: int, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", unreachable))] * 8
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: addresses)
    error = in_time(lambda: failure("https://ies.example.com", timeout=TIMEOUT))
    assert "ies.example.com:443 did not answer within 0.3 seconds" in str(error)
    assert error.retryable


def join_tries() -> None:
    """Wait until the threads of all tries have ended."""
    for thread in threading.enumerate():
        if thread.name == "cloudpond-try":
            thread.join(SLACK)
            assert not thread.is_alive()


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[float], None]:
    """Let each name be looked up for some seconds."""
    look_up = socket.getaddrinfo

    def slow_down(seconds: float) -> None:
        def look_up_slowly(*args: t.Any, **kwargs: t.Any) -> t.Any:
            time.sleep(seconds)
            return look_up(*args, **kwargs)

        monkeypatch.setattr("socket.getaddrinfo", look_up_slowly)

    return slow_down


def test_no_name_server_holds_a_query(emulate: Emulate, slow_names: t.Callable[[float], None]) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    slow_names(6)
    begun = time.monotonic()
    error = failure(emulator.url, timeout=1)
    assert 1 <= time.monotonic() - begun < 3
    assert without_port(error).endswith("127.0.0.1 did not answer within 1 seconds")
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
    with Proxy() as proxy:
        emulator = emulate(
            f"{ID}=SUCCESS", **({"certificate": tls.certificate, "key": tls.key} if behind_proxy else {})
        )
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


def test_the_next_address_of_a_name_is_tried(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    port = int(emulator.url.rpartition(":")[2])
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in (1, port)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: addresses)
    assert show("http://localhost:9")["status"] == "SUCCESS"


def test_each_try_has_a_time_out_of_its_own(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=hang*2,SUCCESS")
    assert show(emulator.url, timeout=1, max_retries=2)["status"] == "SUCCESS"


def test_a_slow_answer_within_the_time_out_is_an_answer(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=trickle-body:0.001")
    assert show(emulator.url, timeout=30)["id"] == ID


@contextlib.contextmanager
def stalling(answer: bytes, received: list[bytes] | None = None) -> t.Iterator[str]:
    """A server that sends this to each connection, and then keeps it open."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as connections:

        def serve_all() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = connections.enter_context(listener.accept()[0])
                    request = connection.recv(65536)
                    if received is not None:
                        received.append(request)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve_all, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A close alone would leave the thread in accept().
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(SLACK)


@pytest.mark.parametrize(
    "rest", [b"", b"Content-Len", b"Content-Length: 99\r\n\r\n", b"Content-Length: 99\r\n\r\n{", b"\r\n{"]
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_that_stalls_is_a_refusal(retry_clock: FakeClock, status: int, rest: bytes) -> None:
    received: list[bytes] = []
    with stalling(b"HTTP/1.1 %d No\r\n" % status + rest, received) as url:
        error = in_time(lambda: failure(url, timeout=TIMEOUT, max_retries=5))
    assert (error.http_status, error.retryable) == (status, False)
    assert len(received) == 1
    assert retry_clock.sleeps == []


def test_an_outage_that_stalls_is_an_outage() -> None:
    with stalling(b"HTTP/1.1 503 No\r\n") as url:
        error = in_time(lambda: failure(url, timeout=TIMEOUT))
    assert (error.http_status, error.retryable) == (503, True)


def test_what_came_before_the_time_out_is_no_answer() -> None:
    # Without a length, the answer ends with the connection: what came by then is not the answer.
    whole = b'HTTP/1.1 200 OK\r\n\r\n{"delivery_order": {"id": "%s", "status": "SUCCESS"}}' % ID.encode()
    with stalling(whole) as url:
        assert TIMED_OUT in without_port(in_time(lambda: failure(url, timeout=TIMEOUT)))


def test_a_client_leaves_no_thread(emulate: Emulate) -> None:
    before = set(threading.enumerate())
    emulator = emulate(f"{ID}=SUCCESS")
    own = set(threading.enumerate()) - before
    show(emulator.url)
    deadline = time.monotonic() + SLACK
    while time.monotonic() < deadline:
        left = {thread for thread in threading.enumerate() if thread.name == "cloudpond-try"} - before - own
        if not left:
            return
        time.sleep(0.01)
    raise AssertionError(left)


# The limit to the bytes of an answer


@pytest.mark.parametrize("fault", ["large-error", "large-error:400", "long-headers"])
def test_a_large_error_is_not_looked_at(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    tracemalloc.start()
    try:
        error = in_time(lambda: failure(emulator.url))
        # The emulator is in the same process, and its memory counts too.
        assert tracemalloc.get_traced_memory()[1] < 80 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert error.http_status in (400, 500)
    assert len(str(error)) < 2000


def test_only_the_beginning_of_an_error_is_read(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "ERROR_BODY_MAX", 10)
    assert failure(emulate(f"{ID}=http:400").url).code is None


@pytest.mark.parametrize("fault", ["unknown-encoding", "not-gzip"])
def test_what_cannot_be_decoded_is_no_answer(emulate: Emulate, fault: str) -> None:
    error = failure(emulate(f"{ID}={fault}").url, max_retries=3)
    assert "the answer can't be decoded" in str(error)
    assert (error.http_status, error.retryable) == (200, False)


def test_what_is_compressed_stays_within_bounds() -> None:
    packed = gzip.compress(bytes(64 * 1024 * 1024), mtime=0)
    with serve(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + packed) as url:
        tracemalloc.start()
        try:
            assert "the answer is larger than 10 MiB and was cut off" in str(failure(url))
            assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("duplicate-keys", "the answer has the key 'status' twice"),
        ("duplicate-order", "the answer has the key 'delivery_order' twice"),
        ("nan", "the answer is not JSON"),
        ("infinity", "the answer is not JSON"),
        ("not-utf-8", "the answer is not JSON"),
    ],
)
def test_answers_that_cannot_be_believed(emulate: Emulate, fault: str, reason: str) -> None:
    error = failure(emulate(f"{ID}={fault}").url, max_retries=3)
    assert reason in str(error)
    assert (error.http_status, error.retryable) == (200, False)


@pytest.mark.parametrize("fault", ["cut-chunks", "cut-without-length"])
def test_answers_that_break_off(emulate: Emulate, fault: str) -> None:
    error = in_time(lambda: failure(emulate(f"{ID}={fault}").url, timeout=TIMEOUT))
    assert (error.http_status, error.retryable) == (None, True)


@pytest.mark.parametrize("end", [b"HTTP/1.1 200", b"\n", b"Content-Ty", b"Content-Type: a/b", b"\r\n\r\n"])
def test_an_answer_that_breaks_off_within_its_headers_was_cut_short(end: bytes) -> None:
    # To http.client, the end of the connection is the end of the headers.
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n"
    with serve(answer[: answer.index(end) + len(end)]) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (None, True)
    assert without_port(error).endswith("the answer from 127.0.0.1 was cut short")


@pytest.mark.parametrize(
    ("headers", "body", "cut"),
    [
        (b"", b'{"delivery_order": {"id": "', True),
        (b"", b' {"delivery_order"\n', True),
        (b"", b'\xef\xbb\xbf{"delivery_order"', True),
        (b"", b'{"delivery_order": {"name": "\xe5\xb9', True),
        # Whatever its length says.
        (b"Content-Length: 8\r\n", b'{"deliv"', True),
        (b"Transfer-Encoding: chunked\r\n", b'8\r\n{"deliv"\r\n0\r\n\r\n', True),
        (b"Content-Encoding: gzip\r\n", COMPRESSED[:-9], True),
        (b"Content-Encoding: gzip\r\n", COMPRESSED[:2], True),
        # It was no JSON object from the start, or is one that can't be believed.
        (b"Content-Length: 0\r\n", b"", False),
        (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", False),
        (b"", b"<html><body>", False),
        (b"", b'[{"delivery_order"', False),
        (b"", b'{"delivery_order": {"id": 1, "id": 2}}', False),
        (b"", b'{"delivery_order": NaN}', False),
        (b"Content-Encoding: gzip\r\n", b"not gzip", False),
        (b"Content-Encoding: gzip\r\n", COMPRESSED + COMPRESSED, False),
        (b"Content-Encoding: br\r\n", b"{", False),
    ],
)
def test_an_object_that_breaks_off_was_cut_short(headers: bytes, body: bytes, cut: bool) -> None:
    with serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s" % (headers, body)) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (None if cut else 200, cut)
    assert without_port(error).endswith("the answer from 127.0.0.1 was cut short") is cut


@pytest.mark.parametrize("body", [b"", b'{"error_code": "APIGW.0301"'])
def test_a_refusal_that_was_cut_is_final(body: bytes) -> None:
    with serve(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n" + body) as url:
        error = failure(url, max_retries=3)
    assert (error.http_status, error.retryable) == (401, False)


def test_a_whole_answer_without_a_length() -> None:
    with serve(b'HTTP/1.0 200 OK\r\n\r\n {"delivery_order": {"id": "%s"}}\r\n' % ID.encode()) as url:
        assert show(url)["id"] == ID


def test_half_a_character_becomes_a_mark(emulate: Emulate) -> None:
    order = show(emulate(f"{ID}=lone-surrogate").url)
    assert order["id"] == ID
    order["name"].encode()


def test_a_large_field_is_passed_on(emulate: Emulate) -> None:
    assert len(show(emulate(f"{ID}=large-field").url)["name"]) >= 1024 * 1024


# Proxies


@pytest.fixture
def behind(emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., t.Any]:
    """Return the failure, or the order, of a query of an emulator behind a proxy with this life."""
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)

    def ask(
        life: str,
        *,
        wrong: str = "",
        tries: int = 1,
        userinfo: str = "user:pass%23word",
        timeout: float = TIMEOUT,
        endpoint: str = emulator.url,
        **options: t.Any,
    ) -> t.Any:
        with Proxy(life, login="user:pass#word", **options) as proxy:
            scheme, _colon, rest = proxy.url.partition("://")
            scheme = wrong or scheme
            if scheme == "https":
                # urllib3 1.26 can't verify a proxy by its address.
                rest = rest.replace("127.0.0.1", "localhost")
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{userinfo}@{rest}")
            begun = time.monotonic()
            error: CloudPondError | None = None
            try:
                with make_client(endpoint, ca_path=tls.ca, timeout=timeout, max_retries=tries - 1) as client:
                    return DELIVERY_ORDERS.show(client, ID)
            except CloudPondError as raised:
                error = raised
        assert "pass" not in str(error)
        assert time.monotonic() - begun < tries * (timeout + SLACK)
        return error, rest, len(proxy.requests)

    return ask


@pytest.mark.parametrize("secure", [False, True])
def test_a_query_goes_through_a_proxy(behind: t.Callable[..., t.Any], tls: Tls, secure: bool) -> None:
    options = {"certificate": tls.certificate, "key": tls.key} if secure else {}
    assert behind("ok", timeout=30, **options)["status"] == "SUCCESS"


@pytest.mark.parametrize("status", [400, 403, 407, 404])
def test_a_refusal_of_a_proxy_is_final(behind: t.Callable[..., t.Any], retry_clock: object, status: int) -> None:
    error, address, requests = behind(f"http:{status}", tries=4, timeout=30)
    assert f"the proxy {address} (HTTPS_PROXY) refused to connect: {status}" in str(error)
    assert (error.http_status, error.retryable) == (None, False)
    assert requests == 1


def test_a_tunnel_with_broken_headers_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        error = failure("https://ies.example.com", max_retries=0)
    reason = "got more than 65536 bytes when reading header line"
    assert str(error).endswith(f"no answer from the proxy {url[7:]} (HTTPS_PROXY): {reason}")
    assert error.retryable


def test_a_refusal_of_a_proxy_with_broken_headers_is_final(
    retry_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(b"HTTP/1.1 407 No\r\n" + b"X: y\r\n" * 200) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        error = failure("https://ies.example.com", max_retries=3)
    assert f"the proxy {url[7:]} (HTTPS_PROXY) refused to connect: 407" in str(error)
    assert not error.retryable


def test_a_wrong_password_is_sent_to_a_proxy_once(behind: t.Callable[..., t.Any], retry_clock: object) -> None:
    error, address, requests = behind(
        "ok", tries=4, timeout=30, userinfo="user:passé".encode("ascii", "ignore").decode()
    )
    assert f"the proxy {address} (HTTPS_PROXY) refused to connect: 407" in str(error)
    assert (error.http_status, error.retryable, requests) == (None, False, 1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_outage_of_a_proxy_is_waited_out(behind: t.Callable[..., t.Any], retry_clock: object, status: int) -> None:
    assert behind(f"http:{status}*2,ok", tries=3, timeout=30)["status"] == "SUCCESS"
    error, address, requests = behind(f"http:{status}", tries=3, timeout=30)
    assert f"the proxy {address} (HTTPS_PROXY) refused to connect: {status}" in str(error)
    assert (error.http_status, error.retryable, requests) == (None, True, 3)


@pytest.mark.parametrize("fault", ["hang", "trickle:0.02", "trickle:0", "reset"])
def test_no_proxy_holds_a_query(behind: t.Callable[..., t.Any], fault: str) -> None:
    error, address, _requests = behind(fault)
    assert f"the proxy {address} (HTTPS_PROXY)" in str(error)
    assert error.retryable


@pytest.mark.parametrize("fault", ["hang-after", "cut"])
def test_what_fails_behind_a_proxy_names_both(behind: t.Callable[..., t.Any], fault: str) -> None:
    error, address, _requests = behind(fault)
    assert "no answer from 127.0.0.1" in without_port(error) or "127.0.0.1 did not answer within" in without_port(error)
    assert f", through the proxy {address} (HTTPS_PROXY)" in str(error)
    assert error.retryable


def test_a_server_behind_a_proxy_that_speaks_http(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(emulate().url.replace("http://", "https://"))
    via = f"through the proxy {proxy.url[7:]} (HTTPS_PROXY)"
    assert without_port(f"no answer from 127.0.0.1, which seems to speak http, not https, {via}: ") in without_port(
        error
    )
    assert error.retryable


def test_a_certificate_behind_a_proxy_that_does_not_verify(
    emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate(certificate=tls.certificate, key=tls.key)
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(emulator.url)
    via = f"through the proxy {proxy.url[7:]} (HTTPS_PROXY)"
    assert without_port(f"the certificate of 127.0.0.1 can't be verified, {via}: ") in without_port(error)
    assert not error.retryable


def test_an_answer_that_is_cut_short_behind_a_proxy(behind: t.Callable[..., t.Any], emulate: Emulate, tls: Tls) -> None:
    emulator = emulate(f"{ID}=cut-short", certificate=tls.certificate, key=tls.key)
    error, address, _requests = behind("ok", endpoint=emulator.url, timeout=30)
    proxy = without_port(f"the proxy {address} (HTTPS_PROXY)")
    assert without_port(error).endswith(f"the answer from 127.0.0.1 was cut short, through {proxy}")


#: Answers that are not HTTP, and what a message says of each.
NO_HTTP = [
    (b"SSH-2.0-OpenSSH_9.6\r\n", ": SSH-2.0-OpenSSH_9.6"),
    (b"\x00\x01garbage \x1b[31m\r\n\r\n", ": garbage [31m"),
    (b"HTTP/1.1 2000 Odd\r\n\r\n", ": HTTP/1.1 2000 Odd"),
    (b"x" * 70_000, ": got more than 65536 bytes when reading status line"),
    (b"\r\n\r\n", ""),
    (b"\x00\r\n", ""),
]


@pytest.mark.parametrize(("answer", "reason"), NO_HTTP)
def test_a_proxy_that_does_not_speak_http(monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str) -> None:
    with serve(answer) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://user:secret@"))
        error = failure("https://ies.example.com")
    assert error.message == f"the proxy {url[7:]} (HTTPS_PROXY) did not answer as an HTTP proxy{reason}"
    assert error.retryable


def test_a_proxy_without_http_that_echoes_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    # user:secret/word, as the proxy was sent it.
    with serve(b"Basic dXNlcjpzZWNyZXQvd29yZA== secret/word\r\n") as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://user:secret%2Fword@"))
        error = failure("https://ies.example.com")
    assert str(error).endswith(" did not answer as an HTTP proxy: Basic ******** ********")


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


@pytest.mark.parametrize("handshake", ["stall", "trickle:0.02", "reset"])
def test_no_handshake_with_a_proxy_holds_a_query(behind: t.Callable[..., t.Any], tls: Tls, handshake: str) -> None:
    error, address, _requests = behind("ok", handshake=handshake, certificate=tls.certificate, key=tls.key)
    assert f"the proxy {address} (HTTPS_PROXY)" in str(error)
    assert error.retryable


@pytest.mark.parametrize("fault", ["hang", "trickle-body:0.02"])
def test_no_answer_through_a_secure_proxy_holds_a_query(
    behind: t.Callable[..., t.Any], emulate: Emulate, tls: Tls, fault: str
) -> None:
    emulator = emulate(f"{ID}={fault}", certificate=tls.certificate, key=tls.key)
    # Two handshakes come before the answer.
    error, address, _requests = behind("ok", endpoint=emulator.url, timeout=1, certificate=tls.certificate, key=tls.key)
    assert error.retryable
    assert "127.0.0.1 did not answer within 1 seconds, through the proxy" in without_port(error)
    assert f"through the proxy {address} (HTTPS_PROXY)" in str(error)


def test_a_proxy_that_speaks_http_under_https(behind: t.Callable[..., t.Any]) -> None:
    error, address, _requests = behind("ok", wrong="https")
    assert f"no answer from the proxy {address} (HTTPS_PROXY), which seems to speak http, not https" in str(error)


def test_a_proxy_whose_certificate_does_not_verify(behind: t.Callable[..., t.Any], tmp_path: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    paths = [tmp_path / "certificate.pem", tmp_path / "key.pem"]
    server.cert_chain_pems[0].write_to_path(str(paths[0]))
    server.private_key_pem.write_to_path(str(paths[1]))
    error, address, _requests = behind("ok", certificate=str(paths[0]), key=str(paths[1]))
    assert f"the certificate of the proxy {address} (HTTPS_PROXY) can't be verified" in str(error)
    assert not error.retryable


def test_an_echo_of_a_proxys_password_is_masked(behind: t.Callable[..., t.Any]) -> None:
    error, _address, _requests = behind("echo:407")
    assert "********" in str(error)


def test_a_proxy_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        url = proxy.url
    monkeypatch.setenv("ALL_PROXY", url.replace("http://", "http://user:password@"))
    error = failure("https://ies.example.com")
    assert str(error).endswith(f"no answer from the proxy {url[7:]} (ALL_PROXY): Connection refused")
    assert error.retryable


@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({"HTTPS_PROXY": "GONE", "https_proxy": ""}, False),
        ({"HTTPS_PROXY": "GONE", "NO_PROXY": "127.0.0.1"}, False),
        ({"HTTPS_PROXY": "GONE", "no_proxy": "127.0.0.0/8"}, False),
        ({"HTTPS_PROXY": "GONE", "NO_PROXY": "*", "no_proxy": ""}, True),
        ({"HTTPS_PROXY": "GONE", "NO_PROXY": "example.com"}, True),
        ({"ALL_PROXY": "GONE", "HTTPS_PROXY": ""}, True),
        ({"HTTP_PROXY": "GONE"}, False),
    ],
)
def test_which_proxy_the_environment_means(
    emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], used: bool
) -> None:
    emulator = emulate(f"{ID}=SUCCESS", certificate=tls.certificate, key=tls.key)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("GONE", "127.0.0.1:1"))
    if used:
        assert "the proxy 127.0.0.1:1" in str(failure(emulator.url, ca_path=tls.ca))
    else:
        assert show(emulator.url, ca_path=tls.ca)["status"] == "SUCCESS"
