"""How the forecasts of a past period did: what would have been served, against what came true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.backtest import earliest_origin
from microgrid_lib.forecast.calendar import HOUR, Floats
from microgrid_lib.forecast.errors import ForecastRequestError, HistoryError
from microgrid_lib.forecast.forecast import baseline_before, forecast, why_baseline
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from microgrid_lib.forecast.intervals import LEVELS, WINDOW_DAYS
from microgrid_lib.forecast.scores import common_hours, coverage, errors
from microgrid_lib.forecast.walk import Walk, walk
from microgrid_lib.kpi.model import Note
from microgrid_lib.site.zones import zone
from microgrid_lib.window import Window

_KEPT_DAYS = WINDOW_DAYS + 60
"""History before the first origin that a forecast looks at, with room to spare [days]."""


class ForecastReview(BaseModel):
    """How good the forecasts made during a period were.

    Attributes
    ----------
    origins
        When they were made, in the display zone: midnights, the horizons one after the other.
    horizon_h
        Hours forecast from each.
    served
        Name of what was served -> from how many origins.
    hours
        Observed hours that were forecast: what the errors are over.
    mae, bias
        Mean absolute and mean error (forecast - truth) of what was served, in the role's unit.
    baselines
        Mean absolute error of each baseline over the same hours.
    hours80, hours95, coverage80, coverage95
        Hours that had an interval, and the share of them inside it (0-1, null without any).
    reason
        Why there is no review; the errors are null then.
    """

    site: str
    profile: str
    role: str
    unit: str
    origins: list[datetime] = []
    horizon_h: int
    served: dict[str, int] = {}
    hours: int = 0
    mae: float | None = None
    bias: float | None = None
    baselines: dict[str, float] = {}
    hours80: int = 0
    hours95: int = 0
    coverage80: float | None = None
    coverage95: float | None = None
    reason: Note | None = None

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the smallest error."""
        return min(self.baselines, key=lambda name: self.baselines[name], default=None)

    @property
    def skill(self) -> float | None:
        """1 - error / error of the best baseline, which was only known afterwards."""
        best = self.best_baseline
        if best is None or self.mae is None or self.baselines[best] == 0:
            return None
        return 1 - self.mae / self.baselines[best]


@dataclass(frozen=True)
class _Served:
    """What was served from one origin: a forecast of each hour, and its intervals."""

    origin: int
    model: str
    point: Floats
    quantiles: Floats


def review(
    history: HourlyHistory,
    window: Window,
    folders: Sequence[Path] = (),
    days: int = 5,
) -> ForecastReview:
    """Make the forecasts of a period again, as they would have been served, and score them.

    Parameters
    ----------
    history
        The hourly means.
    window
        The period: forecasts are made every `days` days from its first midnight on, as long as
        their horizon ends inside it and inside the data.
    folders
        Of trained models; one that has seen later data isn't used, as in `forecast`.
    days
        Horizon [days].
    """
    horizon = horizon_hours(days)
    blank = ForecastReview(
        site=history.site,
        profile=history.profile,
        role=history.role,
        unit=history.unit,
        horizon_h=horizon,
    )
    recent = _recent(history, window)
    if recent is None:
        return blank.model_copy(update={"reason": _nothing()})
    tried = _baselines(recent, window, days)
    made = _forecasts(recent, tried, window, list(folders), days)
    if not made:
        return blank.model_copy(update={"reason": _nothing()})
    rows = np.isin(tried.origins, [one.origin for one in made])
    mine = tried.take(rows)
    served = np.array([one.point for one in made])
    usable = {name: values for name, values in mine.forecasts.items() if not np.isnan(values).all()}
    seen = common_hours({"served": served, **usable}, mine.truth)
    if not seen.any():
        text = "nothing was measured in the hours forecast"
        return blank.model_copy(update={"reason": Note(code="nothing_measured", text=text)})
    truth = np.where(seen, mine.truth, np.nan)
    found = errors(served, truth)
    quantiles = np.array([one.quantiles for one in made])
    low95, low80, high80, high95 = np.moveaxis(quantiles, -1, 0)
    zone_ = zone(history.zone)
    return blank.model_copy(
        update={
            "origins": [recent.time(one.origin).tz_convert(zone_).to_pydatetime() for one in made],
            "served": dict(Counter(one.model for one in made)),
            "hours": found.hours,
            "mae": found.mae,
            "bias": found.bias,
            "baselines": {name: errors(v, truth).mae for name, v in usable.items()},
            "hours80": _covered(low80, high80, truth),
            "hours95": _covered(low95, high95, truth),
            "coverage80": _inside(low80, high80, truth),
            "coverage95": _inside(low95, high95, truth),
        }
    )


