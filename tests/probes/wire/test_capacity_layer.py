"""Header octets of each layer, against figures that are known otherwise."""

from __future__ import annotations

import pytest

from probes.base import Family
from probes.wire.capacity_layer import Layer, datagram_bytes, packet_bits


@pytest.mark.parametrize(
    ("family", "layer", "octets"),
    [
        (Family.IPV4, Layer.PAYLOAD, 1472),
        (Family.IPV4, Layer.IP, 1500),
        (Family.IPV4, Layer.ETHERNET, 1514),
        (Family.IPV4, Layer.ETHERNET_FCS, 1518),
        (Family.IPV4, Layer.PHYSICAL, 1538),
        (Family.IPV6, Layer.PAYLOAD, 1452),
        (Family.IPV6, Layer.ETHERNET_FCS, 1518),
    ],
)
def test_a_packet_of_1500_bytes(family: Family, layer: Layer, octets: int) -> None:
    assert packet_bits(datagram_bytes(1500, family), family, layer) == 8 * octets


def test_what_a_port_of_a_gigabit_carries() -> None:
    """The README of OB-UDPST: about 972.76 Mbit/s of IP packets with a VLAN tag of 4 octets, which we do not count."""
    payload = datagram_bytes(1500, Family.IPV4)
    ip, physical = (packet_bits(payload, Family.IPV4, layer) for layer in (Layer.IP, Layer.PHYSICAL))

    assert ip / (physical + 32) == pytest.approx(0.97276, abs=1e-5)
