"""Hourly histories and their calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.forecast.calendar import calendar
from microgrid_lib.forecast.errors import ForecastRequestError, HistoryError
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from tests.forecast.histories import LOS_ANGELES, made_up, with_values


def history(index: pd.Index, values: object = 1.0) -> HourlyHistory:
    series = pd.Series(values, index=index, dtype="float64")
    return HourlyHistory("here", "load", "kW", LOS_ANGELES, series, "f")


def test_midnights_are_local_and_shift_with_summer_time() -> None:
    # 2018-03-11 has 23 hours there, 2018-11-04 has 25.
    spring = history(pd.date_range("2018-03-10T08:00Z", periods=72, freq="h"))
    assert spring.midnights(spring.start, spring.end) == [0, 24, 47, 71]
    autumn = history(pd.date_range("2018-11-03T07:00Z", periods=74, freq="h"))
    assert autumn.midnights(autumn.start, autumn.end) == [0, 24, 49, 73]


def test_the_last_midnight_is_the_newest_that_observed_hours_reach() -> None:
    index = pd.date_range("2018-06-01T07:00Z", periods=60, freq="h")
    assert history(index).last_midnight() == pd.Timestamp("2018-06-03T07:00Z")
    values = np.ones(60)
    values[47:] = np.nan
    assert history(index, values).last_midnight() == pd.Timestamp("2018-06-02T07:00Z")
    values[47] = 1.0
    assert history(index, values).last_midnight() == pd.Timestamp("2018-06-03T07:00Z")


def test_hours_are_counted_from_the_first_in_any_zone() -> None:
    known = history(pd.date_range("2018-06-01T07:00Z", periods=5, freq="h"))
    assert known.position(pd.Timestamp("2018-06-01T02:00", tz=LOS_ANGELES)) == 2
    assert known.time(2) == pd.Timestamp("2018-06-01T09:00Z")
    with pytest.raises(ForecastRequestError, match="isn't the start of an hour"):
        known.position(pd.Timestamp("2018-06-01T07:30Z"))


def test_before_knows_only_hours_that_ended() -> None:
    known = history(pd.date_range("2018-06-01T07:00Z", periods=5, freq="h"), range(5))
    part = known.before(pd.Timestamp("2018-06-01T09:00Z"))
    assert part.values.tolist() == [0.0, 1.0]
    assert part.end == pd.Timestamp("2018-06-01T09:00Z")
    with pytest.raises(HistoryError, match="no hours"):
        known.before(known.start)


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        (pd.DatetimeIndex([], tz="UTC"), "no hours at all"),
        (pd.date_range("2018-06-01", periods=3, freq="h"), "aware"),
        (pd.RangeIndex(3), "aware"),
        (pd.date_range("2018-06-01", periods=3, freq="2h", tz="UTC"), "step by one hour"),
        (pd.date_range("2018-06-01", periods=3, freq="h", tz="UTC")[[0, 2]], "step by one hour"),
    ],
)
def test_a_history_of_another_kind_is_refused(index: pd.Index, problem: str) -> None:
    with pytest.raises(HistoryError, match=problem) as caught:
        history(index)
    assert "\n" not in str(caught.value)


def test_the_hash_follows_values_and_start_and_nothing_else() -> None:
    one = made_up(2)
    same = with_values(one, one.values.copy())
    assert same.data_hash == one.data_hash
    other = one.values.copy()
    other[5] = np.nan
    assert with_values(one, other).data_hash != one.data_hash
    assert made_up(2, start="2022-05-01T08:00Z").data_hash != one.data_hash


@pytest.mark.parametrize("days", [0, -1, 15, 60])
def test_a_horizon_beyond_reason_is_refused(days: int) -> None:
    with pytest.raises(ForecastRequestError, match="use 1 to 14 days"):
        horizon_hours(days)


def test_the_calendar_is_the_local_clock_with_the_doubled_hour() -> None:
    known = calendar(pd.Timestamp("2018-11-04T07:00Z"), 4, LOS_ANGELES)
    assert known.hour.tolist() == [0, 1, 1, 2]
    assert known.weekend.tolist() == [True] * 4
    assert known.day.tolist() == [(pd.Timestamp("2018-11-04") - pd.Timestamp(0)).days] * 4
    assert np.isnan(known.elevation_deg).all()


def test_the_sun_stands_highest_at_solar_noon() -> None:
    # Equinox at the equator and the meridian of Greenwich: noon at 12:07, elevation near 90.
    known = calendar(pd.Timestamp("2018-03-20T00:00Z"), 24, "UTC", 0.0, 0.0)
    assert known.elevation_deg.argmax() in (11, 12)
    assert known.elevation_deg.max() > 80
    assert known.clear_sky_w_m2.max() == pytest.approx(1098 * np.exp(-0.057), rel=0.02)
    assert (known.clear_sky_w_m2[known.elevation_deg < 0] == 0).all()
