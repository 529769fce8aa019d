"""Statuses, failures, reasons and figures in words, in the current language: for table, page, mail and report alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime

from netmon.detail_words import in_words
from netmon.i18n import _, _n, current_language
from netmon.model import LOCAL, Reason, ReasonCode, Status
from netmon.reading_words import FACT_NAMES, READINGS, STATE_NAMES
from probes.base import Failure, split_key
from probes.profiles import vocabulary

__all__ = [
    "duration",
    "effective_word",
    "equipment_kind_word",
    "event_word",
    "fact_name",
    "failure_word",
    "figure",
    "missed_word",
    "moment",
    "printable",
    "reading_name",
    "reason_sentence",
    "role_word",
    "site_kind_word",
    "state_name",
    "state_word",
    "status_word",
]


STATUS = {
    Status.UP: _n("up"),
    Status.DEGRADED: _n("degraded"),
    Status.DOWN: _n("down"),
    Status.UNKNOWN: _n("unknown"),
    Status.STANDBY: _n("standby"),
}
MISSED = {
    "overlap": _n("the run before was not over"),
    "misfire": _n("too late to start"),
    "coalesced": _n("several were due at once"),
    "stopping": _n("netmon stopped"),
    "not_running": _n("netmon did not run"),
    "emergency": _n("an emergency lasted"),
    "maintenance": _n("work was agreed"),
    "protected": _n("the time was protected"),
    "budget": _n("the bytes of the month were used up"),
    "busy": _n("the line was in use"),
    "no_slot": _n("there was no free moment"),
}
OVERLAYS = {"unreachable": _n("cut off"), "maintenance": _n("maintenance")}
SITE_KINDS = {
    "battalion": _n("battalion"),
    "fire_station": _n("fire station"),
    "township": _n("township"),
    "radio_site": _n("radio site"),
    "vehicle": _n("vehicle"),
}
EQUIPMENT_KINDS = {
    "base_station": _n("350 MHz base station"),
    "uplink": _n("uplink"),
    "application": _n("application"),
    "router": _n("router"),
    "name_server": _n("name server"),
    "power": _n("power supply"),
    "video_terminal": _n("HD video terminal"),
    "mesh_node": _n("mesh node"),
    "gateway": _n("access gateway"),
    "public_network_terminal": _n("public-network terminal"),
    "voice_service": _n("fusion communications"),
    "sensor": _n("camera or sensor"),
    "satellite_terminal": _n("portable satellite terminal"),
    "satellite_phone": _n("satellite telephone"),
    "command_vehicle": _n("communications vehicle"),
}
FAILURE = {
    Failure.TIMEOUT: _n("no answer in time"),
    Failure.REFUSED: _n("refused: nothing listens there"),
    Failure.RESET: _n("the other end broke off"),
    Failure.NO_ROUTE: _n("no route to the host"),
    Failure.PROHIBITED: _n("prohibited by a router or the host"),
    Failure.TTL_EXCEEDED: _n("hop limit exceeded on the way"),
    Failure.TOO_BIG: _n("packet too big for the way"),
    Failure.NAME_NOT_FOUND: _n("name not found"),
    Failure.NAME_SERVER: _n("name server failed"),
    Failure.AUTHENTICATION: _n("credentials refused"),
    Failure.TLS: _n("TLS or certificate failed"),
    Failure.ERROR_STATUS: _n("the service answered with an error"),
    Failure.BAD_REPLY: _n("answer not understood"),
    Failure.NOT_ALLOWED: _n("leads to a host outside the inventory"),
    Failure.UNKNOWN_DEVICE: _n("no vendor profile fits the device"),
    Failure.NOT_SEEN: _n("who was asked does not see it, which says nothing about it"),
}

EVENTS = {
    "start": _n("netmon started"),
    "stop": _n("netmon stopped"),
    "clock_step": _n("the clock was set"),
    "reload": _n("the inventory was reloaded"),
    "reload_refused": _n("the inventory on disk was refused"),
    "maintenance": _n("maintenance was announced"),
    "maintenance_ended": _n("maintenance was ended"),
    "emergency": _n("an emergency was declared"),
    "emergency_ended": _n("the emergency is over"),
    "roll_call": _n("a roll call was entered"),
    "trap": _n("a device sent a notification"),
    "failover": _n("an uplink was lost"),
    "failover_ended": _n("the primary uplink is in use again"),
    "rows_lost": _n("observations were lost: the disk took nothing"),
}
STATES = {
    "stage": (
        _n("IPv6 readiness"),
        {
            "none": _n("IPv4 only, no IPv6 address"),
            "aaaa": _n("an IPv6 address, no TCP connection to it"),
            "reachable": _n("TCP connection over IPv6, no answer"),
            "tls": _n("TLS over IPv6, no answer"),
            "http": _n("an answer over IPv6, but not the right one"),
            "dual_stack": _n("the same over IPv4 and IPv6"),
        },
    ),
    "bandwidth": (
        _n("bandwidth"),
        {
            "reached": _n("reaches the target"),
            "below": _n("below the target"),
            "undecided": _n("the test did not decide it"),
        },
    ),
    "path": (
        _n("way of the packets"),
        {
            "satellite": _n("over the satellite"),
            "terrestrial": _n("not over the satellite: the round trip is too short for it"),
            "delayed": _n("longer than one hop over the satellite: a queue or a double hop"),
        },
    ),
    "in_use": (
        _n("uplink in use"),
        {
            "primary": _n("the primary uplink"),
            "backup": _n("the backup uplink: nothing is in reserve"),
            "shared": _n("primary and backup share the load"),
            "other": _n("neither the primary nor the backup uplink"),
            "none": _n("none: the router has no route"),
        },
    ),
    "reserve": (
        _n("backup uplink"),
        {
            "ready": _n("its interface is up"),
            "down": _n("its interface is down: nothing is in reserve"),
            "unknown": _n("the router does not tell"),
        },
    ),
    "path_mtu_discovery": (
        _n("path MTU discovery"),
        {
            "works": _n("works"),
            "black_hole": _n("black hole: large packets vanish, and no router says so"),
        },
    ),
    "power_source": (_n("runs on"), {"mains": _n("mains"), "battery": _n("its battery")}),
    "autonomy_basis": (
        _n("time left rests on"),
        {"device": _n("the device's own estimate"), "capacity": _n("capacity and current")},
    ),
    "registration": (
        _n("registration of the terminal"),
        {
            "here": _n("with this station"),
            "elsewhere": _n("with another station"),
            "nowhere": _n("with no station"),
        },
    ),
    "heard": (
        _n("roll call"),
        {"clear": _n("came through"), "weak": _n("came through badly"), "silent": _n("not heard")},
    ),
    "service_state": (
        _n("service"),
        {
            "in_service": _n("in service"),
            "knocked_down": _n("knocked down: it does not repeat"),
            "disabled": _n("switched off or forbidden"),
            "out_of_service": _n("out of service"),
            "single_site": _n("single-site operation: no link to the switching centre"),
            "fallback": _n("fallback: a part of the network stands in for the switching centre"),
            "no_link": _n("no link to the switching centre"),
        },
    ),
}
"""States that netmon itself finds out, as opposed to the words of a device: what they are about, and each word."""


INDEXES = {
    "to_site": _n("to the site"), "from_site": _n("from the site"), "near": _n("near end"), "far": _n("far end"),
}  # fmt: skip
"""Indexes that netmon itself gives; the others are names of devices."""


ROLES = {
    **INDEXES, "host": _n("address"), "hub": _n("hub"), "reflector": _n("reflector"), "server": _n("server"),
}  # fmt: skip


def role_word(role: str) -> str:
    """What an endpoint of a check is."""
    return _(ROLES[role]) if role in ROLES else role


def status_word(status: Status) -> str:
    """``up`` or ``正常``."""
    return _(STATUS[status])


def effective_word(status: str) -> str:
    """The word of an effective status: a raw one's, or that of what lies over it."""
    return _(OVERLAYS[status]) if status in OVERLAYS else status_word(Status(status))


