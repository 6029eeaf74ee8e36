"""Rows that came late are moved to their place, with all they hold and the line they came from."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.ingest.order import put_in_order
from microgrid_lib.ingest.readers import RAW
from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import load_site
from microgrid_lib.store.lake import MEASUREMENTS, Lake

HEADER = "Timestamp,Battery_Active_Power,PVPCS_Active_Power"


def raw_table(seconds: list[int], gaps: set[int]) -> duckdb.DuckDBPyConnection:
    """A raw table of these times; the value of a row is its row id; some rows are deleted."""
    con = duckdb.connect()
    con.execute(f"CREATE TEMP TABLE {RAW} (t TIMESTAMP, pv DOUBLE)")
    con.execute(
        f"INSERT INTO {RAW} SELECT make_timestamp(s * 1000000), row FROM "
        "(SELECT unnest($seconds) AS s, unnest($rows) AS row)",
        {"seconds": seconds, "rows": list(range(len(seconds)))},
    )
    con.execute(f"DELETE FROM {RAW} WHERE list_contains($gaps, rowid)", {"gaps": sorted(gaps)})
    return con


def rows_of(con: duckdb.DuckDBPyConnection, origin: str) -> list[tuple[int, float, int]]:
    return con.execute(
        f"SELECT epoch_us(t) // 1000000, pv, {origin} FROM {RAW} ORDER BY rowid"
    ).fetchall()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    late=st.dictionaries(st.integers(1, 199), st.integers(1, 8), max_size=2),
    gaps=st.sets(st.integers(0, 199), max_size=5),
)
def test_late_rows_go_where_their_time_is(late: dict[int, int], gaps: set[int]) -> None:
    seconds = list(range(200))
    for place, by in late.items():
        seconds.insert(min(place + by, 199), seconds.pop(place))
    con = raw_table(seconds, gaps)
    before = rows_of(con, "rowid")
    done = put_in_order(con, ["t", "pv"], "epoch_us(t)", len(before))
    assert done
    after = rows_of(con, "coalesce(_origin, rowid)")
    assert [second for second, _, _ in after] == sorted(second for second, _, _ in before)
    assert sorted(after) == sorted(before)
    assert all(value == origin for _, value, origin in after)


def test_what_is_mostly_out_of_order_is_left_to_a_sort() -> None:
    con = raw_table(list(range(100, 0, -1)), set())
    before = rows_of(con, "rowid")
    assert not put_in_order(con, ["t", "pv"], "epoch_us(t)", 100)
    assert rows_of(con, "rowid") == before


def test_a_channel_of_the_same_name_as_a_working_column_keeps_its_values() -> None:
    con = raw_table([0, 2, 1, *range(3, 100)], set())
    con.execute(f"ALTER TABLE {RAW} RENAME pv TO _here")
    assert not put_in_order(con, ["t", "_here"], "epoch_us(t)", 100)


def test_a_file_with_late_rows_is_stored_in_order_with_the_lines_of_its_rows(
    tmp_path: Path,
) -> None:
    minutes = [*range(50)]
    minutes.insert(30, minutes.pop(27))
    lines = [f"2022/07/01 10:{m:02d}:01,{m}.0,{m}.5" for m in minutes]
    (tmp_path / "late.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    settings_ = Settings(home=tmp_path / "home")
    ingest_and_summarise([tmp_path / "late.csv"], load_site("mesa_del_sol"), settings_)
    lake = Lake(settings_.lake)
    (path,) = lake.folder(MEASUREMENTS).rglob("*.parquet")
    stored = pq.ParquetFile(path).read()
    assert stored["battery_power"].to_pylist() == [float(m) for m in range(50)]
    assert stored["pv_power"].to_pylist() == [m + 0.5 for m in range(50)]
    assert stored["row"].to_pylist() == [minutes.index(m) + 2 for m in range(50)]
