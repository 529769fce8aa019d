from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from pathlib import Path

from netmon.archive import Journal
from netmon.archive.schema import FILE_NAME
from netmon.forward.service import Forward
from netmon.metrics import Internals
from netmon.runner import Clock
from tests.lab.observations import ping
from tests.lab.victoria import Victoria

S = 1_000_000_000


def cursors(folder: Path) -> int:
    connection = sqlite3.connect(folder / FILE_NAME)
    (count,) = connection.execute("SELECT count(*) FROM cursor").fetchone()
    connection.close()
    return int(count)


async def test_it_sends_while_it_is_asked_to_and_then_keeps_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "forward.yaml"
    victoria = Victoria(tmp_path / "store")
    victoria.start()
    forward = Forward(tmp_path, path, Clock())
    internals = Internals()
    internals.watch_forward(forward)
    value = internals.registry.get_sample_value
    try:
        async with Journal.open(tmp_path, on_durable=lambda _rows: None) as journal:
            forward.start()
            assert forward.pump is None
            assert value("netmon_forward_up") is None
            for number in range(50):
                at_ns = (1_790_000_000 + number) * S
                journal.append(replace(ping(1), check_id="x/y/ping", started_ns=at_ns, scheduled_ns=at_ns))
            await journal.flush()
            path.write_text(f"url: {victoria.url}\n", encoding="utf-8")
            forward.use(forward.read())
            end = time.monotonic() + 30
            while value("netmon_forward_rows_total") != 50:
                assert time.monotonic() < end
                time.sleep(0.02)  # noqa: ASYNC251 (the pump has its own thread)
            assert value("netmon_forward_up") == 1
            assert len(victoria.samples("netmon_loss_ratio")["x/y/ping"]) == 50
            assert cursors(tmp_path) == 1
            path.unlink()
            forward.use(forward.read())
            assert cursors(tmp_path) == 0
            assert forward.pump is None
    finally:
        forward.stop()
        victoria.stop()
