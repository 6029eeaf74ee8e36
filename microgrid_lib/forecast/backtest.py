"""Rolling-origin backtest: what forecasts of the past would have been worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.calendar import Floats
from microgrid_lib.forecast.errors import ForecastRequestError
from microgrid_lib.forecast.floor import observed_floor
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from microgrid_lib.forecast.intervals import (
    LEVELS,
    MIN_DAILY_HOURS,
    WINDOW_DAYS,
    Calibration,
    calibrate,
)
from microgrid_lib.forecast.models import SEED
from microgrid_lib.forecast.scores import (
    common_hours,
    coverage,
    daily_means,
    errors,
    pinball,
    skill,
    skill_interval,
)
from microgrid_lib.forecast.select import MIN_CHOICE_ORIGINS, apart, best_baseline, ranking
from microgrid_lib.forecast.shapes import BacktestReport, Choice, ModelScore
from microgrid_lib.forecast.walk import REFIT_DAYS, Walk, walk
from microgrid_lib.forecast.weather import WeatherProvider
from microgrid_lib.kpi.model import Note
from microgrid_lib.site.zones import zone

CHOICE_DAYS = 180
"""Age of the oldest origin on which the served model is chosen [days]."""

MIN_HISTORY_DAYS = 14
"""Fewest days of history before a model is trained."""

PROMISED_ORIGINS = 20
"""With fewer origins, scores are an indication."""


@dataclass(frozen=True)
class Backtest:
    """A backtest with its forecasts.

    Attributes
    ----------
    report
        The scores.
    scored
        The forecasts they are of.
    everything
        All forecasts made on the way: intervals and choices are from their earlier part.
    quantiles
        Name -> shape (n_origins, horizon, len(LEVELS)): intervals of the scored forecasts.
    """

    report: BacktestReport
    scored: Walk
    everything: Walk
    quantiles: dict[str, Floats]


def backtest(
    history: HourlyHistory,
    first: datetime | pd.Timestamp,
    last: datetime | pd.Timestamp,
    every_days: int = 5,
    days: int = 5,
    *,
    weather: WeatherProvider | None = None,
    refit_days: int = REFIT_DAYS,
    choice_days: int = CHOICE_DAYS,
    seed: int = SEED,
    jobs: int = 1,
    backend: str = "loky",
) -> Backtest:
    """Forecast from local midnights of the past and score what came out.

    Models are trained anew every `refit_days` days, on hours before the origin. Intervals are
    calibrated, and the served model is chosen, on forecasts whose targets had passed.

    Parameters
    ----------
    history
        The hourly means.
    first, last
        First and last origin (inclusive); the local midnights from then to then count.
    every_days
        Days from one origin to the next.
    days
        Horizon [days].
    choice_days
        Age of the oldest origin on which the served model is chosen [days]; intervals are from
        the younger of them.
    weather, refit_days, seed, jobs, backend
        See `microgrid_lib.forecast.walk.walk`.

    Raises
    ------
    ForecastRequestError
        The horizon, the origins or their distance can't be used.
    NoDataError
        No origin has 14 days of history before it and its horizon inside the data.
    """
    horizon = horizon_hours(days)
    if every_days < 1:
        raise ForecastRequestError(f"origins every {every_days} days: use at least 1 day")
    if pd.Timestamp(first) > pd.Timestamp(last):
        raise ForecastRequestError("the first origin must not be after the last")
    asked = history.midnights(first, last)[::every_days]
    low, high = earliest_origin(history), len(history.series) - horizon
    chosen = [origin for origin in asked if low <= origin <= high]
    if not chosen:
        raise NoDataError(
            f"{history.site}, {history.role}: no origin from {_day(history, first)} to "
            f"{_day(history, last)} has {MIN_HISTORY_DAYS} days of data before it and "
            f"{days} days after; data are from {_day(history, history.start)} to "
            f"{_day(history, history.end)}"
        )
    warm_up = _earlier(history, chosen[0], low, choice_days)
    between = [o for o in history.midnights(first, last) if chosen[0] <= o <= chosen[-1]]
    everything = walk(
        history,
        sorted({*warm_up, *between}),
        horizon,
        weather=weather,
        refit_days=refit_days,
        seed=seed,
        jobs=jobs,
        backend=backend,
    )
    scored = everything.take(np.isin(everything.origins, chosen))
    notes = _notes(asked, chosen, 24 * every_days < horizon)
    return _score(history, everything, scored, refit_days, seed, notes)


def earliest_origin(history: HourlyHistory) -> int:
    """Number of the first hour with 14 days of history before it: observed hours count."""
    seen = np.flatnonzero(np.cumsum(~np.isnan(history.values)) >= 24 * MIN_HISTORY_DAYS)
    return int(seen[0]) + 1 if len(seen) else len(history.series) + 1


def _earlier(history: HourlyHistory, first: int, low: int, days: int) -> list[int]:
    """Origins before the first scored one, for choice and calibration."""
    start = max(low, first - 24 * days)
    if start >= first:
        return []
    midnights = history.midnights(history.time(start), history.time(first - 1))
    return [origin for origin in midnights if start <= origin < first]


def _score(
    history: HourlyHistory,
    everything: Walk,
    scored: Walk,
    refit_days: int,
    seed: int,
    notes: list[Note],
) -> Backtest:
    ranked = ranking(scored)
    baseline = best_baseline(ranked)
    if baseline is None:
        raise NoDataError(
            f"{history.site}, {history.role}: no hour of the horizons was both observed and "
            "forecast"
        )
    usable = {name: values for name, values in scored.forecasts.items() if name in ranked}
    seen = common_hours(usable, scored.truth)
    truth = np.where(seen, scored.truth, np.nan)
    quantiles = {name: _intervals(history, everything, scored, name) for name in usable}
    scores = {
        name: _model_score(scored, name, baseline, truth, quantiles[name], seed) for name in usable
    }
    choice, served = _choose(history, everything, scored)
    local = zone(history.zone)
    report = BacktestReport(
        site=history.site,
        profile=history.profile,
        role=history.role,
        unit=history.unit,
        timezone=history.zone,
        origins=len(scored.origins),
        horizon_h=scored.horizon,
        origin_times=[
            history.time(int(o)).tz_convert(local).to_pydatetime() for o in scored.origins
        ],
        refit_days=refit_days,
        hours=int(seen.sum()),
        best_baseline=baseline,
        served_model=served,
        choice=choice,
        models=scores,
        notes=notes,
    )
    return Backtest(report, scored, everything, quantiles)


def calibration_at(
    history: HourlyHistory, everything: Walk, name: str, origin: int, daily: bool = True
) -> Calibration:
    """Learn a forecast's intervals from what had come true at an origin.

    Parameters
    ----------
    history
        The hourly means.
    everything
        Forecasts to learn from; only those that had ended count.
    name
        Which forecast.
    origin
        Number of the origin's hour.
    daily
        Whether daily means are wanted too.
    """
    ended = everything.ended_by(origin)
    ended = ended.take(ended.origins >= origin - 24 * WINDOW_DAYS)
    floor = observed_floor(history.values[:origin], history.role)
    forecast = ended.forecasts[name]
    return calibrate(forecast, ended.truth, ended.origins, ended.known, ended.role, floor, daily)


def _intervals(history: HourlyHistory, everything: Walk, scored: Walk, name: str) -> Floats:
    found = np.empty((*scored.truth.shape, len(LEVELS)))
    for row, origin in enumerate(scored.origins.tolist()):
        calibration = calibration_at(history, everything, name, origin, daily=False)
        ahead = scored.known.part(origin, origin + scored.horizon)
        found[row] = calibration.apply(scored.forecasts[name][row], ahead, scored.role)
    return found


def _model_score(
    scored: Walk, name: str, baseline: str, truth: Floats, quantiles: Floats, seed: int
) -> ModelScore:
    forecast, reference = scored.forecasts[name], scored.forecasts[baseline]
    found = errors(forecast, truth)
    low95, low80, high80, high95 = np.moveaxis(quantiles, -1, 0)
    five = {**dict(zip(LEVELS, (low95, low80, high80, high95), strict=True)), 0.5: forecast}
    losses = [pinball(values, level, truth) for level, values in five.items()]
    daylight = None
    if scored.role == "pv":
        lit = scored.known.elevation_deg[scored.hours()] > 0
        daylight = _finite(coverage(low80, high80, np.where(lit, truth, np.nan)))
    return ModelScore(
        kind="baseline" if name in BASELINES else "model",
        mae=_finite(found.mae),
        rmse=_finite(found.rmse),
        bias=_finite(found.bias),
        skill=_finite(skill(forecast, reference, truth)),
        skill_interval=skill_interval(forecast, reference, truth, seed),
        coverage80=_finite(coverage(low80, high80, truth)),
        coverage95=_finite(coverage(low95, high95, truth)),
        coverage80_daylight=daylight,
        daily_mae=_finite(_daily_mae(scored, forecast, truth)),
        pinball=_finite(float(np.mean(losses))),
    )


def _daily_mae(scored: Walk, forecast: Floats, truth: Floats) -> float:
    misses: list[npt.NDArray[np.float64]] = []
    for row, hours in enumerate(scored.hours()):
        day = scored.known.day[hours]
        # The forecast's mean over the observed hours, so that a gap isn't scored as an error.
        both = ~np.isnan(forecast[row] + truth[row])
        _, own = daily_means(np.where(both, forecast[row], np.nan), day, MIN_DAILY_HOURS)
        _, real = daily_means(np.where(both, truth[row], np.nan), day, MIN_DAILY_HOURS)
        misses.append(np.abs(own - real))
    joined = np.concatenate(misses)
    joined = joined[~np.isnan(joined)]
    return float(joined.mean()) if len(joined) else np.nan


def _choose(history: HourlyHistory, everything: Walk, scored: Walk) -> tuple[Choice, str]:
    """Choose on forecasts that ended before the first scored one, where there are enough."""
    before = apart(everything.ended_by(int(scored.origins[0])))
    ranked = ranking(before)
    earlier = len(before.origins) >= MIN_CHOICE_ORIGINS and bool(ranked)
    if not earlier:
        before, ranked = scored, ranking(scored)
    local = zone(history.zone)
    first, last = (
        history.time(int(o)).tz_convert(local).to_pydatetime()
        for o in (before.origins[0], before.origins[-1])
    )
    choice = Choice(origins=len(before.origins), first=first, last=last, earlier=earlier)
    return choice, ranked[0]


def _notes(asked: Sequence[int], chosen: Sequence[int], overlap: bool) -> list[Note]:
    notes = []
    if len(chosen) < len(asked):
        left = len(asked) - len(chosen)
        text = f"{left} of {len(asked)} origins left out: too little data before or after them"
        notes.append(
            Note(code="origins_left_out", params={"left": left, "asked": len(asked)}, text=text)
        )
    if len(chosen) < PROMISED_ORIGINS:
        text = f"only {len(chosen)} origins: the scores are an indication"
        notes.append(Note(code="few_origins", params={"origins": len(chosen)}, text=text))
    if overlap:
        text = "the horizons overlap: fewer independent forecasts than origins"
        notes.append(Note(code="origins_overlap", text=text))
    return notes


def _day(history: HourlyHistory, time: datetime | pd.Timestamp) -> str:
    return str(pd.Timestamp(time).tz_convert(zone(history.zone)).date())


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
