"""Certificates are read whether they are valid or not; damaged ones are refused without harm."""

from __future__ import annotations

import os
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from probes.base import MonitorFault
from probes.wire.tls import Certificate, TlsContexts, parse_certificate

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(end: datetime, name: str = "device 1", organisation: str = "Brigade") -> bytes:
    """A self-signed certificate in DER."""
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(datetime(1970, 1, 2)).not_valid_after(end.replace(tzinfo=None))  # noqa: DTZ001
    return signed.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


# UTCTime ends in 2049, GeneralizedTime begins in 2050 (RFC 5280 4.1.2.5): both are in this range.
@pytest.mark.soak
@given(end=st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_end_of_validity_is_read_in_both_forms(end: datetime) -> None:
    end = end.replace(microsecond=0)

    assert parse_certificate(certificate(end)).not_after == end.timestamp()


def test_names_are_read() -> None:
    read = parse_certificate(certificate(datetime(2030, 1, 1, tzinfo=UTC), "基站 1", "消防"))

    assert read.subject == "CN=基站 1, O=消防"
    assert read.issuer == "CN=基站 1, O=消防"


def test_a_certificate_of_a_real_authority_agrees_with_cryptography() -> None:
    pem = trustme.CA().issue_cert("www.example").cert_chain_pems[0].bytes()
    reference = x509.load_pem_x509_certificate(pem)

    read = parse_certificate(ssl.PEM_cert_to_DER_cert(pem.decode()))

    assert read.not_after == reference.not_valid_after_utc.timestamp()


def test_the_time_left_is_negative_after_the_end() -> None:
    now = time.time()

    left = Certificate(subject="", issuer="", not_after=now - 3600).readings()["certificate_remaining_seconds"]

    assert left == pytest.approx(-3600, abs=60)


@pytest.mark.soak
@given(data=st.binary(max_size=300))
def test_rubbish_is_no_certificate(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not an X\.509 certificate"):
        parse_certificate(data)


GOOD = certificate(datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.soak
@given(at=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), cut=st.integers(0, len(GOOD)))
def test_a_damaged_certificate_is_read_or_refused(at: int, value: int, cut: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] = value
    try:
        read = parse_certificate(bytes(damaged[:cut]))
    except ValueError:
        return
    assert isinstance(read.not_after, float)


def test_contexts_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    contexts, ca_file = TlsContexts(), tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca_file))
    first = contexts.get(ca_file)

    assert contexts.get(ca_file) is first
    assert contexts.get(None) is contexts.get(None) is not first
    later = time.time() + timedelta(seconds=5).total_seconds()
    os.utime(ca_file, (later, later))
    assert contexts.get(ca_file) is not first


def test_every_context_verifies() -> None:
    context = TlsContexts().get(None)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, "", "not PEM"])
def test_an_unusable_ca_file_is_the_monitors_fault(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)

    with pytest.raises(MonitorFault, match=r"cannot use ca_file .*ca\.pem"):
        TlsContexts().get(ca_file)
