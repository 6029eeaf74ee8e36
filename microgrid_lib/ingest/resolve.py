"""Which row wins where files overlap: the first by (file name, row), whatever came in first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from microgrid_lib.ingest.records import hidden_paths, source_states
from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import first_row, write_parquet
from microgrid_lib.store.lake import HIDDEN, MEASUREMENTS, Lake, NewFile
from microgrid_lib.store.snapshot import Part, Snapshot, month_state

MERGE_ABOVE_FILES = 32


@dataclass
class Plan:
    """One atomic step: what comes, what goes, and the rows hidden by it."""

    add: list[NewFile]
    remove: list[Part]
    hidden: list[NewFile]

    def discard(self, lake: Lake) -> None:
        """Delete what was written for a step that didn't happen."""
        lake.discard(MEASUREMENTS, self.add)
        lake.discard(HIDDEN, self.hidden)


@dataclass(frozen=True)
class MonthRows:
    """Accepted rows of the file at hand in one local month.

    Attributes
    ----------
    month
        `YYYY-MM`.
    rows
        How many.
    start, end
        First and last time (UTC).
    """

    month: str
    rows: int
    start: datetime
    end: datetime


def plan_step(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    snapshot: Snapshot,
    *,
    source: str,
    file: str,
    months: Sequence[MonthRows],
    incoming: str | None,
    written: Mapping[str, Sequence[NewFile]],
    replaces: bool,
) -> Plan:
    """Put the Parquet files of a step together, without committing them.

    Parameters
    ----------
    source, file
        The source and the name of the file that comes, changes or goes.
    months
        Months the file has rows in.
    incoming
        Table or view with the file's rows (`time`, channels, `file`, `row`, `ingest`, `month`);
        None where the file only goes.
    written
        Month -> files already written by `write_months`.
    replaces
        Whether a version of the file is there already.

    Returns
    -------
    Plan
        Months that only this file touches are appended; where another file has rows of the same
        time, or an older version of this file is there, the month is written anew.
    """
    plan = Plan([], [], [])
    try:
        mine = {part.month for part in snapshot.parts if part.source == source}
        before = _months_of_file(con, lake, snapshot, source, file) if replaces else set()
        hidden_months = (
            {
                month
                for (src, month) in source_states(snapshot)
                if src == source and hidden_paths(lake, snapshot, [(source, month)])
            }
            if _has_hidden(lake, site)
            else set()
        )
        for rows in months:
            crowded = sum(p.source == source and p.month == rows.month for p in snapshot.parts)
            if rows.month not in mine or (
                not (rows.month in before or rows.month in hidden_months)
                and crowded < MERGE_ABOVE_FILES
                and not _overlaps(con, snapshot, source, rows, incoming)
            ):
                plan.add += written[rows.month]
            else:
                _rewrite(con, lake, site, snapshot, plan, source, file, rows.month, incoming)
        for month in sorted(before - {rows.month for rows in months}):
            _rewrite(con, lake, site, snapshot, plan, source, file, month, None)
    except BaseException:
        plan.discard(lake)
        raise
    return plan


def write_months(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    source: str,
    months: Sequence[MonthRows],
    incoming: str,
    *,
    ordered: bool,
) -> dict[str, list[NewFile]]:
    """Write a file's rows as they will be needed unless another file has rows of the same time.

    Returns
    -------
    dict
        Month -> the new file; it belongs to the caller until a plan takes it.
    """
    written: dict[str, list[NewFile]] = {}
    order = "" if ordered else " ORDER BY time"
    try:
        for rows in months:
            sql = f"SELECT * EXCLUDE (month) FROM {incoming}"
            if len(months) > 1:
                sql += f" WHERE month = '{rows.month}'"
            written[rows.month] = _write(
                con, lake, MEASUREMENTS, site, source, rows.month, sql + order
            )
    except BaseException:
        lake.discard(MEASUREMENTS, [file for files in written.values() for file in files])
        raise
    return written


def _has_hidden(lake: Lake, site: Site) -> bool:
    return bool(lake.files_of(HIDDEN, site=site.name))


def _months_of_file(
    con: duckdb.DuckDBPyConnection, lake: Lake, snapshot: Snapshot, source: str, file: str
) -> set[str]:
    """Months in which a version of the file has rows, hidden ones included."""
    found: set[str] = set()
    for month, paths in _paths_by_month(lake, snapshot, source).items():
        row = first_row(
            con,
            "SELECT count(*) FROM read_parquet($paths, union_by_name=true) WHERE file = $file",
            {"paths": paths, "file": file},
        )
        if row[0]:
            found.add(month)
    return found


