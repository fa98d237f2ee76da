# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's check of the credential that a request carries: a token, or a signature as the vendor describes it.

The source is the vendor's description of SDK-HMAC-SHA256 (devg-apisign). It shares no code with the collection's own
signing, so that each can test the other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable
from urllib.parse import quote, unquote

from ._replies import Answer, error_answer
from ._request import UTF8_ERRORS, Request

_ALGORITHM = "SDK-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM
    + r" Access=(?P<access_key>[^\s,]+), SignedHeaders=(?P<headers>[^\s,]+), Signature=(?P<signature>[0-9a-f]{64})"
)

# Seconds. Assumed.
_DATE_TOLERANCE = 15 * 60
# "More than five times in a row", says the vendor.
_FAILURES_ALLOWED = 5
# Assumed: the vendor says "for a while".
_LOCK_SECONDS = 300


def sent_credential(headers: Mapping[str, str]) -> str:
    """The credential that the client sent, empty when it sent none.

    ``headers`` are a Request's: names in lower case.
    """
    names = ("x-auth-token", "authorization", "x-security-token")
    return " ".join(headers[name] for name in names if headers.get(name))


@dataclass(frozen=True)
class Keys:
    """An access key, its secret key, and for temporary keys the security token that goes with them."""

    access_key: str
    secret_key: str
    security_token: str | None


@dataclass
class _Failures:
    count: int = 0
    locked_until: float | None = None


class Authenticator:
    """Knows the account's credentials, and the gateway's answers to any other.

    ``clock`` returns seconds and never goes back, ``wall_clock`` Unix seconds. Raises ValueError for a credential that
    can't be part of a header.
    """

    def __init__(self, token: str, keys: Keys, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        visible = {"token": token, "secret key": keys.secret_key, "security token": keys.security_token}
        for name, value in visible.items():
            if value is not None and not re.fullmatch(r"[!-~]+", value):
                raise ValueError(f"the {name} must be one or more visible ASCII characters, without spaces")
        # A comma would end the key in a header.
        if not re.fullmatch(r"[A-Za-z0-9_-]+", keys.access_key):
            raise ValueError(f"the access key {keys.access_key!r} must be of letters, digits, '-' and '_'")
        self._token = token
        self._keys = keys
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._failures: dict[str, _Failures] = {}

    def check(self, request: Request) -> tuple[Answer | None, int | None]:
        """Judge the request's token or signature: the gateway's 401 APIGW.0301, or None for a good one.

        The second value counts the failed authentications of the access key since its last success, this one included;
        None if no access key could be read. Assumed: a signature takes precedence, and an Authorization of another kind
        counts only if there is no token.
        """
        authorization = request.headers.get("authorization", "")
        token = request.headers.get("x-auth-token", "")
        if authorization.startswith(_ALGORITHM) or (authorization and not token):
            return self._check_signature(request, authorization)
        # The messages come from the vendor's page on APIGW.0301. The choice for a wrong token is assumed.
        if not token:
            return _refuse("token not found"), None
        return (None if token == self._token else _refuse("decrypt token fail")), None

    def _check_signature(self, request: Request, authorization: str) -> tuple[Answer | None, int | None]:
        # Assumed: the gateway has the same message for every fault.
        wrong = _refuse("verify aksk signature fail")
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            return wrong, None
        access_key = match["access_key"]
        signature = _signature(request, match["headers"].split(";"), self._keys, self._wall_clock())
        now = self._clock()
        with self._lock:
            failures = self._failures.setdefault(access_key, _Failures())
            if failures.locked_until is not None:
                if now < failures.locked_until:
                    # Assumed: a right signature is refused too, and does not change the end of the lock.
                    return _refuse("the access key is locked"), failures.count
                failures = self._failures[access_key] = _Failures()
            if access_key == self._keys.access_key and signature == match["signature"]:
                del self._failures[access_key]
                return None, 0
            failures.count += 1
            if failures.count > _FAILURES_ALLOWED:
                failures.locked_until = now + _LOCK_SECONDS
            return wrong, failures.count


def _refuse(reason: str) -> Answer:
    return error_answer(401, f"Incorrect IAM authentication information: {reason}")


def _signature(request: Request, signed: list[str], keys: Keys, now: float) -> str | None:
    """The right signature of the request as it arrived at ``now`` (Unix seconds); None if it can't be right."""
    # Assumed: the gateway requires these. The vendor's own signer includes them all.
    required = {"host", "x-sdk-date", "x-security-token"} & {"host", "x-sdk-date", *request.headers}
    # Names with _ are left out of a signature. Names in upper case are not canonical, and are not found here.
    if not required.issubset(signed) or any("_" in name or name not in request.headers for name in signed):
        return None
    date = request.headers["x-sdk-date"]
    try:
        sent_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
    # Assumed: a wrong or superfluous security token counts as a wrong signature.
    if abs(now - sent_at) > _DATE_TOLERANCE or request.headers.get("x-security-token") != keys.security_token:
        return None
    # Decoded and encoded again, because a client need not encode all characters that the canonical form encodes.
    path = quote(unquote(request.path, errors=UTF8_ERRORS), safe="/", errors=UTF8_ERRORS)
    parts = (
        request.method,
        path if path.endswith("/") else f"{path}/",
        "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in sorted(request.query)),
        "".join(f"{name}:{request.headers[name]}\n" for name in signed),
        ";".join(signed),
        hashlib.sha256(request.body).hexdigest(),
    )
    # Each character stands for one byte, and clients sign the bytes that they send.
    digest = hashlib.sha256("\n".join(parts).encode("latin-1")).hexdigest()
    text = f"{_ALGORITHM}\n{date}\n{digest}"
    return hmac.new(keys.secret_key.encode(), text.encode("latin-1"), hashlib.sha256).hexdigest()


def _encoded(text: str) -> str:
    return quote(text, safe="", errors=UTF8_ERRORS)
