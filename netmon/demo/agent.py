"""A small SNMP agent (v1 and v2c, read-only) for the demo and the tests.

Its codec is pysnmp's, so that it shares no code with netmon's own polling. Many agents, each on its own address, run in
one event loop. Every PDU type that arrives is counted: the tests assert that no SetRequest was ever among them.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto import rfc1155, rfc1157, rfc1901, rfc1902, rfc1905
from pysnmp.proto.api import v1, v2c

__all__ = ["SnmpAgent", "Syntax", "Value"]

Raw = int | bytes | str
Oid = tuple[int, ...]

NO_SUCH_NAME = 2
READ_ONLY = 4
GEN_ERR = 5
NOT_WRITABLE = 17
MAX_MESSAGE = 1472
"""Largest answer: what fits into one Ethernet frame over IPv4. RFC 3417 asks for at least 484 octets."""


class Syntax(StrEnum):
    """The SMI types (RFC 2578 section 7.1)."""

    INTEGER = "Integer32"
    OCTETS = "OctetString"
    OID = "ObjectIdentifier"
    ADDRESS = "IpAddress"
    COUNTER32 = "Counter32"
    GAUGE32 = "Gauge32"
    TIMETICKS = "TimeTicks"
    COUNTER64 = "Counter64"


@dataclass(frozen=True, slots=True)
class Value:
    """One object instance: its syntax and its value, or a function that gives the value at the time of asking."""

    syntax: Syntax
    value: Raw | Callable[[], Raw]

    def raw(self) -> Raw:
        """The value now."""
        return self.value() if callable(self.value) else self.value


class _Values(MutableMapping[str, Value]):
    """The agent's objects, kept in the lexicographic order of their OIDs."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = {_parse(oid): value for oid, value in values.items()}
        self._order = sorted(self._values)

    def __getitem__(self, oid: str) -> Value:
        return self._values[_parse(oid)]

    def __setitem__(self, oid: str, value: Value) -> None:
        key = _parse(oid)
        if key not in self._values:
            insort(self._order, key)
        self._values[key] = value

    def __delitem__(self, oid: str) -> None:
        key = _parse(oid)
        del self._values[key]
        del self._order[bisect_left(self._order, key)]

    def __iter__(self) -> Iterator[str]:
        return (".".join(map(str, oid)) for oid in tuple(self._order))

    def __len__(self) -> int:
        return len(self._order)

    def get_exact(self, oid: Oid) -> Value | None:
        """The object instance named ``oid``."""
        return self._values.get(oid)

    def after(self, oid: Oid, *, smi_v1: bool) -> tuple[Oid, Value] | None:
        """The first object instance after ``oid``. A v1 walk steps over Counter64 (RFC 3584 section 4.2.2.1)."""
        for key in islice(self._order, bisect_right(self._order, oid), None):
            value = self._values[key]
            if not (smi_v1 and value.syntax is Syntax.COUNTER64):
                return key, value
        return None

    def has_object(self, oid: Oid) -> bool:
        """Whether another instance of the same object exists: noSuchInstance then, else noSuchObject."""
        following = self.after(oid[:-1], smi_v1=False)
        return following is not None and following[0][: len(oid) - 1] == oid[:-1]


