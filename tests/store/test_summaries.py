from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from microgrid_lib.errors import StoreError
from microgrid_lib.kpi.totals import collect_totals
from microgrid_lib.site.load import load_site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.summaries import aliases_of, columns_of
from tests.kpi.lakes import Row, engine, make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")


@pytest.fixture(scope="module")
def run() -> DuckDBEngine:
    return engine()


def summary(run: DuckDBEngine, folder: Path, rows: list[Row], *roles: str) -> pa.Table:
    profile = make_site(roles, interval_s=10).profile()
    lake = make_lake(folder, profile, rows)
    run.write_summary(profile, [part.path for part in lake.parts], folder / "s.parquet")
    return pq.ParquetFile(folder / "s.parquet").read()


def values_of(table: pa.Table, column: str) -> list[float | None]:
    found: list[float | None] = table[column].to_pylist()
    return found


def test_a_bucket_holds_count_sum_extremes_of_each_role(run: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(["bus_voltage"], interval_s=10)
    volts: list[float | None] = [480.0, None, 486.0] + [None] * 27 + [470.0]
    table = summary(
        run, tmp_path, rows_from(site, START, [{"bus_voltage": v} for v in volts]), "bus_voltage"
    )
    assert values_of(table, "bucket") == [START, START + timedelta(minutes=5)]
    assert values_of(table, "bus_voltage__n") == [2, 1]
    assert values_of(table, "bus_voltage__sum") == [966.0, 470.0]
    assert values_of(table, "bus_voltage__min") == [480.0, 470.0]
    assert values_of(table, "bus_voltage__max") == [486.0, 470.0]
    assert values_of(table, "bus_voltage__sumsq") == [480.0**2 + 486.0**2, 470.0**2]


def test_a_bucket_without_valid_values_has_zero_sums_and_no_extremes(
    run: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["pv"], interval_s=10)
    table = summary(run, tmp_path, rows_from(site, START, [{"pv": None}]), "pv")
    assert values_of(table, "pv__n") == [0]
    assert values_of(table, "pv__sum") == [0.0]
    assert values_of(table, "pv__max") == [None]


def test_a_basis_counts_only_slots_in_which_all_its_roles_are_valid(
    run: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["critical_load", "load"], interval_s=10)
    slots = [
        {"critical_load": 3.0, "load": 5.0},
        {"critical_load": 7.0, "load": 5.0},
        {"critical_load": 9.0, "load": None},
        {"critical_load": None, "load": 9.0},
    ]
    table = summary(run, tmp_path, rows_from(site, START, slots), "critical_load", "load")
    assert values_of(table, "load__n") == [3]
    assert values_of(table, "critical__n") == [2]
    assert values_of(table, "critical__served") == [8.0]
    assert values_of(table, "critical__load") == [10.0]
    assert values_of(table, "critical__excess") == [2.0]
    assert values_of(table, "critical__exceeding") == [1]


def test_of_equal_maxima_the_earliest_slot_is_kept(run: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(["bus_voltage", "mccb_voltage"], interval_s=10)
    gaps = [0.0, 3.0, -3.0, 1.0]
    slots = [{"bus_voltage": 480.0, "mccb_voltage": 480.0 + g} for g in gaps]
    rows = list(reversed(rows_from(site, START, slots)))
    table = summary(run, tmp_path, rows, "bus_voltage", "mccb_voltage")
    assert values_of(table, "voltage_gap__gap") == [3.0]
    assert values_of(table, "voltage_gap__gap_time") == [START + timedelta(seconds=10)]


def test_files_hold_the_declared_columns_in_order_of_time(
    run: DuckDBEngine, tmp_path: Path
) -> None:
    profile = load_site("mesa_del_sol").profile()
    rows: list[Row] = [
        {"time": START + timedelta(minutes=m), "source": "plant", "pv_power": float(m)}
        for m in (50, 5, 20, 0)
    ]
    lake = make_lake(tmp_path, profile, rows)
    run.write_summary(profile, [part.path for part in lake.parts], tmp_path / "s.parquet")
    file = pq.ParquetFile(tmp_path / "s.parquet")
    assert file.schema_arrow.names == ["bucket", *(c.name for c in columns_of(profile))]
    assert str(file.schema_arrow.field("bucket").type.tz) in {"UTC", "Etc/UTC"}
    buckets = file.read()["bucket"].to_pylist()
    assert buckets == sorted(buckets)
    assert len(buckets) == 4


def test_statistics_that_equal_another_are_stored_once() -> None:
    published = load_site("mesa_del_sol").profile("as_published")
    assert aliases_of(published)["supply__n"] == "grid__n"
    assert aliases_of(published)["supply__genset"] is None
    engine_profile = load_site("mesa_del_sol").profile("gas_engine")
    assert aliases_of(engine_profile) == {}
    names = [column.name for column in columns_of(engine_profile)]
    assert len(names) == len(set(names))


def test_a_summary_of_an_older_version_is_computed_afresh(
    run: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    rows = rows_from(profile.site, START, [{"pv": float(i)} for i in range(100)])
    lake = make_lake(tmp_path, profile, rows, summarised=run)
    (key,) = lake.summaries
    old = tmp_path / "old.parquet"
    pq.write_table(pq.read_table(lake.summaries[key]).drop_columns(["pv__sum"]), old)
    aged = replace(lake, summaries={key: str(old)})
    end = START + timedelta(hours=1)
    totals = collect_totals(run, aged, profile, START, end)
    assert totals.sums["pv__sum"] == pytest.approx(statistics.fsum(range(100)))


def test_a_summary_is_used_where_it_is_current(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    rows = rows_from(profile.site, START, [{"pv": 1.0}] * 60)
    lake = make_lake(tmp_path, profile, rows, summarised=run)
    for part in lake.parts:
        Path(part.path).unlink()
    totals = collect_totals(run, lake, profile, START, START + timedelta(minutes=10))
    assert totals.sums["pv__sum"] == 60.0


def test_a_file_that_is_gone_is_one_clear_line(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 3))
    Path(lake.parts[0].path).unlink()
    with pytest.raises(StoreError, match="the lake can't be read") as caught:
        collect_totals(run, lake, profile, START, START + timedelta(minutes=1))
    assert "\n" not in str(caught.value)


def test_a_site_without_a_peaking_role_has_totals_too(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["temp_inlet"], interval_s=10).profile()
    rows = rows_from(profile.site, START, [{"temp_inlet": 15.0}] * 40)
    lake = make_lake(tmp_path, profile, rows, summarised=run)
    totals = collect_totals(run, lake, profile, START + timedelta(seconds=10), START + timedelta(1))
    assert totals.n("temp_inlet") == 39
    assert totals.peaks == {}


def test_threads_may_share_an_engine(tmp_path: Path) -> None:
    shared = engine()
    profile = make_site(["pv", "load"], interval_s=10).profile()
    rows = rows_from(profile.site, START, [{"pv": 1.0, "load": 2.0}] * 900)
    lake = make_lake(tmp_path, profile, rows, summarised=shared)

    def total(seconds: int) -> float:
        end = START + timedelta(seconds=seconds)
        return collect_totals(shared, lake, profile, START, end).sums["pv__sum"]

    lengths = list(range(10, 1210, 50))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(total, lengths)) == [float(s // 10) for s in lengths]
