# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""Authenticates requests to the CloudPond API."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import traceback
import typing as t
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ._errors import THE_API, CloudPondError

REQUESTS_IMPORT_ERROR: str | None = None
try:
    from requests.auth import AuthBase
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    AuthBase = object  # type: ignore[assignment,misc]  # a stand-in: without requests nothing is ever sent

if t.TYPE_CHECKING:
    from requests import PreparedRequest

_ALGORITHM = "SDK-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Auth(AuthBase):
    """
    One way to authenticate, and the secrets it knows.

    Requests reads a ``.netrc`` file only for a session without authentication, so an entry there can't replace a
    credential.
    """

    #: Never shown in any output.
    secrets: tuple[str, ...] = ()
    #: The vendor counts refusals by this value: the access key, or the token.
    identity: str

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        raise NotImplementedError


class TokenAuth(Auth):
    """A user token in the header ``X-Auth-Token`` (specification, table 2)."""

    def __init__(self, token: str) -> None:
        """
        :param token: An IAM token, scoped to the domain.
        :raises CloudPondError: if it can't be the value of a header. The error doesn't repeat it.
        """
        self._token = check_header_value("auth_token", token)
        self.secrets = (token,)
        self.identity = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._token
        return request


class SignatureAuth(Auth):
    """
    A signature made with an access key (the vendor's SDK-HMAC-SHA256, as the signer of its SDK makes it).

    The signature covers the method, the path, the query, the body, the host, and every header that begins with ``X-``.
    It is valid for about 15 minutes: call this again for each try.
    """

    def __init__(self, access_key: str, secret_key: str, security_token: str | None = None) -> None:
        """
        :param security_token: Comes with a temporary access key.
        :raises CloudPondError: if one can't be the value of a header. The error doesn't repeat it.
        """
        self._access_key = check_header_value("access_key", access_key)
        self._secret_key = check_header_value("secret_key", secret_key)
        self._security_token = None
        if security_token is not None:
            self._security_token = check_header_value("security_token", security_token)
        self.secrets = tuple(secret for secret in (secret_key, security_token) if secret)
        self.identity = access_key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        url = urlsplit(str(request.url))
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        request.headers["X-Sdk-Date"] = date
        request.headers["Host"] = _host(url.scheme, url.netloc, url.port)
        if self._security_token:
            request.headers["X-Security-Token"] = self._security_token

        headers = {name.lower(): str(value).strip() for name, value in request.headers.items()}
        # The gateway's own signers skip names with an underscore, because proxies drop such headers.
        signed = sorted(name for name in headers if (name == "host" or name.startswith("x-")) and "_" not in name)
        canonical_request = "\n".join(
            (
                str(request.method),
                _canonical_uri(url.path),
                _canonical_query(url.query),
                *(f"{name}:{headers[name]}" for name in signed),
                "",
                ";".join(signed),
                _sha256(request.body or b""),
            )
        )
        string_to_sign = f"{_ALGORITHM}\n{date}\n{_sha256(canonical_request)}"
        signature = hmac.new(self._secret_key.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()
        request.headers["Authorization"] = (
            f"{_ALGORITHM} Access={self._access_key}, SignedHeaders={';'.join(signed)}, Signature={signature}"
        )
        return request


def _host(scheme: str, netloc: str, port: int | None) -> str:
    host = netloc.rpartition("@")[2]
    return host.rpartition(":")[0] if port == _DEFAULT_PORTS.get(scheme) else host


def _canonical_uri(path: str) -> str:
    uri = quote(unquote(path), safe="/~")
    return uri if uri.endswith("/") else f"{uri}/"


def _canonical_query(query: str) -> str:
    # Sorted before they are encoded, as in the vendor's signer.
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)


def _sha256(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def check_header_value(name: str, value: object) -> str:
    """
    Make sure that a credential can go into a header without starting another one.

    :param name: Its source in errors, such as the name of an option or of a variable.
    :param value: The credential.
    :return: The same value.
    :raises CloudPondError: if it is empty or contains anything but visible ASCII characters.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise CloudPondError(
            THE_API,
            f"{name} must be one line of visible ASCII characters without spaces (look for a line break at its end, "
            "or a variable that came out empty)",
        )
    return value
