"""Who somebody is and what they may do: three roles, each of which may do all that the one before it may."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["ANYONE", "Role", "User", "may"]


class Role(StrEnum):
    """What a user may do."""

    VIEWER = "viewer"
    """See."""
    OPERATOR = "operator"
    """Act: reload, acknowledge, declare an emergency, begin a maintenance window, probe now."""
    ADMIN = "admin"
    """See who did what."""


RANKS = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMIN: 3}


def may(role: Role, needed: Role) -> bool:
    """Whether ``role`` may do what needs ``needed``."""
    return RANKS[role] >= RANKS[needed]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in.

    Attributes:
        password_hash: bcrypt.
    """

    name: str
    role: Role
    password_hash: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Changes when the password or the role changes; says nothing about the password."""
        return hashlib.sha256(f"{self.role}:{self.password_hash}".encode()).hexdigest()


ANYONE = User(name="", role=Role.VIEWER, password_hash="")
"""Everybody on this machine, where the file names no users: may look, and nothing else."""
