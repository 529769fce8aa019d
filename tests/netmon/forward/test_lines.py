from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netmon.archive.codec import encode_data
from netmon.forward.lines import STATUS_CODES, LineWriter
from netmon.model import Observation, Status
from probes.base import ProbeResult
from tests.lab.observations import observations, ping


def fields_of(line: str) -> tuple[dict[str, str], dict[str, str], int]:
    """Tags, fields and time, read as the documentation says: parts end at an unescaped sign."""

    def split(text: str, sign: str) -> list[str]:
        parts, part, escaped = [], "", False
        for letter in text:
            if escaped or letter == "\\":
                escaped = not escaped and letter == "\\"
                part += "" if escaped else letter
            elif letter == sign:
                parts.append(part)
                part = ""
            else:
                part += letter
        return [*parts, part]

    def cut(text: str, sign: str) -> list[str]:
        """The same, escapes kept."""
        parts, start, escaped = [], 0, False
        for place, letter in enumerate(text):
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == sign:
                parts.append(text[start:place])
                start = place + 1
        return [*parts, text[start:]]

    head, values, time = cut(line, " ")
    name, *tags = cut(head, ",")
    assert name == "netmon"

    def pairs(texts: list[str]) -> dict[str, str]:
        return {each[0]: each[1] for each in (split(text, "=") for text in texts)}

    return pairs(tags), pairs(cut(values, ",")), int(time)


def lines_of(**readings: float) -> list[str]:
    observation = replace(ping(1), result=ProbeResult(readings=readings))
    text = LineWriter().lines("x/uplink/line", "main", 17, 0.25, 1, "degraded", encode_data(observation))
    return text.split("\n")


def test_a_row_is_a_line_for_each_index() -> None:
    lines = lines_of(**{"loss_ratio[far]": 0.1, "loss_ratio[near]": 0, "rtt_seconds[far]": 1e-05, "count": 10})
    head = "netmon,asset=x/uplink,check=x/uplink/line"
    assert lines == [
        f"{head},site=x,vantage=main status_code=1,duration_seconds=0.25,attempt=1,count=10 17",
        f"{head},index=far,site=x,vantage=main loss_ratio=0.1,rtt_seconds=0.00001 17",
        f"{head},index=near,site=x,vantage=main loss_ratio=0 17",
    ]


def test_what_is_no_number_is_left_out() -> None:
    (line,) = lines_of(a=float("nan"), b=float("inf"), c=2.5)
    assert fields_of(line)[1] == {"status_code": "1", "duration_seconds": "0.25", "attempt": "1", "c": "2.5"}


names = st.from_regex(r"[a-z][a-z0-9_]{0,9}(\[[a-z}\",:]{1,3}\])?", fullmatch=True)
numbers = st.floats() | st.integers(0, 9)


@given(
    observation=observations(),
    readings=st.dictionaries(names, numbers, max_size=4),
    derived=st.dictionaries(names.map("rate_{}".format), numbers, max_size=3),
)
def test_every_finite_reading_is_there_with_its_value(
    observation: Observation, readings: dict[str, float], derived: dict[str, float]
) -> None:
    """Whatever else the row holds."""
    observation = replace(
        observation, result=replace(observation.result, readings=readings), derived=derived, status=Status.UP
    )
    text = LineWriter().lines("x/y/z", "main", 17, 0.25, 1, "up", encode_data(observation))
    found: dict[str, float] = {}
    for line in text.split("\n"):
        tags, fields, _at = fields_of(line)
        index = f"[{tags['index']}]" if "index" in tags else ""
        found |= {f"{name}{index}": float(value) for name, value in fields.items()}
    run = {"status_code": 0.0, "duration_seconds": 0.25, "attempt": 1.0}
    finite = {name: value for name, value in {**readings, **derived}.items() if math.isfinite(value)}
    assert found == {**run, **finite}


def test_every_status_has_a_number() -> None:
    assert set(STATUS_CODES) == set(Status)


@given(index=st.text(min_size=1, max_size=30), value=st.floats(allow_nan=False, allow_infinity=False))
def test_no_index_breaks_a_line_or_another_tag(index: str, value: float) -> None:
    lines = lines_of(**{f"loss_ratio[{index}]": value})
    assert len(lines) == 2
    assert "\n" not in lines[1]
    tags, fields, at = fields_of(lines[1])
    assert list(tags) == ["asset", "check", "index", "site", "vantage"]
    assert fields == {"loss_ratio": repr(value)}
    assert float(fields["loss_ratio"]) == value
    assert at == 17
