"""The ways out of a message: mail servers and chat. The one door to aiosmtplib and apprise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiosmtplib

from netmon.alerts.outbox import Message
from netmon.alerts.settings import Server
from netmon.logs import fields

__all__ = ["Answer", "Outcome", "send_chat", "send_mail"]

log = logging.getLogger(__name__)

PERMANENT: Final = range(500, 600)
LOGIN_REFUSED: Final = frozenset({530, 534, 535, 538})
"""Codes that speak of our log-in and not of the message: somebody mends that, and then it can go."""


class Outcome(StrEnum):
    """What came of an attempt."""

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, word for word, as one line."""

    outcome: Outcome
    text: str


async def send_mail(servers: Sequence[Server], sender: str, message: Message) -> Answer:
    """Give a mail to the first server that takes it. What one refuses for good the others are not asked for."""
    answer = Answer(Outcome.LATER, "no server")
    for server in servers:
        answer = await _send_by(server, sender, message)
        if answer.outcome is not Outcome.LATER:
            return answer
        log.warning("a mail server does not take a mail", extra=fields(server=server.name, answer=answer.text))
    return answer


async def _send_by(server: Server, sender: str, message: Message) -> Answer:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=None if server.security == "none" else server.tls(),
        username=server.user or None,
        password=server.password or None,
        timeout=server.timeout_seconds,
    )
    try:
        async with client:
            _refused, text = await client.sendmail(sender, [message.recipient], message.content)
    except aiosmtplib.SMTPRecipientsRefused as error:
        code = error.recipients[0].code if error.recipients else 0
        words = error.recipients[0].message if error.recipients else str(error)
        return Answer(_outcome(code), _line(server, f"{code} {words}"))
    except aiosmtplib.SMTPResponseException as error:
        return Answer(_outcome(error.code), _line(server, f"{error.code} {error.message}"))
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        return Answer(Outcome.LATER, _line(server, str(error) or repr(error)))
    return Answer(Outcome.SENT, _line(server, text))


def _outcome(code: int) -> Outcome:
    return Outcome.REFUSED if code in PERMANENT and code not in LOGIN_REFUSED else Outcome.LATER


def _line(server: Server, text: str) -> str:
    return f"{server.name}: {' '.join(text.split())}"


async def send_chat(urls: Iterable[str], message: Message) -> Answer:
    """Give a text to every chat; one that fails is said, and the others get it all the same."""
    import apprise

    title, _break, body = message.content.decode().partition("\n")
    room = apprise.Apprise()
    known = [bool(room.add(url)) for url in urls]
    if not all(known):
        return Answer(Outcome.REFUSED, f"address {known.index(False) + 1} of the chat is none that Apprise knows")
    done = await asyncio.to_thread(room.notify, body=body.strip(), title=title)
    return Answer(Outcome.SENT, "chat") if done else Answer(Outcome.LATER, "a chat did not take it")
