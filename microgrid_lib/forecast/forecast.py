"""The forecast that is served: the winner of the stored backtest, or an honest baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from microgrid_lib.forecast.backtest import MIN_HISTORY_DAYS, calibration_at, earliest_origin
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.calendar import Calendar, Floats
from microgrid_lib.forecast.entry import Entry
from microgrid_lib.forecast.errors import (
    ForecastRequestError,
    ModelRefusedError,
    NoRecentDataError,
    ShortHistoryError,
)
from microgrid_lib.forecast.features import FEATURES, WEATHER, covariate_names, design
from microgrid_lib.forecast.floor import observed_floor
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from microgrid_lib.forecast.intervals import WINDOW_DAYS, Calibration
from microgrid_lib.forecast.models import (
    ENSEMBLE,
    RANDOM_FOREST,
    Fitted,
    ensemble_members,
    predict_all,
)
from microgrid_lib.forecast.registry import check_entry, find_entry, load_model
from microgrid_lib.forecast.scores import daily_means
from microgrid_lib.forecast.select import best_baseline, ranking
from microgrid_lib.forecast.shapes import (
    DayForecast,
    ForecastReport,
    HourForecast,
    ModelScore,
    Training,
)
from microgrid_lib.forecast.walk import Walk, walk
from microgrid_lib.forecast.weather import WeatherProvider
from microgrid_lib.kpi.model import Note
from microgrid_lib.site.zones import zone

MAX_GAP_H = 24
"""Longest gap before the origin over which a model is served [h]."""

LONGEST_GAP_DAYS = 7
"""With nothing observed for longer before the origin, there is no forecast [days]."""

MIN_OBSERVED_H = 48
"""Fewest observed hours before any forecast [h]."""

MIN_WEATHER_SHARE = 0.9
"""Smallest share of hours with a weather forecast for a model of weather to be served."""

_FIRST_BASELINE = "climatology_7d"


@dataclass(frozen=True)
class _Choice:
    """What is served, and around it.

    `served` and `baseline` are names of forecasts; `calibration` belongs to `served`.
    """

    served: str
    baseline: str
    calibration: Calibration | None
    entry: Entry | None
    notes: tuple[Note, ...]


def forecast(
    history: HourlyHistory,
    folders: list[Path] | None = None,
    days: int = 5,
    origin: datetime | pd.Timestamp | None = None,
    weather: WeatherProvider | None = None,
) -> ForecastReport:
    """Forecast the hours after an origin, from what was known at it.

    Where no trained model can be used honestly, the best baseline is served and a note says why:
    no model, one that is refused or has seen data after the origin, a horizon it wasn't judged
    for, too little or too old data.

    Parameters
    ----------
    history
        The hourly means; those after the origin are not looked at.
    folders
        Folders of trained models; the first that has the role counts.
    days
        Horizon [days], 1-14.
    origin
        Aware start of an hour; default: the newest local midnight that the data reach.
    weather
        Where weather forecasts come from, for models that were trained with them.

    Raises
    ------
    ForecastRequestError
        The horizon or the origin can't be used.
    ShortHistoryError
        Fewer than 48 observed hours before the origin, or none in the 7 days before it.
    HistoryError
        Every hour is missing.
    """
    horizon = horizon_hours(days)
    at = history.last_midnight() if origin is None else pd.Timestamp(origin).tz_convert("UTC")
    past = known_at(history, at)
    _check_past(past, at)
    choice, models = _choose(past, folders or [], horizon, weather)
    known = past.calendar(horizon)
    start = len(past.series)
    found = _all_forecasts(past, known, horizon, models, weather)
    point = found[choice.served]
    ahead = known.part(start, start + horizon)
    quantiles = np.full((horizon, 4), np.nan)
    if choice.calibration is not None:
        quantiles = choice.calibration.apply(point, ahead, past.role)
    notes = [*choice.notes, *_notes_on(past, at, point, quantiles)]
    forest = found.get(RANDOM_FOREST, np.full(horizon, np.nan))
    local = zone(past.zone)
    times = pd.date_range(at, periods=horizon, freq="h").tz_convert(local)
    columns = np.column_stack(
        [quantiles[:, :2], point, quantiles[:, 2:], found[choice.baseline], forest]
    )
    hourly = [
        HourForecast(
            time=time.to_pydatetime(),
            **dict(
                zip(
                    ("p2_5", "p10", "p50", "p90", "p97_5", "baseline", "random_forest"),
                    (_finite(value) for value in row),
                    strict=True,
                )
            ),
        )
        for time, row in zip(times, columns, strict=True)
    ]
    entry = choice.entry
    return ForecastReport(
        site=past.site,
        profile=past.profile,
        role=past.role,
        unit=past.unit,
        timezone=past.zone,
        origin=at.tz_convert(local).to_pydatetime(),
        horizon_h=horizon,
        model=choice.served,
        baseline=choice.baseline,
        data_hash=past.data_hash,
        training=_training(entry) if entry and choice.served not in BASELINES else None,
        hourly=hourly,
        daily=_daily(point, forest, ahead, choice.calibration),
        scores=_scores(entry, choice),
        backtest=entry.backtest if entry else None,
        notes=notes,
    )


def known_at(history: HourlyHistory, origin: pd.Timestamp) -> HourlyHistory:
    """Return what was known at an origin, missing hours up to it included.

    Raises
    ------
    ForecastRequestError
        The origin lies before the data, or isn't the start of an hour.
    """
    position = history.position(origin)
    if position <= 0:
        day = history.start.tz_convert(zone(history.zone)).isoformat()
        raise ForecastRequestError(
            f"{history.site}, {history.role}: the origin {origin.isoformat()} isn't after the "
            f"first data, {day}"
        )
    if position - len(history.series) > 24 * LONGEST_GAP_DAYS:
        raise _no_recent(history, origin)
    if position <= len(history.series):
        return history.before(origin)
    index = pd.date_range(history.start, periods=position, freq="h")
    others = None if history.covariates is None else history.covariates.reindex(index)
    return replace(history, series=history.series.reindex(index), covariates=others, data_hash="")


def _check_past(past: HourlyHistory, origin: pd.Timestamp) -> None:
    seen = ~np.isnan(past.values)
    if not seen[-24 * LONGEST_GAP_DAYS :].any():
        raise _no_recent(past, origin)
    if seen.sum() < MIN_OBSERVED_H:
        raise ShortHistoryError(
            f"{past.site}, {past.role}: {int(seen.sum())} hours of data before "
            f"{_local(past, origin)}; a forecast needs at least {MIN_OBSERVED_H}"
        )


def _no_recent(history: HourlyHistory, origin: pd.Timestamp) -> NoRecentDataError:
    before = origin.tz_convert(zone(history.zone)).to_pydatetime()
    return NoRecentDataError(f"{history.site}, {history.role}", LONGEST_GAP_DAYS, before)


def _choose(
    past: HourlyHistory, folders: list[Path], horizon: int, weather: WeatherProvider | None
) -> tuple[_Choice, dict[str, Fitted]]:
    """Take the best stored forecast that can be served, else the best baseline."""
    try:
        folder, entry = _find(past, folders)
        reason = _why_not(past, entry, horizon)
        if reason is not None:
            return _baseline(past, horizon, reason), {}
        return _stored(past, folder, entry, _known_weather(past, horizon, weather))
    except ModelRefusedError as error:
        return _baseline(past, horizon, _refused(error)), {}


def _find(past: HourlyHistory, folders: list[Path]) -> tuple[Path, Entry]:
    for folder in folders:
        entry = find_entry(folder, past.site, past.profile, past.role)
        if entry is not None:
            check_entry(folder, entry, past)
            return folder, entry
    where = folders[0] if folders else Path("models")
    remedy = f"run `microgrid train --site {past.site} --role {past.role}`"
    raise ModelRefusedError(where, f"no model of {past.role} has been trained", remedy)


def _why_not(past: HourlyHistory, entry: Entry, horizon: int) -> Note | None:
    """Say why models mustn't serve this origin; None where they may."""
    if pd.Timestamp(entry.end) > past.end:
        end = pd.Timestamp(entry.end).tz_convert(zone(past.zone)).isoformat()
        return Note(
            code="model_knows_later_data",
            params={"end": end},
            text=f"the models have seen data up to {end}, after the origin: a baseline is served",
        )
    if horizon > entry.horizon_h:
        return Note(
            code="horizon_not_judged",
            params={"horizon_h": entry.horizon_h},
            text=f"the models were judged up to {entry.horizon_h} h: a baseline is served",
        )
    gap = _gap_h(past)
    if gap > MAX_GAP_H:
        return Note(
            code="gap_before_origin",
            params={"hours": gap},
            text=f"nothing was measured in the {gap} h before the origin: a baseline is served",
        )
    return None


