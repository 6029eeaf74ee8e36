"""Baselines against hand-computed cases and a naive twin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.calendar import calendar
from tests.forecast.histories import LOS_ANGELES

START = pd.Timestamp("2018-10-12T07:00Z")


def run(name: str, past: np.ndarray, horizon: int = 120) -> np.ndarray:
    known = calendar(START, len(past) + horizon, LOS_ANGELES)
    return BASELINES[name](past, known, horizon)


def naive(name: str, past: np.ndarray, horizon: int) -> list[float]:
    """The same by loops over aware times."""
    times = pd.date_range(START, periods=len(past) + horizon, freq="h").tz_convert(LOS_ANGELES)
    clock = [(time.hour, time.weekday() < 5) for time in times]
    found = []
    for lead in range(horizon):
        at = len(past) + lead
        if name == "last_value":
            seen = [value for value in past if not np.isnan(value)]
            found.append(seen[-1] if seen else np.nan)
        elif name.startswith("seasonal"):
            step = int(name.split("_")[1][:-1])
            back, value, seasons = at - step, np.nan, 0
            while back >= len(past):
                back -= step
            while back >= 0 and seasons < 4 and np.isnan(value):
                value = past[back]
                back, seasons = back - step, seasons + 1
            found.append(value)
        else:
            days = int(name.rsplit("_", maxsplit=1)[-1][:-1])
            sample = [
                past[hour]
                for hour in range(max(len(past) - 24 * days, 0), len(past))
                if clock[hour][0] == clock[at][0]
                and ("weekday" not in name or clock[hour][1] == clock[at][1])
                and not np.isnan(past[hour])
            ]
            found.append(sum(sample) / len(sample) if sample else np.nan)
    return found


@pytest.mark.parametrize("name", BASELINES)
@given(seed=st.integers(0, 10_000), hours=st.integers(1, 800), gaps=st.floats(0, 1))
@settings(max_examples=8, deadline=None)
def test_a_baseline_equals_its_naive_twin(name: str, seed: int, hours: int, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    past = rng.normal(50, 10, hours)
    past[rng.random(hours) < gaps] = np.nan
    horizon = int(rng.integers(1, 130))
    np.testing.assert_allclose(run(name, past, horizon), naive(name, past, horizon), rtol=1e-12)


def test_the_last_value_looks_back_over_a_gap() -> None:
    assert run("last_value", np.array([1.0, 2.0, np.nan]), 3).tolist() == [2.0, 2.0, 2.0]


def test_a_season_repeats_its_last_round() -> None:
    past = np.arange(48.0)
    assert run("seasonal_24h", past, 30).tolist() == [*range(24, 48), *range(24, 30)]
    past[24] = np.nan
    assert run("seasonal_24h", past, 1).tolist() == [0.0]


def test_a_climatology_is_the_mean_of_the_same_clock_hour() -> None:
    past = np.concatenate([np.full(24, 10.0), np.full(24, 20.0)])
    past[25] = np.nan
    assert run("climatology_7d", past, 3).tolist() == [15.0, 10.0, 15.0]


def test_what_was_never_observed_stays_unknown() -> None:
    for name in BASELINES:
        assert np.isnan(run(name, np.full(30, np.nan), 4)).all(), name
