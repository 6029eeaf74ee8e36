"""Forecasts of the past, each by models that had seen only what came before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from microgrid_lib.forecast.calendar import Calendar, Floats
from microgrid_lib.forecast.features import Design, design
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.models import SEED, fit_all, model_names, predict_all
from microgrid_lib.forecast.parallel import share_out
from microgrid_lib.forecast.weather import WeatherProvider

REFIT_DAYS = 30
"""Days after which a model is trained anew."""

TRAINING_START_DAYS = 7
"""Days of history before the first origin to learn from."""


@dataclass(frozen=True)
class Walk:
    """Forecasts from several origins, with what came true.

    Attributes
    ----------
    origins
        Numbers of the origins' hours, increasing, shape (n_origins,).
    horizon
        Hours forecast from each.
    truth
        Observed hourly means, shape (n_origins, horizon); NaN where missing or not yet known.
    forecasts
        Name -> shape (n_origins, horizon); NaN where there is no forecast.
    known
        Calendar of all hours of the history and of the last horizon.
    role
        What is forecast.
    """

    origins: npt.NDArray[np.int64]
    horizon: int
    truth: Floats
    forecasts: dict[str, Floats]
    known: Calendar
    role: str

    def take(self, chosen: npt.NDArray[np.bool_]) -> Walk:
        """Keep some origins."""
        forecasts = {name: values[chosen] for name, values in self.forecasts.items()}
        return Walk(
            self.origins[chosen], self.horizon, self.truth[chosen], forecasts, self.known, self.role
        )

    def ended_by(self, hour: int) -> Walk:
        """Keep the origins whose whole horizon had passed before an hour."""
        return self.take(self.origins + self.horizon <= hour)

    def hours(self) -> npt.NDArray[np.int64]:
        """Numbers of the hours forecast, shape (n_origins, horizon)."""
        return self.origins[:, None] + np.arange(self.horizon)


@dataclass(frozen=True)
class _Leg:
    """The origins that one training serves."""

    training: Design
    rows: Design


def walk(
    history: HourlyHistory,
    origins: Sequence[int],
    horizon: int,
    *,
    weather: WeatherProvider | None = None,
    refit_days: int = REFIT_DAYS,
    names: Sequence[str] | None = None,
    seed: int = SEED,
    jobs: int = 1,
    backend: str = "loky",
) -> Walk:
    """Forecast from each origin with models trained on hours before it.

    The models are trained anew at the first origin and at the first one at least `refit_days`
    after the last training.

    Parameters
    ----------
    history
        The hourly means.
    origins
        Numbers of hours, increasing.
    horizon
        Hours to forecast from each.
    weather
        Where weather forecasts come from.
    refit_days
        How long a model serves [days].
    names
        Models to fit; default: all. Without any, baselines alone forecast.
    seed
        Of the models.
    jobs, backend
        See `microgrid_lib.forecast.parallel.share_out`.
    """
    origins = list(origins)
    known = history.calendar(horizon)
    fitted = model_names(weather is not None) if names is None else tuple(names)
    starts = training_origins(history, max(origins, default=0)) if fitted else []
    learning = design(history, known, starts, horizon, weather)
    rows = design(history, known, origins, horizon, weather)
    legs = []
    for first, last in _legs(rows.origins, 24 * refit_days):
        # Targets up to the training's own time, and none later, are known to it.
        training = learning.take(learning.origins < first, until=first)
        legs.append(_Leg(training, rows.take((rows.origins >= first) & (rows.origins < last))))
    work = partial(_forecast, history.role, history.values, known, fitted, seed)
    parts = share_out(work, legs, jobs, backend)
    shape = (len(origins), horizon)
    found = dict.fromkeys(name for part in parts for name in part)
    missing = [np.full((len(leg.rows.origins), horizon), np.nan) for leg in legs]
    forecasts = {
        name: np.concatenate(
            [part.get(name, blank) for part, blank in zip(parts, missing, strict=True)]
        )
        for name in found
    }
    return Walk(rows.origins, horizon, rows.y.reshape(shape), forecasts, known, history.role)


def training_origins(history: HourlyHistory, before: int) -> list[int]:
    """Numbers of the local midnights to learn from: before an hour, with a week of history."""
    days = history.midnights(history.start, history.end)
    return [origin for origin in days if 24 * TRAINING_START_DAYS <= origin < before]


def _legs(origins: npt.NDArray[np.int64], refit_hours: int) -> list[tuple[int, int]]:
    """First origin of each training, and the first one it no longer serves."""
    starts: list[int] = []
    for origin in origins.tolist():
        if not starts or origin - starts[-1] >= refit_hours:
            starts.append(origin)
    ends = [*starts[1:], int(origins[-1]) + 1] if starts else []
    return list(zip(starts, ends, strict=True))


def _forecast(
    role: str, values: Floats, known: Calendar, names: tuple[str, ...], seed: int, leg: _Leg
) -> dict[str, Floats]:
    models = fit_all(leg.training, role, names, seed)
    return predict_all(models, leg.rows, values, known, role)
