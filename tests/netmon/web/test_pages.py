"""What the board's pages show, from states put there by the test."""

from __future__ import annotations

import gettext
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from netmon import i18n
from netmon.archive import Event, Journal
from netmon.failover import FAILOVER, FAILOVER_ENDED, Failover, Outcome, Service, Use
from netmon.model import Asset, LocalText, MissedRun, Observation, Reason, ReasonCode, Site, Status, Window
from netmon.web import create_app
from netmon.web.board import failover_text
from probes.base import Failure, ProbeResult, Scheduling, State, StateClass, Step
from probes.capacity import CapacityParams
from tests.lab.checks import check
from tests.lab.observations import SECOND_NS, ignore, ping
from tests.lab.pages import NOW_NS, FakeNetmon, Inventory

CHECK = "hunchun/router/ping"
TIMEOUT = Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT.value)
HOSTILE = '<script>alert("x")</script>&\u202e\x1b[31m' + "y" * 10_000


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogues are tested elsewhere: here every message is its English id."""
    monkeypatch.setattr(i18n, "_catalogue", lambda _language: gettext.NullTranslations())


def seen(check_id: str = CHECK, *, ago: int = 30, **changes: object) -> Observation:
    made = replace(ping(1), check_id=check_id, started_ns=NOW_NS - ago * SECOND_NS)
    return replace(made, **changes)  # type: ignore[arg-type] # passed through


def netmon(*observations: Observation, **fields: object) -> FakeNetmon:
    view = FakeNetmon(**fields)  # type: ignore[arg-type] # passed through
    view.durable(observations)
    return view


async def page(view: FakeNetmon, path: str = "/", notice: str = "") -> str:
    """The page's text; it must be well formed."""
    transport = httpx.ASGITransport(app=create_app(view, notice=notice))
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    Balance(answer.text)
    return answer.text


