"""How much the TCP connections to one address and port have moved, by the kernel's own count (sock_diag(7)).

Programs such as iperf3 tell what they moved only when they are done.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from probes.base import Family
from probes.wire.capacity_layer import Layer, segment_bits

__all__ = ["tcp_octets"]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, linux/tcp.h; all but the addresses is in the machine's order.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
INET_DIAG_INFO: Final = 2
MESSAGE: Final = struct.Struct("=IHHII")
REQUEST: Final = struct.Struct("=BBBxI")
ENDS: Final = struct.Struct("!HH16s16s")
INTERFACE_AND_COOKIE: Final = b"\0" * 4 + b"\xff" * 8
ATTRIBUTE: Final = struct.Struct("=HH")
ANSWER_BYTES: Final = 72
"""inet_diag_msg: attributes follow."""
TO_BYTES: Final = 24
"""In it: the address of the other end."""
RECEIVED_BYTES, SEGMENTS, SENT_BYTES, INFO_BYTES = 128, 136, 200, 208
"""In tcp_info: tcpi_bytes_received, 8 octets; tcpi_segs_out, tcpi_segs_in, 4 each; tcpi_bytes_sent, 8 (Linux 4.19)."""
SECONDS: Final = 0.5


def tcp_octets(address: str, port: int, family: Family, *, down: bool) -> float | None:
    """Octets of Ethernet frames (no FCS) that the connections from here to there have moved so far.

    Payload that was sent again counts as often as it was sent; what came twice counts once.

    Args:
        address: of the other end, as numbers.
        down: towards here; otherwise from here.

    Returns:
        ``None`` if this kernel does not say.
    """
    domain = socket.AF_INET6 if family is Family.IPV6 else socket.AF_INET
    there = socket.inet_pton(domain, address)
    request = (
        REQUEST.pack(domain, socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0xFFFFFFFF)
        + ENDS.pack(0, port, b"", there)
        + INTERFACE_AND_COOKIE
    )
    head = MESSAGE.pack(MESSAGE.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    octets, header = 0.0, segment_bits(0, family, Layer.ETHERNET) / 8
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as sock:
            sock.settimeout(SECONDS)
            sock.sendto(head + request, (0, 0))
            while True:
                for kind, body in _messages(sock.recv(65_536)):
                    if kind == NLMSG_DONE:
                        return octets
                    if kind == NLMSG_ERROR:
                        return None
                    info = _info(body)
                    if info is not None and body[TO_BYTES : TO_BYTES + len(there)] == there:
                        moved = RECEIVED_BYTES if down else SENT_BYTES
                        segments_out, segments_in = struct.unpack_from("=II", info, SEGMENTS)
                        octets += struct.unpack_from("=Q", info, moved)[0]
                        octets += header * (segments_in if down else segments_out)
    except OSError:
        return None


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + MESSAGE.size <= len(data):
        length, kind, *_rest = MESSAGE.unpack_from(data, at)
        if length < MESSAGE.size:
            break
        found.append((kind, data[at + MESSAGE.size : at + length]))
        at += (length + 3) & ~3
    return found


def _info(body: bytes) -> bytes | None:
    """The connection's tcp_info, if this kernel's has all that is needed."""
    at = ANSWER_BYTES
    while at + ATTRIBUTE.size <= len(body):
        length, kind = ATTRIBUTE.unpack_from(body, at)
        if length < ATTRIBUTE.size:
            break
        if kind == INET_DIAG_INFO and length >= ATTRIBUTE.size + INFO_BYTES:
            return body[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return None
