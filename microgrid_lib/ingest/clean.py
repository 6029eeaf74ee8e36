"""The cleaning rules: which rows and values of a raw table are accepted, and why others aren't.

Reads `readers.RAW`; leaves the accepted rows as a SELECT and the refused ones in
`readers.REFUSED`. Rules are those of the domain: sentinels are missing values, impossible or
doubtful times and conflicting rows are refused, values outside their plausible range are refused
one by one, identical rows count once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from microgrid_lib.ingest.order import ORIGIN, put_in_order
from microgrid_lib.ingest.readers import RAW, REFUSED, RawRows, insert_refused
from microgrid_lib.ingest.values import OUTSIDE
from microgrid_lib.site.profile import Site
from microgrid_lib.site.zones import offset_changes
from microgrid_lib.store.duck import first_row, identifier, text_literal

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE_ALLOWED = timedelta(days=1)
LEAST_ORDER = 0.1
"""Share of steps against a file's direction of time above which its order says nothing."""
_US = 1_000_000


@dataclass(frozen=True)
class Cleaned:
    """The accepted rows of one file, and what was found on the way.

    Attributes
    ----------
    select
        SQL giving `time` (TIMESTAMPTZ), the channels (DOUBLE, missing = NULL) and `id` (row of
        the raw table), one row per time, not ordered.
    ordered
        Whether the rows come in order of time already.
    channels
        Channels of the file.
    rows_accepted, rows_duplicate, rows_rejected
        Together the rows read.
    values_missing, values_out_of_range
        Over the accepted rows.
    start, end
        First and last accepted time (UTC), None where nothing was accepted.
    slots
        Slots of the site's interval that have a value.
    unique_slots
        Whether no slot has two rows.
    doubled_hour_rows
        Rows of a doubled hour that were told apart by their order.
    """

    select: str
    ordered: bool
    channels: tuple[str, ...]
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    values_missing: int
    values_out_of_range: int
    start: datetime | None
    end: datetime | None
    slots: int = 0
    unique_slots: bool = False
    doubled_hour_rows: int = 0


