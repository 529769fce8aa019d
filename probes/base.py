"""The nouns of measuring and the one signature that every probe kind has.

Contract of a probe, tested once over all kinds (tests/probes/test_contract.py):

1. A state of the network is data: a timeout, a refusal, an unknown name come back as ``failure``, never as an
   exception.
2. A fault of the monitor (no right to open a socket, a bug) raises. The runner turns it into UNKNOWN, so that a site
   is never blamed for us.
3. No retry, no threshold, no wall clock, no log above DEBUG, no global state. A probe ends within ``timeout`` and
   closes what it opened; cut short, it returns what it has.
4. ``failure is None`` means that every declared reading is there, unless its :class:`Reading` says optional.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = [
    "EMPTY",
    "CounterReading",
    "CounterSample",
    "Draft",
    "Endpoint",
    "Failure",
    "Family",
    "MonitorFault",
    "NetworkFailure",
    "Params",
    "ProbeFn",
    "ProbeKind",
    "ProbeResult",
    "Reading",
    "Scheduling",
    "State",
    "StateClass",
    "Step",
    "Trace",
    "indexed",
    "split_key",
]

EMPTY: Mapping[str, Any] = MappingProxyType({})


class MonitorFault(Exception):
    """The monitor itself cannot measure: the message says what is missing and what to do about it."""


class NetworkFailure(Exception):
    """How a wire tells a kind about a state of the network. It never leaves ``probes``: kinds turn it into a result."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


class Family(StrEnum):
    """An address family. It is always forced: netmon never falls back from one to the other."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One end that a probe talks to, taken from the inventory and from nowhere else.

    Attributes:
        host: a literal address or a name; a name is resolved anew for each probe, in ``family`` only.
        family: the address family to use.
        port: TCP or UDP port where the kind has one; ``None`` means the kind's default.
    """

    host: str
    family: Family
    port: int | None = None


class Failure(StrEnum):
    """Why a probe did not get what it asked for. Closed: free text belongs into ``detail``."""

    TIMEOUT = "timeout"
    """No answer in time."""
    REFUSED = "refused"
    """The host answered that nothing listens there (TCP RST, ICMP port unreachable)."""
    RESET = "reset"
    """The other end broke off an open connection."""
    NO_ROUTE = "no_route"
    """Network or host unreachable: by our own routing table or by a router's ICMP."""
    PROHIBITED = "prohibited"
    """A router or the host says that this traffic is administratively prohibited."""
    TTL_EXCEEDED = "ttl_exceeded"
    """A router says that the hop limit ran out: a routing loop or too low a limit."""
    TOO_BIG = "too_big"
    """Fragmentation needed and not allowed (ICMP 3/4, ICMPv6 2)."""
    NAME_NOT_FOUND = "name_not_found"
    """The name does not exist or has no address of the wanted family."""
    NAME_SERVER = "name_server"
    """The name server did not answer, or answered with an error."""
    AUTHENTICATION = "authentication"
    """The device refused our credentials: its state is not known, it is not down."""
    TLS = "tls"
    """The TLS handshake or the certificate check failed."""
    ERROR_STATUS = "error_status"
    """The service answered, and the answer is an error of its own (HTTP status, SNMP error-status, DNS rcode)."""
    BAD_REPLY = "bad_reply"
    """An answer that the protocol does not allow, or not what was asked for."""
    NOT_ALLOWED = "not_allowed"
    """The answer leads to a host that is not in the inventory; netmon did not go there."""
    UNKNOWN_DEVICE = "unknown_device"
    """The device answers, and no vendor profile fits it: nobody here can read it."""
    NOT_SEEN = "not_seen"
    """Whoever was asked about the equipment does not see it: that says nothing about the equipment itself."""


