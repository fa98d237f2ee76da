# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of the proxy, which apply to requests with a good login and an allowed target."""

from __future__ import annotations

import dataclasses
import itertools

from ._answers import html_answer
from ._kinds import Fault, Kind, error_code, parse_fault, pause
from ._replies import Answer, Hangup, Stream, Then

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def refusal(status: int) -> Answer:
    """The proxy's own page for an error. With 407, it names the kind of credential."""
    answer = html_answer(status)
    if status == 407:
        return dataclasses.replace(answer, headers=(("Proxy-Authenticate", 'Basic realm="emulator"'),))
    return answer


def _echo(authorization: str, code: int) -> Stream:
    return Stream(
        [f"HTTP/1.1 {code} Refused: {authorization}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")],
        then=Then.CLOSE,
        status=code,
    )


def _trickled(seconds: float) -> Stream:
    return Stream(itertools.chain([ESTABLISHED[:-2]], itertools.repeat(b"X-Trickle: 1\r\n")), seconds)


# The situation is the value of Proxy-Authorization, empty where none was sent.
PROXY_FAULTS: tuple[Kind[str], ...] = (
    Kind("http:CODE", "HTTP status CODE, 400 to 599, with a page of HTML", lambda s, n: refusal(int(n)), error_code),
    Kind(
        "echo[:CODE]",
        "status CODE, default 407, with the request's Proxy-Authorization in the reason phrase",
        lambda s, n: _echo(s, int(n)),
        error_code,
        407,
    ),
    Kind("hang", "nothing, and the connection stays open until the client leaves", lambda s, n: Stream([])),
    Kind(
        "trickle[:SECONDS]",
        "200, then endless header lines, one every SECONDS, default 0.2",
        lambda s, n: _trickled(n),
        pause,
        0.2,
    ),
    Kind("reset", "the connection is reset (TCP RST)", lambda s, n: Hangup()),
    Kind(
        "cut",
        "200, then an orderly end of the connection",
        lambda s, n: Stream([ESTABLISHED], then=Then.CLOSE, status=200),
    ),
    Kind("hang-after", "200, and then nothing is forwarded", lambda s, n: Stream([ESTABLISHED])),
)


def parse_proxy_fault(text: str) -> Fault[str]:
    """The fault of the proxy that ``text`` describes. Raises ValueError with the right syntax."""
    return parse_fault(text, PROXY_FAULTS, "ok")