def _stored(
    past: HourlyHistory, folder: Path, entry: Entry, weather_known: bool
) -> tuple[_Choice, dict[str, Fitted]]:
    notes: list[Note] = []
    models: dict[str, Fitted] = {}
    if RANDOM_FOREST in entry.models:
        models[RANDOM_FOREST] = load_model(folder, entry, RANDOM_FOREST)
    for name in entry.ranking:
        wanted = _needed(name, past.role)
        if not all(member in entry.models for member in wanted):
            continue
        problem = _inputs_missing(past, entry, wanted, weather_known)
        if problem is not None:
            notes.append(problem)
            continue
        models |= {
            member: load_model(folder, entry, member) for member in wanted if member not in models
        }
        calibration = Calibration.from_json(entry.calibration[name])
        calibration = replace(calibration, floor=observed_floor(past.values, past.role))
        return _Choice(name, entry.best_baseline, calibration, entry, tuple(notes)), models
    remedy = f"run `microgrid train --site {past.site} --role {past.role}`"
    raise ModelRefusedError(folder, "names no forecast that can be served", remedy)


def _needed(name: str, role: str) -> tuple[str, ...]:
    """Models behind a forecast; none behind a baseline."""
    members = ensemble_members(role) if name == ENSEMBLE else (name,)
    return tuple(member for member in members if member not in BASELINES)


