"""The one door to DuckDB: observations in Parquet files.

Columns are those of the journal, with the check, the vantage and the configuration by name. ``data`` is the journal's
text, byte for byte. ``readings`` and ``derived`` repeat its numbers as ``MAP(VARCHAR, DOUBLE)``, so that a sum over a
year reads some bytes a row instead of taking texts apart; ``failure`` repeats its word.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

__all__ = ["COLUMNS", "Digest", "Row", "connect", "read", "write"]

Row = tuple[Any, ...]

TYPES: Final = {
    "sequence": "BIGINT",
    "check_id": "VARCHAR",
    "vantage": "VARCHAR",
    "started_ns": "BIGINT",
    "scheduled_ns": "BIGINT",
    "duration_seconds": "DOUBLE",
    "attempt": "INTEGER",
    "status": "VARCHAR",
    "config_id": "VARCHAR",
    "data": "VARCHAR",
}
COLUMNS: Final = ", ".join(TYPES)
# A check's day is found by the smallest and largest check of a row group: small groups leave out more.
ROW_GROUP: Final = 16_384
MEMORY_LIMIT: Final = "256MB"
ROWS_AT_ONCE: Final = 1_000

# TRY_CAST: JSON that DuckDB does not take, such as half a UTF-16 pair, is in `data` all the same.
COPY: Final = (
    "COPY (SELECT {columns}, TRY_CAST(TRY_CAST(data AS JSON) -> '$.r' AS MAP(VARCHAR, DOUBLE)) AS readings,"
    " TRY_CAST(TRY_CAST(data AS JSON) -> '$.d' AS MAP(VARCHAR, DOUBLE)) AS derived,"
    " TRY_CAST(data AS JSON) ->> '$.f' AS failure FROM read_csv($source,"
    " header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false,"
    " columns = {{{types}}})) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})"
)


class Digest:
    """Count and content hash of rows, in their order."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=32)
        self.rows = 0
        self.first_row = 0
        self.last_row = 0

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, taken into account as they pass."""
        for row in rows:
            self._hash.update(repr(row).encode())
            self.first_row = min(self.first_row, row[0]) if self.rows else row[0]
            self.last_row = max(self.last_row, row[0])
            self.rows += 1
            yield row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and (self.rows, self._hash.digest()) == (other.rows, other._hash.digest())

    __hash__ = None  # type: ignore[assignment]  # it changes as rows pass


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own in memory: one thread and little memory, nothing from the network."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": MEMORY_LIMIT,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def write(rows: Iterable[Row], target: Path) -> None:
    """Write rows, in their order, to a Parquet file. A CSV file beside it is needed meanwhile.

    Raises:
        duckdb.Error, OSError: it cannot be written.
    """
    source = target.with_suffix(".csv")
    try:
        with source.open("w", encoding="ascii", newline="") as stream:
            csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items())
        name = str(target.absolute()).replace("'", "''")
        with connect() as connection:
            query = COPY.format(columns=COLUMNS, types=types, target=name, group=ROW_GROUP)
            connection.execute(query, {"source": str(source.absolute())})
    finally:
        source.unlink(missing_ok=True)


def read(file: Path) -> Iterator[Row]:
    """All rows of a file, in its order.

    Raises:
        duckdb.Error: it cannot be read.
    """
    with connect() as connection:
        cursor = connection.execute(f"SELECT {COLUMNS} FROM read_parquet(?)", [str(file.absolute())])  # noqa: S608 (names of ours)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows
