"""The record of every ingested file version, and what a file's rows have become since."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from microgrid_lib.store.lake import FILES, HIDDEN, MEASUREMENTS, QUARANTINE, Lake, NewFile
from microgrid_lib.store.snapshot import Snapshot

_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("ingest", pa.string()),
        ("source", pa.string()),
        ("rows_read", pa.int64()),
        ("rows_accepted", pa.int64()),
        ("rows_duplicate", pa.int64()),
        ("rows_rejected", pa.int64()),
        ("values_missing", pa.int64()),
        ("values_out_of_range", pa.int64()),
        ("start", pa.timestamp("us", "UTC")),
        ("end", pa.timestamp("us", "UTC")),
        ("coverage", pa.float64()),
        ("channels", pa.string()),
        ("notes", pa.string()),
        ("synthetic", pa.bool_()),
        ("removed", pa.bool_()),
        ("recorded_at", pa.timestamp("us", "UTC")),
        ("sequence", pa.int64()),
    ]
)


@dataclass(frozen=True)
class FileRecord:
    """One version of one file, as its cleaning counted it.

    Attributes
    ----------
    file
        Name the file is known by.
    path
        Where it was read from.
    sha256
        Of its bytes.
    ingest
        Id of this version; its rows carry it.
    source
        Source of the site it belongs to.
    rows_read, rows_accepted, rows_duplicate, rows_rejected
        rows_read is the sum of the others.
    values_missing, values_out_of_range
        Over the accepted rows.
    start, end
        First and last accepted time (UTC).
    coverage
        Slots with a value / slots from start to end, 0-1, None where nothing was accepted.
    channels
        Channels it brought.
    notes
        What a reader should know, such as a doubled hour told apart.
    synthetic
        Whether it is made-up demo data.
    removed
        Whether this record takes the file out again.
    recorded_at
        When (UTC).
    sequence
        The site's transaction it was written for; the newest wins.
    """

    file: str
    path: str
    sha256: str
    ingest: str
    source: str
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    values_missing: int
    values_out_of_range: int
    start: datetime | None
    end: datetime | None
    coverage: float | None
    channels: tuple[str, ...]
    notes: tuple[str, ...]
    synthetic: bool
    removed: bool
    recorded_at: datetime
    sequence: int


@dataclass
class Records:
    """The current records of a site.

    Attributes
    ----------
    by_file
        File name -> its record.
    """

    by_file: dict[str, FileRecord] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        """Whether any current file is made-up demo data."""
        return any(record.synthetic for record in self.by_file.values())


def write_record(lake: Lake, site: str, record: FileRecord) -> None:
    """Append a record; it counts once the measurements it speaks of are committed."""
    row = asdict(record) | {
        "channels": json.dumps(record.channels),
        "notes": json.dumps(record.notes),
    }
    partition = {"site": site}
    path = lake.new_path(FILES, partition)
    pq.write_table(pa.Table.from_pylist([row], _SCHEMA), lake.folder(FILES) / path)
    file = NewFile(path, partition, 1)
    lake.append(FILES, [file])


def read_records(lake: Lake, con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Records:
    """The records that the measurements of a snapshot bear out.

    A record whose rows never were committed (its writer was stopped) doesn't count.
    """
    files = lake.files_of(FILES, site=snapshot.site)
    if not files:
        return Records()
    written = [record for f in files for record in _read_record_file(f["path"])]
    written = [record for record in written if record.sequence <= snapshot.transaction]
    present = ingests_present(lake, con, snapshot)
    found: dict[str, FileRecord] = {}
    for record in sorted(written, key=lambda r: (r.sequence, r.recorded_at)):
        if record.removed:
            found.pop(record.file, None)
        elif record.rows_accepted == 0 or record.ingest in present:
            found[record.file] = record
    return Records(found)


@lru_cache(maxsize=4096)
def _read_record_file(path: str) -> tuple[FileRecord, ...]:
    """The records of one file of the lake, which never changes."""
    return tuple(
        FileRecord(
            **row
            | {
                "channels": tuple(json.loads(row["channels"])),
                "notes": tuple(json.loads(row["notes"])),
            }
        )
        for row in pq.ParquetFile(path).read(columns=_SCHEMA.names).to_pylist()
    )


def ingests_present(lake: Lake, con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> set[str]:
    """Ids of the file versions that have rows in the snapshot, hidden ones included."""
    paths = [part.path for part in snapshot.parts]
    paths += hidden_paths(lake, snapshot)
    if not paths:
        return set()
    return set().union(*(_ingests_in(con, path) for path in paths))


_INGESTS: dict[str, frozenset[str]] = {}


def _ingests_in(con: duckdb.DuckDBPyConnection, path: str) -> frozenset[str]:
    """Ids of the file versions with rows in one file of the lake, which never changes."""
    known = _INGESTS.get(path)
    if known is None:
        rows = con.execute("SELECT DISTINCT ingest FROM read_parquet($path)", {"path": path})
        known = frozenset(row[0] for row in rows.fetchall())
        _INGESTS[path] = known
    return known


def source_states(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """(source, month) -> state of its measurement files."""
    from microgrid_lib.store.snapshot import month_state

    grouped: dict[tuple[str, str], list[str]] = {}
    for part in snapshot.parts:
        grouped.setdefault((part.source, part.month), []).append(part.relative)
    return {key: month_state(paths) for key, paths in grouped.items()}


def hidden_paths(
    lake: Lake, snapshot: Snapshot, only: Sequence[tuple[str, str]] | None = None
) -> list[str]:
    """Files of the hidden rows that belong to a snapshot."""
    states = source_states(snapshot)
    return [
        f["path"]
        for f in lake.files_of(HIDDEN, site=snapshot.site)
        if states.get((f["source"], f["month"])) == f["state"]
        and (only is None or (f["source"], f["month"]) in only)
    ]


def quarantine_paths(lake: Lake, site: str, ingests: Collection[str]) -> list[str]:
    """Files of the quarantine of some file versions, one for each.

    A writer that was stopped, or had to plan again, leaves more than one with the same rows.
    """
    found: dict[str, str] = {}
    for path in sorted(str(f["path"]) for f in lake.files_of(QUARANTINE, site=site)):
        ingest = Path(path).name.partition("-")[0]
        if ingest in ingests:
            found.setdefault(ingest, path)
    return list(found.values())


__all__ = [
    "MEASUREMENTS",
    "FileRecord",
    "Records",
    "hidden_paths",
    "ingests_present",
    "quarantine_paths",
    "read_records",
    "source_states",
    "write_record",
]
