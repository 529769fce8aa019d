"""Who may do what: users and TLS by a file in Prometheus's format, sessions, roles, and limits on guessing."""

from netmon.web.auth.passwords import hash_password
from netmon.web.auth.roles import ANYONE, Role, User, may
from netmon.web.auth.web_config import WebConfig, load_web_config

__all__ = ["ANYONE", "Role", "User", "WebConfig", "hash_password", "load_web_config", "may"]
