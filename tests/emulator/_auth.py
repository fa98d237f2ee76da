# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's check of the credential that a request carries."""

from __future__ import annotations

import hmac
import re
from email.message import Message

from ._answers import Answer, error_answer
from ._request import Request

_TOKEN_HEADER = "X-Auth-Token"


def sent_credential(headers: Message) -> str:
    """The credential as the client sent it, empty when it sent none."""
    return headers.get(_TOKEN_HEADER, "")


class Authenticator:
    """Knows the account's credentials, and what the gateway says to any other.

    Raises ValueError for a token that can't be the value of a header.
    """

    def __init__(self, token: str) -> None:
        if not re.fullmatch(r"[!-~]+", token):
            raise ValueError("the token must be one or more visible ASCII characters, without spaces")
        self._token = token.encode()

    def refusal(self, request: Request) -> Answer | None:
        """None for a good credential, else the gateway's 401 APIGW.0301.

        Its messages are those of the vendor's page on APIGW.0301. Assumed: which of them a wrong token gets.
        """
        sent = sent_credential(request.headers)
        if not sent:
            return self._refuse("token not found")
        # Encoded, because compare_digest takes no str beyond ASCII, and a client may send one.
        if not hmac.compare_digest(sent.encode(), self._token):
            return self._refuse("decrypt token fail")
        return None

    @staticmethod
    def _refuse(reason: str) -> Answer:
        return error_answer(401, f"Incorrect IAM authentication information: {reason}")
