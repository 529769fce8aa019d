"""Vendor profiles of one's own: beside the inventory, with every mistake at its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from netmon.config import ConfigError, load, recall
from netmon.config.profiles import FAULTS, profile_schema, read_profile, read_profiles
from netmon.model import Threshold
from probes import KINDS, profiles
from probes.profiles.assemble import SENTENCES

INVENTORY = """
snmp_auths: {radio: {version: "2c", community_env: COMMUNITY}}
defaults:
  base_station:
    params: {auth: radio}
    thresholds: {vswr_ratio: {degraded_above: 2.5}, pa_temperature_celsius: {degraded_above: 70}}
    models:
      RD62: {thresholds: {pa_temperature_celsius: {degraded_above: 65}}}
      RD625: {thresholds: {pa_temperature_celsius: {degraded_above: 60}}, interval: 30s}
sites:
  - id: hill
    kind: radio_site
    defaults:
      base_station: {thresholds: {vswr_ratio: {degraded_above: 1.8}}}
    equipment:
      - {id: one, kind: base_station, model: RD625-U, address: 192.0.2.1}
      - {id: two, kind: base_station, address: 192.0.2.2, checks: {base-station: {thresholds: {vswr_ratio: off}}}}
  - id: plain
    kind: radio_site
    equipment:
      - {id: three, kind: base_station, address: 192.0.2.3, checks: {base-station: {params: {profile: my-radio}}}}
"""

MY_RADIO = """
title: My radio
source: its MIB, 2026
base: "1.3.6.1.4.1.99"
include: [host-system]
identify: {object_ids: ["1.3.6.1.4.1.99"]}
service:
  - {word: in_service, when: {carrier: ["on"]}}
modules:
  radio:
    states:
      - name: carrier
        en: carrier
        zh: 载波
        oid: .1.0
        words: {0: ["off", fault, 关], 1: ["on", ok, 开]}
        help: Whether it transmits.
    readings:
      - {name: line_volts, en: line, zh: 线路电压, oid: .2.0, scale: 0.1, limits: {degraded_below: 11}, help: Volts.}
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    profiles.use({})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sites.yaml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "my-radio.yaml").write_text(MY_RADIO, encoding="utf-8")
    return tmp_path


def limits(folder: Path, check: str) -> dict[str, Threshold]:
    config = load(folder / "sites.yaml", kinds=KINDS, environ={"COMMUNITY": "c"})
    return {threshold.reading: threshold for threshold in config.checks[check].thresholds}


def test_a_profile_beside_the_inventory_is_known_by_its_name(folder: Path) -> None:
    """Its readings may be judged, and its vendor's limits hold."""
    found = limits(folder, "plain/three/base-station")

    assert found["line_volts"] == Threshold(reading="line_volts", degraded_below=11)
    assert profiles.load("my-radio").title == "My radio"
    assert profiles.vocabulary().names["line_volts"] == ("line", "线路电压")
    assert profiles.vocabulary().words["carrier", "on"] == "开"


def test_limits_go_from_the_vendor_over_file_model_and_site_to_the_check(folder: Path) -> None:
    one = limits(folder, "hill/one/base-station")
    two = limits(folder, "hill/two/base-station")
    config = load(folder / "sites.yaml", kinds=KINDS, environ={"COMMUNITY": "c"})

    assert one["vswr_ratio"].degraded_above == 1.8
    assert one["pa_temperature_celsius"].degraded_above == 60  # the longest beginning of the model
    assert "vswr_ratio" not in two
    assert two["pa_temperature_celsius"].degraded_above == 70
    assert config.checks["hill/one/base-station"].interval_seconds == 30
    assert config.checks["hill/two/base-station"].interval_seconds == 60


def test_a_vendors_limit_holds_where_the_inventory_says_nothing(folder: Path) -> None:
    plain = INVENTORY.replace("vswr_ratio: {degraded_above: 2.5}, ", "").replace(
        "{vswr_ratio: {degraded_above: 1.8}}", "{}"
    )
    (folder / "sites.yaml").write_text(plain, encoding="utf-8")

    assert limits(folder, "hill/one/base-station")["vswr_ratio"].degraded_above == 2


