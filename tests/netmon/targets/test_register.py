"""The register: the plan's fifteen targets are there, every mistake has its exact message, the schema is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netmon.config import ConfigError
from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.targets.register import load_register, register_schema
from probes import KINDS
from tests.lab.soak import damaged, scale

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "register"
REGISTER = ROOT / "config" / "targets.yaml"
TARGETS = {
    "radio-coverage", "radio-sites", "uplink-bandwidth", "dispatch-network", "link-quality", "ipv6", "dispatch-hd",
    "adhoc-network", "public-network", "satellite", "satellite-phone", "voice-video", "command-vehicle", "sensing",
    "offline-resilience",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_mistake_has_its_exact_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    with pytest.raises(ConfigError) as raised:
        load_register(Path(path.name), kinds=KINDS)
    assert str(raised.value) == expected


def test_the_plans_targets_are_there_in_both_languages() -> None:
    register = load_register(REGISTER, kinds=KINDS)
    assert set(register.targets) == TARGETS
    for target in register.targets.values():
        texts = [target.name, target.clause.says, target.indicator]
        for criterion in target.criteria:
            texts += [criterion.name, *([criterion.lacking] if criterion.rule == "documents" else [])]
        assert all(text.zh and text.en for text in texts), target.id


def test_the_plans_figures_are_those_of_the_register() -> None:
    """Figures and dates that the plan or its reading gives; who changes them must change this, too."""
    targets = load_register(REGISTER, kinds=KINDS).targets
    by_id = {(target.id, part.id): part for target in targets.values() for part in target.criteria}
    assert by_id["radio-sites", "available"].at_least == 0.999
    assert by_id["radio-coverage", "surveyed"].at_least == 0.9
    assert by_id["sensing", "fresh"].at_least == 0.95
    assert by_id["dispatch-network", "available"].at_least is None
    assert by_id["satellite", "drilled"].longest_age_seconds == 30 * 86_400
    assert {target.id: str(target.deadline)[:4] for target in targets.values() if target.deadline} == {
        "radio-coverage": "2021", "radio-sites": "2021", "uplink-bandwidth": "2021", "dispatch-hd": "2021",
        "adhoc-network": "2021", "public-network": "2022", "satellite": "2023", "satellite-phone": "2020",
        "voice-video": "2023", "command-vehicle": "2020", "sensing": "2023",
    }  # fmt: skip


def test_every_kind_of_equipment_but_the_general_ones_belongs_to_a_target() -> None:
    register = load_register(REGISTER, kinds=KINDS)
    named = {kind for target in register.targets.values() for part in target.criteria for kind in part.equipment}
    assert set(EQUIPMENT_CHECKS) - named == {"router", "name_server", "power", "application"}


def test_the_schema_is_up_to_date() -> None:
    """`netmon schema targets` was run."""
    committed = json.loads((ROOT / "config" / "targets.schema.json").read_text(encoding="utf-8"))
    assert committed == register_schema()


def test_a_damaged_register_gives_problems_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    refused = 0
    for data in damaged([REGISTER.read_bytes()], scale(150, 20_000)):
        path.write_bytes(data)
        try:
            load_register(path, kinds=KINDS)
        except ConfigError as error:
            refused += bool(error.problems)
    assert refused
