"""How good the data are: what was expected and what came, gaps, what counts for nothing and why, what was changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from heapq import nlargest
from typing import Final

from netmon.archive import Reader
from netmon.archive.manifest import DAY_NS
from netmon.i18n import _
from netmon.impact import EffectiveStatus
from netmon.model import Window
from netmon.report.shapes import CheckQuality, Configuration, Events, FileFacts, Gap, LeftOut, Work
from netmon.report.texts import Names, in_both, iso
from netmon.targets.documents import ENTERED, WITHDRAWN
from netmon.targets.evidence import ArchiveEvidence, Slice, Version, expected_runs, seconds
from netmon.words import printable

__all__ = ["MOST_GAPS", "changes", "check_quality", "events_of", "files_of", "gaps_of", "left_out", "work_of"]

EVENTS: Final = ("clock_step", "archive_expired", "start", "stop", "reload", "reload_refused")
MOST_EVENTS: Final = 5_000
MOST_GAPS: Final = 200
"""The longest are listed; how many are not, is said."""


def check_quality(
    reader: Reader, evidence: ArchiveEvidence, names: Names, chosen: Collection[str]
) -> list[CheckQuality]:
    """How much is known of each check.

    Args:
        chosen: ids of checks.
    """
    bounds = {"since_ns": evidence.since_ns, "until_ns": evidence.until_ns}
    runs = reader.runs(**bounds)
    missed: dict[str, dict[str, int]] = {}
    for (check_id, reason), count in sorted(reader.missed_counts(**bounds).items()):
        missed.setdefault(check_id, {})[reason] = count
    newest = {check.id: check for version in evidence.versions for check in version.config.checks.values()}
    found: list[CheckQuality] = []
    for check_id, line in sorted(evidence.timelines().items()):
        if check_id not in chosen:
            continue
        time = seconds([line])
        gaps = [until_ns - from_ns for from_ns, until_ns in _gaps(line)]
        expected = sum(asdict(time).values())
        unknown = time.unknown + time.maintenance_unknown
        found.append({
            "id": check_id,
            "equipment": names.of(newest[check_id].asset),
            "interval_seconds": newest[check_id].interval_seconds,
            "expected_runs": expected_runs(evidence.versions, check_id, line),
            "runs": runs.get(check_id, 0),
            "missed_runs": missed.get(check_id, {}),
            "good_seconds": round(time.good, 3),
            "bad_seconds": round(time.bad, 3),
            "unknown_seconds": round(time.unknown, 3),
            "maintenance_good_seconds": round(time.maintenance_good, 3),
            "maintenance_bad_seconds": round(time.maintenance_bad, 3),
            "maintenance_unknown_seconds": round(time.maintenance_unknown, 3),
            "standby_seconds": round(sum(_length(each) for each in line if each.status is EffectiveStatus.STANDBY), 3),
            "cut_off_seconds": round(
                sum(_length(each) for each in line if each.status is EffectiveStatus.UNREACHABLE), 3
            ),
            "known_ratio": None if not expected else round((expected - unknown) / expected, 9),
            "gaps": len(gaps),
            "longest_gap_seconds": round(max(gaps, default=0) / 1e9, 3),
        })  # fmt: skip
    return found


def gaps_of(reader: Reader, evidence: ArchiveEvidence, names: Names, chosen: Collection[str]) -> tuple[list[Gap], int]:
    """The longest gaps in order of time, and how many there are besides."""
    starts = [
        event.at_ns for event in reader.events("start", since_ns=evidence.since_ns, until_ns=evidence.until_ns)
    ]  # fmt: skip
    owners = {check.id: check.asset for version in evidence.versions for check in version.config.checks.values()}
    every = [
        (from_ns, until_ns, check_id)
        for check_id, line in evidence.timelines().items()
        if check_id in chosen
        for from_ns, until_ns in _gaps(line)
    ]
    longest = sorted(nlargest(MOST_GAPS, every, key=lambda each: (each[1] - each[0], each)))
    gaps: list[Gap] = [
        {
            "check": check_id,
            "equipment": names.of(owners[check_id]),
            "since": iso(from_ns),
            "until": iso(until_ns),
            "seconds": round((until_ns - from_ns) / 1e9, 3),
            "restart": bisect_left(starts, from_ns) < bisect_left(starts, until_ns),
        }
        for from_ns, until_ns, check_id in longest
    ]
    return gaps, len(every) - len(gaps)


def left_out(
    reader: Reader, evidence: ArchiveEvidence, checks: Sequence[CheckQuality], period_until_ns: int
) -> list[LeftOut]:
    """What counts for no figure, and why; what there is nothing of is not named."""
    begun_ns = evidence.versions[0].since_ns if evidence.versions else evidence.until_ns
    agreed = sum(
        check["maintenance_good_seconds"] + check["maintenance_bad_seconds"] + check["maintenance_unknown_seconds"]
        for check in checks
    )
    withdrawn = {str(event.detail.get("id", "")) for event in reader.events(WITHDRAWN)}
    taken_back = sum(str(event.detail.get("id", "")) in withdrawn for event in reader.events(
        ENTERED, since_ns=evidence.since_ns, until_ns=evidence.until_ns
    ))  # fmt: skip
    rows: list[LeftOut] = [
        {
            "what": "before_monitoring",
            "what_text": in_both(lambda: _("time before monitoring began")),
            "seconds": (begun_ns - evidence.since_ns) / 1e9, "count": None,
            "why_text": in_both(lambda: _("nothing was in the inventory; figures of this time are entered by people")),
        },
        {
            "what": "not_over",
            "what_text": in_both(lambda: _("time that is still to come")),
            "seconds": (period_until_ns - evidence.until_ns) / 1e9, "count": None,
            "why_text": in_both(lambda: _("the period was not over when the report was made")),
        },
        {
            "what": "agreed_work",
            "what_text": in_both(lambda: _("agreed work, all checks together")),
            "seconds": round(agreed, 3), "count": None,
            "why_text": in_both(
                lambda: _("it was announced before it began; the range of each figure shows it counted, too")
            ),
        },
        {
            "what": "stowed",
            "what_text": in_both(lambda: _("equipment that is normally off, all checks together")),
            "seconds": round(sum(check["standby_seconds"] for check in checks), 3), "count": None,
            "why_text": in_both(lambda: _("it was stowed; its readiness is judged by drills")),
        },
        {
            "what": "taken_back",
            "what_text": in_both(lambda: _("entries that were taken back")),
            "seconds": None, "count": taken_back,
            "why_text": in_both(lambda: _("whoever entered them took them back; they stay in the archive")),
        },
        {
            "what": "damaged_files",
            "what_text": in_both(lambda: _("files of the archive that cannot be read")),
            "seconds": None, "count": len(reader.damaged),
            "why_text": in_both(lambda: _("what they held counts as unknown")),
        },
    ]  # fmt: skip
    return [row for row in rows if row["seconds"] or row["count"]]


def changes(versions: Sequence[Version]) -> list[Configuration]:
    """Each inventory that came into force, and what it changed of the one before."""
    found: list[Configuration] = []
    before: Mapping[str, str] = {}
    for version in versions:
        if found and found[-1]["id"] == version.config.config_id:
            continue
        now = {check.id: check.fingerprint for check in version.config.checks.values()}
        found.append({
            "id": version.config.config_id,
            "since": iso(version.since_ns),
            "added": len(now.keys() - before.keys()),
            "removed": len(before.keys() - now.keys()),
            "changed": sum(now[name] != before[name] for name in now.keys() & before.keys()),
        })  # fmt: skip
        before = now
    return found


def work_of(windows: Iterable[Window], since_ns: int, until_ns: int) -> list[Work]:
    """Work that was announced and touches a time, in order."""
    found: dict[tuple[int, str], Work] = {}
    for window in windows:
        if window.from_ns < until_ns and window.until_ns > since_ns:
            found[window.from_ns, window.id] = {
                "id": window.id, "since": iso(window.from_ns), "until": iso(window.until_ns),
                "entered": iso(window.entered_ns), "reason": printable(window.reason),
                "sites": sorted(window.sites), "equipment": sorted(window.assets),
            }  # fmt: skip
    return [row for _key, row in sorted(found.items())]


def events_of(reader: Reader, since_ns: int, until_ns: int) -> Events:
    """What happened to netmon itself."""
    counts = dict.fromkeys(EVENTS, 0)
    steps = []
    for kind in EVENTS:
        for event in reader.events(kind, since_ns=since_ns, until_ns=until_ns):
            counts[kind] += 1
            if kind == "clock_step":
                steps.append((event.at_ns, int(str(event.detail.get("step_ns", 0))) / 1e9))
    return {
        "counts": counts,
        "clock_steps": [{"at": iso(at_ns), "step_seconds": step} for at_ns, step in steps[:MOST_EVENTS]],
    }


def files_of(reader: Reader, since_ns: int, until_ns: int) -> list[FileFacts]:
    """The archive's files of closed days that a time touches; a day is UTC, so they reach beyond it."""
    first, last = since_ns // DAY_NS, (until_ns - 1) // DAY_NS
    return [
        {"name": file.name, "sha256": file.sha256, "rows": file.rows}
        for file in reader.files()
        if first <= file.day <= last
    ]


def _gaps(line: Iterable[Slice]) -> list[tuple[int, int]]:
    """When nothing was known of a check; work that was agreed meanwhile makes no two of one."""
    found: list[tuple[int, int]] = []
    for part in line:
        if part.status is not EffectiveStatus.UNKNOWN:
            continue
        if found and found[-1][1] == part.from_ns:
            found[-1] = (found[-1][0], part.until_ns)
        else:
            found.append((part.from_ns, part.until_ns))
    return found


def _length(part: Slice) -> float:
    return (part.until_ns - part.from_ns) / 1e9
