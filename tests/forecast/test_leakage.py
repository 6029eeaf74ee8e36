"""The leakage demonstration tells cheating from forecasting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.leakage import judge, r2
from tests.forecast.histories import made_up


def test_r2_by_hand() -> None:
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    assert r2(truth, truth) == 1.0
    assert r2(np.full(4, 2.0), truth) == 0.0
    assert r2(np.array([1.0, 2.0, 5.0, 9.0]), truth) == -1.0
    assert np.isnan(r2(truth, np.full(4, 2.0)))


def test_inputs_of_the_same_hour_look_perfect_and_forecast_nothing() -> None:
    plain = made_up(60, "bus_voltage")
    rng = np.random.default_rng(8)
    # A level that no past foretells, and a second meter that sees it at the same time.
    level = np.repeat(rng.normal(0, 20, 60), 24)
    series = plain.series + level
    twin = pd.DataFrame({"mccb_voltage": series + rng.normal(0, 0.5, len(series))})
    history = made_up(60, "bus_voltage", covariates=twin)
    history.series[:] = series
    found = {one.name: one for one in judge(history)}
    assert found["random_folds_same_time"].r2 > 0.97
    assert found["later_hours_same_time"].r2 > 0.9
    assert found["five_days_ahead"].r2 < 0.5
    assert found["repeated_day"].r2 < 0.3
    honest = {name for name, one in found.items() if one.honest}
    assert honest == {"repeated_day", "five_days_ahead"}


def test_without_other_roles_there_is_nothing_to_leak() -> None:
    with pytest.raises(NoDataError, match="no other roles"):
        judge(made_up(60))
    few = made_up(19, covariates=pd.DataFrame({"pv": made_up(19).series}))
    with pytest.raises(NoDataError, match="less than 20 days"):
        judge(few)
