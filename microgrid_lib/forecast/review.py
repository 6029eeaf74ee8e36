"""How the forecasts of a past period did: what would have been served, against what came true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.calendar import Floats
from microgrid_lib.forecast.errors import ForecastRequestError, HistoryError
from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from microgrid_lib.forecast.intervals import WINDOW_DAYS
from microgrid_lib.forecast.scores import common_hours, coverage, errors
from microgrid_lib.forecast.shapes import ForecastReport
from microgrid_lib.forecast.walk import walk
from microgrid_lib.kpi.model import Note
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
    made = [] if recent is None else _forecasts(recent, window, list(folders), days)
    if recent is None or not made:
        text = "no forecast could be made and checked in the period"
        return blank.model_copy(update={"reason": Note(code="nothing_to_review", text=text)})
    truth = np.stack([_truth(recent, report, horizon) for report in made])
    served = _column(made, "p50")
    tried = walk(recent, [recent.position(report.origin) for report in made], horizon, names=())
    baselines = {name: values for name, values in tried.forecasts.items() if name in BASELINES}
    usable = {name: v for name, v in baselines.items() if not np.isnan(v).all()}
    seen = common_hours({"served": served, **usable}, truth)
    if not seen.any():
        text = "nothing was measured in the hours forecast"
        return blank.model_copy(update={"reason": Note(code="nothing_measured", text=text)})
    judged = np.where(seen, truth, np.nan)
    found = errors(served, judged)
    hours80, coverage80 = _inside(made, "p10", "p90", judged)
    hours95, coverage95 = _inside(made, "p2_5", "p97_5", judged)
    return blank.model_copy(
        update={
            "origins": [report.origin for report in made],
            "served": dict(Counter(report.model for report in made)),
            "hours": found.hours,
            "mae": found.mae,
            "bias": found.bias,
            "baselines": {name: errors(v, judged).mae for name, v in usable.items()},
            "hours80": hours80,
            "hours95": hours95,
            "coverage80": coverage80,
            "coverage95": coverage95,
        }
    )


def _recent(history: HourlyHistory, window: Window) -> HourlyHistory | None:
    """Keep the hours that forecasts of the window and their scores look at."""
    start = pd.Timestamp(window.start_utc) - timedelta(days=_KEPT_DAYS)
    first = max(0, int((start - history.start) // pd.Timedelta(hours=1)))
    last = int((pd.Timestamp(window.end_utc) - history.start) // pd.Timedelta(hours=1))
    rows = slice(first, max(last, 0))
    series = history.series.iloc[rows]
    if series.isna().all():
        return None
    others = None if history.covariates is None else history.covariates.iloc[rows]
    return replace(history, series=series, covariates=others, data_hash="")


def _forecasts(
    history: HourlyHistory, window: Window, folders: list[Path], days: int
) -> list[ForecastReport]:
    horizon = horizon_hours(days)
    made = []
    for origin in history.midnights(window.start_utc, window.end_utc)[::days]:
        if not 0 < origin <= len(history.series) - horizon:
            continue
        try:
            made.append(forecast(history, folders, days, history.time(origin)))
        except (NoDataError, ForecastRequestError, HistoryError):
            # Too little was known at this origin: no forecast was served then either.
            continue
    return made


def _truth(history: HourlyHistory, report: ForecastReport, horizon: int) -> Floats:
    start = history.position(report.origin)
    return history.values[start : start + horizon]


def _column(made: Sequence[ForecastReport], name: str) -> Floats:
    rows = [[getattr(hour, name) for hour in report.hourly] for report in made]
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=np.float64)


def _inside(
    made: Sequence[ForecastReport], low: str, high: str, truth: Floats
) -> tuple[int, float | None]:
    lower, upper = _column(made, low), _column(made, high)
    hours = int((~np.isnan(lower + upper + truth)).sum())
    return hours, coverage(lower, upper, truth) if hours else None