def _inputs_missing(
    past: HourlyHistory, entry: Entry, models: tuple[str, ...], weather_known: bool
) -> Note | None:
    """Say which inputs of the models aren't there; None where all are."""
    needed = {feature for name in models for feature in entry.models[name].features}
    if needed & set(WEATHER) and not weather_known:
        text = f"{models[0]} did better in the backtest, but no weather forecast is known"
        return Note(code="weather_missing", params={"model": models[0]}, text=text)
    missing = sorted(needed - {*FEATURES, *WEATHER, *covariate_names(past)})
    if missing:
        text = f"{models[0]} did better in the backtest, but {missing[0]} isn't known"
        params: dict[str, float | int | str] = {"model": models[0], "input": missing[0]}
        return Note(code="input_missing", params=params, text=text)
    return None


def _known_weather(past: HourlyHistory, horizon: int, weather: WeatherProvider | None) -> bool:
    """Tell whether weather forecasts were known at the origin for nearly every hour."""
    if weather is None:
        return False
    found = weather.at(past.end, pd.date_range(past.end, periods=horizon, freq="h"))
    return bool((~np.isnan(found)).any(axis=1).mean() >= MIN_WEATHER_SHARE)


def _baseline(past: HourlyHistory, horizon: int, reason: Note) -> _Choice:
    """Choose the baseline that was best before the origin; calibrate it on the same forecasts."""
    first = earliest_origin(past)
    stop = len(past.series)
    oldest = past.time(max(first, stop - 24 * WINDOW_DAYS - horizon))
    starts = past.midnights(oldest, past.end) if first < stop else []
    starts = [origin for origin in starts if first <= origin <= stop - horizon]
    if not starts:
        text = f"fewer than {MIN_HISTORY_DAYS} days and a horizon of data: no intervals"
        short = Note(code="short_history", params={"days": MIN_HISTORY_DAYS}, text=text)
        return _Choice(_FIRST_BASELINE, _FIRST_BASELINE, None, None, (reason, short))
    best, calibration = baseline_before(past, walk(past, starts, horizon, names=()), stop)
    return _Choice(best, best, calibration, None, (reason,))


