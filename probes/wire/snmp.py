"""SNMP for the kinds: read some objects, or walk some subtrees, and keep whatever came.

``SnmpWire`` stands above the engines. It knows what to do about agents without GetBulk, answers that are too big,
objects that version 1 refuses by name, and agents that lead a walk in circles. It never raises for the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from probes.base import Failure, MonitorFault, NetworkFailure
from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_engine import SnmpEngine
from probes.wire.snmp_message import (
    Binding,
    ErrorStatus,
    Oid,
    Request,
    Response,
    Syntax,
    Value,
    format_oid,
    parse_oid,
)
from probes.wire.snmp_udp import UdpEngine

__all__ = ["SnmpAuth", "SnmpReply", "SnmpWire", "Syntax", "Value"]

DEFAULT_PORT = 161
OIDS_PER_GET = 40
"""So that request and answer mostly fit into one Ethernet frame."""
BINDINGS_PER_BULK = 50
REFUSED_STATUS = frozenset({6, 16})
"""noAccess and authorizationError (RFC 3416): the device knows us and does not let us see it."""
Address = tuple[str, int]


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
class _Answers:
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
        oid, value = binding
        if value.absent:
            self.absent.add(oid)
        else:
            self.values[oid] = value

    def reply(self) -> SnmpReply:
        return SnmpReply(values=self.values, absent=frozenset(self.absent), failure=self.failure, detail=self.detail)


class SnmpWire:
    """Reads from SNMP agents; shared by all checks.

    Args:
        auths: credentials by the name under which the inventory has them. Parameters and results hold only that name.
    """

    def __init__(self, auths: Mapping[str, SnmpAuth]) -> None:
        self._auths = dict(auths)
        self._udp: SnmpEngine = UdpEngine()
        self._usm: SnmpEngine | None = None
        self._no_bulk: set[tuple[Address, str]] = set()

    async def get(
        self, address: str, port: int | None, auth: str, oids: Iterable[Oid | str], *, timeout: float
    ) -> SnmpReply:
        """Read object instances, in as few requests as they fit into, within ``timeout`` seconds altogether."""
        asked = list(dict.fromkeys(map(_numeric, oids)))
        session = self._session(address, port, auth, timeout)
        answers = _Answers()
        chunks = [asked[at : at + OIDS_PER_GET] for at in range(0, len(asked), OIDS_PER_GET)]
        try:
            while chunks:
                await _get_chunk(session, chunks.pop(0), chunks, answers)
        except NetworkFailure as error:
            answers.fail(error.failure, error.detail)
        return answers.reply()

    async def walk(
        self,
        address: str,
        port: int | None,
        auth: str,
        roots: Iterable[Oid | str],
        *,
        timeout: float,
        max_rows: int = 10_000,
    ) -> SnmpReply:
        """Read every object instance under each root, at most ``max_rows`` of them, within ``timeout`` seconds."""
        session = self._session(address, port, auth, timeout)
        answers = _Answers()
        walk = _Walk([_numeric(root) for root in roots], max_rows, answers)
        try:
            while walk.cursors:
                await self._step(session, walk)
        except NetworkFailure as error:
            answers.fail(error.failure, error.detail)
        return answers.reply()

    async def aclose(self) -> None:
        """Close every socket."""
        self._udp.close()
        if self._usm is not None:
            self._usm.close()

    def _session(self, address: str, port: int | None, auth: str, timeout: float) -> _Session:
        credentials = self._auths.get(auth)
        if credentials is None:
            raise MonitorFault(f"the inventory names no SNMP credentials {auth!r}")
        engine = self._udp
        if credentials.version == "3":
            if self._usm is None:
                from probes.wire.snmp_pysnmp import PysnmpEngine  # pysnmp takes long to import; few need version 3

                self._usm = PysnmpEngine()
            engine = self._usm
        return _Session(engine, (address, port or DEFAULT_PORT), credentials, auth, timeout)

    async def _step(self, session: _Session, walk: _Walk) -> None:
        """One request of a walk: GetBulk unless this agent is known not to have it."""
        agent = (session.address, session.name)
        if session.auth.version != "1" and agent not in self._no_bulk:
            # An agent that never answered GetBulk may not know it: then half of the time is left for GetNext.
            patience = 0.5 if not walk.bulk_works else 1.0
            try:
                response = await session.ask(
                    Request.GET_BULK, walk.oids(), max_repetitions=walk.repetitions, share=patience
                )
            except NetworkFailure as error:
                if error.failure is not Failure.TIMEOUT or walk.bulk_works:
                    raise
            else:
                if walk.take(response, bulk=True):
                    return
            response = await session.ask(Request.GET_NEXT, walk.oids())
            self._no_bulk.add(agent)
            walk.take(response, bulk=False)
            return
        walk.take(await session.ask(Request.GET_NEXT, walk.oids()), bulk=False)


class _Session:
    """One agent for the time of one call, with the call's deadline."""

    __slots__ = ("_deadline", "_engine", "_loop", "address", "auth", "name")

    def __init__(self, engine: SnmpEngine, address: Address, auth: SnmpAuth, name: str, timeout: float) -> None:
        self._engine = engine
        self.address = address
        self.auth = auth
        self.name = name
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + timeout

    async def ask(
        self, kind: Request, oids: Sequence[Oid], *, max_repetitions: int = 0, share: float = 1.0
    ) -> Response:
        left = self._deadline - self._loop.time()
        if left <= 0:
            raise NetworkFailure(Failure.TIMEOUT, f"{self.address[0]} answers too slowly: the time was up half-way")
        return await self._engine.request(
            kind, self.address, self.auth, tuple(oids), max_repetitions=max_repetitions, timeout=left * share
        )


