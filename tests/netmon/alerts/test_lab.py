"""An uplink is cut: one mail that names it, soon; one when it is back. By real SMTP, plain and by TLS and log-in."""

from __future__ import annotations

import json
import subprocess
import sys
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from tests.lab import need
from tests.lab.smtp import USER

pytestmark = pytest.mark.alone  # how soon a mail comes is measured

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(300)
def test_a_cut_uplink_is_exactly_one_mail_and_one_when_it_is_back() -> None:
    need.namespaces()
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.cut_uplink"], capture_output=True, text=True, cwd=ROOT, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert set(answer) == {"plain", "tls"}
    for name, phase in answer.items():
        assert phase["told_seconds"] <= phase["limit_seconds"], (name, phase["told_seconds"])
        mails = [message_from_string(text, policy=default) for text in phase["mails"]]
        assert len(mails) == 2, [mail["Subject"] for mail in mails]
        raised, over = mails
        assert isinstance(raised, EmailMessage)
        assert "站上联" in str(raised["Subject"])
        assert "已恢复" in str(over["Subject"])
        assert over["In-Reply-To"] == raised["Message-ID"]
        body = raised.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert "12" in text
        assert "上联带宽" in text
        assert text.count("摄像机") == 12
    assert answer["plain"]["logins"] == []
    assert set(answer["tls"]["logins"]) == {USER[0]}
