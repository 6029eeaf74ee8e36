"""What is there and what isn't: coverage by channel and month, files, quarantine by reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import duckdb
from pydantic import BaseModel

from microgrid_lib.ingest.identity import is_outdated
from microgrid_lib.ingest.load import current_counts
from microgrid_lib.ingest.records import (
    hidden_paths,
    quarantine_paths,
    read_records,
)
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import first_row, identifier
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.slots import anchor_s, first_slot_us, slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, month_window


class ChannelCoverage(BaseModel):
    """Share of expected samples that are valid, of one channel in one local month."""

    month: str
    channel: str
    valid: int
    expected: int
    coverage: float | None


class QuarantineCount(BaseModel):
    """How often a reason of refusal occurs."""

    reason: str
    channel: str | None
    count: int
    first: str | None
    example: str


class FileEntry(BaseModel):
    """One ingested file."""

    file: str
    source: str
    sha256: str
    start: datetime | None
    end: datetime | None
    coverage: float | None
    synthetic: bool
    outdated: bool
    notes: list[str]
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    values_missing: int
    values_out_of_range: int


def files_of(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, snapshot: Snapshot
) -> list[FileEntry]:
    """The current files of a site with their counts, in order of name."""
    records = read_records(lake, con, snapshot)
    counts = current_counts(con, lake, site, snapshot, records)
    return [
        FileEntry(
            file=name,
            source=record.source,
            sha256=record.sha256,
            start=record.start,
            end=record.end,
            coverage=record.coverage,
            synthetic=record.synthetic,
            outdated=is_outdated(site, record),
            notes=list(record.notes),
            **counts[name],
        )
        for name, record in sorted(records.by_file.items())
    ]


def coverage_by_month(
    con: duckdb.DuckDBPyConnection, site: Site, snapshot: Snapshot, window: Window
) -> list[ChannelCoverage]:
    """Coverage of every channel in every local month of a window, months without data included.

    As for KPIs, the first sample of a source in a slot counts, and slots are those that start in
    the window.
    """
    result: list[ChannelCoverage] = []
    for month in _months(window):
        part = month_window(month, site.display_zone).clip(window.start_utc, window.end_utc)
        if part is None:
            continue
        expected = slots_between(site, part.start_utc, part.end_utc)
        paths = [p.path for p in snapshot.parts if p.month == month]
        valid = _valid_slots(con, site, paths, part) if paths else {}
        result += [
            ChannelCoverage(
                month=month,
                channel=channel,
                valid=valid.get(channel, 0),
                expected=expected,
                coverage=valid.get(channel, 0) / expected if expected else None,
            )
            for channel in site.channels
        ]
    return result


def _months(window: Window) -> list[str]:
    """Local calendar months a window touches."""
    last = window.end - timedelta(microseconds=1)
    count = (last.year - window.start.year) * 12 + last.month - window.start.month
    first = window.start.year * 12 + window.start.month - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, first + count + 1)]


def _valid_slots(
    con: duckdb.DuckDBPyConnection, site: Site, paths: list[str], part: Window
) -> dict[str, int]:
    """Channel -> slots of the window whose first sample has a value."""
    present = {
        row[0]
        for row in con.execute(
            "DESCRIBE SELECT * FROM read_parquet($paths, union_by_name=true)", {"paths": paths}
        ).fetchall()
    }
    channels = [channel for channel in site.channels if channel in present]
    if not channels:
        return {}
    step, shift = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000
    counted = ", ".join(f"count({identifier(channel)})" for channel in channels)
    rows = first_row(
        con,
        f"SELECT {counted} FROM (SELECT * FROM read_parquet($paths, union_by_name=true, "
        "hive_partitioning=true) WHERE epoch_us(time) >= $start AND epoch_us(time) < $end "
        f"QUALIFY row_number() OVER (PARTITION BY source, (epoch_us(time) - {shift}) // {step} "
        "ORDER BY time) = 1)",
        {
            "paths": paths,
            "start": first_slot_us(site, part.start_utc),
            "end": first_slot_us(site, part.end_utc),
        },
    )
    return {channel: int(number) for channel, number in zip(channels, rows, strict=True)}


def quarantine_of(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, snapshot: Snapshot
) -> list[QuarantineCount]:
    """Refused rows and values of the current files by reason and channel."""
    records = read_records(lake, con, snapshot)
    ingests = [record.ingest for record in records.by_file.values()]
    found = quarantine_counts(con, lake, site, ingests)
    hidden = hidden_paths(lake, snapshot)
    if hidden:
        rows = con.execute(
            "SELECT count(*), min(epoch_us(time)), any_value(file || ' row ' || row || ' against ' "
            "|| kept_file || ' row ' || kept_row) FROM read_parquet($paths, union_by_name=true) "
            "WHERE verdict = 'conflict'",
            {"paths": hidden},
        ).fetchall()
        number, first, example = rows[0]
        if number:
            found.append(
                QuarantineCount(
                    reason="conflict_between_files",
                    channel=None,
                    count=number,
                    first=datetime.fromtimestamp(first / 1e6, UTC).isoformat(),
                    example=example,
                )
            )
    return found


def quarantine_counts(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, ingests: Sequence[str]
) -> list[QuarantineCount]:
    """Refused rows and values of some file versions by reason and channel."""
    paths = quarantine_paths(lake, site.name, ingests)
    if not paths or not ingests:
        return []
    rows = con.execute(
        "SELECT reason, channel, count(*), min(time), "
        "any_value(file || ' row ' || row || ': ' || coalesce(value, detail, '') "
        "|| ' (allowed: ' || allowed || ')') FROM read_parquet($paths, union_by_name=true) "
        "WHERE list_contains($ingests, ingest) GROUP BY reason, channel "
        "ORDER BY count(*) DESC, reason, channel",
        {"paths": paths, "ingests": list(ingests)},
    ).fetchall()
    return [
        QuarantineCount(reason=r, channel=c, count=n, first=first, example=example)
        for r, c, n, first, example in rows
    ]