def _nothing() -> Note:
    text = "no forecast could be made and checked in the period"
    return Note(code="nothing_to_review", text=text)


def _recent(history: HourlyHistory, window: Window) -> HourlyHistory | None:
    """Keep the hours that forecasts of the window and their scores look at."""
    start = pd.Timestamp(window.start_utc) - timedelta(days=_KEPT_DAYS)
    first = max(0, int((start - history.start) // HOUR))
    last = int((pd.Timestamp(window.end_utc) - history.start) // HOUR)
    rows = slice(first, max(last, 0))
    series = history.series.iloc[rows]
    if series.isna().all():
        return None
    others = None if history.covariates is None else history.covariates.iloc[rows]
    return replace(history, series=series, covariates=others, data_hash="")


def _origins(history: HourlyHistory, window: Window, days: int) -> list[int]:
    last = len(history.series) - horizon_hours(days)
    midnights = history.midnights(window.start_utc, window.end_utc)[::days]
    return [origin for origin in midnights if 0 < origin <= last]


def _baselines(history: HourlyHistory, window: Window, days: int) -> Walk:
    """Forecasts of baselines from every midnight that a choice or a score may look at."""
    horizon, chosen = horizon_hours(days), _origins(history, window, days)
    low = earliest_origin(history)
    starts: set[int] = set(chosen)
    if chosen:
        oldest = history.time(max(low, chosen[0] - 24 * WINDOW_DAYS - horizon))
        newest = history.time(chosen[-1])
        if oldest <= newest:
            starts |= {at for at in history.midnights(oldest, newest) if at >= low}
    return walk(history, sorted(starts), horizon, names=())


def _forecasts(
    history: HourlyHistory, tried: Walk, window: Window, folders: list[Path], days: int
) -> list[_Served]:
    made = []
    for origin in _origins(history, window, days):
        past = history.before(history.time(origin))
        try:
            if why_baseline(past, folders, tried.horizon) is None:
                made.append(_as_served(past, folders, days, origin))
            else:
                made.append(_as_baseline(history, tried, origin))
        except (NoDataError, ForecastRequestError, HistoryError):
            # Too little was known at this origin: no forecast was served then either.
            continue
    return made


def _as_served(past: HourlyHistory, folders: list[Path], days: int, origin: int) -> _Served:
    report = forecast(past, folders, days, past.time(origin))
    names = ("p50", "p2_5", "p10", "p90", "p97_5")
    rows = [[getattr(hour, name) for name in names] for hour in report.hourly]
    values = np.array([[np.nan if v is None else v for v in row] for row in rows])
    return _Served(origin, report.model, values[:, 0], values[:, 1:])


def _as_baseline(history: HourlyHistory, tried: Walk, origin: int) -> _Served:
    name, calibration = baseline_before(history, tried, origin, daily=False)
    point = tried.forecasts[name][int(np.flatnonzero(tried.origins == origin)[0])]
    quantiles = np.full((tried.horizon, len(LEVELS)), np.nan)
    if calibration is not None:
        ahead = tried.known.part(origin, origin + tried.horizon)
        quantiles = calibration.apply(point, ahead, tried.role)
    return _Served(origin, name, point, quantiles)


def _covered(low: Floats, high: Floats, truth: Floats) -> int:
    return int((~np.isnan(low + high + truth)).sum())


def _inside(low: Floats, high: Floats, truth: Floats) -> float | None:
    return coverage(low, high, truth) if _covered(low, high, truth) else None
