"""SNMP v1 and v2c over one UDP socket per address family, shared by all devices.

Polling a thousand devices is sending and matching small datagrams; this engine does that and nothing else. A response
belongs to a request if its request-id is the one that was drawn for it, and it comes from the address that was asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import sys
from dataclasses import dataclass

from probes.base import Failure, NetworkFailure
from probes.wire.failures import failure_of
from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_engine import RETRANSMISSIONS, retransmit_after
from probes.wire.snmp_message import MessageError, Oid, Request, Response, decode_response, encode_request

__all__ = ["UdpEngine"]

VERSIONS = {"1": 0, "2c": 1}
RECEIVE_BUFFER = 1 << 20
"""Asked of the kernel: room for the answers of some hundred devices that are asked in the same moment."""
MAX_DATAGRAM = 65535
ENDED_REQUESTS_KEPT = 4096
DATAGRAMS_IN_ONE_GO = 64
"""Read at most so many before other tasks get their turn: a flood must not stop the event loop."""
IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h; Python's socket module does not name them everywhere
EE_ERRNO = slice(0, 4)  # the first field of struct sock_extended_err, linux/errqueue.h

Address = tuple[str, int]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that is on its way.

    Attributes:
        oddity: what came instead of the answer, for the sentence about a timeout.
    """

    address: Address
    message: bytes
    version: int
    interval: float
    answer: asyncio.Future[Response]
    sends: int = 0
    timer: asyncio.TimerHandle | None = None
    oddity: NetworkFailure | None = None


