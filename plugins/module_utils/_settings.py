# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""
The options of a connection: one table of them, the places where each can be, and its check before any request.

The error for an unusable setting is one sentence. It names the source of the setting, and never repeats a secret.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import ssl
import stat
import typing as t
from functools import cached_property
from urllib.parse import quote, unquote, urlsplit

from ._auth import check_header_value
from ._errors import THE_API, CloudPondError

# REQUESTS_IMPORT_ERROR of _auth tells callers.
with contextlib.suppress(ImportError):
    from requests.utils import should_bypass_proxies

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The variables that requests uses, in its order.
PROXY_VARIABLES = ("https_proxy", "all_proxy")

#: Names a file in place of the default one. Its section for global services counts.
FILE_VARIABLE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_FILE = "~/.huaweicloud/credentials"
FILE_SECTION = "global"

#: The rule for an ID. It can't be stricter, because the vendor's own samples are not valid UUIDs.
SEGMENT_RULE = "must be made of letters, digits, '-' and '_', and must not be empty"

#: Bytes. A credentials file is far smaller.
_FILE_SIZE_MAX = 1024 * 1024

#: Seconds. Larger values overflow in system calls.
_TIMEOUT_MAX = 86400.0


class Endpoint(t.NamedTuple):
    """The address of the API."""

    #: Host and port, as they stand in messages.
    name: str
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


def is_valid_id(value: object) -> bool:
    """Return whether a value can be one harmless segment of a path, as SEGMENT_RULE says."""
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]+", value))


# The checks of the table below. Each takes the name of the value's source and the value, and returns the setting.


def _check_endpoint(name: str, endpoint: str) -> Endpoint:
    # The part before an @ would be a credential, so the error doesn't repeat such an endpoint.
    if _has_userinfo(endpoint):
        raise _refusal(name, "must not contain a user name or password")
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        # Its text could repeat a part of a password.
        raise _refusal(name, f"must be a URL such as {DEFAULT_ENDPOINT}") from None
    if url.scheme not in ("https", "http") or not host or url.query or url.fragment or not endpoint.isprintable():
        raise _refusal(name, f"must be a URL such as {DEFAULT_ENDPOINT}: got {endpoint!r}")
    if url.scheme == "http" and not _is_loopback(host):
        raise _refusal(name, f"must begin with https://, except for a loopback address: got {endpoint!r}")
    return Endpoint(f"{_in_url(host)}:{port}", endpoint.rstrip("/"), url.scheme == "http")


def _has_userinfo(endpoint: str) -> bool:
    return "@" in unquote(endpoint)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_domain_id(name: str, domain_id: str) -> str:
    if not is_valid_id(domain_id):
        raise _refusal(name, f"{SEGMENT_RULE}: got {domain_id!r}")
    return domain_id


def _check_ca_path(name: str, path: str) -> str:
    # A wrong path would fail at the first connection only, and look like an outage.
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


def _check_timeout(name: str, value: float) -> float:
    # This form of the comparison also excludes NaN.
    if not 0 < value <= _TIMEOUT_MAX:
        raise _refusal(name, f"must be a number greater than 0 and at most {_TIMEOUT_MAX:g}: got {value!r}")
    return float(value)


def _check_max_retries(name: str, value: int | str) -> int:
    if not re.fullmatch(r"\s*\d{1,9}\s*", str(value), re.A):
        raise _refusal(name, f"must be a whole number of at least 0: got {value!r}")
    return int(value)


#: The only global endpoint in the region table of the vendor's SDK. Partner clouds have their own.
DEFAULT_ENDPOINT = "https://ies.myhuaweicloud.com"


class Option(t.NamedTuple):
    """An option of a connection."""

    #: Takes the name of the value's source and the value. Returns the setting, or raises CloudPondError.
    check: Callable[[str, t.Any], t.Any]
    #: The type in an argument spec.
    type: str = "str"
    #: The environment variables that replace it, in this order.
    variables: tuple[str, ...] = ()
    #: The key in the file of the vendor's SDK that replaces these.
    file_key: str = ""
    default: t.Any = None
    required: bool = False
    secret: bool = False


