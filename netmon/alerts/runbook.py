"""First steps for whoever is on call, by what is not well. The pages in docs/runbooks say more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from netmon.i18n import _, _n

__all__ = ["PAGES", "first_steps", "page_of"]

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "uplink": (
        _n("Ask the station by telephone or radio whether it has power and whether its network works."),
        _n("Look at the near end's interface on the board: if it is down, it is the line or the carrier's device."),
        _n("Call the carrier with the circuit number and the time of the outage; ask for a ticket number."),
        _n("If the station needs the link now: set up its satellite terminal or public-network terminal."),
    ),
    "base_station": (
        _n("Tell dispatch which area has no or weak radio coverage, and which stations are to use direct mode."),
        _n("Look at power, standing wave ratio and temperature of the station on the board."),
        _n("If the site answers nothing at all: check its power and its link before sending somebody up."),
        _n("Before a drive to the site: take the antenna analyser, a spare power amplifier and the key."),
    ),
    "power": (
        _n("Find out whether the site is without mains: ask the station, or the power company's fault line."),
        _n("Read the remaining battery time on the board, and plan for what goes off when it ends."),
        _n("If it is long: bring the mobile generator; switch off what is not needed."),
    ),
    "application": (
        _n("Open the application from another workplace: does it fail for everybody?"),
        _n("Look at the server: disk, memory, the service itself; restart the service if its manual says so."),
        _n("Call who runs the application, with the error that this mail names."),
    ),
    "satellite_terminal": (
        _n("Ask whether the terminal is set up on purpose. If not, nothing is wrong."),
        _n("Check pointing, cable and receive level on the modem; ask the hub for the carrier's level."),
        _n("Try another place with a free view to the south."),
    ),
    "router": (
        _n("Ask the site whether it has power; look at the lights of the router."),
        _n("If the router lives, it is its line: call the carrier."),
        _n("Switch it off and on only when somebody is on site and nobody needs the link."),
    ),
    "other": (
        _n("Ask the site whether the device is switched on and connected."),
        _n("Look at the check's page: since when, what it said before, whether its neighbours work."),
        _n("If nobody can mend it now: acknowledge it, with a note of who will, and when."),
    ),
    "degraded": (
        _n("Look at the figures of the last day on the check's page: did it begin suddenly or slowly?"),
        _n("Look for what began at that time: weather, work on the line, a backup, a new device."),
        _n("If it is packet loss on a line: call the carrier with the figures of this mail."),
    ),
    "vantage": (
        _n("Go to the machine on which netmon runs: is its cable in, does its switch live?"),
        _n("Until it is mended nothing is known of the network: ask the stations by radio."),
    ),
    "netmon": (
        _n("Log in to the machine on which netmon runs and read: journalctl -u netmon -n 50."),
        _n("Disk full: make room, nothing is lost meanwhile. Stopped: systemctl restart netmon."),
        _n("Until it is mended the board shows old figures, and says so."),
    ),
}
PAGES: Final = tuple(STEPS)
"""Names of the pages in docs/runbooks."""


def page_of(kind: str, *, degraded: bool = False) -> str:
    """Which page is about equipment of a kind."""
    if degraded and kind not in ("base_station", "power", "application", "satellite_terminal"):
        return "degraded"
    return kind if kind in STEPS else "other"


def first_steps(page: str) -> list[str]:
    """What to do first, in the current language."""
    return [_(step) for step in STEPS[page]]
