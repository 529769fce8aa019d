"""Kind path_mtu: emulated paths of known MTU, black holes among them; the search against every MTU there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.base import Family
from probes.wire.path_mtu import LEAST_BYTES, Search
from tests.lab.mtu_paths import search_all


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """One run of the lab for all tests that look at it."""
    return search_all()


families = pytest.mark.parametrize("family", list(Family))


@families
@pytest.mark.parametrize(
    ("case", "mtu", "word"),
    [
        ("whole", 1500, "works"),
        ("told", 1400, "works"),
        ("by one", 1499, "works"),
        ("lossy", 1452, "works"),
        ("black hole", 1400, "black_hole"),
        ("narrow black hole", 1281, "black_hole"),
    ],
)
def test_the_mtu_is_found(found: dict[str, dict[str, Any]], family: Family, case: str, mtu: int, word: str) -> None:
    result = found[f"{case} {family}"]

    assert result["failure"] is None
    assert result["readings"] == {f"path_mtu_bytes[{family}]": mtu}
    assert result["states"] == {f"path_mtu_discovery[{family}]": word}


@families
def test_a_host_that_is_down_is_no_black_hole(found: dict[str, dict[str, Any]], family: Family) -> None:
    assert found[f"down {family}"] | {"steps": 0} == {"failure": "timeout", "readings": {}, "states": {}, "steps": 0}
    assert found[f"refused {family}"]["failure"] == "prohibited"


@families
def test_our_own_interface_is_never_the_paths_fault(found: dict[str, dict[str, Any]], family: Family) -> None:
    assert "this machine's own interface takes no packet of 1501 bytes" in found[f"own limit {family}"]["fault"]


@families
def test_a_router_that_says_so_saves_packets(found: dict[str, dict[str, Any]], family: Family) -> None:
    assert found[f"told {family}"]["steps"] <= 4
    assert found[f"black hole {family}"]["steps"] >= 8


@given(
    mtu=st.integers(min_value=500, max_value=9000), largest=st.integers(min_value=1280, max_value=9000),
    tells=st.sampled_from(["the truth", "nothing", "no size", "too little", "too much"]),
    family=st.sampled_from(list(Family)),
)  # fmt: skip
def test_the_search_finds_every_mtu(mtu: int, largest: int, tells: str, family: Family) -> None:
    """Whatever routers say; lies cost packets and change nothing."""
    search = Search(least=LEAST_BYTES[family], largest=largest)
    hint = {"the truth": mtu, "too little": mtu - 100, "too much": mtu + 100}.get(tells)
    sizes = []
    while (size := search.size) is not None:
        sizes.append(size)
        if size <= mtu:
            search.passed(size)
        else:
            search.lost(size, told_mtu=hint, told=tells != "nothing")

    assert search.good == (min(mtu, largest) if min(mtu, largest) >= LEAST_BYTES[family] else None)
    assert len(sizes) == len(set(sizes))
    assert len(sizes) <= 17
    assert search.silent is (tells == "nothing" and mtu < largest)
