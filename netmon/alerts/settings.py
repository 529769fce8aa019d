"""``alerts.yaml``: who is told, by which servers. As strict as the inventory, every mistake at once."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from netmon.alerts.desk import Severity
from netmon.config import ConfigError, read_document, secrets
from netmon.config.errors import shown
from netmon.config.fields import Seconds, Url
from netmon.config.shape import Line, Shape, wrong
from netmon.config.units import UnitError
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document
from netmon.i18n import _

__all__ = ["AlertSettings", "Recipient", "Server", "load_settings"]

MAX_ADDRESS: Final = 254
TIME_OF_DAY: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _address(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    local, _at, domain = text.rpartition("@")
    good = local and domain and len(text) <= MAX_ADDRESS and text.isascii() and text.isprintable()
    if not good or any(sign in text for sign in ' ,;:<>()[]"\\'):
        raise wrong(
            _("{value} is no mail address").format(value=shown(value)), _("an address such as duty@example.org")
        )
    return text


Address = Annotated[str, BeforeValidator(_address)]


class ServerShape(Shape):
    """A server that takes mail."""

    host: Line
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: Line = ""
    password_file: str | None = None
    password_env: str | None = None
    ca_file: str | None = None
    timeout: Seconds = 20.0


class RecipientShape(Shape):
    """Who is told."""

    address: Address
    language: Literal["zh", "en"] = "zh"
    least: Severity = Severity.MINOR
    digest: bool = True
    reports: bool = False


class ReportsShape(Shape):
    """Which reports are made by themselves, and when on the day after: after 09:00 the last day's file is closed."""

    monthly: bool = True
    yearly: bool = True
    at: str = Field(default="10:00", pattern=TIME_OF_DAY)


class MailShape(Shape):
    """Mail."""

    sender: Address
    servers: list[Any] = Field(min_length=1)
    recipients: list[Any] = Field(min_length=1)
    digest_at: str = Field(default="08:00", pattern=TIME_OF_DAY)


class AlertmanagerShape(Shape):
    """An Alertmanager, which then delivers."""

    url: Url


class ChatShape(Shape):
    """Chat and SMS, by addresses in the form of Apprise, one a line; they hold secrets, so they stand in a file."""

    urls_file: str
    when: Literal["fallback", "always"] = "fallback"
    language: Literal["zh", "en"] = "zh"


class HeartbeatShape(Shape):
    """A page of a service that notices when it is no longer asked for."""

    url: Url
    every: Seconds = 60.0


