# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: certificates, and handshakes that go wrong."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath

from ._answers import html_answer
from ._kinds import Fault, Kind, parse_fault, pause
from ._lives import Step, parse_service
from ._replies import Hangup, Stream, rendered

DEFAULT_HANDSHAKE = "ok"


def _long_hello() -> Iterator[bytes]:
    """The longest record, with the longest ServerHello that fits. No client can read it before its end."""
    return (bytes([byte]) for byte in itertools.chain(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", bytes(16378)))


HANDSHAKE_FAULTS: tuple[Kind[None], ...] = (
    Kind("stall", "the connection is accepted, but the ClientHello is never answered", lambda s, n: Stream([])),
    Kind(
        "trickle[:SECONDS]",
        "a ServerHello of 16 KiB comes a byte every SECONDS, default 0.2",
        lambda s, n: Stream(_long_hello(), n),
        pause,
        0.2,
    ),
    Kind("reset", "the connection is reset (TCP RST)", lambda s, n: Hangup()),
    Kind(
        "not-tls",
        "the ClientHello is answered with a 400 in plain HTTP",
        # Held open: an end with an unread ClientHello would be a reset, and the client would lose the answer.
        lambda s, n: Stream([rendered(html_answer(400), keep_alive=False)]),
    ),
)


@dataclass(frozen=True)
class Tls:
    """The TLS of a listener. The context is None if no handshake can succeed."""

    context: ssl.SSLContext | None
    life: tuple[Step, ...]


def tls_of(certificate: str | PathLike[str] | None, key: str | PathLike[str] | None, handshake: str) -> Tls | None:
    """TLS from a PEM certificate (chain) file, its key file, and the life of the handshakes; None for no TLS at all.

    Raises ValueError.
    """
    life = parse_service(handshake, "the TLS handshake", _parse)
    if (certificate is None) != (key is None):
        raise ValueError("TLS needs both a certificate and a key")
    if certificate is not None and key is not None:
        return Tls(_context(fspath(certificate), fspath(key)), life)
    if handshake == DEFAULT_HANDSHAKE:
        return None
    if any(step.fault is None for step in life):
        raise ValueError("a TLS handshake that is ok needs a certificate and a key")
    return Tls(None, life)


def _parse(text: str) -> Fault[None]:
    return parse_fault(text, HANDSHAKE_FAULTS, "ok")


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without this argument, OpenSSL would ask for a password on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise ValueError(
            f"the TLS certificate {certificate} and key {key} can't be used: {error.strerror or error}; "
            "both must be PEM files, the key without a password, and belong together"
        ) from None
    return context