def _paths_by_month(lake: Lake, snapshot: Snapshot, source: str) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for part in snapshot.parts:
        if part.source == source:
            grouped.setdefault(part.month, []).append(part.path)
    states = source_states(snapshot)
    for f in lake.files_of(HIDDEN, site=snapshot.site, source=source):
        if states.get((source, f["month"])) == f["state"]:
            grouped.setdefault(f["month"], []).append(f["path"])
    return grouped


def _overlaps(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    source: str,
    rows: MonthRows,
    incoming: str | None,
) -> bool:
    paths = [
        part.path
        for part in snapshot.parts
        if part.source == source and part.start <= rows.end and part.end >= rows.start
    ]
    if not paths or incoming is None:
        return False
    found = first_row(
        con,
        f"SELECT count(*) FROM (SELECT time FROM {incoming} SEMI JOIN "
        "(SELECT time FROM read_parquet($paths)) AS other USING (time))",
        {"paths": paths},
    )
    return bool(found[0])


def _rewrite(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    site: Site,
    snapshot: Snapshot,
    plan: Plan,
    source: str,
    file: str,
    month: str,
    incoming: str | None,
) -> None:
    """Write a (source, month) anew from the rows of all its files but old ones of `file`."""
    old = [p for p in snapshot.parts if p.source == source and p.month == month]
    paths = [p.path for p in old] + hidden_paths(lake, snapshot, [(source, month)])
    channels = list(site.channels_of(site.source(source)))
    names = ", ".join(f'"{channel}"' for channel in channels)
    typed = ", ".join(f'NULL::DOUBLE AS "{channel}"' for channel in channels)
    shape = (
        f"SELECT NULL::TIMESTAMPTZ AS time, {typed}, NULL::VARCHAR AS file, "
        "NULL::BIGINT AS row, NULL::VARCHAR AS ingest WHERE false"
    )
    parts = [shape]
    parameters: dict[str, object] = {}
    if paths:
        parts.append(
            "SELECT * FROM read_parquet($paths, union_by_name=true, hive_partitioning=false) "
            "WHERE file <> $file"
        )
        parameters = {"paths": paths, "file": file}
    if incoming is not None:
        parts.append(f"SELECT * EXCLUDE (month) FROM {incoming} WHERE month = '{month}'")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE competing AS SELECT *, "
        "row_number() OVER (PARTITION BY time ORDER BY file, row) AS place FROM ("
        + " UNION ALL BY NAME ".join(parts)
        + ")",
        parameters,
    )
    equal = " AND ".join(f'(l."{c}" IS NOT DISTINCT FROM w."{c}")' for c in channels)
    added = _write(
        con,
        lake,
        MEASUREMENTS,
        site,
        source,
        month,
        f"SELECT time, {names}, file, row, ingest FROM competing WHERE place = 1 ORDER BY time",
    )
    plan.add += added
    plan.remove += old
    state = month_state(f.path for f in added)
    losers = ", ".join(f'l."{c}"' for c in channels)
    plan.hidden += _write(
        con,
        lake,
        HIDDEN,
        site,
        source,
        month,
        f"SELECT l.time, {losers}, l.file, l.row, l.ingest, "
        f"CASE WHEN {equal} THEN 'duplicate' ELSE 'conflict' END AS verdict, "
        "w.file AS kept_file, w.row AS kept_row FROM competing l "
        "JOIN competing w ON w.time = l.time AND w.place = 1 WHERE l.place > 1 "
        "ORDER BY l.time, l.place",
        state=state,
    )
    con.execute("DROP TABLE competing")


def _write(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    table: str,
    site: Site,
    source: str,
    month: str,
    sql: str,
    state: str | None = None,
) -> list[NewFile]:
    """Write a SELECT to a new Parquet file of a table; nothing where it gives no row."""
    partition = {"site": site.name, "source": source, "month": month}
    if state is not None:
        partition["state"] = state
    path = lake.new_path(table, partition)
    target = lake.folder(table) / path
    written = write_parquet(con, sql, str(target))
    if not written:
        target.unlink(missing_ok=True)
        return []
    start, end = first_row(
        con,
        "SELECT epoch_us(min(time)), epoch_us(max(time)) FROM read_parquet($path)",
        {"path": str(target)},
    )
    return [NewFile(path, partition, written, _at(start), _at(end))]


def _at(us: int | None) -> datetime | None:
    return None if us is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
