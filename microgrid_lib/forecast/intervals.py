"""Conformal intervals: how far forecasts of the same kind were off before.

Residuals of earlier origins are divided by a scale that depends on the hour (errors at noon are
larger than at night), and their quantiles by day of lead time are put around the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microgrid_lib.forecast.calendar import Calendar, Floats
from microgrid_lib.forecast.scores import daily_means

LEVELS = (0.025, 0.1, 0.9, 0.975)
"""Quantiles beside the median."""

WINDOW_DAYS = 120
"""Age of the oldest origin whose residuals count [days]."""

MIN_WINDOWS_80, MIN_WINDOWS_95 = 8, 20
"""Fewest origins behind an 80 % and a 95 % interval."""

MIN_DAILY_HOURS = 12
"""Fewest valid hours of a day's mean."""

_DAYLIGHT_DEG = 0.0
_KINDS = 48
_SCALE_WEIGHT = 20.0


@dataclass(frozen=True)
class Calibration:
    """Quantiles of scaled residuals (truth - forecast).

    Attributes
    ----------
    scale
        Typical error of each kind of hour, in the role's unit, shape (48,): local hour, with
        working days and weekends apart, for power of the sun by hour alone.
    quantiles
        Shape (n_lead_days, 2, len(LEVELS)): by day of lead time and dark/daylight; NaN where too
        few origins are behind them.
    daily
        Quantiles of the error of daily means, in the role's unit, shape (n_lead_days, 2): 10 and
        90 %.
    windows
        How many origins they are from.
    floor
        Smallest value ever observed of production or consumption: no interval ends below it,
        unless its forecast lies there. None for other roles.
    """

    scale: Floats
    quantiles: Floats
    daily: Floats
    windows: int
    floor: float | None

    def apply(self, point: Floats, known: Calendar, role: str) -> Floats:
        """Put the quantiles around a forecast.

        Parameters
        ----------
        point
            Hourly forecast, shape (horizon,).
        known
            Calendar of its hours.
        role
            What is forecast.

        Returns
        -------
        ndarray
            Shape (horizon, len(LEVELS)), increasing around `point`; NaN where not known.
        """
        day = np.minimum(np.arange(len(point)) // 24, len(self.quantiles) - 1)
        kind = _kind(known, role)
        spread = self.quantiles[day, _daylight(known, role)] * self.scale[kind][:, None]
        return self._not_below(point[:, None] + spread, point)

    def apply_daily(self, means: Floats) -> Floats:
        """Put the 10 and 90 % quantiles around daily means, shape (n_days, 2)."""
        day = np.minimum(np.arange(len(means)), len(self.daily) - 1)
        return self._not_below(means[:, None] + self.daily[day], means)

    def _not_below(self, ends: Floats, point: Floats) -> Floats:
        if self.floor is None:
            return ends
        return np.maximum(ends, np.minimum(self.floor, point)[:, None])

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers; NaN is None."""
        return {
            "scale": _plain(self.scale),
            "quantiles": _plain(self.quantiles),
            "daily": _plain(self.daily),
            "windows": self.windows,
            "floor": self.floor,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Calibration:
        """Read what `to_json` gave."""
        scale, quantiles, daily = (
            np.array(content[name], dtype=np.float64) for name in ("scale", "quantiles", "daily")
        )
        return cls(scale, quantiles, daily, int(content["windows"]), content["floor"])


def calibrate(
    forecast: Floats,
    truth: Floats,
    origins: npt.NDArray[np.int64],
    known: Calendar,
    role: str,
    floor: float | None = None,
    daily: bool = True,
) -> Calibration:
    """Learn intervals from forecasts whose targets have all passed.

    Parameters
    ----------
    forecast, truth
        Shape (n_origins, horizon).
    origins
        Numbers of the origins' hours in `known`, shape (n_origins,).
    known
        Calendar.
    role
        What is forecast.
    floor
        No interval ends below it, see `microgrid_lib.forecast.floor.observed_floor`.
    daily
        Whether to learn those of daily means too.
    """
    horizon = forecast.shape[1]
    days = max(-(-horizon // 24), 1)
    hours = origins[:, None] + np.arange(horizon)
    residual = truth - forecast
    usable = ~np.isnan(residual)
    windows = int(usable.any(axis=1).sum())
    kind = _kind(known, role)[hours]
    scale = _scale(residual, kind, usable)
    light = _daylight(known, role)[hours]
    lead_day = np.broadcast_to(np.arange(horizon) // 24, residual.shape)
    quantiles = np.full((days, 2, len(LEVELS)), np.nan)
    for day in range(days):
        for lit in (0, 1):
            part = usable & (lead_day == day) & (light == lit)
            ratio = residual[part] / scale[kind[part]]
            quantiles[day, lit] = _quantiles(ratio, windows)
    bands = np.full((days, 2), np.nan)
    if daily:
        bands = _daily(forecast, truth, origins, known, days, windows)
    return Calibration(scale, quantiles, bands, windows, floor)


def _scale(residual: Floats, kind: npt.NDArray[np.int64], usable: npt.NDArray[np.bool_]) -> Floats:
    """Mean absolute residual of each kind of hour, drawn towards the overall one where few."""
    size = np.abs(residual[usable])
    if not len(size) or not size.any():
        return np.ones(_KINDS)
    counts = np.bincount(kind[usable], minlength=_KINDS)
    sums = np.bincount(kind[usable], weights=size, minlength=_KINDS)
    overall = float(size.mean())
    # A night of the sun's power has almost no error, and no weight of the day's must give it one.
    weight = np.where(counts >= _SCALE_WEIGHT, 0.0, _SCALE_WEIGHT)
    scale = (sums + weight * overall) / np.maximum(counts + weight, 1.0)
    return np.maximum(scale, 1e-9 * overall)


def _quantiles(ratio: Floats, windows: int) -> Floats:
    found = np.full(len(LEVELS), np.nan)
    if not len(ratio) or windows < MIN_WINDOWS_80:
        return found
    for number, level in enumerate(LEVELS):
        if level in (0.025, 0.975) and windows < MIN_WINDOWS_95:
            continue
        found[number] = conformal_quantile(ratio, level)
    return found


def conformal_quantile(residuals: Floats, level: float) -> float:
    """Empirical quantile with the finite-sample correction of split conformal prediction.

    The k-th smallest of n residuals, k = ceil((n + 1) level) above the median and
    floor((n + 1) level) below; beyond the sample its extreme. An interval always contains its
    forecast: the result is at most 0 below the median, at least 0 above.
    """
    ordered = np.sort(residuals)
    size = len(ordered)
    if level > 0.5:
        rank = min(int(np.ceil((size + 1) * level - 1e-9)), size)
        return max(float(ordered[rank - 1]), 0.0)
    rank = max(int(np.floor((size + 1) * level + 1e-9)), 1)
    return min(float(ordered[rank - 1]), 0.0)


def _daily(
    forecast: Floats,
    truth: Floats,
    origins: npt.NDArray[np.int64],
    known: Calendar,
    days: int,
    windows: int,
) -> Floats:
    found = np.full((days, 2), np.nan)
    if windows < MIN_WINDOWS_80:
        return found
    errors: list[list[float]] = [[] for _ in range(days)]
    for row, origin in enumerate(origins):
        day = known.day[origin : origin + forecast.shape[1]]
        both = ~np.isnan(forecast[row] + truth[row])
        _, own = daily_means(np.where(both, forecast[row], np.nan), day, MIN_DAILY_HOURS)
        _, real = daily_means(np.where(both, truth[row], np.nan), day, MIN_DAILY_HOURS)
        for lead, error in enumerate((real - own)[:days]):
            if not np.isnan(error):
                errors[lead].append(float(error))
    for lead, sample in enumerate(errors):
        if len(sample) >= MIN_WINDOWS_80:
            found[lead] = [conformal_quantile(np.array(sample), level) for level in (0.1, 0.9)]
    return found


def _kind(known: Calendar, role: str) -> npt.NDArray[np.int64]:
    return known.hour if role == "pv" else known.hour + 24 * known.weekend.astype(np.int64)


def _daylight(known: Calendar, role: str) -> npt.NDArray[np.int64]:
    """1 in daylight; only power of the sun is told apart by it, and only with coordinates."""
    if role != "pv":
        return np.zeros(len(known.hour), dtype=np.int64)
    return (known.elevation_deg > _DAYLIGHT_DEG).astype(np.int64)


def _plain(values: Floats) -> Any:
    found = values.astype(object)
    found[np.isnan(values)] = None
    return found.tolist()
