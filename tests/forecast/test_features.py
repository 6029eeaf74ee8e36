"""Features: what they say, and that they never look ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.features import FEATURES, WEATHER, anchor_of, design
from microgrid_lib.forecast.weather import WeatherTable
from tests.forecast.histories import made_up, with_values


@pytest.mark.parametrize("role", ["load", "pv"])
def test_the_anchor_is_the_baseline_it_is_named_after(role: str) -> None:
    history = made_up(40, role)
    known = history.calendar(48)
    rows = design(history, known, [700], 48)
    baseline = BASELINES[anchor_of(role)](history.values[:700], known.part(0, 748), 48)
    np.testing.assert_allclose(rows.column("anchor"), baseline, rtol=1e-12)


def test_deviations_are_from_the_own_climatology() -> None:
    # Four weeks of 10 kW, of which the last day is 38 kW. 2022-05-28 is a Saturday.
    history = made_up(28, noise=0)
    values = np.full(24 * 28, 10.0)
    values[-24:] = 38.0
    history = with_values(history, values)
    rows = design(history, history.calendar(24), [len(values)], 24)
    # Eight weekend days: 7 at 10 and one at 38 (the start, 2022-05-01, is a Sunday).
    assert rows.column("anchor").tolist() == [13.5] * 24
    assert rows.column("deviation_24h").tolist() == [24.5] * 24
    assert rows.column("hour_deviation_24h").tolist() == [24.5] * 24
    # The other two of the last three days are working days, on their own climatology.
    assert rows.column("deviation_72h") == pytest.approx(24.5 / 3)
    assert rows.column("lag_24h").tolist() == [38.0] * 24
    assert rows.column("lag_168h").tolist() == [10.0] * 24
    assert rows.column("lead_h").tolist() == list(range(24))


def test_targets_are_the_hours_from_the_origin_on() -> None:
    history = made_up(10)
    rows = design(history, history.calendar(48), [48, 216], 48)
    assert rows.y[:48].tolist() == history.values[48:96].tolist()
    assert rows.y[48:72].tolist() == history.values[216:240].tolist()
    assert np.isnan(rows.y[72:]).all()
    early = rows.take(np.array([True, False]), until=60)
    assert early.y[:12].tolist() == history.values[48:60].tolist()
    assert np.isnan(early.y[12:]).all()


@given(origin=st.integers(1, 40 * 24), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_changing_the_future_never_changes_a_feature(origin: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history = made_up(40)
    others = pd.DataFrame({"pv": rng.normal(size=960)}, index=history.series.index)
    changed = history.values.copy()
    changed[origin:] = rng.normal(1e6, 1e5, len(changed) - origin)
    later = others.copy()
    later.iloc[origin:] = np.nan
    weather = {"issued_ns": np.array([0]), "time_ns": np.array([0])}
    table = WeatherTable(**weather, values=np.zeros((1, 2)))
    one = made_up(40, covariates=others)
    two = with_values(made_up(40, covariates=later), changed)
    x = [design(h, h.calendar(48), [origin], 48, table).x for h in (one, two)]
    np.testing.assert_array_equal(x[0], x[1])


def test_names_and_columns_agree() -> None:
    history = made_up(40)
    others = pd.DataFrame({"pv": history.values, "grid": 0.0}, index=history.series.index)
    history = made_up(40, covariates=others)
    rows = design(history, history.calendar(24), [480], 24)
    extra = ("pv_mean_24h", "pv_mean_168h", "grid_mean_24h", "grid_mean_168h")
    assert rows.names == FEATURES + extra
    assert rows.x.shape == (24, len(rows.names))
    assert rows.column("pv_mean_24h") == pytest.approx(history.values[456:480].mean())
    assert not set(WEATHER) & set(rows.names)
