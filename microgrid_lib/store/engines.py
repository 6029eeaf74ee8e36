"""Engines that run the one Ibis definition of slots, summaries, KPIs and series.

An expression is written once over two unbound tables, `measurements` and `summaries`; an engine
compiles it once to its SQL, and binds files and time bounds to it at every run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from microgrid_lib.errors import StoreError
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.duck import connect, identifier
from microgrid_lib.store.slots import anchor_s, epoch_us, slot_table
from microgrid_lib.store.summaries import Column, columns_of, summarise

if TYPE_CHECKING:
    import ibis

Columns = dict[str, npt.NDArray[Any]]
Build = Callable[["ibis.Table | None", "ibis.Table | None"], "ibis.Table"]
"""(measurements, summaries), None where there is nothing to read -> what to compute."""


@dataclass(frozen=True)
class Scan:
    """Files to read, cut to `[start, end)`.

    Attributes
    ----------
    paths
        Parquet files.
    start, end
        Bounds of `time` or `bucket` (UTC); None: unbounded.
    part
        Number that the rows carry in their column `part`.
    """

    paths: tuple[str, ...]
    start: datetime | None = None
    end: datetime | None = None
    part: int = 0


def joined(scans: Sequence[Scan]) -> list[Scan]:
    """Put the scans without bounds together, for expressions that don't ask for parts."""
    whole = [scan for scan in scans if scan.start is None and scan.end is None]
    bounded = [scan for scan in scans if scan not in whole]
    paths = tuple(path for scan in whole for path in scan.paths)
    return [Scan(paths), *bounded] if paths else bounded


