"""SNMP v1 and v2c messages: encode the three request PDUs that read, decode the response (RFC 1157, RFC 3416).

Nothing here can express a SetRequest: :class:`Request` has the three tags that read and no other, and
:func:`encode_request` takes nothing else. The decoder takes untrusted octets: it never reads outside of them, never
recurses, and says :class:`MessageError` to whatever BER (X.690) or SNMP do not allow.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "NUMBERS",
    "SYNTAXES",
    "Binding",
    "ErrorStatus",
    "MessageError",
    "Oid",
    "Request",
    "Response",
    "Syntax",
    "Value",
    "decode_response",
    "encode_request",
    "format_oid",
    "parse_oid",
]

Oid = tuple[int, ...]


class Request(IntEnum):
    """The PDUs that netmon may send, by their tag (RFC 3416 section 3). SetRequest, 0xa3, is not among them."""

    GET = 0xA0
    GET_NEXT = 0xA1
    GET_BULK = 0xA5


class Syntax(StrEnum):
    """What a value is on the wire (RFC 2578 section 7.1), and the three ways of not being there (RFC 3416)."""

    INTEGER = "integer"
    OCTETS = "octets"
    NULL = "null"
    OID = "oid"
    ADDRESS = "address"
    COUNTER32 = "counter32"
    GAUGE32 = "gauge32"
    TIMETICKS = "timeticks"
    OPAQUE = "opaque"
    COUNTER64 = "counter64"
    NO_SUCH_OBJECT = "no_such_object"
    NO_SUCH_INSTANCE = "no_such_instance"
    END_OF_MIB_VIEW = "end_of_mib_view"


class ErrorStatus(IntEnum):
    """Error statuses that the polling logic tells apart (RFC 3416 section 3)."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GEN_ERR = 5


class Value(NamedTuple):
    """A value with its syntax: numbers as ``int``, octets as ``bytes``, OIDs and addresses as dotted ``str``."""

    syntax: Syntax
    value: int | bytes | str

    @property
    def absent(self) -> bool:
        """Whether the agent says that it has no such thing. That is never zero."""
        return self.syntax in ABSENT


SYNTAXES = {
    0x02: Syntax.INTEGER,
    0x04: Syntax.OCTETS,
    0x05: Syntax.NULL,
    0x06: Syntax.OID,
    0x40: Syntax.ADDRESS,
    0x41: Syntax.COUNTER32,
    0x42: Syntax.GAUGE32,
    0x43: Syntax.TIMETICKS,
    0x44: Syntax.OPAQUE,
    0x46: Syntax.COUNTER64,
    0x80: Syntax.NO_SUCH_OBJECT,
    0x81: Syntax.NO_SUCH_INSTANCE,
    0x82: Syntax.END_OF_MIB_VIEW,
}
"""By the tag octet of the value."""
NUMBERS = frozenset({Syntax.INTEGER, Syntax.COUNTER32, Syntax.GAUGE32, Syntax.TIMETICKS, Syntax.COUNTER64})
ABSENT = frozenset({Syntax.NULL, Syntax.NO_SUCH_OBJECT, Syntax.NO_SUCH_INSTANCE, Syntax.END_OF_MIB_VIEW})

Binding = tuple[Oid, Value]


@dataclass(frozen=True, slots=True)
class Response:
    """A response PDU. ``error_status`` may be any number; ``error_index`` counts bindings from 1."""

    request_id: int
    error_status: int
    error_index: int
    bindings: tuple[Binding, ...]


class MessageError(ValueError):
    """These octets are no SNMP response."""


@lru_cache(maxsize=8192)
def parse_oid(text: str) -> Oid:
    """``"1.3.6.1"`` or ``".1.3.6.1"`` as numbers; ``ValueError`` for what no OID can be."""
    arcs = tuple(int(part) for part in text.removeprefix(".").split(".") if part.isascii() and part.isdecimal())
    if len(arcs) != text.removeprefix(".").count(".") + 1 or not 2 <= len(arcs) <= 128:
        raise ValueError(f"{text!r} is no numeric OID")
    if arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or max(arcs) >= 1 << 32:
        raise ValueError(f"{text!r} is no OID: a number is out of range")
    return arcs


def format_oid(oid: Oid) -> str:
    """The dotted form."""
    return ".".join(map(str, oid))


def encode_request(
    kind: Request, *, version: int, community: bytes, request_id: int, oids: tuple[Oid, ...], max_repetitions: int = 0
) -> bytes:
    """A whole message. ``version`` is 0 for v1, 1 for v2c; ``max_repetitions`` is for ``GET_BULK`` alone."""
    bindings = b"".join([_null_binding(oid) for oid in oids])
    pdu = _integer(request_id) + _integer(0) + _integer(max_repetitions) + _tlv(0x30, bindings)
    return _tlv(0x30, _integer(version) + _tlv(0x04, community) + _tlv(Request(kind).value, pdu))


def decode_response(data: bytes, *, versions: tuple[int, ...] = (0, 1)) -> tuple[int, Response]:
    """The version (0 or 1) and the response in one message; ``MessageError`` if it is none."""
    start, end = _expect(data, 0, len(data), 0x30)
    version, at = _read_integer(data, start, end)
    if version not in versions:
        raise MessageError(f"version {version} was not asked for")
    start, at = _expect(data, at, end, 0x04)
    start, end = _expect(data, at, end, 0xA2)
    request_id, at = _read_integer(data, start, end)
    status, at = _read_integer(data, at, end)
    index, at = _read_integer(data, at, end)
    start, end = _expect(data, at, end, 0x30)
    return version, Response(request_id, status, index, _read_bindings(data, start, end))


