"""A county with known truth as a real archive: a journal with configuration and agreed work, files of closed days."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from netmon.archive import Journal, sha256
from netmon.archive.manifest import DAY_NS, DayFile, DayManifest, file_name
from netmon.archive.parquet import connect
from netmon.config import Config
from netmon.upkeep import EVENT_KINDS
from tests.lab.known_county import LOST, TICK_SECONDS, UP, County

__all__ = ["write_archive"]

S: Final = 1_000_000_000
DAY: Final = (
    "COPY (SELECT row_number() OVER () + $before AS sequence, check_id, 'main' AS vantage, at_ns AS started_ns,"
    " at_ns AS scheduled_ns, 0.1 AS duration_seconds, 1 AS attempt, status, '{config}' AS config_id,"
    " CASE status WHEN 'down' THEN '{{\"f\":\"timeout\"}}' ELSE '{{}}' END AS data,"
    " NULL::MAP(VARCHAR, DOUBLE) AS readings, NULL::MAP(VARCHAR, DOUBLE) AS derived,"
    " CASE status WHEN 'down' THEN 'timeout' END AS failure"
    " FROM said WHERE at_ns // 86400000000000 = $day ORDER BY check_id, at_ns) TO '{target}' (FORMAT parquet)"
)


async def write_archive(folder: Path, county: County, config: Config) -> None:
    """Every tick that was not lost is a run; work on a station was announced when the inventory came into force."""
    begin_ns = county.begin * TICK_SECONDS * S
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        journal.record_config(config.config_id, config.text, begin_ns)
        for name, spans in county.windows.items():
            for start, stop in spans:
                journal.append_event(EVENT_KINDS[0], begin_ns, {
                    "id": f"{name}{start}", "from_ns": start * TICK_SECONDS * S, "until_ns": stop * TICK_SECONDS * S,
                    "sites": [], "assets": [f"hill/{name}"], "reason": "work", "author": "anna",
                })  # fmt: skip
    source = folder / "said.csv"
    with source.open("w", encoding="ascii", newline="") as file:
        lines = csv.writer(file)
        for name, line in county.ticks.items():
            for place, word in enumerate(line):
                if word != LOST:
                    status = "up" if word == UP else "down"
                    lines.writerow((f"hill/{name}/ping", (county.begin + place) * TICK_SECONDS * S, status))
    files, before = [], 0
    with connect() as connection:
        connection.execute(
            "CREATE TABLE said AS SELECT * FROM read_csv($source, header = false, columns ="
            " {'check_id': 'VARCHAR', 'at_ns': 'BIGINT', 'status': 'VARCHAR'}) ORDER BY at_ns",
            {"source": str(source)},
        )
        for day in range(begin_ns // DAY_NS, (county.end * TICK_SECONDS * S - 1) // DAY_NS + 1):
            target = folder / "days" / file_name(day, 0)
            target.parent.mkdir(parents=True, exist_ok=True)
            query = DAY.format(config=config.config_id, target=target)
            (rows,) = connection.execute(query, {"before": before, "day": day}).fetchone() or (0,)
            files.append(
                DayFile(day=day, number=0, rows=rows, first_row=before + 1, last_row=before + rows,
                        size_bytes=target.stat().st_size, sha256=sha256(target), written="2025-01-01T00:00:00+00:00")
            )  # fmt: skip
            before += rows
    source.unlink()
    DayManifest(tuple(files)).write(folder / "days")
