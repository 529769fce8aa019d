"""Web configurations and certificates for tests."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import trustme

from netmon.archive import Event

__all__ = ["HASHES", "PASSWORDS", "Certificates", "MemoryBook", "hash_of", "users_text"]

PASSWORDS = {"anna": "a-viewers-password", "ole": "an-operators-password", "ada": "an-admins-password"}
ROLES = {"ole": "operator", "ada": "admin"}


def hash_of(password: str) -> str:
    """A bcrypt hash at the least cost, so that tests are quick."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


HASHES = {name: hash_of(password) for name, password in PASSWORDS.items()}


def users_text() -> str:
    """A viewer anna, an operator ole and an admin ada."""
    users = "".join(f"  {name}: {HASHES[name]}\n" for name in PASSWORDS)
    roles = "".join(f"  {name}: {role}\n" for name, role in ROLES.items())
    return f"basic_auth_users:\n{users}netmon_roles:\n{roles}"


@dataclass
class Certificates:
    """A certificate authority and a server certificate for localhost, in files."""

    folder: Path

    def __post_init__(self) -> None:
        self.authority = trustme.CA()
        self.renew()
        self.authority.cert_pem.write_to_path(str(self.folder / "ca.crt"))

    def renew(self) -> None:
        """Another certificate in the same files."""
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        (self.folder / "server.crt").write_bytes(issued.cert_chain_pems[0].bytes())
        (self.folder / "server.key").write_bytes(issued.private_key_pem.bytes())
        (self.folder / "server.key").chmod(0o600)

    def client_context(self, *names: str) -> ssl.SSLContext:
        """A client that trusts the authority, with a certificate for ``names`` if there are any."""
        context = ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())
        if names:
            self.authority.issue_cert(*names).configure_cert(context)
        return context

    @property
    def text(self) -> str:
        """The part of a web configuration."""
        return "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


@dataclass
class MemoryBook:
    """Takes down who did what where a test can see it."""

    taken: list[dict[str, str]] = field(default_factory=list)

    def record(self, **entry: str) -> None:
        """One more."""
        self.taken.append(entry)

    async def actions(self, *, actor: str, action: str, before_ns: int | None, limit: int) -> Sequence[Event]:
        """The n-th was at n nanoseconds."""
        events = [Event(kind="action", at_ns=number, detail=entry) for number, entry in enumerate(self.taken)]
        chosen = [
            event for event in events if actor in ("", event.detail["actor"]) and action in ("", event.detail["action"])
        ]
        return [event for event in chosen[::-1] if before_ns is None or event.at_ns < before_ns][:limit]
