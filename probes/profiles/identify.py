"""Which profile fits a device, by what it says about itself. The question is two objects and what profiles ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.base import Failure
from probes.profiles import load, names
from probes.profiles.decode import text_of
from probes.profiles.spec import Identify
from probes.wire.snmp_message import Oid, Value, parse_oid

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["Identity", "fitting", "identify"]

SYS_DESCR, SYS_OBJECT_ID = parse_oid("1.3.6.1.2.1.1.1.0"), parse_oid("1.3.6.1.2.1.1.2.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a device says that it is.

    Attributes:
        profiles: those that fit best; empty for an unknown device, more than one where the choice is a person's.
        object_id, description: sysObjectID and sysDescr; empty where it gives none.
        failure: why it could not be asked, with ``detail`` in a sentence.
    """

    profiles: tuple[str, ...] = ()
    object_id: str = ""
    description: str = ""
    failure: Failure | None = None
    detail: str = ""


async def identify(address: str, port: int | None, auth: str, *, wires: Wires, timeout: float) -> Identity:
    """Ask a device of the inventory what it is. Never raises for the network."""
    rules = {name: rule for name in names() if (rule := load(name).identify) is not None}
    oids = {parse_oid(oid) for rule in rules.values() for oid in (*rule.answers, *rule.least)}
    reply = await wires.snmp.get(address, port, auth, [SYS_DESCR, SYS_OBJECT_ID, *sorted(oids)], timeout=timeout)
    if not reply.values:
        return Identity(failure=reply.failure or Failure.BAD_REPLY, detail=reply.detail)
    description, object_id = reply.values.get(SYS_DESCR), reply.values.get(SYS_OBJECT_ID)
    return Identity(
        profiles=fitting(rules, reply.values),
        object_id=str(object_id.value) if object_id is not None else "",
        description=text_of(description.value) if description and isinstance(description.value, bytes) else "",
    )


def fitting(rules: Mapping[str, Identify], values: Mapping[Oid, Value]) -> tuple[str, ...]:
    """The profiles that fit best: the longest sysObjectID wins, and one by sysObjectID over one by objects alone."""
    scores = {name: score for name, rule in rules.items() if (score := _score(rule, values)) is not None}
    best = max(scores.values(), default=0)
    return tuple(sorted(name for name, score in scores.items() if score == best))


def _score(rule: Identify, values: Mapping[Oid, Value]) -> int | None:
    """How closely a rule fits; ``None`` if it does not."""
    for oid, wanted in rule.answers.items():
        value = values.get(parse_oid(oid))
        if value is None or wanted not in (None, value.value):
            return None
    for oid, least in rule.least.items():
        value = values.get(parse_oid(oid))
        if value is None or not isinstance(value.value, int) or value.value < least:
            return None
    described = values.get(SYS_DESCR)
    text = text_of(described.value) if described is not None and isinstance(described.value, bytes) else ""
    if rule.description and not re.search(rule.description, text, re.IGNORECASE):
        return None
    if not rule.object_ids:
        return 0
    device = values.get(SYS_OBJECT_ID)
    return _longest(rule.object_ids, parse_oid(str(device.value)) if device is not None else ())


def _longest(known: Iterable[str], device: Oid) -> int | None:
    lengths = [len(oid) for oid in map(parse_oid, known) if device[: len(oid)] == oid]
    return max(lengths, default=None)
