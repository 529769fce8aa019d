"""Many packets by one system call: sendmmsg(2) and recvmmsg(2), which the module ``socket`` does not have. Linux only.

What belongs to a packet lies at fixed places of one piece of memory, so that ``struct`` reads a batch and nobody has to
take it apart packet by packet. The calls never block, so they keep the interpreter's lock: to give it up and wait for
it again a thousand times a second costs more than they do.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

__all__ = ["CONTROL_HEAD", "NAME_ROOM", "Inbox", "Outbox", "Received", "Tail"]

NAME_ROOM: Final = 32
"""Bytes kept for a socket address; the largest, sockaddr_in6, has 28."""
CONTROL_HEAD: Final = Struct("@Nii")
"""struct cmsghdr: length (with itself), level, kind; its data follows, and the next one at a multiple of eight."""

DONT_WAIT: Final = int(socket.MSG_DONTWAIT)
"""A plain number: to join the flags that the module ``socket`` gives takes as long as the system call."""

Tail = ctypes.Array[ctypes.c_char]
"""What a packet shares with others, after its head: made by ``ctypes.create_string_buffer`` and left as it is."""


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint),
        ("vectors", ctypes.c_void_p), ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )  # fmt: skip


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("size", ctypes.c_uint))


_libc = ctypes.PyDLL(None, use_errno=True)
for _function in (_libc.sendmmsg, _libc.recvmmsg):
    _function.restype = ctypes.c_int
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_libc.recvmmsg.argtypes = (*_libc.sendmmsg.argtypes, ctypes.c_void_p)


def _checked(count: int) -> int:
    if count < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return count


class Received(NamedTuple):
    """One packet that an :class:`Inbox` holds.

    Attributes:
        name: the socket address that it came from (for an error: that it went to), as the kernel writes it.
        data: its first bytes.
        control: level, kind and data of what the kernel says of it.
    """

    name: bytes
    data: bytes
    control: list[tuple[int, int, bytes]]


class Inbox:
    """Room for ``capacity`` packets.

    Attributes:
        slots: a packet takes ``stride`` bytes: the socket address (:data:`NAME_ROOM`), the first ``data_room`` bytes of
            what came, ``control_room`` bytes of control messages. What the kernel did not write is zero.
    """

    def __init__(self, capacity: int, *, data_room: int, control_room: int) -> None:
        self.capacity = capacity
        self.stride = NAME_ROOM + data_room + control_room
        self._data_room = data_room
        self._memory = ctypes.create_string_buffer(capacity * self.stride)
        self._vectors = (_Vector * capacity)()
        self._messages = (_Message * capacity)()
        start, vectors = ctypes.addressof(self._memory), ctypes.addressof(self._vectors)
        for n, (vector, message) in enumerate(zip(self._vectors, self._messages, strict=True)):
            name = start + n * self.stride
            vector.base, vector.size = name + NAME_ROOM, data_room
            header = message.header
            header.name, header.name_size = name, NAME_ROOM
            header.vectors, header.vector_count = vectors + n * ctypes.sizeof(_Vector), 1
            header.control, header.control_size = name + NAME_ROOM + data_room, control_room
        self.slots = memoryview(self._memory).cast("B")
        self._headers = memoryview(self._messages).cast("B")
        self._empty, self._ready = bytes(self.slots), bytes(self._headers)

    def receive(self, sock: socket.socket, flags: int = 0) -> int:
        """Take in what the socket has, at most ``capacity`` packets; returns how many.

        Raises:
            BlockingIOError: it has none.
            OSError: an error of the socket.
        """
        # The kernel writes lengths and flags into the headers, and leaves alone what it does not write.
        self._headers[:] = self._ready
        self.slots[:] = self._empty
        return _checked(_libc.recvmmsg(sock.fileno(), self._messages, self.capacity, flags | DONT_WAIT, None))

    def packet(self, n: int) -> Received:
        """The packet in slot ``n``, taken apart."""
        message = self._messages[n]
        start = n * self.stride
        data = start + NAME_ROOM
        at = data + self._data_room
        end = at + message.header.control_size
        control = []
        while at + CONTROL_HEAD.size <= end:
            size, level, kind = CONTROL_HEAD.unpack_from(self.slots, at)
            if not CONTROL_HEAD.size <= size <= end - at:
                break
            control.append((level, kind, bytes(self.slots[at + CONTROL_HEAD.size : at + size])))
            at += size + 7 & ~7
        return Received(
            bytes(self.slots[start : start + message.header.name_size]),
            bytes(self.slots[data : data + min(message.size, self._data_room)]),
            control,
        )


class Outbox:
    """Room for ``capacity`` packets of a head of their own and a tail that they share.

    Args:
        name_size: bytes of a socket address.
        head_size: bytes of a packet's head.
    """

    def __init__(self, capacity: int, *, name_size: int, head_size: int) -> None:
        self.capacity = capacity
        self._names = bytearray(capacity * name_size)
        self._heads = bytearray(capacity * head_size)
        self._tails: list[Tail | None] = [None] * capacity
        self._vectors = (_Vector * (2 * capacity))()
        self._messages = (_Message * capacity)()
        names = ctypes.addressof(ctypes.c_char.from_buffer(self._names))
        heads = ctypes.addressof(ctypes.c_char.from_buffer(self._heads))
        vectors = ctypes.addressof(self._vectors)
        for n, message in enumerate(self._messages):
            self._vectors[2 * n] = _Vector(heads + n * head_size, head_size)
            header = message.header
            header.name, header.name_size = names + n * name_size, name_size
            header.vectors, header.vector_count = vectors + 2 * n * ctypes.sizeof(_Vector), 2

    def fill(self, names: Sequence[bytes], heads: Sequence[bytes], tails: Sequence[Tail]) -> None:
        """Make as many packets as there are names; each sequence has one entry a packet."""
        joined = b"".join(names)
        self._names[: len(joined)] = joined
        joined = b"".join(heads)
        self._heads[: len(joined)] = joined
        if tails != self._tails[: len(tails)]:
            self._tails[: len(tails)] = tails
            for n, tail in enumerate(tails):
                self._vectors[2 * n + 1] = _Vector(ctypes.addressof(tail), len(tail))

    def send(self, sock: socket.socket, count: int) -> int:
        """Send the first ``count`` packets; returns how many were sent before one was refused.

        Raises:
            OSError: why the first of them was refused.
        """
        return _checked(_libc.sendmmsg(sock.fileno(), self._messages, count, DONT_WAIT))
