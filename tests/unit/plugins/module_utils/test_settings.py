# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest

from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._errors import CloudPondError
from ansible_collections.huaweicloud.cloudpond.plugins.module_utils._settings import Proxy, Sources, find_settings

from ...conftest import DOMAIN_ID

NAN = float("nan")


def proxy_of(endpoint: str = "https://ies.example.com", **environ: str) -> Proxy | None:
    return find_settings(Sources({"endpoint": endpoint, "domain_id": DOMAIN_ID}, environ)).proxy


@pytest.mark.parametrize(
    ("value", "url", "name", "login"),
    [
        ("http://proxy:3128", "http://proxy:3128", "proxy:3128", ""),
        ("proxy:3128", "http://proxy:3128", "proxy:3128", ""),
        ("https://[::1]/", "https://[::1]", "[::1]", ""),
        ("http://user:word@proxy", "http://user:word@proxy", "proxy", "user:word"),
        ("http://user@proxy", "http://user:@proxy", "proxy", "user:"),
        ("http://:word@proxy", "http://:word@proxy", "proxy", ":word"),
        ("http://us%2Fer:wo%2Frd%40@proxy:1", "http://us%2Fer:wo%2Frd%40@proxy:1", "proxy:1", "us/er:wo/rd@"),
        ("http://a~b:c!d@proxy", "http://a~b:c%21d@proxy", "proxy", "a~b:c!d"),
    ],
)
def test_a_proxy(value: str, url: str, name: str, login: str) -> None:
    proxy = proxy_of(https_proxy=value)
    assert proxy
    assert (proxy.url, proxy.name) == (url, f"{name} (https_proxy)")
    # A server can echo the header as it was sent.
    assert proxy.secrets == (login.partition(":")[2], base64.b64encode(login.encode()).decode())


@pytest.mark.parametrize(
    ("value", "user"),
    [
        ("http://proxy:3128", ""),
        ("http://user:word@proxy:3128", "user@proxy:3128"),
        ("http://u%40:word@proxy", "u%40@proxy"),
        ("http://:word@proxy", "@proxy"),
    ],
)
def test_the_user_of_a_proxy(value: str, user: str) -> None:
    proxy = proxy_of(https_proxy=value)
    assert proxy
    assert proxy.user == user


@pytest.mark.parametrize(
    "value",
    [
        "socks5://proxy:1080",
        "http://",
        "http://proxy:port",
        "http://[::1",
        "http://user:1#word@proxy",
        "http://user:1/word@proxy",
        "http://user:pass word@proxy",
        "http://user:p\u00e4ss@proxy",
    ],
)
def test_a_proxy_that_is_refused_is_not_shown(value: str) -> None:
    with pytest.raises(CloudPondError) as caught:
        proxy_of(HTTPS_PROXY=value)
    assert str(caught.value) == (
        "Cannot query the CloudPond API: HTTPS_PROXY must be a URL such as http://proxy.example.com:3128, with http or "
        "https, and with the special characters of its user name and password percent-encoded (the value is not shown, "
        "because it may contain a password)"
    )


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"https_proxy": "one", "HTTPS_PROXY": "two"}, "one (https_proxy)"),
        ({"https_proxy": "", "HTTPS_PROXY": "two"}, None),
        ({"HTTPS_PROXY": "two", "ALL_PROXY": "three"}, "two (HTTPS_PROXY)"),
        ({"http_proxy": "four"}, None),
        ({"https_proxy": "one", "NO_PROXY": "example.com"}, None),
        ({"https_proxy": "one", "no_proxy": "", "NO_PROXY": "example.com"}, "one (https_proxy)"),
        ({"https_proxy": "one", "no_proxy": "example.org"}, "one (https_proxy)"),
    ],
)
def test_which_variable_counts(environ: dict[str, str], name: str | None) -> None:
    proxy = proxy_of(**environ)
    assert (proxy.name if proxy else None) == name


@pytest.mark.parametrize("environ", [{}, {"no_proxy": ""}, {"NO_PROXY": ""}])
def test_the_system_is_not_asked_for_exceptions(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    # What requests does on macOS if no list is given.
    monkeypatch.setattr("requests.utils.proxy_bypass", lambda host: True)
    assert proxy_of(https_proxy="one", **environ)


NO_URL = "must be a URL such as https://ies.myhuaweicloud.com"
NO_TLS = "must begin with https://, except for a loopback address: got"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        *(("endpoint", value, NO_TLS) for value in ("http://ies.example.com", "http://127.0.0.1.example.com")),
        *(("endpoint", value, NO_URL) for value in ("", "ies", "ftp://127.0.0.1", "https://", "https://host?query")),
        *(("endpoint", value, NO_URL) for value in ("https://h#f", "https://h\nost", "https://h:port", "https://[::1")),
        ("endpoint", "https://user:secret@host", "must not contain a user name or password"),
        ("domain_id", "a/b", "must be made of letters, digits, '-' and '_', and must not be empty: got 'a/b'"),
        *(("timeout", value, "must be a number greater than 0 and at most 86400: got") for value in (0, NAN, 1e12)),
        *(("max_retries", value, "must be a whole number of at least 0: got") for value in (-1, 1.5)),
        ("ca_path", "/nowhere", "must name a file or directory of CA certificates: '/nowhere': [Errno 2] "),
        ("ca_path", __file__, "must name a file or directory of CA certificates: "),
    ],
)
def test_a_refusal_is_a_whole_sentence(option: str, value: object, message: str) -> None:
    options = {"endpoint": "https://ies.example.com", "domain_id": DOMAIN_ID, option: value}
    with pytest.raises(CloudPondError) as caught:
        find_settings(Sources(options, {}))
    assert str(caught.value).startswith(f"Cannot query the CloudPond API: {option} {message}")
    assert "secret" not in str(caught.value)
    assert not caught.value.retryable


@pytest.mark.parametrize("host", ["localhost", "127.8.9.10", "[::1]"])
def test_plain_http_is_for_loopback(host: str) -> None:
    assert find_settings(Sources({"endpoint": f"http://{host}:1", "domain_id": DOMAIN_ID}, {})).endpoint.is_plain
