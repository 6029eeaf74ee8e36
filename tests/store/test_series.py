from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.series import choose_buckets, series
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, day_window
from tests.kpi.lakes import engine, make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")


@pytest.fixture(scope="module")
def run() -> DuckDBEngine:
    return engine()


def test_a_bucket_has_mean_extremes_and_coverage(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    pv: list[float | None] = [1.0, 2.0, None, None, None, None, 5.0, 6.0, 7.0]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": p} for p in pv]))
    window = Window(START, START + timedelta(seconds=90))
    found = series(run, lake, profile, ["pv"], window, points=5)["pv"]
    assert (found.role, found.unit, found.bucket_s) == ("pv", "kW", 20)
    frame = found.frame
    assert frame["time"].tolist() == [
        pd.Timestamp(START) + pd.Timedelta(seconds=20 * i) for i in range(5)
    ]
    assert frame["mean"].tolist()[0] == 1.5
    assert frame["mean"].isna().tolist() == [False, True, True, False, False]
    assert frame["min"].tolist()[3:] == [5.0, 7.0]
    assert frame["max"].tolist()[3:] == [6.0, 7.0]
    assert frame["coverage"].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_a_gap_in_the_data_is_rows_without_values(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    rows = rows_from(profile.site, START, [{"pv": 1.0}] * 3)
    rows += rows_from(profile.site, START + timedelta(seconds=60), [{"pv": 1.0}] * 2)
    lake = make_lake(tmp_path, profile, rows)
    frame = series(run, lake, profile, ["pv"], Window(START, START + timedelta(hours=1)))[
        "pv"
    ].frame
    assert frame["mean"].isna().tolist() == [False] * 3 + [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("interval_s", "length", "points", "step"),
    [
        (10, timedelta(hours=1), 1000, 10),
        (10, timedelta(seconds=10_000), 1000, 10),
        (10, timedelta(seconds=10_010), 1000, 20),
        (10, timedelta(days=1), 1000, 120),
        (10, timedelta(days=7), 1000, 900),
        (10, timedelta(days=31), 1000, 3600),
        (10, timedelta(days=450), 1000, 43_200),
        (10, timedelta(days=450), 20, 2_419_200),
        (900, timedelta(days=1), 1000, 900),
        (900, timedelta(days=31), 1000, 3600),
        (3600, timedelta(days=31), 1000, 3600),
        (7200, timedelta(days=31), 300, 10_800 * 2),
        (86_400, timedelta(days=31), 1000, 86_400),
    ],
)
def test_the_finest_round_step_that_fits_is_taken(
    interval_s: int, length: timedelta, points: int, step: int
) -> None:
    profile = make_site(["pv"], interval_s=interval_s).profile()
    grid = choose_buckets(profile, Window(START, START + length), points)
    assert grid.step_s == step
    assert len(grid.starts_us) <= points


def test_days_are_local_days_of_23_to_25_hours(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], display_timezone="America/Los_Angeles").profile()
    zone = profile.site.display_zone
    start = datetime(2023, 3, 11, tzinfo=zone)
    rows = rows_from(profile.site, start, [{"pv": 1.0}] * (4 * 24 * 4))
    for row in rows:
        row["time"] = (start.astimezone(utc("2023-03-01T00:00").tzinfo)) + (row["time"] - start)
    lake = make_lake(tmp_path, profile, rows, summarised=run)
    window = Window(start, datetime(2023, 3, 14, tzinfo=zone))
    frame = series(run, lake, profile, ["pv"], window, points=3)["pv"].frame
    assert [t.isoformat() for t in frame["time"]] == [
        "2023-03-11T00:00:00-08:00",
        "2023-03-12T00:00:00-08:00",
        "2023-03-13T00:00:00-07:00",
    ]
    assert frame["coverage"].tolist() == [1.0, 1.0, 1.0]
    grid = choose_buckets(profile, window, 3)
    assert grid.expected.tolist() == [96, 92, 96]


def test_the_doubled_hour_makes_a_day_of_25_hours() -> None:
    profile = make_site(["pv"], display_timezone="America/Los_Angeles").profile()
    zone = profile.site.display_zone
    window = Window(datetime(2023, 11, 4, tzinfo=zone), datetime(2023, 11, 7, tzinfo=zone))
    assert choose_buckets(profile, window, 3).expected.tolist() == [96, 100, 96]
    hours = choose_buckets(profile, day_window(datetime(2023, 11, 5).date(), zone), 25)
    assert hours.expected.tolist() == [4] * 25


def test_weeks_start_on_mondays() -> None:
    profile = make_site(["pv"]).profile()
    window = Window(utc("2023-03-01T00:00"), utc("2023-06-01T00:00"))
    grid = choose_buckets(profile, window, 20)
    assert grid.step_s == 7 * 86_400
    days = pd.to_datetime(grid.starts_us, unit="us").day_name()
    assert set(days) == {"Monday"}
    assert grid.expected[0] == 5 * 96


def test_the_first_bucket_counts_only_slots_inside_the_window(
    run: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    lake = make_lake(
        tmp_path, profile, rows_from(profile.site, START, [{"pv": float(i)} for i in range(120)])
    )
    window = Window(START + timedelta(seconds=30), START + timedelta(seconds=120))
    frame = series(run, lake, profile, ["pv"], window, points=2)["pv"].frame
    assert frame["mean"].tolist() == [pytest.approx(4.0), pytest.approx(8.5)]
    assert frame["coverage"].tolist() == [1.0, 1.0]


def test_the_window_is_cut_where_data_end(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 6))
    frame = series(run, lake, profile, ["pv"], Window(START, START + timedelta(days=3)))["pv"].frame
    assert len(frame) == 6


def test_a_live_site_is_drawn_up_to_now(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"], interval_s=10, live=True).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 6))
    window = Window(START, START + timedelta(days=3))
    now = START + timedelta(seconds=100)
    assert len(series(run, lake, profile, ["pv"], window, now=now)["pv"].frame) == 10


def test_an_unknown_role_names_the_known_ones(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv", "load"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}]))
    with pytest.raises(UnknownNameError, match="known: pv, load, grid"):
        series(run, lake, profile, ["genset"], Window(START, START + timedelta(days=1)))


def test_a_window_outside_the_data_has_no_series(run: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}]))
    for start in (START - timedelta(days=2), START + timedelta(days=2)):
        with pytest.raises(NoDataError):
            series(run, lake, profile, ["pv"], Window(start, start + timedelta(days=1)))