def test_an_inventory_that_is_refused_leaves_the_profiles_before(folder: Path) -> None:
    limits(folder, "plain/three/base-station")
    (folder / "sites.yaml").write_text(INVENTORY.replace("profile: my-radio", "profile: my-radoi"), encoding="utf-8")
    (folder / "profiles" / "other.yaml").write_text(MY_RADIO, encoding="utf-8")

    with pytest.raises(ConfigError, match=r"no vendor profile 'my-radoi'; did you mean my-radio\?"):
        limits(folder, "plain/three/base-station")
    assert set(profiles.added()) == {"my-radio"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("scale: 0.1", "scael: 0.1", "my-radio.yaml:19:59: unknown key 'scael'; did you mean scale?; write one of"),
        ("oid: .2.0", "oid: .2.x", "my-radio.yaml:19:53: '1.3.2.x' is no numeric OID"),
        ("ok, 开", "fine, 开", "my-radio.yaml:16:"),
        ("carrier: [\"on\"]", "carier: [\"on\"]", "my-radio.yaml:8:31: the device has no fact or state 'carier'"),
        ("include: [host-system]", "include: [host-sytem]",
         "my-radio.yaml:5:11: there is no profile 'host-sytem' to include; did you mean host-system?"),
        (", zh: 线路电压", "", "my-radio.yaml:19:16: 'line_volts' has no short name: give `en` and `zh`"),
        ("oid: .2.0", "oid: .1.0", "my-radio.yaml:19:16: 'line_volts' is there twice, or its OID is"),
        ("word: in_service", "word: working", "my-radio.yaml:8:12: 'working' is not possible here"),
        ("title: My radio\n", "", "my-radio.yaml:1:1: the key title is missing"),
        ("modules:", "modules", "my-radio.yaml:9:1: a key without ':' after it"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(folder: Path, old: str, new: str, expected: str) -> None:
    file = folder / "profiles" / "my-radio.yaml"
    assert old in MY_RADIO
    file.write_text(MY_RADIO.replace(old, new), encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        limits(folder, "plain/three/base-station")
    assert expected in str(raised.value)
    with pytest.raises(ConfigError):
        read_profile(file)


def test_profiles_may_include_each_other_but_not_themselves(folder: Path) -> None:
    files = folder / "profiles"
    (files / "a-newer.yaml").write_text("title: a\nsource: b\ninclude: [my-radio]\n", encoding="utf-8")
    assert set(read_profiles(files)[0]) == {"a-newer", "my-radio"}
    assert "radio" in read_profiles(files)[0]["a-newer"].modules

    (files / "a-newer.yaml").write_text("title: a\nsource: b\ninclude: [a-newer]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="there is no profile 'a-newer' to include"):
        read_profiles(files)


def test_a_profile_does_not_hide_one_of_netmons(folder: Path) -> None:
    (folder / "profiles" / "ups.yaml").write_text(MY_RADIO, encoding="utf-8")

    with pytest.raises(ConfigError, match="'ups' cannot be the name of a profile"):
        read_profiles(folder / "profiles")


def test_the_example_of_the_how_to_is_right(tmp_path: Path) -> None:
    """What docs/profiles.md tells people to write can be read as it stands there."""
    text = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
    example = text.partition("config/profiles/my-radio.yaml`:\n\n")[2].partition("\n4. ")[0]
    file = tmp_path / "example.yaml"
    file.write_text(dedent(example), encoding="utf-8")

    profile = read_profile(file)
    assert profile.service[0].word == "knocked_down"
    assert {spec.name for spec in profile.everything} >= {"vswr_ratio", "slot_level_dbm", "vswr_alarm"}


def test_every_sentence_is_in_the_catalogue_and_the_schema_is_one() -> None:
    assert set(FAULTS) == set(SENTENCES)
    assert profile_schema()["required"] == ["title", "source"]


def test_an_inventory_of_the_past_is_recalled_without_its_profiles(folder: Path) -> None:
    """A profile may be removed: evidence of the years before must not depend on it."""
    text = INVENTORY.replace("profile: my-radio}", "profile: my-radio}, thresholds: {line_volts: {degraded_below: 11}}")
    profiles.use({})

    assert "plain/three/base-station" in recall(text, "then", kinds=KINDS).checks


def test_an_inventory_of_the_past_has_the_profiles_of_its_time(folder: Path) -> None:
    """What was judged in March is judged again by March's limits, whatever the profile says today."""
    march = load(folder / "sites.yaml", kinds=KINDS, environ={"COMMUNITY": "x"})
    file = folder / "profiles" / "my-radio.yaml"
    file.write_text(MY_RADIO.replace("degraded_below: 11}", "degraded_below: 9}"), encoding="utf-8")
    april = load(folder / "sites.yaml", kinds=KINDS, environ={"COMMUNITY": "x"})
    assert (march.text, march.config_id == april.config_id) == (april.text, False)

    name = "plain/three/base-station"
    assert march.checks[name].thresholds != april.checks[name].thresholds
    for config in (march, april):
        again = recall(config.text, "then", kinds=KINDS, profiles=config.profiles)
        assert again.checks == config.checks
        assert again.config_id == config.config_id
    assert profiles.added()["my-radio"].modules  # and what is known now stays
    assert recall(march.text, "then", kinds=KINDS, profiles={"my-radio": "title: broken"}).checks.keys() == (
        march.checks.keys()
    )