#: The options of a connection. A new one is added here, and to the documentation fragment. The variables are those of
#: the vendor's Terraform provider, then those of its SDK, and for ca_path those of requests, in its order.
OPTIONS = {
    "endpoint": Option(_check_endpoint, "str", ("HW_CLOUDPOND_ENDPOINT",), default=DEFAULT_ENDPOINT),
    "domain_id": Option(
        _check_domain_id, "str", ("HW_DOMAIN_ID", "HUAWEICLOUD_SDK_DOMAIN_ID"), "domain_id", required=True
    ),
    "auth_token": Option(check_header_value, "str", ("HW_AUTH_TOKEN",), secret=True),
    "access_key": Option(check_header_value, "str", ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"), "ak"),
    "secret_key": Option(check_header_value, "str", ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"), "sk", secret=True),
    "security_token": Option(
        check_header_value,
        "str",
        ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        "security_token",
        secret=True,
    ),
    "validate_certs": Option(lambda _name, value: value is not False, "bool", default=True),
    "ca_path": Option(_check_ca_path, "path", ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")),
    "timeout": Option(_check_timeout, "float", default=30.0),
    "max_retries": Option(_check_max_retries, "int", ("HW_MAX_RETRIES",), default=5),
}


class Sources:
    """The places where an option can be: those given, then the environment, then the file of the vendor's SDK."""

    def __init__(self, options: Mapping[str, t.Any], environ: Mapping[str, str]) -> None:
        """
        :param options: The options that were given. One that is None counts as left out; unknown ones are ignored.
        :param environ: Environment variables. An empty one counts as not set.
        """
        self.given = {name: options[name] for name in OPTIONS if options.get(name) is not None}
        self.environ = environ

    def setting(self, name: str) -> t.Any:
        """
        :param name: An option. The parts of a credential are found by find_credential instead, as a whole.
        :return: What the option's check makes of the first value that is found, else of its default; None without one.
        :raises CloudPondError: if it can't be used, or is required and missing.
        """
        option = OPTIONS[name]
        if name in self.given:
            return option.check(name, self.given[name])
        for variable in option.variables:
            if self.environ.get(variable):
                return option.check(variable, self.environ[variable])
        if option.file_key and self.file.get(option.file_key):
            return option.check(f"{option.file_key} in {self.file_path}", self.file[option.file_key])
        if option.required:
            raise CloudPondError(
                THE_API,
                f"no {name}: give the option, or set {' or '.join(option.variables)} in the environment of the host "
                f"where this runs, or write {option.file_key} under [{FILE_SECTION}] into {self.file_path}",
            )
        return None if option.default is None else option.check(name, option.default)

    @property
    def file_path(self) -> str:
        """Where the file is, whether or not it exists."""
        path, home = self.environ.get(FILE_VARIABLE) or DEFAULT_FILE, self.environ.get("HOME")
        return f"{home}{path[1:]}" if home and path.startswith("~/") else os.path.expanduser(path)

    @cached_property
    def file(self) -> Mapping[str, str]:
        """
        The keys and values in the file, none without the default file.

        :raises CloudPondError: if it can't be read.
        """
        # Imported here, because most calls don't need the file.
        import configparser

        path, is_named = self.file_path, bool(self.environ.get(FILE_VARIABLE))
        name = f"{FILE_VARIABLE} names {path!r}, which" if is_named else repr(path)
        parser = configparser.RawConfigParser()
        try:
            # Opening a pipe or reading a device could block forever.
            facts = os.stat(path)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _FILE_SIZE_MAX:
                raise ValueError
            with open(path, encoding="utf-8") as file:
                parser.read_file(file)
        except OSError as error:
            if is_named or not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                raise _refusal(name, f"can't be read: {error.strerror}") from error
        except (configparser.Error, ValueError):
            # Their text may contain a line of the file, and thus a secret. Even as a cause, it could be shown.
            raise _refusal(name, "is not a credentials file of the vendor's SDK") from None
        return parser[FILE_SECTION] if parser.has_section(FILE_SECTION) else {}


def find_settings(sources: Sources) -> Settings:
    """
    :raises CloudPondError: if one of the settings can't be used.
    """
    endpoint = sources.setting("endpoint")
    return Settings(
        endpoint,
        domain_id=sources.setting("domain_id"),
        timeout=sources.setting("timeout"),
        max_retries=sources.setting("max_retries"),
        # Without TLS, nothing reads the bundle, which takes long to check.
        verify=endpoint.is_plain or (sources.setting("validate_certs") and (sources.setting("ca_path") or True)),
        proxy=_find_proxy(endpoint, sources.environ),
    )


def find_unshown(options: Mapping[str, t.Any], environ: Mapping[str, str]) -> frozenset[str]:
    """
    Return values that must not be shown although their options are not secret.

    :return: The endpoint, if it contains a user name or password. Such an endpoint is refused.
    """
    # ansible-core converts any value to text.
    values = map(str, (options.get("endpoint"), *map(environ.get, OPTIONS["endpoint"].variables)))
    return frozenset(filter(_has_userinfo, values))


def _find_proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    # A plain request to this machine must not leave it: the proxy would see the credential.
    if endpoint.is_plain:
        return None
    for lower in PROXY_VARIABLES:
        # As everywhere in Python, the variable in lower case takes precedence, even if it is empty.
        name = lower if lower in environ else lower.upper()
        value = environ.get(name)
        if value:
            no_proxy = environ.get("no_proxy", environ.get("NO_PROXY", ""))
            # On macOS, requests would ask the system if the list is empty.
            if no_proxy and should_bypass_proxies(endpoint.base_url, no_proxy):
                return None
            return _check_proxy(name, value)
    return None


def _check_proxy(name: str, value: str) -> Proxy:
    host = ""
    with contextlib.suppress(ValueError):
        url = urlsplit(value if "://" in value else f"http://{value}")
        port = url.port
        # An unencoded # or / in a password ends the host, and the URL would name another proxy.
        beyond = url.path.rstrip("/") + url.query + url.fragment
        if url.scheme in ("http", "https") and not beyond and re.fullmatch(r"[\x21-\x7e]+", value):
            host = url.hostname or ""
    if not host:
        raise _refusal(
            name,
            "must be a URL such as http://proxy.example.com:3128, with http or https, and with the special characters "
            "of its user name and password percent-encoded (the value is not shown, because it may contain a password)",
        )
    address = _in_url(host)
    address = f"{address}:{port}" if port is not None else address
    user, password = unquote(url.username or ""), unquote(url.password or "")
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    header = base64.b64encode(f"{user}:{password}".encode()).decode() if userinfo else ""
    name_of_user = f"{quote(user, safe='')}@{address}" if userinfo else ""
    return Proxy(f"{url.scheme}://{userinfo}{address}", f"{address} ({name})", name_of_user, (password, header))


def _refusal(name: str, must: str) -> CloudPondError:
    return CloudPondError(THE_API, f"{name} {must}")