def baseline_before(
    history: HourlyHistory, tried: Walk, origin: int, daily: bool = True
) -> tuple[str, Calibration | None]:
    """The baseline that was best before an origin, and its intervals then.

    Parameters
    ----------
    history
        The hourly means; those after the origin are not looked at.
    tried
        Forecasts of baselines; those that had ended by the origin count, if they are young enough.
    origin
        Number of the origin's hour.
    daily
        Whether intervals of daily means are wanted too.
    """
    ended = tried.ended_by(origin)
    ended = ended.take(ended.origins >= origin - 24 * WINDOW_DAYS - tried.horizon)
    if not len(ended.origins):
        return _FIRST_BASELINE, None
    best = best_baseline(ranking(ended)) or _FIRST_BASELINE
    return best, calibration_at(history, ended, best, origin, daily)


def why_baseline(past: HourlyHistory, folders: list[Path], horizon: int) -> Note | None:
    """Say why a baseline is served at the end of a history; None where trained models may serve.

    Parameters
    ----------
    past
        What was known at the origin.
    folders
        Folders of trained models.
    horizon
        Hours ahead.

    Raises
    ------
    ShortHistoryError
        Too little is known for any forecast.
    """
    _check_past(past, past.end)
    try:
        _, entry = _find(past, folders)
    except ModelRefusedError as error:
        return _refused(error)
    return _why_not(past, entry, horizon)


def _refused(error: ModelRefusedError) -> Note:
    return Note(code="model_refused", params={"problem": str(error)}, text=str(error))


def _all_forecasts(
    past: HourlyHistory,
    known: Calendar,
    horizon: int,
    models: dict[str, Fitted],
    weather: WeatherProvider | None,
) -> dict[str, Floats]:
    rows = design(past, known, [len(past.series)], horizon, weather)
    usable = {
        name: model for name, model in models.items() if set(model.columns) <= set(rows.names)
    }
    found = predict_all(usable, rows, past.values, known, past.role)
    return {name: values[0] for name, values in found.items()}


def _notes_on(
    past: HourlyHistory, origin: pd.Timestamp, point: Floats, quantiles: Floats
) -> list[Note]:
    notes = []
    local = origin.tz_convert(zone(past.zone))
    if local != local.normalize():
        text = "the backtest's origins are local midnights: scores don't speak of this hour"
        notes.append(Note(code="origin_not_midnight", text=text))
    missing = int(np.isnan(point).sum())
    if missing:
        text = f"{missing} hours have no forecast: nothing was measured at their time of day"
        notes.append(Note(code="hours_without_forecast", params={"hours": missing}, text=text))
    if np.isnan(quantiles).all(axis=0).any():
        text = "too few past forecasts for every interval: those missing are left out"
        notes.append(Note(code="few_windows", text=text))
    return notes


def _gap_h(past: HourlyHistory) -> int:
    """Hours since the last observed one [h]."""
    seen = np.flatnonzero(~np.isnan(past.values))
    return len(past.series) - 1 - int(seen[-1])


def _daily(
    point: Floats, forest: Floats, ahead: Calendar, calibration: Calibration | None
) -> list[DayForecast]:
    days, means = daily_means(point, ahead.day, 23)
    _, forest_means = daily_means(forest, ahead.day, 23)
    band = np.full((len(days), 2), np.nan)
    if calibration is not None:
        band = calibration.apply_daily(means)
    return [
        DayForecast(
            date=date(1970, 1, 1) + timedelta(days=int(day)),
            mean=_finite(mean),
            p10=_finite(low),
            p90=_finite(high),
            random_forest=_finite(other),
        )
        for day, mean, (low, high), other in zip(days, means, band, forest_means, strict=True)
    ]


def _training(entry: Entry) -> Training:
    return Training(
        data_hash=entry.data_hash,
        start=entry.start,
        end=entry.end,
        synthetic=entry.synthetic,
        trained_at=entry.trained_at,
        seed=entry.seed,
        version=entry.versions.library,
        scikit_learn=entry.versions.scikit_learn,
    )


def _scores(entry: Entry | None, choice: _Choice) -> dict[str, ModelScore]:
    if entry is None:
        return {}
    names = dict.fromkeys((choice.served, choice.baseline, RANDOM_FOREST))
    return {name: entry.backtest.models[name] for name in names if name in entry.backtest.models}


def _local(history: HourlyHistory, origin: pd.Timestamp) -> str:
    return origin.tz_convert(zone(history.zone)).isoformat()


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
