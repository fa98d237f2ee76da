# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's answers, its errors among them, and those of what stands in front of it."""

from __future__ import annotations

import json
from typing import Any

from ._replies import Answer, phrase

# The codes come from the vendor's lists for its gateway (devg-apisign, "Error Codes") and for IES. IES's own codes for
# 403 and 404 are assumed.
_ERRORS = {
    400: ("IES.00001005", "param is invalid."),
    401: ("APIGW.0301", "Incorrect IAM authentication information: token expires"),
    403: ("APIGW.0302", "The IAM user is not allowed to access the API."),
    404: ("IES.00001008", "The delivery order does not exist."),
    413: ("APIGW.0201", "Request entity too large."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    504: ("APIGW.0201", "Backend timeout."),
}


def json_answer(content: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with ``content`` as its JSON body."""
    return Answer(status, json.dumps(content).encode(), headers=headers)


def error_answer(
    status: int,
    message: str | None = None,
    code: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """The API's error for an HTTP status, ``{"error_code": ..., "error_msg": ...}``; code and message can be replaced.

    A status that the vendor's lists don't explain gets APIGW.0201, which the gateway uses for requests it can't take
    (4xx) and for a failing backend (5xx).
    """
    usual = ("APIGW.0201", "API request error." if status < 500 else "Backend unavailable.")
    usual_code, usual_message = _ERRORS.get(status, usual)
    content = {"error_code": code or usual_code, "error_msg": message or usual_message}
    return json_answer(content, status, headers)


def throttled_answer(retry_after: int) -> Answer:
    """The gateway's 429 for too many requests; ``retry_after`` is in seconds."""
    return error_answer(429, headers=(("Retry-After", str(retry_after)),))


def no_such_api() -> Answer:
    """The gateway's 404 for an unknown path, or an unknown method on a path: APIGW.0101."""
    return error_answer(404, "The API does not exist or has not been published in the environment.", "APIGW.0101")


def html_answer(status: int) -> Answer:
    """The HTML page of a proxy or load balancer in between that reports ``status``."""
    title = f"{status} {phrase(status)}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, page.encode(), "text/html")
