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

from microgrid_lib.ingest.readers import RAW, RawRows, insert_refused
from microgrid_lib.site.profile import Channel, Site
from microgrid_lib.site.zones import offset_changes
from microgrid_lib.store.duck import first_row, identifier

if TYPE_CHECKING:
    import pandas as pd

ACCEPTED = "accepted_rows"
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE_ALLOWED = timedelta(days=1)
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
    duplicates = _drop_repeated(con, site, raw, time_sql) if time_sql else 0
    return _count(con, site, raw, time_sql, duplicates, doubled)


def _to_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _drop(con: duckdb.DuckDBPyConnection, ids: np.ndarray) -> None:
    con.register("new_dropped", pa.table({"id": ids.astype("int64")}))
    con.execute(f"DELETE FROM {RAW} WHERE rowid IN (FROM new_dropped)")
    con.unregister("new_dropped")


def _refuse(
    con: duckdb.DuckDBPyConnection, raw: RawRows, condition: str, reason: str, allowed: str
) -> None:
    found = con.execute(f"SELECT rowid AS id, t::VARCHAR AS t FROM {RAW} WHERE {condition}").df()
    if found.empty:
        return
    ids = found["id"].to_numpy()
    lines = raw.lines_of(ids)
    texts = [str(t) if isinstance(t, str) else None for t in found["t"]]
    insert_refused(
        con,
        [
            (int(line), text or "", None, text, reason, allowed, "")
            for line, text in zip(lines, texts, strict=True)
        ],
    )
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
    second = _second_pass(rows["t"], end - start) if site.doubled_hour == "order" else None
    if second is None:
        second = pd.Series(pd.NA, index=rows.index, dtype="boolean")
    doubtful = rows[second.isna()]
    if not doubtful.empty:
        ids = doubtful["id"].to_numpy()
        insert_refused(
            con,
            [
                (
                    int(line),
                    str(t),
                    None,
                    str(t),
                    "ambiguous_time",
                    (
                        f"a time that {site.source_timezone} has once, "
                        "or both passes of the hour in order"
                    ),
                    "",
                )
                for line, t in zip(raw.lines_of(ids), doubtful["t"], strict=True)
            ],
        )
        _drop(con, ids)
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


def _crowded(rows: str, number: str) -> str:
    """SQL: blocks of 32 numbers in which one is there twice.

    A bit per number is several times faster than counting distinct ones.
    """
    return (
        f"SELECT n >> 5 AS block FROM (SELECT {number} AS n FROM {rows}) GROUP BY block "
        "HAVING count(*) <> bit_count(bit_or(1::BIGINT << (n & 31)::INTEGER))"
    )


def _drop_repeated(con: duckdb.DuckDBPyConnection, site: Site, raw: RawRows, time_sql: str) -> int:
    """Keep the first row of each time; the others are duplicates or conflicts.

    Rows are compared as they would be stored, as rows of different files are.
    """
    second = f"({time_sql}) // {_US}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE crowded AS {_crowded(RAW, second)}")
    if not first_row(con, "SELECT count(*) FROM crowded")[0]:
        return 0
    equal = " AND ".join(
        f'(r."accepted_{channel}" IS NOT DISTINCT FROM w."accepted_{channel}")'
        for channel in raw.channels
    )
    names = ", ".join(
        f'"{channel}", {_accepted_sql(site, channel)} AS "accepted_{channel}"'
        for channel in raw.channels
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT rowid AS id, {time_sql} AS us, t, "
        f"{names} FROM {RAW} WHERE {second} >> 5 IN (FROM crowded)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE repeated AS SELECT suspects.*, again.winner FROM suspects "
        "JOIN (SELECT us, min(id) AS winner FROM suspects GROUP BY us HAVING count(*) > 1) "
        "AS again USING (us)"
    )
    found = con.execute(
        f"SELECT r.id, r.winner, r.t::VARCHAR AS t, {equal} AS same FROM repeated r "
        "JOIN repeated w ON w.id = r.winner WHERE r.id <> r.winner ORDER BY r.id"
    ).df()
    if found.empty:
        return 0
    conflicts = found[~found["same"]]
    if not conflicts.empty:
        _refuse_conflicts(con, raw, conflicts)
    con.execute("DROP TABLE repeated")
    _drop(con, found["id"].to_numpy())
    return int(found["same"].sum())