def site_kind_word(kind: str) -> str:
    """``消防救援站`` for ``fire_station``; a kind that we have no word for as it is."""
    return _(SITE_KINDS[kind]) if kind in SITE_KINDS else kind


def equipment_kind_word(kind: str) -> str:
    """``350 MHz 基站`` for ``base_station``; a kind that we have no word for as it is."""
    return _(EQUIPMENT_KINDS[kind]) if kind in EQUIPMENT_KINDS else kind


def reading_name(key: str) -> str:
    """What a reading is, with its index; the key itself where we have no words for it."""
    return _named(key, READINGS)


def state_name(key: str) -> str:
    """What a state is about, with its index; the key itself where we have no words for it."""
    name, index = split_key(key)
    return _indexed(_(STATES[name][0]), index) if name in STATES else _named(key, STATE_NAMES)


def fact_name(key: str) -> str:
    """What a fact is about, with its index; the key itself where we have no words for it."""
    return _named(key, FACT_NAMES)


def state_word(key: str, word: str) -> str:
    """The word of a state: ours, that of the vendor's profile in the current language, or the device's own."""
    name, _index = split_key(key)
    if name in STATES:
        return _(STATES[name][1].get(word, "")) or word
    return vocabulary().words.get((name, word), word) if current_language() == "zh" else word.replace("_", " ")


