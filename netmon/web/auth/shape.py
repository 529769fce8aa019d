"""The shape of the web configuration: exporter-toolkit's, and our keys, which begin with ``netmon_``.

Values of ``basic_auth_users`` and ``key`` never stand in a message: a person may have written a password there.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from netmon.config.errors import shown
from netmon.config.shape import Line, Shape, wrong
from netmon.config.units import UnitError, parse_duration
from netmon.i18n import _

__all__ = ["CIPHERS", "CURVES", "HttpShape", "RateLimitShape", "TlsShape", "WebShape"]

BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
MIN_COST, MAX_COST = 4, 15
MAX_USER_LENGTH = 64

# IANA's names, which the file uses as Go does, and OpenSSL's: RFC 5289, RFC 7905 and RFC 8422.
CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{iana}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for iana, openssl in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
}
TLS13_CIPHERS = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
CURVES = {"X25519": "X25519", "CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}


def _users(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise wrong(_("basic_auth_users is no mapping"), _("`name: hash`, one user a line"))
    return value


def _hash(value: Any) -> str:
    write = _("the line that `netmon hash-password` prints")
    found = BCRYPT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(_("this is no bcrypt hash"), write)
    if not MIN_COST <= int(found[1]) <= MAX_COST:
        raise wrong(_("a bcrypt cost of {cost} is not possible here").format(cost=int(found[1])), write)
    return str(value)


def _user_name(value: Any) -> Any:
    # RFC 7617, section 2: the first colon ends the name.
    if not (isinstance(value, str) and 0 < len(value) <= MAX_USER_LENGTH and value.isprintable() and ":" not in value):
        raise wrong(_("this is no user name"), _("1 to 64 printable characters without ':'"))
    return value


def _cipher(value: Any) -> Any:
    if value in TLS13_CIPHERS:
        what = _("the suites of TLS 1.3 cannot be chosen: {value} is always on")
        raise wrong(what.format(value=value), _("suites of TLS 1.2 only"))
    return _one_of(value, CIPHERS)


def _curve(value: Any) -> Any:
    return _one_of(value, CURVES)


def _version(value: Any) -> Any:
    if value in {"TLS10", "TLS11"}:
        raise wrong(_("{value} is not secure and not offered").format(value=value), "TLS12")
    return value


def _client_auth(value: Any) -> Any:
    if value in {"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"}:
        what = _("{value} takes any certificate without verifying it, which is not offered")
        raise wrong(what.format(value=value), "RequireAndVerifyClientCert")
    return value


def _http2(value: Any) -> Any:
    if value is True:
        raise wrong(_("HTTP/2 is not offered"), "http2: false")
    return value


def _headers(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name, text in value.items():
        allowed = HEADERS.get(name)
        if allowed is None:
            raise wrong(_("the header {name} cannot be set").format(name=shown(name)), ", ".join(HEADERS))
        if not (isinstance(text, str) and text.isascii() and text.isprintable()):
            raise wrong(_("the value of the header {name} is no line of ASCII text").format(name=name), _("one line"))
        if text and allowed and text.lower() not in allowed:
            raise wrong(_("{value} is not possible here").format(value=shown(text)), ", ".join(allowed))
    return value


def _network(value: Any) -> Any:
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError:
        what = _("{value} is no address of a proxy").format(value=shown(value))
        raise wrong(what, _("an address or a network, such as 192.0.2.7 or 192.0.2.0/28")) from None


def _interval(value: Any) -> float:
    try:
        return parse_duration(0 if value == "0" else value)
    except UnitError as error:
        raise wrong(error.what, error.write) from None


def _one_of(value: Any, words: dict[str, str]) -> Any:
    if value not in words:
        raise wrong(_("{value} is not possible here").format(value=shown(value)), ", ".join(words))
    return value


class TlsShape(Shape):
    """``tls_server_config``."""

    cert: str | None = None
    key: str | None = Field(default=None, repr=False)
    client_ca: str | None = None
    cert_file: Line | None = None
    key_file: Line | None = None
    client_ca_file: Line | None = None
    client_auth_type: Annotated[
        Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"], BeforeValidator(_client_auth)
    ] = "NoClientCert"
    client_allowed_sans: list[Line] = Field(default_factory=list)
    min_version: Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_version)] = "TLS12"
    max_version: Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_version)] = "TLS13"
    cipher_suites: list[Annotated[str, BeforeValidator(_cipher)]] = Field(default_factory=list)
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[Annotated[str, BeforeValidator(_curve)]] = Field(default_factory=list)


class HttpShape(Shape):
    """``http_server_config``. A blank header is left out of answers; one that is not named keeps our value."""

    http2: Annotated[bool, BeforeValidator(_http2)] = False
    headers: Annotated[dict[str, str], BeforeValidator(_headers)] = Field(default_factory=dict)


class RateLimitShape(Shape):
    """``rate_limit``: a token bucket for all requests together."""

    interval: Annotated[float, BeforeValidator(_interval)]
    burst: Annotated[int, Field(ge=1, le=1_000_000)]


class WebShape(Shape):
    """The whole file."""

    tls_server_config: TlsShape | None = None
    http_server_config: HttpShape = HttpShape()
    basic_auth_users: Annotated[
        dict[Annotated[str, BeforeValidator(_user_name)], Annotated[str, BeforeValidator(_hash)]],
        BeforeValidator(_users),
    ] = Field(default_factory=dict, repr=False)
    rate_limit: RateLimitShape | None = None
    netmon_roles: dict[str, Literal["viewer", "operator", "admin"]] = Field(default_factory=dict)
    netmon_trusted_proxies: list[Annotated[str, BeforeValidator(_network)]] = Field(default_factory=list)
