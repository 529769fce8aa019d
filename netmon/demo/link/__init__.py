"""A link emulator: a TUN device behind which hosts answer, or another network lies, with the faults of real links.

It exists because a loopback interface has no delay and never fails, and because a measurement is worth what it is
compared with: each packet's fate is recorded with its times, and readings are compared with that record.
"""

from netmon.demo.link.behaviour import Behaviour
from netmon.demo.link.emulator import Emulator
from netmon.demo.link.record import Fate, PacketRecord

__all__ = ["Behaviour", "Emulator", "Fate", "PacketRecord"]
