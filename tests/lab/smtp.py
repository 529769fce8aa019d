"""Real SMTP servers on loopback that keep what they are given, and can be told to refuse."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.lab.servers import unused_port

__all__ = ["USER", "Mailbox", "smtp_server"]

USER = ("netmon", "a-mailers-password")


@dataclass(slots=True)
class Mailbox:
    """What came, and what is answered.

    Attributes:
        mails: each one that was taken.
        answer: to DATA; ``250 ...`` takes it.
        recipient_answer: to RCPT; empty takes it.
        logins: user names that logged in.
        port: where it listens.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer: str = "250 2.0.0 kept"
    recipient_answer: str = ""
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
            mail = message_from_bytes(content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.raw.append(content)
            self.recipients += envelope.rcpt_tos
        return self.answer


@contextlib.contextmanager
def smtp_server(
    *, tls: ssl.SSLContext | None = None, login: bool = False, implicit: bool = False, port: int = 0
) -> Iterator[Mailbox]:
    """A server in a thread of its own.

    Args:
        tls: offers STARTTLS, and wants it; with ``implicit`` it speaks TLS from the start.
        login: takes mail only from :data:`USER`.
    """
    box = Mailbox()

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == tuple(each.encode() for each in USER)
        if good and isinstance(data, LoginPassword):
            box.logins.append(data.login.decode())
        return AuthResult(success=good, handled=good)  # unhandled: the server says 535

    options = {"authenticator": authenticate, "auth_required": True} if login else {}
    if login and implicit:
        options["auth_require_tls"] = False
    if tls is not None and not implicit:
        options |= {"tls_context": tls, "require_starttls": True}
    controller = Controller(
        box, hostname="127.0.0.1", port=port or unused_port(), ssl_context=tls if implicit else None, **options
    )
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
