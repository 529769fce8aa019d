"""From a workbook to the inventory: real files, written by openpyxl as Excel would."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import probes
from netmon.cli import app
from netmon.config import ConfigError, load
from netmon.ledger import LedgerError, Outcome, import_ledger, load_map
from netmon.ledger.sheet import the_date

HEADS = ("单位", "设备类型", "设备名称", "型号", "IP地址", "启用日期", "停用日期", "上联设备")
MAP = """\
columns: {site: 单位, kind: 设备类型, name: 设备名称, model: 型号, address: IP地址, commissioned: 启用日期,
          retired: 停用日期, parent: 上联设备}
values:
  site: {一站: station-1}
  kind: {路由器: router, 基站: base_station, 自组网: mesh_node, 卫星电话: satellite_phone}
"""
INVENTORY = """\
# the county's own inventory
snmp_auths: {default: {version: 2c, community_file: community}}
sites:
  - id: station-1   # 一站
    kind: fire_station
    name: {zh: 一号消防站, en: Station 1}
    equipment:
      - {id: router, kind: router, name: {zh: 路由器, en: router}, address: 192.0.2.1}   # in the rack
      - id: mesh
        kind: mesh_node
        name: 自组网节点
        address: 192.0.2.2
  - {id: station-2, kind: fire_station, name: {zh: 二号消防站, en: Station 2}}
