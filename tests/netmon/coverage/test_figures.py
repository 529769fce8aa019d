"""Samples to tiles to figures, without any file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from netmon.archive import Sample
from netmon.config import ConfigError, load
from netmon.coverage.confidence import clopper_pearson_lower
from netmon.coverage.definition import Definition, definition_schema, load_definition, recall_definition
from netmon.coverage.figures import AreaFigures, Span, Surveyed, over_time, planner, sole_service
from netmon.coverage.load import from_plain, to_plain
from netmon.coverage.mapping import load_survey_map
from netmon.coverage.tally import UNKNOWN_STATION, Tile, tally
from netmon.coverage.tiles import centre, near, outline, resolutions, tile_at
from netmon.coverage.words import share_words
from netmon.demo.survey import SETTINGS, areas_geojson
from tests.lab.counties import LEVEL, CountyOfSeed, definition_text
from tests.lab.soak import SEED, scale

A, B, C = "a/base", "b/base", "c/base"
DEFINITION = recall_definition(definition_text(settings="least_samples: 3\nneighbours: 1\n"), "county")
TILE = DEFINITION.planned["area-0"][40]
BETTER, WORSE = LEVEL + 5.0, LEVEL - 5.0


def sample(
    dbm: float | None, station: str = A, *, tile: int = TILE, serving: bool = True, heard: bool = True
) -> Sample:
    return Sample(2, 10**18, *centre(tile), "vehicle", station, serving, dbm, None, None, heard)


NOTHING = sample(None, "", heard=False)


def tile_of(samples: Iterable[Sample], definition: Definition = DEFINITION) -> Tile:
    return tally(samples, definition)["vehicle"][TILE]


def test_tiles_are_at_least_100_wavelengths_and_less_than_two_kilometres() -> None:
    """At 350 MHz 85.7 m: resolution 10 has sides of 76 m, and 7 is 2.4 km across."""
    assert resolutions(350e6) == (8, 9)
    assert resolutions(150e6) == (8, 9)
    assert resolutions(800e6) == (8, 9, 10)


def test_every_place_of_an_area_is_in_one_tile_of_it() -> None:
    chance = random.Random(SEED)
    assert len(outline(TILE)) == 6
    areas = {tile for tiles in DEFINITION.planned.values() for tile in tiles}
    assert len(areas) == sum(map(len, DEFINITION.planned.values()))
    for _ in range(200):
        latitude, longitude = 42.82 + chance.random() * 0.03, 130.32 + chance.random() * 0.15
        assert DEFINITION.tile_at(latitude, longitude) == tile_at(latitude, longitude, 8) in areas
    assert DEFINITION.tile_at(40.0, 116.0) is None


def test_the_median_decides_and_a_failed_attempt_is_never_forgotten() -> None:
    good = [sample(BETTER)] * 3
    assert tile_of(good).covered is True
    assert tile_of([NOTHING, NOTHING, *good]).covered is True
    assert tile_of([NOTHING] * 4 + good).covered is False
    # Whoever tries again until it works has the failed attempts still.
    assert tile_of([NOTHING] * 4 + good + [sample(BETTER)] * 2).covered is True
    assert tile_of([sample(WORSE)] * 4 + good).covered is False
    assert tile_of([sample(LEVEL)] * 3).covered is True


def test_too_few_attempts_are_no_test() -> None:
    found = tile_of([sample(BETTER)] * 2)
    assert found.covered is None
    assert not found.certain
    (area, _other) = survey([sample(BETTER)] * 2).areas.values()
    assert (area.tested, area.covered) == (0, 0)


def test_what_the_criterion_asks_for_has_to_be_measured() -> None:
    text = definition_text().replace(f"least_dbm: {LEVEL}", f"least_dbm: {LEVEL}, most_ber: 5%")
    definition = recall_definition(text, "county")
    with_ber = [sample(BETTER)._replace(ber_ratio=ber) for ber in (0.01, 0.02, 0.03, 0.2, 0.2)]
    assert tile_of(with_ber, definition).covered is True
    assert tile_of([*with_ber, NOTHING], definition).covered is False
    assert tile_of([sample(BETTER)] * 9, definition).covered is None


def test_overlap_is_certain_by_samples_of_its_own_and_possible_by_those_around() -> None:
    (around, *_others) = sorted(near(TILE, 1) & set(DEFINITION.planned["area-0"]))
    found = tile_of(
        [sample(BETTER)] * 4 + [sample(BETTER, B, serving=False)] + [sample(BETTER, C, tile=around, serving=False)]
    )
    assert found.certain == {A}
    assert found.possible == {A, B, C}
    weak = tile_of([sample(BETTER)] * 4 + [sample(WORSE, B, serving=False)] * 4)
    assert weak.possible == {A}


def test_a_log_of_serving_stations_alone_says_nothing_of_overlap() -> None:
    (far,) = (tile for tile in DEFINITION.planned["area-1"][-1:])
    found = tile_of([sample(BETTER)] * 4 + [sample(BETTER, B, tile=far)] * 4)
    assert found.certain == {A}
    assert found.possible == {A, B}


def survey(samples: Iterable[Sample], definition: Definition = DEFINITION) -> Surveyed:
    return Surveyed(
        survey="spring", at_ns=10**18, terminal=definition.terminals["vehicle"], definition=definition,
        tiles=tally(samples, definition)["vehicle"],
    )  # fmt: skip


def area(*groups: tuple[str, str, int], planned: int = 100, tested: int = 90) -> AreaFigures:
    """Groups of covered tiles: stations for certain, stations possibly, a letter each."""
    made = {(frozenset(certain), frozenset(certain + possible)): tiles for certain, possible, tiles in groups}
    return AreaFigures(area="x", planned=planned, tested=tested, covered=sum(made.values()), groups=made)


def test_untested_tiles_are_never_covered() -> None:
    here = area(("a", "", 80))
    assert here.ratio == 0.8
    assert here.lower_bound(0.95) == clopper_pearson_lower(80, 100, 0.95)
    assert share_words(80, 100) == "80.0 %"
    assert share_words(2, 3) == "66.6 %"
    assert share_words(2, 3, up=True) == "66.7 %"
    assert share_words(0, 0) == "-"


def test_available_is_a_range_where_overlap_or_a_state_is_not_known() -> None:
    here = area(("a", "", 10), ("ab", "", 20), ("a", "b", 30), ("", UNKNOWN_STATION, 5))
    assert vars_of(here, a=True, b=True) == (60, 65)
    assert vars_of(here, a=False, b=True) == (20, 55)
    assert vars_of(here, a=None, b=False) == (0, 65)
    assert vars_of(here, a=False, b=False) == (0, 5)


def vars_of(here: AreaFigures, **works: bool | None) -> tuple[float, float]:
    found = here.available(works)
    return found.low, found.high


STATES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([True, False, None]))
GROUPS = st.lists(st.tuples(st.text("abc", max_size=3), st.text("abc?", max_size=3), st.integers(1, 50)), max_size=6)


@given(groups=GROUPS, works=STATES, station=st.sampled_from("abc"))
def test_more_outage_never_makes_more_available(
    groups: list[tuple[str, str, int]], works: dict[str, bool | None], station: str
) -> None:
    here = area(*groups, planned=1000)
    before = here.available(works)
    after = here.available({**works, station: False})
    assert 0 <= before.low <= before.high <= here.covered
    assert (after.low, after.high) <= (before.low, before.high)
    less_known = here.available({**works, station: None})
    assert less_known.low <= before.low
    assert less_known.high >= before.high


def test_over_time_each_state_counts_as_long_as_it_lasts() -> None:
    here = area(("a", "", 10), ("ab", "", 20))
    spans = {"a": [Span(0, 60, True), Span(60, 80, False)], "b": [Span(0, 100, True)]}
    found = over_time({"x": here}, spans, since_ns=0, until_ns=100)["x"]
    assert found.low == pytest.approx((60 * 30 + 20 * 20 + 20 * 20) / 100)
    assert found.high == pytest.approx((60 * 30 + 20 * 20 + 20 * 30) / 100)


@given(
    cuts=st.lists(st.integers(1, 99), max_size=8, unique=True).map(sorted),
    states=st.lists(st.sampled_from([True, False, None]), min_size=9, max_size=9),
)  # fmt: skip
def test_over_time_is_the_mean_of_all_moments(cuts: list[int], states: list[bool | None]) -> None:
    here = area(("a", "", 10), ("ab", "", 20), ("b", "a", 5))
    edges = [0, *cuts, 100]
    line = [Span(begin, end, states[n]) for n, (begin, end) in enumerate(pairwise(edges))]
    found = over_time({"x": here}, {"a": line, "b": [Span(-50, 50, True)]}, since_ns=0, until_ns=100)["x"]
    low = high = 0.0
    for moment in range(100):
        state = next(span.works for span in line if span.from_ns <= moment < span.until_ns)
        now = here.available({"a": state, "b": True if moment < 50 else None})
        low, high = low + now.low / 100, high + now.high / 100
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_ranking_says_what_an_outage_costs() -> None:
    samples = [sample(BETTER, A)] * 4 + [sample(WORSE, B, serving=False)] * 4
    (other,) = DEFINITION.planned["area-1"][:1]
    samples += [sample(BETTER, B, tile=other)] * 4 + [sample(BETTER, A, tile=other, serving=False)] * 4
    found = {each.station: (each.least, each.most) for each in sole_service(survey(samples))}
    assert found == {A: (1, 1), B: (0, 0)}


def test_the_planner_says_how_many_more_and_where() -> None:
    tiles = DEFINITION.planned["area-0"]
    covered = [sample(BETTER, tile=tile) for tile in tiles[:60] for _ in range(3)]
    failed = [sample(WORSE, tile=tile) for tile in tiles[60:62] for _ in range(3)]
    here, there = planner(survey([*covered, *failed]), at_least=0.9)
    assert here.needed is not None
    assert here.more == here.needed - 60
    assert len(here.where) == len(tiles) - 62
    assert there.more == there.needed
    hopeless = [sample(WORSE, tile=tile) for tile in tiles[:40] for _ in range(3)]
    assert planner(survey(hopeless), at_least=0.9)[0].more is None


def test_tiles_are_drawn_at_random_and_the_same_each_time() -> None:
    text = definition_text(settings="resolution: 9\n")
    every = recall_definition(text, "county")
    drawn = recall_definition(text.replace("resolution: 9", "resolution: 9\\ndraw: spring"), "county")
    assert len(every.planned["area-0"]) > 700
    assert len(drawn.planned["area-0"]) == 100  # TSB-88 for 5 % and 95 %, the floor
    assert set(drawn.planned["area-0"]) < set(every.planned["area-0"])
    again = recall_definition(drawn.text, "county")
    assert again.planned == drawn.planned
    assert survey([], drawn).whole is None
    assert survey([], every).whole is not None


def test_what_another_process_worked_out_comes_back() -> None:
    before = CountyOfSeed(3, settings="resolution: 8\n").survey(0.5)
    after = from_plain(json.loads(json.dumps(to_plain(before))))
    assert after.tiles == before.tiles
    assert after.areas == before.areas
    assert after.at_ns == before.at_ns


def test_the_shipped_files_are_those_of_the_demo_and_the_schema_is_up_to_date() -> None:
    """`netmon schema coverage` was run; the sample's areas are made up by the same function."""
    folder = Path(__file__).parents[3] / "config"
    assert json.loads((folder / "coverage.schema.json").read_text(encoding="utf-8")) == definition_schema()
    assert (folder / "areas.geojson").read_text(encoding="utf-8") == areas_geojson()
    assert (folder / "coverage.yaml").read_text(encoding="utf-8") == SETTINGS
    definition = load_definition(folder / "coverage.yaml")
    sites = load(folder / "sites.yaml", kinds=probes.KINDS).sites
    townships = {site.id for site in sites.values() if site.kind == "township"}
    assert set(definition.planned) == townships
    assert len(townships) == 13
    stations = ["hilltop-1/repeater", "hilltop-2/repeater"]
    load_survey_map(folder / "survey-map.yaml", terminals=definition.terminals, stations=stations)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("areas_datum: wgs84", "areas_datum: mars"), "'mars' is not possible here"),
        (("areas_datum: wgs84\n", ""), "areas_datum"),
        (("terminals:", "resolution: 10\nterminals:"), "10 is no resolution; write one of 8, 9"),
        (("least_dbm", "least_dbn"), "did you mean least_dbm?"),
        ((f", least_dbm: {LEVEL}", ""), "nothing says when this class of terminals is served"),
        (("areas: areas.geojson", "areas: gone.geojson"), "gone.geojson cannot be read"),
    ],
)
def test_mistakes_of_the_definition_are_told(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    kept = json.loads(definition_text())
    (tmp_path / "coverage.yaml").write_text(kept["settings"].replace(*change), encoding="utf-8")
    (tmp_path / "areas.geojson").write_text(kept["areas"], encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_definition(tmp_path / "coverage.yaml")
    assert told in str(refused.value)
    assert "coverage.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ({"properties": {}, "geometry": {"type": "Point", "coordinates": [130, 42]}}, "feature 1: nothing is no id"),
        ({"properties": {"id": "a"}, "geometry": {"type": "LineString"}}, "is no area and no place"),
        (
            {"properties": {"id": "a"}, "geometry": {"type": "Polygon", "coordinates": [[[130, 42], [131, 42]]]}},
            "coordinates",
        ),
        ({"properties": {"id": "a"}, "geometry": {"type": "Point", "coordinates": [42, 130]}}, "coordinates"),
        ("text", "feature 1"),
    ],
)
def test_mistakes_of_the_areas_are_told(feature: object, told: str) -> None:
    kept = json.loads(definition_text())
    kept["areas"] = json.dumps({"type": "FeatureCollection", "features": [feature]})
    with pytest.raises(ConfigError) as refused:
        recall_definition(json.dumps(kept), "areas.geojson")
    assert told in str(refused.value)


@pytest.mark.soak
def test_what_is_said_holds_the_truth() -> None:
    """Hills, stations and roads of a seed; the truth comes from them and not from netmon.

    The counted range can miss by what a few places in a tile say of the whole tile; with the bounds of both ends it
    has to hold in as many cases as they promise: 90 % of the time or more, for each end may miss in 5 %.
    """
    surveyed, available = [], []
    for seed in range(scale(3, 60)):
        county = CountyOfSeed(SEED + seed)
        for neighbours in (0.0, 0.1, 1.0):
            survey = county.survey(neighbours)
            surveyed += county.surveyed(survey)
            available += county.available(survey)
    for held in (surveyed, available):
        assert sum(each.bounds for each in held) >= 0.9 * len(held)
        assert max(each.miss for each in held) < 0.05
    # It says something, too: a range of nothing to everything would hold as well.
    assert sum(each.width for each in available) / len(available) < 0.5
