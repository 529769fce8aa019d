"""What a request says of itself: credentials, where it was made, and forms. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

__all__ = ["is_local", "made_elsewhere", "parse_basic", "parse_form", "path_within"]

MAX_FIELDS = 100
DEFAULT_PORTS = {"http": 80, "https": 443}
LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def parse_basic(authorization: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header (RFC 7617), or ``None``."""
    scheme, _space, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a URL-encoded form, the last of each name; empty if it is none."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return {}
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace"))
    except ValueError:
        return {}


def made_elsewhere(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether a browser says that another site's page made this request (Fetch Metadata; RFC 6454 for Origin).

    Programs send neither header. Behind a proxy that ends TLS our own scheme is not the browser's, so only under TLS
    does the scheme count.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        parts = urlsplit(origin)
        host = urlsplit(f"{parts.scheme}://{headers.get('host', '')}")
        here = (host.hostname, host.port or DEFAULT_PORTS.get(parts.scheme))
        there = (parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return True
    return there != here or parts.scheme not in DEFAULT_PORTS or (scheme == "https" and parts.scheme != "https")


def path_within(wanted: str) -> str:
    """A path of this server to go to after logging in; anything else becomes the first page."""
    return wanted if LOCAL_PATH.fullmatch(wanted) else "/"


def is_local(host: str) -> bool:
    """Whether a Host header or an address to listen on names this machine only (RFC 6761, 6.3 for names)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