class Balance(HTMLParser):
    """Fails on a page whose elements are not closed as they were opened, or that runs something of its own."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _value in attrs}
        assert not any(name.startswith("on") or name == "style" for name in names)
        assert tag != "script" or "src" in names
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def words(text: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text.partition("<main")[2])))


def tree() -> dict[str, object]:
    """A router with two things behind it, at two sites."""
    sites = {
        "hunchun": Site(id="hunchun", kind="battalion", name=LocalText(en="Battalion"), required={"router": 2}),
        "station": Site(id="station", kind="fire_station", name=LocalText(en="Station")),
        "empty": Site(id="empty", kind="township", name=LocalText(en="Township")),
    }
    assets = {
        "hunchun/router": Asset(id="hunchun/router", site="hunchun", kind="router", name=LocalText(en="Core")),
        "station/hd": Asset(
            id="station/hd", site="station", kind="video_terminal", name=LocalText(en="Screen"), parent="hunchun/router"
        ),
        "station/phone": Asset(id="station/phone", site="station", kind="satellite_phone", name=LocalText(en="Phone")),
    }
    return {
        "config": Inventory(sites=sites, assets=assets),
        "checks": (check(CHECK), check("station/hd/ping")),
    }


async def test_a_county_where_all_is_well_says_so() -> None:
    text = words(await page(netmon(seen())))
    assert "Everything that is checked works" in text
    assert "Wrong now" not in text
    assert "1 of 1 good" in text


async def test_what_is_wrong_stands_first_with_since_when_and_what_is_cut_off() -> None:
    down = {"status": Status.DOWN, "reasons": (TIMEOUT,)}
    view = netmon(seen(**down), seen("station/hd/ping", **down), **tree())
    view.changed = {CHECK: NOW_NS - 3600 * SECOND_NS}
    text = words(await page(view))
    assert "2 sites have something down" in text
    assert "no answer in time 1 check behind it cannot be judged for 1 h" in text
    assert text.count("no answer in time") == 1
    assert "Nothing is checked at: Township" in text


async def test_equipment_that_is_lacking_is_not_complete() -> None:
    text = words(await page(netmon(seen(), **tree())))
    assert "router 2 1 1 0 lacking" in text
    assert "HD video terminal 0 1 0 1 complete" in text


@pytest.mark.parametrize(
    ("observations", "sentence"),
    [
        ((), "Nothing is known to be down, and not everything is known"),
        ((seen(status=Status.DEGRADED),), "Nothing is down; 1 thing is degraded"),
        ((seen(ago=126),), "Nothing is known to be down, and not everything is known"),
        ((seen(status=Status.STANDBY),), "Everything that is checked works"),
    ],
)
async def test_the_verdict_is_no_better_than_what_is_known(
    observations: tuple[Observation, ...], sentence: str
) -> None:
    assert sentence in words(await page(netmon(*observations)))


async def test_what_was_never_measured_or_long_ago_is_unknown() -> None:
    assert "unknown not measured yet" in words(await page(FakeNetmon(), "/sites/hunchun"))
    assert "no recent figure 2 min 6 s ago" in words(await page(netmon(seen(ago=126)), "/sites/hunchun"))


async def test_work_that_was_announced_is_shown_as_such() -> None:
    window = Window(id="w1", from_ns=0, until_ns=2 * NOW_NS, entered_ns=0, reason="new router")
    view = netmon(seen(status=Status.DOWN, reasons=(TIMEOUT,)), windows=(window,))
    text = words(await page(view))
    assert "Everything that is checked works" in text
    assert "maintenance" in text


async def test_banners_say_what_everybody_must_know() -> None:
    view = netmon(
        reason="the disk is full",
        config_fault="sites.yaml:3:1: unknown key",
        config=Inventory(sample=True),
    )
    view.upkeep.recall([Event(kind="emergency", at_ns=1, detail={"id": "e", "reason": "flood", "author": "ole"})])
    text = words(await page(view))
    for sentence in (
        "An emergency is declared",
        "flood",
        "the disk is full",
        "sites.yaml:3:1: unknown key",
        "SAMPLE: no real",
    ):
        assert sentence in text
    assert "SIMULATION" in words(await page(netmon(seen()), notice="SIMULATION"))
    assert "banner" not in (await page(netmon(seen()))).partition("<main")[2]


async def test_a_site_shows_what_hangs_on_what_and_what_nobody_checks() -> None:
    text = words(await page(netmon(seen(), **tree()), "/sites/station"))
    assert "Equipment without checks Phone satellite telephone" in text
    assert "What hangs on what Core Battalion Screen Station" in text


async def test_a_check_shows_figures_facts_steps_and_history(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for ago in range(300, 0, -60):
            journal.append(seen(ago=ago, attempt=1))
        journal.append(seen(ago=30, status=Status.DOWN, reasons=(TIMEOUT,)))
    result = ProbeResult(
        readings={"rtt_median_seconds": 0.02}, states={"mode": State("repeating", StateClass.OK)},
        facts={"model": "RD980"}, steps=(Step(0.001, "pinging"),),
    )  # fmt: skip
    view = netmon(seen(result=result), folder=tmp_path)
    raw = await page(view, f"/checks/{CHECK}?span=1h")
    text = words(raw)
    assert "round trip, median rtt_median_seconds 20 ms" in text
    assert "mode repeating model RD980" in text
    assert "1.0 ms pinging" in text
    assert '<path class="line" d="M' in raw
    assert "Last failures" in text
    assert re.search(r"Last failures started .* down 1 no answer in time", text)


async def test_a_check_without_an_archive_says_so() -> None:
    assert "there is no archive in nowhere" in words(await page(netmon(seen()), f"/checks/{CHECK}"))


async def test_events_are_told_newest_first_by_site_and_kind(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.append_event("start", NOW_NS - 400 * SECOND_NS, {"checks": 1})
        journal.append(seen(ago=300))
        journal.append(seen(ago=200))
        journal.append(seen(ago=100, status=Status.DOWN))
    view = netmon(seen(), folder=tmp_path)
    text = words(await page(view, "/events"))
    assert text.index("down Router") < text.index("up Router") < text.index("netmon started checks 1")
    assert text.count("Router · ping") == 2
    assert "netmon started" not in words(await page(view, "/events?what=changes")).partition("Show")[2]
    assert "Router · ping" not in words(await page(view, "/events?what=netmon"))
    assert "Router · ping" in words(await page(view, "/events?site=hunchun"))


async def test_a_search_finds_names_addresses_and_states() -> None:
    view = netmon(seen(), seen("station/hd/ping", status=Status.DOWN, reasons=(TIMEOUT,)), **tree())
    assert "Screen" in words(await page(view, "/search?q=screen+station"))
    assert "Nothing found" in words(await page(view, "/search?q=screen+battalion"))
    assert "Core" in words(await page(view, "/search?q=127.0.0.1&status=up"))
    wrong = words(await page(view, "/search?status=wrong"))
    assert "Screen" in wrong
    assert "Core" not in wrong


async def test_what_a_load_test_disturbs_says_so() -> None:
    there = netmon(seen(status=Status.DEGRADED), loads={"hunchun/router": [(NOW_NS - 10 * 10**9, NOW_NS)]})
    for path in ("/", "/sites/hunchun", f"/checks/{CHECK}", "/search?q=ping"):
        assert "degraded under test" in words(await page(there, path))
        assert "under test" not in words(await page(netmon(seen(status=Status.DEGRADED)), path))


def test_a_failover_is_told_in_a_sentence() -> None:
    failover = Failover(
        id=f"{CHECK}@1", site="hunchun", check_id=CHECK, primary="hunchun/router", taken_over=True, lost_ns=1,
        noticed_ns=2, services=(Service(check_id=CHECK, outcome=Outcome.WORKED, gap=(5.0, 12.2)),),
    )  # fmt: skip
    i18n.use_language("en")
    text = failover_text(FAILOVER, failover.detail(), Inventory())
    assert text == (
        "Hunchun battalion · gap until services answered again: between 5 s and 13 s"
        " · passed: on the backup everything worked that had worked before (1 checks)"
    )
    assert failover_text(FAILOVER_ENDED, {"id": f"{CHECK}@1"}, Inventory()) == "Hunchun battalion"
    assert failover_text("start", {"vantage": "main"}, Inventory()) == ""


async def test_a_site_says_which_uplink_is_in_use_and_what_the_last_failover_cost() -> None:
    spare = Asset(
        id="hunchun/spare", site="hunchun", kind="uplink", name=LocalText(en=HOSTILE[:60]), backup_of="hunchun/router"
    )
    services = (
        Service(check_id=CHECK, outcome=Outcome.FAILED),
        Service(check_id="hunchun/spare/ping", outcome=Outcome.WORKED, gap=(5.0, 12.2)),
    )
    last = Failover(
        id="f", site="hunchun", check_id=CHECK, primary="hunchun/router", taken_over=True,
        lost_ns=NOW_NS - 70 * SECOND_NS, noticed_ns=NOW_NS - 60 * SECOND_NS, services=services, window="m1",
    )  # fmt: skip
    use = Use(check_id=CHECK, site="hunchun", primary="hunchun/router", word="backup", since_ns=NOW_NS, last=last)
    assets = {asset.id: asset for asset in (*Inventory().assets.values(), spare)}
    shown = await page(netmon(seen(), config=Inventory(assets=assets), in_use=[use]), "/sites/hunchun")
    assert "<script>alert" not in shown
    text = words(shown)
    for part in (
        "the backup uplink: nothing is in reserve", "last failover 2023-11-15 06:12 announced drill",
        "primary again not yet",
        "gap between 5 s and 13 s", "failed: on the backup these did not work: Router",
    ):  # fmt: skip
        assert part in text
    unseen = replace(use, word=None, last=None)
    text = words(await page(netmon(seen(), config=Inventory(assets=assets), in_use=[unseen]), "/sites/hunchun"))
    assert "No failover was seen yet." in text
    assert "in use not known" in text


@pytest.mark.parametrize("path", ["/", "/sites/hunchun", f"/checks/{CHECK}", "/events", "/search?q=ping"])
async def test_hostile_words_do_no_harm(path: str, tmp_path: Path) -> None:
    """Neither a device's nor those of who wrote the inventory, on any page."""
    result = ProbeResult(
        readings={"rtt_median_seconds": 0.1, f"in_octets[{HOSTILE[:80]}]": 1.0}, facts={HOSTILE: HOSTILE},
        states={HOSTILE: State(HOSTILE, StateClass.FAULT)}, steps=(Step(0.0, HOSTILE),), detail=HOSTILE,
    )  # fmt: skip
    reason = Reason(code=ReasonCode.STATE, status=Status.DOWN, subject=HOSTILE, text=HOSTILE)
    observation = seen(status=Status.DOWN, reasons=(reason,), result=result)
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.append(observation)
        journal.append_event(HOSTILE, NOW_NS, {HOSTILE: HOSTILE})
    site = Site(id="hunchun", kind="battalion", name=LocalText(en=HOSTILE))
    router = Asset(id="hunchun/router", site="hunchun", kind="router", name=LocalText(en=HOSTILE))
    inventory = Inventory(sites={site.id: site}, assets={router.id: router}, organisation=LocalText(en=HOSTILE))
    raw = await page(netmon(observation, config=inventory, folder=tmp_path), path)
    assert "<script>" not in raw
    assert "\u202e" not in raw
    assert "\x1b" not in raw
    assert "y" * 400 not in raw
    assert len(raw) < 100_000


