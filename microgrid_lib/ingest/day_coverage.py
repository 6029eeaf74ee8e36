"""Coverage of every channel on every local day of a window, and what its files were refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import duckdb
import numpy as np
from pydantic import BaseModel

from microgrid_lib.ingest.inventory import FileEntry, QuarantineCount, files_of, quarantine_counts
from microgrid_lib.ingest.records import read_records
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import identifier
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.slots import anchor_s, epoch_us, first_slot_us, slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, day_window


class DayCoverage(BaseModel):
    """Valid samples by channel and local day.

    Attributes
    ----------
    days
        Local days the window touches.
    expected
        Slots of each day inside the window.
    valid
        Channel -> slots of each day whose first sample has a value.
    """

    days: list[date]
    expected: list[int]
    valid: dict[str, list[int]]

    def share(self, channel: str) -> float:
        """Coverage of a channel over the whole window (0-1)."""
        return sum(self.valid[channel]) / sum(self.expected)


def coverage_by_day(
    con: duckdb.DuckDBPyConnection, engine: Engine, site: Site, snapshot: Snapshot, window: Window
) -> DayCoverage:
    """Count the valid slots of every channel on every local day.

    Parameters
    ----------
    window
        Cut where data end; at least a slot long.
    """
    parts = _days(window)
    count = len(parts)
    valid = {channel: np.zeros(count, dtype=np.int64) for channel in site.channels}
    starts_us = np.array([epoch_us(part.start_utc) for part in parts], dtype=np.int64)
    paths = snapshot.measurement_paths(window.start_utc, window.end_utc)
    for channel, buckets, number in _counted(con, engine, site, paths, window):
        at = np.searchsorted(starts_us, buckets, side="right") - 1
        valid[channel] += np.bincount(np.maximum(at, 0), number, count).astype(np.int64)
    return DayCoverage(
        days=[part.start.date() for part in parts],
        expected=[slots_between(site, part.start_utc, part.end_utc) for part in parts],
        valid={channel: numbers.tolist() for channel, numbers in valid.items()},
    )


def _days(window: Window) -> list[Window]:
    zone = window.start.tzinfo
    if zone is None:
        raise AssertionError("a window has a zone")
    found: list[Window] = []
    day = window.start.date()
    while True:
        part = day_window(day, zone).clip(window.start_utc, window.end_utc)
        if part is None:
            return found
        found.append(part)
        day += timedelta(days=1)


def _counted(
    con: duckdb.DuckDBPyConnection,
    engine: Engine,
    site: Site,
    paths: Sequence[str],
    window: Window,
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Channel, starts of buckets [µs since the epoch], valid slots in each."""
    if not paths:
        return []
    options = "read_parquet($paths, union_by_name=true, hive_partitioning=true)"
    described = con.execute(f"DESCRIBE SELECT * FROM {options}", {"paths": list(paths)}).fetchall()
    present = {row[0] for row in described}
    channels = [channel for channel in site.channels if channel in present]
    if not channels:
        return []
    step, shift = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000
    bucket = site.summary_s * 1_000_000
    counted = ", ".join(f"count({identifier(channel)})" for channel in channels)
    once = (
        ""
        if engine.unique(site, paths)
        else (
            f"QUALIFY row_number() OVER (PARTITION BY source, (epoch_us(time) - {shift}) // {step} "
            "ORDER BY time) = 1"
        )
    )
    found = con.execute(
        f"SELECT (epoch_us(time) - {shift}) // {bucket} * {bucket} + {shift} AS bucket, {counted} "
        f"FROM (SELECT * FROM {options} WHERE epoch_us(time) >= $start AND epoch_us(time) < $end "
        f"{once}) GROUP BY bucket",
        {
            "paths": list(paths),
            "start": first_slot_us(site, window.start_utc),
            "end": first_slot_us(site, window.end_utc),
        },
    ).fetchnumpy()
    buckets, *numbers = found.values()
    return [
        (channel, np.asarray(buckets, dtype=np.int64), np.asarray(number, dtype=np.float64))
        for channel, number in zip(channels, numbers, strict=True)
    ]


def files_in(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, snapshot: Snapshot, window: Window
) -> tuple[list[FileEntry], list[QuarantineCount]]:
    """The files with rows in a window, and what was refused of them as a whole."""
    inside = [
        entry
        for entry in files_of(con, lake, site, snapshot)
        if _touches(entry.start, entry.end, window)
    ]
    names = {entry.file for entry in inside}
    records = read_records(lake, con, snapshot)
    ingests = [record.ingest for name, record in records.by_file.items() if name in names]
    return inside, quarantine_counts(con, lake, site, ingests)


def _touches(start: datetime | None, end: datetime | None, window: Window) -> bool:
    if start is None or end is None:
        return False
    return start < window.end_utc and end >= window.start_utc
