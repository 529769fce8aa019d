"""Raw SNMP values to readings, states and facts, by a profile. Pure."""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probes.base import EMPTY, CounterSample, State, StateClass, indexed, split_key
from probes.profiles.spec import CounterSpec, FactSpec, Module, ReadingSpec, Spec, StateSpec, TableSpec, Which
from probes.wire.snmp_message import NUMBERS, Oid, Syntax, Value, parse_oid

__all__ = ["SYS_UP_TIME", "Decoded", "decode", "holds", "text_of"]

NUMBER_TEXT = re.compile(rb"[ +-]*\d+(\.\d*)?[ \0]*")
MAX_TEXT = 128
SYS_UP_TIME = parse_oid("1.3.6.1.2.1.1.3.0")


@dataclass(slots=True, kw_only=True)
class Decoded:
    """What the values mean.

    Attributes:
        rejected: sentences about values that are there and cannot be what the MIB says: wrong type, out of range.
    """

    readings: dict[str, float] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    counters: dict[str, CounterSample] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)


def decode(modules: Mapping[str, Module], values: Mapping[Oid, Value]) -> Decoded:
    """Facts first, then states, then readings: ``unless`` may refer to what comes before. Tables come last."""
    decoded = Decoded()
    for wanted in (FactSpec, StateSpec, ReadingSpec):
        for module in modules.values():
            for spec in module.objects:
                value = values.get(spec.number)
                if (
                    value is not None
                    and isinstance(spec, wanted)
                    and not holds(spec.unless, decoded.states, decoded.facts)
                ):
                    _take(spec, value, decoded, spec.index)
    for module in modules.values():
        for table in module.tables:
            _take_table(table, values, decoded)
    return decoded


def _take_table(table: TableSpec, values: Mapping[Oid, Value], decoded: Decoded) -> None:
    """Each row by itself, so that its ``unless`` and ``skip`` see the states of that row and no other."""
    rows = _rows(table.columns, values)
    if len(rows) > table.limit:
        decoded.rejected.append(f"{table.objects[0].name}: {len(rows)} rows, of which {table.limit} are read")
    labels = _labels(table, dict(sorted(rows.items())[: table.limit]))
    clock = values.get(SYS_UP_TIME)
    for index, label in labels.items():
        row = rows[index]
        part = Decoded(facts=decoded.facts, states=dict(decoded.states))
        columns: tuple[Spec, ...] = (*table.states, *table.readings)
        for spec in columns:
            value = row.get(spec.number)
            if value is not None and not holds(spec.unless, part.states, part.facts):
                _take(spec, value, part, None)
        if holds(table.skip, part.states):
            continue
        decoded.rejected += [f"{sentence} in row {label}" for sentence in part.rejected]
        for spec in table.states:
            if spec.number in row and spec.name in part.states:
                decoded.states[indexed(spec.name, label)] = part.states[spec.name]
        decoded.readings |= {indexed(name, label): reading for name, reading in part.readings.items()}
        for counter in table.counters:
            sample = _sample(counter, row, clock, f"{'.'.join(map(str, index))}:{label}")
            if sample is not None:
                decoded.counters[indexed(counter.name, label)] = sample


def _rows(columns: tuple[Oid, ...], values: Mapping[Oid, Value]) -> dict[Oid, dict[Oid, Value]]:
    """Values by row, and in it by column."""
    known = frozenset(columns)
    lengths = sorted({len(column) for column in columns}, reverse=True)
    rows: dict[Oid, dict[Oid, Value]] = {}
    for oid, value in values.items():
        column = next((oid[:length] for length in lengths if oid[:length] in known), None)
        if column is not None:
            rows.setdefault(oid[len(column) :], {})[column] = value
    return rows


def _labels(table: TableSpec, rows: Mapping[Oid, Mapping[Oid, Value]]) -> dict[Oid, str]:
    """What each row is called: its text, with its index where two rows have the same or one has none."""
    column = parse_oid(table.label) if table.label else None
    texts: dict[Oid, str] = {}
    for index, row in rows.items():
        value = row.get(column) if column else None
        texts[index] = text_of(value.value) if value is not None and isinstance(value.value, bytes) else ""
    several = Counter(texts.values())
    return {
        index: text if text and several[text] == 1 else " ".join(filter(None, (text, ".".join(map(str, index)))))
        for index, text in texts.items()
    }


def _sample(spec: CounterSpec, row: Mapping[Oid, Value], clock: Value | None, instance: str) -> CounterSample | None:
    value = row.get(spec.number)
    if value is None or clock is None or not isinstance(value.value, int) or not isinstance(clock.value, int):
        return None
    since = row.get(parse_oid(spec.discontinuity)) if spec.discontinuity else None
    return CounterSample(
        value=value.value,
        bits=spec.bits,
        clock_seconds=clock.value / 100,
        discontinuity_seconds=since.value / 100 if since is not None and isinstance(since.value, int) else None,
        instance=instance,
    )


