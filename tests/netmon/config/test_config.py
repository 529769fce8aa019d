"""The inventory: the sample is right, every mistake has its exact message, and nothing but ConfigError comes out."""

from __future__ import annotations

import json
from collections import Counter
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netmon.config import ConfigError, Problem, load, schema
from netmon.config.defaults import CHECK_DEFAULTS, EQUIPMENT_CHECKS
from netmon.config.units import parse_quantity
from probes import KINDS
from probes.base import Family, split_key
from probes.base_station import BaseStationParams
from probes.uplink import UplinkParams
from tests.lab.soak import damaged, scale

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "config"
SAMPLE = ROOT / "config" / "sites.yaml"
# RFC 5737, RFC 3849
DOCUMENTATION_PREFIXES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
MISTAKES = sorted(DATA.glob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "sites.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_mistake_has_its_exact_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """file:line:column, what is wrong, the nearest right word, what to write."""
    monkeypatch.chdir(DATA)
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    with pytest.raises(ConfigError) as raised:
        load(Path(path.name), kinds=KINDS, environ={})

    assert str(raised.value) == expected


def test_the_sample_is_right_and_names_hunchuns_townships() -> None:
    """It is marked as a sample and its addresses are those kept for documentation."""
    config = load(SAMPLE, kinds=KINDS)
    assert config.sample
    assert config.warnings == ()
    assert sum(site.kind == "township" for site in config.sites.values()) == 13
    prefixes = [ip_network(prefix) for prefix in DOCUMENTATION_PREFIXES]
    assert config.allowed_hosts
    for host in config.allowed_hosts:
        assert any(ip_address(host) in prefix for prefix in prefixes), host


def test_the_sample_shows_every_kind_of_equipment_and_what_is_required_of_it() -> None:
    """Required counts are those of the equipment that is there, but for one gap that shows what a gap looks like."""
    config = load(SAMPLE, kinds=KINDS)
    assert {asset.kind for asset in config.assets.values()} == set(EQUIPMENT_CHECKS)
    present = {site: Counter(a.kind for a in config.assets.values() if a.site == site) for site in config.sites}
    gaps = {
        (site.id, kind): count - present[site.id][kind]
        for site in config.sites.values()
        for kind, count in site.required.items()
        if count != present[site.id][kind]
    }
    assert gaps == {("station-2", "satellite_terminal"): 1}
    assert all(set(present[site.id]) <= set(site.required) for site in config.sites.values())
    params = [check.params for check in config.checks.values()]
    assert {p.profile for p in params if isinstance(p, BaseStationParams)} == {"hytera-repeater", "tait-tb9300"}
    speeds = [p.provisioned_bits_per_second or 0.0 for p in params if isinstance(p, UplinkParams)]
    assert len(speeds) == 5
    assert min(speeds) == 50e6


def test_built_in_limits_name_readings_that_their_kind_has() -> None:
    """A limit on a reading that does not exist judges nothing, and nobody would notice."""
    for name, defaults in CHECK_DEFAULTS.items():
        kind = KINDS[name]
        known = {reading.name for reading in kind.readings} | {counter.rate for counter in kind.counters}
        assert {split_key(threshold.reading)[0] for threshold in defaults.thresholds} <= known, name


def test_every_probe_kind_of_the_table_exists() -> None:
    """A misspelt kind would silently give no check."""
    named = {kind for checks in EQUIPMENT_CHECKS.values() for kind in checks.values()}
    assert named <= set(KINDS)


EXAMPLE = """\
snmp_auths:
  radios: {version: 2c, community_env: RADIOS}
defaults:
  ping: {interval: 30s, thresholds: {loss_ratio: {degraded_above: 10%}}}
sites:
  - id: hill
    kind: radio_site
    name: 山顶
    required: {base_station: 1}
    equipment:
      - id: bs
        kind: base_station
        address: 192.0.2.7
        commissioned: "2021-06-01"
        checks:
          base-station: {interval: 2m, confirm: off, params: {auth: radios, count: 5}}
          ping: {kind: ping, address: 2001:db8::7}
      - {id: r, kind: router, parent: bs, address: router.example, checks: {ping: off}}
"""


def test_checks_follow_from_the_kind_and_can_be_changed(tmp_path: Path) -> None:
    """Built-in defaults, then the file's, then what is written at the check."""
    config = load(write(tmp_path, EXAMPLE), kinds=KINDS, environ={"RADIOS": "s3cret"})
    assert list(config.checks) == ["hill/bs/base-station", "hill/bs/ping"]
    station, ping = config.checks.values()
    assert (station.interval_seconds, station.confirm_seconds, station.params.count) == (120.0, None, 5)  # type: ignore[attr-defined]
    assert ping.endpoints["host"].family is Family.IPV6
    assert ping.interval_seconds == 30.0
    assert [(t.reading, t.degraded_above) for t in ping.thresholds] == [("loss_ratio", 0.1)]
    assert config.assets["hill/r"].parent == "hill/bs"
    assert config.sites["hill"].name.zh == "山顶"
    assert config.snmp_auths["radios"].community == "s3cret"
    assert "s3cret" not in repr(config)
    assert "s3cret" not in config.text


def test_a_secret_file_that_all_can_read_is_a_warning(tmp_path: Path) -> None:
    """It works, and yet it is not well; a sample's is no secret."""
    secret = tmp_path / "community"
    secret.write_text("public\n", encoding="utf-8")
    secret.chmod(0o644)
    text = "snmp_auths: {a: {version: 2c, community_file: community}}\nsites: []\n"
    path = write(tmp_path, text)
    config = load(path, kinds=KINDS)
    assert config.snmp_auths["a"].community == "public"
    assert "every user of this machine can read" in str(config.warnings[0])
    sample = write(tmp_path, "sample: true\n" + path.read_text(encoding="utf-8"))
    assert load(sample, kinds=KINDS).warnings == ()
    write(tmp_path, text)
    secret.chmod(0o600)
    assert load(path, kinds=KINDS).warnings == ()


@pytest.mark.parametrize("case", ["missing", "folder", "latin"])
def test_a_file_that_cannot_be_read_is_an_error_too(case: str, tmp_path: Path) -> None:
    """Never a traceback."""
    path = tmp_path / "sites.yaml"
    if case == "folder":
        path.mkdir()
    elif case == "latin":
        path.write_bytes(b"sites: []\nname: \xff\n")
    with pytest.raises(ConfigError) as raised:
        load(path, kinds=KINDS)
    assert raised.value.problems[0].line == (2 if case == "latin" else 1)


@pytest.mark.soak
@settings(max_examples=scale(150, 20_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_positions_inside_it_and_nothing_else(data: st.DataObject, tmp_path: Path) -> None:
    """Cut, doubled or replaced lines: right, or a ConfigError whose every problem points into the file."""
    lines = EXAMPLE.splitlines()
    for _turn in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["cut", "double", "text", "indent"]))
        if change == "cut" and len(lines) > 1:
            del lines[at]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "text":
            start = data.draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:start] + data.draw(st.text(max_size=8).filter(lambda t: "\n" not in t))
        else:
            lines[at] = " " + lines[at]
    text = "\n".join(lines)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return
    path = tmp_path / "sites.yaml"
    path.write_bytes(encoded)
    problems: tuple[Problem, ...] = ()
    try:
        load(path, kinds=KINDS, environ={"RADIOS": "x"})
    except ConfigError as error:
        problems = error.problems
    count = len(text.splitlines()) + 1
    assert all(1 <= problem.line <= count and problem.column >= 1 for problem in problems)