# --- encoding ---------------------------------------------------------------------------------------------------------


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def _tlv(tag: int, body: bytes) -> bytes:
    return bytes((tag,)) + _length(len(body)) + body


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


@lru_cache(maxsize=8192)
def _null_binding(oid: Oid) -> bytes:
    body = bytearray()
    for arc in (oid[0] * 40 + oid[1], *oid[2:]):
        octets = [arc & 0x7F]
        rest = arc >> 7
        while rest:
            octets.append(0x80 | rest & 0x7F)
            rest >>= 7
        body += bytes(reversed(octets))
    return _tlv(0x30, _tlv(0x06, bytes(body)) + b"\x05\x00")


# --- decoding ---------------------------------------------------------------------------------------------------------

UNSIGNED = {0x41: 32, 0x42: 32, 0x43: 32, 0x46: 64}
"""Tags of unsigned numbers and their bits. BER would have a leading zero octet; agents that omit it are understood."""


def _header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and end of the value at ``at``; all within ``end``."""
    if at + 2 > end:
        raise MessageError("truncated")
    size = data[at + 1]
    start = at + 2
    if size & 0x80:
        count = size & 0x7F
        # 0x80 alone is the indefinite form, which SNMP forbids (RFC 3417 section 8).
        if not 1 <= count <= 4 or start + count > end:
            raise MessageError("bad length")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > end:
        raise MessageError("truncated")
    return data[at], start, start + size


def _expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    found, start, stop = _header(data, at, end)
    if found != tag:
        raise MessageError(f"tag {found:#04x} where {tag:#04x} belongs")
    return start, stop


def _read_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    start, stop = _expect(data, at, end, 0x02)
    return _signed(data, start, stop), stop


def _signed(data: bytes, start: int, stop: int) -> int:
    if not 1 <= stop - start <= 5:
        raise MessageError("an integer of no or too many octets")
    value = int.from_bytes(data[start:stop], "big", signed=True)
    if not -(1 << 31) <= value < 1 << 32:
        raise MessageError("an integer of more than 32 bits")
    return value


def _read_bindings(data: bytes, at: int, end: int) -> tuple[Binding, ...]:
    # The hot loop of polling: the short forms, which nearly every binding has, are read in place.
    bindings: list[Binding] = []
    append = bindings.append
    while at < end:
        tag, start, stop = _header(data, at, end)
        if tag != 0x30:
            raise MessageError(f"tag {tag:#04x} where a binding belongs")
        at = stop
        if start + 2 > stop or data[start] != 0x06:
            raise MessageError("a binding without an OID")
        size = data[start + 1]
        middle = start + 2 + size
        if size & 0x80:
            _, start, middle = _header(data, start, stop)
            oid = _oid(data[start:middle])
        else:
            oid = _oid(data[start + 2 : middle])
        if middle + 2 <= stop and middle + 2 + data[middle + 1] == stop and data[middle + 1] < 0x80:
            append((oid, _value(data[middle], data, middle + 2, stop)))
        else:
            tag, start, middle = _header(data, middle, stop)
            append((oid, _value(tag, data, start, middle)))
    return tuple(bindings)


def _value(tag: int, data: bytes, start: int, stop: int) -> Value:
    syntax = SYNTAXES.get(tag)
    if syntax is None:
        raise MessageError(f"unknown tag {tag:#04x} of a value")
    plain: int | bytes | str = b""
    if tag in UNSIGNED:
        bits = UNSIGNED[tag]
        if not 1 <= stop - start <= bits // 8 + 1:
            raise MessageError(f"a {syntax} of no or too many octets")
        plain = int.from_bytes(data[start:stop], "big") & ((1 << bits) - 1)
    elif syntax is Syntax.INTEGER:
        plain = _signed(data, start, stop)
    elif syntax is Syntax.OCTETS or syntax is Syntax.OPAQUE:
        plain = data[start:stop]
    elif syntax is Syntax.OID:
        plain = format_oid(_oid(data[start:stop]))
    elif syntax is Syntax.ADDRESS:
        if stop - start not in (4, 16):
            raise MessageError("an address of a wrong length")
        plain = str(ipaddress.ip_address(data[start:stop]))
    return Value(syntax, plain)


@lru_cache(maxsize=16384)
def _oid(body: bytes) -> Oid:
    if not body or len(body) > 640 or body[-1] & 0x80:
        raise MessageError("a malformed OID")
    # Most OIDs have no number above 127, and then each octet is one of them.
    arcs = list(body) if body.isascii() else _long_arcs(body)
    first = min(arcs[0] // 40, 2)
    return (first, arcs[0] - 40 * first, *arcs[1:])


def _long_arcs(body: bytes) -> list[int]:
    arcs = []
    arc = 0
    for octet in body:
        arc = arc << 7 | octet & 0x7F
        if arc >= 1 << 32:
            raise MessageError("a number of an OID has more than 32 bits")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    return arcs