async def _get_chunk(session: _Session, oids: list[Oid], chunks: list[list[Oid]], answers: _Answers) -> None:
    """Ask for ``oids``; what has to be asked again goes into ``chunks``."""
    response = await session.ask(Request.GET, oids)
    status, index = response.error_status, response.error_index
    if status == ErrorStatus.NO_ERROR:
        wanted = set(oids)
        for binding in response.bindings:
            if binding[0] in wanted:
                wanted.discard(binding[0])
                answers.add(binding)
        if wanted:
            answers.fail(Failure.BAD_REPLY, f"{len(wanted)} of the objects asked for are not in the answer")
        return
    if status != ErrorStatus.TOO_BIG and 1 <= index <= len(oids):
        culprit = oids[index - 1]
        rest = [oid for oid in oids if oid != culprit]
    elif len(oids) > 1:
        middle = len(oids) // 2
        chunks[:0] = [oids[:middle], oids[middle:]]
        return
    else:
        culprit, rest = oids[0], []
    if status == ErrorStatus.NO_SUCH_NAME:
        answers.absent.add(culprit)
    else:
        answers.fail(*_refusal(status, culprit))
    if rest:
        chunks.insert(0, rest)


def _refusal(status: int, oid: Oid) -> tuple[Failure, str]:
    failure = Failure.AUTHENTICATION if status in REFUSED_STATUS else Failure.ERROR_STATUS
    return failure, f"the agent answered with error-status {status} ({_status_word(status)}) for {format_oid(oid)}"


def _status_word(status: int) -> str:
    return STATUS_WORDS[status] if 0 <= status < len(STATUS_WORDS) else "unknown"


STATUS_WORDS = (
    "noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength",
    "wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed",
    "undoFailed", "authorizationError", "notWritable", "inconsistentName",
)  # fmt: skip


class _Walk:
    """The state of one walk: how far each root has come.

    Every answer must lead on: a cursor only ever moves to a greater OID within its root, else its root ends. So no
    agent can keep a walk going for ever; ``max_rows`` and the deadline bound what an endless subtree costs.
    """

    def __init__(self, roots: list[Oid], max_rows: int, answers: _Answers) -> None:
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
            self._answers.fail(*_refusal(status, culprit))
        else:
            self._stop_all(*_refusal(status, self.cursors[roots[0]]))
        return True

    def _stop_all(self, failure: Failure, detail: str) -> None:
        self.cursors.clear()
        self._answers.fail(failure, detail)


def _numeric(oid: Oid | str) -> Oid:
    return parse_oid(oid) if isinstance(oid, str) else oid