async def test_a_thousand_checks_make_a_page_of_moderate_size() -> None:
    sites = {
        f"s{n}": Site(id=f"s{n}", kind="fire_station", name=LocalText(zh=f"消防救援站{n}", en=f"Station {n}"))
        for n in range(200)
    }
    assets = {
        f"s{n}/e{m}": Asset(id=f"s{n}/e{m}", site=f"s{n}", kind="router", name=LocalText(zh="设备", en="Thing"))
        for n in range(200)
        for m in range(5)
    }
    checks = tuple(check(f"{asset}/ping") for asset in assets)
    view = netmon(*(seen(item.id, status=Status.DOWN, reasons=(TIMEOUT,)) for item in checks),
                  config=Inventory(sites=sites, assets=assets), checks=checks)  # fmt: skip
    text = await page(view, "/?lang=zh")
    assert len(text.encode()) < 300_000
    assert "980 more" in text
    assert len((await page(view, "/search?lang=zh")).encode()) < 300_000


async def test_a_check_is_run_now_on_request_but_not_all_the_time() -> None:
    """``/probe``: a check of the inventory and nothing else, at most every five seconds."""
    view = netmon(seen(result=ProbeResult(readings={"loss_ratio": 0.0}, steps=(Step(0.001, "pinging"),))))
    transport = httpx.ASGITransport(app=create_app(view))
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        for query in ("", "?check=127.0.0.1", "?check=hunchun/router/other", "?target=example.org"):
            assert (await client.get(f"/probe{query}")).status_code == 404
        answer = await client.get(f"/probe?check={CHECK}&debug=true")
        assert answer.headers["content-type"].startswith("text/plain")
        assert "1.000 ms  pinging\n" in answer.text
        assert "netmon_loss_ratio" in answer.text
        again = await client.get(f"/probe?check={CHECK}")
        assert (again.status_code, again.headers["retry-after"]) == (429, "5")


