"""From evidence to coverage: what a survey proves of an area, and when which base station worked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from netmon.coverage.figures import AreaFigures, Span, Surveyed
from netmon.coverage.load import Surveys
from netmon.summary import works
from netmon.targets.evidence import SECOND_NS, Slice
from netmon.targets.rules import SurveyEvidence

__all__ = ["station_spans", "survey_evidence"]


def survey_evidence(surveys: Surveys, *, until_ns: int) -> Iterator[tuple[str, SurveyEvidence]]:
    """What the last survey says of each area, and of all together where that is one figure; the end of a period.

    The figure must not fall below what the survey before has proven (its lower bound): two surveys of the same country
    differ by chance, and a survey that shows what the one before showed is no worse.
    """
    last, before = surveys.last, surveys.before
    whole = {} if last.whole is None else {"": last.whole}
    for area_id, figures in {**whole, **last.areas}.items():
        previous = None if before is None else before.whole if not area_id else before.areas.get(area_id)
        yield (
            area_id,
            SurveyEvidence(
                passed_tiles=figures.covered,
                planned_tiles=figures.planned,
                measured_tiles=figures.tested,
                age_seconds=(until_ns - last.at_ns) / SECOND_NS,
                previous_ratio=_proven(before, previous),
            ),
        )


def _proven(survey: Surveyed | None, figures: AreaFigures | None) -> float | None:
    if survey is None or figures is None:
        return None
    return figures.lower_bound(survey.definition.confidence)


def station_spans(
    checks: Mapping[str, Sequence[str]], timelines: Mapping[str, Sequence[Slice]]
) -> dict[str, list[Span]]:
    """When equipment worked.

    Args:
        checks: ids of the checks of each piece of equipment.
        timelines: slices by check.
    """
    return {asset: list(_spans([timelines.get(name, ()) for name in names])) for asset, names in checks.items()}


def _spans(lines: Sequence[Sequence[Slice]]) -> Iterator[Span]:
    moments = sorted({moment for line in lines for part in line for moment in (part.from_ns, part.until_ns)})
    places = [0] * len(lines)
    begun, state = 0, None
    for number, begin in enumerate(moments):
        here = []
        for place, line in enumerate(lines):
            while places[place] < len(line) and line[places[place]].until_ns <= begin:
                places[place] += 1
            if places[place] < len(line) and line[places[place]].from_ns <= begin:
                here.append(line[places[place]].status)
        now = works(here)
        if number and now is not state:
            yield Span(begun, begin, state)
        if not number or now is not state:
            begun, state = begin, now
    if moments and begun < moments[-1]:
        yield Span(begun, moments[-1], state)
