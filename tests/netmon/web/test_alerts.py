"""The page of alerts: seen by everybody, acted on by operators; a link never acts."""

from __future__ import annotations

from netmon.alerts.desk import Alert, Severity
from netmon.alerts.machine import Condition
from netmon.model import Reason, ReasonCode, Status
from netmon.web import Access
from probes.base import Failure
from tests.lab.pages import NOW_NS, FakeNetmon
from tests.netmon.web.test_upkeep import visitor

HOSTILE = "<b>x</b>"


def with_alert() -> FakeNetmon:
    netmon = FakeNetmon()
    reason = Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT, text=HOSTILE)
    condition = Condition(check_id="hunchun/router/ping", since_ns=NOW_NS - 10**11, raised_ns=NOW_NS, reasons=(reason,))
    netmon.alerts._desk.alerts["1-a"] = Alert(
        id="1-a", asset="hunchun/router", site="hunchun", thread="1-a", since_ns=NOW_NS - 10**11, raised_ns=NOW_NS,
        severity=Severity.CRITICAL, conditions={"hunchun/router/ping": condition}, told=True,
    )  # fmt: skip
    return netmon


async def test_the_link_of_a_mail_shows_and_the_button_acts(access: Access) -> None:
    netmon = with_alert()
    async with visitor(netmon, access, "ole") as client:
        page = (await client.get("/alerts/1-a?lang=zh")).text
        assert "路由器" in page
        assert "&lt;b&gt;x&lt;/b&gt;" in page
        assert "我来处理" in page
        (alert,) = netmon.alerts.lasting()
        assert alert.acknowledged == ""
        assert (await client.post("/alerts/acknowledge", data={"id": "1-a"})).status_code == 303
        assert alert.acknowledged == "ole"
        assert (await client.post("/alerts/acknowledge", data={"id": "none"})).status_code == 422
        assert (await client.get("/alerts/none")).status_code == 404
        assert "处理人：ole" in (await client.get("/alerts?lang=zh")).text


async def test_it_says_that_a_test_loads_the_line(access: Access) -> None:
    netmon = with_alert()
    async with visitor(netmon, access, "anna") as client:
        assert "带宽测试" not in (await client.get("/alerts?lang=zh")).text
        netmon.loads = {"hunchun/router": [(NOW_NS - 10**10, NOW_NS + 10**10)]}
        assert "正在对该线路做带宽测试" in (await client.get("/alerts?lang=zh")).text


async def test_an_operator_silences_and_ends_it(access: Access) -> None:
    netmon = with_alert()
    async with visitor(netmon, access, "ole") as client:
        form = {"what": "hunchun/router", "length": "1h", "reason": HOSTILE}
        assert (await client.post("/silences", data=form)).status_code == 303
        (silence,) = netmon.alerts.silences()
        assert (silence.what, silence.author) == ("hunchun/router", "ole")
        assert "&lt;b&gt;" in (await client.get("/alerts")).text
        assert (await client.post("/silences/end", data={"id": silence.id})).status_code == 303
        assert netmon.alerts.silences() == []
        for wrong in ({"what": "moon"}, {"length": "long"}, {"reason": ""}, {"length": "400d"}):
            assert (await client.post("/silences", data={**form, **wrong})).status_code == 422


async def test_a_viewer_sees_and_cannot_act(access: Access) -> None:
    netmon = with_alert()
    async with visitor(netmon, access, "anna") as client:
        assert (await client.get("/alerts")).status_code == 200
        assert (await client.post("/alerts/acknowledge", data={"id": "1-a"})).status_code == 403
        assert (await client.post("/silences", data={"what": ""})).status_code == 403
