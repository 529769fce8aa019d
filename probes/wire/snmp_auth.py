"""Credentials for SNMP. Checks name them by their key in the inventory; the secrets stay in here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["AuthProtocol", "PrivacyProtocol", "SnmpAuth"]

AuthProtocol = Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"]
PrivacyProtocol = Literal["DES", "AES-128", "AES-192", "AES-256", "AES-192-C", "AES-256-C"]
"""AES-192 and AES-256 extend short keys as net-snmp does (draft-blumenthal-aes-usm-04); with -C as Cisco does
(draft-reeder-snmpv3-usm-3desede). With SHA-256 or longer no key is short, and both are the same."""

MIN_PASSWORD = 8
"""RFC 3414 section 11.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpAuth:
    """How netmon introduces itself to a group of devices.

    For versions 1 and 2c ``community`` is all there is; for version 3 ``user`` and, by the security level wanted,
    an authentication password (authNoPriv) and a privacy password (authPriv) of at least eight characters.

    Raises:
        ValueError: the fields contradict each other; the message holds no secret.
    """

    version: Literal["1", "2c", "3"] = "2c"
    community: str = field(default="", repr=False)
    user: str = ""
    auth_protocol: AuthProtocol = "SHA-256"
    auth_password: str = field(default="", repr=False)
    privacy_protocol: PrivacyProtocol = "AES-128"
    privacy_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.version == "3":
            if not self.user or self.community:
                raise ValueError("SNMP version 3 needs a user and has no community")
            if self.privacy_password and not self.auth_password:
                raise ValueError("SNMP version 3 has no privacy without authentication: give an auth_password")
            for name, secret in (("auth", self.auth_password), ("privacy", self.privacy_password)):
                if secret and len(secret) < MIN_PASSWORD:
                    raise ValueError(f"{name}_password must have at least {MIN_PASSWORD} characters (RFC 3414)")
        elif not self.community or self.user or self.auth_password or self.privacy_password:
            raise ValueError(f"SNMP version {self.version} needs a community, and nothing of version 3")
