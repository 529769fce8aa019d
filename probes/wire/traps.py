"""Receives SNMP notifications: traps of versions 1, 2c and 3, and informs, which are confirmed (RFC 3416, RFC 3414).

Whoever can reach the port can send here at any rate, so what one datagram may cost is bounded before it is looked into:
from an address that is not in the inventory it is counted and dropped, and each known address has a budget of messages
that are decoded, as have all together. Beyond a batch the socket is left alone for a moment and the kernel's buffer
overflows instead of ours. A notification that is lost that way is lost for good: polling finds the same a little later.

pysnmp decodes, authenticates and decrypts, and confirms informs. A version 3 trap is localised to the engine of its
sender (RFC 3414 section 2.6), which is learned from the first message; its digest then proves that the sender knows the
password.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyasn1.codec.ber import decoder
from pysnmp.carrier.asyncio.dgram.udp import DOMAIN_NAME, UdpTransportAddress
from pysnmp.carrier.base import AbstractTransport, AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine as Engine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_pysnmp import add_user

__all__ = ["OUTCOMES", "Budget", "Trap", "TrapListener"]

OUTCOMES: Final = ("accepted", "unknown_source", "too_many", "refused", "malformed")
"""What becomes of a datagram: ``refused`` is a wrong community, user or password."""

BATCH: Final = 250
PAUSE_SECONDS: Final = 0.025
RECEIVE_BUFFER: Final = 1 << 20
MAX_DATAGRAM: Final = 65_535
ENGINES_PER_SOURCE: Final = 4
"""A device has one engine; a replaced one has another. More are somebody trying."""
MAX_BINDINGS, MAX_TEXT = 20, 200
SYS_UP_TIME, SNMP_TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
SO_MEMINFO, SK_MEMINFO_DROPS = 55, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One notification that was accepted.

    Attributes:
        source: the address that it came from; never one that it names in itself.
        oid: which notification (snmpTrapOID); a version 1 trap's by RFC 3584 section 3.1.
        values: the objects that it carries, as text; untrusted.
    """

    source: str
    oid: str
    values: Mapping[str, str]


