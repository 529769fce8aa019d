"""A year of checks in the archive: its size, and the yearly verdict of every target, beside bare DuckDB.

The files of closed days are made by DuckDB, in the layout of netmon's. The peer is one query that counts statuses per
check in the same files: the least that has to be read. Usage: python bench/years.py [--checks 200] [--days 365]
[--interval 60] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import cpu_of
from netmon.archive import Journal
from netmon.archive.durable import sha256
from netmon.archive.manifest import DAY_NS, DayFile, DayManifest, file_name
from netmon.archive.parquet import ROW_GROUP, connect

FIRST_DAY = (date(2025, 1, 1) - date(1970, 1, 1)).days
REGISTER = Path(__file__).parents[1] / "config" / "targets.yaml"
# One run in 500 is lost, one in 3,000 says DOWN; round trips and what uplinks carry differ in every row, as in life.
DAY = """
    COPY (
        SELECT row_number() OVER () + {before} AS sequence, check_id, 'main' AS vantage,
            scheduled_ns + (random() * 1e6)::BIGINT AS started_ns, scheduled_ns, rtt * 10 AS duration_seconds,
            1 AS attempt, status, '{config}' AS config_id,
            '{{"r":{{"sent":10.0,"received":10.0,"loss_ratio[near]":0.0,"loss_ratio[far]":0.0,"rtt_min_seconds":' || rtt
                || ',"rtt_median_seconds":'
                || rtt * 1.1 || ',"rtt_max_seconds":' || rtt * 1.9 || '}}}}' AS data,
            MAP {{'sent': 10.0, 'received': 10.0, 'loss_ratio[near]': 0.0, 'loss_ratio[far]': 0.0,
                'rtt_min_seconds': rtt, 'rtt_median_seconds': rtt * 1.1, 'rtt_max_seconds': rtt * 1.9}} AS readings,
            CASE WHEN ends_with(check_id, '/uplink/uplink') THEN
                MAP {{'in_utilisation_ratio[far]': rtt * 20, 'out_utilisation_ratio[near]': rtt * 20,
                    'out_utilisation_ratio[far]': rtt * 8, 'in_utilisation_ratio[near]': rtt * 8}} END AS derived,
            CASE status WHEN 'down' THEN 'timeout' END AS failure
        FROM (
            SELECT check_id, ({day}::BIGINT * 86400 + n * {interval}) * 1000000000 AS scheduled_ns,
                round(0.001 + random() * 0.02, 6) AS rtt,
                CASE WHEN random() < 1 / 3000 THEN 'down' ELSE 'up' END AS status
            FROM (SELECT unnest($checks) AS check_id), range(86400 // {interval}) numbers(n)
            WHERE random() > 1 / 500 ORDER BY check_id, n
        )
    ) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})
"""
PEER = """
import sys, time, duckdb
connection = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
query = "SELECT check_id, status, count(*) FROM read_parquet(?) GROUP BY ALL"
print(len(connection.execute(query, [sys.argv[1] + "/days/*/*.parquet"]).fetchall()))
"""


def inventory(checks: int, interval: int) -> str:
    """Stations with an uplink and terminals each: kinds that targets are about."""
    lines = [f"defaults: {{ping: {{interval: {interval}s}}, uplink: {{interval: {interval}s}}}}", "sites:"]
    for number in range(checks // 4):
        lines += [f"  - id: s{number}", "    kind: fire_station", "    equipment:"]
        for place, kind in enumerate(("router", "video_terminal", "mesh_node", "uplink")):
            parent = "" if kind == "router" else ", parent: router"
            near = f"10.0.{number}.{place + 1}"
            ends = f"endpoints: {{near: {near}, far: 10.1.0.1}}" if kind == "uplink" else f"address: {near}"
            lines.append(f"      - {{id: {kind.replace('_', '-')}, kind: {kind}, {ends}{parent}}}")
    return "\n".join(lines) + "\n"


async def fill(folder: Path, text: str, days: int, interval: int) -> int:
    """Make the archive; how many rows."""
    import probes
    from netmon.config import recall

    config = recall(text, "bench", kinds=probes.KINDS)
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        journal.record_config(config.config_id, text, FIRST_DAY * DAY_NS)
    files = []
    before = 0
    with connect() as connection:
        connection.execute("SET threads = 2; SET memory_limit = '2GB'; SELECT setseed(0.5)")
        for number in range(days):
            day = FIRST_DAY + number
            target = folder / "days" / file_name(day, 0)
            target.parent.mkdir(parents=True, exist_ok=True)
            query = DAY.format(
                before=before, config=config.config_id, day=day, interval=interval, target=target, group=ROW_GROUP
            )
            connection.execute(query, {"checks": list(config.checks)})
            (rows,) = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(target)]).fetchone() or (0,)
            files.append(
                DayFile(day=day, number=0, rows=rows, first_row=before + 1, last_row=before + rows,
                        size_bytes=target.stat().st_size, sha256=sha256(target), written="2025-01-01T00:00:00+00:00")
            )  # fmt: skip
            before += rows
            print(f"\r{date(1970, 1, 1) + timedelta(days=day)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    DayManifest(tuple(files)).write(folder / "days")
    return before


def measure(folder: Path) -> None:
    """Print size, and time and memory of both."""
    manifest = DayManifest.read(folder / "days")
    rows, size = sum(file.rows for file in manifest.files), sum(file.size_bytes for file in manifest.files)
    print(f"{len(manifest.files)} days, {rows} rows, {size / 1e6:.0f} MB: {size / rows:.1f} bytes a row")
    ours = cpu_of(
        [sys.executable, "-m", "netmon", "targets", "--register", str(REGISTER), "--data", str(folder),
         "--year", "2025", "--json"]
    )  # fmt: skip
    if ours.exit_code:
        raise SystemExit(ours.output)
    bare = cpu_of([sys.executable, "-c", PEER, str(folder)])
    for name, run in (("every target's verdict", ours), ("bare DuckDB, counting", bare)):
        print(
            f"  {name}: {run.wall_seconds:.1f} s, {run.cpu_seconds:.1f} s of processor,"
            f" {run.max_rss_bytes / 2**20:.0f} MiB"
        )
    print(f"  ratio of processor time: {ours.cpu_seconds / bare.cpu_seconds:.2f}")
    told = json.loads(ours.output.strip().splitlines()[-1])
    print("  " + ", ".join(f"{target['id']} {target['verdict']}" for target in told["targets"][:8]))


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="keep the archive here; one that is there is measured as it is")
    parser.add_argument("--fill", action="store_true", help="make the archive in FOLDER and measure nothing")
    options = parser.parse_args()
    if options.fill:
        asyncio.run(fill(options.folder, inventory(options.checks, options.interval), options.days, options.interval))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "days").exists():
            # In a process of its own: a child's greatest memory is at least its parent's.
            given = [f"--{name}={getattr(options, name)}" for name in ("checks", "days", "interval")]
            command = [sys.executable, __file__, "--fill", f"--folder={folder}", *given]
            subprocess.run(command, check=True)
        measure(folder)


if __name__ == "__main__":
    main()
