"""The web configuration: users and TLS, in Prometheus's format, so that one file serves all exporters of a host."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netmon.config.errors import ConfigError, Problem, nearest, shown
from netmon.config.secrets import readable_by_all
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document
from netmon.config.yaml_reader import read
from netmon.i18n import _
from netmon.web.auth.roles import Role, User
from netmon.web.auth.shape import TlsShape, WebShape
from netmon.web.auth.tls import make_context

__all__ = ["WebConfig", "load_web_config", "state_of"]

WEAK_COST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """A web configuration that was read without a mistake.

    Attributes:
        users: by name.
        client_certificates: only clients with a verified certificate connect.
        headers: what answers carry; blank ones are left out.
        rate_limit: (seconds between two requests, burst), or ``None``.
        trusted_proxies: networks whose X-Forwarded headers are believed.
        files: what was read, this file first.
        warnings: what is not wrong and yet not well.
    """

    users: Mapping[str, User] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    client_certificates: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: tuple[float, int] | None = None
    trusted_proxies: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def protected(self) -> bool:
        """Nobody gets in without a password or a certificate."""
        return bool(self.users) or self.client_certificates


def state_of(files: tuple[Path, ...]) -> str:
    """A digest that changes with the files: a certificate may have been renewed where the configuration stayed."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(file.read_bytes())
            digest.update(str(file.stat().st_mode).encode())
        except OSError as error:
            digest.update(str(error.errno).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def load_web_config(path: Path) -> WebConfig:
    """Read a web configuration and the files that it names.

    Raises:
        ConfigError: with everything that is wrong; no password, hash or key is in the message.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        exposed = readable_by_all(path)
    except OSError as error:
        what = _("cannot be read: {error}").format(error=error.strerror)
        raise ConfigError([Problem(str(path), 1, 1, what)]) from error
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), 1, 1, _("this is not UTF-8 text"))]) from None
    document = read(text, str(path), show=lambda _text: _("this"))
    if document.broken:
        raise ConfigError(document.problems)
    shape = validate(document, (), WebShape, {} if document.root is None else document.root)
    if shape is None:
        raise ConfigError(document.problems)
    config = _build(document, shape, path, exposed=exposed)
    if document.problems:
        raise ConfigError(document.problems)
    return config


def _build(document: Document, shape: WebShape, path: Path, *, exposed: bool) -> WebConfig:
    tls = shape.tls_server_config
    limit = shape.rate_limit
    return WebConfig(
        users=_users(document, shape),
        tls=None if tls is None else _tls(document, tls, path, exposed=exposed),
        client_certificates=tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert",
        headers=shape.http_server_config.headers,
        rate_limit=(limit.interval, limit.burst) if limit is not None and limit.interval > 0 else None,
        trusted_proxies=tuple(shape.netmon_trusted_proxies),
        files=(path, *_files(tls, path.parent)),
        warnings=tuple(_warnings(document, shape, exposed=exposed)),
    )


def _users(document: Document, shape: WebShape) -> dict[str, User]:
    for name in shape.netmon_roles:
        if name not in shape.basic_auth_users:
            document.report(
                ("netmon_roles", name), _("no user {name} in basic_auth_users").format(name=shown(name)), key=True,
                nearest=nearest(name, shape.basic_auth_users),
            )  # fmt: skip
    return {
        name: User(name=name, role=Role(shape.netmon_roles.get(name, Role.VIEWER)), password_hash=password_hash)
        for name, password_hash in shape.basic_auth_users.items()
    }


def _tls(document: Document, shape: TlsShape, path: Path, *, exposed: bool) -> ssl.SSLContext:
    if shape.key is not None and exposed:
        what = _("every user of this machine can read {path}").format(path=path)
        document.report(("tls_server_config", "key"), what, key=True, write=_("chmod 640 for it"))
    context, errors = make_context(shape, path.parent)
    for error in errors:
        document.report(("tls_server_config", error.key), error.what, write=error.write)
    return context


def _files(tls: TlsShape | None, folder: Path) -> list[Path]:
    names = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls is not None else ()
    return [folder / name for name in names if name is not None]


def _warnings(document: Document, shape: WebShape, *, exposed: bool) -> list[Problem]:
    found = []
    if exposed and shape.basic_auth_users:
        what = _("every user of this machine can read {path}").format(path=document.file)
        found.append(
            document.problem(document.spot(("basic_auth_users",), key=True), what, write=_("chmod 640 for it"))
        )
    for name, password_hash in shape.basic_auth_users.items():
        if int(password_hash[4:6]) < WEAK_COST:
            what = _("a bcrypt cost below {cost} is quickly guessed").format(cost=WEAK_COST)
            spot = document.spot(("basic_auth_users", name))
            found.append(document.problem(spot, what, write=_("the line that `netmon hash-password` prints")))
    return found