class SnmpAgent(asyncio.DatagramProtocol):
    """Answers Get, GetNext and GetBulk from ``values``; refuses Set; ignores a wrong community.

    Attributes:
        values: the objects by numeric OID; may be changed at any time.
        requests: how often each PDU type arrived (``GetRequestPDU``, ..., ``SetRequestPDU``), for any community.
        silent: swallow every request: the device is dead although its host may answer.
        bulk: with ``False`` the agent does not know GetBulk and drops it, as old agents do.
    """

    def __init__(
        self, values: Mapping[str, Value], *, community: str = "public", versions: tuple[str, ...] = ("1", "2c")
    ) -> None:
        self.values = _Values(values)
        self.community = community.encode()
        self.versions = versions
        self.requests: Counter[str] = Counter()
        self.silent = False
        self.bulk = True
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Bind to ``host`` and ``port`` (0: a free one) and return both."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        name = transport.get_extra_info("sockname")
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Stop answering."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one request; what cannot be decoded is dropped, as RFC 3412 section 4.2.1 says."""
        answer = self.respond(data)
        if answer is not None and self._transport is not None and not self.silent:
            self._transport.sendto(answer, addr)

    def respond(self, data: bytes) -> bytes | None:
        """The answer to one message, or ``None`` for none."""
        for spec, api, name in ((rfc1901.Message(), v2c, "2c"), (rfc1157.Message(), v1, "1")):
            try:
                message, _ = decoder.decode(data, asn1Spec=spec)
            except PyAsn1Error:
                continue
            if int(message["version"]) == (1 if name == "2c" else 0):
                return self._answer(message, api, name)
        return None

    def _answer(self, message: Any, api: Any, version: str) -> bytes | None:
        request = message["data"].getComponent()
        kind = type(request).__name__
        self.requests[kind] += 1
        if message["community"].asOctets() != self.community or version not in self.versions:
            return None
        if kind == "GetBulkRequestPDU" and not self.bulk:
            return None
        response = api.GetResponsePDU()
        api.apiPDU.set_defaults(response)
        api.apiPDU.set_request_id(response, api.apiPDU.get_request_id(request))
        asked = [tuple(name) for name, _ in api.apiPDU.get_varbinds(request)]
        if kind == "GetBulkRequestPDU":
            bulk = v2c.apiBulkPDU
            repeat = int(bulk.get_max_repetitions(request))
            bindings, error = self._bulk(asked, int(bulk.get_non_repeaters(request)), repeat), (0, 0)
        elif kind in ("GetRequestPDU", "GetNextRequestPDU"):
            bindings, error = self._each(asked, following=kind == "GetNextRequestPDU", smi_v1=version == "1")
        else:
            bindings, error = [], (READ_ONLY if version == "1" else NOT_WRITABLE, 1)
        return self._encode(message, api, response, bindings, error, asked)

    def _encode(
        self, message: Any, api: Any, response: Any, bindings: list[Any], error: tuple[int, int], asked: list[Oid]
    ) -> bytes:
        """Encode; a bulk answer that is too long for one datagram loses its tail (RFC 3416 section 4.2.3)."""
        reply = api.Message()
        api.apiMessage.set_defaults(reply)
        api.apiMessage.set_community(reply, message["community"])
        if error[0]:
            bindings = [(oid, api.Null("")) for oid in asked]
            api.apiPDU.set_error_status(response, error[0])
            api.apiPDU.set_error_index(response, error[1])
        while True:
            api.apiPDU.set_varbinds(response, bindings)
            api.apiMessage.set_pdu(reply, response)
            octets: bytes = encoder.encode(reply)
            if len(octets) <= MAX_MESSAGE or len(bindings) <= 1:
                return octets
            bindings = bindings[: max(1, len(bindings) * MAX_MESSAGE // len(octets))]

    def _each(self, asked: list[Oid], *, following: bool, smi_v1: bool) -> tuple[list[Any], tuple[int, int]]:
        bindings = []
        for index, oid in enumerate(asked, start=1):
            found = self.values.after(oid, smi_v1=smi_v1) if following else (oid, self.values.get_exact(oid))
            if found is not None and found[1] is not None and not (smi_v1 and found[1].syntax is Syntax.COUNTER64):
                bindings.append((found[0], _encoded(found[1], smi_v1=smi_v1)))
            elif smi_v1:
                return [], (NO_SUCH_NAME, index)
            elif following:
                bindings.append((oid, rfc1905.endOfMibView))
            else:
                known = self.values.has_object(oid)
                bindings.append((oid, rfc1905.noSuchInstance if known else rfc1905.noSuchObject))
        return bindings, (0, 0)

    def _bulk(self, asked: list[Oid], non_repeaters: int, repetitions: int) -> list[Any]:
        bindings, _ = self._each(asked[:non_repeaters], following=True, smi_v1=False)
        current = asked[non_repeaters:]
        for _ in range(min(repetitions, 200)):
            row, _ = self._each(current, following=True, smi_v1=False)
            bindings += row
            current = [tuple(oid) for oid, _ in row]
            if all(value is rfc1905.endOfMibView for _, value in row):
                break
        return bindings


def _parse(oid: str) -> Oid:
    return tuple(int(part) for part in oid.strip(".").split("."))


SMI_V1 = {
    Syntax.INTEGER: v1.Integer,
    Syntax.OCTETS: v1.OctetString,
    Syntax.OID: v1.ObjectIdentifier,
    Syntax.ADDRESS: rfc1155.IpAddress,
    Syntax.COUNTER32: rfc1155.Counter,
    Syntax.GAUGE32: rfc1155.Gauge,
    Syntax.TIMETICKS: rfc1155.TimeTicks,
}
SMI_V2 = {
    Syntax.INTEGER: rfc1902.Integer32,
    Syntax.OCTETS: rfc1902.OctetString,
    Syntax.OID: rfc1902.ObjectIdentifier,
    Syntax.ADDRESS: rfc1902.IpAddress,
    Syntax.COUNTER32: rfc1902.Counter32,
    Syntax.GAUGE32: rfc1902.Gauge32,
    Syntax.TIMETICKS: rfc1902.TimeTicks,
    Syntax.COUNTER64: rfc1902.Counter64,
}


def _encoded(value: Value, *, smi_v1: bool) -> Any:
    return (SMI_V1 if smi_v1 else SMI_V2)[value.syntax](value.raw())
