"""How good forecasts were: errors, skill against a baseline, loss and coverage of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid_lib.forecast.calendar import Floats

_RESAMPLES = 2000


@dataclass(frozen=True)
class Errors:
    """Errors over the hours that were observed and forecast; NaN where there were none.

    Attributes
    ----------
    mae, rmse, bias
        Mean absolute, root mean square and mean error (forecast - truth), in the role's unit.
    hours
        How many hours they are over.
    """

    mae: float
    rmse: float
    bias: float
    hours: int


def errors(forecast: Floats, truth: Floats) -> Errors:
    """Compare forecasts with what came true, arrays of the same shape."""
    error = (forecast - truth)[~np.isnan(forecast - truth)]
    if not len(error):
        return Errors(np.nan, np.nan, np.nan, 0)
    return Errors(
        float(np.abs(error).mean()),
        float(np.sqrt((error**2).mean())),
        float(error.mean()),
        len(error),
    )


def common_hours(forecasts: Mapping[str, Floats], truth: Floats) -> npt.NDArray[np.bool_]:
    """Hours that were observed and that every forecast covers: all are judged on the same."""
    seen = ~np.isnan(truth)
    for values in forecasts.values():
        seen = seen & ~np.isnan(values)
    return seen


def skill(forecast: Floats, baseline: Floats, truth: Floats) -> float:
    """1 - MAE(forecast) / MAE(baseline) over the hours both cover; NaN where undefined."""
    seen = ~np.isnan(forecast + baseline + truth)
    if not seen.any():
        return np.nan
    reference = np.abs(baseline - truth)[seen].mean()
    return float(1 - np.abs(forecast - truth)[seen].mean() / reference) if reference > 0 else np.nan


def skill_interval(
    forecast: Floats, baseline: Floats, truth: Floats, seed: int
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the skill, resampling whole origins.

    Parameters
    ----------
    forecast, baseline, truth
        Shape (n_origins, horizon).
    seed
        Of the resampling.

    Returns
    -------
    tuple or None
        None with fewer than two origins.
    """
    seen = ~np.isnan(forecast + baseline + truth)
    own = np.where(seen, np.abs(forecast - truth), 0.0).sum(axis=1)
    other = np.where(seen, np.abs(baseline - truth), 0.0).sum(axis=1)
    own, other = own[seen.any(axis=1)], other[seen.any(axis=1)]
    if len(own) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(len(own), size=(_RESAMPLES, len(own)))
    reference = other[drawn].sum(axis=1)
    if not (reference > 0).all():
        return None
    low, high = np.quantile(1 - own[drawn].sum(axis=1) / reference, (0.025, 0.975))
    return float(low), float(high)


def coverage(low: Floats, high: Floats, truth: Floats) -> float:
    """Share of the hours inside their interval, limits included; NaN where there are none."""
    seen = ~np.isnan(low + high + truth)
    if not seen.any():
        return np.nan
    return float(((low <= truth) & (truth <= high))[seen].mean())


def pinball(quantile: Floats, level: float, truth: Floats) -> float:
    """Mean quantile loss: max(level * e, (level - 1) * e) with e = truth - quantile."""
    error = (truth - quantile)[~np.isnan(truth - quantile)]
    return float(np.maximum(level * error, (level - 1) * error).mean()) if len(error) else np.nan


def daily_means(
    values: Floats, day: npt.NDArray[np.int64], min_hours: int
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Mean of each local day of one horizon.

    Parameters
    ----------
    values
        Hourly, shape (horizon,).
    day
        Number of the local day of each hour, shape (horizon,).
    min_hours
        A day with fewer valid hours has no mean.

    Returns
    -------
    days, means
        The days with at least 23 hours in the horizon, and their means; NaN where undefined.
    """
    days, counts = np.unique(day, return_counts=True)
    days = days[counts >= 23]  # a day of spring has 23
    means = np.full(len(days), np.nan)
    for number, one in enumerate(days):
        part = values[day == one]
        part = part[~np.isnan(part)]
        if len(part) >= min_hours:
            means[number] = part.mean()
    return days, means
