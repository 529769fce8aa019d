"""What comes back from an agent, and the state of a walk: which answers lead on, and which end it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.base import Failure
from probes.wire.snmp_message import Binding, ErrorStatus, Oid, Response, Syntax, Value, format_oid

__all__ = ["Answers", "SnmpReply", "Walk", "refusal"]

BINDINGS_PER_BULK = 50
REFUSED_STATUS = frozenset({6, 16})
"""noAccess and authorizationError (RFC 3416): the device knows us and does not let us see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpReply:
    """What an agent answered. A failure does not take away the values that came before it.

    Attributes:
        values: by numeric OID; only what is really there.
        absent: OIDs that were asked for and that the agent says it does not have. Never zero, never a failure.
        failure: why some or all values are missing, or ``None``.
        detail: one sentence about the failure.
    """

    values: Mapping[Oid, Value] = field(default_factory=dict)
    absent: frozenset[Oid] = frozenset()
    failure: Failure | None = None
    detail: str = ""


@dataclass(slots=True)
class Answers:
    """Gathers the parts of a reply."""

    values: dict[Oid, Value] = field(default_factory=dict)
    absent: set[Oid] = field(default_factory=set)
    failure: Failure | None = None
    detail: str = ""

    def fail(self, failure: Failure, detail: str) -> None:
        """Note a failure; the first one is the one that is told."""
        if self.failure is None:
            self.failure, self.detail = failure, detail

    def add(self, binding: Binding) -> None:
        """Take one object instance, or note that the agent does not have it."""
        oid, value = binding
        if value.absent:
            self.absent.add(oid)
        else:
            self.values[oid] = value

    def reply(self) -> SnmpReply:
        """All of it."""
        return SnmpReply(values=self.values, absent=frozenset(self.absent), failure=self.failure, detail=self.detail)


def refusal(status: int, oid: Oid) -> tuple[Failure, str]:
    """An error-status about one object, as a failure and a sentence."""
    failure = Failure.AUTHENTICATION if status in REFUSED_STATUS else Failure.ERROR_STATUS
    return failure, f"the agent answered with error-status {status} ({_status_word(status)}) for {format_oid(oid)}"


def _status_word(status: int) -> str:
    return STATUS_WORDS[status] if 0 <= status < len(STATUS_WORDS) else "unknown"


STATUS_WORDS = (
    "noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength",
    "wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed",
    "undoFailed", "authorizationError", "notWritable", "inconsistentName",
)  # fmt: skip


class Walk:
    """The state of one walk: how far each root has come.

    Every answer must lead on: a cursor only ever moves to a greater OID within its root, else its root ends. So no
    agent can keep a walk going for ever; ``max_rows`` and the deadline bound what an endless subtree costs.
    """

    def __init__(self, roots: list[Oid], max_rows: int, answers: Answers) -> None:
        self.cursors: dict[Oid, Oid] = {root: root for root in dict.fromkeys(roots)}
        self.bulk_works = False
        self._answers = answers
        self._max_rows = max_rows
        self._bindings = BINDINGS_PER_BULK

    @property
    def repetitions(self) -> int:
        """Rows to ask for in one GetBulk."""
        return max(1, self._bindings // len(self.cursors))

    def oids(self) -> list[Oid]:
        """What to ask next: one OID for each root that has not come to its end."""
        return list(self.cursors.values())

    def take(self, response: Response, *, bulk: bool) -> bool:
        """Use one response. ``False`` if GetBulk was answered as if the agent did not know it."""
        roots = list(self.cursors)
        if response.error_status != ErrorStatus.NO_ERROR:
            return self._error(response, roots, bulk=bulk)
        if not response.bindings:
            if bulk and not self.bulk_works:
                return False
            self._stop_all(Failure.BAD_REPLY, "an empty answer in a walk")
            return True
        self.bulk_works = self.bulk_works or bulk
        for position, binding in enumerate(response.bindings if bulk else response.bindings[: len(roots)]):
            root = roots[position % len(roots)]
            if root in self.cursors:
                self._advance(root, binding)
        return True

    def _advance(self, root: Oid, binding: Binding) -> None:
        oid, value = binding
        if value.syntax is Syntax.END_OF_MIB_VIEW or (oid[: len(root)] != root and oid > root):
            del self.cursors[root]
        elif oid <= self.cursors[root]:
            del self.cursors[root]
            self._answers.fail(
                Failure.BAD_REPLY,
                f"the walk of {format_oid(root)} was stopped: after {format_oid(oid)} the OIDs do not increase",
            )
        elif len(self._answers.values) >= self._max_rows:
            self._stop_all(Failure.BAD_REPLY, f"the walk was stopped after {self._max_rows} values: too many")
        else:
            self.cursors[root] = oid
            self._answers.add(binding)

    def _error(self, response: Response, roots: list[Oid], *, bulk: bool) -> bool:
        status, index = response.error_status, response.error_index
        if status == ErrorStatus.TOO_BIG and bulk and self._bindings > 1:
            self._bindings = min(self._bindings, self.repetitions * len(roots)) // 2
            return True
        if bulk and not self.bulk_works:
            return False
        culprit = roots[index - 1] if not bulk and 1 <= index <= len(roots) else None
        if status == ErrorStatus.NO_SUCH_NAME and (culprit or len(roots) == 1):
            # The way in which version 1 says that nothing follows.
            del self.cursors[culprit or roots[0]]
        elif culprit is not None:
            del self.cursors[culprit]
            self._answers.fail(*refusal(status, culprit))
        else:
            self._stop_all(*refusal(status, self.cursors[roots[0]]))
        return True

    def _stop_all(self, failure: Failure, detail: str) -> None:
        self.cursors.clear()
        self._answers.fail(failure, detail)
