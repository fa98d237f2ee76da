# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

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

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils import _deadline, _transport
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._deadline import RECEIVED_MAX, Watch
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._delivery_orders import DELIVERY_ORDERS
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.tests.emulator import Proxy

from ...conftest import Tls
from .test_client import ID, failure, make_client, serve, show

if t.TYPE_CHECKING:
    from ansible_collections.huaweicloud.cloudpond.tests.emulator import Emulator

    Emulate = t.Callable[..., Emulator]

#: Seconds. A time-out of one socket's reads would start anew every 0.02 of them.
TIMEOUT = 0.3
SLACK = 5.0

#: Answers that never end, slowly and as fast as they can.
ENDLESS = [
    f"endless-{part}:{pause}"
    for part in ("headers", "header-line", "interim", "chunks", "chunk-line", "trailers")
    for pause in ("0.02", "0")
]

COMPRESSED = gzip.compress(b'{"delivery_order": {"id": "%s"}}' % ID.encode(), mtime=0)

TIMED_OUT = "127.0.0.1 did not answer within 0.3 seconds"


def in_time(ask: t.Callable[[], CloudPondError]) -> CloudPondError:
    """Return the failure of a query, which must end in time."""
    begun = time.monotonic()
    error = ask()
    assert time.monotonic() - begun < TIMEOUT + SLACK
    return error


# The deadline


@pytest.mark.parametrize("fault", [*ENDLESS, "trickle-body:0.02", "long-length", "hang", "slow:60"])
def test_no_answer_holds_a_query(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT))
    assert error.http_status is None
    assert error.retryable
    ends = (TIMED_OUT, "was cut short", "got more than 100 headers", "got more than 65536 bytes")
    assert str(error).endswith(ends) or "no answer from 127.0.0.1: got more than" in str(error)
    # As fast as it can, the answer may first be larger than any is.
    assert TIMED_OUT in str(error) or fault.endswith(":0")


