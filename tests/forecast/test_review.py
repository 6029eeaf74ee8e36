"""Forecasts of a past period made again: what was served, and how far it was off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.review import review
from microgrid_lib.site.zones import zone
from microgrid_lib.window import Window, month_window
from tests.forecast.histories import made_up, with_values

ZONE = zone("UTC-07:00")
JULY = month_window("2022-07", ZONE)


def truth_of(history: HourlyHistory, origin) -> np.ndarray:  # type: ignore[no-untyped-def]
    start = history.position(origin)
    return history.values[start : start + 120]


def test_each_forecast_is_the_one_that_was_served_then() -> None:
    history = made_up(100)
    found = review(history, JULY, days=5)
    assert [at.day for at in found.origins] == [1, 6, 11, 16, 21, 26]
    served = [forecast(history, [], 5, at) for at in found.origins]
    misses, insides = [], []
    for report in served:
        truth = truth_of(history, report.origin)
        misses.append(np.array([hour.p50 for hour in report.hourly]) - truth)
        low, high = (np.array([getattr(h, name) for h in report.hourly]) for name in ("p10", "p90"))
        insides.append((truth >= low) & (truth <= high))
    assert found.mae == pytest.approx(float(np.abs(misses).mean()), rel=1e-12)
    assert found.bias == pytest.approx(float(np.mean(misses)), rel=1e-9)
    assert found.coverage80 == pytest.approx(float(np.mean(insides)))
    assert sum(found.served.values()) == 6
    assert set(found.served) == {report.model for report in served}
    assert (found.hours, found.hours80) == (720, 720)


def test_the_best_baseline_is_known_only_afterwards() -> None:
    found = review(made_up(100), JULY)
    assert found.mae is not None
    assert found.best_baseline is not None
    best = min(found.baselines.values())
    assert found.baselines[found.best_baseline] == best
    assert found.skill == pytest.approx(1 - found.mae / best)


def test_what_came_after_the_period_changes_nothing() -> None:
    history = made_up(150)
    later = history.values.copy()
    later[history.position(JULY.end) :] = 1e6
    assert review(with_values(history, later), JULY) == review(history, JULY)


def test_horizons_end_inside_of_the_period_and_the_data() -> None:
    short = review(made_up(100), Window(JULY.start, JULY.start + timedelta(days=11)))
    assert [at.day for at in short.origins] == [1, 6]
    # Data until 21 July: the forecast of the 16th has just come true.
    cut = made_up(81)
    assert [at.day for at in review(cut, JULY).origins] == [1, 6, 11, 16]
    assert review(made_up(100), Window(JULY.start, JULY.start + timedelta(days=4))).origins == []


def test_hours_that_were_not_measured_are_not_scored() -> None:
    # Ten days are missing from the 11th on: on the 21st nothing recent is known to forecast from.
    history = made_up(100)
    start = history.position(JULY.start)
    gap = history.values.copy()
    gap[start + 240 : start + 480] = np.nan
    found = review(with_values(history, gap), JULY)
    assert [at.day for at in found.origins] == [1, 6, 11, 16, 26]
    assert found.hours == 360
    assert found.mae is not None


@pytest.mark.parametrize("days", [5, 60])
def test_without_data_before_or_in_the_period_there_is_a_reason(days: int) -> None:
    history = made_up(days)
    august = month_window("2022-08", ZONE)
    found = review(history, august)
    assert (found.mae, found.skill, found.best_baseline) == (None, None, None)
    assert found.reason is not None
    assert found.reason.code == "nothing_to_review"


def test_a_period_of_which_nothing_was_measured_has_a_reason() -> None:
    history = made_up(100)
    values = history.values.copy()
    values[history.position(JULY.start) :] = np.nan
    found = review(with_values(history, values), Window(JULY.start, JULY.start + timedelta(days=5)))
    assert found.reason is not None
    assert found.reason.code == "nothing_measured"


def test_a_trained_model_serves_the_origins_after_its_training(tmp_path: Path) -> None:
    from microgrid_lib.forecast.train import train_and_write

    history = made_up(100)
    june = replace(history.before(JULY.start), data_hash="")
    entry = train_and_write(june, tmp_path, 5)
    found = review(history, JULY, [tmp_path])
    served = [forecast(history, [tmp_path], 5, at) for at in found.origins]
    assert found.served == {entry.ranking[0]: 6}
    misses = [
        np.array([hour.p50 for hour in report.hourly]) - truth_of(history, report.origin)
        for report in served
    ]
    assert found.mae == pytest.approx(float(np.abs(misses).mean()), rel=1e-12)
