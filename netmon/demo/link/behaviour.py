"""How an emulated host or link behaves, as plain data that goes over the control channel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Behaviour", "IcmpError"]

IcmpError = Literal["net_unreachable", "host_unreachable", "port_unreachable", "prohibited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Faults of a host, or of one direction of a link. Ratios are probabilities of each packet, from 0 to 1.

    Attributes:
        delay_seconds: of every packet.
        jitter_seconds: added to it, evenly from 0 to this.
        loss_ratio, duplicate_ratio: of packets.
        lost_dscp: packets with this code point are lost, all of them.
        reorder_ratio, reorder_seconds: packets that are held back by so much more, so that later ones overtake them.
        late_ratio, late_seconds: packets that come when nobody waits for them any more.
        rate_bits_per_second: how fast IP packets go, one after another; ``None`` for at once.
        queue_seconds: packets that would wait longer than this for the rate are dropped.
        mtu: longer packets are answered with "fragmentation needed" (RFC 792, RFC 1191) or "packet too big" (RFC 4443),
            or dropped if they may be fragmented: this emulator does not fragment.
        mtu_is_told: with ``False`` longer packets vanish, and nothing is answered: a black hole (RFC 2923).
        down: nothing comes through, and nothing comes back.
        error: what is answered instead of an echo reply.
        hops: routers before the host: a packet with no greater hop limit is answered with "time exceeded".
        services: where the host's TCP and UDP services really listen, an address of this machine: their packets are
            carried there and back over the host's line.
        wrong_id_ratio: echo replies with an identifier that nobody asked with.
    """

    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    loss_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    lost_dscp: int | None = None
    reorder_ratio: float = 0.0
    reorder_seconds: float = 0.0
    late_ratio: float = 0.0
    late_seconds: float = 0.0
    rate_bits_per_second: float | None = None
    queue_seconds: float = 0.1
    mtu: int | None = None
    mtu_is_told: bool = True
    down: bool = False
    error: IcmpError | None = None
    hops: int = 0
    services: str | None = None
    wrong_id_ratio: float = 0.0

    def as_plain(self) -> dict[str, Any]:
        """As JSON types; :class:`Behaviour` of them is the same behaviour."""
        return asdict(self)