class StateClass(StrEnum):
    """What the vendor's own documentation says that a state means. Not a threshold: the device's words, translated."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULT = "fault"
    NOT_MONITORED = "not_monitored"
    """The device says that it does not know or does not look: never read as ok."""


@dataclass(frozen=True, slots=True)
class State:
    """A state that a device reports: its word (``repeating``, ``fallback``) and what that word means."""

    word: str
    meaning: StateClass


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSample:
    """A counter as the device gave it, with the device's own clock; rates are derived elsewhere.

    Attributes:
        value: the raw counter.
        bits: its width, 32 or 64; where it wraps.
        clock_seconds: the device's clock at the reading (sysUpTime / 100, RFC 3418), restarts with the device.
        discontinuity_seconds: the clock's value at the counter's last discontinuity (ifCounterDiscontinuityTime,
            RFC 2863), ``None`` where the device has none.
        instance: what the counter belongs to, for example ``"3:ge-0/0/1"`` (ifIndex and ifName). Two samples with
            different instances must not be subtracted: the table was re-indexed.
        most_per_second: how fast it can go at most, by what the line carries; ``None`` where nobody knows.
    """

    value: int
    bits: Literal[32, 64]
    clock_seconds: float
    discontinuity_seconds: float | None = None
    instance: str = ""
    most_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened during a probe, for ``netmon probe``: seconds since its start, and a sentence."""

    at_seconds: float
    text: str


class Trace:
    """Collects the steps of one probe."""

    __slots__ = ("_prefix", "_start", "_steps")

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._steps: list[Step] = []
        self._prefix = ""

    def part(self, name: str) -> Trace:
        """The same trace for one of several things that happen at once: its steps begin with ``name``."""
        part = Trace()
        part._start, part._steps, part._prefix = self._start, self._steps, f"{self._prefix}{name}: "
        return part

    def step(self, text: str) -> None:
        """Note that something happened now."""
        self._steps.append(Step(time.monotonic() - self._start, self._prefix + text))

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the probe started."""
        return time.monotonic() - self._start

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(self._steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one probe measured. Names of readings, samples, states and counters are those that the kind declared.

    A name may carry an index, ``name[index]`` (see :func:`indexed`): ``in_octets[near]``, ``rssi_dbm[1]``.

    Attributes:
        failure: why the probe did not get what it asked for, or ``None``. Readings may be there all the same.
        detail: one sentence for a person; never parsed. May hold a device's own words: escape it where it is shown.
        readings: values in the base unit that the name ends with.
        samples: every single value behind an aggregate, in order of sending (``rtt_seconds``: one entry per answer).
        states: what the device says about itself.
        counters: raw counters with their clocks.
        facts: strings from the device (model, firmware, certificate subject). Untrusted.
        steps: what happened, in order.
    """

    failure: Failure | None = None
    detail: str = ""
    readings: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    samples: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: EMPTY)
    states: Mapping[str, State] = field(default_factory=lambda: EMPTY)
    counters: Mapping[str, CounterSample] = field(default_factory=lambda: EMPTY)
    facts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    steps: tuple[Step, ...] = ()


class Draft:
    """A result while it is being measured: a probe that is cut short returns what is in it so far.

    Attributes:
        readings, states, facts: as in :class:`ProbeResult`.
        trace: the steps so far.
    """

    __slots__ = ("_timeout", "facts", "readings", "states", "trace")

    def __init__(self, timeout: float) -> None:
        self.readings: dict[str, float] = {}
        self.states: dict[str, State] = {}
        self.facts: dict[str, str] = {}
        self.trace = Trace()
        self._timeout = timeout

    @property
    def seconds_left(self) -> float:
        """Seconds until the probe must have ended; negative afterwards."""
        return self._timeout - self.trace.elapsed_seconds

    def finish(self, failure: NetworkFailure | None = None) -> ProbeResult:
        """The result; a failure also becomes the last step."""
        if failure is not None:
            self.trace.step(failure.detail)
        return ProbeResult(
            failure=failure.failure if failure else None,
            detail=failure.detail if failure else "",
            readings=self.readings,
            states=self.states,
            facts=self.facts,
            steps=self.trace.steps,
        )


def indexed(name: str, index: object) -> str:
    """``name[index]``. Brackets and control characters in an index, which may come from a device, become ``_``."""
    text = "".join("_" if ch in "[]" or not ch.isprintable() else ch for ch in str(index))
    return f"{name}[{text[:64]}]"