def clean(
    con: duckdb.DuckDBPyConnection, site: Site, raw: RawRows, now: datetime | None = None
) -> Cleaned:
    """Apply the rules to the raw table of a connection.

    Parameters
    ----------
    con
        Holds the tables `RAW` and `REFUSED`.
    site
        Ranges, sentinels, zone.
    raw
        What reading gave.
    now
        Times later than a day after this are refused; default: the clock.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE doubled (id BIGINT, shift BIGINT)")
    _refuse(con, raw, "t IS NULL", "no_time", "a time")
    latest = (now or datetime.now(UTC)) + FUTURE_ALLOWED
    allowed = f"{EARLIEST:%Y-%m-%d} to {latest:%Y-%m-%d}"
    # By the wall clock first: what is centuries away, Python and the zones can't reckon with.
    day = timedelta(days=1)
    low_wall, high_wall = (at.replace(tzinfo=None) for at in (EARLIEST - day, latest + day))
    far = f"(t < TIMESTAMP '{low_wall}' OR t > TIMESTAMP '{high_wall}')"
    if first_row(con, f"SELECT count(*) FROM {RAW} WHERE {far}")[0]:
        _refuse(con, raw, far, "time_out_of_range", allowed)
    span = first_row(con, f"SELECT min(t)::VARCHAR, max(t)::VARCHAR FROM {RAW}")
    time_sql, doubled = "", 0
    if span[0] is not None:
        first, last = (_to_datetime(text) for text in span)
        time_sql, doubled = _utc_expression(con, site, raw, first, last)
        if first < low_wall + 2 * day or last > high_wall - 2 * day:
            low, high = int(EARLIEST.timestamp() * _US), int(latest.timestamp() * _US)
            _refuse(
                con,
                raw,
                f"NOT ({time_sql} BETWEEN {low} AND {high})",
                "time_out_of_range",
                allowed,
            )
    time_sql = time_sql or "epoch_us(t)"
    slot_sql = f"({time_sql}) // {site.interval_s * _US}"
    crowded = _find_crowded(con, slot_sql)
    duplicates = _drop_repeated(con, raw, time_sql, slot_sql) if crowded else 0
    shared = _shared_slots(con, raw, slot_sql) if crowded else (0, 0)
    return _count(con, site, raw, time_sql, duplicates, doubled, shared)


def _to_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _drop(con: duckdb.DuckDBPyConnection, ids: np.ndarray) -> None:
    con.register("new_dropped", pa.table({"id": ids.astype("int64")}))
    con.execute(f"DELETE FROM {RAW} WHERE rowid IN (FROM new_dropped)")
    con.unregister("new_dropped")


def _refuse(
    con: duckdb.DuckDBPyConnection, raw: RawRows, condition: str, reason: str, allowed: str
) -> None:
    found = con.execute(f"SELECT rowid FROM {RAW} WHERE {condition} ORDER BY rowid").fetchnumpy()
    _refuse_rows(con, raw, np.asarray(found["rowid"], dtype=np.int64), reason, allowed)


def _refuse_rows(
    con: duckdb.DuckDBPyConnection, raw: RawRows, ids: np.ndarray, reason: str, allowed: str
) -> None:
    """Move whole rows to quarantine, with the values they bring."""
    if not len(ids):
        return
    values = ", ".join(
        f"{text_literal(channel + ': ')} || coalesce(r.{OUTSIDE}[{place}]::VARCHAR, "
        f"r.{identifier(channel)}::VARCHAR, 'missing')"
        for place, channel in enumerate(raw.channels, start=1)
    )
    con.register("to_refuse", pa.table({"id": ids, "line": raw.lines_of(ids)}))
    con.execute(
        f"INSERT INTO {REFUSED} SELECT line, coalesce(t::VARCHAR, ''), NULL, t::VARCHAR, $reason, "
        f"$allowed, concat_ws('; ', {values}) FROM to_refuse JOIN {RAW} r ON r.rowid = id",
        {"reason": reason, "allowed": allowed},
    )
    con.unregister("to_refuse")
    _drop(con, ids)


def _utc_expression(
    con: duckdb.DuckDBPyConnection, site: Site, raw: RawRows, first: datetime, last: datetime
) -> tuple[str, int]:
    """SQL for the UTC time [us since 1970] of a raw row, and the doubled rows told apart."""
    if raw.time_is_utc:
        return "epoch_us(t)", 0
    zone = site.source_zone
    margin = timedelta(days=2)
    low, high = first.replace(tzinfo=UTC) - margin, last.replace(tzinfo=UTC) + margin
    changes = offset_changes(zone, low, high)
    if len(changes) == 1:
        return f"(epoch_us(t) - {changes[0][1] * _US})", 0
    cases = []
    doubled = 0
    for (at, after), (_, before) in zip(changes[1:], changes[:-1], strict=True):
        wall_before = at.replace(tzinfo=None) + timedelta(seconds=before)
        wall_after = at.replace(tzinfo=None) + timedelta(seconds=after)
        cases.append(f"WHEN t < TIMESTAMP '{wall_before}' THEN epoch_us(t) - {before * _US}")
        if after > before:
            _refuse(
                con,
                raw,
                f"t >= TIMESTAMP '{wall_before}' AND t < TIMESTAMP '{wall_after}'",
                "nonexistent_time",
                f"a time that exists in {site.source_timezone} "
                f"(clocks went from {wall_before} to {wall_after})",
            )
        else:
            doubled += _tell_apart(con, site, raw, zone, wall_after, wall_before)
    expression = f"CASE {' '.join(cases)} ELSE epoch_us(t) - {changes[-1][1] * _US} END"
    if doubled:
        shift = f"(SELECT shift FROM doubled WHERE id = {RAW}.rowid)"
        expression = f"({expression} + coalesce({shift}, 0))"
    return f"({expression})", doubled


def _tell_apart(
    con: duckdb.DuckDBPyConnection,
    site: Site,
    raw: RawRows,
    zone: tzinfo,
    start: datetime,
    end: datetime,
) -> int:
    """Sort the rows of a doubled hour [start, end) into its first and second pass.

    Rows are taken in the file's own direction of time. One long step back inside the hour
    separates the passes (a short one is rows out of order); failing that, a time that is there
    twice is first its first, then its second pass.
    What stays doubtful is refused.
    """
    import pandas as pd

    rows = con.execute(
        f"SELECT rowid AS id, t FROM {RAW} WHERE t >= TIMESTAMP '{start}' "
        f"AND t < TIMESTAMP '{end}' ORDER BY rowid"
    ).df()
    if rows.empty:
        return 0
    if _newest_first(con):
        rows = rows.iloc[::-1]
    by_order = site.doubled_hour == "order" and _has_order(con)
    second = _second_pass(rows["t"], end - start) if by_order else None
    if second is None:
        second = pd.Series(pd.NA, index=rows.index, dtype="boolean")
    doubtful = np.sort(rows.loc[second.isna(), "id"].to_numpy().astype("int64"))
    allowed = f"a time that {site.source_timezone} has once, or both passes of the hour in order"
    _refuse_rows(con, raw, doubtful, "ambiguous_time", allowed)
    later = rows.loc[second.fillna(value=False), "id"]
    shift = int((end - start) / timedelta(microseconds=1))
    ids = later.to_numpy().astype("int64")
    con.register("new_doubled", pa.table({"id": ids, "shift": np.full(len(ids), shift)}))
    con.execute("INSERT INTO doubled FROM new_doubled")
    con.unregister("new_doubled")
    return int(second.notna().sum())


def _newest_first(con: duckdb.DuckDBPyConnection) -> bool:
    found = first_row(
        con, f"SELECT arg_min(t, rowid) > arg_max(t, rowid) FROM {RAW} WHERE t IS NOT NULL"
    )
    return bool(found[0])


def _has_order(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a file's rows follow each other in time, forwards or backwards, but for a few."""
    later, earlier = first_row(
        con,
        "SELECT count(*) FILTER (t > before), count(*) FILTER (t < before) FROM "
        f"(SELECT t, lag(t) OVER (ORDER BY rowid) AS before FROM {RAW})",
    )
    return bool(min(later, earlier) <= LEAST_ORDER * (later + earlier) + 1)