@pytest.mark.parametrize("fault", ["trickle-body:0.02", "hang"])
def test_no_page_holds_a_query(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS", listing=fault)

    def ask() -> CloudPondError:
        with make_client(emulator.url, timeout=TIMEOUT) as client, pytest.raises(CloudPondError) as caught:
            list(DELIVERY_ORDERS.list_all(client, {}))
        return caught.value

    assert TIMED_OUT in str(in_time(ask))


@pytest.mark.parametrize("handshake", ["stall", "trickle:0.02"])
def test_no_handshake_holds_a_query(emulate: Emulate, tls: Tls, handshake: str) -> None:
    emulator = emulate(f"{ID}=SUCCESS", handshake=handshake, certificate=tls.certificate, key=tls.key)
    error = in_time(lambda: failure(emulator.url, timeout=TIMEOUT, ca_path=tls.ca))
    assert TIMED_OUT in str(error)
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
    assert "ies.example.com did not answer within 0.3 seconds" in str(error)
    assert error.retryable


def test_the_next_address_of_a_name_is_tried(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = emulate(f"{ID}=SUCCESS")
    port = int(emulator.url.rpartition(":")[2])
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in (1, port)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: addresses)
    assert show("http://localhost:9")["status"] == "SUCCESS"


def test_closing_ends_a_thread_that_connects(unreachable: int) -> None:
    client = make_client(f"http://127.0.0.1:{unreachable}", timeout=60)

    def ask() -> None:
        with pytest.raises(CloudPondError):
            DELIVERY_ORDERS.show(client, ID)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(TIMEOUT)
    client.close()
    thread.join(SLACK)
    assert not thread.is_alive()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux shows the signals that a thread blocks")
def test_no_thread_of_a_query_takes_a_signal(emulate: Emulate) -> None:
    # Ansible sends its workers two signals at once. The handlers run in the main thread, which nothing else wakes up.
    emulator = emulate(f"{ID}=SUCCESS", "b=slow:60", "c=slow:60")
    client = make_client(emulator.url, timeout=60)

    def ask() -> None:
        with pytest.raises(CloudPondError):
            DELIVERY_ORDERS.show_many(client, [ID, "b", "c"])

    before = {*threading.enumerate()}
    asking = threading.Thread(target=ask)
    asking.start()
    while len(emulator.requests) < 3:
        assert asking.is_alive()
        time.sleep(0.01)
    clients = {*threading.enumerate()} - before - {asking}
    started = [thread for thread in clients if thread.name.startswith(("cloudpond-", "ThreadPoolExecutor"))]
    assert len(started) == 3
    for thread in started:
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text(encoding="ascii")
        blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            assert blocked & 1 << (number - 1), (thread.name, number)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    client.close()
    asking.join(SLACK)
    assert not asking.is_alive()


def test_a_handler_that_raises_leaves_no_signal_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    change_mask = signal.pthread_sigmask

    def interrupted(how: int, mask: t.Iterable[int]) -> set[signal.Signals]:
        before = change_mask(how, mask)
        # Python runs the handlers of pending signals before it returns.
        if how == signal.SIG_BLOCK and mask:
            raise KeyboardInterrupt
        return t.cast("set[signal.Signals]", before)

    monkeypatch.setattr("signal.pthread_sigmask", interrupted)
    with pytest.raises(KeyboardInterrupt), _deadline.without_signals():
        pass
    assert not change_mask(signal.SIG_BLOCK, [])


def test_each_try_has_a_deadline_of_its_own(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=hang*2,SUCCESS")
    assert show(emulator.url, timeout=1, max_retries=2)["status"] == "SUCCESS"


def test_a_slow_answer_within_the_deadline_is_an_answer(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=trickle-body:0.001")
    assert show(emulator.url, timeout=30)["id"] == ID


def test_a_refusal_that_trickles_is_a_refusal() -> None:
    with serve(b"HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\n{") as url:
        error = in_time(lambda: failure(url, timeout=TIMEOUT, max_retries=5))
    assert (error.http_status, error.retryable) == (401, False)


def failure_after(answer: bytes) -> CloudPondError:
    """Return the failure of a query whose server sends this, and then keeps the connection open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve_once() -> None:
            connection, _peer = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                ended.wait(5)

        thread = threading.Thread(target=serve_once)
        thread.start()
        error = in_time(lambda: failure(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=TIMEOUT))
        ended.set()
        thread.join()
    return error


def test_an_end_that_the_deadline_makes_is_no_answer() -> None:
    # Without a length, the answer ends with the connection: what came by then is not the answer.
    whole = b'HTTP/1.1 200 OK\r\n\r\n{"delivery_order": {"id": "%s", "status": "SUCCESS"}}' % ID.encode()
    assert TIMED_OUT in str(failure_after(whole))


def test_a_socket_that_times_out_first_gives_the_same_message(monkeypatch: pytest.MonkeyPatch) -> None:
    # The time-out of the socket and the deadline pass at almost the same time, and the watchdog's thread can be late.
    monkeypatch.setattr(Watch, "expire", lambda watch: None)
    assert TIMED_OUT in str(failure_after(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"))


def test_closing_ends_what_other_threads_are_at(emulate: Emulate) -> None:
    emulator = emulate(f"{ID}=hang")
    client = make_client(emulator.url, timeout=60, max_retries=5)
    failures: list[CloudPondError] = []

    def ask() -> None:
        with pytest.raises(CloudPondError) as caught:
            DELIVERY_ORDERS.show(client, ID)
        failures.append(caught.value)

    thread = threading.Thread(target=ask)
    thread.start()
    while not emulator.requests:
        time.sleep(0.01)
    begun = time.monotonic()
    client.close()
    thread.join(SLACK)
    assert not thread.is_alive()
    assert time.monotonic() - begun < SLACK
    assert len(failures) == len(emulator.requests) == 1


def test_a_client_leaves_no_thread(emulate: Emulate) -> None:
    before = set(threading.enumerate())
    emulator = emulate(f"{ID}=SUCCESS")
    own = set(threading.enumerate()) - before
    show(emulator.url)
    deadline = time.monotonic() + SLACK
    while time.monotonic() < deadline:
        left = {thread for thread in threading.enumerate() if thread.name == "cloudpond-watchdog"} - before - own
        if not left:
            return
        time.sleep(0.01)
    raise AssertionError(left)


# The limit to the bytes of an answer


@pytest.mark.parametrize("fault", ["large-error", "escaped-error", "large-error:400", "long-headers"])
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


def test_an_answer_with_more_around_the_body_than_it_may_have_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_deadline, "RECEIVED_MAX", 1024 * 1024)
    # Each chunk is one byte long, after an extension of 1,000.
    chunk = b"1;" + b"x" * 1000 + b"\r\n \r\n"
    order = b'{"delivery_order": {"id": "%s"}}' % ID.encode()
    end = b"%x\r\n%s\r\n0\r\n\r\n" % (len(order), order)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with serve(head + chunk * 900 + end) as url:
        assert show(url)["id"] == ID
    with serve(head + chunk * 1100 + end) as url:
        assert failure(url).retryable


def test_only_the_beginning_of_an_error_is_read(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "ERROR_BODY_MAX", 10)
    assert failure(emulate(f"{ID}=http:400").url).code is None


@pytest.mark.parametrize("fault", ["gzip-bomb", "gzip-gzip-bomb", "unknown-encoding", "not-gzip"])
def test_what_is_compressed_stays_within_bounds(emulate: Emulate, fault: str) -> None:
    emulator = emulate(f"{ID}={fault}")
    error = failure(emulator.url, max_retries=3)
    assert "the answer can't be decoded" in str(error)
    assert (error.http_status, error.retryable) == (200, False)


def test_a_chunk_of_less_than_nothing_is_not_read_to_its_end() -> None:
    # For a chunk of -1 bytes, http.client reads all there is.
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b" " * (2 * RECEIVED_MAX)
    tracemalloc.start()
    try:
        with serve(endless) as url:
            error = failure(url)
        # The sender is in the same process, and its memory counts too.
        assert tracemalloc.get_traced_memory()[1] < len(endless) + 3 * RECEIVED_MAX
    finally:
        tracemalloc.stop()
    assert error.retryable
    assert "was cut short" in str(error)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("duplicate-keys", "the answer has the key 'status' twice"),
        ("duplicate-order", "the answer has the key 'delivery_order' twice"),
        ("nan", "the answer is not JSON"),
        ("infinity", "the answer is not JSON"),
        ("huge-float", "the answer is not JSON"),
        ("huge-integer", "the answer is not JSON"),
        ("deep", "the answer is not JSON"),
        ("not-utf-8", "the answer is not JSON"),
        ("short-length", "the answer is not JSON"),
    ],
)
def test_answers_that_cannot_be_believed(emulate: Emulate, fault: str, reason: str) -> None:
    error = failure(emulate(f"{ID}={fault}").url, max_retries=3)
    assert reason in str(error)
    assert (error.http_status, error.retryable) == (200, False)


@pytest.mark.parametrize("fault", ["cut-chunks", "cut-without-length", "negative-chunk", "garbage-chunk"])
def test_answers_that_break_off(emulate: Emulate, fault: str) -> None:
    error = in_time(lambda: failure(emulate(f"{ID}={fault}").url, timeout=TIMEOUT))
    assert (error.http_status, error.retryable) == (None, True)


@pytest.mark.parametrize(
    ("framing", "body", "retryable"),
    [
        # It ends with the connection, which may have been cut.
        (b"", b'{"delivery_order": {"id": "', True),
        (b"", b' {"delivery_order"\n', True),
        (b"", b'{"delivery_order": {"id": "\\\\"}', True),
        (b"", b'{"delivery_order": {"name": "}}', True),
        (b"", b'{"delivery_order": {"name": "\\"}}', True),
        (b"", b'\xef\xbb\xbf{"delivery_order"', True),
        (b"", b"", True),
        (b"Content-Encoding: gzip\r\n", COMPRESSED[:-9], True),
        (b"Content-Encoding: gzip\r\n", COMPRESSED[:2], True),
        # It was no JSON object from the start, or ends as one.
        (b"", b"<html><body>", False),
        (b"", b'{"delivery_order": }\n', False),
        (b"", b'{"delivery_order": "{" "{"}', False),
        (b"", b'{"delivery_order": {"name": "\\""} "{"}', False),
        (b"", b'{"delivery_order": "\\\\" "{"}', False),
        (b"", b'[{"delivery_order"', False),
        (b"Content-Encoding: gzip\r\n", b"not gzip", False),
        (b"Content-Encoding: gzip\r\n", COMPRESSED + COMPRESSED, False),
        (b"Content-Encoding: br\r\n", b"{", False),
        # It ended as it was meant to.
        (b"Content-Length: 8\r\n", b'{"deliv"', False),
        (b"Transfer-Encoding: chunked\r\n", b'8\r\n{"deliv"\r\n0\r\n\r\n', False),
        (b"Content-Length: 0\r\n", b"", False),
        (b"Content-Length: 9\r\nContent-Encoding: gzip\r\n", COMPRESSED[:9], False),
    ],
)
def test_only_an_answer_without_a_length_can_have_been_cut(framing: bytes, body: bytes, retryable: bool) -> None:
    with serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s" % (framing, body)) as url:
        error = failure(url)
    assert (error.http_status, error.retryable) == (None if retryable else 200, retryable)
    assert ("was cut short" in str(error)) is retryable


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
    assert "no answer from 127.0.0.1" in str(error) or "127.0.0.1 did not answer within" in str(error)
    assert f", through the proxy {address} (HTTPS_PROXY)" in str(error)
    assert error.retryable


def test_a_server_behind_a_proxy_that_speaks_http(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(emulate().url.replace("http://", "https://"))
    via = f"through the proxy {proxy.url[7:]} (HTTPS_PROXY)"
    assert f"no answer from 127.0.0.1, which seems to speak http, not https, {via}: " in str(error)
    assert error.retryable


def test_a_certificate_behind_a_proxy_that_does_not_verify(
    emulate: Emulate, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate(certificate=tls.certificate, key=tls.key)
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(emulator.url)
    via = f"through the proxy {proxy.url[7:]} (HTTPS_PROXY)"
    assert f"the certificate of 127.0.0.1 can't be verified, {via}: " in str(error)
    assert not error.retryable


def test_an_answer_that_is_cut_short_behind_a_proxy(behind: t.Callable[..., t.Any], emulate: Emulate, tls: Tls) -> None:
    emulator = emulate(f"{ID}=cut-short", certificate=tls.certificate, key=tls.key)
    error, address, _requests = behind("ok", endpoint=emulator.url, timeout=30)
    assert str(error).endswith(f"the answer from 127.0.0.1 was cut short, through the proxy {address} (HTTPS_PROXY)")


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
    assert error.message == f"127.0.0.1 did not answer as an HTTP server{reason}"
    assert error.retryable


def test_a_hang_up_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(b"", b"") as url:
        assert "no answer from 127.0.0.1: " in str(failure(url))
        monkeypatch.setenv("HTTPS_PROXY", url)
        assert f"no answer from the proxy {url[7:]} (HTTPS_PROXY): " in str(failure("https://ies.example.com"))


@pytest.mark.parametrize("handshake", ["stall", "trickle:0.02", "reset"])
def test_no_handshake_with_a_proxy_holds_a_query(behind: t.Callable[..., t.Any], tls: Tls, handshake: str) -> None:
    error, address, _requests = behind("ok", handshake=handshake, certificate=tls.certificate, key=tls.key)
    assert f"the proxy {address} (HTTPS_PROXY)" in str(error)
    assert error.retryable


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
