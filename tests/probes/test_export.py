"""Kind export: another system's file or page, by a declared mapping; what it does not say is not known."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from netmon.model import Status
from netmon.verdict import judge
from probes.base import Failure, NetworkFailure, ProbeResult, State, StateClass
from probes.export import ExportParams, _parsed, probe_export
from tests.lab.checks import check
from tests.lab.servers import host, http_server, service_wires

CSV = """基站,状态,驻波比,时间
一号站,正常,1.3,2026-11-25 08:00:00
二号站,单站,2.4,2026-11-25 08:00:00
三号站,维修,坏,2026-11-25 08:00:00
"""
MAPPING: dict[str, Any] = {
    "key": "基站",
    "readings": [{"column": "驻波比", "reading": "vswr_ratio"}],
    "states": [
        {
            "column": "状态",
            "state": "service_state",
            "words": {
                "正常": ["in_service", "ok"],
                "单站": ["single_site", "degraded"],
                "中断": ["out_of_service", "fault"],
            },
        }
    ],
}


async def probe(port: int = 1, **fields: Any) -> ProbeResult:
    params = ExportParams.model_validate({**MAPPING, **fields})
    return await probe_export(host(port), params, wires=service_wires("127.0.0.1"), timeout=5)


def page(body: str) -> bytes:
    octets = body.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(octets) + octets


def write(file: Path, text: str, encoding: str = "utf-8") -> None:
    file.write_text(text, encoding=encoding)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(CSV, encoding="gb18030")
    return path


async def test_a_file_as_chinese_windows_writes_it(file: Path) -> None:
    result = await probe(file=file, encoding="gb18030", station="二号站")

    assert result.failure is None
    assert result.readings["vswr_ratio"] == 2.4
    assert result.states == {"service_state": State("single_site", StateClass.DEGRADED)}
    assert 0 <= result.readings["export_age_seconds"] < 60


async def test_a_word_or_figure_that_nobody_declared_is_never_taken_for_good(file: Path) -> None:
    result = await probe(file=file, encoding="gb18030", station="三号站")

    assert result.states["service_state"] == State("维修", StateClass.NOT_MONITORED)
    assert "vswr_ratio" not in result.readings
    assert any("is no number" in step.text for step in result.steps)


async def test_a_page_with_json() -> None:
    body = '{"data": {"items": [{"基站": "一号站", "状态": "中断", "驻波比": null}]}}'
    async with http_server([page(body)]) as server:
        result = await probe(server.port, format="json", rows="data.items", station="一号站")

    assert result.failure is None
    assert result.states["service_state"].meaning is StateClass.FAULT
    assert "export_age_seconds" not in result.readings  # the page does not say of when it is


async def test_how_old_the_figures_are_decides_whether_they_say_anything(file: Path) -> None:
    hour_ago = datetime.now(UTC) + timedelta(hours=8) - timedelta(hours=1)
    text = CSV.replace("2026-11-25 08:00:00", hour_ago.strftime("%Y/%m/%d %H:%M"))
    write(file, text, "utf-8-sig")
    common = {"file": file, "station": "一号站", "time": "时间", "time_format": "%Y/%m/%d %H:%M"}

    young = await probe(**common, max_age_seconds=7200)
    assert young.failure is None
    assert 3500 < young.readings["export_age_seconds"] < 3700
    old = await probe(**common, max_age_seconds=600)
    assert old.failure is Failure.TIMEOUT
    assert old.states == {}

    os.utime(file, (time.time() - 5000, time.time() - 5000))
    assert (await probe(file=file, station="一号站")).failure is Failure.TIMEOUT


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"station": "九号站"}, "no row"),
        ({"station": "一号站", "format": "json"}, "cannot be read"),
        ({"station": "一号站", "encoding": "utf-8-sig"}, "cannot be read"),
        ({"station": "一号站", "time": "时间", "time_format": "%d.%m."}, "no time in the form"),
        ({"station": "一号站", "max_body_bytes": 10}, "larger than 10 bytes"),
        ({"station": "一号站", "file": "/nonexistent"}, "cannot be read"),
    ],
)
async def test_what_the_export_cannot_say_is_not_known(file: Path, fields: dict[str, Any], words: str) -> None:
    """It is the other system's fault or ours, and never the station's."""
    result = await probe(**{"file": file, "encoding": "gb18030", **fields})

    assert result.failure is not None
    assert words in result.detail
    verdict = judge(check(kind="export"), result, result.readings, required=frozenset(), hearsay=True)
    assert verdict.status is Status.UNKNOWN


async def test_two_rows_of_one_name_say_nothing(file: Path) -> None:
    write(file, CSV + CSV.splitlines()[1] + "\n")
    result = await probe(file=file, station="一号站")
    assert "2 rows" in result.detail


async def test_what_it_reports_is_judged_like_everything_else(file: Path) -> None:
    write(file, CSV.replace("正常", "中断"))
    result = await probe(file=file, station="一号站")
    verdict = judge(check(kind="export"), result, result.readings, required=frozenset(), hearsay=True)
    assert verdict.status is Status.DOWN


@pytest.mark.parametrize(
    "fields",
    [
        {"readings": [{"column": "a", "reading": "vswr"}]},
        {"states": [{"column": "a", "state": "service_state", "words": {}}]},
        {"states": [{"column": "a", "state": "s", "words": {"x": ["y", "fine"]}}]},
        {"format": "xml"},
    ],
)
def test_a_wrong_mapping_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExportParams.model_validate(fields)


@given(st.binary(max_size=300), st.sampled_from(["csv", "json"]), st.sampled_from(["utf-8-sig", "gb18030"]))
def test_whatever_the_export_holds_is_survived(octets: bytes, form: Any, encoding: Any) -> None:
    """Rows, or a failure that is told: nothing else comes out."""
    with suppress(NetworkFailure):
        rows = _parsed(octets, ExportParams(format=form, encoding=encoding, rows="a.b"))
        assert all(isinstance(row, dict) for row in rows)
