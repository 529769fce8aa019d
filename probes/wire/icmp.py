"""ICMP echo for any number of targets over one socket per address family.

Send times are kept here and never in the packet. A round trip is the difference of two kernel time stamps where the
kernel gives both, so that a busy event loop does not show up as delay.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import secrets
import socket
import time
from collections.abc import Callable
from typing import Final

from probes.base import Family, MonitorFault
from probes.wire.echo import Echo, EchoError, sending_seconds
from probes.wire.icmp_clock import StepWatch
from probes.wire.icmp_layout import NAMES, Destination, Layout, destination, source_of
from probes.wire.icmp_messages import ORIGIN_TIMESTAMPING, ErrorMessage, local_failure, parse_control, parse_error
from probes.wire.icmp_packets import (
    ECHO,
    ECHO_REPLY,
    KEY_OFFSET,
    MIN_PAYLOAD_BYTES,
    EchoRequest,
    is_ours,
    key_of,
    load_scapy,
)
from probes.wire.icmp_socket import (
    OWN_FAULTS,
    cut_control,
    forbid_fragments,
    open_socket,
    overflows,
    restart_stamp_ids,
)
from probes.wire.packet_batches import Outbox, Received

__all__ = ["IcmpWire"]

TICK_SECONDS = 0.005
"""Packets due within one tick are sent together: a wake-up costs as much as three packets."""
LATE_DUPLICATES_SECONDS = (0.01, 1.0)
"""After the last answer a call waits one longest round trip, within these bounds, for duplicates."""
BATCH = 64
READS = 16
"""Batches read at once, before others get their turn."""
STAMPS_AWAITED = 4096
"""Packets whose send stamps are waited for; beyond, the way out gives none, and they are forgotten."""
LAST_STAMP_ID: Final = 0xFFFFFFFF
STAMP_TOLERANCE_NS = 1_000_000
RTT_LIMIT_NS: Final = 3600 * 10**9


class _Call:
    """One call of :meth:`IcmpWire.ping`: parallel lists, one entry for each packet; ``sent_ns`` 0 is one not sent."""

    __slots__ = (
        "address", "arrivals", "control", "count", "dont_fragment", "duplicates", "epochs", "errors", "fault", "future",
        "gap", "hop_limits", "keys", "name", "overflows", "plain", "received_epochs", "received_ns", "request",
        "sent_ns", "source", "stamps_ns", "until", "waiting",
    )  # fmt: skip

    def __init__(
        self, to: Destination, request: EchoRequest, control: list[tuple[int, int, bytes]], *,
        count: int, gap: float, dont_fragment: bool, future: asyncio.Future[list[Echo]], overflowed: int,
    ) -> None:  # fmt: skip
        self.address, self.name, self.source = to
        self.request = request
        self.control = control
        self.count = count
        self.gap = gap
        self.dont_fragment = dont_fragment
        self.plain = not (control or dont_fragment)
        self.future = future
        self.overflows = overflowed
        self.until = math.inf
        self.fault = ""
        self.waiting = count
        self.keys: list[bytes] = []
        self.sent_ns = [0] * count
        self.stamps_ns = [0] * count
        self.epochs = [0] * count
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
            if not sent_ns:
                continue
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


_Packet = tuple[_Call, int, bytes]
"""A packet that was numbered: whose it is, which of its call, and its head. A plain tuple: there are many."""


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
        self._pending: dict[bytes, _Packet] = {}
        self._stamp_id = 0
        self._stamped: dict[int, _Packet] = {}
        self._queue: list[tuple[float, int, _Call]] = []
        self._ends: list[tuple[float, int, _Call]] = []
        self._order = 0
        self._calls: set[_Call] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._tokens = 1.0
        self._refilled = self._loop.time()
        self._unsent: list[_Packet] = []
        self._outbox = Outbox(BATCH, name_size=NAMES[family].size, head_size=ECHO.size)
        self._layout = Layout(family, has_ip_header=opened.has_ip_header)
        self._answers = self._layout.inbox(BATCH)
        self._messages = self._layout.inbox(BATCH)
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
        self, to: Destination, *, count: int, gap: float, payload_bytes: int, dscp: int,
        dont_fragment: bool, hop_limit: int | None, timeout: float,
    ) -> asyncio.Future[list[Echo]]:  # fmt: skip
        """Queue the packets of one call."""
        request = self._requests.get(payload_bytes)
        if request is None:
            request = self._requests[payload_bytes] = EchoRequest(
                self.family, payload_bytes, self._identifier, self._token
            )
        call = _Call(
            to, request, cut_control(self.family, dscp, hop_limit), count=count,
            gap=min(gap, sending_seconds(timeout) / count), dont_fragment=dont_fragment,
            future=self._loop.create_future(), overflowed=overflows(self.sock),
        )  # fmt: skip
        self._calls.add(call)
        now = self._loop.time()
        self._order += 1
        heapq.heappush(self._queue, (now, self._order, call))
        self._end(call, now + timeout)
        self._wake(now)
        return call.future

    def cancel(self, call_future: asyncio.Future[list[Echo]]) -> None:
        """Forget a call whose caller is gone."""
        for call in self._calls:
            if call.future is call_future:
                self._finish(call)
                return

    def _end(self, call: _Call, until: float) -> None:
        """Let a call end at ``until`` by the loop's clock, if it has not ended by then."""
        self._order += 1
        call.until = until
        heapq.heappush(self._ends, (until, self._order, call))

    def _wake(self, now: float) -> None:
        """See to it that the next tick comes as soon as something is due."""
        due = self._ends[0][0] if self._ends else math.inf
        if self._unsent or self._queue:
            sending = now if self._unsent else self._queue[0][0]
            due = min(due, sending if self._tokens >= 1 else max(sending, now + TICK_SECONDS))
        due = max(due, self._tick_at + TICK_SECONDS)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick) if due < math.inf else None

    def _tick(self) -> None:
        """Send what is due, as far as the rate allows, take in what came back meanwhile, end what has to end."""
        self._timer = None
        now = self._tick_at = self._loop.time()
        self._tokens = min(self._tokens + (now - self._refilled) * self._rate, self._rate * TICK_SECONDS * 4)
        self._refilled = now
        packets = [packet for packet in self._unsent if not packet[0].future.done()]
        if not packets:
            packets = self._due(now, self._watch.check())
        self._unsent = self._send(packets)
        self._readable()
        while self._ends and self._ends[0][0] <= now:
            until, _order, call = heapq.heappop(self._ends)
            if until == call.until:  # not one that was brought forward
                self._finish(call)
        self._wake(now)

    def _due(self, now: float, epoch: int) -> list[_Packet]:
        """Number the packets that are due."""
        queue, packets = self._queue, []
        while queue and queue[0][0] <= now and self._tokens >= 1:
            due, order, call = queue[0]
            if call.future.done():
                heapq.heappop(queue)
                continue
            self._tokens -= 1
            self._serial += 1
            head = call.request.head(self._serial)
            key = head[KEY_OFFSET:]
            keys = call.keys
            place = len(keys)
            packet = self._pending[key] = (call, place, head)
            packets.append(packet)
            keys.append(key)
            call.epochs[place] = epoch
            if place + 1 < call.count:
                heapq.heapreplace(queue, (due + call.gap, order, call))
            else:
                heapq.heappop(queue)
        return packets

    def _send(self, packets: list[_Packet]) -> list[_Packet]:
        """Send packets; returns those for which this machine has no room."""
        # A batch has one send time. It serves calls whose packets are known to get a stamp of the kernel's each.
        alone: list[_Packet] = []
        together: list[_Packet] = []
        for packet in packets:
            call = packet[0]
            (together if call.plain and call.stamps_ns[0] else alone).append(packet)
        for at, packet in enumerate(alone):
            if not self._send_one(packet):
                return alone[at:] + together
        at = 0
        while at < len(together):
            batch = together[at : at + BATCH]
            sent = self._send_batch(batch)
            at += sent
            if sent < len(batch):  # the next one is refused: by itself it says why
                if not self._send_one(together[at]):
                    return together[at:]
                at += 1
        return []

    def _send_batch(self, packets: list[_Packet]) -> int:
        """Send packets by one system call; returns how many were sent before one was refused."""
        self._outbox.fill(
            [call.name for call, _place, _head in packets],
            [head for _call, _place, head in packets],
            [call.request.tail for call, _place, _head in packets],
        )
        sent_ns = self._realtime_ns()
        try:
            count = self._outbox.send(self.sock, len(packets))
        except OSError:
            return 0
        self._note_sent(packets[:count], sent_ns)
        return count

    def _send_one(self, packet: _Packet) -> bool:
        call, place, head = packet
        if call.dont_fragment:
            forbid_fragments(self.sock, self.family, forbid=True)
        parts = (head, call.request.tail)
        try:
            sent_ns = self._realtime_ns()
            try:
                self.sock.sendmsg(parts, call.control, 0, call.address)
            except OSError:
                # An ICMP error about another packet is reported by whichever call comes next: clear it, try again.
                self._resynchronise()
                sent_ns = self._realtime_ns()
                self.sock.sendmsg(parts, call.control, 0, call.address)
        except OSError as error:
            self._resynchronise()
            if error.errno in OWN_FAULTS:
                call.fault = f"this machine could not send: {error.strerror}"
                return False
            call.sent_ns[place] = sent_ns
            self._refused(call, place, error)
            return True
        finally:
            if call.dont_fragment:
                forbid_fragments(self.sock, self.family, forbid=False)
        call.fault = ""
        self._note_sent([packet], sent_ns)
        return True

    def _note_sent(self, packets: list[_Packet], sent_ns: int) -> None:
        stamped, stamp_id = self._stamped, self._stamp_id
        if len(stamped) >= STAMPS_AWAITED:
            stamped.clear()
        for call, place, _head in packets:
            call.sent_ns[place] = sent_ns
        if stamp_id + len(packets) <= LAST_STAMP_ID:  # else, once in four thousand million, they go without
            stamped.update(enumerate(packets, stamp_id))
        self._stamp_id = (stamp_id + len(packets)) & LAST_STAMP_ID

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
        inbox, layout = self._answers, self._layout
        reply = layout.reply
        for _ in range(READS):
            try:
                count = inbox.receive(self.sock)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._drain_errors()
                continue
            for n, (source, header, kind, key, stamp, seconds, nanoseconds, limit, hop_limit) in enumerate(
                layout.answers(inbox, count)
            ):
                if stamp == layout.stamp and limit == layout.hop_limit and header == layout.header and kind == reply:
                    self._take(key, source, seconds * 1_000_000_000 + nanoseconds, hop_limit, epoch)
                else:
                    self._take_packet(inbox.packet(n), epoch)
            if count < inbox.capacity:
                return

    def _take_packet(self, packet: Received, epoch: int) -> None:
        """Take in an answer that is not laid out as they usually are."""
        data = packet.data
        offset = (data[0] & 0x0F) * 4 if self._has_ip_header and data else 0
        if len(data) < offset + ECHO.size or data[offset] != ECHO_REPLY[self.family]:
            self.ignored += 1
            return
        stamp_ns, hop_limit = parse_control(packet.control)
        key = data[offset + KEY_OFFSET : offset + ECHO.size]
        self._take(key, source_of(self.family, packet.name), stamp_ns or self._realtime_ns(), hop_limit, epoch)

    def _take(self, key: bytes, source: bytes, stamp_ns: int, hop_limit: int | None, epoch: int) -> None:
        packet = self._pending.get(key)
        if packet is None:
            if is_ours(key, self._identifier, self._token):
                self.late += 1
            else:
                self.ignored += 1
            return
        call, index, _head = packet
        if source != call.source:
            self.ignored += 1
            return
        if call.received_ns[index]:
            call.duplicates[index] += 1
            return
        call.received_ns[index] = stamp_ns
        call.received_epochs[index] = epoch
        call.hop_limits[index] = hop_limit
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
            if until < call.until:
                self._end(call, until)
                self._wake(self._loop.time())

    def _drain_errors(self) -> None:
        inbox, layout, stamped = self._messages, self._layout, self._stamped
        for _ in range(READS):
            try:
                count = inbox.receive(self.sock, socket.MSG_ERRQUEUE)
            except (BlockingIOError, InterruptedError):
                return
            for n, (stamp, seconds, nanoseconds, error, origin, stamp_id) in enumerate(layout.errors(inbox, count)):
                if stamp == layout.stamp and error == layout.error and origin == ORIGIN_TIMESTAMPING:
                    packet = stamped.pop(stamp_id, None)
                    if packet is not None:
                        packet[0].stamps_ns[packet[1]] = seconds * 1_000_000_000 + nanoseconds
                else:
                    received = inbox.packet(n)
                    message = parse_error(self.family, received.control)
                    if message is not None:
                        self._take_error(message, received.data, source_of(self.family, received.name))
            if count < inbox.capacity:
                return

    def _take_error(self, message: ErrorMessage, data: bytes, about: bytes) -> None:
        # The message quotes our packet, at least its first eight bytes (RFC 792), which hold identifier and sequence.
        if message.failure is None or len(data) < 8:
            return
        if int.from_bytes(data[4:6], "big") != self._identifier:
            self.ignored += 1
            return
        sequence = int.from_bytes(data[6:8], "big")
        serial = self._serial - (self._serial - sequence & 0xFFFF)
        packet = self._pending.get(key_of(self._identifier, serial, self._token))
        if packet is None:
            self.late += 1
            return
        call, index, _head = packet
        if about != call.source:
            self.ignored += 1
            return
        if call.errors[index] is None:
            call.errors[index] = EchoError(message.failure, message.router, message.mtu_bytes)
            if not call.received_ns[index]:
                self._settled(call)

    def _finish(self, call: _Call) -> None:
        self._calls.discard(call)
        for key in call.keys:
            self._pending.pop(key, None)
        if call.future.done():
            return
        if not call.fault and not any(call.sent_ns):
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
        load_scapy()

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
        channel = self._channels.get(family)
        if channel is None:
            channel = self._channels[family] = _Channel(family, self._rate, self._realtime_ns, self._monotonic_ns)
        future = channel.begin(
            destination(family, address), count=count, gap=gap_seconds, payload_bytes=payload_bytes, dscp=dscp,
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
