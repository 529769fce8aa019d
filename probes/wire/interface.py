"""One network interface by SNMP (IF-MIB, RFC 2863): found by its name, read in one request with the device's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from probes.base import CounterReading, CounterSample, Failure, State, StateClass
from probes.wire.snmp import SnmpReply, SnmpWire
from probes.wire.snmp_message import Oid, Value, parse_oid

__all__ = [
    "IF_ALIAS",
    "IF_DESCR",
    "IF_NAME",
    "IF_OPER_STATUS",
    "INTERFACE_COUNTERS",
    "OPER_STATUS",
    "SYS_UP_TIME",
    "Interface",
    "interfaces_named",
    "read_interface",
]

SYS_UP_TIME = parse_oid("1.3.6.1.2.1.1.3.0")
IF_TABLE = parse_oid("1.3.6.1.2.1.2.2.1")
IF_X_TABLE = parse_oid("1.3.6.1.2.1.31.1.1.1")
IF_NAME, IF_DESCR, IF_ALIAS = (*IF_X_TABLE, 1), (*IF_TABLE, 2), (*IF_X_TABLE, 18)
IF_TYPE, ETHERNET = (*IF_TABLE, 3), frozenset({6, 62, 69, 117})
"""ethernetCsmacd, and what RFC 3635 replaced by it. What they say of their speed was negotiated; of others, such as
tunnels, ifSpeed is an estimate (RFC 2863) that traffic may well exceed."""
IF_SPEED, IF_HIGH_SPEED = (*IF_TABLE, 5), (*IF_X_TABLE, 15)
IF_ADMIN_STATUS, IF_OPER_STATUS, IF_LAST_CHANGE = (*IF_TABLE, 7), (*IF_TABLE, 8), (*IF_TABLE, 9)
IF_COUNTER_DISCONTINUITY_TIME = (*IF_X_TABLE, 19)
TOO_FAST_FOR_IF_SPEED = 2**32 - 1
"""ifSpeed says this when the speed needs ifHighSpeed, which counts millions (RFC 2863)."""

BITS_OF_AN_OCTET, BITS_OF_A_FRAME = 8, 672
"""What a count takes on the line at the least. A frame: 64 octets, preamble 8, gap 12 (IEEE 802.3)."""

COUNTERS: Mapping[str, tuple[tuple[Oid, Literal[32, 64]], ...]] = {
    "in_octets": (((*IF_X_TABLE, 6), 64), ((*IF_TABLE, 10), 32)),
    "out_octets": (((*IF_X_TABLE, 10), 64), ((*IF_TABLE, 16), 32)),
    "in_errors": (((*IF_TABLE, 14), 32),),
    "out_errors": (((*IF_TABLE, 20), 32),),
    "in_discards": (((*IF_TABLE, 13), 32),),
    "out_discards": (((*IF_TABLE, 19), 32),),
}
"""Where each counter is, the widest first."""

INTERFACE_COUNTERS = (
    CounterReading(
        name="in_octets",
        rate="in_bytes_per_second",
        help="Received bytes at layer 2, framing included (ifHCInOctets; ifInOctets where there is no other).",
        index="end",
        share="in_utilisation_ratio",
        capacity="line_capacity_bits_per_second",
    ),
    CounterReading(
        name="out_octets",
        rate="out_bytes_per_second",
        help="Sent bytes at layer 2, framing included (ifHCOutOctets; ifOutOctets where there is no other).",
        index="end",
        share="out_utilisation_ratio",
        capacity="line_capacity_bits_per_second",
    ),
    CounterReading(
        name="in_errors",
        rate="in_errors_per_second",
        help="Received frames with errors (ifInErrors).",
        index="end",
    ),
    CounterReading(
        name="out_errors",
        rate="out_errors_per_second",
        help="Frames that could not be sent because of errors (ifOutErrors).",
        index="end",
    ),
    CounterReading(
        name="in_discards",
        rate="in_discards_per_second",
        help="Received frames that were dropped without an error (ifInDiscards).",
        index="end",
    ),
    CounterReading(
        name="out_discards",
        rate="out_discards_per_second",
        help="Frames that were dropped before sending: the line was full (ifOutDiscards).",
        index="end",
    ),
)
"""What is made of them."""

OPER_STATUS = {
    1: State("up", StateClass.OK),
    2: State("down", StateClass.FAULT),
    3: State("testing", StateClass.DEGRADED),
    4: State("unknown", StateClass.NOT_MONITORED),
    5: State("dormant", StateClass.DEGRADED),
    6: State("not_present", StateClass.FAULT),
    7: State("lower_layer_down", StateClass.FAULT),
}
ADMIN_STATUS = {
    1: State("up", StateClass.OK),
    2: State("down", StateClass.DEGRADED),
    3: State("testing", StateClass.DEGRADED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What was read. ``failure`` does not take away the rest.

    Attributes:
        answered: the agent answered at all.
        found: it has exactly one interface of this name.
    """

    failure: Failure | None
    detail: str
    answered: bool
    found: bool = False
    readings: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    counters: Mapping[str, CounterSample] = field(default_factory=dict)


