"""A drive test of a million samples: import into the archive, and what it says, beside bare DuckDB that reads the CSV.

The peer reads the same file, sorts nothing, checks nothing and writes the same columns as Parquet: the least that has
to be done. Usage: python bench/coverage.py [--rows 1000000]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import cpu_of
from netmon.demo.survey import MAP, SETTINGS, areas_geojson

PEER = """
import sys, duckdb
connection = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
connection.execute("COPY (SELECT * FROM read_csv(?)) TO '" + sys.argv[2] + "' (FORMAT parquet, COMPRESSION zstd)",
                   [sys.argv[1]])
"""
INVENTORY = """
snmp_auths: {default: {version: 2c, community_file: community}}
sites:
  - {id: hill, kind: radio_site, equipment: [
      {id: a, kind: base_station, address: 192.0.2.1}, {id: b, kind: base_station, address: 192.0.2.2}]}
"""


def write(folder: Path, rows: int) -> Path:
    """A log of ten hours and more a day, all over the sample's townships."""
    for name, text in (
        ("coverage.yaml", SETTINGS), ("map.yaml", MAP), ("areas.geojson", areas_geojson()), ("sites.yaml", INVENTORY),
        ("community", "x\n"),
    ):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    chance = random.Random(1)
    begin = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    file = folder / "drive.csv"
    with file.open("w", encoding="utf-8") as stream:
        stream.write("time,lat,lon,terminal,rssi,station,role\n")
        for number in range(rows):
            moment = datetime.fromtimestamp(begin + number, UTC).isoformat()
            latitude, longitude = chance.uniform(42.65, 43.2), chance.uniform(130.1, 130.9)
            station = chance.choice(("hill/a", "hill/b"))
            role = "serving" if number % 3 else "neighbour"
            stream.write(
                f"{moment},{latitude:.6f},{longitude:.6f},vehicle,{chance.gauss(-95, 9):.1f},{station},{role}\n"
            )
    return file


def main(rows: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = write(folder, rows)
        netmon = [sys.executable, "-m", "netmon", "coverage"]
        places = {"map": "map.yaml", "settings": "coverage.yaml", "config": "sites.yaml", "data": "data"}
        options = [f"--{word}={folder / place}" for word, place in places.items()]
        peer = cpu_of([sys.executable, "-c", PEER, str(file), str(folder / "peer.parquet")])
        imported = cpu_of([*netmon, "import", str(file), "--survey=bench", *options, "--json"])
        assert imported.exit_code == 0, imported.output
        shown = cpu_of([*netmon, "show", f"--data={folder / 'data'}", "--json"])
        assert shown.exit_code == 0, shown.output
        (found,) = json.loads(shown.output)
        assert found["areas"][-1]["tested"] > 1000
        size = sum(each.stat().st_size for each in (folder / "data").rglob("*.parquet"))
        mib = 2**20
        print(f"{rows:,} samples, {file.stat().st_size / mib:.0f} MiB of CSV, {size / mib:.1f} MiB in the archive")
        for what, run in (("import", imported), ("figures", shown), ("bare DuckDB", peer)):
            print(f"{what}: {run.wall_seconds:.1f} s, {run.cpu_seconds:.1f} s CPU, {run.max_rss_bytes / mib:.0f} MiB")
        print(f"import / bare DuckDB: {imported.cpu_seconds / peer.cpu_seconds:.1f} (CPU)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    main(parser.parse_args().rows)