def text_of(octets: bytes, encoding: str = "utf-8") -> str:
    """A device's text without the padding, control characters and length that it may come with."""
    text = octets.decode(encoding, "replace").split("\0", 1)[0]
    return "".join(ch if ch.isprintable() else " " for ch in text).strip()[:MAX_TEXT]


def holds(which: Which, states: Mapping[str, State], facts: Mapping[str, str] = EMPTY) -> bool:
    """Whether one of these facts or states, or one of several with that name, begins with one of its words."""
    if not which:
        return False
    words = [(split_key(key)[0], state.word) for key, state in states.items()] + list(facts.items())
    return any(
        word.upper().startswith(tuple(beginning.upper() for beginning in which[name]))
        for name, word in words
        if name in which
    )


def _take(spec: Spec, value: Value, decoded: Decoded, index: str | None) -> None:
    key = spec.name if index is None else indexed(spec.name, index)
    if isinstance(spec, FactSpec):
        if isinstance(value.value, bytes):
            decoded.facts[spec.name] = text_of(value.value, spec.encoding)
        else:
            decoded.facts[spec.name] = str(value.value)[:MAX_TEXT]
    elif isinstance(spec, StateSpec):
        _take_state(spec, key, value, decoded)
    elif isinstance(spec, ReadingSpec):
        _take_reading(spec, key, value, decoded)


def _take_state(spec: StateSpec, key: str, value: Value, decoded: Decoded) -> None:
    if value.syntax not in NUMBERS or not isinstance(value.value, int):
        decoded.rejected.append(f"{spec.name}: {_shown(value)} is no number")
        return
    known = spec.words.get(value.value)
    # A number that the MIB does not have is never taken for good.
    decoded.states[key] = (
        State(known.word, known.meaning) if known else State(f"value_{value.value}", StateClass.NOT_MONITORED)
    )


def _take_reading(spec: ReadingSpec, key: str, value: Value, decoded: Decoded) -> None:
    raw = DECODERS[spec.type](value)
    scale = _scale(spec, decoded)
    if raw is None or not math.isfinite(raw):
        decoded.rejected.append(f"{key}: {_shown(value)} is no {spec.type}")
    elif raw not in spec.no_reading and scale is not None:
        factor, offset = scale
        # Dividing by ten and multiplying by a tenth differ in the last bit; 13.5 shall be 13.5.
        reading = offset + (raw / round(1 / factor) if 0 < abs(factor) < 1 and _whole(1 / factor) else raw * factor)
        if spec.valid is None or spec.valid[0] <= reading <= spec.valid[1]:
            decoded.readings[key] = reading
        else:
            decoded.rejected.append(f"{key}: {_shown(value)} is outside of {spec.valid[0]:g} to {spec.valid[1]:g}")


def _scale(spec: ReadingSpec, decoded: Decoded) -> tuple[float, float] | None:
    """Scale and offset; ``None`` if the device does not say, or says something else than the profile knows."""
    for name, scales in spec.scales.items():
        state = decoded.states.get(name)
        scale = scales.get(state.word) if state is not None else None
        return (scale, 0.0) if isinstance(scale, float) else scale
    return spec.scale, 0.0


def _whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9 * abs(value)


def _shown(value: Value) -> str:
    return f"0x{value.value[:16].hex()}" if isinstance(value.value, bytes) else f"{value.syntax} {value.value}"[:80]


def _number(value: Value) -> float | None:
    return float(value.value) if value.syntax in NUMBERS and isinstance(value.value, int) else None


def _text(value: Value) -> float | None:
    if value.syntax is Syntax.OCTETS and isinstance(value.value, bytes) and NUMBER_TEXT.fullmatch(value.value):
        return float(value.value.strip(b" \0").replace(b" ", b""))
    return None


def _float32_le(value: Value) -> float | None:
    """Four octets, or the number in ASCII, which some firmware sends instead.

    No little-endian float whose octets are all digits and points lies between 1e-4 and 1e38, so the two forms of a
    plausible voltage, temperature or power cannot be confused.
    """
    if value.syntax is not Syntax.OCTETS or not isinstance(value.value, bytes):
        return None
    text = _text(value)
    if text is not None:
        return text
    if len(value.value) != 4:
        return None
    # The shortest number that is this single: 13.6, not 13.600000381469727.
    return float(f"{struct.unpack('<f', value.value)[0]:.7g}")


DECODERS: Mapping[str, Callable[[Value], float | None]] = {
    "number": _number,
    "text": _text,
    "float32_le": _float32_le,
}
