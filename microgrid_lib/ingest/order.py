"""Putting rows that came late to their place, so that not every row has to be sorted."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from microgrid_lib.ingest.readers import RAW
from microgrid_lib.store.duck import identifier

ORIGIN = "_origin"
"""Column of moved rows: the row id they had, which leads to their line."""
_HERE, _THERE = "_here", "_there"
MOST_ROWS = 5_000_000
MOST_MOVED = 0.1
"""Share of rows above which sorting all of them costs less."""


def put_in_order(
    con: duckdb.DuckDBPyConnection, columns: Sequence[str], time_us: str, rows: int
) -> bool:
    """Move the contents of rows of the raw table so that time never decreases.

    Parameters
    ----------
    con
        Holds the table `RAW`; gets a column `ORIGIN` in it where rows were moved.
    columns
        Columns that go with a row.
    time_us
        SQL of the time [us since 1970]; mustn't refer to row ids.
    rows
        How many there are.

    Returns
    -------
    bool
        Whether it was done: not for many rows, nor where many would have to move.
    """
    if rows > MOST_ROWS or {ORIGIN, _HERE, _THERE} & {name.lower() for name in columns}:
        return False
    found = con.execute(f"SELECT rowid AS id, {time_us} AS us FROM {RAW}").fetchnumpy()
    ids, us = found["id"], found["us"]
    latest_before = np.maximum.accumulate(us)
    earliest_after = np.minimum.accumulate(us[::-1])[::-1]
    astray = np.flatnonzero((us != latest_before) | (us != earliest_after))
    if len(astray) > MOST_MOVED * len(us):
        return False
    source = astray[np.argsort(us[astray], kind="stable")]
    con.register("moves", pa.table({_HERE: ids[astray], _THERE: ids[source]}))
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE moved AS SELECT {_HERE}, {_THERE}, {RAW}.* "
            f"FROM moves JOIN {RAW} ON {RAW}.rowid = {_THERE}"
        )
    finally:
        con.unregister("moves")
    con.execute(f"ALTER TABLE {RAW} ADD COLUMN {ORIGIN} BIGINT")
    names = [identifier(name) for name in columns]
    values = ", ".join(f"{name} = moved.{name}" for name in names)
    con.execute(
        f"UPDATE {RAW} SET {values}, {ORIGIN} = moved.{_THERE} FROM moved "
        f"WHERE {RAW}.rowid = moved.{_HERE}"
    )
    con.execute("DROP TABLE moved")
    return True
