"""SNMP for the kinds: read some objects, or walk some subtrees, and keep whatever came.

``SnmpWire`` stands above the engines. It knows what to do about agents without GetBulk, answers that are too big,
objects that version 1 refuses by name, and agents that lead a walk in circles. It never raises for the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from probes.base import Failure, MonitorFault, NetworkFailure
from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_engine import SnmpEngine
from probes.wire.snmp_message import ErrorStatus, Oid, Request, Response, Syntax, Value, parse_oid
from probes.wire.snmp_udp import UdpEngine
from probes.wire.snmp_walk import Answers, SnmpReply, Walk, refusal

__all__ = ["SnmpAuth", "SnmpReply", "SnmpWire", "Syntax", "Value"]

DEFAULT_PORT = 161
OIDS_PER_GET = 40
"""So that request and answer mostly fit into one Ethernet frame."""
Address = tuple[str, int]


class SnmpWire:
    """Reads from SNMP agents; shared by all checks.

    Args:
        auths: credentials by the name under which the inventory has them. Parameters and results hold only that name.
    """

    def __init__(self, auths: Mapping[str, SnmpAuth]) -> None:
        self.use(auths)
        self._udp: SnmpEngine = UdpEngine()
        self._usm: SnmpEngine | None = None
        self._no_bulk: set[tuple[Address, str]] = set()

    def use(self, auths: Mapping[str, SnmpAuth]) -> None:
        """Take over credentials from another version of the inventory; requests under way end with theirs."""
        self._auths = dict(auths)

    async def get(
        self, address: str, port: int | None, auth: str, oids: Iterable[Oid | str], *, timeout: float
    ) -> SnmpReply:
        """Read object instances, in as few requests as they fit into, within ``timeout`` seconds altogether."""
        asked = list(dict.fromkeys(map(_numeric, oids)))
        session = self._session(address, port, auth, timeout)
        answers = Answers()
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
        answers = Answers()
        walk = Walk([_numeric(root) for root in roots], max_rows, answers)
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

    async def _step(self, session: _Session, walk: Walk) -> None:
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


async def _get_chunk(session: _Session, oids: list[Oid], chunks: list[list[Oid]], answers: Answers) -> None:
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
        answers.fail(*refusal(status, culprit))
    if rest:
        chunks.insert(0, rest)


def _numeric(oid: Oid | str) -> Oid:
    return parse_oid(oid) if isinstance(oid, str) else oid
