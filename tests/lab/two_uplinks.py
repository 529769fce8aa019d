"""A station with two real uplinks and net-snmp's agent on its router, watched by a whole netmon: the primary is cut.

A program that must run in new user, network and mount namespaces (see :func:`cut_primary`): this network is the
battalion's, and another one is the station's. Prints what was done and what netmon recorded as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.snmp import COMMUNITY
from tests.lab.tun import ip, run_in_namespaces

__all__ = ["cut_primary"]

SETUP = "lab-setup"
CACHE_TIMEOUT = "1.3.6.1.4.1.8072.1.5.3.1.2"
AWAY_SECONDS = 3.0
WAIT_SECONDS = 5.0
BATTALION, STATION, TERMINAL = "10.0.0.1", "10.9.0.1", "10.9.0.2"
LINKS = {"wan0": ("10.1.0.1", "10.1.0.2"), "wan1": ("10.2.0.1", "10.2.0.2")}
INVENTORY = f"""
snmp_auths: {{lab: {{version: 2c, community_file: community}}}}
defaults:
  ping: {{interval: 1s, timeout: 0.4s, confirm: off, params: {{count: 2, gap_seconds: 0.05}}}}
  uplink: {{interval: 1s, timeout: 0.4s, confirm: off, params: {{count: 2, gap_seconds: 0.05}}}}
  path: {{interval: 1s, timeout: 0.8s, confirm: off}}
sites:
  - id: battalion
    kind: battalion
    equipment: [{{id: core, kind: router, address: {BATTALION}}}]
  - id: station
    kind: fire_station
    equipment:
      - {{id: line, kind: uplink, parent: battalion/core, endpoints: {{near: {BATTALION}, far: {LINKS["wan0"][1]}}}}}
      - id: second
        kind: uplink
        backup_of: line
        parent: battalion/core
        endpoints: {{near: {BATTALION}, far: {LINKS["wan1"][1]}}}
      - id: router
        kind: router
        parent: line
        address: {STATION}
        checks: {{path: {{kind: path, params: {{auth: lab, primary_interface: wan0, backup_interfaces: [wan1]}}}}}}
      - {{id: hd, kind: video_terminal, parent: router, address: {TERMINAL}}}
"""


def cut_primary() -> dict[str, Any]:
    """``cut_ns`` and ``switched_ns``; ``events`` as the archive has them; ``words`` that the path check told, in order;
    ``verdict`` of offline-resilience for the station; ``spurious``: whether the agent was asked to write."""
    return dict(run_in_namespaces(__name__, mounts=True))


@contextmanager
def _station(folder: Path) -> Iterator[Callable[[str], None]]:
    """The station's network with its router's agent; runs ``ip`` in it."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    enter = ["nsenter", "-t", str(holder.pid), "-n"]
    try:
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)

        def there(line: str) -> None:
            subprocess.run([*enter, "ip", *line.split()], check=True)

        ip("link set lo up")
        ip(f"addr add {BATTALION}/32 dev lo")
        there("link set lo up")
        for address in (STATION, TERMINAL):
            there(f"addr add {address}/32 dev lo")
        for name, (here, far) in LINKS.items():
            ip(f"link add {name} type veth peer name {name} netns {holder.pid}")
            ip(f"addr add {here}/30 dev {name}")
            ip(f"link set {name} up")
            there(f"addr add {far}/30 dev {name}")
            there(f"link set {name} up")
        (folder / "snmpd.conf").write_text(f"rocommunity {COMMUNITY}\nrwcommunity {SETUP}\n")
        agent = subprocess.Popen(
            [*enter, "snmpd", "-f", "-Ln", "-C", "-c", str(folder / "snmpd.conf"), "-p", str(folder / "pid"),
             f"udp:{STATION}:161"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _tell_at_once(enter)
            yield there
        finally:
            agent.kill()
            agent.wait()
    finally:
        holder.kill()
        holder.wait()


def _tell_at_once(enter: list[str]) -> None:
    """The agent keeps its tables for up to a minute; here for a second (NET-SNMP-AGENT-MIB, nsCacheTimeout)."""
    agent = [*enter, "{tool}", "-v2c", "-c", SETUP, "-r", "20", "-t", "0.3", "-On", STATION]
    walked = subprocess.run(
        [part.format(tool="snmpwalk") for part in agent] + [CACHE_TIMEOUT], capture_output=True, text=True, check=True
    )
    names = [line.split(" = ")[0] for line in walked.stdout.splitlines()]
    for name in names:
        subprocess.run(
            [part.format(tool="snmpset") for part in agent] + [name, "i", "1"], capture_output=True, check=True
        )


def _use(link: str, there: Callable[[str], None]) -> None:
    """What a router's tracking does: both ends send over this link from now on."""
    here, far = LINKS[link]
    there(f"route replace default via {here} dev {link} src {STATION}")
    ip(f"route replace 10.9.0.0/24 via {far} dev {link} src {BATTALION}")


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 (nothing says when)
        await asyncio.sleep(0.05)


async def _follow(folder: Path, there: Callable[[str], None]) -> dict[str, Any]:
    import probes
    from netmon.app import App, Settings
    from netmon.archive import Reader
    from netmon.config import load
    from netmon.failover import FAILOVER, FAILOVER_ENDED
    from netmon.targets.evaluation import evaluate
    from netmon.targets.register import load_register

    (folder / "community").write_text(COMMUNITY)
    (folder / "community").chmod(0o600)
    file = folder / "sites.yaml"
    file.write_text(INVENTORY)
    begun_ns = time.time_ns()
    app = App(load(file, kinds=probes.KINDS), Settings(config=file, data=folder / "data"))
    app.start()
    try:
        await _until(lambda: any(use.word == "primary" for use in app.failovers.uses()) and len(app.latest) >= 6)
        await asyncio.sleep(1.5)
        cut_ns = time.time_ns()
        ip("link set wan0 down")
        await asyncio.sleep(AWAY_SECONDS)
        _use("wan1", there)
        switched_ns = time.time_ns()
        await _until(lambda: bool(app.failovers.all()))
        ip("link set wan0 up")
        _use("wan0", there)
        await _until(lambda: any(failover.ended_ns is not None for failover in app.failovers.all()))
    finally:
        await app.stop()
    with Reader.open(folder / "data") as reader:
        words: list[str] = []
        for run in reader.history("station/router/path"):
            word = run.result.states["in_use"].word if run.result.states else run.status.value
            if words[-1:] != [word]:
                words.append(word)
        events = [
            {"kind": event.kind, "at_ns": event.at_ns, "detail": event.detail}
            for event in reader.events()
            if event.kind in (FAILOVER, FAILOVER_ENDED)
        ]
        found = evaluate(
            reader, load_register(Path("config/targets.yaml"), kinds=probes.KINDS), kinds=probes.KINDS,
            since_ns=begun_ns - 1, until_ns=time.time_ns(),
        )  # fmt: skip
    standing = next(each for each in found.standings if each.target.id == "offline-resilience")
    return {
        "cut_ns": cut_ns, "switched_ns": switched_ns, "words": words, "events": events,
        "verdicts": {part.subject: part.finding.verdict.value for part in standing.parts},
    }  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, _station(Path(name)) as inside:
        _use("wan0", inside)
        print(json.dumps(asyncio.run(_follow(Path(name), inside))))  # noqa: T201 (this is a program, and that is its output)