def _second_pass(times: pd.Series, doubled: timedelta) -> pd.Series:
    """Whether each time belongs to the second pass; <NA> where that can't be told."""
    import pandas as pd

    steps = times.diff()
    steps_back = (steps < pd.Timedelta(0)).to_numpy()
    result = pd.Series(pd.NA, index=times.index, dtype="boolean")
    if steps_back.sum() == 1 and steps.min() <= -doubled / 2:
        result[:] = steps_back.cumsum() > 0
        return result
    occurrence = times.groupby(times).cumcount()
    total = times.map(times.value_counts())
    pairs = total == 2
    result[pairs.to_numpy()] = (occurrence[pairs] == 1).to_numpy()
    return result


def _find_crowded(con: duckdb.DuckDBPyConnection, slot_sql: str) -> bool:
    """List the blocks of 32 slots in which a slot has two rows; whether there are any.

    A bit per slot is several times faster than counting distinct ones.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE crowded AS SELECT n >> 5 AS block "
        f"FROM (SELECT {slot_sql} AS n FROM {RAW}) GROUP BY block "
        "HAVING count(*) <> bit_count(bit_or(1::BIGINT << (n & 31)::INTEGER))"
    )
    return bool(first_row(con, "SELECT count(*) FROM crowded")[0])


def _drop_repeated(
    con: duckdb.DuckDBPyConnection, raw: RawRows, time_sql: str, slot_sql: str
) -> int:
    """Keep the first row of each time; the others are duplicates or conflicts.

    Rows are compared as they would be stored, as rows of different files are.
    """
    equal = " AND ".join(
        f"(r.{identifier(name)} IS NOT DISTINCT FROM w.{identifier(name)})" for name in raw.channels
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT rowid AS id, {time_sql} AS us, * "
        f"FROM {RAW} WHERE ({slot_sql}) >> 5 IN (FROM crowded)"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT r.id, w.id AS winner, {equal} AS same "
        "FROM suspects r JOIN (SELECT us, min(id) AS winner FROM suspects GROUP BY us "
        "HAVING count(*) > 1) AS again USING (us) JOIN suspects w ON w.id = again.winner "
        "WHERE r.id <> w.id"
    )
    found = con.execute("SELECT id, same FROM repeated").fetchnumpy()
    if not len(found["id"]):
        return 0
    _refuse_conflicts(con, raw)
    _drop(con, np.asarray(found["id"]))
    return int(np.count_nonzero(found["same"]))


def _refuse_conflicts(con: duckdb.DuckDBPyConnection, raw: RawRows) -> None:
    def values(row: str) -> str:
        stored = ", ".join(f"{row}.{identifier(name)}" for name in raw.channels)
        return f"[{stored}], {row}.{OUTSIDE}"

    conflicts = con.execute(
        f"SELECT r.id, w.id, r.t::VARCHAR, {values('r')}, {values('w')} FROM repeated "
        "JOIN suspects r USING (id) JOIN suspects w ON w.id = repeated.winner WHERE NOT same "
        "ORDER BY r.id"
    ).fetchall()
    if not conflicts:
        return
    lines = raw.lines_of(np.asarray([row[0] for row in conflicts]))
    winner_lines = raw.lines_of(np.asarray([row[1] for row in conflicts]))
    rows: list[tuple[object, ...]] = []
    for (_, _, text, refused, refused_outside, kept, kept_outside), line, winner_line in zip(
        conflicts, lines, winner_lines, strict=True
    ):
        given, there = _given(refused, refused_outside), _given(kept, kept_outside)
        detail = "; ".join(
            f"{channel}: {_number(given[i])} refused, {_number(there[i])} kept"
            for i, channel in enumerate(raw.channels)
            if refused[i] != kept[i]
        )
        allowed = f"the values of row {winner_line}"
        rows.append((int(line), str(text), None, None, "conflict", allowed, detail))
    insert_refused(con, rows)


def _given(stored: list[float | None], outside: list[float | None] | None) -> list[float | None]:
    """Values of a row with those that were refused."""
    if outside is None:
        return stored
    return [
        kept if refused is None else refused for kept, refused in zip(stored, outside, strict=True)
    ]


def _number(value: float | None) -> str:
    return "missing" if value is None else repr(value)


def _shared_slots(con: duckdb.DuckDBPyConnection, raw: RawRows, slot_sql: str) -> tuple[int, int]:
    """Rows beyond the first in their slot: all of them, and counting only rows with a value."""
    values = ", ".join(identifier(name) for name in raw.channels)
    found = first_row(
        con,
        "SELECT count(*) - count(DISTINCT n), count(*) FILTER (valued) "
        "- count(DISTINCT n) FILTER (valued) FROM (SELECT n, valued FROM "
        f"(SELECT {slot_sql} AS n, coalesce({values}) IS NOT NULL AS valued FROM {RAW}) "
        "WHERE n >> 5 IN (FROM crowded))",
    )
    return int(found[0]), int(found[1])


def _count(
    con: duckdb.DuckDBPyConnection,
    site: Site,
    raw: RawRows,
    time_sql: str,
    duplicates: int,
    doubled: int,
    shared: tuple[int, int],
) -> Cleaned:
    """Count missing and implausible values, quarantine the latter, and put the SELECT together."""
    columns = ", ".join(identifier(name) for name in raw.channels)
    present = " + ".join(f"count({identifier(name)})" for name in raw.channels)
    found = first_row(
        con,
        f"SELECT count(*), min(us), max(us), {present}, count(*) FILTER "
        f"(coalesce({columns}) IS NOT NULL), count({OUTSIDE}) "
        f"FROM (SELECT {time_sql} AS us, * FROM {RAW})",
    )
    accepted, low_us, high_us, present_values, valued, strange = found
    out_of_range = _refuse_values(con, site, raw) if strange else 0
    backwards = first_row(
        con,
        f"SELECT count(*) FROM (SELECT {time_sql} AS us FROM {RAW}) AS here POSITIONAL JOIN "
        f"(SELECT {time_sql} AS next FROM {RAW} OFFSET 1) AS there WHERE next < us",
    )[0]
    # Rows of a doubled hour have their time by their row id, so they stay where they are.
    moved = (
        backwards > 0
        and not doubled
        and put_in_order(con, ["t", *raw.channels], time_sql, accepted)
    )
    row_id = f"coalesce({ORIGIN}, rowid)" if moved else "rowid"
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Cleaned(
        select=f"SELECT make_timestamptz({time_sql}) AS time, {columns}, {row_id} AS id FROM {RAW}",
        ordered=backwards == 0 or moved,
        channels=raw.channels,
        rows_accepted=accepted,
        rows_duplicate=duplicates,
        rows_rejected=raw.rows_read - accepted - duplicates,
        values_missing=accepted * len(raw.channels) - present_values - out_of_range,
        values_out_of_range=out_of_range,
        start=epoch + timedelta(microseconds=low_us) if accepted else None,
        end=epoch + timedelta(microseconds=high_us) if accepted else None,
        slots=valued - shared[1],
        unique_slots=shared[0] == 0,
        doubled_hour_rows=doubled,
    )


def _refuse_values(con: duckdb.DuckDBPyConnection, site: Site, raw: RawRows) -> int:
    """Quarantine single values; the rest of their rows stays. Returns how many."""
    rows = con.execute(
        f"SELECT id, t, place, value FROM (SELECT rowid AS id, t::VARCHAR AS t, "
        f"unnest({OUTSIDE}) AS value, generate_subscripts({OUTSIDE}, 1) AS place FROM {RAW} "
        f"WHERE {OUTSIDE} IS NOT NULL) WHERE value IS NOT NULL ORDER BY place, id"
    ).fetchall()
    refused: list[tuple[object, ...]] = []
    lines = raw.lines_of(np.asarray([row[0] for row in rows], dtype=np.int64))
    for (_, t, place, value), line in zip(rows, lines, strict=True):
        name = raw.channels[place - 1]
        channel = site.channels[name]
        allowed = f"{channel.range[0]:g} to {channel.range[1]:g} {channel.unit}"
        reason = "out_of_range" if math.isfinite(value) else "not_finite"
        refused.append((int(line), t, name, repr(value), reason, allowed, ""))
    insert_refused(con, refused)
    return len(refused)