@functools.lru_cache(maxsize=4096)
def split_key(key: str) -> tuple[str, str | None]:
    """The inverse of :func:`indexed`: ``"a[b]"`` -> ``("a", "b")``, ``"a"`` -> ``("a", None)``."""
    if key.endswith("]"):
        name, _, index = key[:-1].partition("[")
        return name, index
    return key, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Declares a reading: metrics, archive, documentation and the check of thresholds derive from it.

    Attributes:
        name: lower-case words, ending in the base unit (``_seconds``, ``_ratio``, ``_bits_per_second``, ``_dbm``).
        help: one sentence, with the definition's source where there is one, and the layer where one matters.
        optional: may be absent although the probe succeeded (not every device has it).
        index: what the index names (``"end"``, ``"slot"``), or ``None`` for a plain reading.
    """

    name: str
    help: str
    optional: bool = False
    index: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterReading:
    """Declares a raw counter and the reading that :mod:`netmon.derive` makes of it.

    Attributes:
        name: the counter (``in_octets``).
        rate: the derived reading (``in_bytes_per_second``), always optional: the first sample has none.
        help: one sentence for both, with the MIB object.
        index: as in :class:`Reading`.
        share: for a counter of octets, the derived reading that tells how much of ``capacity`` is used
            (``in_utilisation_ratio``); empty for none.
        capacity: the reading, in bits per second and with the same index, that ``share`` is a share of.
    """

    name: str
    rate: str
    help: str
    index: str | None = None
    share: str = ""
    capacity: str = ""


class Params(BaseModel):
    """Base of every kind's parameters: the fields are the keys that a person may write in the inventory."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


P_contra = TypeVar("P_contra", bound=Params, contravariant=True)
P = TypeVar("P", bound=Params)


class ProbeFn(Protocol[P_contra]):
    """The one signature. ``endpoints`` maps the kind's roles to ends; ``timeout`` is in seconds."""

    async def __call__(
        self, endpoints: Mapping[str, Endpoint], params: P_contra, *, wires: Wires, timeout: float
    ) -> ProbeResult:
        """Measure once; see the contract at the head of this module."""
        ...


class Scheduling(StrEnum):
    """Beside what a test may run; the terms are pScheduler's (``scheduling-class`` of its tests)."""

    BACKGROUND = "background"
    """Beside everything: it moves next to nothing."""
    NORMAL = "normal"
    """It moves so much that it and an exclusive test would disturb each other: beside normal and background ones."""
    EXCLUSIVE = "exclusive"
    """It loads the line: beside background ones alone, and never while the line is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKind(Generic[P]):
    """One row of the table of kinds.

    Attributes:
        name: the word written in the inventory.
        help: one sentence: what it measures.
        params: the parameters' model; every field has a default, so that a check can be written in one word.
        probe: the measuring function.
        roles: the names of the endpoints that it needs.
        optional_roles: endpoints that it uses where they are named.
        families: the address family of roles that have one for good; such a role, where it is not named, is the
            endpoint ``host`` in that family.
        readings: what it may report.
        counters: raw counters that it may report.
        states: names of device states that it may report, with one sentence each.
        open_ended: further readings come from data (a vendor profile), so names outside ``readings`` are legal.
        scheduling: beside what it may run.
        shown_only: its figures are for people: limits on them, and targets that rest on them, are refused.
        aside: it says how equipment is used and not whether it works: it is shown and told, and counts for no
            availability.
        hearsay: it asks somebody else about the equipment, so that a failure says nothing about the equipment itself.
        by_hand: people enter what they found; nothing is asked on schedule, and it has no endpoints.
        continuous: it measures for all of its timeout, which is most of its interval: nobody waits for its end, and
            single round trips, thousands a minute, are not kept.
    """

    name: str
    help: str
    params: type[P]
    probe: ProbeFn[P]
    roles: tuple[str, ...] = ("host",)
    optional_roles: tuple[str, ...] = ()
    families: Mapping[str, Family] = field(default_factory=lambda: EMPTY)
    readings: tuple[Reading, ...] = ()
    counters: tuple[CounterReading, ...] = ()
    states: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    open_ended: bool = False
    scheduling: Scheduling = Scheduling.BACKGROUND
    aside: bool = False
    hearsay: bool = False
    by_hand: bool = False
    continuous: bool = False
    shown_only: bool = False
