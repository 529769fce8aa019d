from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import probes
from grafana.county_map import county_map
from netmon.config import load

ROOT = Path(__file__).parents[2]


def run(inventory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grafana.county_map", str(inventory)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_committed_map_is_that_of_the_sample() -> None:
    done = run(ROOT / "config" / "sites.yaml")
    committed = ROOT / "grafana" / "maps" / "netmon-county.geojson"
    assert (done.returncode, done.stdout) == (0, committed.read_text("utf-8"))


def test_it_holds_a_grid_around_the_sites_and_lines_between_those_that_hang_together() -> None:
    config = load(ROOT / "config" / "sites.yaml", kinds=probes.KINDS)
    features = county_map(config)["features"]
    assert {feature["type"] for feature in features} == {"Feature"}
    lines = {"grid": [], "link": []}  # type: dict[str, list[list[list[float]]]]
    for feature in features:
        assert feature["geometry"]["type"] == "LineString"
        lines[feature["properties"]["what"]].append(feature["geometry"]["coordinates"])
    places = [(site.place.longitude, site.place.latitude) for site in config.sites.values() if site.place.longitude]
    corners = [tuple(end) for line in lines["grid"] for end in line]
    for axis in (0, 1):
        assert min(corner[axis] for corner in corners) < min(place[axis] for place in places)
        assert max(corner[axis] for corner in corners) > max(place[axis] for place in places)
    battalion = config.sites["battalion"].place
    assert len(lines["link"]) == 4, "two stations and two hilltops hang on the battalion's router"
    assert all([battalion.longitude, battalion.latitude] in line for line in lines["link"])


def test_an_inventory_without_places_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text("sites:\n  - {id: a, kind: township, name: {zh: 甲, en: A}}\n", "utf-8")
    with pytest.raises(ValueError, match="no site of the inventory has a place"):
        county_map(load(path, kinds=probes.KINDS))
    done = run(path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert json.dumps(done.stderr).count("latitude") == 1
