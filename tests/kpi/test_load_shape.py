"""The load's duration curve and week against loops over its samples."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi import load_shape
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.load_shape import duration_curve, week_profile
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import Row, make_lake, make_site, rows_from, utc

LA = ZoneInfo("America/Los_Angeles")
START = utc("2023-11-03T05:00")


def access_of(
    engine: DuckDBEngine, folder: Path, values: list[float | None], interval_s: int = 900
) -> tuple[Access, list[Row]]:
    site = make_site(("load", "pv"), interval_s=interval_s, display_timezone="America/Los_Angeles")
    rows = rows_from(site, START, [{"load": v, "pv": 0.0} for v in values])
    snapshot = make_lake(folder, site.profile(), rows, summarised=engine)
    return Access(engine, snapshot, site.profile()), rows


def random_load(count: int) -> list[float | None]:
    rng = np.random.default_rng(7)
    values = rng.normal(100, 40, count).round(1)
    return [None if missing else float(v) for v, missing in zip(values, rng.random(count) < 0.1)]  # noqa: B905


def window_of(rows: list[Row], first: int, last: int) -> Window:
    return Window(rows[first]["time"].astimezone(LA), rows[last]["time"].astimezone(LA))


@pytest.mark.parametrize(("first", "last"), [(0, 480), (3, 200), (5, 9)])
def test_the_curve_is_the_sorted_samples(
    engine: DuckDBEngine, tmp_path: Path, first: int, last: int
) -> None:
    access, rows = access_of(engine, tmp_path, random_load(500))
    curve = duration_curve(access, window_of(rows, first, last), points=21)
    ranked = sorted((r["load"] for r in rows[first:last] if r["load"] is not None), reverse=True)
    # The height reached for k of 20 parts of the samples: that many of them are at least as high.
    expected = [ranked[max(0, math.ceil(k * len(ranked) / 20) - 1)] for k in range(21)]
    assert curve.power.tolist() == expected
    assert curve.share.tolist() == pytest.approx([k / 20 for k in range(21)])
    assert curve.covered_h == len(ranked) / 4
    assert curve.coverage == len(ranked) / (last - first)
    assert curve.step_s == 900


def test_a_long_window_ranks_means_weighted_by_their_samples(
    engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access, rows = access_of(engine, tmp_path, random_load(900), interval_s=10)
    window = window_of(rows, 7, 877)
    monkeypatch.setattr(load_shape, "SLOTS_UP_TO", timedelta(0))
    curve = duration_curve(access, window, points=11)
    buckets: dict[float, list[float]] = {}
    for row in rows[7:877]:
        if row["load"] is not None:
            buckets.setdefault(row["time"].timestamp() // 300, []).append(row["load"])
    weighted = [v for b in buckets.values() for v in [sum(b) / len(b)] * len(b)]
    ranked = sorted(weighted, reverse=True)
    expected = [ranked[max(0, math.ceil(k * len(ranked) / 10) - 1)] for k in range(11)]
    np.testing.assert_allclose(curve.power, expected, rtol=1e-12)
    assert curve.step_s == 300
    assert curve.covered_h == pytest.approx(len(ranked) / 360)


def test_a_curve_has_two_points_at_least(engine: DuckDBEngine, tmp_path: Path) -> None:
    access, rows = access_of(engine, tmp_path, [10.0, 30.0, 20.0, 5.0])
    window = window_of(rows, 0, 3)
    assert duration_curve(access, window, points=2).power.tolist() == [30.0, 10.0]
    assert len(duration_curve(access, window).power) == 201
    with pytest.raises(ValueError, match="points is 1"):
        duration_curve(access, window, points=1)


@pytest.mark.parametrize(("minutes", "step_s"), [(0, 60), (1, 300)])
def test_eight_days_are_the_longest_window_read_slot_by_slot(
    engine: DuckDBEngine, tmp_path: Path, minutes: int, step_s: int
) -> None:
    access, _ = access_of(engine, tmp_path, [10.0] * 30, interval_s=60)
    window = Window(START, START + timedelta(days=8, minutes=minutes))
    assert duration_curve(access, window).step_s == step_s


def test_the_week_is_the_mean_of_each_local_hour(engine: DuckDBEngine, tmp_path: Path) -> None:
    # Over the end of summer time: 5 November 2023 has two hours from 01:00 on.
    access, rows = access_of(engine, tmp_path, random_load(1000))
    week = week_profile(access, window_of(rows, 0, 999))
    cells: dict[tuple[int, int], list[float]] = {}
    for row in rows[:999]:
        local = row["time"].astimezone(LA)
        if row["load"] is not None:
            cells.setdefault((local.weekday(), local.hour), []).append(row["load"])
    for (day, hour), values in cells.items():
        assert week.mean[day, hour] == pytest.approx(sum(values) / len(values), rel=1e-12)
        assert week.hours[day, hour] == len(values) / 4
    assert int(np.isfinite(week.mean).sum()) == len(cells)
    sunday_at_one = [r for r in rows if r["time"].astimezone(LA).strftime("%d %H") == "05 01"]
    assert len(sunday_at_one) == 8


def test_hours_without_data_are_nan(engine: DuckDBEngine, tmp_path: Path) -> None:
    access, rows = access_of(engine, tmp_path, [50.0] * 8 + [20.0] + [None] * 7)
    week = week_profile(access, window_of(rows, 0, 15))
    assert week.mean.shape == week.hours.shape == (7, 24)
    # A single slot is enough for a mean: Thursday's 22nd and 23rd hour, Friday's first.
    assert week.mean[np.isfinite(week.mean)].tolist() == [50.0, 50.0, 20.0]
    assert week.hours[week.hours > 0].tolist() == [1.0, 1.0, 0.25]
    assert week.coverage == 9 / 15


def test_no_valid_load_is_no_data(engine: DuckDBEngine, tmp_path: Path) -> None:
    access, rows = access_of(engine, tmp_path, [None] * 16)
    for ask in (duration_curve, week_profile):
        with pytest.raises(NoDataError, match="no valid load"):
            ask(access, window_of(rows, 0, 15))


def test_a_profile_without_a_load_says_why(engine: DuckDBEngine, tmp_path: Path) -> None:
    why = {"load": "the building isn't metered"}
    site = make_site(("pv", "grid"), reasons=why)
    snapshot = make_lake(tmp_path, site.profile(), rows_from(site, START, [{"pv": 1.0}] * 4))
    access = Access(engine, snapshot, site.profile())
    window = Window(START, START + timedelta(hours=1))
    for ask in (duration_curve, week_profile):
        with pytest.raises(NoDataError, match="the building isn't metered"):
            ask(access, window)