async def test_a_capacity_test_is_shown_against_its_target_over_months(tmp_path: Path) -> None:
    name, day_ns = "hunchun/router/capacity", 86_400 * SECOND_NS
    tested = check(
        name, kind="capacity", interval_seconds=86_400, params=CapacityParams(), scheduling=Scheduling.EXCLUSIVE
    )
    rows = [
        seen(
            name,
            ago=number * 86_400,
            status=Status.UNKNOWN if number == 30 else Status.UP,
            result=ProbeResult(
                readings={"carried_bits_per_second[to_site]": 50.2e6 if number % 7 else 47e6, "test_bytes": 31e6},
                states={"bandwidth[to_site]": State("reached", StateClass.OK)},
            ),
        )
        for number in range(80)
    ]
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for row in reversed(rows):
            journal.append(row)
        journal.append_missed(MissedRun(check_id=name, vantage="main", scheduled_ns=NOW_NS - day_ns, reason="busy"))
    view = netmon(rows[0], checks=(tested,), folder=tmp_path)
    text = await page(view, f"/checks/{name}")

    assert 'class="limit"' in text
    assert "carried [to the site] least 47 Mbit/s, median 50.2 Mbit/s" in words(text)
    assert "bandwidth [to the site]" in words(text)
    assert "a year" in words(text)
    assert 'class="mark missed"' in text
    assert 'class="mark undecided"' in text
    assert "decided nothing 1; did not take place: the line was in use 1" in words(text)
    assert "Hunchun battalion · the line was in use" in words(await page(view, "/events"))
