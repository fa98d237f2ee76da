# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a request's signature, from the vendor's description of SDK-HMAC-SHA256 (devg-apisign).

It is independent of the collection's own signing, so that each can test the other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from ._request import UTF8_ERRORS, Request

ALGORITHM = "SDK-HMAC-SHA256"

_AUTHORIZATION = re.compile(
    ALGORITHM
    + r" Access=(?P<access_key>[^\s,]+), SignedHeaders=(?P<headers>[^\s,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")

# Seconds. The maximum difference between the date of a request and the gateway's clock (assumed).
_DATE_TOLERANCE = 15 * 60


@dataclass(frozen=True)
class Keys:
    """An access key, its secret key, and for temporary keys the security token that goes with them."""

    access_key: str
    secret_key: str
    security_token: str | None


@dataclass(frozen=True)
class Authorization:
    """The parts of an ``Authorization`` header: ``signed_headers`` in its order, ``signature`` in lower-case hex."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(text: str) -> Authorization | None:
    """The parts of ``SDK-HMAC-SHA256 Access=AK, SignedHeaders=a;b, Signature=...``; None for anything else."""
    match = _AUTHORIZATION.fullmatch(text)
    if match is None:
        return None
    return Authorization(match["access_key"], tuple(match["headers"].split(";")), match["signature"])


def is_signed(request: Request, authorization: Authorization, keys: Keys, now: float) -> bool:
    """Whether the request, as it arrived, was signed with these keys within 15 minutes of ``now`` (Unix seconds)."""
    # Assumed: the gateway requires these. The vendor's own signer includes them all.
    required = {"host", "x-sdk-date"}
    if "x-security-token" in request.headers:
        required.add("x-security-token")
    if not required.issubset(authorization.signed_headers):
        return False
    # Names with _ are left out of a signature. Names in upper case are not canonical, and are not found here.
    if any("_" in name or name not in request.headers for name in authorization.signed_headers):
        return False
    date = request.headers["x-sdk-date"]
    sent_at = _unix_time(date)
    if sent_at is None or abs(now - sent_at) > _DATE_TOLERANCE:
        return False
    # Assumed: a wrong or superfluous security token counts as a wrong signature.
    if not hmac.compare_digest(
        request.headers.get("x-security-token", "").encode(), (keys.security_token or "").encode()
    ):
        return False
    digest = hashlib.sha256(_canonical_request(request, authorization.signed_headers)).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    signature = hmac.new(keys.secret_key.encode(), text.encode("latin-1"), hashlib.sha256).hexdigest()
    same_key = hmac.compare_digest(authorization.access_key.encode(), keys.access_key.encode())
    return hmac.compare_digest(signature, authorization.signature) and same_key


def _unix_time(date: str) -> float | None:
    match = _DATE.fullmatch(date)
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def _canonical_request(request: Request, signed_headers: tuple[str, ...]) -> bytes:
    # Decoded and encoded again, because a client need not encode all characters that the canonical form encodes.
    path = quote(unquote(request.path, errors=UTF8_ERRORS), safe="/", errors=UTF8_ERRORS)
    parts = (
        request.method,
        path if path.endswith("/") else f"{path}/",
        "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in sorted(request.query)),
        "".join(f"{name}:{request.headers[name]}\n" for name in signed_headers),
        ";".join(signed_headers),
        hashlib.sha256(request.body).hexdigest(),
    )
    # Each character stands for one byte, and clients sign the bytes that they send.
    return "\n".join(parts).encode("latin-1")


def _encoded(text: str) -> str:
    return quote(text, safe="", errors=UTF8_ERRORS)
