"""The lake: Delta tables under `<home>/lake`, and the one commit that makes a step current.

`measurements` decides: rows of the other tables name what they belong to (an `ingest`, or the
`state` of a month), so a crash between two commits leaves only rows nobody refers to.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from microgrid_lib.errors import StoreError
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.snapshot import MonthFiles, Part, Snapshot, month_state

MEASUREMENTS = "measurements"
HIDDEN = "hidden"
SUMMARIES = "summaries"
QUARANTINE = "quarantine"
FILES = "files"
PARTITIONS: dict[str, tuple[str, ...]] = {
    MEASUREMENTS: ("site", "source", "month"),
    HIDDEN: ("site", "source", "month", "state"),
    SUMMARIES: ("site", "profile", "month", "state"),
    QUARANTINE: ("site",),
    FILES: ("site",),
}
MEASUREMENT_COLUMNS: dict[str, pa.DataType] = {
    "time": pa.timestamp("us", "UTC"),
    "file": pa.string(),
    "row": pa.int64(),
    "ingest": pa.string(),
}
COMMIT_TRIES = 30


class CommitConflictError(Exception):
    """Another writer of the same site committed first: plan again on the new version."""


@dataclass(frozen=True)
class NewFile:
    """A Parquet file that lies in a table's folder and waits for its commit.

    Attributes
    ----------
    path
        Relative to the table's folder.
    partition
        Values of the partition columns.
    rows
        Number of rows.
    start, end
        First and last `time` in it (UTC), None for tables without.
    """

    path: str
    partition: Mapping[str, str]
    rows: int
    start: datetime | None = None
    end: datetime | None = None


@dataclass
class Lake:
    """The tables of one home.

    Attributes
    ----------
    root
        Folder of the tables.
    """

    root: Path
    _tables: dict[str, DeltaTable] = field(default_factory=dict, repr=False)
    _listed: dict[str, _Listing] = field(default_factory=dict, repr=False)

    def folder(self, table: str) -> Path:
        """Folder of a table."""
        return self.root / table

    def new_path(self, table: str, partition: Mapping[str, str], prefix: str = "") -> str:
        """A fresh relative path for a Parquet file of a partition; its folder is made.

        Parameters
        ----------
        table, partition
            Where.
        prefix
            What the file's name begins with.

        Raises
        ------
        StoreError
            The folder can't be made.
        """
        parts = [f"{name}={partition[name]}" for name in PARTITIONS[table]]
        relative = "/".join([*parts, f"{prefix}{uuid.uuid4().hex}.parquet"])
        try:
            (self.folder(table) / relative).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.folder(table)}: can't be written ({error.strerror})") from None
        return relative

    def table(self, name: str) -> DeltaTable | None:
        """The newest version of a table, None before its first commit.

        Raises
        ------
        StoreError
            The table is there but can't be read.
        """
        try:
            if name in self._tables:
                self._tables[name].update_incremental()
            else:
                self._tables[name] = DeltaTable(self.folder(name))
        except TableNotFoundError:
            self._tables.pop(name, None)
            return None
        except (DeltaError, OSError) as error:
            self._tables.pop(name, None)
            raise StoreError(f"{self.folder(name)}: can't be read ({_one_line(error)})") from None
        return self._tables[name]

    def _ensure(self, name: str, columns: Mapping[str, pa.DataType]) -> DeltaTable:
        """The table with at least these columns (partition columns come by themselves)."""
        partition = PARTITIONS[name]
        wanted = dict.fromkeys(partition, pa.string()) | dict(columns)
        table = self.table(name)
        if table is None:
            schema = Schema.from_arrow(pa.schema(list(wanted.items())))
            self.folder(name).mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                self.folder(name), schema, mode="ignore", partition_by=list(partition)
            )
            table = DeltaTable(self.folder(name))
            self._tables[name] = table
        known = {column.name for column in table.schema().fields}
        missing = [(column, kind) for column, kind in wanted.items() if column not in known]
        if missing:
            table.alter.add_columns(list(Schema.from_arrow(pa.schema(missing)).fields))
            table = DeltaTable(self.folder(name))
            self._tables[name] = table
        return table

    def files_of(self, name: str, **partition: str) -> list[dict[str, Any]]:
        """The current files of a table with these partition values.

        Returns
        -------
        list of dict
            `path` (absolute), `relative`, `rows`, `start`, `end` and the partition values.
        """
        table = self.table(name)
        return [] if table is None else self._current_files(name, table, partition)

    def snapshot(self, site: Site) -> Snapshot:
        """One version of a site's measurements, with what of the other tables belongs to it."""
        table = self.table(MEASUREMENTS)
        if table is None:
            return Snapshot(site=site.name, version=-1, transaction=-1, parts=(), summaries={})
        version = table.version()
        transaction = table.transaction_version(site.name)
        found = self._current_files(MEASUREMENTS, table, {"site": site.name})
        parts = tuple(
            Part(
                path=f["path"],
                relative=f["relative"],
                source=f["source"],
                month=f["month"],
                rows=f["rows"],
                start=f["start"],
                end=f["end"],
            )
            for f in sorted(found, key=lambda f: (f["month"], f["source"], f["relative"]))
        )
        summaries = {
            (f["profile"], f["month"], f["state"]): f["path"]
            for f in self.files_of(SUMMARIES, site=site.name)
        }
        return Snapshot(
            site=site.name,
            version=version,
            transaction=-1 if transaction is None else transaction,
            parts=parts,
            summaries=summaries,
        )

    def commit(
        self,
        site: Site,
        base: Snapshot,
        add: Sequence[NewFile],
        remove: Sequence[Part],
    ) -> None:
        """Replace measurement files in one atomic step.

        Parameters
        ----------
        base
            The snapshot the step was planned on.
        add, remove
            Files that come and go together.

        Raises
        ------
        CommitConflictError
            Another writer of this site committed since `base`.
        StoreError
            The commit can't be written.
        """
        columns = MEASUREMENT_COLUMNS | dict.fromkeys(site.channels, pa.float64())
        self._commit(
            MEASUREMENTS,
            columns,
            add,
            [(part.relative, part.rows) for part in remove],
            transaction=(site.name, base.transaction),
        )

    def append(self, name: str, files: Sequence[NewFile], remove: Sequence[str] = ()) -> None:
        """Add files to a table other than `measurements`, and drop superseded ones.

        Raises
        ------
        StoreError
            The commit can't be written.
        """
        if not files and not remove:
            return
        columns: dict[str, pa.DataType] = {}
        for file in files:
            schema = pq.read_schema(self.folder(name) / file.path)
            columns |= {f.name: f.type for f in schema}
        last: Exception | None = None
        for _ in range(COMMIT_TRIES):
            # What another writer dropped first needs no dropping.
            there = {f["relative"] for f in self.files_of(name)} if remove else set()
            gone = [(path, 0) for path in remove if path in there]
            if not files and not gone:
                return
            try:
                self._commit(name, columns, files, gone)
            except CommitConflictError as error:
                last = error
                time.sleep(0.01)
            else:
                return
        raise StoreError(f"{self.folder(name)}: too many writers at once; try again") from last

    def _commit(
        self,
        name: str,
        columns: Mapping[str, pa.DataType],
        add: Sequence[NewFile],
        remove: Sequence[tuple[str, int]],
        transaction: tuple[str, int] | None = None,
    ) -> None:
        try:
            table = self._ensure(name, columns)
            properties = None
            if transaction is not None:
                app, version = transaction
                current = table.transaction_version(app)
                if (-1 if current is None else current) != version:
                    raise CommitConflictError(f"{app} is at {current}, not {version}")
                properties = CommitProperties(app_transactions=[Transaction(app, version + 1)])
            actions: list[AddAction | RemoveAction] = [self._add_action(name, f) for f in add]
            current_files = {f["relative"]: f for f in _current_files(table, self.folder(name), {})}
            for relative, _ in remove:
                gone = current_files.get(relative)
                if gone is None:
                    raise CommitConflictError(f"{relative} is gone already")
                actions.append(_remove_action(gone, PARTITIONS[name]))
            table.create_write_transaction(
                actions,
                mode="append",
                schema=table.schema(),
                partition_by=list(PARTITIONS[name]),
                commit_properties=properties,
            )
        except CommitFailedError as error:
            self._tables.pop(name, None)
            raise CommitConflictError(_one_line(error)) from None
        except (DeltaError, OSError) as error:
            self._tables.pop(name, None)
            raise StoreError(
                f"{self.folder(name)}: can't be written ({_one_line(error)})"
            ) from None

    def _add_action(self, name: str, file: NewFile) -> AddAction:
        status = (self.folder(name) / file.path).stat()
        stats: dict[str, Any] = {"numRecords": file.rows}
        if file.start is not None and file.end is not None:
            stats |= {
                "minValues": {"time": _delta_time(file.start)},
                "maxValues": {"time": _delta_time(file.end)},
                "nullCount": {"time": 0},
            }
        return AddAction(
            path=file.path,
            size=status.st_size,
            partition_values=dict(file.partition),
            modification_time=int(status.st_mtime * 1000),
            data_change=True,
            stats=json.dumps(stats),
        )

    def discard(self, name: str, files: Iterable[NewFile]) -> None:
        """Delete files whose commit didn't happen."""
        for file in files:
            (self.folder(name) / file.path).unlink(missing_ok=True)

    def stale_summaries(self, site: Site) -> list[str]:
        """Relative paths of summaries that no profile or month refers to any more."""
        # The list before the snapshot: nothing in it can be newer than the measurements.
        listed = self.files_of(SUMMARIES, site=site.name)
        snapshot = self.snapshot(site)
        wanted = {
            (site.profile(profile).fingerprint, month, state)
            for profile in site.profiles
            for month, state in snapshot.states().items()
        }
        return [
            f["relative"] for f in listed if (f["profile"], f["month"], f["state"]) not in wanted
        ]

    def _current_files(
        self, name: str, table: DeltaTable, partition: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        version = table.version()
        known = self._listed.get(name)
        if known is None or known.table is not table or known.version != version:
            known = _Listing(table, version, _current_files(table, self.folder(name), {}))
            self._listed[name] = known
        wanted = partition.items()
        return [dict(f) for f in known.files if all(f.get(key) == v for key, v in wanted)]

    def missing_summaries(self, profile: Profile, snapshot: Snapshot) -> list[MonthFiles]:
        """Months of the snapshot whose summary for this profile isn't there."""
        have = snapshot.summary_paths(profile)
        return [files for month, files in snapshot.months().items() if month not in have]


@dataclass(frozen=True)
class _Listing:
    """The files of one version of a table: every answer begins with a look at them."""

    table: DeltaTable
    version: int
    files: list[dict[str, Any]]


def _current_files(
    table: DeltaTable, folder: Path, partition: Mapping[str, str]
) -> list[dict[str, Any]]:
    rows = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    prefix = "partition."
    found = []
    for row in rows:
        values = {key.removeprefix(prefix): v for key, v in row.items() if key.startswith(prefix)}
        if any(values.get(key) != value for key, value in partition.items()):
            continue
        found.append(
            {
                "path": str(folder / row["path"]),
                "relative": row["path"],
                "rows": row["num_records"],
                "size": row["size_bytes"],
                "modified": row["modification_time"],
                "start": row.get("min.time"),
                "end": row.get("max.time"),
                **values,
            }
        )
    return found


def _remove_action(file: Mapping[str, Any], partition: Sequence[str]) -> RemoveAction:
    return RemoveAction(
        path=file["relative"],
        data_change=True,
        deletion_timestamp=int(time.time() * 1000),
        size=file["size"],
        partition_values={name: file[name] for name in partition},
    )


def _delta_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def content_id(*parts: str) -> str:
    """A short stable id of some texts (16 hex digits)."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


__all__ = [
    "CommitConflictError",
    "Lake",
    "NewFile",
    "Part",
    "Snapshot",
    "content_id",
    "month_state",
]