async def read_interface(
    snmp: SnmpWire, address: str, port: int | None, auth: str, name: str, *, speed: float | None = None, timeout: float
) -> Interface:
    """Find the interface whose ifName, ifDescr or ifAlias is ``name``, and read it.

    Indexes move when a device restarts or a card is added, so it is searched each time; and the name is read again
    together with the counters, so that numbers of another interface are never taken for this one's.

    Args:
        speed: bits per second where somebody knows better than the device; ``None`` for what the device says.
    """
    names = await snmp.walk(address, port, auth, (IF_NAME, IF_DESCR, IF_ALIAS), timeout=timeout / 2)
    found = interfaces_named(names.values, name)
    if len(found) != 1:
        return _not_found(names, name, len(found))
    index = found[0]
    columns = [oid for places in COUNTERS.values() for oid, _ in places]
    columns += [IF_NAME, IF_DESCR, IF_ALIAS, IF_TYPE, IF_SPEED, IF_HIGH_SPEED, IF_ADMIN_STATUS, IF_OPER_STATUS]
    columns += [IF_LAST_CHANGE, IF_COUNTER_DISCONTINUITY_TIME]
    oids = [SYS_UP_TIME, *((*column, index) for column in columns)]
    reply = await snmp.get(address, port, auth, oids, timeout=timeout / 2)
    if reply.failure is None and interfaces_named(reply.values, name) != [index]:
        detail = f"{address}: the interfaces were numbered anew while {name!r} was being read"
        return Interface(failure=Failure.BAD_REPLY, detail=detail, answered=True)
    return _interface(reply, index, name, speed)


def interfaces_named(values: Mapping[Oid, Value], name: str) -> list[int]:
    """Indexes of the interfaces of that name: by ifName; without any, by ifDescr; without any, by ifAlias."""
    for column in (IF_NAME, IF_DESCR, IF_ALIAS):
        wanted = name.encode()
        found = [oid[-1] for oid, value in values.items() if oid[:-1] == column and value.value == wanted]
        if found:
            return found
    return []


def _not_found(names: SnmpReply, name: str, count: int) -> Interface:
    if names.failure is not None:
        return Interface(failure=names.failure, detail=names.detail, answered=bool(names.values))
    what = f"{count} interfaces are called {name!r}" if count else f"no interface is called {name!r}"
    return Interface(failure=Failure.BAD_REPLY, detail=f"{what} (by ifName, ifDescr, ifAlias)", answered=True)


def _interface(reply: SnmpReply, index: int, name: str, given: float | None) -> Interface:
    def number(column: Oid) -> int | None:
        value = reply.values.get((*column, index))
        return value.value if value is not None and isinstance(value.value, int) else None

    clock = reply.values.get(SYS_UP_TIME)
    now = clock.value / 100 if clock is not None and isinstance(clock.value, int) else None
    readings: dict[str, float] = {}
    counters: dict[str, CounterSample] = {}
    speed = given or _speed(number(IF_SPEED), number(IF_HIGH_SPEED))
    line_rate = speed if given or number(IF_TYPE) in ETHERNET else None
    if speed:
        readings["interface_speed_bits_per_second"] = speed
    if now is not None:
        readings["agent_uptime_seconds"] = now
        changed = number(IF_LAST_CHANGE)
        if changed is not None and changed / 100 <= now:
            readings["interface_unchanged_seconds"] = now - changed / 100
        discontinuity = number(IF_COUNTER_DISCONTINUITY_TIME)
        for counter, places in COUNTERS.items():
            bits_of_one = BITS_OF_AN_OCTET if counter.endswith("_octets") else BITS_OF_A_FRAME
            for column, bits in places:
                value = number(column)
                if value is not None:
                    counters[counter] = CounterSample(
                        value=value,
                        bits=bits,
                        clock_seconds=now,
                        discontinuity_seconds=None if discontinuity is None else discontinuity / 100,
                        instance=f"{index}:{name}",
                        most_per_second=line_rate / bits_of_one if line_rate else None,
                    )
                    break
    states = {}
    for state, column, words in (
        ("interface_oper_status", IF_OPER_STATUS, OPER_STATUS),
        ("interface_admin_status", IF_ADMIN_STATUS, ADMIN_STATUS),
    ):
        raw = number(column)
        if raw is not None:
            states[state] = words.get(raw, State(f"value_{raw}", StateClass.NOT_MONITORED))
    return Interface(
        failure=reply.failure,
        detail=reply.detail,
        answered=True,
        found=True,
        readings=readings,
        states=states,
        counters=counters,
    )


def _speed(speed: int | None, high_speed: int | None) -> float:
    """Bits per second; 0 if the device does not say."""
    if speed and speed < TOO_FAST_FOR_IF_SPEED:
        return float(speed)
    return (high_speed or 0) * 1e6
