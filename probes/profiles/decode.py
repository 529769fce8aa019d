"""Raw SNMP values to readings, states and facts, by a profile. Pure."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probes.base import State, StateClass, indexed
from probes.profiles import FactSpec, Module, ReadingSpec, StateSpec
from probes.wire.snmp_message import NUMBERS, Oid, Syntax, Value

__all__ = ["Decoded", "decode", "text_of"]

NUMBER_TEXT = re.compile(rb"[ +-]*\d+(\.\d*)?[ \0]*")
MAX_TEXT = 128


@dataclass(slots=True, kw_only=True)
class Decoded:
    """What the values mean.

    Attributes:
        rejected: sentences about values that are there and cannot be what the MIB says: wrong type, out of range.
    """

    readings: dict[str, float] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)


def decode(modules: Mapping[str, Module], values: Mapping[Oid, Value]) -> Decoded:
    """Facts first, then states, then readings: ``unless`` may refer to what comes before."""
    decoded = Decoded()
    for wanted in (FactSpec, StateSpec, ReadingSpec):
        for module in modules.values():
            for spec in module.objects:
                value = values.get(spec.number)
                if value is not None and isinstance(spec, wanted) and not _meaningless(spec, decoded):
                    _take(spec, value, decoded)
    return decoded


def text_of(octets: bytes, encoding: str = "utf-8") -> str:
    """A device's text without the padding, control characters and length that it may come with."""
    text = octets.decode(encoding, "replace").split("\0", 1)[0]
    return "".join(ch if ch.isprintable() else " " for ch in text).strip()[:MAX_TEXT]


def _meaningless(spec: FactSpec | StateSpec | ReadingSpec, decoded: Decoded) -> bool:
    for name, beginnings in spec.unless.items():
        state = decoded.states.get(name)
        word = state.word if state is not None else decoded.facts.get(name, "")
        if word.upper().startswith(tuple(beginning.upper() for beginning in beginnings)):
            return True
    return False


def _take(spec: FactSpec | StateSpec | ReadingSpec, value: Value, decoded: Decoded) -> None:
    if isinstance(spec, FactSpec):
        if isinstance(value.value, bytes):
            decoded.facts[spec.name] = text_of(value.value, spec.encoding)
        else:
            decoded.facts[spec.name] = str(value.value)[:MAX_TEXT]
    elif isinstance(spec, StateSpec):
        _take_state(spec, value, decoded)
    else:
        _take_reading(spec, value, decoded)


def _take_state(spec: StateSpec, value: Value, decoded: Decoded) -> None:
    if value.syntax not in NUMBERS or not isinstance(value.value, int):
        decoded.rejected.append(f"{spec.name}: {_shown(value)} is no number")
        return
    # A word that the MIB does not have is never taken for good.
    word, meaning = spec.words.get(value.value, (f"value_{value.value}", StateClass.NOT_MONITORED))
    key = spec.name if spec.index is None else indexed(spec.name, spec.index)
    decoded.states[key] = State(word, meaning)


def _take_reading(spec: ReadingSpec, value: Value, decoded: Decoded) -> None:
    raw = DECODERS[spec.type](value)
    key = spec.name if spec.index is None else indexed(spec.name, spec.index)
    if raw is None or not math.isfinite(raw):
        decoded.rejected.append(f"{key}: {_shown(value)} is no {spec.type}")
    elif raw not in spec.no_reading:
        # Dividing by ten and multiplying by a tenth differ in the last bit; 13.5 shall be 13.5.
        reading = (
            raw / round(1 / spec.scale) if 0 < abs(spec.scale) < 1 and _whole(1 / spec.scale) else raw * spec.scale
        )
        if spec.valid is None or spec.valid[0] <= reading <= spec.valid[1]:
            decoded.readings[key] = reading
        else:
            decoded.rejected.append(f"{key}: {_shown(value)} is outside of {spec.valid[0]:g} to {spec.valid[1]:g}")


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
