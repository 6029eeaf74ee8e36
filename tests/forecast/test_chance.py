"""Chances of leaving a range: by hand, and against draws from the same distribution."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.forecast.chance import LEVELS, Chance, chance_outside, most_likely
from microgrid_lib.forecast.shapes import HourForecast


def hour(*values: float | None) -> HourForecast:
    names = dict(zip(LEVELS, values, strict=True))
    return HourForecast(time=datetime(2022, 8, 1, tzinfo=UTC), baseline=None, **names)


TYPICAL = hour(470.0, 475.0, 480.0, 485.0, 490.0)


def test_far_inside_is_at_most_what_lies_beyond_the_outermost_quantiles() -> None:
    assert chance_outside(TYPICAL, 456.0, 504.0) == Chance(0.0, 0.05)


def test_between_quantiles_it_is_linear() -> None:
    assert chance_outside(TYPICAL, 472.5, 504.0) == Chance(0.0625, 0.0875)
    assert chance_outside(TYPICAL, 480.0, 485.0) == Chance(0.6, 0.6)


def test_a_quantile_on_the_limit_is_its_level() -> None:
    assert chance_outside(TYPICAL, 470.0, 490.0) == Chance(0.05, 0.05)


def test_a_forecast_wholly_outside_is_nearly_certain_to_be() -> None:
    assert chance_outside(TYPICAL, 500.0, 510.0) == Chance(0.975, 1.0)


def test_without_the_outer_quantiles_the_range_is_wider() -> None:
    assert chance_outside(hour(None, 475.0, 480.0, 485.0, None), 456.0, 504.0) == Chance(0.0, 0.2)


def test_without_quantiles_nothing_is_known() -> None:
    assert chance_outside(hour(None, None, 480.0, None, None), 456.0, 504.0) is None
    assert most_likely([hour(None, None, 480.0, None, None)], 456.0, 504.0) is None


def test_of_a_day_the_worst_hour_counts() -> None:
    low = hour(450.0, 455.0, 460.0, 465.0, 470.0)
    found = most_likely([TYPICAL, low], 456.0, 504.0)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.18, 0.205))


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5),
    st.floats(-1e3, 1e3),
    st.floats(0, 1e3),
)
def test_bounds_are_shares_in_order_and_hold_the_piecewise_linear_answer(
    values: list[float], low: float, width: float
) -> None:
    points = sorted(values)
    found = chance_outside(hour(*points), low, low + width)
    assert found is not None
    assert 0 <= found.low <= found.high <= 1
    if len(set(points)) == 5 and points[0] <= low <= low + width <= points[-1]:
        inside = np.interp([low, low + width], points, list(LEVELS.values()))
        assert found.high == pytest.approx(1 - (inside[1] - inside[0]), abs=1e-9)