def _refuse_conflicts(
    con: duckdb.DuckDBPyConnection, raw: RawRows, conflicts: pd.DataFrame
) -> None:
    values = con.execute("SELECT * FROM repeated").df().set_index("id")
    lines = raw.lines_of(conflicts["id"].to_numpy())
    winner_lines = raw.lines_of(conflicts["winner"].to_numpy())
    rows: list[tuple[object, ...]] = []
    for (loser, winner, text), line, winner_line in zip(
        conflicts[["id", "winner", "t"]].itertuples(index=False),
        lines,
        winner_lines,
        strict=True,
    ):
        kept, refused = values.loc[winner], values.loc[loser]
        detail = "; ".join(
            f"{channel}: {_number(refused[channel])} refused, {_number(kept[channel])} kept"
            for channel in raw.channels
            if not _same(refused[f"accepted_{channel}"], kept[f"accepted_{channel}"])
        )
        allowed = f"the values of row {winner_line}"
        rows.append((int(line), str(text), None, None, "conflict", allowed, detail))
    insert_refused(con, rows)


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _number(value: float) -> str:
    return "missing" if math.isnan(value) else repr(float(value))


def sentinel_sql(channel: str, site: Site) -> str:
    """SQL: whether a raw value that is there means "missing"."""
    tests = [f'"{channel}" = {sentinel!r}' for sentinel in site.sentinels]
    return "(" + " OR ".join(tests) + ")" if tests else "false"


def _scaled(name: str, channel: Channel) -> str:
    return f'"{name}"' if channel.factor == 1.0 else f'("{name}" * {channel.factor!r})'


def _inside_sql(site: Site, name: str) -> str:
    """SQL: whether a raw value lies in its channel's range; NULL where it is missing."""
    channel = site.channels[name]
    low, high = channel.range
    inside = f"{_scaled(name, channel)} BETWEEN {low!r} AND {high!r}"
    if _may_be_plausible(site, channel):
        return f"({inside} AND NOT {sentinel_sql(name, site)})"
    return f"({inside})"


def _accepted_sql(site: Site, name: str) -> str:
    """SQL: what is stored of a raw value; NULL where it is missing or refused."""
    return f"CASE WHEN {_inside_sql(site, name)} THEN {_scaled(name, site.channels[name])} END"