"""
SAME = (
    ("一站", "路由器", "路由器", None, "192.0.2.1", None, None, None),
    ("一号消防站", "自组网", "自组网节点", None, "192.0.2.2", None, None, None),
)


class Desk:
    """A folder with a ledger, a map and an inventory."""

    def __init__(self, folder: Path) -> None:
        self.ledger, self.map, self.inventory = folder / "台账.xlsx", folder / "map.yaml", folder / "sites.yaml"
        self.map.write_text(MAP, encoding="utf-8")
        self.inventory.write_text(INVENTORY, encoding="utf-8")
        (folder / "community").write_text("public\n")

    def fill(self, rows: Sequence[Sequence[Any]], heads: Sequence[Any] = HEADS, merge: str = "") -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.title = "设备"
        for row in (heads, *rows):
            sheet.append(list(row))
        if merge:
            sheet.merge_cells(merge)
        book.save(self.ledger)

    def run(self, *, write: bool = False) -> Outcome:
        return import_ledger(self.ledger, load_map(self.map), self.inventory, kinds=probes.KINDS, write=write)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_the_inventory_says_already_changes_nothing(desk: Desk) -> None:
    desk.fill(SAME)
    outcome = desk.run(write=True)
    assert (outcome.comparison.changes, outcome.comparison.same, outcome.comparison.gone) == ((), 2, ())
    assert not outcome.written
    assert desk.inventory.read_text(encoding="utf-8") == INVENTORY


def test_a_dry_run_shows_and_writes_nothing(desk: Desk) -> None:
    desk.fill([("二号消防站", "路由器", "新路由器", "AR1220", "192.0.2.９", datetime(2026, 3, 1), None, None)])  # noqa: DTZ001 (as Excel has it)
    outcome = desk.run()
    (change,) = outcome.comparison.changes
    assert (change.asset, change.row, change.kind, change.new) == ("station-2/router-1", 2, "router", True)
    assert change.fields == {
        "name.zh": ("", "新路由器"), "model": ("", "AR1220"), "address": ("", "192.0.2.9"),
        "commissioned": ("", "2026-03-01"),
    }  # fmt: skip
    assert desk.inventory.read_text(encoding="utf-8") == INVENTORY
    assert sorted(path.name for path in desk.inventory.parent.iterdir()) == [
        "community", "map.yaml", "sites.yaml", "台账.xlsx",
    ]  # fmt: skip


def test_what_is_taken_over_is_there_and_comments_stay(desk: Desk) -> None:
    desk.fill(
        [
            ("一站", "路由器", "路由器", "AR1220", "192.0.2.10", "2021年3月1日", None, None),
            ("一站", "自组网", "背负台", None, "192.0.2.2", None, "2026/2/3", "路由器"),
            ("一站", "基站", "350M基站", None, "192.0.2.7", 44256, None, "背负台"),
        ]
    )
    assert desk.run(write=True).written
    config = load(desk.inventory, kinds=probes.KINDS)
    router, mesh = config.assets["station-1/router"], config.assets["station-1/mesh"]
    assert (router.model, router.commissioned, router.name.zh) == ("AR1220", date(2021, 3, 1), "路由器")
    assert (mesh.name.zh, mesh.retired, mesh.parent) == ("背负台", date(2026, 2, 3), "station-1/router")
    base = config.assets["station-1/base-station-1"]
    assert (base.parent, base.commissioned) == ("station-1/mesh", date(2021, 3, 1))
    text = desk.inventory.read_text(encoding="utf-8")
    for comment in ("# the county's own inventory", "# 一站", "# in the rack"):
        assert comment in text
    assert desk.inventory.with_name("sites.yaml.bak").read_text(encoding="utf-8") == INVENTORY
    assert desk.run(write=True).comparison.changes == ()


def test_what_the_ledger_lacks_is_told_and_left(desk: Desk) -> None:
    desk.fill(SAME[:1])
    assert desk.run(write=True).comparison.gone == ("station-1/mesh",)
    assert "station-1/mesh" in load(desk.inventory, kinds=probes.KINDS).assets


def test_the_number_of_equipment_that_was_retired_is_not_given_again(desk: Desk) -> None:
    desk.inventory.write_text(
        INVENTORY.replace("      - id: mesh\n", "      - {id: base-station-1, kind: base_station, name: 旧基站, "
                          'retired: "2020-01-01", address: 192.0.2.6}\n      - id: mesh\n'), encoding="utf-8",
    )  # fmt: skip
    desk.fill([("一站", "基站", "新基站", None, "192.0.2.7", None, None, None)])
    (change,) = desk.run().comparison.changes
    assert change.asset == "station-1/base-station-2"


def test_merged_cells_hold_for_all_their_rows_and_empty_rows_for_none(desk: Desk) -> None:
    desk.fill([SAME[0], (None, *SAME[1][1:]), (None,) * 8, (None,) * 8], merge="A2:A5")
    assert desk.run().comparison.same == 2


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("三站", "路由器", "甲"), "row 2, column 单位: no site 三站; write a site of the inventory"),
        ((None, "路由器", "甲"), "row 2, column 单位: the cell is empty"),
        (("一站", "天线", "甲"), "row 2, column 设备类型: no kind of equipment 天线"),
        (("一站", "路由器", None, None, "192.0.2.3"), "row 2, column 设备名称: the cell is empty; write the"),
        (("一站", "路由器", "甲", None, "192.0.2.3", "2021-13-01"), "row 2, column 启用日期: 2021-13-01 is no date"),
        (("一站", "路由器", "甲", None, "192.0.2.3", None, None, "交换机"), "column 上联设备: no equipment 交换机"),
        (("一站", "路由器", "甲", None, "192.0.2.3:80"), "mistake: '192.0.2.3:80' holds a port"),
        (("一站", "路由器", "甲"), "row 2: the inventory would have a mistake"),
        (("一站", "路由器", "=A1"), "row 2, column 设备名称: the formula has no stored value"),
        (("一站", "路由器", True), "row 2, column 设备名称: True is no text"),
        (("一站", "路由器", "甲" * 300, None, "192.0.2.3"), "column 设备名称: the text has line breaks or is too long"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_row_and_column(desk: Desk, row: tuple[Any, ...], sentence: str) -> None:
    desk.fill([row])
    with pytest.raises(LedgerError) as raised:
        desk.run(write=True)
    assert f"台账.xlsx: sheet 设备, {sentence}" in str(raised.value) or sentence in str(raised.value)
    assert desk.inventory.read_text(encoding="utf-8") == INVENTORY


def test_every_mistake_is_told_at_once(desk: Desk) -> None:
    desk.fill([("三站", "天线", "甲"), ("一站", "路由器", "路由器"), ("一站", "路由器", "路由器")])
    with pytest.raises(LedgerError) as raised:
        desk.run()
    assert [(problem.row, problem.column) for problem in raised.value.problems] == [
        (2, "单位"), (2, "设备类型"), (4, "设备名称"),
    ]  # fmt: skip


def test_what_is_no_workbook_is_said(desk: Desk) -> None:
    for content, sentence in (
        (b"PK no", "no Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "old or encrypted"),
        (b"", "no Excel"),
    ):
        desk.ledger.write_bytes(content)
        with pytest.raises(LedgerError, match=sentence):
            desk.run()
    desk.ledger.unlink()
    with pytest.raises(LedgerError, match="cannot be read"):
        desk.run()
    shutil.make_archive(str(desk.ledger.with_suffix("")), "zip", desk.inventory.parent, "map.yaml")
    desk.ledger.with_suffix(".zip").rename(desk.ledger)
    with pytest.raises(LedgerError, match="the workbook cannot be read"):
        desk.run()


def test_sheets_and_columns_that_are_not_there(desk: Desk) -> None:
    desk.fill([], heads=("单位", "设备类型", "设备名"))
    with pytest.raises(LedgerError, match=r"no column 设备名称; did you mean 设备名\?"):
        desk.run()
    desk.map.write_text("sheet: 去年\n" + MAP, encoding="utf-8")
    with pytest.raises(LedgerError, match="no sheet 去年; write one of 设备"):
        desk.run()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("columns: {site: a, kind: b}\n", "map.yaml:1:10: the key name is missing"),
        ("columns: {site: a, kind: b, nam: c}\n", "map.yaml:1:29: unknown key 'nam'; did you mean name?"),
        ("columns: {site: a, kind: a, name: c}\n", "two fields are read from the column 'a'"),
        (MAP.replace("mesh_node", "mesh_nod"), "no kind of equipment 'mesh_nod'; did you mean mesh_node?"),
        ("header: [\n", "map.yaml:2:1: "),
    ],
)
def test_a_mistake_in_the_map_has_its_place(desk: Desk, text: str, sentence: str) -> None:
    desk.map.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_map(desk.map)
    assert sentence in str(raised.value)


def test_a_workbook_that_unpacks_to_too_much_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.fill(SAME)
    monkeypatch.setattr("netmon.ledger.sheet.MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(LedgerError, match="too large"):
        desk.run()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-3-1", date(2021, 3, 1)), ("2021/03/01", date(2021, 3, 1)), ("2021.3.1", date(2021, 3, 1)),
        ("２０２１年３月１日", date(2021, 3, 1)), ("44256", date(2021, 3, 1)), ("2021-02-30", None), ("3/1/2021", None),
        ("7", None), ("", None),
    ],
)  # fmt: skip
def test_dates_as_people_and_excel_write_them(text: str, day: date | None) -> None:
    assert the_date(text) == day


SIGNS = st.characters(codec="utf-8", categories=["L", "N", "P", "Zs", "Sm"])
NAMES = st.text(SIGNS, min_size=1, max_size=20).filter(
    lambda name: bool(name.strip()) and name.strip()[0] not in "=#" and name.isprintable()
)
ROWS = st.lists(st.tuples(st.sampled_from(["一站", "二号消防站"]), NAMES), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_an_import_that_is_repeated_changes_nothing(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """Any names that a person can type: taken over once, and known the second time."""
    desk = Desk(tmp_path)
    desk.fill([(site, "卫星电话", name) for site, name in rows])
    try:
        first = desk.run(write=True)
    except LedgerError as error:
        assert {problem.column for problem in error.problems} == {"设备名称"}  # noqa: PT017 (names that fold to one)
        return
    ids = {change.asset for change in first.comparison.changes}
    assert len(ids) == len(first.comparison.changes) == len(rows)
    again = desk.run(write=True)
    assert again.comparison.changes == ()
    assert again.comparison.same == len(rows)


def test_the_command_shows_writes_and_says_what_is_wrong(desk: Desk) -> None:
    desk.fill([("一站", "基站", "[b]基站", None, "192.0.2.7", None, None, None)])
    words = [
        "--lang",
        "en",
        "inventory",
        "import",
        str(desk.ledger),
        "--map",
        str(desk.map),
        "--config",
        str(desk.inventory),
    ]
    runner = CliRunner(env={"COLUMNS": "200"})
    shown = runner.invoke(app, words)
    assert shown.exit_code == 0
    for text in ("station-1/base-station-1 (new)", "[b]基站", "1 new, 0 changed, 0 the same", "nothing is written"):
        assert text in shown.output
    written = json.loads(runner.invoke(app, [*words, "--write", "--json"]).output)
    assert written["written"] is True
    assert "station-1/base-station-1" in load(desk.inventory, kinds=probes.KINDS).assets
    desk.fill([("三站", "基站", "x")])
    wrong = runner.invoke(app, words)
    assert wrong.exit_code == 2
    assert "台账.xlsx: sheet 设备, row 2, column 单位: no site 三站" in wrong.stderr
    assert "Traceback" not in wrong.output
