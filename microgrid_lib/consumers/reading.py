"""CSV and GeoJSON files as rows of values, before any value is judged."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from microgrid_lib.consumers.errors import FieldProblem
from microgrid_lib.consumers.exchange import COLUMNS
from microgrid_lib.consumers.model import shown
from microgrid_lib.consumers.safe_text import from_cell
from microgrid_lib.errors import FileProblem

MAX_BYTES = 20_000_000
MAX_ROWS = 10_000
REQUIRED = ("name", "type", "kind", "latitude", "longitude")
_ALIASES = {"lat": "latitude", "lon": "longitude", "lng": "longitude"}
_NUMBERS = ("latitude", "longitude", "rated_power_kw")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*", re.ASCII)
_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")


class ImportFormat(StrEnum):
    """Formats that can be read."""

    csv = "csv"
    geojson = "geojson"


SUFFIXES = {
    ".csv": ImportFormat.csv,
    ".geojson": ImportFormat.geojson,
    ".json": ImportFormat.geojson,
}


@dataclass(frozen=True)
class RawRow:
    """A row as it stands in a file.

    Attributes
    ----------
    row
        Row of the spreadsheet (the header is 1), or number of the feature from 1.
    values
        By column name; text, or what JSON gave.
    problems
        What is wrong with the row as such.
    """

    row: int
    values: dict[str, Any]
    problems: list[FieldProblem] = field(default_factory=list)


def format_of(path: Path) -> ImportFormat:
    """Format by the name of a file.

    Raises
    ------
    FileProblem
        The name ends in nothing known.
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise FileProblem(path, "is neither .csv nor .geojson; name the format")
    return found


def read_rows(content: bytes, file_format: ImportFormat, source: str) -> list[RawRow]:
    """Take a file apart.

    Parameters
    ----------
    content
        UTF-8 text, with or without a byte-order mark.
    source
        Name of the file, for messages.

    Raises
    ------
    FileProblem
        The file as a whole can't be read: encoding, syntax, size, columns.
    """
    if len(content) > MAX_BYTES:
        raise FileProblem(source, f"is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(source, f"isn't UTF-8 text (byte {error.start})") from None
    rows = _csv(text, source) if file_format == ImportFormat.csv else _geojson(text, source)
    found: list[RawRow] = []
    for row in rows:
        if len(found) == MAX_ROWS:
            raise FileProblem(source, f"has more than {MAX_ROWS} rows")
        found.append(row)
    return found


def _csv(text: str, source: str) -> Iterator[RawRow]:
    delimiter = _delimiter(text)
    # newline="" keeps line breaks within quotes as they are.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise FileProblem(source, "is empty; expected columns: " + ", ".join(COLUMNS))
        columns = _columns(header, source)
        for number, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                yield _csv_row(number, cells, columns, delimiter)
    except csv.Error as error:
        raise FileProblem(source, f"line {reader.line_num}: isn't valid CSV ({error})") from None


def _delimiter(text: str) -> str:
    """What a spreadsheet wrote: commas, or semicolons or tabs where its language has them."""
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _columns(header: list[str], source: str) -> list[str]:
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in header]
    names = [_ALIASES.get(name, name) for name in names]
    known = ", ".join(COLUMNS)
    for name, count in Counter(names).items():
        if name not in COLUMNS:
            raise FileProblem(source, f"unknown column {shown(name)}; known: {known}")
        if count > 1:
            raise FileProblem(source, f"column {name} occurs {count} times")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise FileProblem(source, f"lacks the columns {', '.join(missing)}; known: {known}")
    return names


def _csv_row(number: int, cells: list[str], columns: list[str], delimiter: str) -> RawRow:
    if len(cells) != len(columns):
        problem = FieldProblem(
            field="",
            value=f"a row of {len(cells)} cells",
            code="cells",
            params={"cells": len(cells), "columns": len(columns)},
            allowed=f"the header has {len(columns)}",
        )
        return RawRow(number, dict(zip(columns, cells, strict=False)), [problem])
    values = {name: from_cell(cell) for name, cell in zip(columns, cells, strict=True)}
    if delimiter == ";":
        # Spreadsheets that separate by semicolons write decimal commas.
        for name in _NUMBERS:
            if _DECIMAL_COMMA.fullmatch(values.get(name, "")):
                values[name] = values[name].replace(",", ".")
    return RawRow(number, values)


def _geojson(text: str, source: str) -> Iterator[RawRow]:
    def refuse_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} isn't JSON")

    try:
        content = json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise FileProblem(source, "isn't valid JSON: nested too deeply") from None
    except ValueError as error:
        raise FileProblem(source, f"isn't valid JSON: {error}") from None
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise FileProblem(source, "isn't a GeoJSON FeatureCollection")
    reference = content.get("crs")
    if reference is not None and not any(name in json.dumps(reference) for name in _WGS84):
        raise FileProblem(source, "has another coordinate system; GeoJSON is in WGS 84 degrees")
    for number, feature in enumerate(features, start=1):
        yield _feature(number, feature)


def _feature(number: int, feature: Any) -> RawRow:
    def refused(name: str, value: Any, code: str, allowed: str) -> RawRow:
        problem = FieldProblem(field=name, value=shown(value), code=code, allowed=allowed)
        return RawRow(number, {}, [problem])

    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return refused("", feature, "feature", "a GeoJSON Feature")
    properties = feature.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        return refused("properties", properties, "feature", "an object")
    allowed_names = [name for name in COLUMNS if name not in ("id", "latitude", "longitude")]
    for name in properties:
        if name not in allowed_names:
            return refused(
                "properties", name, "unknown_field", "known are " + ", ".join(allowed_names)
            )
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        return refused("geometry", kind, "geometry", "a Point")
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) != 2:
        return refused("coordinates", position, "geometry", "[longitude, latitude]")
    longitude, latitude = position
    values = {**properties, "longitude": longitude, "latitude": latitude}
    if feature.get("id") is not None:
        values["id"] = feature["id"]
    return RawRow(number, values)
