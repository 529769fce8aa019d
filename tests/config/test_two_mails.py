"""An uplink is cut, then netmon stops: one mail each, through netmon, Prometheus, Alertmanager and SMTP."""

from __future__ import annotations

import json
import subprocess
import sys
from email import message_from_string
from email.message import EmailMessage
from email.policy import default

import pytest

from tests.lab import need
from tests.lab.soak import scale
from tests.lab.stack import ROOT


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_a_cut_uplink_and_a_dead_netmon_are_one_mail_each() -> None:
    need.namespaces()
    quicker = scale(100, 1)
    command = [sys.executable, "-m", "tests.lab.two_mails", str(quicker)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=1400)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["up"]
    assert answer["before"] == 0
    assert answer["exit_code"] == 0
    assert answer["complaints"] == []
    mails = [message_from_string(text, policy=default) for text in answer["mails"]]
    assert [str(mail["Subject"]) for mail in mails] == [
        "[netmon] 严重: 一号消防救援站 · 站上联 中断",
        "[netmon] 严重: netmon 无应答：全网状态未知",
    ]
    assert answer["recipients"] == ["duty@example.org"] * 2
    uplink, monitor = (text_of(mail) for mail in mails)
    for word in ("核心路由器 正常", "12 台设备也全部失联", "联系运营商报修", "docs/runbooks/uplink.md", "/alerts/1-"):
        assert word in uplink, word
    assert uplink.count("摄像机") == 12
    for word in ("127.0.0.1:", "systemctl status netmon", "用电台询问各站", "docs/runbooks/NetmonDown.md"):
        assert word in monitor, word


def text_of(mail: object) -> str:
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    html = mail.get_body(("html",))
    assert html is not None
    assert "处置步骤" in html.get_content()
    return str(body.get_content())
