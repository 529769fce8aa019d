"""A shaped line between two networks, the real reflector behind it, and a capacity test over it.

A program, since it needs namespaces of its own: it reads a task (JSON) and prints what came. Near and far network are
joined by a router, whose two queues (tbf of tc(8)) are the line: it counts Ethernet frames without FCS. With ``delay``
or ``loss`` the far half is the link emulator, over TUN devices, where ``overhead 14`` makes tbf count the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from ipaddress import ip_interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest import mock

from tests.lab import need

__all__ = ["ShapedTask", "run_shaped"]

CLONE_NEWNET = 0x40000000
NEAR, FAR = ("10.81.1.1", "fd81:1::1"), ("10.81.2.1", "fd81:2::1")
ROUTER_NEAR, ROUTER_FAR = ("10.81.1.2/24", "fd81:1::2/64"), ("10.81.2.2/24", "fd81:2::2/64")
KEY = "a key for the lab that nobody else has"
PORT = 9736
QUIET_SECONDS = 0.55
"""From a test's beginning to its load: handshake and quiet beginning."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class ShapedTask:
    """What is tested over what.

    Attributes:
        rate: bits per second of the line, each direction; 0 for no shaping.
        burst: bytes of the token bucket.
        latency: seconds of its queue.
        police: what the bucket does not cover is dropped at once instead of queueing.
        slower: seconds after the load's start, and the rate from then on.
        delay, loss: one-way seconds, ratio of packets, of the emulator.
        kind: capacity or iperf3, with its server at the far end.
        params: of the kind.
        record: let the emulator keep every packet that it passes on, and report the bits of frames a second that went
            the way of a search, in the seconds from which that has its figure (``record``).
        voice: send a voice-like stream beside the test, and report on it.
        iperf: run iperf3 for ten seconds instead of the test, and report the bytes of its frames (``iperf_bytes``).
    """

    rate: float = 50e6
    burst: int = 32_000
    latency: float = 0.05
    police: bool = False
    slower: tuple[float, float] | None = None
    delay: float = 0.0
    loss: float = 0.0
    seed: int = 0
    ipv6: bool = False
    kind: str = "capacity"
    params: dict[str, Any] = field(default_factory=dict)
    timeout: float = 60.0
    record: bool = False
    voice: bool = False
    iperf: bool = False


