# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
The connection settings. Each comes from the options, else from the environment, and is checked before any request.

The error for an unusable setting is one sentence. It names the source of the setting, and never repeats a secret.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import math
import os
import re
import ssl
import typing as t
import unicodedata
from urllib.parse import quote, unquote, urlsplit

from ._credentials import find_domain_id
from ._errors import THE_API, CloudPondError

# REQUESTS_IMPORT_ERROR of _auth tells callers.
with contextlib.suppress(ImportError):
    from requests.utils import should_bypass_proxies

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: The only global endpoint in the region table of the vendor's SDK. Partner clouds have their own.
DEFAULT_ENDPOINT = "https://ies.myhuaweicloud.com"

#: Seconds, and the number of retries.
DEFAULT_TIMEOUT = 30.0
DEFAULT_MAX_RETRIES = 5

ENDPOINT_VARIABLE = "HW_CLOUDPOND_ENDPOINT"
RETRIES_VARIABLE = "HW_MAX_RETRIES"

#: The variables that requests uses, in its order.
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXY_VARIABLES = ("https_proxy", "all_proxy")

#: The rule for an ID. It can't be stricter, because the vendor's own samples are not valid UUIDs.
SEGMENT_RULE = "must be made of letters, digits, '-' and '_', and must not be empty"

#: Seconds. Larger values overflow in system calls.
_TIMEOUT_MAX = 86400.0


class Endpoint(t.NamedTuple):
    """The address of the API."""

    host: str
    #: Without a slash at its end.
    base_url: str
    #: The endpoint has an http URL, so it is on this machine.
    is_plain: bool


class Proxy(t.NamedTuple):
    """The proxy on the way to the API."""

    #: With user and password, percent-encoded.
    url: str
    #: The proxy's name in errors: host, port, and the variable that contains it.
    name: str
    #: The user and the proxy, as a name for refusals of the password. Empty without a password.
    user: str
    #: Never shown in any output: the password, and the header that a server could echo.
    secrets: tuple[str, ...]


class Settings(t.NamedTuple):
    """The connection settings."""

    endpoint: Endpoint
    #: The account's ID, a part of every path of this API.
    domain_id: str
    #: Seconds, for all of one try.
    timeout: float
    #: Number of retries; 0 sends a request once.
    max_retries: int
    #: Whether certificates are verified, or a file or directory of the CA certificates to trust.
    verify: bool | str
    proxy: Proxy | None


