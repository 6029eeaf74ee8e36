"""What is there and what isn't: coverage by channel and month, files, quarantine by reason."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
from pydantic import BaseModel

from microgrid_lib.ingest.load import current_counts
from microgrid_lib.ingest.records import (
    hidden_paths,
    quarantine_paths,
    read_records,
)
from microgrid_lib.site.profile import Site
from microgrid_lib.store.lake import Lake
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
    notes: list[str]
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    values_missing: int
    values_out_of_range: int


def files_of(con: duckdb.DuckDBPyConnection, lake: Lake, site: Site) -> list[FileEntry]:
    """The current files of a site with their counts, in order of name."""
    snapshot = lake.snapshot(site)
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
            notes=list(record.notes),
            **counts[name],
        )
        for name, record in sorted(records.by_file.items())
    ]


def coverage_by_month(
    con: duckdb.DuckDBPyConnection, site: Site, snapshot: Snapshot, window: Window
) -> list[ChannelCoverage]:
    """Coverage of every channel in every local month of the window that is inside the data.

    Several samples in a slot count once; a month is judged on its part inside the window.
    """
    result: list[ChannelCoverage] = []
    step = site.interval_s * 1_000_000
    for month in snapshot.months():
        part = month_window(month, site.display_zone).clip(window.start_utc, window.end_utc)
        if part is None:
            continue
        expected = int(part.duration.total_seconds()) // site.interval_s
        paths = [p.path for p in snapshot.parts if p.month == month]
        present = {
            row[0]
            for row in con.execute(
                "DESCRIBE SELECT * FROM read_parquet($paths, union_by_name=true)", {"paths": paths}
            ).fetchall()
        }
        channels = [c for c in site.channels if c in present]
        counted = ", ".join(f'count("{c}")' for c in channels)
        slots = ", ".join(f'max("{c}") AS "{c}"' for c in channels)
        rows = con.execute(
            f"SELECT {counted} FROM (SELECT epoch_us(time) // {step} AS slot, {slots} "
            "FROM read_parquet($paths, union_by_name=true) "
            "WHERE time >= $start AND time < $end GROUP BY slot)",
            {"paths": paths, "start": part.start_utc, "end": part.end_utc},
        ).fetchall()
        valid = dict(zip(channels, rows[0], strict=True))
        for channel in site.channels:
            count = int(valid.get(channel, 0))
            result.append(
                ChannelCoverage(
                    month=month,
                    channel=channel,
                    valid=count,
                    expected=expected,
                    coverage=count / expected if expected else None,
                )
            )
    return result


def quarantine_of(
    con: duckdb.DuckDBPyConnection, lake: Lake, site: Site, snapshot: Snapshot
) -> list[QuarantineCount]:
    """Refused rows and values of the current files by reason and channel."""
    records = read_records(lake, con, snapshot)
    ingests = [record.ingest for record in records.by_file.values()]
    found: list[QuarantineCount] = []
    paths = quarantine_paths(lake, site.name, ingests)
    if paths and ingests:
        rows = con.execute(
            "SELECT reason, channel, count(*), min(time), "
            "any_value(file || ' row ' || row || ': ' || coalesce(value, detail, '') "
            "|| ' (allowed: ' || allowed || ')') FROM read_parquet($paths, union_by_name=true) "
            "WHERE list_contains($ingests, ingest) GROUP BY reason, channel "
            "ORDER BY count(*) DESC, reason, channel",
            {"paths": paths, "ingests": ingests},
        ).fetchall()
        found += [
            QuarantineCount(reason=r, channel=c, count=n, first=first, example=example)
            for r, c, n, first, example in rows
        ]
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
