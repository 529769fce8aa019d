"""TLS settings, and what a probe reports of a certificate."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from probes.base import MonitorFault, Reading

__all__ = ["CERTIFICATE_READINGS", "Certificate", "TlsContexts", "parse_certificate", "unverified_context"]

CERTIFICATE_READINGS = (
    Reading(
        name="certificate_remaining_seconds",
        help="Time until the server's certificate expires, negative afterwards; also when the certificate was refused.",
        optional=True,
    ),
    Reading(
        name="certificate_expiry_timestamp_seconds",
        help="When the server's certificate expires (notAfter, RFC 5280 4.1.2.5), seconds since the epoch, UTC.",
        optional=True,
    ),
)

_SEQUENCE, _UTC_TIME, _EXPLICIT_0 = 0x30, 0x17, 0xA0
# Object identifiers 2.5.4.* in DER (X.520).
_ATTRIBUTES = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is reported of a server's own certificate (not of its issuers').

    Attributes:
        subject: common name and organisation, may be empty. Untrusted, like ``issuer``.
        not_after: seconds since the epoch, UTC.
    """

    subject: str
    issuer: str
    not_after: float

    def readings(self) -> Mapping[str, float]:
        """The readings of :data:`CERTIFICATE_READINGS`.

        The wall clock is read here, against the rule for probes: a certificate's validity is defined by it
        (RFC 5280 4.1.2.5), OpenSSL reads the same clock for its verdict, and the threshold's judge has no clock.
        """
        return {
            "certificate_remaining_seconds": self.not_after - time.time(),
            "certificate_expiry_timestamp_seconds": self.not_after,
        }

    def facts(self) -> Mapping[str, str]:
        """Subject and issuer, as the server wrote them."""
        return {"certificate_subject": self.subject, "certificate_issuer": self.issuer}


def parse_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER (RFC 5280 4.1), verified or not.

    The ssl module decodes a certificate only if it was verified, and an expired one is where the date is wanted.

    Raises:
        ValueError: not a certificate.
    """
    try:
        ((_, signed),) = _elements(der)
        (_, fields), *_ = _elements(signed)
        items = _elements(fields)
        if items[0][0] == _EXPLICIT_0:
            items = items[1:]
        _serial, _algorithm, (_, issuer), (_, validity), (_, subject), *_ = items
        _, (tag, not_after) = _elements(validity)
        return Certificate(
            subject=_name(subject), issuer=_name(issuer), not_after=_time(tag, not_after.decode("ascii"))
        )
    except (IndexError, ValueError) as error:
        raise ValueError("not an X.509 certificate") from error


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of consecutive DER elements (X.690 8.1)."""
    found = []
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size])
            at += size
        if at + length > len(data):
            raise ValueError("element longer than its container")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _name(name: bytes) -> str:
    """``CN=..., O=..., OU=...``, as far as they are there."""
    words = []
    for _, relative_names in _elements(name):
        for _, attribute in _elements(relative_names):
            (_, kind), (_, value) = _elements(attribute)
            if kind in _ATTRIBUTES:
                words.append(f"{_ATTRIBUTES[kind]}={value.decode('utf-8', 'backslashreplace')}")
    return ", ".join(words)


def _time(tag: int, text: str) -> float:
    """UTCTime has a two-digit year, which pivots at 50 (RFC 5280 4.1.2.5.1)."""
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def unverified_context() -> ssl.SSLContext:
    """For looking at a certificate that was refused. Nothing may be sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class TlsContexts:
    """Verifying contexts, one for each CA file; loading the system's CAs takes too long to be done for each probe."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[Path | None, int], ssl.SSLContext] = {}

    def get(self, ca_file: Path | None) -> ssl.SSLContext:
        """A context that trusts ``ca_file`` alone, or the system's CAs. A CA file that changed is read anew.

        Raises:
            MonitorFault: the CA file cannot be read or holds no certificate.
        """
        try:
            key = (ca_file, ca_file.stat().st_mtime_ns if ca_file else 0)
            if key not in self._contexts:
                self._contexts[key] = _verifying_context(ca_file)
        except OSError as error:  # ssl.SSLError is one, too
            raise MonitorFault(f"cannot use ca_file {ca_file}: {error.strerror or error}") from error
        return self._contexts[key]


def _verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: its strictness differs between Python versions, and a site's status must not.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A device's own self-signed certificate may stand in ca_file: trust what is listed, root or not.
    context.verify_flags |= ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_file)
    return context