class ResultCache:
    """Small results of expensive queries, the oldest dropped first; safe between threads."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[Hashable, object] = {}

    def get(self, key: Hashable) -> object | None:
        """Return the result of that key, None where there is none."""
        with self._lock:
            return self._held.get(key)

    def put(self, key: Hashable, value: object) -> None:
        """Keep a result."""
        with self._lock:
            while len(self._held) >= self._most:
                del self._held[next(iter(self._held))]
            self._held[key] = value


class Engine(Protocol):
    """Where expressions over measurements and summaries run."""

    def fetch(
        self,
        key: Hashable,
        build: Build,
        profile: Profile,
        measurements: Sequence[Scan] = (),
        summaries: Sequence[Scan] = (),
    ) -> Columns:
        """Run an expression.

        Parameters
        ----------
        key
            Names the expression: builds with equal keys and profiles compute the same.
        build
            Makes it from the two tables; both have the column `part`.
        profile
            Site and profile of the tables.
        measurements, summaries
            What to read.

        Returns
        -------
        dict of str to ndarray, shape (rows,)
            Null is NaN, or NaT in times (datetime64, UTC).

        Raises
        ------
        StoreError
            A file can't be read.
        """
        ...

    def unique(self, site: Site, paths: Sequence[str]) -> bool:
        """Whether no source has two rows in one slot, in files of one month."""
        ...

    def complete(self, profile: Profile, summary: str) -> bool:
        """Whether a summary has all columns that this version of the library reads."""
        ...

    def write_summary(self, profile: Profile, paths: Sequence[str], target: str | Path) -> None:
        """Summarise measurement files into one Parquet file."""
        ...

    @property
    def results(self) -> ResultCache:
        """Results that depend on nothing but files that never change."""
        ...


class DuckDBEngine:
    """DuckDB in this process, reading Parquet files.

    May be used from several threads: every query runs on a cursor of its own.

    Parameters
    ----------
    settings
        Memory limit and threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._connection = connect(settings)
        # Every query has a cursor of its own, which takes its settings from here.
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET GLOBAL parquet_metadata_cache = true")
        self._lock = threading.Lock()
        self._sql: dict[Hashable, str] = {}
        self._columns_of_file: dict[str, dict[str, str]] = {}
        self._results = ResultCache()

    def fetch(
        self,
        key: Hashable,
        build: Build,
        profile: Profile,
        measurements: Sequence[Scan] = (),
        summaries: Sequence[Scan] = (),
    ) -> Columns:
        """See `Engine.fetch`."""
        sql, values = self._bound(key, build, profile, measurements, summaries)
        columns = self._run(sql, values).fetchnumpy()
        return {name: _filled(column) for name, column in columns.items()}

    def write_summary(self, profile: Profile, paths: Sequence[str], target: str | Path) -> None:
        """Summarise the measurement files of one month into one Parquet file.

        Parameters
        ----------
        profile
            Gives roles and bucket length.
        paths
            Measurement files.
        target
            File to write: `bucket` (UTC, ascending) and `columns_of(profile)`.

        Raises
        ------
        StoreError
            A file can't be read or written.
        """
        unique = self.unique(profile.site, paths)
        key, build = _summary(profile, unique=unique)
        sql, values = self._bound(key, build, profile, [Scan(tuple(paths))], ())
        self._run(
            f"COPY ({_stored_summary(profile, sql)}) TO $target (FORMAT parquet, COMPRESSION zstd)",
            values | {"target": str(target)},
        )

    def summary_sql(
        self, profile: Profile, rows: str, channels: Collection[str], *, unique: bool
    ) -> str:
        """SQL of the summary of one source's rows, for a connection that has them in memory.

        Parameters
        ----------
        profile
            Gives roles and bucket length.
        rows
            SELECT with the columns `time` (TIMESTAMPTZ) and `channels`.
        channels
            Channels among them; the site's others are missing.
        unique
            Whether no slot has two rows.

        Returns
        -------
        str
            What `write_summary` writes.
        """
        key, build = _summary(profile, unique=unique)
        body = self._body(key, build, profile, measured=True, summed=False)
        columns = [
            identifier(name) if name in channels else f"NULL::{kind} AS {identifier(name)}"
            for name, kind in _mentioned(_channels(profile.site), body).items()
        ]
        measured = ", ".join([_utc("time", "TIME ZONE") + ' AS "time"', *columns, "0 AS part"])
        return _stored_summary(
            profile,
            f"WITH measurements AS NOT MATERIALIZED (SELECT {measured} FROM ({rows})) {body}",
        )

    def unique(self, site: Site, paths: Sequence[str]) -> bool:
        """See `Engine.unique`."""
        step, shift = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000

        key = ("unique", site.interval_s, shift, *sorted(paths))
        known = self._results.get(key)
        if isinstance(known, bool):
            return known
        text, values = self._union([Scan(tuple(paths))], "time", {"source": "VARCHAR"}, "m")
        group = "source, slot >> 5" if len(site.sources) > 1 else "slot >> 5"
        # A bit per slot, 32 slots a group: several times faster than counting distinct slots.
        rows = self._run(
            "SELECT bool_and(n = bit_count(seen)) FROM (SELECT count(*) AS n, "
            "bit_or(1::BIGINT << (slot & 31)::INTEGER) AS seen FROM (SELECT source, "
            f'(epoch_us("time") - {shift}) // {step} AS slot FROM ({text})) GROUP BY {group})',
            values,
        ).fetchall()
        unique = bool(rows[0][0])
        self._results.put(key, unique)
        return unique

    def complete(self, profile: Profile, summary: str) -> bool:
        """See `Engine.complete`."""
        key = ("complete", profile.fingerprint, summary)
        known = self._results.get(key)
        if isinstance(known, bool):
            return known
        present = self._file_columns(summary)
        complete = all(column.name in present for column in columns_of(profile))
        self._results.put(key, complete)
        return complete

    @property
    def results(self) -> ResultCache:
        """See `Engine.results`."""
        return self._results

    def _bound(
        self,
        key: Hashable,
        build: Build,
        profile: Profile,
        measurements: Sequence[Scan],
        summaries: Sequence[Scan],
    ) -> tuple[str, dict[str, Any]]:
        site = profile.site
        body = self._body(key, build, profile, measured=bool(measurements), summed=bool(summaries))
        tables: list[str] = []
        values: dict[str, Any] = {}
        if measurements:
            text, bound = self._union(measurements, "time", _mentioned(_channels(site), body), "m")
            tables.append(f"measurements AS NOT MATERIALIZED ({text})")
            values |= bound
        if summaries:
            text, bound = self._union(summaries, "bucket", _mentioned(_sums(profile), body), "s")
            tables.append(f"summaries AS NOT MATERIALIZED ({text})")
            values |= bound
        return f"WITH {', '.join(tables)} SELECT * FROM ({body})", values

    def _body(
        self, key: Hashable, build: Build, profile: Profile, *, measured: bool, summed: bool
    ) -> str:
        """SQL of an expression over the tables `measurements` and `summaries`."""
        site = profile.site
        full_key = (
            key,
            profile.fingerprint,
            anchor_s(site),
            len(site.sources),
            measured,
            summed,
        )
        with self._lock:
            body = self._sql.get(full_key)
            if body is None:
                body = self._compile(build, profile, measured, summed)
                self._sql[full_key] = body
        return body

    @staticmethod
    def _compile(build: Build, profile: Profile, measured: bool, summed: bool) -> str:
        import ibis

        rows = (
            ibis.table(
                {
                    "time": "timestamp",
                    "source": "string",
                    **dict.fromkeys(profile.site.channels, "float64"),
                    "part": "int32",
                },
                name="measurements",
            )
            if measured
            else None
        )
        buckets = (
            ibis.table(
                {
                    "bucket": "timestamp",
                    **{column.name: _kind(column)[1] for column in columns_of(profile)},
                    "part": "int32",
                },
                name="summaries",
            )
            if summed
            else None
        )
        return str(ibis.to_sql(build(rows, buckets), dialect="duckdb", pretty=False))

    def _union(
        self, scans: Sequence[Scan], time: str, wanted: dict[str, str], prefix: str
    ) -> tuple[str, dict[str, Any]]:
        values: dict[str, Any] = {}
        selects: list[str] = []
        for number, scan in enumerate(scans):
            if not scan.paths:
                continue
            name = f"{prefix}{number}"
            values[name] = list(scan.paths)
            selects.append(self._select(scan, name, time, wanted))
        if not selects:
            empty = ", ".join(f'NULL::{kind} AS "{c}"' for c, kind in wanted.items())
            selects = [f'SELECT NULL::TIMESTAMP AS "{time}", {empty}, 0 AS part WHERE false']
        return " UNION ALL ".join(selects), values

    def _select(self, scan: Scan, name: str, time: str, wanted: dict[str, str]) -> str:
        files = [self._file_columns(path) for path in scan.paths]
        present: dict[str, str] = {}
        for file in files:
            present |= file
        columns = [_utc(time, present[time]) + f' AS "{time}"']
        for column, kind in wanted.items():
            if column not in present and column != "source":
                columns.append(f'NULL::{kind} AS "{column}"')
            elif kind == "TIMESTAMP":
                columns.append(_utc(column, present[column]) + f' AS "{column}"')
            elif present.get(column, kind) == kind:
                columns.append(f'"{column}"')
            else:
                columns.append(f'CAST("{column}" AS {kind}) AS "{column}"')
        columns.append(f"{scan.part}::INTEGER AS part")
        make = "make_timestamptz" if "TIME ZONE" in present[time] else "make_timestamp"
        bounds = [
            f'"{time}" {sign} {make}({epoch_us(at)})'
            for sign, at in ((">=", scan.start), ("<", scan.end))
            if at is not None
        ]
        same = "false" if all(file == files[0] for file in files) else "true"
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        return (
            f"SELECT {', '.join(columns)} FROM read_parquet(${name}, hive_partitioning=true, "
            f"hive_types_autocast=false, union_by_name={same}){where}"
        )

    def _file_columns(self, path: str) -> dict[str, str]:
        """Columns of a file and their types; a file of the lake never changes."""
        known = self._columns_of_file.get(path)
        if known is None:
            rows = self._run(
                "DESCRIBE SELECT * FROM read_parquet($path, hive_partitioning=false)",
                {"path": [path]},
            ).fetchall()
            known = {str(row[0]): str(row[1]) for row in rows}
            self._columns_of_file[path] = known
        return known

    def _run(self, sql: str, values: dict[str, Any]) -> Any:
        import duckdb

        try:
            return self._connection.cursor().execute(sql, values)
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise StoreError(f"the lake can't be read: {_first_line(error)}") from error
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                "the query needs more memory than MICROGRID_MEMORY_LIMIT_MB allows"
            ) from error


