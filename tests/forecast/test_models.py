"""Models, the walk and the backtest: seeded, without leaks, judged on what came true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.backtest import Backtest, backtest
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.errors import ForecastRequestError
from microgrid_lib.forecast.features import WEATHER, design
from microgrid_lib.forecast.models import (
    DEVIATION,
    ENSEMBLE,
    FITTED,
    GRADIENT_BOOSTING,
    MIN_ROWS,
    MODELS,
    RANDOM_FOREST,
    WEATHER_BOOSTING,
    ensemble_members,
    fit,
)
from microgrid_lib.forecast.parallel import share_out
from microgrid_lib.forecast.scores import errors
from microgrid_lib.forecast.walk import Walk, walk
from microgrid_lib.forecast.weather import WeatherTable
from tests.forecast.histories import LOS_ANGELES, made_up, with_values

DAYS = 60
CHEAP = (DEVIATION, GRADIENT_BOOSTING)


@pytest.fixture(scope="module")
def tested() -> Backtest:
    history = made_up(DAYS)
    first, last = history.time(24 * 40), history.time(24 * 55)
    return backtest(history, first, last, every_days=5)


def test_a_backtest_has_every_forecast_of_the_specification(tested: Backtest) -> None:
    report = tested.report
    assert set(report.models) == {*BASELINES, *MODELS} - {WEATHER_BOOSTING}
    assert (report.origins, report.horizon_h, report.hours) == (4, 120, 480)
    assert [at.isoformat() for at in report.origin_times] == [
        f"2022-06-{day}T00:00:00-07:00" for day in (10, 15, 20, 25)
    ]
    assert {name for name, m in report.models.items() if m.kind == "baseline"} == set(BASELINES)


def test_scores_are_those_of_the_stored_forecasts(tested: Backtest) -> None:
    report, scored = tested.report, tested.scored
    best = min(BASELINES, key=lambda name: errors(scored.forecasts[name], scored.truth).mae)
    assert report.best_baseline == best
    reference = np.mean(np.abs(scored.forecasts[best] - scored.truth))
    for name, score in report.models.items():
        miss = scored.forecasts[name] - scored.truth
        assert score.mae == pytest.approx(np.mean(np.abs(miss)))
        assert score.rmse == pytest.approx(np.sqrt(np.mean(miss**2)))
        assert score.bias == pytest.approx(np.mean(miss))
        assert score.skill == pytest.approx(1 - np.mean(np.abs(miss)) / reference)
        low, high = tested.quantiles[name][:, :, 1], tested.quantiles[name][:, :, 2]
        inside = (low <= scored.truth) & (scored.truth <= high)
        assert score.coverage80 == pytest.approx(inside.mean())
        days = miss.reshape(-1, 5, 24).mean(axis=2)
        assert score.daily_mae == pytest.approx(np.abs(days).mean())
    assert report.models[best].skill == 0


def test_the_served_forecast_was_chosen_before_the_first_scored_origin() -> None:
    history = made_up(80)
    report = backtest(history, history.time(24 * 60), history.time(24 * 70), 5).report
    assert report.choice.earlier
    assert report.choice.origins >= 8
    assert report.choice.last < report.origin_times[0]
    short = backtest(made_up(30), history.time(24 * 20), history.time(24 * 22), 1).report
    assert not short.choice.earlier
    assert {note.code for note in short.notes} == {"few_origins", "origins_overlap"}


def test_models_learn_what_a_baseline_can_not(tested: Backtest) -> None:
    # The level wanders, so the deviation of the last days says more than four weeks' mean.
    scores = tested.report.models
    assert scores[DEVIATION].skill is not None
    assert scores[DEVIATION].skill > 0.05


def test_the_ensemble_is_the_median_of_its_members(tested: Backtest) -> None:
    found = tested.scored.forecasts
    members = [found[name] for name in ensemble_members("load")]
    assert len(members) == 5
    np.testing.assert_array_equal(found[ENSEMBLE], np.sort(members, axis=0)[2])


def quick_walk(values: np.ndarray, origins: list[int], horizon: int = 120) -> Walk:
    return walk(with_values(made_up(DAYS), values), origins, horizon, names=CHEAP, refit_days=5)


@given(day=st.integers(16, 54), seed=st.integers(0, 1000), missing=st.booleans())
@settings(max_examples=6, deadline=None)
def test_changing_the_future_never_changes_a_forecast(day: int, seed: int, missing: bool) -> None:
    rng = np.random.default_rng(seed)
    values = made_up(DAYS, seed=seed).values
    origins = [24 * (day - 2), 24 * day]
    changed = values.copy()
    changed[origins[-1] :] = np.nan if missing else rng.normal(500, 100, len(values[origins[-1] :]))
    one, two = quick_walk(values, origins), quick_walk(changed, origins)
    assert set(one.forecasts) == {*BASELINES, *CHEAP}
    for name, forecast in one.forecasts.items():
        np.testing.assert_array_equal(forecast, two.forecasts[name], err_msg=name)


@given(day=st.integers(20, 54))
@settings(max_examples=4, deadline=None)
def test_an_origin_is_forecast_the_same_with_nothing_after_it(day: int) -> None:
    values = made_up(DAYS).values
    whole = quick_walk(values, [24 * day])
    history = made_up(DAYS).before(made_up(DAYS).time(24 * day))
    alone = walk(history, [24 * day], 120, names=CHEAP, refit_days=5)
    assert np.isnan(alone.truth).all()
    for name, forecast in whole.forecasts.items():
        np.testing.assert_array_equal(forecast, alone.forecasts[name], err_msg=name)


def test_intervals_of_an_origin_use_only_what_had_come_true() -> None:
    history = made_up(DAYS)
    first, last = history.time(24 * 44), history.time(24 * 54)
    changed = history.values.copy()
    changed[24 * 49 :] += np.random.default_rng(2).normal(0, 50, len(changed) - 24 * 49)
    one = backtest(history, first, last, 5)
    two = backtest(with_values(history, changed), first, last, 5)
    for name, quantiles in one.quantiles.items():
        np.testing.assert_array_equal(quantiles[:2], two.quantiles[name][:2], err_msg=name)
        assert not np.array_equal(quantiles[2], two.quantiles[name][2])


@pytest.mark.parametrize("name", FITTED)
def test_training_twice_gives_the_same_forecasts(name: str) -> None:
    history = made_up(40)
    rows = design(history, history.calendar(120), [24 * day for day in range(7, 36)], 120)
    one, two, other = (fit(name, rows, "load", seed=seed) for seed in (3, 3, 4))
    assert one is not None
    assert two is not None
    assert other is not None
    np.testing.assert_allclose(one.predict(rows), two.predict(rows), rtol=0, atol=1e-12)
    if name == RANDOM_FOREST:
        assert not np.array_equal(one.predict(rows), other.predict(rows))


def test_a_model_without_enough_to_learn_from_is_not_made() -> None:
    history = made_up(9)
    rows = design(history, history.calendar(120), [24 * 7], 120)
    assert np.count_nonzero(~np.isnan(rows.y)) < MIN_ROWS
    assert all(fit(name, rows, "load") is None for name in FITTED)


def test_a_site_without_coordinates_is_forecast_without_the_sun() -> None:
    history = made_up(40, "pv", latitude=None, longitude=None)
    rows = design(history, history.calendar(24), [24 * day for day in range(7, 38)], 24)
    model = fit(GRADIENT_BOOSTING, rows, "pv")
    assert model is not None
    assert not {"elevation_deg", "clear_sky_w_m2"} & set(model.columns)
    assert not np.isnan(model.predict(rows)).any()


def test_the_deviation_model_equals_least_squares_with_its_penalty() -> None:
    history = made_up(40)
    rows = design(history, history.calendar(48), [24 * day for day in range(7, 38)], 48)
    model = fit(DEVIATION, rows, "load")
    assert model is not None
    target = rows.y - rows.column("anchor")
    scale = np.sqrt(np.mean(target**2))
    second_day = rows.column("lead_h") >= 24
    x, y = rows.columns(model.columns)[second_day] / scale, target[second_day] / scale
    stacked = np.vstack([x, np.sqrt(1000.0) * np.eye(x.shape[1])])
    expected = np.linalg.lstsq(stacked, np.append(y, np.zeros(x.shape[1])), rcond=None)[0]
    np.testing.assert_allclose(model.estimator[1], expected, rtol=1e-8)


def test_weather_is_a_model_of_its_own_and_helps_where_it_says_something() -> None:
    rng = np.random.default_rng(1)
    history = made_up(50, "pv")
    index = history.series.index
    hours = index.as_unit("ns").asi8
    day_ago = hours - 5 * 86_400 * 10**9
    ghi = 100 * history.values + rng.normal(0, 5, len(hours))
    table = WeatherTable(day_ago, hours, np.column_stack([ghi, np.full(len(hours), np.nan)]))
    origins = [24 * day for day in (36, 41, 45)]
    found = walk(history, origins, 120, weather=table, names=(GRADIENT_BOOSTING, WEATHER_BOOSTING))
    plain, informed = (
        errors(found.forecasts[name], found.truth).mae
        for name in (GRADIENT_BOOSTING, WEATHER_BOOSTING)
    )
    assert informed < 0.7 * plain
    rows = design(history, history.calendar(120), origins, 120, table)
    assert rows.names[-2:] == WEATHER


def test_other_roles_are_features_of_the_forest_alone() -> None:
    base = made_up(40)
    others = pd.DataFrame({"pv": base.values}, index=base.series.index)
    history = made_up(40, "bus_voltage", covariates=others)
    rows = design(history, history.calendar(24), [24 * day for day in range(7, 38)], 24)
    forest, boosting = (fit(n, rows, "bus_voltage") for n in (RANDOM_FOREST, GRADIENT_BOOSTING))
    assert forest is not None
    assert boosting is not None
    assert {"pv_mean_24h", "pv_mean_168h"} <= set(forest.columns)
    assert not any(name.startswith("pv_") for name in boosting.columns)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"days": 0}, "horizon of 0 days"),
        ({"days": 60}, "horizon of 60 days"),
        ({"every_days": 0}, "every 0 days"),
        ({"first": pd.Timestamp("2022-06-20T07:00Z")}, "must not be after"),
        ({"backend": "abacus"}, "'abacus' isn't known"),
    ],
)
def test_a_backtest_that_makes_no_sense_is_refused(
    arguments: dict[str, object], problem: str
) -> None:
    given = {"first": pd.Timestamp("2022-06-10T07:00Z"), "last": pd.Timestamp("2022-06-11T07:00Z")}
    with pytest.raises(ForecastRequestError, match=problem):
        backtest(made_up(50), **(given | arguments))  # type: ignore[arg-type]


def test_origins_without_data_around_them_are_left_out_or_refused() -> None:
    history = made_up(30)
    report = backtest(history, history.time(24 * 10), history.time(24 * 29), 5).report
    assert report.origins == 3
    assert report.notes[0].params == {"left": 1, "asked": 4}
    with pytest.raises(NoDataError, match="no origin from 2022-05-03 to 2022-05-04 has 14 days"):
        backtest(history, history.time(48), history.time(72), 1)


def test_a_day_of_summer_time_moves_no_target() -> None:
    history = made_up(60, zone=LOS_ANGELES, start="2018-02-01T08:00Z")
    found = walk(history, history.midnights(history.start, history.end)[30:40], 120, names=())
    # Local midnights, before and after the change of 11 March.
    assert set(np.diff(found.origins)) == {23, 24}
    assert (found.known.hour[found.origins] == 0).all()
    for row, origin in enumerate(found.origins):
        assert found.truth[row].tolist() == history.values[origin : origin + 120].tolist()


def test_a_model_forecasts_no_consumption_below_what_was_observed_before_its_origin() -> None:
    # Many hours without load: a day with less than usual would be forecast below nothing.
    values = np.maximum(made_up(DAYS).values - 50, 0.0)
    origins = [24 * 40, 24 * 50]
    found = quick_walk(values, origins).forecasts
    history = with_values(made_up(DAYS, role="grid"), values)
    free = walk(history, origins, 120, names=CHEAP, refit_days=5).forecasts
    for name in CHEAP:
        assert free[name].min() < 0
        np.testing.assert_array_equal(found[name], np.maximum(free[name], 0.0))


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize(("jobs", "backend"), [(1, "loky"), (2, "threading"), (2, "loky")])
def test_shared_out_work_comes_back_in_order(jobs: int, backend: str) -> None:
    assert share_out(double, range(5), jobs, backend) == [0, 2, 4, 6, 8]


def test_a_cluster_without_its_package_is_one_clear_line() -> None:
    with pytest.raises(ForecastRequestError, match="needs the package joblibspark"):
        share_out(double, [1], 2, "spark")


def test_jobs_do_not_change_a_forecast() -> None:
    history = made_up(40)
    origins = [24 * day for day in (20, 26, 32)]
    one = walk(history, origins, 48, names=CHEAP, refit_days=5)
    two = walk(history, origins, 48, names=CHEAP, refit_days=5, jobs=2, backend="threading")
    for name, forecast in one.forecasts.items():
        np.testing.assert_array_equal(forecast, two.forecasts[name])
