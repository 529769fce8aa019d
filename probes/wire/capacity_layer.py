"""At which layer a rate of packets is counted: header octets written out, with their sources.

A line that is sold as 50 Mbit/s carries less than that of anything above the layer at which it is sold, so each figure
names its layer (RFC 5136 3.1, RFC 9097 5).
"""

from __future__ import annotations

from enum import StrEnum

from probes.base import Family

__all__ = ["HEADERS", "Layer", "datagram_bytes", "packet_bits", "segment_bits"]

UDP = 8  # RFC 768
TCP = 20 + 12  # RFC 9293, and the option of RFC 7323 with its padding, which Linux sends in each segment
IP = {Family.IPV4: 20, Family.IPV6: 40}  # RFC 791 without options, RFC 8200 without extension headers
ETHERNET = 14  # IEEE 802.3: two addresses of 6 octets, type of 2; untagged
FCS = 4  # IEEE 802.3, frame check sequence
GAP = 20  # IEEE 802.3: preamble 7, start delimiter 1, inter-packet gap 12


class Layer(StrEnum):
    """What is counted of each packet."""

    PAYLOAD = "payload"
    """UDP payload: what an application gets."""
    IP = "ip"
    """IP packets (RFC 9097)."""
    ETHERNET = "ethernet"
    """Ethernet frames without FCS: as most shapers count, tc(8) among them."""
    ETHERNET_FCS = "ethernet_fcs"
    """Ethernet frames with FCS: service frames of MEF 10, frame sizes of RFC 2544, octets of IF-MIB (RFC 3635)."""
    PHYSICAL = "physical"
    """Frames with preamble and gap: what an Ethernet port of so many bits per second counts."""


HEADERS = {
    Layer.PAYLOAD: 0,
    Layer.IP: UDP,
    Layer.ETHERNET: UDP + ETHERNET,
    Layer.ETHERNET_FCS: UDP + ETHERNET + FCS,
    Layer.PHYSICAL: UDP + ETHERNET + FCS + GAP,
}
"""Octets that a layer adds to the UDP payload, the IP header apart."""


def datagram_bytes(ip_packet_bytes: int, family: Family) -> int:
    """The UDP payload of an IP packet of so many octets."""
    return ip_packet_bytes - IP[family] - UDP


def packet_bits(payload_bytes: int, family: Family, layer: Layer) -> int:
    """Bits of one packet with so much UDP payload, as a layer counts them."""
    return 8 * (payload_bytes + HEADERS[layer] + (0 if layer is Layer.PAYLOAD else IP[family]))


def segment_bits(payload_bytes: int, family: Family, layer: Layer) -> int:
    """Bits of one TCP segment with so much payload, as a layer counts them."""
    above = HEADERS[layer] - UDP + TCP + IP[family]
    return 8 * (payload_bytes + (0 if layer is Layer.PAYLOAD else above))
