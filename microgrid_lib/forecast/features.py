"""What a model is told about an hour to forecast; all of it known at the origin.

`features` is given the hours before the origin and no others, so nothing later can leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.forecast.baselines import BASELINES, climatology, group_means, seasonal
from microgrid_lib.forecast.calendar import SUN_ROLES, Calendar, Floats
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.weather import VARIABLES, WeatherProvider

WINDOW_DAYS = 28
_RECENT_H = (24, 72, 168)

DEVIATIONS = (
    *(f"deviation_{hours}h" for hours in _RECENT_H),
    *(f"hour_deviation_{hours}h" for hours in _RECENT_H),
)
"""How far the last hours lay from the climatology: overall, and at the target's clock hour."""

FEATURES = (
    *("lead_h", "hour", "weekday", "weekend", "elevation_deg", "clear_sky_w_m2"),
    *("anchor", "climatology_3d", "climatology_7d", "lag_24h", "lag_168h", "mean_168h"),
    *DEVIATIONS,
)
"""Names of the columns of every design."""

WEATHER = tuple(f"weather_{name}" for name in VARIABLES)
"""Names of the columns that a weather provider adds."""

"""Roles that know no weekend."""


def anchor_of(role: str) -> str:
    """Baseline from which models of a role forecast the difference."""
    return "climatology_28d" if role in SUN_ROLES else "weekday_climatology_28d"


@dataclass(frozen=True)
class Design:
    """Rows to learn from or to predict, all hours of an origin in a row.

    Attributes
    ----------
    x
        Features, shape (n_origins * horizon, n_columns); NaN where the past doesn't say.
    y
        Targets, shape (n_origins * horizon,); NaN where missing or not yet known.
    origins
        Numbers of the hours at which the forecasts are made, shape (n_origins,).
    horizon
        Hours forecast from each.
    names
        Names of the columns of `x`.
    """

    x: Floats
    y: Floats
    origins: npt.NDArray[np.int64]
    horizon: int
    names: tuple[str, ...]

    def columns(self, names: Sequence[str]) -> Floats:
        """Return some features, shape (n_rows, len(names))."""
        return self.x[:, [self.names.index(name) for name in names]]

    def column(self, name: str) -> Floats:
        """Return one feature, shape (n_rows,)."""
        return self.x[:, self.names.index(name)]

    def take(self, chosen: npt.NDArray[np.bool_], until: int | None = None) -> Design:
        """Keep some origins; targets of hours from number `until` on become unknown."""
        rows = np.repeat(chosen, self.horizon)
        y, origins = self.y[rows].copy(), self.origins[chosen]
        if until is not None:
            hour = (origins[:, None] + np.arange(self.horizon)).ravel()
            y[hour >= until] = np.nan
        return Design(self.x[rows], y, origins, self.horizon, self.names)


def features(role: str, past: Floats, known: Calendar, horizon: int) -> Floats:
    """Compute the features of every hour of a horizon.

    Parameters
    ----------
    role
        What is forecast: power of the sun knows no weekend.
    past
        Hourly means before the origin, NaN where missing, shape (n_past,).
    known
        Calendar of the past and the horizon, n_past + horizon hours.
    horizon
        Hours to forecast.

    Returns
    -------
    ndarray
        Shape (horizon, len(FEATURES)); NaN where the past doesn't say.
    """
    start = max(len(past) - 24 * WINDOW_DAYS, 0)
    past, known = past[start:], known.part(start, len(past) + horizon)
    size = len(past)
    ahead = known.part(size, size + horizon)
    group = known.hour if role in SUN_ROLES else known.hour + 24 * known.weekend
    usual = group_means(past, group[:size], 48)[group]
    deviation = past - usual[:size]
    recent = [deviation[-hours:] for hours in _RECENT_H]
    columns = [
        np.arange(horizon),
        ahead.hour,
        ahead.weekday,
        ahead.weekend,
        ahead.elevation_deg,
        ahead.clear_sky_w_m2,
        usual[size:],
        climatology(3)(past, known, horizon),
        BASELINES["climatology_7d"](past, known, horizon),
        seasonal(24)(past, known, horizon),
        seasonal(168)(past, known, horizon),
        np.full(horizon, mean_of(past[-168:])),
        *(np.full(horizon, mean_of(part)) for part in recent),
        *(
            group_means(part, known.hour[size - len(part) : size], 24)[ahead.hour]
            for part in recent
        ),
    ]
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def mean_of(values: Floats) -> float:
    """Mean of the observed values; NaN where there is none."""
    seen = values[~np.isnan(values)]
    return float(seen.mean()) if len(seen) else float("nan")


def covariate_names(history: HourlyHistory) -> tuple[str, ...]:
    """Names of the columns that other roles add: their means over the last day and week."""
    if history.covariates is None:
        return ()
    return tuple(f"{role}_mean_{h}h" for role in history.covariates.columns for h in (24, 168))


def design(
    history: HourlyHistory,
    known: Calendar,
    origins: Sequence[int],
    horizon: int,
    weather: WeatherProvider | None = None,
) -> Design:
    """Stack the rows of many origins.

    Parameters
    ----------
    history
        The hourly means; of each origin's rows, features see only what ended before it.
    known
        Calendar of all its hours and of the last horizon.
    origins
        Numbers of the hours at which the forecasts are made.
    horizon
        Hours to forecast from each.
    weather
        Adds the columns `WEATHER`.
    """
    values = history.values
    others = None if history.covariates is None else history.covariates.to_numpy(dtype=np.float64)
    extra = covariate_names(history) + (WEATHER if weather is not None else ())
    x = np.empty((len(origins) * horizon, len(FEATURES) + len(extra)))
    y = np.full(len(origins) * horizon, np.nan)
    for number, origin in enumerate(origins):
        rows = slice(number * horizon, (number + 1) * horizon)
        parts = [features(history.role, values[:origin], known.part(0, origin + horizon), horizon)]
        if others is not None:
            parts.append(np.tile(_covariates(others[:origin]), (horizon, 1)))
        if weather is not None:
            start = history.time(origin)
            parts.append(weather.at(start, pd.date_range(start, periods=horizon, freq="h")))
        x[rows] = np.column_stack(parts)
        seen = values[origin : origin + horizon]
        y[rows.start : rows.start + len(seen)] = seen
    return Design(x, y, np.asarray(origins, dtype=np.int64), horizon, FEATURES + extra)


def _covariates(past: Floats) -> Floats:
    return np.array(
        [mean_of(past[-hours:, column]) for column in range(past.shape[1]) for hours in (24, 168)]
    )