def run_shaped(task: ShapedTask) -> dict[str, Any]:
    """What the test found (``failure``, ``detail``, ``readings``, ``states``, ``facts``, ``longest_wait_seconds``)."""
    need.namespaces()
    need.program("tc", "iproute2")
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-m", "tests.lab.shaped"]
    done = subprocess.run(
        command, input=json.dumps(asdict(task)), capture_output=True, text=True, cwd=ROOT, timeout=task.timeout + 30
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _run(*words: str, inside: int | None = None) -> None:
    prefix = [] if inside is None else ["nsenter", f"--net=/proc/{inside}/ns/net"]
    subprocess.run([*prefix, *words], check=True, capture_output=True)


def _holder() -> subprocess.Popen[bytes]:
    """A process that keeps a new network alive."""
    own = Path("/proc/self/ns/net").readlink()
    holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    while True:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{holder.pid}/ns/net").readlink() != own:
                return holder
        time.sleep(0.005)


def _veth(ours: str, its: str, holder: int, router: tuple[str, str], end: tuple[str, str]) -> None:
    _run("ip", "link", "add", ours, "type", "veth", "peer", "name", its)
    _run("ip", "link", "set", its, "netns", str(holder))
    for address in router:
        _run("ip", "addr", "add", address, "dev", ours, *(["nodad"] if ":" in address else []))
    _run("ip", "link", "set", ours, "up")
    _set_up(its, holder, router, end)


def _set_up(device: str, holder: int, router: tuple[str, str], end: tuple[str, str]) -> None:
    _run("ip", "link", "set", "lo", "up", inside=holder)
    for address in end:
        v6 = ":" in address
        own = f"{address}/{64 if v6 else 24}"
        _run("ip", "addr", "add", own, "dev", device, *(["nodad"] if v6 else []), inside=holder)
    _run("ip", "link", "set", device, "up", inside=holder)
    for via in router:
        family = "-6" if ":" in via else "-4"
        _run("ip", family, "route", "add", "default", "via", via.partition("/")[0], "dev", device, inside=holder)


def _emulate(task: dict[str, Any], far: int) -> Any:
    """The emulator between a TUN device here and one in the far network."""
    from netmon.demo import namespaces
    from netmon.demo.link import Behaviour, Emulator

    port = namespaces.open_tun("m1", [ip_interface(address) for address in ROUTER_FAR])
    with Path("/proc/self/ns/net").open() as own, Path(f"/proc/{far}/ns/net").open() as its:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.setns(its.fileno(), CLONE_NEWNET) == 0
        far_port = namespaces.open_tun("f0", [])
        assert libc.setns(own.fileno(), CLONE_NEWNET) == 0
    _set_up("f0", far, ROUTER_FAR, FAR)
    emulator = Emulator([port, far_port], seed=task["seed"], recording=task["record"])
    for direction in range(2):
        emulator.set_line(direction, Behaviour(delay_seconds=task["delay"], loss_ratio=task["loss"]))
    return emulator


def _shape(verb: str, task: dict[str, Any], rate: float, emulated: bool, far: int) -> None:
    """(Re)set the line: a queue in each direction."""
    # Before what delays, loses and records, in both directions.
    for device, inside in (("f0", far) if emulated else ("m0", None), ("m1", None)):
        overhead = ["overhead", "14"] if emulated else []
        limit = ["limit", "20000"] if task["police"] else ["latency", f"{task['latency'] * 1000:.0f}ms"]
        _run(
            "tc", "qdisc", verb, "dev", device, "root", "tbf", "rate", f"{rate:.0f}bit", "burst", f"{task['burst']}b",
            *limit, *overhead, inside=inside,
        )  # fmt: skip


async def _test(task: dict[str, Any]) -> dict[str, Any]:
    """In the near network: one run of the kind."""
    import probes.capacity
    from probes.base import Endpoint, Family
    from probes.wire.capacity import CapacityWire
    from probes.wire.capacity_search import Search
    from probes.wire.iperf import IperfWire
    from probes.wire.names import Names

    class Kept(Search):
        """The last one made."""

        made: ClassVar[list[Search]] = []

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            Kept.made.append(self)

    kind = probes.KINDS[task["kind"]]
    family = Family.IPV6 if task["ipv6"] else Family.IPV4
    end = {kind.roles[0]: Endpoint(host=FAR[task["ipv6"]], family=family, port=PORT)}
    wires: Any = SimpleNamespace(names=Names(), capacity=CapacityWire({"default": KEY.encode()}), iperf=IperfWire())
    voice = asyncio.create_task(_voice(task)) if task["voice"] else None
    if voice is not None:
        await asyncio.sleep(2)  # its modules are loaded by then
    print("begins", flush=True)  # noqa: T201 (for the program above)
    begun, processor = time.monotonic(), time.process_time()
    with mock.patch.object(probes.capacity, "Search", Kept):
        result = await kind.probe(end, kind.params.model_validate(task["params"]), wires=wires, timeout=task["timeout"])
    found = {
        "failure": result.failure, "detail": result.detail, "readings": dict(result.readings),
        "states": {name: state.word for name, state in result.states.items()}, "facts": dict(result.facts),
        "steps": [step.text for step in result.steps], "seconds": time.monotonic() - begun,
        "cpu_seconds": time.process_time() - processor, "counted_ns": None,
    }  # fmt: skip
    if Kept.made and (marks := Kept.made[-1].marks_ns)[1:]:
        found["counted_ns"] = [marks[(len(marks) - 1) // 2], marks[-1]]
    if voice is not None:
        voice.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await voice
        found["voice"] = VOICE
    return found


VOICE: list[list[float | None]] = []


async def _voice(task: dict[str, Any]) -> None:
    """Echoes of the size and pace of G.711 voice (a packet of 200 bytes each 20 ms): when sent, and the round trip."""
    from probes.base import Family
    from probes.wire.icmp import IcmpWire

    wire = IcmpWire()
    family = Family.IPV6 if task["ipv6"] else Family.IPV4
    pending: set[asyncio.Task[None]] = set()

    async def one() -> None:
        at = time.monotonic()
        echoes = await wire.ping(
            FAR[task["ipv6"]], family=family, count=1, gap_seconds=0.02, payload_bytes=172, dscp=46,
            dont_fragment=False, hop_limit=None, timeout=1.0,
        )  # fmt: skip
        from probes.wire.echo import rtts

        VOICE.append([at, *(rtts(echoes) or (None,))])

    try:
        while True:
            made = asyncio.create_task(one())
            pending.add(made)
            made.add_done_callback(pending.discard)
            await asyncio.sleep(0.02)
    finally:
        await asyncio.gather(*pending, return_exceptions=True)
        await wire.aclose()


def _passed(records: list[Any], to: str, begin_ns: int, end_ns: int) -> float:
    """Bits of frames (14 octets of Ethernet to each IP packet) a second that were passed on to an address."""
    bits = sum(
        8 * (one.length + 14)
        for one in records
        if one.address == to
        for at_ns in one.written_ns
        if begin_ns <= at_ns < end_ns
    )
    return bits * 1e9 / (end_ns - begin_ns)


def _iperf(near: int, far: int) -> int:
    server = subprocess.Popen(["nsenter", f"--net=/proc/{far}/ns/net", "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    time.sleep(1)
    _run("iperf3", "-c", FAR[0], "-t", "10", inside=near)
    server.wait(10)
    shown = subprocess.run(["ip", "-s", "-j", "link", "show", "m1"], check=True, capture_output=True, text=True)
    return int(json.loads(shown.stdout)[0]["stats64"]["tx"]["bytes"])


class _Canary(threading.Thread):
    """How long a process that wants to run has to wait for the processor: a run without it measures the machine."""

    longest = 0.0

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._going = True

    def run(self) -> None:
        while self._going:
            begun = time.monotonic()
            time.sleep(0.002)
            self.longest = max(self.longest, time.monotonic() - begun - 0.002)

    def stop(self) -> None:
        self._going = False
        self.join()


def main() -> None:
    """Build the line, test it, print what came."""
    task = json.load(sys.stdin)
    emulated = bool(task["delay"] or task["loss"] or task["record"])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")
    near, far = _holder(), _holder()
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        stack.callback(lambda: (near.kill(), far.kill(), near.wait(), far.wait()))
        _run("ip", "link", "set", "lo", "up")
        _veth("m0", "n0", near.pid, ROUTER_NEAR, NEAR)
        if emulated:
            emulator = stack.enter_context(_emulate(task, far.pid))
        else:
            _veth("m1", "f0", far.pid, ROUTER_FAR, FAR)
        if task["rate"]:
            _shape("add", task, task["rate"], emulated, far.pid)
        if task["iperf"]:
            json.dump({"iperf_bytes": _iperf(near.pid, far.pid)}, sys.stdout)
            return
        key = Path(folder) / "key"
        key.write_text(KEY)
        inside = ["nsenter", f"--net=/proc/{far.pid}/ns/net"]
        far_end = [sys.executable, "-m", "netmon", "reflector", "--key-file", str(key), "--most", "400M"]
        if task["kind"] == "iperf3":
            far_end = ["iperf3", "--server", "--port", str(PORT), "--forceflush"]
        server = subprocess.Popen([*inside, *far_end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        stack.callback(lambda: (server.terminate(), server.communicate()))
        assert server.stdout is not None
        server.stdout.readline()
        if task["kind"] == "iperf3":
            server.stdout.readline()  # the first line is a rule
        changed: list[float] = []
        begun = 0.0
        if task["slower"]:
            after, rate = task["slower"]

            def slow_down() -> None:
                _shape("change", task, rate, emulated, far.pid)
                changed.append(time.monotonic() - begun)

            timer = threading.Timer(after + QUIET_SECONDS, slow_down)
        command = ["nsenter", f"--net=/proc/{near.pid}/ns/net", sys.executable, "-m", "tests.lab.shaped", "test"]
        test = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(lambda: (test.kill(), test.communicate()))
        assert test.stdin is not None
        assert test.stdout is not None
        print(json.dumps(task), file=test.stdin, flush=True)
        test.stdout.readline()
        begun = time.monotonic()
        if task["slower"]:
            timer.start()
            stack.callback(timer.cancel)
        canary = _Canary()
        canary.start()
        found = json.loads(test.stdout.readline())
        canary.stop()
        late = changed[0] - task["slower"][0] - QUIET_SECONDS if changed else 0.0
        found["longest_wait_seconds"] = max(canary.longest, late)
        test.wait(20)
        if task["record"] and found["counted_ns"]:
            to = (NEAR if task["params"]["directions"] == "from_site" else FAR)[task["ipv6"]]
            found["record"] = _passed(emulator.records(), to, *found["counted_ns"])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:] == ["test"]:
        print(json.dumps(asyncio.run(_test(json.loads(sys.stdin.readline())))), flush=True)  # noqa: T201
    else:
        main()
