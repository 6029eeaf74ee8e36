"""The rules of ingestion once more, slowly: plain Python, no code of the library."""

from __future__ import annotations

import csv
import gzip
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-")
SENTINEL = -999999.0
TIME_FORMAT = "%Y/%m/%d %H:%M:%S"
WEST_7_HOURS = timedelta(hours=7)

MINI_SITE = """
schema_version = 1
name = "mini"
title = "Two sources, four channels"
interval_s = 10
source_timezone = "UTC-07:00"
display_timezone = "UTC-07:00"
latitude = 35.0
longitude = -106.6
sentinels = [-999999.0]
default_profile = "default"

[nominal]
voltage_v = 480.0
frequency_hz = 60.0

[[sources]]
name = "plant"
files = ["p*.csv", "p*.csv.gz", "p*.parquet"]
time_columns = ["Timestamp"]
time_formats = ["%Y/%m/%d %H:%M:%S"]
columns = { pv_power = "PV", battery_power = "Battery", mg_lv_voltage = "Voltage" }

[[sources]]
name = "meter"
files = ["m*.csv", "m*.csv.gz", "m*.parquet"]
time_columns = ["Timestamp"]
time_formats = ["%Y/%m/%d %H:%M:%S"]
columns = { grid_power = "Net" }

[channels.pv_power]
[channels.battery_power]
factor = -1.0
[channels.mg_lv_voltage]
[channels.grid_power]
columns = ["Net"]
unit = "kW"
range = [-1000.0, 1000.0]

[profiles.default]
title = "As metered"

[profiles.default.roles]
pv = "pv_power"
battery = "battery_power"
grid = "grid_power"
bus_voltage = "mg_lv_voltage"
"""

# Column in the files -> channel, factor, lowest and highest plausible stored value.
COLUMNS = {
    "PV": ("pv_power", 1.0, -1000.0, 1000.0),
    "Battery": ("battery_power", -1.0, -1000.0, 1000.0),
    "Voltage": ("mg_lv_voltage", 1.0, 0.0, 1000.0),
    "Net": ("grid_power", 1.0, -1000.0, 1000.0),
}
SOURCES = {"p": "plant", "m": "meter"}
CHANNELS = {"plant": ("pv_power", "battery_power", "mg_lv_voltage"), "meter": ("grid_power",)}

Value = float | None
Refusal = tuple[str, int, str | None, str]


@dataclass
class Row:
    """One row that was accepted by its own file."""

    file: str
    line: int
    time: datetime
    values: dict[str, Value]
    missing: int
    outside: list[Refusal]


@dataclass
class Outcome:
    """What ingesting some files must come to, whatever the order."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[tuple[str, datetime], tuple[str, int, dict[str, Value]]] = field(
        default_factory=dict
    )
    refused: set[Refusal] = field(default_factory=set)
    conflicts_between_files: int = 0


def naive_ingest(files: Mapping[str, bytes]) -> Outcome:
    """Apply the rules to files given by name and content."""
    outcome = Outcome()
    competing: dict[tuple[str, datetime], list[Row]] = {}
    for name in sorted(files):
        source = SOURCES[name[0]]
        rows = _own_rows(name, files[name], outcome)
        for row in rows:
            competing.setdefault((source, row.time), []).append(row)
    for (source, time), rows in competing.items():
        winner, *losers = sorted(rows, key=lambda row: (row.file, row.line))
        outcome.rows[source, time] = (
            winner.file,
            winner.line,
            {channel: winner.values.get(channel) for channel in CHANNELS[source]},
        )
        for loser in losers:
            counts = outcome.counts[loser.file]
            same = all(
                loser.values.get(channel) == winner.values.get(channel)
                for channel in CHANNELS[source]
            )
            counts["rows_accepted"] -= 1
            counts["rows_duplicate" if same else "rows_rejected"] += 1
            counts["values_missing"] -= loser.missing
            counts["values_out_of_range"] -= len(loser.outside)
            outcome.conflicts_between_files += not same
    return outcome


def _own_rows(name: str, content: bytes, outcome: Outcome) -> list[Row]:
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8-sig")
    lines = [
        (number, next(csv.reader([line])))
        for number, line in enumerate(re.split("\r\n|\n|\r", text), start=1)
        if line.strip(" ")
    ]
    header = [cell.strip() for cell in lines[0][1]]
    counts = dict.fromkeys(
        (
            "rows_read",
            "rows_accepted",
            "rows_duplicate",
            "rows_rejected",
            "values_missing",
            "values_out_of_range",
        ),
        0,
    )
    outcome.counts[name] = counts
    kept: dict[datetime, Row] = {}
    for line, cells in lines[1:]:
        counts["rows_read"] += 1
        found = _read_row(name, line, header, cells)
        if isinstance(found, Row) and found.time in kept:
            if found.values == kept[found.time].values:
                counts["rows_duplicate"] += 1
                continue
            found = (name, line, None, "conflict")
        if isinstance(found, Row):
            kept[found.time] = found
            counts["rows_accepted"] += 1
            counts["values_missing"] += found.missing
            counts["values_out_of_range"] += len(found.outside)
            outcome.refused.update(found.outside)
        else:
            counts["rows_rejected"] += 1
            outcome.refused.add(found)
    return list(kept.values())


def _read_row(name: str, line: int, header: Sequence[str], cells: Sequence[str]) -> Row | Refusal:
    time: datetime | None = None
    values: dict[str, Value] = {}
    missing = 0
    outside: list[Refusal] = []
    for column, cell in zip(header, cells, strict=False):
        text = cell.strip(" ")
        if column == "Timestamp":
            if text in MISSING:
                continue
            try:
                wall = datetime.strptime(text, TIME_FORMAT)
            except ValueError:
                shape = re.fullmatch(r"\d+/\d+/\d+ +\d+:\d+:\d+", text)
                return name, line, None, "impossible_date" if shape else "bad_time"
            time = wall.replace(tzinfo=UTC) + WEST_7_HOURS
        elif column in COLUMNS:
            channel, factor, low, high = COLUMNS[column]
            try:
                number = math.nan if text in MISSING else float(text)
            except ValueError:
                return name, line, channel, "not_a_number"
            value = number * factor
            if math.isnan(number) or number == SENTINEL:
                values[channel] = None
                missing += 1
            elif low <= value <= high:
                values[channel] = value
            else:
                values[channel] = None
                reason = "not_finite" if math.isinf(value) else "out_of_range"
                outside.append((name, line, channel, reason))
    if len(cells) != len(header):
        shape_problem = "missing_columns" if len(cells) < len(header) else "too_many_columns"
        return name, line, None, shape_problem
    if time is None:
        return name, line, None, "no_time"
    if time < datetime(1990, 1, 1, tzinfo=UTC) or time > datetime.now(UTC) + timedelta(days=1):
        return name, line, None, "time_out_of_range"
    return Row(name, line, time, values, missing, outside)
