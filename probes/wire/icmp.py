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
from probes.wire.icmp_call import ARRIVAL, COLUMNS, HOPS, RECEIVED, SENT, STAMP, Call, Timetable
from probes.wire.icmp_clock import StepWatch
from probes.wire.icmp_layout import NAMES, Destination, Layout, destination, source_of
from probes.wire.icmp_messages import ORIGIN_TIMESTAMPING, ErrorMessage, local_failure, parse_control, parse_error
from probes.wire.icmp_packets import (
    ECHO,
    ECHO_REPLY,
    MIN_PAYLOAD_BYTES,
    TOKEN_BYTES,
    EchoRequest,
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
SEQUENCES: Final = 1 << 16
ERROR_QUEUE: Final = int(socket.MSG_ERRQUEUE)
LAST_STAMP_ID: Final = 0xFFFFFFFF

_Packet = tuple[Call, int, bytes]
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
        self._epoch = self._watch.check()
        opened = open_socket(family)
        self.sock = opened.sock
        self._identifier = opened.identifier
        self._has_ip_header = opened.has_ip_header
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._requests: dict[int, EchoRequest] = {}
        self._sequence = 0
        self._owners = [0] * SEQUENCES  # which call had a sequence number last
        self._stamp_id = 0
        self._stamped: dict[int, _Packet] = {}
        self._timetable = Timetable()
        self._ends: list[tuple[float, int, Call]] = []
        self._order = 0
        self._calls: dict[int, Call] = {}
        self._last_call = 0
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
        for call in tuple(self._calls.values()):
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
        now = self._loop.time()
        number, first = self._reserve(count)
        call = Call(
            number, first, to, request, cut_control(self.family, dscp, hop_limit), due=now, count=count,
            gap=min(gap, sending_seconds(timeout) / count), dont_fragment=dont_fragment,
            future=self._loop.create_future(), overflowed=overflows(self.sock),
        )  # fmt: skip
        self._calls[call.number] = call
        self._timetable.add(call)
        self._end(call, now + timeout)
        self._wake(now)
        return call.future

    def _reserve(self, count: int) -> tuple[int, int]:
        """A number for a call, and the first of ``count`` sequence numbers."""
        number = self._last_call = self._last_call + 1 & 0xFFFFFFFF
        first, last = self._sequence, self._sequence + count
        self._sequence = last % SEQUENCES
        self._owners[first:last] = [number] * (min(last, SEQUENCES) - first)
        if last > SEQUENCES:
            self._owners[: last - SEQUENCES] = [number] * (last - SEQUENCES)
        return number, first

    def cancel(self, call_future: asyncio.Future[list[Echo]]) -> None:
        """Forget a call whose caller is gone."""
        for call in self._calls.values():
            if call.future is call_future:
                self._finish(call)
                return

    def _end(self, call: Call, until: float) -> None:
        """Let a call end at ``until`` by the loop's clock, if it has not ended by then."""
        self._order += 1
        call.until = until
        heapq.heappush(self._ends, (until, self._order, call))

    def _wake(self, now: float) -> None:
        """See to it that the next tick comes as soon as something is due."""
        due = self._ends[0][0] if self._ends else math.inf
        sending = now if self._unsent else self._timetable.next_at
        if sending < math.inf:
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
            self._look_at_clock()
            packets = self._due(now)
        self._unsent = self._send(packets)
        self._readable()
        while self._ends and self._ends[0][0] <= now:
            until, _order, call = heapq.heappop(self._ends)
            if until == call.until:  # not one that was brought forward
                self._finish(call)
        self._wake(now)

    def _due(self, now: float) -> list[_Packet]:
        """Number the packets that are due."""
        packets: list[_Packet] = []
        timetable = self._timetable
        while self._tokens >= 1 and (calls := timetable.take(now, int(self._tokens))):
            self._tokens -= len(calls)
            for call in calls:
                if call.future.done():
                    continue
                place = call.numbered
                call.numbered = place + 1
                sequence = call.first_sequence + place & 0xFFFF
                packets.append((call, place, call.request.head(sequence, call.number, place)))
                if place + 1 < call.count:
                    call.due += call.gap
                    timetable.add(call)
        return packets

    def _send(self, packets: list[_Packet]) -> list[_Packet]:
        """Send packets; returns those for which this machine has no room."""
        # A batch has one send time. It serves calls whose packets are known to get a stamp of the kernel's each.
        alone = [packet for packet in packets if not packet[0].batched]
        together = [packet for packet in packets if packet[0].batched] if alone else packets
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
            call.rows[COLUMNS * place + SENT] = sent_ns
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
            call.rows[COLUMNS * place + SENT] = sent_ns
        if stamp_id + len(packets) <= LAST_STAMP_ID:  # else, once in four thousand million, they go without
            stamped.update(enumerate(packets, stamp_id))
        self._stamp_id = (stamp_id + len(packets)) & LAST_STAMP_ID

    def _refused(self, call: Call, index: int, error: OSError) -> None:
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
        self._look_at_clock()
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
            for n, (
                source, header, kind, token, number, place, stamp, seconds, nanoseconds, limit, hop_limit,
            ) in enumerate(layout.answers(inbox, count)):  # fmt: skip
                if stamp == layout.stamp and limit == layout.hop_limit and header == layout.header and kind == reply:
                    stamp_ns = seconds * 1_000_000_000 + nanoseconds
                    self._take(token, number, place, source, stamp_ns, hop_limit)
                else:
                    self._take_packet(inbox.packet(n))
            if count < inbox.capacity:
                return

    def _look_at_clock(self) -> None:
        epoch = self._watch.check()
        if epoch != self._epoch:
            self._epoch = epoch
            for call in self._calls.values():
                call.clock_set()

    def _take_packet(self, packet: Received) -> None:
        """Take in an answer that is not laid out as they usually are."""
        data = packet.data
        offset = (data[0] & 0x0F) * 4 if self._has_ip_header and data else 0
        if len(data) < offset + ECHO.size or data[offset] != ECHO_REPLY[self.family]:
            self.ignored += 1
            return
        stamp_ns, hop_limit = parse_control(packet.control)
        *_head, token, number, place = ECHO.unpack_from(data, offset)
        source = source_of(self.family, packet.name)
        self._take(token, number, place, source, stamp_ns or self._realtime_ns(), hop_limit)

    def _take(self, token: bytes, number: int, place: int, source: bytes, stamp_ns: int, hop_limit: int | None) -> None:
        if token != self._token:
            self.ignored += 1
            return
        call = self._calls.get(number)
        if call is None:
            self.late += 1
            return
        if source != call.source or place >= call.numbered:
            self.ignored += 1
            return
        rows, at = call.rows, COLUMNS * place
        if rows[at + RECEIVED]:
            call.duplicates[place] = call.duplicates.get(place, 0) + 1
            return
        rows[at + RECEIVED] = stamp_ns
        rows[at + HOPS] = -1 if hop_limit is None else hop_limit
        rows[at + ARRIVAL] = call.answered
        call.answered += 1
        if place not in call.errors:
            call.waiting -= 1
            if not call.waiting:
                self._complete(call)

    def _settled(self, call: Call) -> None:
        """One more packet will not be answered any more."""
        call.waiting -= 1
        if not call.waiting:
            self._complete(call)

    def _complete(self, call: Call) -> None:
        """Every packet is answered, or refused: the call waits for duplicates, and ends."""
        if call.future.done():
            return
        low, high = LATE_DUPLICATES_SECONDS
        until = self._loop.time() + min(max(call.longest_ns() * 1e-9, low), high)
        if until < call.until:
            self._end(call, until)
            self._wake(self._loop.time())

    def _drain_errors(self) -> None:
        inbox, layout, stamped = self._messages, self._layout, self._stamped
        for _ in range(READS):
            try:
                count = inbox.receive(self.sock, ERROR_QUEUE)
            except (BlockingIOError, InterruptedError):
                return
            for n, (stamp, seconds, nanoseconds, error, origin, stamp_id) in enumerate(layout.errors(inbox, count)):
                if stamp == layout.stamp and error == layout.error and origin == ORIGIN_TIMESTAMPING:
                    packet = stamped.pop(stamp_id, None)
                    if packet is not None:
                        call, place, _head = packet
                        call.rows[COLUMNS * place + STAMP] = seconds * 1_000_000_000 + nanoseconds
                        call.batched = call.plain
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
        number = self._owners[sequence]
        if len(data) >= ECHO.size:  # more of it was quoted than must be
            *_head, token, number, _place = ECHO.unpack_from(data)
            if token != self._token:
                self.ignored += 1
                return
        call = self._calls.get(number)
        place = sequence - call.first_sequence & 0xFFFF if call else 0
        if call is None or place >= call.numbered:
            self.late += 1
            return
        if about != call.source:
            self.ignored += 1
            return
        if place not in call.errors:
            call.errors[place] = EchoError(message.failure, message.router, message.mtu_bytes)
            if not call.rows[COLUMNS * place + RECEIVED]:
                self._settled(call)

    def _finish(self, call: Call) -> None:
        self._calls.pop(call.number, None)
        if call.future.done():
            return
        if not call.fault and not any(call.rows[SENT::COLUMNS]):
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