def _named(key: str, ours: Mapping[str, str]) -> str:
    """A name of ours, or else that of the vendor's profile."""
    name, index = split_key(key)
    if name in ours:
        text = _(ours[name])
    elif (names := vocabulary().names.get(name)) is not None:
        text = names[current_language() == "zh"]
    else:
        return key
    return _indexed(text, index)


def _indexed(words: str, index: str | None) -> str:
    return words if index is None else f"{words} [{_(INDEXES[index]) if index in INDEXES else index}]"


def event_word(kind: str) -> str:
    """What happened to netmon itself; a kind that we have no word for as it is."""
    return _(EVENTS[kind]) if kind in EVENTS else printable(kind)


def failure_word(failure: Failure) -> str:
    """A failure in a few words."""
    return _(FAILURE[failure])


NO_ANSWER = {
    "snmp_up": _n("SNMP does not answer"),
    "icmp_up": _n("ping is not answered"),
    "hub_up": _n("the hub does not answer"),
}
"""Readings of yes or no: "0 is below 1" would say nothing."""


CLEARER = {
    "negotiated_speed_ratio": _n("the interface runs at {value} of the fastest speed it had: look at cable and port"),
    "provisioned_speed_ratio": _n("the interface's speed is {value} of the provisioned bandwidth"),
    "implausible_counters": _n(
        "counters went faster than the interface's speed allows ({value}), and no rate was made of them: they or the "
        "speed are wrong"
    ),
}
"""Readings of which a sentence of their own says more than that they are above or below a limit."""


def reason_sentence(reason: Reason) -> str:
    """One sentence with the figures: "packet loss 20 % is above 5 %". May hold device strings: escape it."""
    name, index = split_key(reason.subject)
    match reason.code:
        case ReasonCode.ABOVE | ReasonCode.BELOW if name in CLEARER and reason.value is not None:
            return _indexed(_(CLEARER[name]).format(value=figure(name, reason.value)), index)
        case ReasonCode.FAILURE:
            words = failure_word(Failure(reason.subject))
            return _("{words} ({detail})").format(words=words, detail=in_words(reason.text)) if reason.text else words
        case ReasonCode.ABOVE:
            text = _("{reading} {value} is above {limit}")
        case ReasonCode.BELOW if reason.subject in NO_ANSWER:
            return _(NO_ANSWER[reason.subject])
        case ReasonCode.BELOW:
            text = _("{reading} {value} is below {limit}")
        case ReasonCode.STATE:
            return _state_sentence(reason.subject, reason.text)
        case ReasonCode.READING_MISSING:
            return _("no figure for {reading}").format(reading=reading_name(reason.subject))
        case ReasonCode.MONITOR_FAULT:
            return _("netmon could not measure: {text}").format(text=in_words(reason.text))
        case ReasonCode.NORMALLY_OFF:
            return _("normally off")
    return text.format(
        reading=reading_name(reason.subject),
        value=figure(reason.subject, math.nan if reason.value is None else reason.value),
        limit=figure(reason.subject, math.nan if reason.limit is None else reason.limit),
    )


