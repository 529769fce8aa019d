"""The sample county over two months, hour by hour, with faults, an emergency, agreed work and evidence that people
entered: for reports that are looked at. What happened is written in :data:`FAULTS`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import probes
from netmon.archive import Journal
from netmon.config import Config, recall
from netmon.model import Observation, Reason, ReasonCode, Status, midnight_ns
from netmon.targets.documents import ENTERED
from netmon.upkeep import EVENT_KINDS
from probes.base import Failure, ProbeResult

__all__ = ["EMERGENCY_FROM", "EMERGENCY_UNTIL", "FAULTS", "FIRST", "HOURS", "LAST", "Fault", "above", "county", "fill"]

ROOT: Final = Path(__file__).parents[2]
FIRST, LAST = date(2025, 3, 1), date(2025, 4, 30)
HOUR_NS: Final = 3_600_000_000_000
HOURS: Final = 61 * 24
EMERGENCY_FROM, EMERGENCY_UNTIL = 20 * 24 + 6, 20 * 24 + 18
"""Hours after the begin."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Equipment that does not answer, or of which nothing is recorded (``lost``), from one hour to another."""

    asset: str
    begin: int
    end: int
    lost: bool = False


FAULTS: Final = (
    Fault("station-1/uplink", 100, 103),
    Fault("station-2/uplink", 20 * 24 + 8, 20 * 24 + 11),
    Fault("hilltop-1/repeater", 20 * 24 + 7, 20 * 24 + 9),
    Fault("station-2/camera", 600, 640),
    Fault("battalion/mesh", 700, 760, lost=True),
    Fault("hilltop-2/rectifier", 900, HOURS),
)


def county() -> Config:
    """The sample inventory, each check once an hour."""
    text = (ROOT / "config" / "sites.yaml").read_text(encoding="utf-8")
    begin, end = text.index("defaults:"), text.index("# 维护窗口")
    kinds = ("ping", "tcp", "dns", "http", "ipv6", "satellite", "stream")
    hourly = "".join(f"  {kind}: {{interval: 1h}}\n" for kind in kinds)
    defaults = (
        "defaults:\n  base_station: {interval: 1h, params: {auth: radios}}\n"
        "  power: {interval: 1h, params: {auth: power, profile: ups}}\n"
        "  uplink: {interval: 1h, params: {provisioned_bits_per_second: 50M}}\n"
    )
    return recall(text[:begin] + defaults + hourly + text[end:], "county", kinds=probes.KINDS)


async def fill(folder: Path, hours: int = HOURS) -> Config:
    """Make the archive of so many hours; days are not closed."""
    config = county()
    begin = midnight_ns(FIRST)
    behind = {asset.id: above(config, asset.id) for asset in config.assets.values()}
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        journal.record_config(config.config_id, config.text, begin)
        journal.append_event("start", begin, {"vantage": "main", "checks": len(config.checks)})
        for hour in range(hours):
            at_ns = begin + hour * HOUR_NS
            faults = [fault for fault in FAULTS if fault.begin <= hour < fault.end]
            down = {fault.asset for fault in faults if not fault.lost}
            lost = {fault.asset for fault in faults if fault.lost}
            for check in config.checks.values():
                if check.asset not in lost:
                    bad = bool(down & behind[check.asset])
                    journal.append(_run(check.id, check.normally_off, bad, at_ns, config.config_id))
        _declare(journal, begin)
        _enter(journal, begin)
        await journal.flush()
    return config


def above(config: Config, asset: str) -> set[str]:
    """The equipment and all that it hangs on."""
    found = {asset}
    while (parent := config.assets[asset].parent) is not None and parent not in found:
        found.add(parent)
        asset = parent
    return found


def _run(check_id: str, stowed: bool, bad: bool, at_ns: int, config_id: str) -> Observation:
    status = Status.STANDBY if stowed else Status.DOWN if bad else Status.UP
    failure = Failure.TIMEOUT if status is Status.DOWN else None
    reasons = () if failure is None else (
        Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT.value),
    )  # fmt: skip
    readings = {} if failure else {"loss_ratio[near]": 0.0, "loss_ratio[far]": 0.0002, "loss_ratio": 0.0}
    return Observation(
        check_id=check_id, vantage="main", scheduled_ns=at_ns, started_ns=at_ns, duration_seconds=0.0, attempt=1,
        status=status, reasons=reasons, result=ProbeResult(failure=failure, readings=readings), config_id=config_id,
    )  # fmt: skip


def _declare(journal: Journal, begin: int) -> None:
    window, _ended, emergency, over, _roll_call = EVENT_KINDS
    journal.append_event(window, begin + 300 * HOUR_NS, {
        "id": "m1", "from_ns": begin + 599 * HOUR_NS, "until_ns": begin + 605 * HOUR_NS, "sites": ["station-2"],
        "assets": [], "reason": "更换机柜", "author": "ole",
    })  # fmt: skip
    journal.append_event(emergency, begin + EMERGENCY_FROM * HOUR_NS, {
        "id": "e20250321-060000", "reason": "春化镇山洪", "author": "anna",
    })  # fmt: skip
    journal.append_event(over, begin + EMERGENCY_UNTIL * HOUR_NS, {"id": "e20250321-060000", "author": "anna"})
    journal.append_event("clock_step", begin + 500 * HOUR_NS, {"step_ns": 3_500_000_000})


def _enter(journal: Journal, begin: int) -> None:
    entries = (
        {"target": "radio-coverage", "kind": "figure", "value": 0.93, "file": "路测报告.pdf", "note": "支队通信科路测"},
        {"target": "voice-video", "kind": "document", "passed": True, "file": "验收报告.pdf", "note": "2024 年验收"},
        {"target": "satellite-phone", "kind": "drill", "subject": "station-1/satellite-phone", "passed": True},
        {"target": "satellite-phone", "kind": "drill", "subject": "battalion/satellite-phone-1", "passed": True},
    )
    for number, entry in enumerate(entries):
        at_ns = begin + (40 * 24 + number) * HOUR_NS
        detail = {
            "id": f"e-{number:08x}", "criterion": "", "subject": "", "value": None, "passed": False, "note": "",
            "file": "", "sha256": "a" * 64 if entry.get("file") else "", "at_ns": at_ns, "author": "anna", **entry,
        }  # fmt: skip
        journal.append_event(ENTERED, at_ns + HOUR_NS, detail)
