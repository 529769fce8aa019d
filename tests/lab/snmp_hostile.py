"""SNMP agents that misbehave, each in one way, for tests of what netmon makes of them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from netmon.demo.agent import SnmpAgent, Syntax, Value

__all__ = [
    "DecreasingAgent",
    "ElsewhereAgent",
    "EndlessAgent",
    "ErrorAgent",
    "LateAgent",
    "LoopingAgent",
    "LossyAgent",
    "NoBulkErrorAgent",
    "OctetsAgent",
    "SlowAgent",
    "SmallAgent",
    "WrongRequestIdAgent",
    "table",
]


def table(rows: int, *, columns: tuple[int, ...] = (2, 10)) -> dict[str, Value]:
    """Part of an ifTable: ifDescr and a counter."""
    values = {}
    for row in range(1, rows + 1):
        for column in columns:
            value = Value(Syntax.OCTETS, b"port%d" % row) if column == 2 else Value(Syntax.COUNTER32, row)
            values[f"1.3.6.1.2.1.2.2.1.{column}.{row}"] = value
    return values


def edit(answer: bytes, change: Any) -> bytes:
    """The answer with its PDU changed."""
    message, _ = decoder.decode(answer, asn1Spec=v2c.Message())
    change(v2c.apiMessage.get_pdu(message))
    return bytes(encoder.encode(message))


class OctetsAgent(SnmpAgent):
    """Sends ``octets(answer)`` instead of the answer."""

    def __init__(self, values: dict[str, Value], octets: Any) -> None:
        super().__init__(values)
        self.octets = octets

    def respond(self, data: bytes) -> bytes | None:
        answer = super().respond(data)
        return None if answer is None else self.octets(answer)


class WrongRequestIdAgent(SnmpAgent):
    """Answers with a request-id that nobody asked for; with ``also_right`` the right one follows."""

    also_right = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.respond(data)
        assert answer is not None
        assert self._transport is not None
        self._transport.sendto(edit(answer, lambda pdu: v2c.apiPDU.set_request_id(pdu, 4711)), addr)
        if self.also_right:
            self._transport.sendto(answer, addr)


class ElsewhereAgent(SnmpAgent):
    """Answers from another port."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.respond(data)
        assert answer is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.sendto(answer, addr)


class LossyAgent(SnmpAgent):
    """Loses the first ``losses`` requests."""

    losses = 1

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.losses > 0:
            self.losses -= 1
            self.requests["lost"] += 1
            return
        super().datagram_received(data, addr)


class LateAgent(SnmpAgent):
    """Answers the first request, and every later one with that first answer again."""

    first: bytes | None = None

    def respond(self, data: bytes) -> bytes | None:
        if self.first is None:
            self.first = super().respond(data)
        return self.first


class SlowAgent(SnmpAgent):
    """Every answer comes, and each takes ``delay`` seconds."""

    delay = 0.1

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self.delay, super().datagram_received, data, addr)


class ErrorAgent(SnmpAgent):
    """Answers a Get that contains ``bad`` with ``status``; with ``index`` false it does not say which one it was."""

    status = 5
    index = True
    bad = ""

    def _each(self, asked: Any, *, following: bool, smi_v1: bool) -> Any:
        names = [".".join(map(str, oid)) for oid in asked]
        if self.bad in names:
            return [], (self.status, names.index(self.bad) + 1 if self.index else 0)
        return super()._each(asked, following=following, smi_v1=smi_v1)


class SmallAgent(SnmpAgent):
    """tooBig (RFC 3416) for every request that needs more than ``most`` bindings."""

    most = 3

    def _each(self, asked: Any, *, following: bool, smi_v1: bool) -> Any:
        if len(asked) > self.most:
            return [], (1, 0)
        return super()._each(asked, following=following, smi_v1=smi_v1)

    def respond(self, data: bytes) -> bytes | None:
        answer = super().respond(data)
        assert answer is not None
        message, _ = decoder.decode(answer, asn1Spec=v2c.Message())
        if len(v2c.apiPDU.get_varbinds(v2c.apiMessage.get_pdu(message))) <= self.most:
            return answer
        return edit(answer, _too_big)


def _too_big(pdu: Any) -> None:
    v2c.apiPDU.set_error_status(pdu, 1)
    v2c.apiPDU.set_varbinds(pdu, [])


class NoBulkErrorAgent(SnmpAgent):
    """Answers GetBulk with genErr, as some agents without it do."""

    def _bulk(self, asked: Any, non_repeaters: int, repetitions: int) -> Any:
        return []

    def respond(self, data: bytes) -> bytes | None:
        answer = super().respond(data)
        if answer is None:
            return None
        message, _ = decoder.decode(data, asn1Spec=v2c.Message())
        bulk = isinstance(v2c.apiMessage.get_pdu(message), v2c.GetBulkRequestPDU)
        return edit(answer, lambda pdu: v2c.apiPDU.set_error_status(pdu, 5)) if bulk else answer


class LoopingAgent(SnmpAgent):
    """Leads every walk in a circle: the third object is followed by the first."""

    def _each(self, asked: Any, *, following: bool, smi_v1: bool) -> Any:
        if not following:
            return super()._each(asked, following=following, smi_v1=smi_v1)
        ring = [tuple(map(int, oid.split("."))) for oid in list(self.values)[:3]]
        back = [ring[1] if oid == ring[2] else oid for oid in asked]
        bindings, error = super()._each(back, following=True, smi_v1=smi_v1)
        first = [
            (ring[0], binding[1]) if oid == ring[2] else binding for oid, binding in zip(asked, bindings, strict=True)
        ]
        return first, error


class DecreasingAgent(SnmpAgent):
    """GetNext of anything is the same object for ever."""

    def _each(self, asked: Any, *, following: bool, smi_v1: bool) -> Any:
        oid = tuple(map(int, next(iter(self.values)).split(".")))
        return [(oid, v2c.Integer32(1)) for _ in asked], (0, 0)


class EndlessAgent(SnmpAgent):
    """A subtree without end: the OIDs increase for ever."""

    def _each(self, asked: Any, *, following: bool, smi_v1: bool) -> Any:
        return [((*oid[:-1], oid[-1] + 1) if len(oid) > 10 else (*oid, 1), v2c.Integer32(1)) for oid in asked], (0, 0)