def find_settings(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> Settings:
    """
    :param options: The options that were given: ``endpoint``, ``domain_id``, ``validate_certs``, ``ca_path``,
        ``timeout`` and ``max_retries``. One that is None counts as left out; others are ignored.
    :param environ: Environment variables. An empty one counts as not set.
    :raises CloudPondError: if one of them can't be used.
    """
    endpoint = _find_endpoint(options, environ)
    return Settings(
        endpoint=endpoint,
        domain_id=_find_domain_id(options, environ),
        timeout=_find_timeout(options),
        max_retries=find_max_retries(options, environ),
        verify=_find_verify(options, environ),
        proxy=_find_proxy(endpoint, environ),
    )


def find_unshown(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> frozenset[str]:
    """
    Return values that must not be shown although their options are not secret.

    :return: The endpoint, if it contains a user name or password. Such an endpoint is refused.
    """
    # ansible-core converts any value to text.
    endpoints = map(str, (options.get("endpoint"), environ.get(ENDPOINT_VARIABLE)))
    return frozenset(endpoint for endpoint in endpoints if _may_have_userinfo(endpoint))


def is_valid_id(value: object) -> bool:
    """Return whether a value can be one harmless segment of a path, as SEGMENT_RULE says."""
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]+", value))


def find_max_retries(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> int:
    """
    :return: How often a failed request is sent again.
    :raises CloudPondError: if that is not a whole number of at least 0.
    """
    name, value = "max_retries", options.get("max_retries")
    if value is None:
        name, value = RETRIES_VARIABLE, environ.get(RETRIES_VARIABLE) or DEFAULT_MAX_RETRIES
    if not re.fullmatch(r"\s*\d{1,9}\s*", str(value), re.A):
        raise _refusal(name, f"must be a whole number of at least 0: got {value!r}")
    return int(value)


def _find_endpoint(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> Endpoint:
    name, endpoint = "endpoint", options.get("endpoint")
    if endpoint is None:
        name, endpoint = ENDPOINT_VARIABLE, environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT
    if not isinstance(endpoint, str):
        raise _refusal(name, f"must be a URL such as {DEFAULT_ENDPOINT}")
    # The part before an @ would be a credential, so the error doesn't repeat such an endpoint.
    if _may_have_userinfo(endpoint):
        raise _refusal(name, "must not contain a user name or password")
    try:
        url = urlsplit(endpoint)
        host, _port = url.hostname or "", url.port
    except ValueError:
        # Its text could repeat a part of a password.
        raise _refusal(name, f"must be a URL such as {DEFAULT_ENDPOINT}") from None
    if url.scheme not in ("https", "http") or not host or url.query or url.fragment or not endpoint.isprintable():
        raise _refusal(name, f"must be a URL such as {DEFAULT_ENDPOINT}: got {endpoint!r}")
    if url.scheme == "http" and not _is_loopback(host):
        raise _refusal(name, f"must begin with https://, except for a loopback address: got {endpoint!r}")
    return Endpoint(host, endpoint.rstrip("/"), url.scheme == "http")


def _may_have_userinfo(endpoint: str) -> bool:
    # Some characters count as an @ once they are decoded or normalized.
    return "@" in unicodedata.normalize("NFKC", unquote(endpoint))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _find_domain_id(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> str:
    name, domain_id = find_domain_id(options, environ)
    if not is_valid_id(domain_id):
        raise _refusal(name, f"{SEGMENT_RULE}: got {domain_id!r}")
    return domain_id


def _find_timeout(options: Mapping[str, t.Any]) -> float:
    value = options.get("timeout")
    try:
        timeout = DEFAULT_TIMEOUT if value is None else float(value)
    except (TypeError, ValueError):
        timeout = math.nan
    # This form of the comparison also excludes NaN.
    if not 0 < timeout <= _TIMEOUT_MAX:
        raise _refusal("timeout", f"must be a number greater than 0 and at most {_TIMEOUT_MAX:g}: got {value!r}")
    return timeout


def _find_verify(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> bool | str:
    if options.get("validate_certs") is False:
        return False
    if options.get("ca_path") is not None:
        return _check_ca_path("ca_path", options["ca_path"])
    for name in BUNDLE_VARIABLES:
        if environ.get(name):
            return _check_ca_path(name, environ[name])
    return True


def _check_ca_path(name: str, path: str) -> str:
    # Otherwise a wrong path would fail at the first connection only, and look like an outage.
    try:
        if os.path.isdir(path):
            if not any(re.fullmatch(r"[0-9a-f]{8}\.\d+", file) for file in os.listdir(path)):
                raise _refusal(
                    name,
                    f"names the directory {path!r}, which has no certificate named by its hash: "
                    "run openssl rehash on it",
                )
        else:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise _refusal(name, f"must name a file or directory of CA certificates: {path!r}: {error}") from error
    return path


def _find_proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    # A plain request to this machine must not leave it: the proxy would see the credential.
    if endpoint.is_plain:
        return None
    for lower in PROXY_VARIABLES:
        # As everywhere in Python, the variable in lower case takes precedence, even if it is empty.
        name = lower if lower in environ else lower.upper()
        value = environ.get(name)
        if value:
            no_proxy = environ.get("no_proxy", environ.get("NO_PROXY"))
            # With an empty value, requests would ask the system on macOS.
            if no_proxy and should_bypass_proxies(endpoint.base_url, no_proxy):
                return None
            return _check_proxy(name, value)
    return None


def _check_proxy(name: str, value: str) -> Proxy:
    try:
        url = urlsplit(value if "://" in value else f"http://{value}")
        host, port = url.hostname, url.port
    except ValueError:
        host = port = None
    # An unencoded # or / in a password would end the host, and the URL would name another proxy.
    if (
        not host
        or url.scheme not in ("http", "https")
        or (url.path, url.query, url.fragment)
        not in (
            ("", "", ""),
            ("/", "", ""),
        )
        or not re.fullmatch(r"[\x21-\x7e]+", value)
    ):
        raise _refusal(
            name,
            "must be a URL such as http://proxy.example.com:3128, with http or https, and with the special characters "
            "of its user name and password percent-encoded (the value is not shown, because it may contain a password)",
        )
    address = f"[{host}]" if ":" in host else host
    address = f"{address}:{port}" if port is not None else address
    user, password = unquote(url.username or ""), unquote(url.password or "")
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    header = base64.b64encode(f"{user}:{password}".encode()).decode() if userinfo else ""
    name_of_user = f"{quote(user, safe='')}@{address}" if userinfo else ""
    return Proxy(f"{url.scheme}://{userinfo}{address}", f"{address} ({name})", name_of_user, (password, header))


def _refusal(name: str, must: str) -> CloudPondError:
    return CloudPondError(THE_API, f"{name} {must}")