@pytest.mark.soak
@settings(max_examples=scale(100, 20_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_bytes_are_a_config_error_or_an_inventory(tmp_path: Path, raw: bytes) -> None:
    """Nothing else ever comes out of the loader."""
    path = tmp_path / "sites.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError):
        load(path, kinds=KINDS)


@pytest.mark.soak
def test_no_damage_brings_anything_but_a_config_error(tmp_path: Path) -> None:
    """Octets of right and wrong inventories changed, moved and cut: every problem points into the file."""
    path = tmp_path / "sites.yaml"
    originals = [EXAMPLE.encode(), *(mistake.read_bytes() for mistake in MISTAKES)]
    refused = 0
    for raw in damaged(originals, scale(1_000, 2_000_000)):
        path.write_bytes(raw)
        problems: tuple[Problem, ...] = ()
        try:
            load(path, kinds=KINDS, environ={"RADIOS": "x"})
        except ConfigError as error:
            problems = error.problems
        except Exception as error:
            raise AssertionError(raw) from error
        refused += bool(problems)
        lines = raw.decode("utf-8", "replace").splitlines()
        assert all(1 <= problem.line <= len(lines) + 1 and problem.column >= 1 for problem in problems), raw
    assert refused


def test_the_committed_schema_is_the_one_the_program_prints() -> None:
    """Regenerate with `netmon schema > config/sites.schema.json`."""
    committed = json.loads((ROOT / "config" / "sites.schema.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(schema(KINDS)))


def test_the_page_lists_the_checks_that_equipment_brings() -> None:
    """docs/inventory.md cannot drift from the code."""
    page = (ROOT / "docs" / "inventory.md").read_text(encoding="utf-8")
    for kind, checks in EQUIPMENT_CHECKS.items():
        words = ", ".join(f"{name}: {probe}" for name, probe in checks.items()) or "none"
        assert f"| {kind} | {words} |" in page


@pytest.mark.parametrize(
    ("text", "share"), [("99.9%", 0.999), ("5 %", 0.05), ("0.7%", 0.007), ("100%", 1.0), ("29%", 0.29)]
)
def test_percent_is_the_nearest_number(text: str, share: float) -> None:
    """99.9 / 100 is more than 0.999: a share of exactly 99.9 % would have been below it."""
    assert parse_quantity(text, "at_least_ratio") == share
