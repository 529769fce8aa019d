"""``MAP.yaml``: which column of a drive test's file holds what, in which datum and units, and what its words mean."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from netmon.config import ConfigError, nearest, read_document
from netmon.config.errors import shown
from netmon.config.shape import Line, Shape
from netmon.config.validate import validate
from netmon.i18n import _

__all__ = ["FIELDS", "ColumnsShape", "SurveyMap", "load_survey_map"]


class ColumnsShape(Shape):
    """The heads of the columns; in GPX names of elements, in GeoJSON names of properties."""

    time: Line | None = Field(default=None, description="Day and time; GPX has its own.")
    latitude: Line | None = Field(default=None, description="Degrees; GPX and GeoJSON have their own.")
    longitude: Line | None = None
    signal: Line | None = Field(default=None, description="Received power or field strength.")
    ber: Line | None = Field(default=None, description="Bit errors.")
    quality: Line | None = Field(default=None, description="Of voice, such as DAQ.")
    station: Line | None = Field(default=None, description="The base station.")
    terminal: Line | None = Field(default=None, description="The class of terminals.")
    role: Line | None = Field(default=None, description="Whether the station served, or was only heard, too.")


class ValuesShape(Shape):
    """What the file's words mean."""

    station: dict[str, Line] = Field(default_factory=dict, description="The file's word: the equipment's id.")
    terminal: dict[str, Line] = Field(default_factory=dict, description="The file's word: the class's id.")
    neighbour: list[str] = Field(default_factory=list, description="role: words for a station that did not serve.")
    nothing_heard: list[str] = Field(default_factory=list, description="signal: words for: nothing was received.")


class SurveyMap(Shape):
    """The whole file."""

    datum: Literal["wgs84", "gcj02"] = Field(description="Of the positions: wgs84 of GNSS, gcj02 of Chinese maps.")
    format: Literal["", "csv", "gpx", "geojson"] = Field(default="", description="Empty: by the file's ending.")
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    signal_unit: Literal["dbm", "dbuv_per_m"] = "dbm"
    ber_unit: Literal["ratio", "percent"] = "ratio"
    utc: bool = Field(default=False, description="Times without a zone are UTC; otherwise Asia/Shanghai.")
    terminal: Line = Field(default="", description="The class of all rows, where no column says it.")
    station: Line = Field(default="", description="The base station of all rows, where no column says it.")
    columns: ColumnsShape
    values: ValuesShape = ValuesShape()

    def head(self, field: str) -> str:
        """The name of the column that holds a field; empty if the file does not have it."""
        return str(getattr(self.columns, field) or "")


FIELDS: Final = tuple(ColumnsShape.model_fields)


def load_survey_map(path: Path, *, terminals: Collection[str], stations: Collection[str]) -> SurveyMap:
    """Read the file.

    Args:
        terminals: ids of the classes of terminals.
        stations: ids of the base stations.

    Raises:
        ConfigError: with everything that is wrong.
    """
    _text, document = read_document(path)
    mapping = validate(document, (), SurveyMap, document.root)
    if mapping is None:
        raise ConfigError(document.problems)
    given = [
        (("terminal",), mapping.terminal, terminals),
        (("station",), mapping.station, stations),
        *((("values", "terminal", word), name, terminals) for word, name in mapping.values.terminal.items()),
        *((("values", "station", word), name, stations) for word, name in mapping.values.station.items()),
    ]
    for place, name, known in given:
        if name and name not in known:
            document.report(
                place, _("{value} is not possible here").format(value=shown(name)), nearest=nearest(name, known),
                write=_("one of {keys}").format(keys=", ".join(known)),
            )  # fmt: skip
    if not mapping.terminal and not mapping.columns.terminal:
        document.report((), _("nothing says the class of terminals"), write=_("terminal, or columns: terminal"))
    if not (mapping.columns.signal or mapping.columns.ber or mapping.columns.quality):
        document.report(("columns",), _("nothing says how good it was"), write=_("signal, ber or quality"))
    heads = [head for field in FIELDS if (head := mapping.head(field))]
    for head in sorted({head for head in heads if heads.count(head) > 1}):
        document.report(("columns",), _("two fields are read from the column {name}").format(name=shown(head)))
    if document.problems:
        raise ConfigError(document.problems)
    return mapping
