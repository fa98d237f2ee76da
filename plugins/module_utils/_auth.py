# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""How a request to the CloudPond API is authenticated."""

from __future__ import annotations

import re
import traceback
import typing as t

from ._errors import CloudPondError

REQUESTS_IMPORT_ERROR: str | None = None
try:
    from requests.auth import AuthBase
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    AuthBase = object  # type: ignore[assignment,misc]  # a stand-in: without requests nothing is ever sent

if t.TYPE_CHECKING:
    from requests import PreparedRequest


class Auth(AuthBase):
    """
    One way to authenticate, and the secrets it knows.

    Requests consults a ``.netrc`` file only for a session without authentication, so that no entry there can
    replace a credential.
    """

    secrets: tuple[str, ...] = ()


class TokenAuth(Auth):
    """A user token in the header ``X-Auth-Token`` (specification, table 2)."""

    def __init__(self, token: str) -> None:
        """
        :param token: A token of IAM, scoped to the domain.
        :raises CloudPondError: if it can't be the value of a header. The error doesn't repeat it.
        """
        self._token = check_header_value("auth_token", token)
        self.secrets = (token,)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._token
        return request


def check_header_value(name: str, value: str) -> str:
    """
    Make sure that a credential can go into a header without starting another one.

    :param name: The option's name, for the error.
    :param value: The credential.
    :return: The same value.
    :raises CloudPondError: if it is empty or has anything but visible ASCII characters.
    """
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise CloudPondError(
            "the CloudPond API",
            f"{name} must be one line of visible ASCII characters without spaces (look for a line break at its end, "
            "or a variable that came out empty)",
        )
    return value
