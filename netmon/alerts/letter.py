"""A notice in words: what, where, since when, how bad, why, which targets, what to do. Text and HTML, zh or en.

Names and reasons may hold a device's words: in HTML everything is escaped, in headers and text they are one line
without control and direction characters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from netmon.alerts.desk import OWN, Alert, Notice, NoticeKind, Severity
from netmon.alerts.machine import VANTAGE, Condition
from netmon.alerts.runbook import first_steps, page_of
from netmon.alerts.settings import AlertSettings, Recipient
from netmon.i18n import _, current_language, ngettext
from netmon.model import LOCAL, Asset, Check, LocalText, Reason, ReasonCode, Site, Status
from netmon.words import (
    duration,
    effective_word,
    equipment_kind_word,
    figure,
    printable,
    reading_name,
    reason_sentence,
    site_kind_word,
)
from probes.base import Failure

__all__ = [
    "Context",
    "Past",
    "Touched",
    "chat_text",
    "compose",
    "digest",
    "in_annotations",
    "own_words",
    "report_mail",
    "tested_words",
    "trial",
    "trial_in_annotations",
]

STRIP_CELLS: Final = 48
STRIP_SECONDS: Final = 1800
LISTED: Final = 12
HOUR_NS: Final = 3600 * 1_000_000_000
COLOURS: Final = {"up": "#2e7d32", "standby": "#90a4ae", "degraded": "#f9a825", "unknown": "#8e8e8e", "down": "#c62828"}
NOTHING: Final = "#e8e8e8"
BLOCKS: Final = {"up": "▁", "standby": "▁", "degraded": "▄", "unknown": "·", "down": "█", "": " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A check's last 24 hours.

    Attributes:
        strip: the worst status of each half hour, the oldest first; empty where nothing is recorded.
        figures: of readings that were beyond their limits: least and greatest.
    """

    strip: tuple[str, ...] = ()
    figures: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A target that an alert touches.

    Attributes:
        figure, verdict: how it stands this year, in words; empty while it is not known.
    """

    name: LocalText
    chapter: int
    section: int
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a letter needs to know of the county.

    Attributes:
        past: by check.
        touched: by alert.
        failovers: of sites on their backup uplink: since when, the gap and what does not work, sentences by check.
        coverage: what an outage costs of the radio coverage, sentences by alert.
        tested: checks whose line a test loads now, or did at their last run.
        emergency: an emergency is declared.
        simulated: it is no real network: every mail says so.
    """

    organisation: LocalText
    sites: Mapping[str, Site]
    assets: Mapping[str, Asset]
    checks: Mapping[str, Check]
    past: Mapping[str, Past] = field(default_factory=dict)
    touched: Mapping[str, Sequence[Touched]] = field(default_factory=dict)
    coverage: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failovers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    works: Mapping[str, bool | None] = field(default_factory=dict)
    tested: Collection[str] = ()
    emergency: bool = False
    simulated: bool = False


