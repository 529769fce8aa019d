"""A real uplink is cut, a real router takes the other one: what netmon records of it is what happened."""

from __future__ import annotations

from netmon.archive import Event
from netmon.failover import FAILOVER, FAILOVER_ENDED, Outcome, failovers_of
from tests.lab import need
from tests.lab.two_uplinks import cut_primary


def test_the_gap_is_what_it_was() -> None:
    need.program("snmpd", "snmpd")
    found = cut_primary()

    assert [event["kind"] for event in found["events"]] == [FAILOVER, FAILOVER_ENDED]
    (failover,) = failovers_of(Event(**event) for event in found["events"])
    assert failover.taken_over
    assert failover.primary == "station/line"
    assert failover.of(Outcome.WORKED) == ("station/hd/ping", "station/router/ping")
    away = (found["switched_ns"] - found["cut_ns"]) / 1e9
    assert failover.gap is not None
    low, high = failover.gap
    assert 0 < low <= away <= high
    assert high - low < 4  # runs are a second apart, and each takes less than one
    assert failover.noticed_ns > found["switched_ns"]
    words = [word for word in found["words"] if word != "unknown"]
    assert [word for word, before in zip(words, ["", *words], strict=False) if word != before] == [
        "primary", "backup", "primary",
    ]  # fmt: skip
    assert found["verdicts"] == {"station": "met"}
