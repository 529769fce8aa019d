"""A router's objects by IF-MIB, with counters that a test sets, restarts and numbers anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from netmon.demo.agent import SnmpAgent, Syntax, Value

__all__ = ["Port", "Router"]

TABLE, EXTENSION = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"


@dataclass(slots=True, kw_only=True)
class Port:
    """One interface; ``wide`` says whether the agent has 64-bit counters for it."""

    name: str
    alias: str = ""
    in_octets: int = 0
    out_octets: int = 0
    speed_bits_per_second: int = 100_000_000
    oper_status: int = 1
    wide: bool = True
    type: int = 6
    errors: int = 0


@dataclass(slots=True, kw_only=True)
class Router:
    """Ports by ifIndex, and the device's clock in seconds."""

    ports: dict[int, Port] = field(default_factory=dict)
    uptime: float = 1_000.0
    discontinuity: float | None = 0.0

    def agent(self) -> SnmpAgent:
        """An agent with the present objects."""
        return SnmpAgent(self.values())

    def update(self, agent: SnmpAgent) -> None:
        """Give the agent the present objects and no other."""
        agent.values.clear()
        agent.values.update(self.values())

    def values(self) -> dict[str, Value]:
        """The objects by OID."""
        found = {
            "1.3.6.1.2.1.1.1.0": Value(Syntax.OCTETS, b"a router"),
            "1.3.6.1.2.1.1.3.0": Value(Syntax.TIMETICKS, int(self.uptime * 100) % 2**32),
        }
        for index, port in self.ports.items():
            found |= {
                f"{TABLE}.2.{index}": Value(Syntax.OCTETS, f"Ethernet {index}".encode()),
                f"{TABLE}.3.{index}": Value(Syntax.INTEGER, port.type),
                f"{TABLE}.5.{index}": Value(Syntax.GAUGE32, min(port.speed_bits_per_second, 2**32 - 1)),
                f"{TABLE}.7.{index}": Value(Syntax.INTEGER, 1),
                f"{TABLE}.8.{index}": Value(Syntax.INTEGER, port.oper_status),
                f"{TABLE}.9.{index}": Value(Syntax.TIMETICKS, 10_000),
                f"{TABLE}.10.{index}": Value(Syntax.COUNTER32, port.in_octets % 2**32),
                f"{TABLE}.13.{index}": Value(Syntax.COUNTER32, 0),
                f"{TABLE}.14.{index}": Value(Syntax.COUNTER32, port.errors),
                f"{TABLE}.16.{index}": Value(Syntax.COUNTER32, port.out_octets % 2**32),
                f"{TABLE}.19.{index}": Value(Syntax.COUNTER32, 0),
                f"{TABLE}.20.{index}": Value(Syntax.COUNTER32, 0),
            }
            if port.wide:
                found |= {
                    f"{EXTENSION}.1.{index}": Value(Syntax.OCTETS, port.name.encode()),
                    f"{EXTENSION}.6.{index}": Value(Syntax.COUNTER64, port.in_octets),
                    f"{EXTENSION}.10.{index}": Value(Syntax.COUNTER64, port.out_octets),
                    f"{EXTENSION}.15.{index}": Value(Syntax.GAUGE32, port.speed_bits_per_second // 1_000_000),
                    f"{EXTENSION}.18.{index}": Value(Syntax.OCTETS, port.alias.encode()),
                }
                if self.discontinuity is not None:
                    found[f"{EXTENSION}.19.{index}"] = Value(Syntax.TIMETICKS, int(self.discontinuity * 100))
        return found