_environment = Environment(
    loader=PackageLoader("netmon.alerts"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_environment.globals["_"] = _


def own_words(name: str) -> str:
    """What is wrong with netmon itself."""
    words = {
        "vantage": _("netmon is cut off from the whole network"),
        "probing": _("netmon does not probe"),
        "archive": _("netmon cannot write its records"),
        "disk": _("the disk of netmon is nearly full"),
        "clock": _("the clock of netmon's machine was set"),
        "outbox": _("netmon's mails are not taken"),
        "config": _("the inventory on disk has mistakes, and the one before is in force"),
    }
    return words.get(name, name)


def tested_words() -> str:
    """Of an alert that lasts while a test loads the line."""
    return _("a capacity test loads the line at this time: its delay and loss say nothing, an outage does")


def compose(notice: Notice, recipient: Recipient, settings: AlertSettings, context: Context) -> EmailMessage:
    """The mail, in the current language."""
    content = _content(notice, settings, context)
    message = _envelope(settings, recipient, content["subject"], notice.at_ns)
    message["Message-ID"] = _message_id(settings, recipient, f"{notice.thread}.{notice.number}")
    if notice.number > 1:
        first = _message_id(settings, recipient, f"{notice.thread}.1")
        message["In-Reply-To"] = first
        message["References"] = first
    if any(alert.severity is Severity.CRITICAL for alert in notice.alerts) and notice.kind is not NoticeKind.RESOLVED:
        message["Importance"] = "high"
    return _filled(message, "letter.html", _text(content), content)


def chat_text(notice: Notice, settings: AlertSettings, context: Context) -> str:
    """The same for a chat: its first line is the title."""
    content = _content(notice, settings, context)
    lines = [content["subject"], content["summary"]]
    for item in content["alerts"]:
        lines += [item["title"], *item["wrong"], *item["steps"][:2]]
    return "\n".join([*lines, content["link"]]).strip()


def in_annotations(alert: Alert, settings: AlertSettings, context: Context, now_ns: int) -> dict[str, str]:
    """What an Alertmanager's templates show of an alert, in the current language, which is in the names if not English:
    what it is, how it is, what to do."""
    item = _item(alert, now_ns, settings, context)
    ending = _annotation_ending()
    lines = [*_frame_lines(_frame("", settings, context)), *_item_lines({**item, "steps": []})]
    return {
        f"summary{ending}": item["title"],
        f"description{ending}": "\n".join(lines),
        f"action{ending}": "\n".join(_numbered(item["steps"])),
        "runbook_url": item["runbook"],
    }


def digest(
    recipient: Recipient, settings: AlertSettings, context: Context, *, now_ns: int, lasting: Sequence[Alert],
    ended: int, unknown: Sequence[str],
) -> EmailMessage:  # fmt: skip
    """Each morning's mail: what lasts, how much ended since the last one, and what nobody knows of."""
    day = f"{datetime.fromtimestamp(now_ns / 1e9, LOCAL):%Y-%m-%d}"
    subject = _("[netmon] {day}: {count} alerts last").format(day=day, count=len(lasting))
    if not lasting:
        subject = _("[netmon] {day}: no alert").format(day=day)
    content = {
        **_frame(subject, settings, context),
        "kind": "digest", "number": 1, "look": "down" if lasting else "up",
        "summary": _("{ended} alerts ended since yesterday morning.").format(ended=ended),
        "alerts": [_item(alert, now_ns, settings, context, brief=True) for alert in lasting],
        "titles": True,
        "unknown": [_check_name(name, context) for name in unknown[:LISTED]],
        "unknown_count": len(unknown),
        "link": f"{settings.board}/alerts" if settings.board else "",
    }  # fmt: skip
    message = _envelope(settings, recipient, subject, now_ns)
    message["Message-ID"] = _message_id(settings, recipient, f"digest.{day}")
    return _filled(message, "letter.html", _text(content), content)


def report_mail(
    recipient: Recipient, settings: AlertSettings, *, name: str, text: str, now_ns: int, organisation: str,
    simulated: bool, attached: tuple[str, bytes] | None,
) -> EmailMessage:  # fmt: skip
    """A mail that brings a report, or says where it is.

    Args:
        name: of the report, such as ``2025-03``.
        text: what it says, in a sentence.
        attached: name and content of its pages; ``None`` if they are too large for a mail.
    """
    message = _envelope(settings, recipient, _("[netmon] report {name}").format(name=name), now_ns)
    message["Message-ID"] = _message_id(settings, recipient, f"report.{name}")
    lines = [printable(organisation), _("The report of {name}:").format(name=name), text]
    if simulated:
        lines.append(_("Made of a sample inventory: it describes no real network."))
    if attached is None:
        lines.append(_("It is too large for a mail."))
    if settings.board:
        lines.append(_("All its files: {link}").format(link=f"{settings.board}/reports/{name}"))
    message.set_content("\n".join(line for line in lines if line) + "\n", charset="utf-8", cte="base64")
    if attached is not None:
        file, content = attached
        message.add_attachment(content, maintype="application", subtype="pdf", filename=file)
    return message


def trial(recipient: Recipient, settings: AlertSettings, now_ns: int) -> EmailMessage:
    """A mail that says that mails arrive."""
    message = _envelope(settings, recipient, _("[netmon] test: this mail arrived"), now_ns)
    who = hashlib.sha256(f"{recipient.address} {now_ns}".encode()).hexdigest()[:16]
    message["Message-ID"] = f"<netmon.test.{who}@{settings.sender.rpartition('@')[2]}>"
    message.set_content(_("Alerts of netmon will arrive like this one. Nothing is wrong, and nothing is to be done."))
    return message


def trial_in_annotations() -> dict[str, str]:
    """The same for an Alertmanager, as :func:`in_annotations`."""
    ending = _annotation_ending()
    return {
        f"summary{ending}": _("[netmon] test: this mail arrived").removeprefix("[netmon] "),
        f"description{ending}": _(
            "Alerts of netmon will arrive like this one. Nothing is wrong, and nothing is to be done."
        ),
    }


def _annotation_ending() -> str:
    return "" if current_language() == "en" else f"_{current_language()}"


def _envelope(settings: AlertSettings, recipient: Recipient, subject: str, now_ns: int) -> EmailMessage:
    message = EmailMessage(policy=SMTP.clone(max_line_length=76))
    local, _at, domain = settings.sender.rpartition("@")
    message["From"] = Address("netmon", local, domain)
    message["To"] = recipient.address
    message["Subject"] = _line(subject)
    message["Date"] = datetime.fromtimestamp(now_ns / 1e9, LOCAL)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answer
    message["Content-Language"] = current_language()
    return message


def _message_id(settings: AlertSettings, recipient: Recipient, name: str) -> str:
    """The same whenever the same is mailed to the same person: a repeat after a crash is known by it."""
    who = hashlib.sha256(recipient.address.encode()).hexdigest()[:12]
    return f"<netmon.{name}.{who}@{settings.sender.rpartition('@')[2]}>"


def _filled(message: EmailMessage, template: str, text: str, content: Mapping[str, Any]) -> EmailMessage:
    message.set_content(text, charset="utf-8", cte="base64")
    html = _environment.get_template(template).render(**content)
    message.add_alternative(html, subtype="html", charset="utf-8", cte="base64")
    return message


def _frame(subject: str, settings: AlertSettings, context: Context) -> dict[str, Any]:
    return {
        "subject": subject,
        "language": current_language(),
        "organisation": printable(context.organisation.in_language(current_language())),
        "emergency": context.emergency,
        "simulated": context.simulated,
        "grafana": _dashboard(settings, "county"),
        "unknown": [],
        "unknown_count": 0,
        "now_words": "",
    }


def _content(notice: Notice, settings: AlertSettings, context: Context) -> dict[str, Any]:
    alerts = _worst_first(notice.alerts)
    lasting = [alert for alert in alerts if alert.cleared_ns is None]
    first = (lasting or alerts)[0]
    resolved = notice.kind is NoticeKind.RESOLVED
    severity = _severity_word(first.severity)
    title = _title(first, context)
    subject = _("[netmon] over: {what}").format(what=title) if resolved else f"[netmon] {severity}: {title}"
    if others := len(lasting or alerts) - 1:
        subject += _(" and {count} more").format(count=others)
    behind = {name for alert in lasting for name in alert.behind}
    if resolved:
        begun_ns, ended_ns = min(a.since_ns for a in alerts), max(a.cleared_ns or notice.at_ns for a in alerts)
        summary = _("It lasted {length}, from {begin} until {end}.").format(
            length=duration((ended_ns - begun_ns) / 1e9), begin=_exact(begun_ns), end=_exact(ended_ns)
        )
    elif behind:
        summary = ngettext(
            "{count} device is cut off by it.", "{count} devices are cut off by it.", len(behind)
        ).format(count=len(behind))
    else:
        summary = _("Nothing else is cut off by it.")
    return {
        **_frame(subject, settings, context),
        "grafana": _dashboard_of(first, settings),
        "kind": notice.kind.value,
        "number": notice.number,
        "look": "up" if resolved else "degraded" if first.severity is Severity.MINOR else "down",
        "summary": summary,
        "alerts": [_item(alert, notice.at_ns, settings, context) for alert in alerts],
        "titles": len(alerts) > 1,
        "link": f"{settings.board}/alerts/{first.id}" if settings.board and not resolved else "",
    }


def _item(
    alert: Alert, now_ns: int, settings: AlertSettings, context: Context, *, brief: bool = False
) -> dict[str, Any]:
    asset = context.assets.get(alert.asset)
    site = context.sites.get(alert.site)
    end_ns = alert.cleared_ns if alert.cleared_ns is not None else now_ns
    degraded = all(condition.status is Status.DEGRADED for condition in alert.conditions.values())
    page = "vantage" if alert.asset == VANTAGE else "netmon" if alert.site == OWN else page_of(
        asset.kind if asset is not None else "", degraded=degraded
    )  # fmt: skip
    where = ""
    if site is not None:
        parts = [_name(site.name, site.id), site_kind_word(site.kind), site.place.address]
        where = ", ".join(_line(part) for part in parts if part)
    over = alert.cleared_ns is not None
    return {
        "id": alert.id,
        "title": _title(alert, context),
        "severity": _severity_word(alert.severity),
        "look": "up" if over else "degraded" if alert.severity is Severity.MINOR else "down",
        "over": over,
        "kind": "" if asset is None else equipment_kind_word(asset.kind),
        "where": where,
        "since": _since(alert, end_ns, over=over),
        "contacts": [] if brief or over else [_line(each.contact) for each in (asset, site) if each and each.contact],
        "wrong": [line for each in alert.conditions.values() for line in _wrong(each, context, len(alert.conditions))],
        "flapping": alert.flapping,
        "cause": [] if brief or over else _cause(alert, context),
        "behind": [] if over else _by_site(alert.behind[:LISTED], context),
        "behind_more": 0 if over else max(0, len(alert.behind) - LISTED),
        "behind_count": len(alert.behind),
        "coverage": [] if brief or over else [_line(line) for line in context.coverage.get(alert.id, ())],
        "targets": _targets(context.touched.get(alert.id, ())),
        "steps": [] if brief or over else first_steps(page),
        "runbook": f"docs/runbooks/{page}.md",
        "strips": [] if brief else [
            _strip(name, context) for name in alert.conditions if name in context.past
        ],
        "acknowledged": printable(alert.acknowledged),
        "link": f"{settings.board}/alerts/{alert.id}" if settings.board else "",
        "checks": [
            {"name": _check_name(name, context), "link": f"{settings.board}/checks/{name}"}
            for name in alert.conditions if settings.board and name in context.checks
        ],
    }  # fmt: skip


def _title(alert: Alert, context: Context) -> str:
    if alert.site == OWN:
        return own_words(alert.asset.partition("/")[2])
    word = effective_word(Status.DEGRADED.value if _only_degraded(alert) else Status.DOWN.value)
    return f"{_asset_name(alert.asset, context)} {word}"


def _only_degraded(alert: Alert) -> bool:
    return all(condition.status is Status.DEGRADED for condition in alert.conditions.values())


def _since(alert: Alert, end_ns: int, *, over: bool) -> str:
    text = _("{moment} Beijing time (for {length})") if over else _(
        "{moment} Beijing time ({length} when this was written)"
    )  # fmt: skip
    return text.format(moment=_exact(alert.since_ns), length=_length(alert, end_ns))


def _wrong(condition: Condition, context: Context, conditions: int) -> list[str]:
    name = condition.check_id
    if name not in context.checks:
        return [_line(reason_sentence(reason)) for reason in condition.reasons]
    before = f"{_check_word(name)}: " if conditions > 1 else ""
    lines = [f"{before}{_line(reason_sentence(_brief(reason)))}" for reason in condition.reasons]
    if name in context.tested:
        lines.append(before + tested_words())
    lines += [_line(line) for line in context.failovers.get(name, ())]
    past = context.past.get(name, Past())
    for key, (least, greatest) in past.figures.items():
        text = _("{reading} in the last 24 hours: {least} to {greatest}")
        lines.append(text.format(reading=reading_name(key), least=figure(key, least), greatest=figure(key, greatest)))
    return lines or [f"{before}{effective_word(condition.status.value)}"]


def _brief(reason: Reason) -> Reason:
    """A reason without a sentence that says no more than its word."""
    silent = (reason.code, reason.subject) == (ReasonCode.FAILURE, Failure.TIMEOUT.value)
    return replace(reason, text="") if silent else reason


def _cause(alert: Alert, context: Context) -> list[str]:
    """What speaks for this being the cause, as far as netmon can see."""
    if alert.asset == VANTAGE:
        return [_("Nothing comes back from anywhere, which is likelier one cable here than all of them there.")]
    asset = context.assets.get(alert.asset)
    if asset is None:
        return []
    lines = []
    own = _asset_name(asset.id, context)
    if asset.parent is not None:
        words = {
            True: _("Most likely {own} itself or its far end: {parent}, on which it hangs, works."),
            False: _("Perhaps {parent}, on which {own} hangs: it answers, but is not well."),
            None: _("Nothing is known of {parent}, on which {own} hangs."),
        }
        text = words[context.works.get(asset.parent)]
        lines.append(text.format(own=own, parent=_asset_name(asset.parent, context)))
    if alert.behind:
        text = ngettext(
            "What hangs on {own} cannot be reached either: {count} device.",
            "What hangs on {own} cannot be reached either: {count} devices.",
            len(alert.behind),
        )
        lines.append(text.format(own=own, count=len(alert.behind)))
    for other in context.assets.values():
        if other.kind == "power" and other.site == asset.site and other.id != asset.id:
            if other.id in alert.behind or context.works.get(other.id) is False:
                lines.append(_("{name} is not well or cannot be reached, too: it may be the power of the site.").format(
                    name=_asset_name(other.id, context)))  # fmt: skip
            elif context.works.get(other.id):
                lines.append(_("{name} works: it is not the power of the site.").format(
                    name=_asset_name(other.id, context)))  # fmt: skip
    return lines


def _targets(touched: Sequence[Touched]) -> list[str]:
    lines = [_target(each) for each in touched]
    if any(each.figures for each in touched):
        lines.append(_("Figures of the last hourly evaluation: this outage may not be in them yet."))
    return lines


def _by_site(names: Iterable[str], context: Context) -> list[str]:
    """Equipment by name, a line for each site."""
    sites: dict[str, list[str]] = {}
    for name in names:
        asset = context.assets.get(name)
        site = "" if asset is None else _site_name(asset.site, context)
        sites.setdefault(site, []).append(_line(name) if asset is None else _name(asset.name, asset.id))
    return [f"{site}: {', '.join(each)}" if site else ", ".join(each) for site, each in sites.items()]


def _target(touched: Touched) -> str:
    text = _("{name} (plan, chapter {chapter}, section {section})").format(
        name=touched.name.in_language(current_language()), chapter=touched.chapter, section=touched.section
    )
    standing = touched.figures.get(current_language(), "")
    return f"{text}: {standing}" if standing else text


def _strip(name: str, context: Context) -> dict[str, Any]:
    words = context.past[name].strip
    shown = [word for word in COLOURS if word in words]
    return {
        "name": _check_name(name, context),
        "cells": [COLOURS.get(word, NOTHING) for word in words],
        "text": "".join(BLOCKS.get(word, " ") for word in words),
        "legend": [
            *((COLOURS[word], BLOCKS[word], effective_word(word)) for word in shown),
            *([(NOTHING, " ", _("no record"))] if set(words) - set(shown) else []),
        ],
    }  # fmt: skip


def _text(content: Mapping[str, Any]) -> str:
    lines = [content["subject"].removeprefix("[netmon] "), ""]
    for line in [*_frame_lines(content), content["summary"]]:
        lines += [line, ""]
    if content["link"]:
        lines += [_("To acknowledge it, open: {link}").format(link=content["link"]), ""]
    for item in content["alerts"]:
        if content["titles"]:
            lines += [f"* {item['title']} [{_('over') if item['over'] else item['severity']}]"]
        lines += [f"  {line}" for line in _item_lines(item)]
        for strip in item["strips"]:
            blank = _("blank")
            legend = ", ".join(f"{block.strip() or blank} {word}" for _colour, block, word in strip["legend"])
            lines += [f"  {strip['name']}: -24 {_('h')} |{strip['text']}| {_('now')} ({legend})"]
        lines += [f"  {check['name']}: {check['link']}" for check in item["checks"]]
        lines.append("")
    if content["unknown_count"]:
        lines += [_("Nothing is known of {count} checks:").format(count=content["unknown_count"]),
                  *(f"  - {name}" for name in content["unknown"]), ""]  # fmt: skip
    if content["grafana"]:
        lines += [f"Grafana: {content['grafana']}"]
    return "\n".join(lines).rstrip() + "\n"


def _frame_lines(frame: Mapping[str, Any]) -> list[str]:
    lines = [_("SIMULATION: no real network")] if frame["simulated"] else []
    return [*lines, _("An emergency is declared.")] if frame["emergency"] else lines


def _item_lines(item: Mapping[str, Any]) -> list[str]:
    rows = [
        (_("what"), item["kind"]), (_("where"), item["where"]), (_("since when"), item["since"]),
        (_("in hand"), item["acknowledged"]),
    ]  # fmt: skip
    lines = [f"{name}: {text}" for name, text in rows if text]
    more = [_("and {count} more").format(count=item["behind_more"])] if item["behind_more"] else []
    for head, part, mark in (
        (_("how bad"), item["wrong"], "- "), (_("radio coverage"), item["coverage"], "- "),
        (_("likely cause"), item["cause"], "- "), (_("first steps"), _numbered(item["steps"]), ""),
        (_("contact"), item["contacts"], "- "),
        (_("targets touched"), item["targets"], "- "), (_("cut off by it"), [*item["behind"], *more], "- "),
    ):  # fmt: skip
        if part:
            lines += [f"{head}:", *(f"  {mark}{line}" for line in part)]
    if item["flapping"]:
        lines.append(_("It comes and goes: nothing more is mailed until it is calm for half an hour."))
    return lines


def _numbered(steps: Sequence[str]) -> list[str]:
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def _dashboard(settings: AlertSettings, page: str, **parameters: str) -> str:
    """The address of a dashboard (docs/grafana.md) in the current language; empty where there is no Grafana."""
    if not settings.grafana:
        return ""
    return f"{settings.grafana}/d/netmon-{page}-{current_language()}?{urlencode(parameters)}".rstrip("?")


def _dashboard_of(alert: Alert, settings: AlertSettings) -> str:
    """That of what an alert is about, from an hour before it began."""
    since = {"from": str((alert.since_ns - HOUR_NS) // 1_000_000), "to": "now"}
    if alert.site == OWN:
        return _dashboard(settings, "monitor", **since)
    return _dashboard(settings, "equipment", **{"var-site": alert.site, "var-asset": alert.asset}, **since)


def _worst_first(alerts: Iterable[Alert]) -> list[Alert]:
    order = list(Severity)
    return sorted(alerts, key=lambda each: (each.cleared_ns is not None, -order.index(each.severity), each.since_ns))


def _severity_word(severity: Severity) -> str:
    words = {Severity.MINOR: _("minor"), Severity.MAJOR: _("major"), Severity.CRITICAL: _("critical")}
    return words[severity]


def _length(alert: Alert, end_ns: int) -> str:
    return duration((end_ns - alert.since_ns) / 1e9)


def _check_word(name: str) -> str:
    return name.rpartition("/")[2]


def _check_name(name: str, context: Context) -> str:
    check = context.checks.get(name)
    return _line(name) if check is None else f"{_asset_name(check.asset, context)} · {_check_word(name)}"


def _asset_name(name: str, context: Context) -> str:
    asset = context.assets.get(name)
    if asset is None:
        return _line(name)
    return f"{_site_name(asset.site, context)} · {_name(asset.name, asset.id)}"


def _site_name(name: str, context: Context) -> str:
    site = context.sites[name]
    return _name(site.name, site.id)


def _name(text: LocalText, otherwise: str) -> str:
    return _line(text.in_language(current_language()) or otherwise)


def _exact(at_ns: int) -> str:
    """Day and time in Asia/Shanghai, to the second."""
    return f"{datetime.fromtimestamp(at_ns / 1e9, LOCAL):%Y-%m-%d %H:%M:%S}"


def _line(text: str) -> str:
    """One line that shows nothing in another order than it is."""
    return printable(text)