class AlertsShape(Shape):
    """The whole file."""

    board: Url | None = None
    grafana: Url | None = None
    mail: Any = None
    alertmanager: Any = None
    chat: Any = None
    heartbeat: Any = None
    reports: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that takes mail; the first that does is used."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 20.0

    @property
    def name(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """How it is made sure that it is this server."""
        return ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is told, in which language, from which severity on, and whether of each morning and of reports, too."""

    address: str
    language: str = "zh"
    least: Severity = Severity.MINOR
    digest: bool = True
    reports: bool = False

    def wants(self, severity: Severity) -> bool:
        """Whether something this bad is for them."""
        order = list(Severity)
        return order.index(severity) >= order.index(self.least)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Who is told, and how.

    Attributes:
        board, grafana: addresses for links in mails; empty for none.
        digest_at_seconds: when each morning's mail goes, after midnight in Asia/Shanghai.
        alertmanager: address of one that delivers instead of mail; empty for none.
        chat_urls: addresses for Apprise.
        chat_always: chat gets everything, not only what mail could not deliver.
        heartbeat: page that is asked for while all is well; empty for none.
        reports_at_seconds: when reports are made, after midnight in Asia/Shanghai of the day after their period.
    """

    board: str = ""
    grafana: str = ""
    sender: str = ""
    servers: tuple[Server, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    digest_at_seconds: int = 8 * 3600
    alertmanager: str = ""
    chat_urls: tuple[str, ...] = field(default=(), repr=False)
    chat_always: bool = False
    chat_language: str = "zh"
    heartbeat: str = ""
    heartbeat_seconds: float = 60.0
    reports_monthly: bool = False
    reports_yearly: bool = False
    reports_at_seconds: int = 10 * 3600


def load_settings(path: Path, environ: Mapping[str, str]) -> AlertSettings:
    """Read the file.

    Raises:
        ConfigError: with everything that is wrong, as ``file:line:column``.
    """
    _text, document = read_document(path)
    shape = validate(document, (), AlertsShape, document.root)
    made = AlertSettings() if shape is None else _Reader(document, path.parent, environ).settings(shape)
    if document.problems:
        raise ConfigError(document.problems)
    return made


def _seconds(time_of_day: str) -> int:
    hours, minutes = map(int, time_of_day.split(":"))
    return hours * 3600 + minutes * 60


class _Reader:
    def __init__(self, document: Document, folder: Path, environ: Mapping[str, str]) -> None:
        self._document = document
        self._folder = folder
        self._environ = environ

    def settings(self, shape: AlertsShape) -> AlertSettings:
        fields: dict[str, Any] = {"board": shape.board or "", "grafana": shape.grafana or ""}
        if shape.mail is not None and (mail := self._part("mail", MailShape, shape.mail)):
            fields |= self._mail(mail)
        if shape.alertmanager is not None and (
            manager := self._part("alertmanager", AlertmanagerShape, shape.alertmanager)
        ):
            fields["alertmanager"] = manager.url
            if shape.mail is not None:
                what = _("mail and alertmanager stand together: everything would be told twice")
                self._document.report(("alertmanager",), what, key=True, write=_("one of them"))
        if shape.chat is not None and (chat := self._part("chat", ChatShape, shape.chat)):
            text = self._secret(("chat",), "urls", chat.urls_file, None)
            urls = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
            fields |= {"chat_urls": urls, "chat_always": chat.when == "always", "chat_language": chat.language}
        if shape.heartbeat is not None and (beat := self._part("heartbeat", HeartbeatShape, shape.heartbeat)):
            fields |= {"heartbeat": beat.url, "heartbeat_seconds": beat.every}
        if shape.reports is not None and (reports := self._part("reports", ReportsShape, shape.reports)):
            fields |= {
                "reports_monthly": reports.monthly, "reports_yearly": reports.yearly,
                "reports_at_seconds": _seconds(reports.at),
            }  # fmt: skip
        return AlertSettings(**fields)

    def _part(self, name: str, model: type[Any], value: Any) -> Any:
        return validate(self._document, (name,), model, value)

    def _mail(self, mail: MailShape) -> dict[str, Any]:
        servers, recipients = [], []
        for number, value in enumerate(mail.servers):
            path = ("mail", "servers", number)
            server = validate(self._document, path, ServerShape, value)
            if server is not None:
                servers.append(self._server(path, server))
        for number, value in enumerate(mail.recipients):
            one = validate(self._document, ("mail", "recipients", number), RecipientShape, value)
            if one is not None:
                recipients.append(
                    Recipient(
                        address=one.address, language=one.language, least=one.least, digest=one.digest,
                        reports=one.reports,
                    )
                )  # fmt: skip
        return {
            "sender": mail.sender, "servers": tuple(servers), "recipients": tuple(recipients),
            "digest_at_seconds": _seconds(mail.digest_at),
        }  # fmt: skip

    def _server(self, path: tuple[str | int, ...], shape: ServerShape) -> Server:
        password = ""
        if shape.password_file is not None or shape.password_env is not None:
            password = self._secret(path, "password", shape.password_file, shape.password_env)
        if bool(shape.user) != bool(shape.password_file or shape.password_env):
            what = _("user and password belong together")
            self._document.report(path, what, write=_("user, and password_file or password_env"))
        if shape.user and shape.security == "none" and shape.host not in ("localhost", "127.0.0.1", "::1"):
            what = _("the password would cross the network in clear text")
            self._document.report((*path, "security"), what, write="starttls")
        ca_file = None if shape.ca_file is None else self._folder / shape.ca_file
        if ca_file is not None and not ca_file.is_file():
            self._document.report((*path, "ca_file"), _("there is no file {path}").format(path=ca_file))
        ports = {"tls": 465, "starttls": 587, "none": 25}
        return Server(
            host=shape.host, port=shape.port or ports[shape.security], security=shape.security, user=shape.user,
            password=password, ca_file=ca_file, timeout_seconds=shape.timeout,
        )  # fmt: skip

    def _secret(self, path: tuple[str | int, ...], key: str, file: str | None, variable: str | None) -> str:
        try:
            if file is not None:
                return secrets.from_file(self._folder / file)
            return secrets.from_environment(variable or "", self._environ)
        except UnitError as error:
            name = f"{key}_file" if file is not None else f"{key}_env"
            self._document.report((*path, name), error.what, write=error.write)
            return ""