def _count(
    con: duckdb.DuckDBPyConnection,
    site: Site,
    raw: RawRows,
    time_sql: str,
    duplicates: int,
    doubled: int,
) -> Cleaned:
    """Count missing and implausible values, quarantine the latter, and put the SELECT together."""
    stored = ", ".join(f'{_accepted_sql(site, name)} AS "{name}"' for name in raw.channels)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {ACCEPTED} AS SELECT rowid AS id, "
        f"{time_sql or '0'} AS us, {stored} FROM {RAW}"
    )
    values = ", ".join(identifier(name) for name in raw.channels)
    kept = first_row(
        con,
        f"SELECT {', '.join(f'count({identifier(name)})' for name in raw.channels)}, "
        f"coalesce(countif(coalesce({values}) IS NOT NULL), 0), count(*), min(us), max(us) "
        f"FROM {ACCEPTED}",
    )
    slots, accepted, low_us, high_us = int(kept[-4]), int(kept[-3]), kept[-2], kept[-1]
    step = site.interval_s * _US
    if first_row(con, f"SELECT count(*) FROM ({_crowded(ACCEPTED, f'us // {step}')})")[0]:
        slots = first_row(
            con,
            f"SELECT count(DISTINCT us // {step}) FROM {ACCEPTED} "
            f"WHERE coalesce({values}) IS NOT NULL",
        )[0]
    found = first_row(
        con,
        "SELECT "
        + ", ".join(
            f'count("{name}"), countif({sentinel_sql(name, site)})' for name in raw.channels
        )
        + f" FROM {RAW}",
    )
    # countif() of no row at all is NULL
    present, sentinels = found[0::2], [number or 0 for number in found[1::2]]
    missing = sum(accepted - p + s for p, s in zip(present, sentinels, strict=True))
    outside: dict[str, str] = {}
    out_of_range = 0
    for name, p, k, s in zip(raw.channels, present, kept, sentinels, strict=False):
        if p - k - s == 0:
            continue
        # What isn't a number is missing; counted here because it is rare.
        nans = first_row(con, f'SELECT countif(isnan("{name}")) FROM {RAW}')[0]
        missing += nans
        out_of_range += p - k - s - nans
        if p - k - s - nans:
            outside[name] = (
                f"(NOT {_inside_sql(site, name)} AND NOT {sentinel_sql(name, site)} "
                f'AND NOT isnan("{name}"))'
            )
    _refuse_values(con, site, raw, outside)
    backwards = first_row(
        con,
        f"SELECT count(*) FROM (SELECT us FROM {ACCEPTED}) AS here POSITIONAL JOIN "
        f"(SELECT us AS next FROM {ACCEPTED} OFFSET 1) AS there WHERE next < us",
    )[0]
    columns = ", ".join(identifier(name) for name in raw.channels)
    select = f"SELECT make_timestamptz(us) AS time, {columns}, id FROM {ACCEPTED}"
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Cleaned(
        select=select,
        ordered=backwards == 0,
        channels=raw.channels,
        rows_accepted=accepted,
        rows_duplicate=duplicates,
        rows_rejected=raw.rows_read - accepted - duplicates,
        values_missing=int(missing),
        values_out_of_range=int(out_of_range),
        start=epoch + timedelta(microseconds=low_us) if accepted else None,
        end=epoch + timedelta(microseconds=high_us) if accepted else None,
        slots=slots,
        doubled_hour_rows=doubled,
    )


def _may_be_plausible(site: Site, channel: Channel) -> bool:
    """Whether a sentinel lies inside the plausible range, so that the range alone won't do."""
    low, high = channel.range
    return any(low <= sentinel * channel.factor <= high for sentinel in site.sentinels)


def _refuse_values(
    con: duckdb.DuckDBPyConnection, site: Site, raw: RawRows, outside: dict[str, str]
) -> None:
    """Quarantine single values; the rest of their rows stays."""
    if not outside:
        return
    values = ", ".join(f'{_scaled(name, site.channels[name])} AS "{name}"' for name in outside)
    flags = ", ".join(f'{condition} AS "{name}_outside"' for name, condition in outside.items())
    rows = con.execute(
        f"SELECT rowid AS id, t::VARCHAR AS t, {values}, {flags} FROM {RAW} "
        f"WHERE ({' OR '.join(outside.values())}) ORDER BY rowid"
    ).df()
    lines = raw.lines_of(rows["id"].to_numpy())
    refused: list[tuple[object, ...]] = []
    for name in outside:
        channel = site.channels[name]
        allowed = f"{channel.range[0]:g} to {channel.range[1]:g} {channel.unit}"
        flagged = rows[f"{name}_outside"].fillna(value=False).to_numpy(dtype=bool)
        for line, t, value in zip(
            lines[flagged], rows["t"][flagged], rows[name][flagged], strict=True
        ):
            reason = "out_of_range" if np.isfinite(value) else "not_finite"
            refused.append((int(line), str(t), name, repr(float(value)), reason, allowed, ""))
    insert_refused(con, refused)
