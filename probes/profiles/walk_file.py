"""What a device said once, from a file: ``snmpwalk -On`` or ``-One`` as net-snmp prints it, or snmpsim's ``.snmprec``.

With it a profile can be written and tried where the device is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from probes.wire.snmp_message import SYNTAXES, Oid, Syntax, Value, parse_oid

__all__ = ["read_walk"]

SNMPWALK = re.compile(r"\.?(1(?:\.\d+)+) = (?:([\w-]+): ?)?(.*)")
SNMPREC = re.compile(r"(1(?:\.\d+)+)\|(\d+)(x?)\|(.*)")
NUMBER = re.compile(r"[^()]*\((-?\d+)\).*|(-?\d+).*")
"""``(123) 0:00:01.23``, ``up(1)`` or ``42 dB``."""
WORDS = {
    "INTEGER": Syntax.INTEGER,
    "Gauge32": Syntax.GAUGE32,
    "Unsigned32": Syntax.GAUGE32,
    "Counter32": Syntax.COUNTER32,
    "Counter64": Syntax.COUNTER64,
    "Timeticks": Syntax.TIMETICKS,
}


def read_walk(text: str) -> dict[Oid, Value]:
    """The objects of a file; lines that are neither form are left out."""
    values: dict[Oid, Value] = {}
    for line in text.split("\n"):
        for pattern, read in FORMS.items():
            found = pattern.fullmatch(line.rstrip("\r"))
            value = read(found) if found else None
            if found and value is not None:
                values[parse_oid(found[1])] = value
    return values


def _snmpwalk(found: re.Match[str]) -> Value | None:
    kind, text = found[2], found[3]
    if kind in WORDS:
        number = NUMBER.fullmatch(text)
        return Value(WORDS[kind], int(number[1] or number[2])) if number else None
    if kind == "Hex-STRING":
        return Value(Syntax.OCTETS, bytes.fromhex(text)) if re.fullmatch(r"[0-9A-Fa-f ]*", text) else None
    if kind == "OID":
        return Value(Syntax.OID, text.removeprefix("."))
    if kind == "IpAddress":
        return Value(Syntax.ADDRESS, text)
    if kind == "STRING" or text.startswith('"'):
        return Value(Syntax.OCTETS, text.strip('"').encode())
    return None


def _snmprec(found: re.Match[str]) -> Value | None:
    syntax, text = SYNTAXES.get(int(found[2])), found[4]
    if syntax is Syntax.OCTETS or found[3]:
        octets = bytes.fromhex(text) if found[3] else text.encode("latin-1", "replace")
        return Value(Syntax.OCTETS, octets)
    if syntax in (Syntax.OID, Syntax.ADDRESS):
        return Value(syntax, text)
    return Value(syntax, int(text)) if syntax is not None and re.fullmatch(r"-?\d+", text) else None


FORMS: Mapping[re.Pattern[str], Callable[[re.Match[str]], Value | None]] = {SNMPWALK: _snmpwalk, SNMPREC: _snmprec}
