"""Real SMTP servers: what is taken, tried again, refused for good; the outbox, and an end at any point."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.alerts.outbox import Message, Outbox
from netmon.alerts.senders import Answer, Outcome, send_chat, send_mail
from netmon.alerts.settings import Server
from tests.lab.end_at_line import end_at_lines
from tests.lab.servers import Tls, unused_port
from tests.lab.smtp import USER, smtp_server

MAIL = Message(
    message_id="<1@x>", channel="mail", recipient="duty@example.org",
    content=b"From: netmon@example.org\r\nTo: duty@example.org\r\nMessage-ID: <1@x>\r\nSubject: s\r\n\r\nbody\r\n",
)  # fmt: skip


def server(port: int, security: str = "none", **more: object) -> Server:
    return Server(host="127.0.0.1", port=port, security=security, timeout_seconds=5.0, **more)  # type: ignore[arg-type] # fields


async def send(*servers: Server) -> Answer:
    return await send_mail(servers, "netmon@example.org", MAIL)


async def test_a_plain_server_takes_a_mail_and_its_answer_is_said() -> None:
    with smtp_server() as box:
        answer = await send(server(box.port))
        assert answer.outcome is Outcome.SENT
        assert "250" in answer.text or "kept" in answer.text
        assert [mail["Subject"] for mail in box.mails] == ["s"]


@pytest.mark.filterwarnings("ignore:.*(tls_context|auth_require_tls|Requiring AUTH).*:UserWarning")
@pytest.mark.parametrize("implicit", [False, True])
async def test_tls_and_log_in(tmp_path: Path, implicit: bool) -> None:
    tls = Tls(tmp_path)
    security = "tls" if implicit else "starttls"
    with smtp_server(tls=tls.server("localhost", "127.0.0.1"), login=True, implicit=implicit) as box:
        good = server(box.port, security, user=USER[0], password=USER[1], ca_file=tls.ca_file)
        assert (await send(good)).outcome is Outcome.SENT
        wrong = server(box.port, security, user=USER[0], password="no", ca_file=tls.ca_file)
        answer = await send(wrong)
        assert answer.outcome is Outcome.LATER  # somebody mends the password, and then it goes
        assert "535" in answer.text
        assert "no" not in answer.text.split()
        stranger = server(box.port, security, user=USER[0], password=USER[1])
        assert (await send(stranger)).outcome is Outcome.LATER  # a certificate that nobody vouches for
        assert len(box.mails) == 1


async def test_a_server_without_tls_gets_no_password() -> None:
    with smtp_server() as box:
        answer = await send(server(box.port, "starttls", user=USER[0], password=USER[1]))
        assert answer.outcome is Outcome.LATER
        assert box.logins == []


@pytest.mark.parametrize(
    ("data", "recipient", "outcome"),
    [
        ("451 4.3.0 try later", "", Outcome.LATER),
        ("554 5.7.1 spam", "", Outcome.REFUSED),
        ("250 OK", "550 5.1.1 nobody here", Outcome.REFUSED),
        ("250 OK", "450 4.2.0 greylisted", Outcome.LATER),
    ],
)
async def test_for_now_and_for_good(data: str, recipient: str, outcome: Outcome) -> None:
    with smtp_server() as box:
        box.answer, box.recipient_answer = data, recipient
        answer = await send(server(box.port))
        assert answer.outcome is outcome
        assert (recipient or data)[:3] in answer.text


async def test_the_second_server_takes_what_the_first_does_not() -> None:
    with smtp_server() as first, smtp_server() as second:
        first.answer = "421 4.3.2 going down"
        answer = await send(server(unused_port()), server(first.port), server(second.port))
        assert answer.outcome is Outcome.SENT
        assert len(second.mails) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's, on Python 3.11
async def test_an_unknown_chat_is_refused_and_said() -> None:
    message = Message(message_id="c", channel="chat", recipient="chat", content="题\n正文".encode())
    answer = await send_chat(["nothing://x"], message)
    assert answer.outcome is Outcome.REFUSED
    assert "1" in answer.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_chat_gets_the_text() -> None:
    message = Message(message_id="c", channel="chat", recipient="chat", content="题\n正文".encode())
    seen: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length")
        )
        seen.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        answer = await send_chat([f"json://127.0.0.1:{port}/"], message)
    assert answer.outcome is Outcome.SENT
    assert "正文" in seen[0].decode("unicode_escape") or "正文".encode() in seen[0]


def outbox(folder: Path) -> Outbox:
    return Outbox.open(folder)


def test_state_and_messages_are_there_after_an_end(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.save({"desk": [1]}, [MAIL], 5)
    box.save({"desk": [2]}, [MAIL], 6)  # composed again after an end: it is there once
    box.close()
    box = outbox(tmp_path)
    assert box.state("desk") == [2]
    (pending,) = box.due(10)
    assert (pending.message, pending.attempts, pending.created_ns) == (MAIL, 0, 5)
    box.note(pending.number, "waiting", "451", 10, next_ns=20)
    assert box.due(19) == []
    (pending,) = box.due(20)
    assert pending.attempts == 1
    box.note(pending.number, "sent", "250", 21)
    assert box.due(10**18) == []
    assert box.counts().waiting == 0
    assert oct((tmp_path / "alerts.sqlite").stat().st_mode)[-3:] == "600"
    box.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["save", "send", "note", "end"]), max_size=40))
def test_every_message_arrives_at_least_once_and_again_only_under_its_own_id(steps: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        box = outbox(folder)
        saved: list[str] = []
        arrived: list[str] = []
        under_way: list[int] = []
        for number, step in enumerate([*steps, "end", "send", "note"]):
            if step == "save":
                message = Message(message_id=f"<{number}>", channel="mail", recipient="r", content=b"x")
                box.save({"n": number}, [message], number)
                saved.append(message.message_id)
            elif step == "send":
                due = box.due(10**9, limit=100)
                arrived += [pending.message.message_id for pending in due]
                under_way = [pending.number for pending in due]
            elif step == "note":
                for one in under_way:
                    box.note(one, "sent", "250", number)
                under_way = []
            else:  # ends between any two steps, without a word
                box.close()
                box = outbox(folder)
                under_way = []
        assert set(arrived) == set(saved)
        assert box.due(10**9) == []
        box.close()


def test_an_end_at_any_line_loses_nothing(tmp_path: Path) -> None:
    """Processes save, send to a real server and note, and each ends at another line of it."""

    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    with smtp_server() as box:
        (lines,) = end_at_lines("send", [(0, folder("whole"))], box.port)
        assert lines > 50
        runs = [(end_at, folder(str(end_at))) for end_at in range(1, lines + 1)]
        assert end_at_lines("send", runs, box.port) == [end_at for end_at, _target in runs]
        seen = set()
        for _end_at, target in runs:
            recipient = f"{target.name}@example.org"
            told = box.recipients.count(recipient)
            store = outbox(target)
            waiting = store.due(10**18)
            saved = store.state("n") is not None
            # What was saved has arrived, or will; again only if the end came before it was noted.
            assert len(waiting) + told >= saved
            assert len(waiting) <= saved
            assert told <= saved
            for pending in waiting:
                answer = asyncio.run(send_mail([server(box.port)], "netmon@example.org", pending.message))
                assert answer.outcome is Outcome.SENT
                store.note(pending.number, "sent", "250", 1)
            store.close()
            assert box.recipients.count(recipient) == told + len(waiting)
            seen.add((saved, told, len(waiting)))
        assert seen == {(False, 0, 0), (True, 0, 1), (True, 1, 1), (True, 1, 0)}
        assert {(mail["Message-ID"], mail["To"]) for mail in box.mails} <= {
            (f"<{name}@x>", f"{name}@example.org") for name in ("whole", *range(1, lines + 1))
        }
