"""Messages between a capacity test and its reflector: control messages with an HMAC, load packets with a session id.

netmon's own protocol, in the manner of RFC 9946: every control message of either side has the same length, so no answer
is longer than its question, and the reflector speaks only when it is spoken to (load apart, which it sends only to
whoever proved the key and the address, and goes on asking for it).

A control message is ``!4sB3x16sQ`` (magic, kind, who: a nonce before the session and the session's id in it, counter),
a body, zeros, and a tag: the first 16 bytes of HMAC-SHA256 (RFC 2104 5) over all before it. The kind says which way a
message goes, so none can be sent back to its sender. The key of HELLO, CHALLENGE and START is the shared one, that of
all others the session's, made of the shared key and both nonces: a message of another session is never valid.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

__all__ = [
    "CONTROL_BYTES",
    "HEADER",
    "KEY_BYTES",
    "LOAD_MAGIC",
    "NONCE_BYTES",
    "SESSION_BYTES",
    "Answer",
    "Beat",
    "Control",
    "Kind",
    "Refusal",
    "Snapshot",
    "Start",
    "pack",
    "session_id",
    "session_key",
    "unpack",
]

MAGIC: Final = b"NMC1"
LOAD_MAGIC: Final = b"NML1"
CONTROL_BYTES: Final = 192
NONCE_BYTES: Final = 16
SESSION_BYTES: Final = 16
TAG_BYTES: Final = 16
KEY_BYTES: Final = 16
"""The shortest shared key."""

HEADER: Final = struct.Struct("!4sI16sQq")
"""Of a load packet: magic, how late it went out (us), session, number from 0, its turn by the sender's clock (ns).

The turn is exact and says what was offered; that the sender was late is no fault of the line, and can be taken off.
"""

_CONTROL: Final = struct.Struct("!4sB3x16sQ")


class Kind(IntEnum):
    """Kinds of control messages; odd ones go to the reflector, even ones come from it."""

    HELLO = 1
    CHALLENGE = 2
    START = 3
    ANSWER = 4
    BEAT = 5
    REPORT = 6
    STOP = 7


class Refusal(IntEnum):
    """What the reflector says to a START whose key is right."""

    NONE = 0
    BUSY = 1
    """Another test is under way, or no bandwidth is left for this one."""
    TOO_FAST = 2
    TOO_LONG = 3
    TOO_MANY = 4
    """This address has had its tests of the hour."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a test asks for.

    Attributes:
        challenge: what the reflector sent.
        down: the reflector sends, instead of receiving.
        datagram_bytes: UDP payload of a load packet.
        gap_ns: the shortest time between two load packets: the highest rate.
        milliseconds: how long at most.
    """

    challenge: bytes
    down: bool
    datagram_bytes: int
    gap_ns: int
    milliseconds: int

    FORMAT = struct.Struct("!16s?xHIQ")

    def body(self) -> bytes:
        """As bytes."""
        return self.FORMAT.pack(self.challenge, self.down, self.datagram_bytes, self.milliseconds, self.gap_ns)

    @classmethod
    def of(cls, body: bytes) -> Start:
        """From bytes."""
        challenge, down, datagram_bytes, milliseconds, gap_ns = cls.FORMAT.unpack_from(body)
        return cls(challenge, down, datagram_bytes, gap_ns, milliseconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a START.

    Attributes:
        limit: what would be allowed: bits per second, milliseconds or tests an hour; 0 where there is no such figure.
    """

    refusal: Refusal
    limit: int = 0

    FORMAT = struct.Struct("!B7xQ")

    def body(self) -> bytes:
        """As bytes."""
        return self.FORMAT.pack(self.refusal, self.limit)

    @classmethod
    def of(cls, body: bytes) -> Answer:
        """From bytes; raises ValueError for a refusal that does not exist."""
        refusal, limit = cls.FORMAT.unpack_from(body)
        return cls(Refusal(refusal), limit)


@dataclass(frozen=True, slots=True)
class Beat:
    """The test goes on. Each is answered with a REPORT.

    Attributes:
        gap_ns: the time between two load packets that the reflector is to send from now on; 0 for none.
    """

    gap_ns: int

    FORMAT = struct.Struct("!Q")

    def body(self) -> bytes:
        """As bytes."""
        return self.FORMAT.pack(self.gap_ns)

    @classmethod
    def of(cls, body: bytes) -> Beat:
        """From bytes."""
        return cls(*cls.FORMAT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a receiver of load has seen since its session began; two of them make an interval.

    Attributes:
        packets: different load packets.
        highest: the highest sequence number, -1 before the first.
        late: packets that came after one with a higher number (RFC 4737); they count as received.
        duplicates: packets that came again; they count for nothing.
        overflow: packets that this machine itself dropped, its buffer being full: a fault of the monitor.
        marked_packets, marked_highest: as they were when the mark came: the packet with the least delay since the
            snapshot before, the one that was held up least on its way.
        arrived_ns: when the mark came, by the receiver's monotonic clock.
        sent_ns: when it was its turn, by the sender's.
        late_ns: how much later it went out.
        sent_packets: load packets that the other side has sent itself (direction down: as the reflector counts them).
        stalled: how often a sender was kept from its pace by its own machine.
    """

    packets: int = 0
    highest: int = -1
    late: int = 0
    duplicates: int = 0
    overflow: int = 0
    marked_packets: int = 0
    marked_highest: int = -1
    arrived_ns: int = 0
    sent_ns: int = 0
    late_ns: int = 0
    sent_packets: int = 0
    stalled: int = 0

    FORMAT = struct.Struct("!12q")

    def body(self) -> bytes:
        """As bytes."""
        return self.FORMAT.pack(*astuple(self))

    @classmethod
    def of(cls, body: bytes) -> Snapshot:
        """From bytes."""
        return cls(*cls.FORMAT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class Control:
    """A control message whose tag has not been looked at yet: see :meth:`valid`."""

    kind: Kind
    who: bytes
    counter: int
    body: bytes
    data: bytes

    def valid(self, key: bytes) -> bool:
        """Whether it comes from somebody who has the key, in constant time."""
        return hmac.compare_digest(_tag(key, self.data[:-TAG_BYTES]), self.data[-TAG_BYTES:])


def pack(kind: Kind, who: bytes, counter: int, body: bytes, key: bytes) -> bytes:
    """A control message."""
    data = (_CONTROL.pack(MAGIC, kind, who, counter) + body).ljust(CONTROL_BYTES - TAG_BYTES, b"\0")
    return data + _tag(key, data)


def unpack(data: bytes) -> Control | None:
    """What looks like a control message; ``None`` for anything else."""
    if len(data) != CONTROL_BYTES or data[:4] != MAGIC:
        return None
    _magic, kind, who, counter = _CONTROL.unpack_from(data)
    if kind not in Kind.__members__.values():
        return None
    return Control(Kind(kind), who, counter, data[_CONTROL.size : -TAG_BYTES], data)


def session_key(key: bytes, nonce: bytes, challenge: bytes) -> bytes:
    """The key of one session (HMAC as a pseudorandom function of both sides' nonces)."""
    return hmac.digest(key, b"netmon capacity session" + nonce + challenge, hashlib.sha256)


def session_id(key: bytes) -> bytes:
    """What names a session in every message; nobody without the key can guess it."""
    return hmac.digest(key, b"id", hashlib.sha256)[:SESSION_BYTES]


def _tag(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)[:TAG_BYTES]