def naive(lake_rows: Sequence[dict[str, object]], edges: Sequence[pd.Timestamp]) -> list[float]:
    means = []
    for low, high in pairwise(edges):
        inside = [r["pv"] for r in lake_rows if low <= r["time"] < high and r["pv"] is not None]
        means.append(sum(inside) / len(inside) if inside else math.nan)
    return means


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "UTC-07:00"])
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hours=st.integers(1, 24 * 9),
    offset=st.integers(0, 3000),
    points=st.integers(3, 40),
    seed=st.integers(0, 99),
)
def test_series_from_summaries_and_from_samples_equal_loops(
    run: DuckDBEngine, tmp_path: Path, zone: str, hours: int, offset: int, points: int, seed: int
) -> None:
    profile = make_site(["pv"], interval_s=300, display_timezone=zone).profile()
    first = utc("2023-03-08T11:00")
    rng = np.random.default_rng(seed)
    values = rng.normal(5, 3, 12 * 24 * 9)
    slots = [{"pv": None if rng.random() < 0.1 else float(v)} for v in values]
    rows = [r for r in rows_from(profile.site, first, slots) if rng.random() < 0.95]
    lake: Snapshot = make_lake(tmp_path, profile, rows, summarised=run)
    start = (first + timedelta(seconds=offset)).astimezone(profile.site.display_zone)
    end = (first + timedelta(seconds=offset, hours=hours)).astimezone(profile.site.display_zone)
    window = Window(start, end)
    frames = [
        series(run, snapshot, profile, ["pv"], window, points)["pv"].frame
        for snapshot in (lake, replace(lake, summaries={}))
    ]
    cut = min(pd.Timestamp(end), pd.Timestamp(max(r["time"] for r in rows)) + pd.Timedelta("300s"))
    edges = [max(t, pd.Timestamp(start)) for t in frames[0]["time"]] + [cut]
    assert len(frames[0]) <= points
    for frame in frames:
        np.testing.assert_allclose(frame["mean"], naive(rows, edges), rtol=1e-9, equal_nan=True)
        assert frame["coverage"].between(0, 1).all()
    pd.testing.assert_frame_equal(frames[0], frames[1], rtol=1e-12)
