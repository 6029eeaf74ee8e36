"""The simple forecasts every model has to beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from microgrid_lib.forecast.calendar import Calendar, Floats

Baseline = Callable[[Floats, Calendar, int], Floats]

_MAX_SEASONS_BACK = 4


def last_value(past: Floats, known: Calendar, horizon: int) -> Floats:
    """Repeat the last observed hour; NaN where there is none.

    Parameters
    ----------
    past
        Hourly means before the origin, NaN where missing, shape (n_past,).
    known
        Calendar of the past and of the horizon, n_past + horizon hours.
    horizon
        Hours to forecast.

    Returns
    -------
    ndarray
        Shape (horizon,), in the unit of `past`.
    """
    seen = np.flatnonzero(~np.isnan(past))
    return np.full(horizon, past[seen[-1]] if len(seen) else np.nan)


def seasonal(hours: int) -> Baseline:
    """Make the baseline that repeats the last season of `hours` hours.

    A missing hour is taken from up to four seasons back, then left missing.
    """

    def forecast(past: Floats, known: Calendar, horizon: int) -> Floats:
        lead = np.arange(horizon)
        back = hours * (1 + lead // hours) - lead
        found = np.full(horizon, np.nan)
        for season in range(_MAX_SEASONS_BACK):
            at = len(past) - back - season * hours
            usable = np.isnan(found) & (at >= 0)
            found[usable] = past[at[usable]]
        return found

    return forecast


def climatology(days: int) -> Baseline:
    """Make the baseline of the mean of each local hour over the last `days` days."""

    def forecast(past: Floats, known: Calendar, horizon: int) -> Floats:
        recent, then = _split(past, known, horizon, days)
        return group_means(recent, then.hour[: len(recent)], 24)[then.hour[len(recent) :]]

    return forecast


def weekday_climatology(days: int) -> Baseline:
    """Make the same with working days and weekends apart."""

    def forecast(past: Floats, known: Calendar, horizon: int) -> Floats:
        recent, then = _split(past, known, horizon, days)
        group = then.hour + 24 * then.weekend
        return group_means(recent, group[: len(recent)], 48)[group[len(recent) :]]

    return forecast


def group_means(values: Floats, group: npt.NDArray[np.int64], groups: int) -> Floats:
    """Mean of the observed values of each group, shape (groups,); NaN for an unobserved group."""
    seen = ~np.isnan(values)
    counts = np.bincount(group[seen], minlength=groups)
    sums = np.bincount(group[seen], weights=values[seen], minlength=groups)
    means = np.full(groups, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _split(past: Floats, known: Calendar, horizon: int, days: int) -> tuple[Floats, Calendar]:
    start = max(len(past) - 24 * days, 0)
    return past[start:], known.part(start, len(past) + horizon)


BASELINES: dict[str, Baseline] = {
    "last_value": last_value,
    "seasonal_24h": seasonal(24),
    "seasonal_168h": seasonal(168),
    "climatology_7d": climatology(7),
    "climatology_14d": climatology(14),
    "climatology_28d": climatology(28),
    "weekday_climatology_28d": weekday_climatology(28),
}
"""The baselines of every backtest, by the names they have in results."""