def _state_sentence(name: str, word: str) -> str:
    if split_key(name)[0] in STATES:
        return _("{subject}: {state}").format(subject=state_name(name), state=state_word(name, word))
    return _("{name}: the device reports {state}").format(name=state_name(name), state=state_word(name, word))


def _seconds(value: float) -> str:
    size = abs(value)
    if size >= 86400 * 2:
        return _("{days:.0f} days").format(days=value / 86400)
    if size >= 1:
        return f"{value:.3g} s" if size < 100 else f"{value:.0f} s"
    return f"{value * 1e3:.3g} ms" if size >= 1e-3 or not value else f"{value * 1e6:.3g} µs"


def _scaled(unit: str) -> Callable[[float], str]:
    def text(value: float) -> str:
        for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
        return f"{value:.4g} {unit}"

    return text


UNITS: dict[str, Callable[[float], str]] = {
    "_bits_per_second": _scaled("bit/s"),
    "_bytes_per_second": _scaled("B/s"),
    "_per_second": lambda value: f"{value:.3g} /s",
    "_runtime_seconds": lambda value: duration(value),
    "autonomy_seconds": lambda value: duration(value),
    "_age_seconds": lambda value: duration(value),
    "on_battery_seconds": lambda value: duration(value),
    **dict.fromkeys(
        ("available_seconds", "errored_seconds", "undecided_seconds", "measured_seconds"),
        lambda value: f"{value:.0f} s",
    ),
    "_seconds": _seconds,
    "_loss_ratio": lambda value: f"{value * 100:.3g} %",
    "loss_ratio": lambda value: f"{value * 100:.3g} %",
    "r_factor": lambda value: f"{value:.1f}",
    "mos_cqe": lambda value: f"{value:.2f}",
    "_utilisation_ratio": lambda value: f"{value * 100:.3g} %",
    "_speed_ratio": lambda value: f"{value * 100:.3g} %",
    "burst_ratio": lambda value: f"{value:.3g}",
    "_dbm": lambda value: f"{value:.4g} dBm",
    "_db": lambda value: f"{value:.4g} dB",
    "_bytes": _scaled("B"),
    "_celsius": lambda value: f"{value:.3g} °C",
    "_volts": lambda value: f"{value:.4g} V",
    "_amperes": lambda value: f"{value:.4g} A",
    "_ampere_hours": lambda value: f"{value:.4g} Ah",
    "_charge_ratio": lambda value: f"{value * 100:.3g} %",
    "_health_ratio": lambda value: f"{value * 100:.3g} %",
    "_load_ratio": lambda value: f"{value * 100:.3g} %",
    "_watts": lambda value: f"{value:.4g} W",
    "_hertz": _scaled("Hz"),
    "_bits": _scaled("bit"),
}


LONGEST_TEXT = 300


def missed_word(reason: str) -> str:
    """Why a run did not take place (:class:`netmon.model.MissedRun`)."""
    return _(MISSED[reason]) if reason in MISSED else reason


def moment(at_ns: int) -> str:
    """Day and time in Asia/Shanghai, to the minute."""
    return f"{datetime.fromtimestamp(at_ns / 1e9, LOCAL):%Y-%m-%d %H:%M}"


def printable(text: str) -> str:
    """A text that came from outside, as it may be shown: no control or direction characters, and not endless."""
    shown = "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in text[:LONGEST_TEXT])
    return shown + "…" if len(text) > LONGEST_TEXT else shown


def figure(key: str, value: float) -> str:
    """A reading's value with the unit that its name ends with."""
    name, _index = split_key(key)
    for suffix, text in UNITS.items():
        if name.endswith(suffix):
            return text(value)
    return f"{value:.6g}"


def duration(seconds: float) -> str:
    """A span in its two largest parts: ``3 d 4 h``, ``5 min 20 s``, ``12 s``."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min")), (1, _("s"))):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or f"0 {_('s')}"
