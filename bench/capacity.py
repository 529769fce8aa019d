"""Does a verification decide rightly, what does it cost, and what does it do to a call beside it?

    python bench/capacity.py confusion [RUNS] [AT ONCE] [FIRST]   # verdicts over shaped lines, a JSON line each
    python bench/capacity.py table FILE...         # of such lines: truth and decision
    python bench/capacity.py model [RUNS]          # the same lines in simulated time, whatever this machine does
    python bench/capacity.py bytes [RUNS]          # against 10 s of iperf3 over the same line
    python bench/capacity.py voice                         # a voice-like stream beside a verification
    python bench/capacity.py search [RUNS] [FIRST] # full search over shaped lines, a JSON line each
    python bench/capacity.py searched FILE...      # of such lines: how far off the emulator's record of each packet

Real packets over real queues (tbf of tc(8), tests/lab/shaped.py), the real reflector; needs user namespaces and iperf3.
A run in which a process waited 30 ms for the processor is void: it measured this machine, not the line.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from probes.wire.capacity_verify import Verify, VerifyPlan
from tests.lab.line_model import PACKET_BITS, LineModel, conduct
from tests.lab.shaped import ShapedTask, run_shaped

VOID_SECONDS = 0.03
MIB = 2**20
GOOD, BAD, EDGE = "carries 50", "does not", "edge"
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("20 Mbit/s", BAD, {"rate": 20e6}),
    ("45 Mbit/s", BAD, {"rate": 45e6}),
    ("49 Mbit/s", BAD, {"rate": 49e6}),
    ("49 Mbit/s, queue 5 ms", BAD, {"rate": 49e6, "latency": 0.005}),
    ("20 Mbit/s, bucket 8 MiB", BAD, {"rate": 20e6, "burst": 8 * MIB}),
    ("20 Mbit/s, bucket 8 MiB, policer", BAD, {"rate": 20e6, "burst": 8 * MIB, "police": True}),
    ("100 for 5 s, then 30 Mbit/s", BAD, {"rate": 100e6, "slower": (5.0, 30e6)}),
    ("50 for 5 s, then 30 Mbit/s", BAD, {"rate": 50e6, "slower": (5.0, 30e6)}),
    ("50 Mbit/s", GOOD, {"rate": 50e6}),
    ("51 Mbit/s", GOOD, {"rate": 51e6}),
    ("100 Mbit/s", GOOD, {"rate": 100e6}),
    ("50 Mbit/s, 40 ms", GOOD, {"rate": 50e6, "delay": 0.02}),
    ("100 Mbit/s, 600 ms", GOOD, {"rate": 100e6, "delay": 0.3}),
    ("100 Mbit/s, 20 ms, loss 0.5 %", GOOD, {"rate": 100e6, "delay": 0.01, "loss": 0.005}),
    ("45 Mbit/s, 600 ms, loss 0.5 %", BAD, {"rate": 45e6, "delay": 0.3, "loss": 0.005}),
    ("50 Mbit/s, 20 ms, loss 1 %", EDGE, {"rate": 50e6, "delay": 0.01, "loss": 0.01}),
]


def tasks() -> Iterator[tuple[str, str, ShapedTask]]:
    """Each case in turn, in both directions and both families."""
    ways = itertools.product((False, True), ("to_site", "from_site"))
    for number, (ipv6, direction) in enumerate(itertools.cycle(list(ways))):
        for name, truth, line in CASES:
            yield name, truth, ShapedTask(**line, ipv6=ipv6, seed=number, params={"directions": direction})


def confusion(runs: int, at_once: int, first: int) -> None:
    """Runs number ``first`` and after of all."""

    def run(item: tuple[str, str, ShapedTask]) -> tuple[str, str, dict[str, Any]]:
        name, truth, task = item
        try:
            return name, truth, run_shaped(task)
        except Exception as error:  # noqa: BLE001 (a run that broke is told)
            return name, truth, {"states": {}, "error": str(error)[-300:], "longest_wait_seconds": 9.0, "readings": {}}

    with ThreadPoolExecutor(at_once) as pool:
        for name, truth, found in pool.map(run, itertools.islice(tasks(), first, first + runs)):
            word = next(iter(found["states"].values()), found.get("error") or found["failure"])
            row = {
                "line": name, "truth": truth, "decision": word, "wait": round(found["longest_wait_seconds"], 4),
                "bytes": found["readings"].get("test_bytes", 0),
            }  # fmt: skip
            print(json.dumps(row), flush=True)


def model(runs: int) -> None:
    """The decisions over the same lines, played in simulated time (tests/lab/line_model.py): a JSON line each."""
    for name, truth, task in itertools.islice(tasks(), runs):
        slower = (task.slower[0], task.slower[1]) if task.slower else None
        test = Verify(VerifyPlan(target_bits_per_second=50e6), PACKET_BITS, 0.0, round_trip=2 * task.delay)
        line = LineModel(
            rate=task.rate, burst_bits=8.0 * task.burst, queue_seconds=0.002 if task.police else task.latency,
            slower=slower, delay=task.delay or 0.0005, loss=task.loss, jitter=0.002,
            random=Random(f"{name} {task.seed} {task.params} {task.ipv6}"),
        )  # fmt: skip
        _seconds, sent = conduct(test, line)
        row = {
            "line": name, "truth": truth, "decision": test.outcome.value, "wait": 0.0, "bytes": sent * PACKET_BITS / 8,
        }  # fmt: skip
        print(json.dumps(row), flush=True)


def table(files: list[str]) -> None:
    """The rows of one or more runs of ``confusion`` as tables."""
    rows = [json.loads(line) for file in files for line in Path(file).read_text().splitlines() if line.startswith("{")]
    for kept, title in (
        (rows, "all runs"),
        ([row for row in rows if row["wait"] < VOID_SECONDS], "without the void ones"),
    ):
        print(f"\n{title}: {len(kept)}")
        for truth in (GOOD, EDGE, BAD):
            print(f"  {truth:12}", dict(Counter(row["decision"] for row in kept if row["truth"] == truth)))
    for name, _truth, _line in CASES:
        mine = [row for row in rows if row["line"] == name]
        size = statistics.median(row["bytes"] for row in mine) / 1e6 if mine else 0
        void = sum(row["wait"] >= VOID_SECONDS for row in mine)
        print(f"  {name:34} {dict(Counter(row['decision'] for row in mine))} median {size:.1f} MB, {void} void")


def searches() -> Iterator[ShapedTask]:
    """Directions, round trips, losses, families and rates of the search."""
    ways = itertools.product(
        ("to_site", "from_site"), (0.0, 0.01, 0.3), (0.0, 0.005, 0.01), (False, True),
        (20e6, 45e6, 49e6, 50e6, 51e6, 100e6),
    )  # fmt: skip
    for direction, delay, loss, ipv6, rate in ways:
        params = {"directions": direction, "method": "search", "highest_bits_per_second": 150e6}
        yield ShapedTask(rate=rate, ipv6=ipv6, delay=delay, loss=loss, record=True, params=params)


def search(runs: int, first: int) -> None:
    """Full search against what the emulator passed on in the same seconds: a JSON line each."""
    for task in itertools.islice(searches(), first, first + runs):
        try:
            found = run_shaped(task)
        except Exception as error:  # noqa: BLE001 (a run that broke is told)
            found = {"error": str(error)[-300:], "longest_wait_seconds": 9.0, "readings": {}}
        direction = task.params["directions"]
        row = {
            "direction": direction, "rate": task.rate, "ipv6": task.ipv6, "round_trip": 2 * task.delay,
            "loss": task.loss,
            "carried": found["readings"].get(f"carried_bits_per_second[{direction}]"),
            "record": found.get("record"),
            "wait": round(found["longest_wait_seconds"], 4), "error": found.get("error") or found.get("detail", ""),
        }  # fmt: skip
        print(json.dumps(row), flush=True)


def searched(files: list[str]) -> None:
    """The rows of runs of ``search``: how far off, and how many were void."""
    rows = [json.loads(line) for file in files for line in Path(file).read_text().splitlines() if line.startswith("{")]
    valid = [row for row in rows if row["wait"] < VOID_SECONDS and row["carried"] and row["record"]]
    print(f"{len(rows)} runs, {sum(row['wait'] >= VOID_SECONDS for row in rows)} void, {len(valid)} compared")
    for title, key in (("the record", "record"), ("the rate of the line", "rate")):
        # What is lost at random is not carried.
        off = [row["carried"] / (row[key] * (1 - row["loss"] if key == "rate" else 1)) - 1 for row in valid]
        if off:
            within = sum(abs(each) <= 0.01 for each in off)
            print(f"  against {title}: within 1 % {within} of {len(off)}, from {min(off):+.2%} to {max(off):+.2%}")
    for row in rows:
        off = (
            f"{row['carried'] / row['record'] - 1:+.2%}" if row["carried"] and row["record"] else row["error"] or "none"
        )
        print(
            f"  {row['direction']:9} {row['rate'] / 1e6:5.0f} Mbit/s {'IPv6' if row['ipv6'] else 'IPv4'} "
            f"{row['round_trip'] * 1e3:4.0f} ms loss {row['loss']:.1%}: {(row['carried'] or 0) / 1e6:7.2f} {off}"
            + (" void" if row["wait"] >= VOID_SECONDS else "")
        )


def voice() -> None:
    """Delay and loss of a voice-like stream beside a verification."""
    for rate in (100e6, 50e6):
        found = run_shaped(ShapedTask(rate=rate, voice=True, params={"directions": "to_site"}))
        trips = [trip for _at, trip in found["voice"]]
        came = [trip for trip in trips if trip is not None]
        quiet = statistics.median(came[:15])
        over = [at for at, trip in found["voice"] if trip is not None and trip - quiet > 0.02]
        longest = max((b - a for a, b in _runs(over)), default=0.0)
        print(
            f"{rate / 1e6:.0f} Mbit/s: {next(iter(found['states'].values()))}, lost {len(trips) - len(came)} of "
            f"{len(trips)}, added delay at most {(max(came) - quiet) * 1e3:.1f} ms, longest time above 20 ms "
            f"{longest * 1e3:.0f} ms" + (" void" if found["longest_wait_seconds"] >= VOID_SECONDS else "")
        )


def _runs(moments: list[float]) -> Iterator[tuple[float, float]]:
    """Begin and end of times in which packets of the stream follow each other."""
    for _key, group in itertools.groupby(enumerate(moments), key=lambda item: round(item[1] / 0.02) - item[0]):
        times = [at for _index, at in group]
        yield times[0], times[-1] + 0.02


def compare_bytes(runs: int) -> None:
    """What verifications send, and what 10 s of iperf3 do, over 50 Mbit/s."""
    iperf = run_shaped(ShapedTask(rate=50e6, iperf=True))["iperf_bytes"]
    print(f"iperf3 -t 10: {iperf / 1e6:.1f} MB of frames")
    for number in range(runs):
        found = run_shaped(ShapedTask(rate=50e6, params={"directions": ("to_site", "from_site")[number % 2]}))
        sent, word = found["readings"].get("test_bytes", 0.0), next(iter(found["states"].values()), found["failure"])
        void = " void" if found["longest_wait_seconds"] >= VOID_SECONDS else ""
        print(f"verify: {word}, {sent / 1e6:.1f} MB, ratio {sent / iperf:.3f}{void}", flush=True)


def main(words: list[str]) -> None:
    """Run what the words say; without any, what `make bench` runs."""
    match words:
        case ["confusion", *rest]:
            runs, at_once, first = [*map(int, rest), *(320, 1, 0)[len(rest) :]]
            confusion(runs, at_once, first)
        case ["model", *rest]:
            model(int(rest[0]) if rest else 320)
        case ["table", *files]:
            table(files)
        case ["bytes", *rest]:
            compare_bytes(int(rest[0]) if rest else 4)
        case ["voice"]:
            voice()
        case ["search", *rest]:
            runs, first = [*map(int, rest), *(216, 0)[len(rest) :]]
            search(runs, first)
        case ["searched", *files]:
            searched(files)
        case []:
            compare_bytes(4)
            voice()
            search(6, 0)
        case _:
            print(__doc__)
            sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
