"""ICMP echo for any number of targets over one socket per address family.

Send times are kept here and never in the packet. A round trip is the difference of two kernel time stamps where the
kernel gives both, so that a busy event loop does not show up as delay.
"""

from __future__ import annotations

import asyncio
import heapq
import secrets
import socket
import time
from collections.abc import Callable
from typing import Final

from probes.base import Family, MonitorFault
from probes.wire.echo import Echo, EchoError
from probes.wire.icmp_clock import StepWatch
from probes.wire.icmp_messages import ErrorMessage, local_failure, parse_control, parse_error
from probes.wire.icmp_packets import ECHO, ECHO_REPLY, MIN_PAYLOAD_BYTES, EchoRequest
from probes.wire.icmp_socket import (
    ADDRESS_FAMILIES,
    OWN_FAULTS,
    cut_control,
    forbid_fragments,
    open_socket,
    overflows,
    restart_stamp_ids,
)

__all__ = ["IcmpWire"]

SocketAddress = tuple[str | int, ...] | tuple[int, bytes]
"""What getaddrinfo gives: (host, port) or (host, port, flow, scope); typeshed also knows a form that Linux has not."""

TICK_SECONDS = 0.005
"""Packets due within one tick are sent together: a wake-up costs as much as three packets."""
LATE_DUPLICATES_SECONDS = (0.01, 1.0)
"""After the last answer a call waits one longest round trip, within these bounds, for duplicates."""
SHARE_FOR_SENDING = 0.8
BATCH = 256
ANCILLARY_BYTES = 512
MAX_PACKET_BYTES = 65536
STAMP_TOLERANCE_NS = 1_000_000
RTT_LIMIT_NS: Final = 3600 * 10**9


class _Call:
    """One call of :meth:`IcmpWire.ping`: parallel lists, one entry for each packet that was sent."""

    __slots__ = (
        "address", "arrivals", "control", "count", "dont_fragment", "duplicates", "epochs", "errors", "fault", "future",
        "gap", "hop_limits", "overflows", "received_epochs", "received_ns", "request", "sent_ns", "serials",
        "stamps_ns", "timer", "waiting",
    )  # fmt: skip

    def __init__(
        self, address: SocketAddress, request: EchoRequest, control: list[tuple[int, int, bytes]], *,
        count: int, gap: float, dont_fragment: bool, future: asyncio.Future[list[Echo]], overflowed: int,
    ) -> None:  # fmt: skip
        self.address = address
        self.request = request
        self.control = control
        self.count = count
        self.gap = gap
        self.dont_fragment = dont_fragment
        self.future = future
        self.overflows = overflowed
        self.timer: asyncio.TimerHandle | None = None
        self.fault = ""
        self.waiting = count
        self.serials: list[int] = []
        self.sent_ns: list[int] = []
        self.stamps_ns: list[int] = []
        self.epochs: list[int] = []
        self.received_ns = [0] * count
        self.received_epochs = [0] * count
        self.hop_limits: list[int | None] = [None] * count
        self.duplicates = [0] * count
        self.errors: list[EchoError | None] = [None] * count
        self.arrivals: list[int] = []

    def echoes(self) -> list[Echo]:
        """What became of each packet."""
        places: dict[int, int] = {index: place for place, index in enumerate(self.arrivals)}
        result = []
        for index, sent_ns in enumerate(self.sent_ns):
            received_ns = self.received_ns[index]
            if not received_ns:
                result.append(Echo(error=self.errors[index]))
                continue
            stamp_ns = self.stamps_ns[index]
            begun_ns = stamp_ns if sent_ns - STAMP_TOLERANCE_NS <= stamp_ns <= received_ns else sent_ns
            taken_ns = received_ns - begun_ns
            usable = self.epochs[index] == self.received_epochs[index] and 0 <= taken_ns < RTT_LIMIT_NS
            result.append(
                Echo(
                    taken_ns * 1e-9 if usable else None,
                    True,
                    not usable,
                    places[index],
                    self.duplicates[index],
                    self.hop_limits[index],
                    self.errors[index],
                )
            )
        return result


