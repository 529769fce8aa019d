"""Rows of a drive test's file: CSV, GPX 1.1 or GeoJSON (RFC 7946, and text sequences of RFC 8142), each with its line.

Files are read piece by piece: one of a million rows takes no more memory than a small one (a GeoJSON that is one
collection is held as text).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from netmon.coverage.mapping import SurveyMap
from netmon.i18n import _

__all__ = ["FileError", "Row", "read_rows"]

Row = tuple[int, Mapping[str, str]]
"""Line, and texts by column; latitude and longitude of GPX and GeoJSON are columns of these names."""
LATITUDE, LONGITUDE, TIME = "latitude", "longitude", "time"
FORMATS: Final = {".csv": "csv", ".txt": "csv", ".gpx": "gpx", ".geojson": "geojson", ".json": "geojson"}
PIECE_BYTES: Final = 1 << 20
LONGEST_FIELD: Final = 10_000
FEATURES: Final = re.compile(r'"features"\s*:\s*\[')
BETWEEN: Final = re.compile(r"[\s,]*")
POINTS: Final = frozenset({"trkpt", "wpt", "rtept"})


class FileError(Exception):
    """The file cannot be read at all; the message says where and why."""


def read_rows(file: Path, mapping: SurveyMap) -> Iterator[Row]:
    """The rows of a file.

    Raises:
        FileError: while they are read: it is not what its ending or the map says.
    """
    kind = mapping.format or FORMATS.get(file.suffix.lower(), "")
    read = {"csv": _csv, "gpx": _gpx, "geojson": _geojson}.get(kind)
    if read is None:
        raise FileError(_("{file}: write its format into the map: csv, gpx or geojson").format(file=file.name))
    try:
        yield from read(file, mapping)
    except UnicodeDecodeError as error:
        text = _("{file}: this is not {encoding} text: the map's encoding may be utf-8 or gb18030")
        raise FileError(text.format(file=file.name, encoding=mapping.encoding)) from error
    except OSError as error:
        raise FileError(_("{path} cannot be read: {error}").format(path=file, error=error.strerror)) from error


def _csv(file: Path, mapping: SurveyMap) -> Iterator[Row]:
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    csv.field_size_limit(LONGEST_FIELD)
    with file.open(encoding=encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=mapping.delimiter)
        try:
            heads = [head.strip() for head in next(reader, [])]
            wanted = {head for field in mapping.columns.model_fields_set if (head := mapping.head(field))}
            for head in sorted(wanted - set(heads)):
                raise FileError(
                    _("{file}:1: there is no column {name}; it has {heads}").format(
                        file=file.name, name=head, heads=", ".join(heads)[:500]
                    )
                )
            for cells in reader:
                if cells:
                    yield reader.line_num, dict(zip(heads, cells, strict=False))
        except csv.Error as error:
            raise FileError(f"{file.name}:{reader.line_num}: {error}") from error


def _gpx(file: Path, _mapping: SurveyMap) -> Iterator[Row]:
    points: list[Row] = []
    here: dict[str, str] = {}
    line, depth, text = 0, 0, ""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_details: object) -> None:
        raise FileError(_("{file}: it declares a document type, which no GPX needs").format(file=file.name))

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal here, line, depth, text
        text = ""
        if depth:
            depth += 1
        elif tag.rpartition(" ")[2] in POINTS:
            here = {LATITUDE: attributes.get("lat", ""), LONGITUDE: attributes.get("lon", "")}
            line, depth = parser.CurrentLineNumber, 1

    def end(tag: str) -> None:
        nonlocal depth, text
        if depth == 1:
            points.append((line, here))
        elif depth and text.strip():
            here.setdefault(tag.rpartition(" ")[2], text.strip())
        depth, text = max(0, depth - 1), ""

    def letters(more: str) -> None:
        nonlocal text
        text = (text + more)[:LONGEST_FIELD]

    # Entities could blow up a small file: no GPX has any.
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, letters
    with file.open("rb") as stream:
        try:
            while piece := stream.read(PIECE_BYTES):
                parser.Parse(piece)
                yield from points
                points.clear()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise FileError(f"{file.name}:{error.lineno}: {error}") from error
    yield from points


def _geojson(file: Path, mapping: SurveyMap) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding) as stream:
        text = stream.read()
    found = FEATURES.search(text)
    place = found.end() if found else 0
    decoder = json.JSONDecoder()
    line, counted = 1, 0
    while True:
        # A record separator begins each text of a sequence; without one, a line each is as good.
        place = _after(text, place)
        if place >= len(text) or (found and text[place] == "]"):
            return
        line, counted = line + text.count("\n", counted, place), place
        try:
            feature, place = decoder.raw_decode(text, place)
        except ValueError as error:
            raise FileError(
                _("{file}:{line}: this is no JSON: {error}").format(file=file.name, line=line, error=error)
            ) from error
        yield line, _of_feature(feature)


def _after(text: str, place: int) -> int:
    found = BETWEEN.match(text, place)
    place = found.end() if found else place
    return _after(text, place + 1) if text[place : place + 1] == "\x1e" else place


def _of_feature(feature: Any) -> dict[str, str]:
    if not isinstance(feature, dict):
        return {}
    properties, geometry = feature.get("properties"), feature.get("geometry")
    row = {str(key): _text(value) for key, value in properties.items()} if isinstance(properties, dict) else {}
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        coordinates = geometry.get("coordinates")
        if isinstance(coordinates, list) and len(coordinates) >= 2:
            row |= {LONGITUDE: _text(coordinates[0]), LATITUDE: _text(coordinates[1])}
    return row


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
