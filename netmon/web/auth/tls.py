"""TLS of the server: a context made of ``tls_server_config``, and one that hands on so that it can change."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from netmon.config.secrets import readable_by_all
from netmon.config.units import UnitError
from netmon.i18n import _
from netmon.web.auth.shape import CIPHERS, CURVES, TlsShape

__all__ = ["ChangingContext", "TlsError", "make_context"]

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class TlsError(UnitError):
    """One key of ``tls_server_config`` cannot be honoured.

    Attributes:
        key: which.
    """

    def __init__(self, key: str, what: str, write: str = "") -> None:
        super().__init__(what, write)
        self.key = key


def make_context(shape: TlsShape, folder: Path) -> tuple[ssl.SSLContext, list[TlsError]]:
    """A server's context, and everything that cannot be honoured; use it only if there is nothing.

    Args:
        folder: what relative file names are relative to.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # HTTP/2 is not offered: a client that asks is told so.
    context.set_alpn_protocols(["http/1.1"])
    errors = []
    for step in (_choose_versions, _load_certificate, _load_client_ca, _choose_algorithms):
        try:
            step(context, shape, folder)
        except TlsError as error:
            errors.append(error)
    return context, errors


def _choose_versions(context: ssl.SSLContext, shape: TlsShape, _folder: Path) -> None:
    lowest, highest = VERSIONS[shape.min_version], VERSIONS[shape.max_version]
    if lowest > highest:
        raise TlsError("min_version", _("min_version is above max_version"), _("a version not above it"))
    context.minimum_version, context.maximum_version = lowest, highest


def _choose_algorithms(context: ssl.SSLContext, shape: TlsShape, _folder: Path) -> None:
    if shape.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if shape.cipher_suites:
        try:
            context.set_ciphers(":".join(CIPHERS[name] for name in shape.cipher_suites))
        except ssl.SSLError:
            raise TlsError("cipher_suites", _("this machine's OpenSSL offers none of these suites")) from None
    if len(shape.curve_preferences) > 1:
        raise TlsError("curve_preferences", _("only one curve can be set"), _("one curve, or leave the key out"))
    for curve in shape.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])


def _load_certificate(context: ssl.SSLContext, shape: TlsShape, folder: Path) -> None:
    for kind in ("cert", "key"):
        text, file = getattr(shape, kind), getattr(shape, f"{kind}_file")
        if (text is None) == (file is None):
            what = _("{name} and {name}_file stand together") if text else _("{name}_file is missing")
            raise TlsError(kind if text else "", what.format(name=kind), _("one of them") if text else "")
    certificate = _readable("cert_file", folder, shape.cert_file)
    key = _readable("key_file", folder, shape.key_file)
    if key is not None and readable_by_all(key):
        what = _("every user of this machine can read {path}").format(path=key)
        raise TlsError("key_file", what, _("chmod 640 for it"))
    with _as_file(shape.cert, certificate) as certificate_path, _as_file(shape.key, key) as key_path:
        try:
            context.load_cert_chain(certificate_path, key_path, password=_no_password)
        except _EncryptedError:
            what = _("the private key is encrypted, and nobody is there to type its password")
            raise TlsError("key_file", what, _("an unencrypted key that only netmon can read")) from None
        except (ssl.SSLError, OSError) as error:
            what = _("certificate and key cannot be used: {error}").format(
                error=getattr(error, "reason", None) or error
            )
            raise TlsError(
                "cert_file" if shape.cert is None else "cert", what, _("PEM files that belong together")
            ) from None


def _load_client_ca(context: ssl.SSLContext, shape: TlsShape, folder: Path) -> None:
    file, text = _readable("client_ca_file", folder, shape.client_ca_file), shape.client_ca
    wanted = CLIENT_AUTH[shape.client_auth_type] != ssl.CERT_NONE
    if file is not None and text is not None:
        raise TlsError(
            "client_ca", _("{name} and {name}_file stand together").format(name="client_ca"), _("one of them")
        )
    if (file is not None or text is not None) and not wanted:
        what = _("clients' certificates are not asked for")
        raise TlsError("client_auth_type", what, "client_auth_type: RequireAndVerifyClientCert")
    if wanted and file is None and text is None:
        raise TlsError("client_auth_type", _("{name}_file is missing").format(name="client_ca"))
    if shape.client_allowed_sans and shape.client_auth_type != "RequireAndVerifyClientCert":
        what = _("a client without a certificate would have no name to compare")
        raise TlsError("client_allowed_sans", what, "client_auth_type: RequireAndVerifyClientCert")
    if not wanted:
        return
    try:
        context.load_verify_locations(cafile=file, cadata=text)
    except (ssl.SSLError, OSError) as error:
        what = _("the certificates cannot be read: {error}").format(error=getattr(error, "reason", None) or error)
        raise TlsError("client_ca_file" if text is None else "client_ca", what) from None
    context.verify_mode = CLIENT_AUTH[shape.client_auth_type]
    if shape.client_allowed_sans:
        context.sslobject_class = _only_from(frozenset(shape.client_allowed_sans))


def _readable(key: str, folder: Path, name: str | None) -> Path | None:
    """The file, once it was read: the one error message of OpenSSL's for all faults does not name the file."""
    if name is None:
        return None
    path = folder / name
    try:
        path.read_bytes()
    except OSError as error:
        raise TlsError(key, _("cannot read {path}: {error}").format(path=path, error=error.strerror)) from None
    return path


@contextmanager
def _as_file(text: str | None, path: Path | None) -> Iterator[str]:
    """A file name for OpenSSL, which reads keys from files only: text of the configuration never touches a disk."""
    if text is None:
        yield str(path)
        return
    descriptor = os.memfd_create("netmon", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class _EncryptedError(Exception):
    """OpenSSL asked for the password of a key."""


def _no_password() -> str:
    raise _EncryptedError


def _only_from(allowed: frozenset[str]) -> type[ssl.SSLObject]:
    """A connection that ends in the handshake unless the client's certificate names one of ``allowed``."""

    class OnlyFrom(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate = self.getpeercert() or {}
            if allowed.isdisjoint(map(_san_text, certificate.get("subjectAltName", ()))):
                raise ssl.SSLCertVerificationError("the client's certificate names none of client_allowed_sans")

    return OnlyFrom


def _san_text(entry: Any) -> str:
    kind, value = entry
    # OpenSSL writes IPv6 addresses in capitals and without "::".
    return str(ipaddress.ip_address(value.strip())) if kind == "IP Address" else str(value)


class ChangingContext(ssl.SSLContext):
    """What the server holds: each new connection is made by the context in force, so that certificates can change.

    Attributes:
        current: the context in force.
    """

    current: ssl.SSLContext

    @classmethod
    def of(cls, current: ssl.SSLContext) -> Self:
        """One that begins with ``current``."""
        changing = cls(ssl.PROTOCOL_TLS_SERVER)
        changing.current = current
        return changing

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """A new connection, which the current context makes; asyncio calls this."""
        return self.current.wrap_bio(*args, **kwargs)
