# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it can change at any time, in any release.
# Do not use it from other collections, modules or plugins.

"""The error of a failed query of the CloudPond API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The ``subject`` of a CloudPondError for a query that fails before its own object is known.
THE_API = "the CloudPond API"


class CloudPondError(Exception):
    """
    A query failed.

    The text of the exception is one sentence with the object of the query, the HTTP status, and the API's code and
    message. Neither the text nor any field contains a credential.
    """

    def __init__(
        self,
        subject: str,
        message: str | None,
        *,
        http_status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float = 0.0,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """
        :param subject: The object of the query, as it reads after "Cannot query ".
        :param message: The API's message, or the fault on the way to it; ``None`` when the API gave none.
        :param http_status: Status of the answer, ``None`` when there was no complete answer.
        :param code: The API's error code, such as ``IES.00001005``, ``None`` when it gave none.
        :param request_id: The API's ID of the request, for the vendor's support.
        :param retryable: Whether the same query may succeed later.
        :param retry_after: The seconds for which the API asks to wait before that.
        :param facts: What the query found all the same, as keys of a module's result.
        """
        self.subject = subject
        self.message = message
        self.http_status = http_status
        self.code = code
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after = retry_after
        self.facts = dict(facts or {})
        super().__init__(self._sentence())

    @property
    def is_no_such_api(self) -> bool:
        """The API's gateway doesn't know the path. It need not have looked at the credential."""
        return self.http_status == 404 and (self.code or "").startswith("APIGW.")

    def _sentence(self) -> str:
        where = f"HTTP {self.http_status}" if self.http_status is not None else None
        source = ", ".join(part for part in (where, self.code) if part)
        what = ": ".join(part for part in (source, self.message) if part)
        request = f" (request ID {self.request_id})" if self.request_id else ""
        return f"Cannot query {self.subject}: {what}{request}"

    def to_dict(self) -> dict[str, Any]:
        """
        The fields, as the ``error`` of a module's result.

        :return: ``http_status`` (int or None), ``code``, ``message``, ``request_id`` (str or None),
            ``retryable`` (bool).
        """
        return {
            "http_status": self.http_status,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
            "retryable": self.retryable,
        }
