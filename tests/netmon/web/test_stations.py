"""The page of base stations: which, which channel, why, and how it is known."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx

from netmon.archive import Event
from netmon.model import Asset, Heard, LocalText, Observation, Reason, ReasonCode, Site, Status
from netmon.runner import Clock
from netmon.upkeep.record import Declared
from netmon.web import Access, create_app
from probes.base import Failure, ProbeResult, State, StateClass
from tests.lab.checks import check
from tests.lab.observations import SECOND_NS, ping
from tests.lab.pages import NOW_NS, FakeNetmon, Inventory
from tests.lab.web_config import PASSWORDS

STATION, POWER = "hill/repeater/base-station", "hill/ups/power"
HOSTILE = "<script>alert(1)</script>"


def assets(*names: str) -> dict[str, Asset]:
    kinds = {"repeater": "base_station", "ups": "power", "second": "base_station"}
    return {
        f"hill/{name}": Asset(
            id=f"hill/{name}", site="hill", kind=kinds[name], name=LocalText(en=f"the {name}"),
            parent="hill/ups" if name != "ups" else None,
        )
        for name in names
    }  # fmt: skip


def netmon(*observations: Observation) -> FakeNetmon:
    checks = (
        check("hill/second/base-station", kind="base_station"),
        check(STATION, kind="base_station"),
        check(POWER, kind="power"),
    )
    sites = {"hill": Site(id="hill", kind="radio_site", name=LocalText(en="Hill"))}
    view = FakeNetmon(checks=checks, config=Inventory(sites=sites, assets=assets("repeater", "second", "ups")))
    view.durable(observations)
    return view


def seen(check_id: str, status: Status, result: ProbeResult, *reasons: Reason) -> Observation:
    return replace(
        ping(1), check_id=check_id, started_ns=NOW_NS - 5 * SECOND_NS, status=status, result=result, reasons=reasons
    )


async def page(view: FakeNetmon, language: str = "en") -> str:
    transport = httpx.ASGITransport(app=create_app(view))
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        answer = await client.get(f"/stations?lang={language}")
    assert answer.status_code == 200
    return answer.text


REFLECTS = seen(
    STATION,
    Status.DEGRADED,
    ProbeResult(
        readings={
            "snmp_up": 1.0, "vswr_ratio": 3.2, "transmission_age_seconds": 5400.0, "tx_frequency_hertz": 352.0125e6,
            "supply_voltage_volts": 13.6,
        },
        states={
            "service_state": State("fallback", StateClass.DEGRADED),
            "vswr_alarm": State("alarm", StateClass.DEGRADED),
            "channel_type": State("digital", StateClass.OK),
        },
        facts={"channel_name": f"Fire 3 {HOSTILE}"},
    ),
    Reason(code=ReasonCode.STATE, status=Status.DEGRADED, subject="service_state", text="fallback"),
    Reason(code=ReasonCode.STATE, status=Status.DEGRADED, subject="vswr_alarm", text="alarm"),
)  # fmt: skip
ON_BATTERY = seen(
    POWER,
    Status.DEGRADED,
    ProbeResult(
        readings={"on_battery": 1.0, "autonomy_seconds": 2580.0},
        states={
            "power_source": State("battery", StateClass.DEGRADED), "autonomy_basis": State("device", StateClass.OK)
        },
    ),
)  # fmt: skip


async def test_one_look_says_which_station_which_channel_and_why() -> None:
    text = await page(netmon(REFLECTS, ON_BATTERY))

    for words in (
        "the repeater", "fallback: a part of the network stands in", "Fire 3", "352.0125\N{NO-BREAK SPACE}MHz",
        "3.2", "1 h 30 min ago",
        "standing wave alarm: the device reports alarm", "13.6 V", "the station&#39;s own report (SNMP)",
        "43 min", "the device&#39;s own estimate", "its battery", "feeds",
    ):  # fmt: skip
        assert words in text, words
    assert HOSTILE not in text
    # The state of service has its own place and is no reason a second time.
    assert "service: fallback" not in text


async def test_the_worst_stands_first_and_what_is_not_known_claims_nothing() -> None:
    well = seen("hill/second/base-station", Status.UP, ProbeResult(readings={"icmp_up": 1.0, "snmp_up": 0.0}))
    text = await page(netmon(REFLECTS, well))

    assert text.index("the repeater") < text.index("the second")
    assert "ping alone: its health is not known" in text


async def test_a_station_that_is_known_in_several_ways_is_one_station() -> None:
    """The way that knows something counts, and all ways stand together."""
    ways = {
        name: check(f"hill/repeater/{name}", kind=kind)
        for name, kind in (("terminal", "registration"), ("roll-call", "roll_call"))
    }
    view = netmon(seen("hill/second/base-station", Status.DEGRADED, ProbeResult(readings={"snmp_up": 1.0})))
    view.checks = (*(each for each in view.checks if each.id != STATION), *ways.values())
    moved = ProbeResult(failure=Failure.NOT_SEEN, states={"registration": State("elsewhere", StateClass.NOT_MONITORED)})
    view.durable([seen(ways["terminal"].id, Status.UNKNOWN, moved)])
    view.durable([seen(ways["roll-call"].id, Status.UP, ProbeResult(states={"heard": State("clear", StateClass.OK)}))])
    text = await page(view)

    summary = text[text.index("<h1>") : text.index("<table")]
    assert "unknown" not in summary
    assert re.findall(r"(degraded|up) (\d)", summary) == [("degraded", "1"), ("up", "1")]
    assert text.index("the second") < text.index("hill/repeater/terminal") < text.index("hill/repeater/roll-call")
    assert "a terminal of ours that is registered with it" in text
    assert "what people heard at the roll call, to the day" in text


async def test_in_chinese() -> None:
    text = await page(netmon(REFLECTS, ON_BATTERY), "zh")
    for words in ("故障弱化", "驻波告警：设备报告 告警", "信道类型: 数字", "基站自报", "43 分"):
        assert words in text, words


async def test_an_old_figure_is_not_shown_as_if_it_were_new() -> None:
    old = replace(REFLECTS, started_ns=NOW_NS - 3600 * SECOND_NS)
    text = await page(netmon(old))
    assert "352.0125" not in text
    assert "no recent figure" in text


async def test_a_county_without_stations() -> None:
    text = await page(FakeNetmon())
    assert "There is no base station in the inventory." in text


async def post(view: FakeNetmon, access: Access, form: dict[str, str], name: str = "ole") -> httpx.Response:
    transport = httpx.ASGITransport(app=create_app(view, access=access))
    options = {"auth": (name, PASSWORDS[name]), "headers": {"X-Netmon-Request": "1"}}
    async with httpx.AsyncClient(transport=transport, base_url="https://board.example", **options) as client:
        return await client.post("/stations/roll-call", data=form)


async def test_a_roll_call_is_entered_and_shown_as_what_it_is(access: Access) -> None:
    """For a station that nobody may ask it is all there is; after a day it says nothing any more."""
    view = netmon()
    answer = await post(view, access, {"heard:hill/repeater": "weak", "heard:hill/second": ""})
    assert answer.headers["location"] == "/stations"
    assert (view.upkeep.roll_calls["hill/repeater"].heard, view.upkeep.roll_calls["hill/repeater"].author) == (
        Heard.WEAK, "ole",
    )  # fmt: skip
    assert "hill/second" not in view.upkeep.roll_calls
    text = await page(view)
    assert "came through badly" in text
    assert "0 s ago by ole" in text
    assert "It is no measurement" in text

    view.clock = Clock(wall_ns=lambda: NOW_NS + 86_400 * SECOND_NS)
    assert "not called today" in await page(view)


async def test_a_roll_call_of_nothing_or_of_what_is_not_there_is_refused(access: Access) -> None:
    view = netmon()
    for form in ({}, {"heard:hill/repeater": "shouting"}, {"heard:nowhere/x": "clear"}):
        assert (await post(view, access, form)).status_code == 422
    assert not view.upkeep.roll_calls


async def test_who_only_looks_enters_nothing(access: Access) -> None:
    view = netmon()
    assert (await post(view, access, {"heard:hill/repeater": "clear"}, "anna")).status_code == 403
    assert "Enter the roll call" not in await page(view)


def test_roll_calls_are_recalled_from_the_archive() -> None:
    declared = Declared()
    detail = {"heard": {"hill/repeater": "clear"}, "author": "li"}
    declared.take(Event(kind="roll_call", at_ns=5, detail=detail))
    assert declared.roll_calls["hill/repeater"].author == "li"
