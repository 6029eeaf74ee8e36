"""Scores, intervals and choice against hand-computed cases and naive twins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.forecast.floor import observed_floor
from microgrid_lib.forecast.intervals import LEVELS, Calibration, calibrate, conformal_quantile
from microgrid_lib.forecast.scores import (
    common_hours,
    coverage,
    daily_means,
    errors,
    pinball,
    skill,
    skill_interval,
)
from microgrid_lib.forecast.select import apart, best_baseline, ranking
from microgrid_lib.forecast.walk import Walk
from tests.forecast.histories import made_up

NAN = np.nan


def made_walk(
    forecasts: dict[str, np.ndarray], truth: np.ndarray, step: int = 24, role: str = "load"
) -> Walk:
    origins = 24 * 14 + step * np.arange(len(truth))
    known = made_up(90, role).calendar(truth.shape[1])
    return Walk(origins, truth.shape[1], truth, forecasts, known, role)


def test_errors_are_over_hours_with_both() -> None:
    found = errors(np.array([1.0, 4.0, NAN, 9.0]), np.array([2.0, 2.0, 3.0, NAN]))
    assert (found.mae, found.bias, found.hours) == (1.5, 0.5, 2)
    assert found.rmse == pytest.approx(np.sqrt(2.5))
    assert np.isnan(errors(np.array([NAN]), np.array([1.0])).mae)


def test_skill_is_one_for_perfect_and_zero_for_the_baseline() -> None:
    truth, baseline = np.array([[1.0, 2.0]]), np.array([[2.0, 4.0]])
    assert skill(truth, baseline, truth) == 1.0
    assert skill(baseline, baseline, truth) == 0.0
    assert skill(np.array([[4.0, 5.0]]), baseline, truth) == -1.0
    assert np.isnan(skill(baseline, truth, truth))


def test_the_skill_interval_surrounds_the_skill_and_needs_two_origins() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(30, 24))
    baseline, forecast = truth + rng.normal(size=(30, 24)), truth + 0.5 * rng.normal(size=(30, 24))
    low, high = skill_interval(forecast, baseline, truth, seed=3) or (NAN, NAN)
    assert low < skill(forecast, baseline, truth) < high
    assert high - low < 0.2
    assert skill_interval(forecast, baseline, truth, seed=3) == (low, high)
    assert skill_interval(forecast[:1], baseline[:1], truth[:1], seed=3) is None


def test_coverage_counts_both_limits_in() -> None:
    truth = np.array([1.0, 2.0, 3.0, NAN])
    assert coverage(np.full(4, 1.0), np.full(4, 2.0), truth) == pytest.approx(2 / 3)
    assert np.isnan(coverage(np.full(4, NAN), np.full(4, 2.0), truth))


def test_pinball_weighs_the_two_sides() -> None:
    truth = np.array([10.0])
    assert pinball(np.array([8.0]), 0.9, truth) == pytest.approx(1.8)
    assert pinball(np.array([12.0]), 0.9, truth) == pytest.approx(0.2)


def test_a_daily_mean_needs_its_hours() -> None:
    day = np.repeat([7, 8, 9], [24, 23, 2])
    values = np.concatenate([np.full(24, 2.0), np.full(23, 4.0), [9.0, 9.0]])
    values[0] = NAN
    days, means = daily_means(values, day, 23)
    assert days.tolist() == [7, 8]
    assert means.tolist() == [2.0, 4.0]
    assert np.isnan(daily_means(values, day, 24)[1]).all()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=200), st.sampled_from(LEVELS))
def test_a_conformal_quantile_leaves_out_the_promised_share(
    sample: list[float], level: float
) -> None:
    found = conformal_quantile(np.array(sample), level)
    n = len(sample)
    if level > 0.5:
        assert found >= 0
        assert sum(value <= found for value in sample) >= min(np.ceil((n + 1) * level - 1e-9), n)
    else:
        assert found <= 0
        assert sum(value >= found for value in sample) >= min(
            np.ceil((n + 1) * (1 - level) - 1e-9), n
        )


def test_a_conformal_quantile_by_hand() -> None:
    residuals = np.arange(-9.0, 11.0)  # 20 of them
    # ceil(21 * .9) = 19th smallest, floor(21 * .1) = 2nd.
    assert conformal_quantile(residuals, 0.9) == 9.0
    assert conformal_quantile(residuals, 0.1) == -8.0
    assert conformal_quantile(residuals + 100, 0.1) == 0.0


def calibrated(
    role: str, windows: int, noise: np.ndarray, floor: float | None = None
) -> Calibration:
    truth = 50 + noise[:windows]
    walk = made_walk({}, truth, role=role)
    return calibrate(np.full(truth.shape, 50.0), truth, walk.origins, walk.known, role, floor)


@pytest.mark.parametrize("role", ["load", "pv"])
def test_intervals_cover_what_they_promise_on_new_noise(role: str) -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(60, 120)) * (1 + 4 * (np.arange(120) % 24 > 12))
    made = calibrated(role, 40, noise)
    walk = made_walk({}, 50 + noise, role=role)
    inside80, inside95 = [], []
    for row in range(40, 60):
        known = walk.known.part(walk.origins[row], walk.origins[row] + 120)
        low95, low, high, high95 = made.apply(np.full(120, 50.0), known, role).T
        assert (low95 <= low).all()
        assert (low <= 50).all()
        assert (high >= 50).all()
        assert (high <= high95).all()
        inside80.append(coverage(low, high, 50 + noise[row]))
        inside95.append(coverage(low95, high95, 50 + noise[row]))
    assert 0.77 < np.mean(inside80) < 0.83
    assert 0.93 < np.mean(inside95) < 0.97


def test_wider_where_errors_were_larger() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(40, 120)) * (1 + 4 * (np.arange(120) % 24 > 12))
    made = calibrated("load", 40, noise)
    known = made_walk({}, noise).known.part(336, 456)
    spread = np.ptp(made.apply(np.full(120, 50.0), known, "load"), axis=1)
    assert spread[13:24].min() > 3 * spread[0:12].max()


def test_few_windows_give_no_interval() -> None:
    noise = np.random.default_rng(5).normal(size=(30, 120))
    known = made_walk({}, noise).known.part(336, 456)
    point = np.full(120, 50.0)
    none = calibrated("load", 7, noise).apply(point, known, "load")
    assert np.isnan(none).all()
    some = calibrated("load", 19, noise).apply(point, known, "load")
    assert np.isnan(some[:, [0, 3]]).all()
    assert not np.isnan(some[:, [1, 2]]).any()
    assert not np.isnan(calibrated("load", 20, noise).apply(point, known, "load")).any()


def test_an_interval_of_the_sun_stops_at_what_was_ever_seen() -> None:
    noise = np.random.default_rng(5).normal(0, 10, size=(30, 120))
    known = made_walk({}, noise, role="pv").known.part(336, 456)
    point = np.array([*np.full(60, 2.0), *np.full(60, -3.0)])
    found = calibrated("pv", 30, noise, floor=-0.2).apply(point, known, "pv")
    assert found[:60].min() == -0.2
    assert (found[60:].min(axis=1) == -3.0).all()
    assert calibrated("pv", 30, noise).apply(point, known, "pv").min() < -5


def test_only_production_and_consumption_have_a_floor() -> None:
    past = np.array([NAN, 3.0, -0.5, 8.0])
    assert [observed_floor(past, role) for role in ("pv", "load", "critical_load")] == [-0.5] * 3
    assert observed_floor(past, "grid") is observed_floor(past, "bus_voltage") is None
    assert observed_floor(np.full(3, NAN), "load") is None


def test_intervals_of_hours_and_days_stop_at_the_floor_by_hand() -> None:
    made = Calibration(
        scale=np.full(48, 2.0),
        quantiles=np.full((1, 2, 4), [-3.0, -1.0, 1.0, 3.0]),
        daily=np.array([[-5.0, 5.0]]),
        windows=30,
        floor=1.0,
    )
    known = made_walk({}, np.zeros((1, 3))).known.part(0, 3)
    assert made.apply(np.array([10.0, 4.0, 1.0]), known, "load").tolist() == [
        [4.0, 8.0, 12.0, 16.0],
        [1.0, 2.0, 6.0, 10.0],
        [1.0, 1.0, 3.0, 7.0],
    ]
    assert made.apply_daily(np.array([10.0, 4.0])).tolist() == [[5.0, 15.0], [1.0, 9.0]]
    free = replace(made, floor=None)
    assert free.apply_daily(np.array([4.0])).tolist() == [[-1.0, 9.0]]
    assert free.apply(np.ones(3), known, "load")[0].tolist() == [-5.0, -1.0, 3.0, 7.0]


@given(seed=st.integers(0, 10_000), floor=st.floats(0, 60), role=st.sampled_from(("load", "pv")))
@settings(max_examples=25, deadline=None)
def test_a_floor_keeps_the_order_and_loses_no_truth(seed: int, floor: float, role: str) -> None:
    rng = np.random.default_rng(seed)
    truth = np.maximum(rng.normal(50, 30, (30, 48)), floor)
    forecast = np.maximum(rng.normal(50, 30, truth.shape), floor)
    walk = made_walk({}, truth, role=role)
    made = calibrate(forecast, truth, walk.origins, walk.known, role, floor)
    free = replace(made, floor=None)
    for origin, point, real in zip(walk.origins, forecast, truth, strict=True):
        known = walk.known.part(origin, origin + 48)
        found, before = (one.apply(point, known, role) for one in (made, free))
        ordered = np.column_stack([found[:, :2], point, found[:, 2:]])
        assert (np.diff(ordered, axis=1) >= 0).all()
        assert found.min() >= floor
        for low, high in ((0, 3), (1, 2)):
            inside = (found[:, low] <= real) & (real <= found[:, high])
            assert inside[(before[:, low] <= real) & (real <= before[:, high])].all()
        means, real_means = point.reshape(2, 24).mean(axis=1), real.reshape(2, 24).mean(axis=1)
        (low, high), (free_low, free_high) = made.apply_daily(means).T, free.apply_daily(means).T
        assert (floor <= low).all()
        assert (low <= means).all()
        assert (means <= high).all()
        held = (low <= real_means) & (real_means <= high)
        assert held[(free_low <= real_means) & (real_means <= free_high)].all()


def test_a_calibration_survives_json() -> None:
    import json

    made = calibrated("load", 12, np.random.default_rng(5).normal(size=(30, 120)))
    again = Calibration.from_json(json.loads(json.dumps(made.to_json())))
    np.testing.assert_array_equal(again.quantiles, made.quantiles)
    np.testing.assert_array_equal(again.scale, made.scale)
    np.testing.assert_array_equal(again.daily, made.daily)
    assert (again.windows, again.floor) == (12, None)


def test_daily_bands_are_calibrated_on_daily_means() -> None:
    # Errors that cancel within a day: hourly intervals are wide, daily ones have no width.
    noise = np.tile([1.0, -1.0], (30, 60))
    made = calibrated("load", 30, noise)
    assert np.abs(made.daily).max() < 1e-9
    assert made.apply_daily(np.array([50.0, 60.0])).tolist() == pytest.approx(
        np.array([[50.0, 50.0], [60.0, 60.0]])
    )


def test_the_ranking_judges_all_on_the_same_hours() -> None:
    truth = np.array([[0.0, 0.0, 0.0]])
    forecasts = {
        "last_value": np.array([[1.0, 1.0, NAN]]),
        "random_forest": np.array([[0.5, 0.5, 100.0]]),
        "climatology_7d": np.array([[2.0, 2.0, 0.0]]),
        "nothing": np.full((1, 3), NAN),
    }
    ranked = ranking(made_walk(forecasts, truth))
    assert ranked == ["random_forest", "last_value", "climatology_7d"]
    assert best_baseline(ranked) == "last_value"
    assert common_hours(forecasts, truth).sum() == 0


@given(step=st.integers(24, 200), count=st.integers(1, 20))
@settings(max_examples=20)
def test_origins_apart_never_overlap(step: int, count: int) -> None:
    kept = apart(made_walk({}, np.zeros((count, 120)), step)).origins
    assert (np.diff(kept) >= 120).all()
    assert kept[-1] == 24 * 14 + step * (count - 1)