def _summary(profile: Profile, *, unique: bool) -> tuple[Hashable, Build]:
    """Key and definition of the summary of measurements."""

    def build(measured: ibis.Table | None, _: ibis.Table | None) -> ibis.Table:
        if measured is None:
            raise AssertionError("a summary needs measurements")
        return summarise(slot_table(measured.drop("part"), profile, unique=unique), profile)

    return ("summary", unique), build


def _stored_summary(profile: Profile, sql: str) -> str:
    """SQL of a summary as it is stored: in order, times with their zone."""
    columns = [
        _zoned(column.name) if column.merge == "time" else identifier(column.name)
        for column in columns_of(profile)
    ]
    return f'SELECT {", ".join([_zoned("bucket"), *columns])} FROM ({sql}) ORDER BY "bucket"'


def _channels(site: Site) -> dict[str, str]:
    """SQL types of the measurements' columns but `time`."""
    return {"source": "VARCHAR"} | dict.fromkeys(site.channels, "DOUBLE")


def _sums(profile: Profile) -> dict[str, str]:
    """SQL types of the summaries' columns but `bucket`."""
    return {column.name: _kind(column)[0] for column in columns_of(profile)}


def _mentioned(columns: dict[str, str], sql: str) -> dict[str, str]:
    """Columns a query names: every one that it doesn't only makes planning longer."""
    return {name: kind for name, kind in columns.items() if f'"{name}"' in sql}


def _kind(column: Column) -> tuple[str, str]:
    """Type of a summary's column, in SQL and in Ibis."""
    if column.count:
        return "BIGINT", "int64"
    return ("TIMESTAMP", "timestamp") if column.merge == "time" else ("DOUBLE", "float64")


def _filled(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not isinstance(column, np.ma.MaskedArray):
        return column
    values, missing = np.asarray(column.data), np.ma.getmaskarray(column)
    if values.dtype.kind == "M":
        return np.where(missing, np.datetime64("NaT"), values)
    return np.where(missing, np.nan, values.astype(float))


def _utc(column: str, kind: str) -> str:
    """Write a column as TIMESTAMP in UTC; through integers, because casts ask the calendar."""
    return f'make_timestamp(epoch_us("{column}"))' if "TIME ZONE" in kind else f'"{column}"'


def _zoned(column: str) -> str:
    return f'make_timestamptz(epoch_us("{column}")) AS "{column}"'


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
