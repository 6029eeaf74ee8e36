"""The real sites: what the specification asks for, on origins nothing was chosen on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.forecast.backtest import backtest
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.leakage import judge
from microgrid_lib.forecast.models import DEVIATION
from microgrid_lib.forecast.scores import errors
from microgrid_lib.forecast.shapes import BacktestReport
from microgrid_lib.forecast.walk import walk
from tests.forecast.histories import mesa_del_sol_voltage, trade_street


def judged(role: str) -> BacktestReport:
    """The origins of the specification: every ten days of 2018, chosen on earlier ones."""
    first, last = pd.Timestamp("2018-01-05T08:00Z"), pd.Timestamp("2018-09-10T07:00Z")
    report = backtest(trade_street(role), first, last, every_days=10).report
    assert report.origins == 25
    assert report.choice.earlier
    assert report.choice.last < report.origin_times[0]
    return report


def mae(report: BacktestReport, name: str) -> float:
    found = report.models[name].mae
    assert found is not None
    return found


@pytest.mark.long
def test_the_real_load_is_forecast_as_well_as_promised() -> None:
    report = judged("load")
    served = report.models[report.served_model]
    assert served.skill is not None
    assert served.skill >= 0.03
    plain = [n for n in BASELINES if n not in ("weekday_climatology_28d", "climatology_7d")]
    assert 1 - mae(report, report.served_model) / min(mae(report, n) for n in plain) >= 0.15
    for name in (report.served_model, "median_ensemble", "random_forest"):
        score = report.models[name]
        assert score.coverage80 is not None
        assert score.coverage95 is not None
        assert 0.70 <= score.coverage80 <= 0.90
        assert score.coverage95 >= 0.85


@pytest.mark.long
def test_the_real_sun_is_forecast_as_well_as_promised() -> None:
    report = judged("pv")
    served = report.models[report.served_model]
    assert served.skill is not None
    assert served.skill >= -0.05
    assert served.coverage80 is not None
    assert served.coverage80_daylight is not None
    assert 0.70 <= served.coverage80 <= 0.90
    assert 0.70 <= served.coverage80_daylight <= 0.90


def test_the_deviation_model_beats_every_baseline_on_the_real_load_of_2017() -> None:
    history = trade_street("load")
    first, last = pd.Timestamp("2017-03-20T07:00Z"), pd.Timestamp("2017-12-25T08:00Z")
    found = walk(history, history.midnights(first, last)[::5], 120, names=(DEVIATION,))
    score = {name: errors(values, found.truth).mae for name, values in found.forecasts.items()}
    best = min(BASELINES, key=lambda name: score[name])
    assert best == "weekday_climatology_28d"
    assert 1 - score[DEVIATION] / score[best] > 0.03


def test_the_real_voltage_has_too_few_windows_to_promise_anything() -> None:
    history = mesa_del_sol_voltage()
    report = backtest(history, history.start, history.end, every_days=1).report
    assert {"few_origins", "origins_overlap", "origins_left_out"} == {n.code for n in report.notes}
    assert not report.choice.earlier
    assert 10 <= report.origins <= 13
    assert report.models[report.best_baseline].coverage95 is None
    assert report.models["random_forest"].skill is not None


def test_the_real_load_is_the_sum_of_its_meters() -> None:
    # The first hour, by hand from the three files: grid + pv - raw battery, four quarters.
    history = trade_street("load")
    assert history.start == pd.Timestamp("2016-10-25T07:00Z")
    assert np.isnan(history.values).sum() == pytest.approx(511, abs=1)
    assert np.nanmean(history.values) == pytest.approx(56.0, abs=0.1)


def test_the_real_voltage_shows_the_leak() -> None:
    found = {one.name: one.r2 for one in judge(mesa_del_sol_voltage(others=True))}
    assert found["random_folds_same_time"] > 0.95
    assert found["later_hours_same_time"] > 0.95
    assert found["five_days_ahead"] < 0.5
    assert found["repeated_day"] < 0.5