class UdpEngine:
    """The engine for communities. Opens its sockets at first use, in the running event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sockets: dict[int, socket.socket] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._ended: dict[int, None] = {}  # the newest last; a late answer to one of them is nothing odd

    async def request(
        self,
        kind: Request,
        address: Address,
        auth: SnmpAuth,
        oids: tuple[Oid, ...],
        *,
        max_repetitions: int,
        timeout: float,
    ) -> Response:
        """See :class:`~probes.wire.snmp_engine.SnmpEngine`."""
        loop = self._loop = asyncio.get_running_loop()
        request_id = secrets.randbits(31)
        while request_id in self._waiting:
            request_id = secrets.randbits(31)
        message = encode_request(
            kind,
            version=VERSIONS[auth.version],
            community=auth.community.encode(),
            request_id=request_id,
            oids=oids,
            max_repetitions=max_repetitions,
        )
        waiting = _Waiting(address, message, VERSIONS[auth.version], retransmit_after(timeout), loop.create_future())
        self._waiting[request_id] = waiting
        deadline = loop.call_later(max(timeout, 0.0), self._give_up, waiting, timeout)
        try:
            self._send(waiting)
            return await waiting.answer
        finally:
            del self._waiting[request_id]
            self._ended[request_id] = None
            if len(self._ended) > ENDED_REQUESTS_KEPT:
                del self._ended[next(iter(self._ended))]
            deadline.cancel()
            if waiting.timer is not None:
                waiting.timer.cancel()

    def close(self) -> None:
        """Close the sockets; requests that are still waiting are cancelled."""
        for waiting in self._waiting.values():
            waiting.answer.cancel()
        for sock in self._sockets.values():
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()

    def _give_up(self, waiting: _Waiting, timeout: float) -> None:
        if not waiting.answer.done():
            host, port = waiting.address
            silence = NetworkFailure(
                Failure.TIMEOUT,
                f"no SNMP answer from {host} port {port} within {timeout:.3g} s, asked {waiting.sends} times "
                "(devices also keep silent when the community is wrong)",
            )
            waiting.answer.set_exception(waiting.oddity or silence)

    def _send(self, waiting: _Waiting) -> None:
        if waiting.answer.done():
            return
        assert self._loop is not None  # noqa: S101 (request() set it)
        if waiting.sends < RETRANSMISSIONS:
            waiting.timer = self._loop.call_later(waiting.interval, self._send, waiting)
        waiting.sends += 1
        family = socket.AF_INET6 if ":" in waiting.address[0] else socket.AF_INET
        sock = self._socket(family)
        try:
            self._sendto(sock, waiting)
        except BlockingIOError:
            # The kernel's send buffer is full: as good as lost on the way, and the retransmission makes up for it.
            return
        except OSError as error:
            failure = failure_of(error, f"SNMP to {waiting.address[0]} port {waiting.address[1]}")
            waiting.answer.set_exception(failure or error)

    def _sendto(self, sock: socket.socket, waiting: _Waiting) -> None:
        try:
            sock.sendto(waiting.message, waiting.address)
        except ConnectionRefusedError:
            # An ICMP error about an earlier datagram, maybe another device's, is reported by whichever call comes
            # next. Sort that one out, then send.
            self._read_errors(sock)
            sock.sendto(waiting.message, waiting.address)

    def _socket(self, family: int) -> socket.socket:
        sock = self._sockets.get(family)
        if sock is None:
            assert self._loop is not None  # noqa: S101 (request() set it)
            sock = socket.socket(family, socket.SOCK_DGRAM)
            self._sockets[family] = sock
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            self._loop.add_reader(sock, self._readable, sock)
        return sock

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(DATAGRAMS_IN_ONE_GO):
            try:
                data, source = sock.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                self._read_errors(sock)
                return
            except OSError:
                # Not about this socket: an ICMP error that a device sent, with the details in the error queue.
                self._read_errors(sock)
                continue
            self._received(data, (source[0], source[1]))

    def _received(self, data: bytes, source: Address) -> None:
        try:
            version, response = decode_response(data)
        except MessageError as error:
            oddity = NetworkFailure(Failure.BAD_REPLY, f"{source[0]} port {source[1]} sent no SNMP response: {error}")
            for waiting in self._waiting.values():
                if _same(waiting.address, source):
                    waiting.oddity = oddity
            return
        asked = self._waiting.get(response.request_id)
        if asked is None or asked.answer.done():
            if response.request_id not in self._ended:
                self._unasked(source)
        elif not _same(asked.address, source):
            # Never accepted: anybody could send it. But it tells the operator what to mend.
            host, port = asked.address
            asked.oddity = NetworkFailure(
                Failure.BAD_REPLY, f"{host} port {port} was asked, but {source[0]} port {source[1]} answered"
            )
        elif version != asked.version:
            asked.oddity = NetworkFailure(Failure.BAD_REPLY, "an answer in another SNMP version than the request's")
        else:
            asked.answer.set_result(response)

    def _unasked(self, source: Address) -> None:
        """A request-id that never was asked for: no failure by itself, since anybody could send it."""
        for waiting in self._waiting.values():
            if _same(waiting.address, source) and waiting.oddity is None:
                waiting.oddity = NetworkFailure(
                    Failure.BAD_REPLY, f"{source[0]} port {source[1]} answered with a request-id that was not asked for"
                )

    def _read_errors(self, sock: socket.socket) -> None:
        """ICMP errors, which Linux queues with the address that the datagram was sent to (ip(7), IP_RECVERR)."""
        for _ in range(DATAGRAMS_IN_ONE_GO):
            try:
                _, ancillary, _, sent_to = sock.recvmsg(64, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            for level, kind, octets in ancillary:
                if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
                    number = int.from_bytes(octets[EE_ERRNO], sys.byteorder)
                    self._failed((sent_to[0], sent_to[1]), OSError(number, "ICMP error"))

    def _failed(self, address: Address, error: OSError) -> None:
        failure = failure_of(error, f"SNMP to {address[0]} port {address[1]}")
        for waiting in self._waiting.values():
            if failure is not None and _same(waiting.address, address) and not waiting.answer.done():
                waiting.answer.set_exception(failure)


def _same(one: Address, other: Address) -> bool:
    if one == other:
        return True
    if one[1] != other[1]:
        return False
    try:
        return ipaddress.ip_address(one[0]) == ipaddress.ip_address(other[0])
    except ValueError:
        return False