class _Channel:
    """The socket of one family, its table of packets under way, and its pacing."""

    def __init__(
        self, family: Family, rate: float, realtime_ns: Callable[[], int], monotonic_ns: Callable[[], int]
    ) -> None:
        self.family = family
        self.ignored = 0
        self.late = 0
        self._loop = asyncio.get_running_loop()
        self._rate = rate
        self._realtime_ns = realtime_ns
        self._watch = StepWatch(realtime_ns, monotonic_ns)
        opened = open_socket(family)
        self.sock = opened.sock
        self._identifier = opened.identifier
        self._has_ip_header = opened.has_ip_header
        self._token = secrets.randbits(64)
        self._requests: dict[int, EchoRequest] = {}
        self._serial = 0
        self._pending: dict[int, tuple[_Call, int]] = {}
        self._stamp_id = 0
        self._stamped: dict[int, tuple[_Call, int]] = {}
        self._queue: list[tuple[float, int, _Call]] = []
        self._order = 0
        self._calls: set[_Call] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._tokens = 1.0
        self._refilled = self._loop.time()
        self._buffer = bytearray(MAX_PACKET_BYTES)
        self._view = [memoryview(self._buffer)]
        self._loop.add_reader(self.sock, self._readable)

    def close(self) -> None:
        """Close the socket; calls under way fail as a fault of the monitor."""
        self._loop.remove_reader(self.sock)
        self.sock.close()
        if self._timer is not None:
            self._timer.cancel()
        for call in tuple(self._calls):
            call.fault = "the ICMP socket was closed"
            self._finish(call)

    def begin(
        self, address: SocketAddress, *, count: int, gap: float, payload_bytes: int, dscp: int,
        dont_fragment: bool, hop_limit: int | None, timeout: float,
    ) -> asyncio.Future[list[Echo]]:  # fmt: skip
        """Queue the packets of one call."""
        request = self._requests.get(payload_bytes)
        if request is None:
            request = self._requests[payload_bytes] = EchoRequest(
                self.family, payload_bytes, self._identifier, self._token
            )
        call = _Call(
            address, request, cut_control(self.family, dscp, hop_limit), count=count,
            gap=min(gap, SHARE_FOR_SENDING * timeout / count), dont_fragment=dont_fragment,
            future=self._loop.create_future(), overflowed=overflows(self.sock),
        )  # fmt: skip
        self._calls.add(call)
        now = self._loop.time()
        call.timer = self._loop.call_at(now + timeout, self._finish, call)
        self._push(now, call)
        self._wake(now)
        return call.future

    def cancel(self, call_future: asyncio.Future[list[Echo]]) -> None:
        """Forget a call whose caller is gone."""
        for call in self._calls:
            if call.future is call_future:
                self._finish(call)
                return

    def _push(self, due: float, call: _Call) -> None:
        self._order += 1
        heapq.heappush(self._queue, (due, self._order, call))

    def _wake(self, now: float) -> None:
        if self._timer is None and self._queue:
            due = max(self._queue[0][0], self._tick_at + TICK_SECONDS)
            if self._tokens < 1:
                due = max(due, now + TICK_SECONDS)
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        """Send what is due, as far as the rate allows, then take in what came back meanwhile."""
        self._timer = None
        now = self._tick_at = self._loop.time()
        self._tokens = min(self._tokens + (now - self._refilled) * self._rate, self._rate * TICK_SECONDS * 4)
        self._refilled = now
        epoch = self._watch.check()
        queue = self._queue
        while queue and queue[0][0] <= now and self._tokens >= 1:
            due, _, call = heapq.heappop(queue)
            if call.future.done():
                continue
            self._tokens -= 1
            if not self._send(call, epoch):
                self._push(now + TICK_SECONDS, call)  # this machine is out of buffers: once more
                break
            if len(call.serials) < call.count:
                self._push(due + call.gap, call)
        self._readable()
        self._wake(now)

    def _send(self, call: _Call, epoch: int) -> bool:
        self._serial += 1
        serial = self._serial
        index = len(call.serials)
        packet = call.request.number(serial)
        if call.dont_fragment:
            forbid_fragments(self.sock, self.family, forbid=True)
        try:
            sent_ns = self._realtime_ns()
            try:
                self._put(packet, call)
            except OSError:
                # An ICMP error about another packet is reported by whichever call comes next: clear it, try again.
                self._resynchronise()
                sent_ns = self._realtime_ns()
                self._put(packet, call)
        except OSError as error:
            self._resynchronise()
            if error.errno in OWN_FAULTS:
                call.fault = f"this machine could not send: {error.strerror}"
                return False
            self._note_sent(call, serial, sent_ns, epoch)
            self._refused(call, index, error)
            return True
        finally:
            if call.dont_fragment:
                forbid_fragments(self.sock, self.family, forbid=False)
        call.fault = ""
        self._note_sent(call, serial, sent_ns, epoch)
        self._pending[serial] = self._stamped[self._stamp_id] = (call, index)
        self._stamp_id = (self._stamp_id + 1) & 0xFFFFFFFF
        return True

    @staticmethod
    def _note_sent(call: _Call, serial: int, sent_ns: int, epoch: int) -> None:
        call.serials.append(serial)
        call.sent_ns.append(sent_ns)
        call.stamps_ns.append(0)
        call.epochs.append(epoch)

    def _put(self, packet: bytearray, call: _Call) -> None:
        if call.control:
            self.sock.sendmsg((packet,), call.control, 0, call.address)
        else:
            self.sock.sendto(packet, call.address)

    def _refused(self, call: _Call, index: int, error: OSError) -> None:
        failure = local_failure(error)
        if failure is None:
            call.fault = f"this machine refused to send to {call.address[0]}: {error.strerror}"
            self._loop.call_soon(self._finish, call)
            return
        call.errors[index] = EchoError(failure, "")
        self._settled(call)

    def _resynchronise(self) -> None:
        """Clear a pending error; a send that failed may or may not have used up a stamp id, so they start anew."""
        self._drain_errors()
        self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        restart_stamp_ids(self.sock)
        self._stamped.clear()
        self._stamp_id = 0

    def _readable(self) -> None:
        # Errors first: among them are the send stamps of the replies that follow.
        self._drain_errors()
        epoch = self._watch.check()
        for _ in range(BATCH):
            try:
                size, control, _flags, source = self.sock.recvmsg_into(self._view, ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._drain_errors()
                continue
            self._take(size, control, source, epoch)

    def _take(self, size: int, control: list[tuple[int, int, bytes]], source: tuple[str, int], epoch: int) -> None:
        buffer = self._buffer
        offset = (buffer[0] & 0x0F) * 4 if self._has_ip_header else 0
        if size < offset + ECHO.size:
            self.ignored += 1
            return
        kind, _code, _sum, identifier, sequence, token, lap = ECHO.unpack_from(buffer, offset)
        if kind != ECHO_REPLY[self.family] or identifier != self._identifier or token != self._token:
            self.ignored += 1
            return
        entry = self._pending.get(lap << 16 | sequence)
        if entry is None:
            self.late += 1
            return
        call, index = entry
        if source[0].partition("%")[0] != str(call.address[0]).partition("%")[0]:
            self.ignored += 1
            return
        if call.received_ns[index]:
            call.duplicates[index] += 1
            return
        stamp_ns, hop_limit = parse_control(control)
        call.received_ns[index] = stamp_ns or self._realtime_ns()
        call.received_epochs[index] = epoch
        call.hop_limits[index] = buffer[8] if self._has_ip_header else hop_limit
        call.arrivals.append(index)
        if call.errors[index] is None:
            self._settled(call)

    def _settled(self, call: _Call) -> None:
        """One more packet is answered, or refused by this machine."""
        call.waiting -= 1
        if call.waiting == 0 and not call.future.done():
            longest_ns = max(
                (got - sent for got, sent in zip(call.received_ns, call.sent_ns, strict=True) if got), default=0
            )
            low, high = LATE_DUPLICATES_SECONDS
            until = self._loop.time() + min(max(longest_ns * 1e-9, low), high)
            if call.timer is not None and until < call.timer.when():
                call.timer.cancel()
                call.timer = self._loop.call_at(until, self._finish, call)

    def _drain_errors(self) -> None:
        for _ in range(BATCH * 4):
            try:
                data, control, _flags, about = self.sock.recvmsg(ECHO.size, ANCILLARY_BYTES, socket.MSG_ERRQUEUE)
            except (BlockingIOError, InterruptedError):
                return
            message = parse_error(self.family, control)
            if message is None:
                continue
            if message.stamp_id is not None:
                owner = self._stamped.pop(message.stamp_id, None)
                if owner is not None:
                    owner[0].stamps_ns[owner[1]] = message.stamp_ns
            else:
                self._take_error(message, data, about)

    def _take_error(self, message: ErrorMessage, data: bytes, about: tuple[str, int] | None) -> None:
        # The message quotes our packet, at least its first eight bytes (RFC 792), which hold identifier and sequence.
        if message.failure is None or len(data) < 8 or about is None:
            return
        if int.from_bytes(data[4:6], "big") != self._identifier:
            self.ignored += 1
            return
        sequence = int.from_bytes(data[6:8], "big")
        entry = self._pending.get(self._serial - (self._serial - sequence & 0xFFFF))
        if entry is None:
            self.late += 1
            return
        call, index = entry
        if about[0].partition("%")[0] != str(call.address[0]).partition("%")[0]:
            self.ignored += 1
            return
        if call.errors[index] is None:
            call.errors[index] = EchoError(message.failure, message.router, message.mtu_bytes)
            if not call.received_ns[index]:
                self._settled(call)

    def _finish(self, call: _Call) -> None:
        self._calls.discard(call)
        if call.timer is not None:
            call.timer.cancel()
        for serial in call.serials:
            self._pending.pop(serial, None)
        if call.future.done():
            return
        if not call.fault and not call.serials:
            call.fault = "this machine sends too much: not one packet could be sent within the timeout"
        if not call.fault and call.waiting and overflows(self.sock) != call.overflows:
            call.fault = "this machine lost answers: its receive buffer was full"
        if call.fault:
            call.future.set_exception(MonitorFault(call.fault))
        else:
            call.future.set_result(call.echoes())


class IcmpWire:
    """Pings. Sockets are opened at first use, within the running event loop.

    Args:
        packets_per_second: at most this many requests per second and family, whatever is asked for.
        realtime_ns: the clock of the kernel's time stamps (CLOCK_REALTIME).
        monotonic_ns: a clock that nobody sets, slewed like the other one.
    """

    def __init__(
        self,
        *,
        packets_per_second: float = 10_000,
        realtime_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._rate = packets_per_second
        self._realtime_ns = realtime_ns
        self._monotonic_ns = monotonic_ns
        self._channels: dict[Family, _Channel] = {}

    async def ping(
        self,
        address: str,
        *,
        family: Family,
        count: int,
        gap_seconds: float,
        payload_bytes: int = 56,
        dscp: int = 0,
        dont_fragment: bool = False,
        hop_limit: int | None = None,
        timeout: float,
    ) -> list[Echo]:
        """Send ``count`` echo requests, ``gap_seconds`` apart, to a literal address, and wait for the answers.

        Where the timeout leaves too little time for that gap, packets are sent closer together.

        Returns:
            What became of each packet that was sent, in order of sending.

        Raises:
            MonitorFault: no right to open a socket, or this machine could not send or lost answers itself.
        """
        if payload_bytes < MIN_PAYLOAD_BYTES:
            raise ValueError(f"payload_bytes must be at least {MIN_PAYLOAD_BYTES}")
        numeric = socket.getaddrinfo(
            address, 0, family=ADDRESS_FAMILIES[family], type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )
        channel = self._channels.get(family)
        if channel is None:
            channel = self._channels[family] = _Channel(family, self._rate, self._realtime_ns, self._monotonic_ns)
        future = channel.begin(
            numeric[0][4], count=count, gap=gap_seconds, payload_bytes=payload_bytes, dscp=dscp,
            dont_fragment=dont_fragment, hop_limit=hop_limit, timeout=timeout,
        )  # fmt: skip
        try:
            return await future
        except asyncio.CancelledError:
            channel.cancel(future)
            raise

    @property
    def ignored(self) -> int:
        """Packets that were no answers to ours: wrong identifier, token or address."""
        return sum(channel.ignored for channel in self._channels.values())

    @property
    def late(self) -> int:
        """Answers and errors that came after their probe had ended."""
        return sum(channel.late for channel in self._channels.values())

    async def aclose(self) -> None:
        """Close the sockets."""
        while self._channels:
            self._channels.popitem()[1].close()