class Budget:
    """A token bucket: ``burst`` messages at once, ``per_second`` in the long run."""

    __slots__ = ("_at", "_left", "burst", "per_second")

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second, self.burst = per_second, burst
        self._left, self._at = burst, float("-inf")

    def take(self, now: float) -> bool:
        """Whether one more is within the budget at ``now`` (seconds of a monotonic clock)."""
        if self._at > float("-inf"):
            self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class TrapListener:
    """Listens on one UDP port. Must be started within the running event loop.

    Args:
        take: called with each notification that is accepted; must not block.
        monotonic: the clock of the budgets.

    Attributes:
        outcomes: datagrams by :data:`OUTCOMES`.
    """

    def __init__(self, take: Callable[[Trap], None], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._take = take
        self._monotonic = monotonic
        self._auths: tuple[SnmpAuth, ...] = ()
        self._budgets: dict[str, Budget] = {}
        self._all = Budget(per_second=40, burst=100)
        self._socket: socket.socket | None = None
        self._door: _Door | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause: asyncio.TimerHandle | None = None
        self.outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))

    def use(self, auths: Collection[SnmpAuth], sources: Collection[str]) -> None:
        """Take over credentials, and the addresses that may send; budgets of those that stay go on."""
        known = {_plain(source) for source in sources}
        self._budgets = {source: self._budgets.get(source) or Budget(per_second=2, burst=10) for source in known}
        if self._door is None or set(auths) != set(self._auths):
            self._auths = tuple(dict.fromkeys(auths))
            self._close_door()
            self._door = _Door(self._auths, self._answer)  # takes a tenth of a second: not when the first trap comes

    def start(self, host: str, port: int) -> tuple[str, int]:
        """Bind, and return the address.

        Raises:
            OSError: the address is taken, or this process may not use the port.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._loop.add_reader(sock, self._readable)
        name = sock.getsockname()
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._pause is not None:
            self._pause.cancel()
        self._close_door()

    @property
    def dropped_by_kernel(self) -> int:
        """Datagrams that came while the buffer was full (SO_MEMINFO, Linux)."""
        if self._socket is None:
            return 0
        octets = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 64)
        return int(struct.unpack_from("=I", octets, 4 * SK_MEMINFO_DROPS)[0])

    def _readable(self) -> None:
        sock, loop = self._socket, self._loop
        if sock is None or loop is None:
            return
        for _ in range(BATCH):
            try:
                data, source = sock.recvfrom(MAX_DATAGRAM)
            except OSError:
                return
            self._received(data, source)
        loop.remove_reader(sock)
        self._pause = loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.add_reader(self._socket, self._readable)

    def _received(self, data: bytes, source: tuple[Any, ...]) -> None:
        address = _plain(source[0])
        budget = self._budgets.get(address)
        if budget is None:
            self.outcomes["unknown_source"] += 1
            return
        now = self._monotonic()
        if not (budget.take(now) and self._all.take(now)):
            self.outcomes["too_many"] += 1
            return
        if self._door is None:
            return  # closed while datagrams were being read
        outcome, trap = self._door.open(data, address, source, now)
        self.outcomes[outcome] += 1
        if trap is not None:
            self._take(trap)

    def _answer(self, message: bytes, source: tuple[Any, ...]) -> None:
        if self._socket is not None:
            try:
                self._socket.sendto(message, source)
            except OSError:
                return  # an inform that is not confirmed is sent again

    def _close_door(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None


class _Transport(AbstractTransport):  # type: ignore[misc]  # pysnmp has no types
    """What pysnmp sends its answers through: the listener's own socket."""

    PROTO_TRANSPORT_DISPATCHER = AbstractTransportDispatcher
    ADDRESS_TYPE = UdpTransportAddress

    def __init__(self, answer: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._answer = answer
        self.source: tuple[Any, ...] = ()

    def send_message(self, outgoingMessage: bytes, _address: Any) -> None:  # noqa: N803
        """Answer the message that is being worked on."""
        self._answer(bytes(outgoingMessage), self.source)


class _Door:
    """A pysnmp engine that is handed one datagram at a time, in the caller's own time."""

    def __init__(self, auths: Collection[SnmpAuth], answer: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._users = {auth.user: auth for auth in auths if auth.version == "3"}
        self._engines: dict[str, set[bytes]] = {}
        self._found: list[tuple[Any, ...]] = []
        self._engine = Engine()
        self._transport = _Transport(answer)
        self._engine.register_transport_dispatcher(AbstractTransportDispatcher())
        self._engine.transport_dispatcher.register_transport(DOMAIN_NAME, self._transport)
        communities = {auth.community for auth in auths if auth.version != "3"}
        for number, community in enumerate(sorted(communities)):
            config.add_v1_system(self._engine, f"community{number}", community)
        for auth in self._users.values():
            add_user(self._engine, auth)  # informs are localised to our own engine
        self._receiver = ntfrcv.NotificationReceiver(self._engine, self._notified)

    def open(self, data: bytes, address: str, source: tuple[Any, ...], now: float) -> tuple[str, Trap | None]:
        """What becomes of one datagram, at ``now`` (seconds of a monotonic clock)."""
        self._found.clear()
        self._transport.source = source
        # pysnmp forgets what it keeps of a message, some 500 octets, after 600 ticks of a tenth of a second.
        self._engine.transport_dispatcher.handle_timer_tick(now)
        if not self._learn(data, address):
            return "refused", None
        try:
            self._engine.message_dispatcher.receive_message(
                self._engine, DOMAIN_NAME, UdpTransportAddress((address, int(source[1]))), data
            )
        except Exception:  # noqa: BLE001  (anybody's octets: the decoder raises whatever its code meets with them)
            return "malformed", None
        if self._found:
            return "accepted", _trap(address, self._found[0])
        return ("refused" if data[:1] == b"\x30" and _version(data) is not None else "malformed"), None

    def close(self) -> None:
        """Forget everything."""
        self._receiver.close(self._engine)
        self._engine.close_dispatcher()

    def _notified(self, _engine: Any, _reference: Any, _context: Any, _name: Any, bindings: Any, _given: Any) -> None:
        self._found.append(tuple(bindings))

    def _learn(self, data: bytes, address: str) -> bool:
        """Get to know the engine of a version 3 sender; whether its message is worth looking at."""
        if _version(data) != 3:
            return True
        try:
            message, _rest = decoder.decode(data, asn1Spec=SNMPv3Message())
            parameters, _rest = decoder.decode(
                message["msgSecurityParameters"].asOctets(), asn1Spec=UsmSecurityParameters()
            )
        except Exception:  # noqa: BLE001  (as in open(), which says so)
            return True
        engine_id, user = parameters["msgAuthoritativeEngineId"].asOctets(), str(parameters["msgUserName"])
        known = self._engines.setdefault(address, set())
        if not engine_id or engine_id in known or engine_id == bytes(self._engine.snmpEngineID):
            return True
        if user not in self._users or len(known) >= ENGINES_PER_SOURCE:
            return False
        known.add(engine_id)
        add_user(self._engine, self._users[user], engine_id)
        return True


def _version(data: bytes) -> int | None:
    """msgVersion, without looking further: SEQUENCE, its length, INTEGER of one octet."""
    if len(data) < 6 or data[0] != 0x30:
        return None
    at = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return data[at + 2] if data[at : at + 2] == b"\x02\x01" and at + 2 < len(data) else None


def _trap(address: str, bindings: tuple[Any, ...]) -> Trap:
    values = {str(name): _shown(value) for name, value in bindings[:MAX_BINDINGS]}
    oid = values.pop(SNMP_TRAP_OID, "")
    values.pop(SYS_UP_TIME, None)
    return Trap(source=address, oid=oid, values=values)


def _shown(value: Any) -> str:
    text = str(value.prettyPrint())[:MAX_TEXT]
    return "".join(ch if ch.isprintable() else " " for ch in text)


def _plain(address: str) -> str:
    """An address in its one form; an IPv4 address that came over an IPv6 socket as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped or ip)
