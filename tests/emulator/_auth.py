# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's check of the credential that a request carries."""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable

from ._answers import error_answer
from ._replies import Answer
from ._request import Request
from ._signature import ALGORITHM, Keys, is_signed, read_authorization

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
class Verdict:
    """``refusal`` is None for a good credential, else the gateway's 401 APIGW.0301.

    ``failures_in_a_row`` counts the failed authentications of the access key since its last success, this one included;
    None if no access key could be read.
    """

    refusal: Answer | None
    failures_in_a_row: int | None = None


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
        self._token = token.encode()
        self._keys = keys
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._failures: dict[str, _Failures] = {}

    def check(self, request: Request) -> Verdict:
        """Judge the request's token or signature.

        Assumed: a signature takes precedence, and an Authorization of another kind counts only if there is no token.
        """
        authorization = request.headers.get("authorization", "")
        token = request.headers.get("x-auth-token", "")
        if authorization.startswith(ALGORITHM) or (authorization and not token):
            return self._check_signature(request, authorization)
        # The messages come from the vendor's page on APIGW.0301. The choice for a wrong token is assumed.
        if not token:
            return Verdict(_refuse("token not found"))
        # Encoded, because compare_digest accepts only ASCII in a str, and a client may send other characters.
        if not hmac.compare_digest(token.encode(), self._token):
            return Verdict(_refuse("decrypt token fail"))
        return Verdict(None)

    def _check_signature(self, request: Request, text: str) -> Verdict:
        # Assumed: the gateway has the same message for every fault.
        wrong = _refuse("verify aksk signature fail")
        authorization = read_authorization(text)
        if authorization is None:
            return Verdict(wrong)
        good = is_signed(request, authorization, self._keys, self._wall_clock())
        access_key, now = authorization.access_key, self._clock()
        with self._lock:
            failures = self._failures.setdefault(access_key, _Failures())
            if failures.locked_until is not None:
                if now < failures.locked_until:
                    # Assumed: a right signature is refused too, and does not change the end of the lock.
                    return Verdict(_refuse("the access key is locked"), failures.count)
                failures = self._failures[access_key] = _Failures()
            if good:
                del self._failures[access_key]
                return Verdict(None, 0)
            failures.count += 1
            if failures.count > _FAILURES_ALLOWED:
                failures.locked_until = now + _LOCK_SECONDS
            return Verdict(wrong, failures.count)


def _refuse(reason: str) -> Answer:
    return error_answer(401, f"Incorrect IAM authentication information: {reason}")
