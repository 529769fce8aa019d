"""From a drive test's file to the archive: every row is a sample, or is told with its line."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from netmon.archive import ArchiveError, Box, Journal, Sample, SurveyFiles, back_up, restore, verify
from netmon.cli import app
from netmon.config import ConfigError
from netmon.coverage.datum import gcj02_from_wgs84
from netmon.coverage.definition import Definition, recall_definition
from netmon.coverage.mapping import SurveyMap, load_survey_map
from netmon.coverage.samples import dbm_from_field_strength
from netmon.coverage.survey import Imported, SurveyError, import_survey
from netmon.model import LOCAL
from tests.lab.counties import definition_text
from tests.lab.soak import damaged, scale

STATIONS = ("hill-0/base", "hill-1/base")
NOW_NS = round(datetime(2026, 6, 1, tzinfo=LOCAL).timestamp()) * 10**9
MAP = """\
datum: wgs84
terminal: vehicle
columns: {time: 时间, latitude: 纬度, longitude: 经度, signal: 场强, station: 基站, role: 角色}
values: {station: {一号山: hill-0/base}, neighbour: [邻区], nothing_heard: [无信号]}
"""
HEAD = "时间,纬度,经度,场强,基站,角色\n"
GOOD = "2026-05-01 08:30:00,42.81,130.32,-91.5,一号山,主服\n"


class Desk:
    """A folder with a map, and an archive."""

    def __init__(self, folder: Path, text: str = MAP) -> None:
        self.folder, self.data = folder, folder / "data"
        self.definition: Definition = recall_definition(definition_text(), "county")
        (folder / "map.yaml").write_text(text, encoding="utf-8")

    def map(self) -> SurveyMap:
        return load_survey_map(self.folder / "map.yaml", terminals=self.definition.terminals, stations=STATIONS)

    def write(self, content: str | bytes, name: str = "drive.csv") -> Path:
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def take(
        self, content: str | bytes, name: str = "drive.csv", *, survey: str = "spring", agree: bool = False
    ) -> Imported:
        return import_survey(
            self.write(content, name), self.map(), self.definition, survey=survey, stations=STATIONS, data=self.data,
            now_ns=NOW_NS, leave_out_bad=agree,
        )  # fmt: skip

    def samples(self) -> list[Sample]:
        files = SurveyFiles(self.data)
        return [sample for file in files.files() for sample in files.samples(file)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_row_becomes_a_sample(desk: Desk) -> None:
    made = desk.take(HEAD + GOOD + "2026/05/01T08:30:01+00:00,42.81,130.32,无信号,,\n")
    assert not made.bad
    assert made.outside == 0
    first, second = desk.samples()
    at_ns = round(datetime(2026, 5, 1, 8, 30, tzinfo=LOCAL).timestamp()) * 10**9
    assert first == Sample(2, at_ns, 42.81, 130.32, "vehicle", "hill-0/base", True, -91.5, None, None, True)
    assert (second.heard, second.signal_dbm, second.station, second.serving) == (False, None, "", True)
    assert second.at_ns == at_ns + 8 * 3600 * 10**9 + 10**9


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2026-05-01 08:30:00,91,130.32,-91.5,一号山,\n", "纬度: '91' is no degree"),
        ("2026-05-01 08:30:00,,130.32,-91.5,一号山,\n", "纬度: '' is no degree"),
        ("2026-05-01 08:30:00,42.81,x,-91.5,一号山,\n", "经度: 'x' is no number"),
        ("2026-05-01 08:30:00,42.81,nan,-91.5,一号山,\n", "经度: 'nan' is no number"),
        ("yesterday,42.81,130.32,-91.5,一号山,\n", "'yesterday' is no moment"),
        ("2027-05-01 08:30:00,42.81,130.32,-91.5,一号山,\n", "is before 2000 or in the future"),
        ("2026-05-01 08:30:00,42.81,130.32,91.5,一号山,\n", "91.5 dBm is no received power; look at signal_unit"),
        ("2026-05-01 08:30:00,42.81,130.32,,一号山,\n", "nothing was measured"),
        (
            "2026-05-01 08:30:00,42.81,130.32,-91.5,hill-0/bas,\n",
            "nobody knows 'hill-0/bas'; did you mean hill-0/base?",
        ),
        ("2026-05-01 08:30:00,42.81\n", "经度: '' is no degree"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_keeps_the_file_out(desk: Desk, row: str, told: str) -> None:
    made = desk.take(HEAD + GOOD + row + GOOD)
    assert made.file is None
    ((line, what),) = made.bad
    assert line == 3
    assert told in what
    assert not desk.samples()
    assert not list(desk.data.glob("surveys/*.p*"))


def test_who_agrees_imports_the_rest_and_what_is_left_out_stays_on_record(desk: Desk) -> None:
    made = desk.take(HEAD + GOOD + "yesterday,42.81,130.32,-91.5,一号山,\n" + GOOD, agree=True)
    assert made.file is not None
    assert (made.file.rows, made.file.left_out) == (2, 1)
    (file,) = SurveyFiles(desk.data).files()
    assert file.left_out_lines[0][0] == 3
    assert [sample.line for sample in desk.samples()] == [2, 4]


def test_nothing_is_imported_twice(desk: Desk) -> None:
    desk.take(HEAD + GOOD)
    with pytest.raises(ArchiveError, match="was imported already"):
        desk.take(HEAD + GOOD, "again.csv", survey="autumn")
    desk.take(HEAD + GOOD + GOOD)
    assert [file.name for file in SurveyFiles(desk.data).files()] == ["spring.0.parquet", "spring.1.parquet"]


def test_positions_of_a_chinese_map_are_moved(tmp_path: Path) -> None:
    desk = Desk(tmp_path, MAP.replace("wgs84", "gcj02"))
    shown = gcj02_from_wgs84(42.81, 130.32)
    desk.take(HEAD + f"2026-05-01 08:30:00,{shown[0]},{shown[1]},-91.5,一号山,\n")
    (sample,) = desk.samples()
    assert (sample.latitude, sample.longitude) == pytest.approx((42.81, 130.32), abs=1e-6)


def test_field_strength_and_percent_are_converted(tmp_path: Path) -> None:
    """-95 dBm of an isotropic antenna at 350 MHz are 33 dBuV/m."""
    assert dbm_from_field_strength(33, 350e6) == pytest.approx(-95, abs=0.1)
    text = MAP.replace("signal: 场强", "signal: 场强, ber: 误码").replace(
        "datum:", "signal_unit: dbuv_per_m\nber_unit: percent\ndatum:"
    )
    desk = Desk(tmp_path, text)
    desk.take("时间,纬度,经度,场强,基站,角色,误码\n2026-05-01 08:30:00,42.81,130.32,33,一号山,,2.5\n")
    (sample,) = desk.samples()
    assert sample.signal_dbm == pytest.approx(-95, abs=0.1)
    assert sample.ber_ratio == pytest.approx(0.025)


def test_a_file_of_a_chinese_logger(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "encoding: gb18030\ndelimiter: ;\n" + MAP)
    desk.take((HEAD + GOOD).replace(",", ";").encode("gb18030"))
    assert desk.samples()[0].station == "hill-0/base"
    plain = Desk(tmp_path)
    with pytest.raises(SurveyError, match="not utf-8 text"):
        plain.take((HEAD + GOOD).encode("gb18030"), "other.csv")


GPX = """\
<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:r="urn:radio"><trk><trkseg>
<trkpt lat="42.81" lon="130.32"><ele>50</ele><time>2026-05-01T00:30:00Z</time>
<extensions><r:rssi>-91.5</r:rssi><r:cell>一号山</r:cell></extensions></trkpt>
<trkpt lat="42.82" lon="130.33"><time>2026-05-01T00:30:05Z</time></trkpt>
</trkseg></trk></gpx>
"""
GEOJSON = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [130.32, 42.81, 50]},
            "properties": {"time": "2026-05-01T00:30:00Z", "rssi": -91.5, "cell": "一号山"},
        },
        {"type": "Feature", "geometry": None, "properties": {"time": "2026-05-01T00:30:05Z", "rssi": None}},
    ],
}
OTHER_MAP = MAP.replace("{time: 时间, latitude: 纬度, longitude: 经度, signal: 场强, station: 基站, role: 角色}",
                        "{signal: rssi, station: cell}")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("drive.gpx", GPX, 5),
        ("drive.geojson", json.dumps(GEOJSON, indent=1), 20),
        ("drive.json", "".join(f"\x1e{json.dumps(feature)}\n" for feature in GEOJSON["features"]), 2),
    ],
)
def test_gpx_and_geojson(tmp_path: Path, name: str, content: str, line: int) -> None:
    desk = Desk(tmp_path, OTHER_MAP)
    made = desk.take(content, name, agree=True)
    assert [number for number, _what in made.bad] == [line]
    (sample,) = desk.samples()
    assert (sample.latitude, sample.longitude, sample.signal_dbm) == (42.81, 130.32, -91.5)
    assert sample.at_ns == round(datetime(2026, 5, 1, 8, 30, tzinfo=LOCAL).timestamp()) * 10**9


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, OTHER_MAP)
    with pytest.raises(SurveyError, match="declares a document type"):
        desk.take('<!DOCTYPE gpx [<!ENTITY a "aaaa">]>' + GPX.partition("\n")[2], "drive.gpx")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("drive.csv", HEAD, "there is no row in it"),
        ("drive.csv", "a,b\n1,2\n", "drive.csv:1: there is no column 场强; it has a, b"),
        ("drive.xls", "", "write its format into the map"),
        ("drive.gpx", "<gpx><trkpt", "drive.gpx:1"),
        ("drive.geojson", '{"features": [{"a": ]}', "drive.geojson:1: this is no JSON"),
    ],
)
def test_what_is_no_such_file_is_told(desk: Desk, name: str, content: str, told: str) -> None:
    with pytest.raises(SurveyError) as refused:
        desk.take(content, name)
    assert told in str(refused.value)
    assert not SurveyFiles(desk.data).files()


def test_mistakes_of_the_map_are_told_with_their_place(desk: Desk) -> None:
    (desk.folder / "map.yaml").write_text("datum: mars\ncolumns: {signal: a, station: a, speed: b}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        desk.map()
    assert "map.yaml:1:8" in str(refused.value)
    assert "unknown key 'speed'" in str(refused.value)
    (desk.folder / "map.yaml").write_text(
        "datum: wgs84\nterminal: vehicl\ncolumns: {signal: a, station: a}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as refused:
        desk.map()
    assert "did you mean vehicle?" in str(refused.value)
    assert "two fields are read from the column 'a'" in str(refused.value)


LETTERS = st.characters(codec="utf-8", exclude_characters="\r\n\0")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scale(20, 2_000))
@given(
    rows=st.lists(
        st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=8), min_size=1, max_size=5,
    )
)  # fmt: skip
def test_every_row_is_a_sample_or_is_told(tmp_path: Path, rows: Sequence[Sequence[str]]) -> None:
    import csv
    import io

    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    made = Desk(tmp_path).take(HEAD + GOOD + text.getvalue(), agree=True)
    assert made.file is not None
    assert made.file.rows + len(made.bad) == 1 + len(rows)


@pytest.mark.soak
def test_damaged_files_are_told_and_leave_nothing_behind(tmp_path: Path) -> None:
    originals = {"a.csv": HEAD + GOOD * 3, "a.gpx": GPX, "a.geojson": json.dumps(GEOJSON)}
    for name, text in originals.items():
        desk = Desk(tmp_path, MAP if name == "a.csv" else OTHER_MAP)
        for content in damaged([text.encode()], scale(60, 20_000)):
            shutil.rmtree(desk.data, ignore_errors=True)
            try:
                made = desk.take(content, name)
            except SurveyError:
                made = None
            stored = made is not None and made.file is not None
            assert len(list(desk.data.glob("surveys/*.p*"))) == stored


def test_an_end_before_the_manifest_is_written_is_as_if_nothing_had_come(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_disk(_self: SurveyFiles, _files: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(SurveyFiles, "write", no_disk)
        with pytest.raises(ArchiveError, match="No space left"):
            desk.take(HEAD + GOOD)
    assert not SurveyFiles(desk.data).files()
    made = desk.take(HEAD + GOOD)
    assert made.file is not None
    assert len(desk.samples()) == 1


async def test_surveys_are_in_backups_and_damage_is_found(desk: Desk) -> None:
    journal = Journal.open(desk.data, on_durable=lambda _rows: None)
    await journal.close()
    desk.take(HEAD + GOOD)
    backup = desk.folder / "backup"
    manifest = back_up(desk.data, backup, now_ns=time.time_ns())
    assert manifest.surveys_sha256
    restore(backup, desk.folder / "other")
    assert not verify(desk.folder / "other").problems
    again = Desk(desk.folder)
    again.data = desk.folder / "other"
    assert again.samples() == desk.samples()

    (file,) = (desk.data / "surveys").glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert [Path(problem.path) for problem in verify(desk.data).problems] == [file]
    with pytest.raises(ArchiveError, match="is damaged"):
        desk.samples()
    next((desk.data / "surveys").glob("*.definition.json")).unlink()
    assert len(verify(desk.data).problems) == 2


def test_a_part_of_the_country_is_read_alone(desk: Desk) -> None:
    chance = random.Random(1)
    places = [(42.8 + chance.random() * 0.07, 130.3 + chance.random() * 0.2) for _ in range(200)]
    desk.take(HEAD + "".join(f"2026-05-01 08:30:00,{a:.6f},{b:.6f},-90,一号山,\n" for a, b in places))
    (file,) = SurveyFiles(desk.data).files()
    box = Box(42.81, 42.83, 130.35, 130.45)
    found = list(SurveyFiles(desk.data).samples(file, box))
    inside = [(a, b) for a, b in places if 42.81 <= round(a, 6) <= 42.83 and 130.35 <= round(b, 6) <= 130.45]
    assert len(found) == len(inside) > 0


def netmon(desk: Desk, *words: str) -> Result:
    folder = desk.folder
    kept = json.loads(definition_text())
    (folder / "coverage.yaml").write_text(kept["settings"], encoding="utf-8")
    (folder / "areas.geojson").write_text(kept["areas"], encoding="utf-8")
    (folder / "community").write_text("x\n")
    equipment = "{id: base, kind: base_station, address: 192.0.2.%d}"
    sites = "".join(
        f"  - {{id: hill-{number}, kind: radio_site, equipment: [{equipment % (number + 1)}]}}\n" for number in (0, 1)
    )
    auths = "snmp_auths: {default: {version: 2c, community_file: community}}\n"
    (folder / "sites.yaml").write_text(f"{auths}sites:\n{sites}", encoding="utf-8")
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--lang", "en", "coverage", *words, "--data", str(desk.data)])


def test_by_command(desk: Desk) -> None:
    names = ["--map", "map.yaml", "--settings", "coverage.yaml", "--config", "sites.yaml"]
    options = [word if word.startswith("--") else str(desk.folder / word) for word in names]
    bad = desk.write(HEAD + GOOD + "yesterday,42.81,130.32,-91.5,一号山,\n")
    refused = netmon(desk, "import", str(bad), "--survey", "spring", *options)
    assert refused.exit_code == 1
    assert "drive.csv:3: 'yesterday' is no moment" in refused.output
    agreed = netmon(desk, "import", str(bad), "--survey", "spring", *options, "--leave-out-bad")
    assert agreed.exit_code == 0, agreed.output
    assert "1 samples imported, 0 of them outside of all areas; 1 bad rows" in agreed.output
    assert netmon(desk, "import", str(bad), "--survey", "No!", *options).exit_code == 2
    for words in (("show",), ("rank",), ("plan",)):
        done = netmon(desk, *words)
        assert done.exit_code == 0, done.output
        assert "vehicle: median of at least -85 dBm; share of all tiles of the area; survey spring" in done.output
    assert netmon(desk, "whatif", "--down", "hill-7/base").exit_code == 2
