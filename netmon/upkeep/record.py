"""What was declared, as events of the archive: added to, never changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from netmon.archive import Event
from netmon.model import Emergency, Heard, RollCall, Window
from probes.base import ProbeResult, Step
from probes.roll_call import HEARD

__all__ = [
    "EMERGENCY",
    "EMERGENCY_ENDED",
    "EVENT_KINDS",
    "ROLL_CALL",
    "WINDOW",
    "WINDOW_ENDED",
    "Declared",
    "roll_call_result",
]

WINDOW: Final = "maintenance"
WINDOW_ENDED: Final = "maintenance_ended"
EMERGENCY: Final = "emergency"
EMERGENCY_ENDED: Final = "emergency_ended"
ROLL_CALL: Final = "roll_call"
EVENT_KINDS: Final = (WINDOW, WINDOW_ENDED, EMERGENCY, EMERGENCY_ENDED, ROLL_CALL)


def roll_call_result(call: RollCall) -> ProbeResult:
    """What a roll call found, as if it had been measured."""
    said = f"entered by {call.author}" if call.author else "entered"
    return ProbeResult(states={"heard": HEARD[call.heard.value]}, steps=(Step(0.0, said),))


@dataclass(slots=True)
class Declared:
    """Everything that was declared, by id.

    Attributes:
        windows: with the end that they had in the end; a window that ended before it began covers nothing.
        roll_calls: the last one of each station, by the equipment's id.
    """

    windows: dict[str, Window] = field(default_factory=dict)
    emergencies: dict[str, Emergency] = field(default_factory=dict)
    roll_calls: dict[str, RollCall] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take over one event; of other kinds, or about what nobody declared, it says nothing."""
        detail: Mapping[str, Any] = event.detail
        name = str(detail.get("id", ""))
        match event.kind:
            case "maintenance":
                self.windows.setdefault(
                    name,
                    Window(
                        id=name, from_ns=int(detail["from_ns"]), until_ns=int(detail["until_ns"]),
                        entered_ns=event.at_ns, sites=frozenset(detail["sites"]), assets=frozenset(detail["assets"]),
                        reason=detail["reason"], author=detail["author"],
                    ),
                )  # fmt: skip
            case "maintenance_ended" if name in self.windows:
                window = self.windows[name]
                self.windows[name] = replace(window, until_ns=min(window.until_ns, event.at_ns))
            case "emergency":
                self.emergencies.setdefault(
                    name, Emergency(id=name, from_ns=event.at_ns, reason=detail["reason"], author=detail["author"])
                )
            case "emergency_ended" if name in self.emergencies and self.emergencies[name].until_ns is None:
                self.emergencies[name] = replace(
                    self.emergencies[name], until_ns=event.at_ns, ended_by=detail["author"]
                )
            case "roll_call":
                for asset, heard in detail["heard"].items():
                    self.roll_calls[asset] = RollCall(
                        asset=asset, heard=Heard(heard), at_ns=event.at_ns, author=detail["author"]
                    )
            case _:
                pass

    @property
    def emergency(self) -> Emergency | None:
        """The emergency that lasts, if one does."""
        return next((item for item in self.emergencies.values() if item.until_ns is None), None)
