"""Training: a backtest that decides what is served, then models of everything known."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

import microgrid_lib
from microgrid_lib.forecast.backtest import (
    MIN_HISTORY_DAYS,
    Backtest,
    backtest,
    calibration_at,
    earliest_origin,
)
from microgrid_lib.forecast.calendar import HOUR
from microgrid_lib.forecast.entry import Entry, Versions
from microgrid_lib.forecast.errors import ShortHistoryError
from microgrid_lib.forecast.features import design
from microgrid_lib.forecast.history import HourlyHistory, horizon_hours
from microgrid_lib.forecast.intervals import WINDOW_DAYS
from microgrid_lib.forecast.models import SEED, Fitted, fit_all, model_names
from microgrid_lib.forecast.parallel import share_out
from microgrid_lib.forecast.registry import write_models
from microgrid_lib.forecast.select import ranking
from microgrid_lib.forecast.walk import training_origins
from microgrid_lib.forecast.weather import WeatherProvider

BACKTEST_ORIGINS = 24
"""Non-overlapping origins of the stored backtest, where the data allow."""


@dataclass(frozen=True)
class Trained:
    """Models of one role, ready to forecast or to be written.

    Attributes
    ----------
    entry
        What they are; without files until they are written.
    models
        Fitted models by name.
    """

    entry: Entry
    models: dict[str, Fitted]


def train(
    history: HourlyHistory,
    days: int = 5,
    *,
    weather: WeatherProvider | None = None,
    seed: int = SEED,
    jobs: int = 1,
    backend: str = "loky",
    now: datetime | None = None,
) -> Trained:
    """Backtest every forecast on the newest data, then train the models on all of it.

    Parameters
    ----------
    history
        The hourly means; those of a day that isn't over are left out.
    days
        Horizon [days].
    weather
        Where weather forecasts come from.
    seed
        Of everything random: the same data and seed give the same forecasts.
    jobs, backend
        See `microgrid_lib.forecast.parallel.share_out`.
    now
        Time of training, for the card.

    Raises
    ------
    ShortHistoryError
        There aren't 14 days of data and one horizon after them.
    HistoryError
        Every hour is missing.
    ForecastRequestError
        The horizon can't be used.
    """
    horizon = horizon_hours(days)
    # Up to midnight, so that the models may serve from that midnight on.
    history = history.before(max(history.last_midnight(), history.start + HOUR))
    last = len(history.series) - horizon
    midnights = history.midnights(history.start, history.end)
    usable = [origin for origin in midnights if earliest_origin(history) <= origin <= last]
    if not usable:
        observed = int((~np.isnan(history.values)).sum())
        raise ShortHistoryError(
            f"{history.site}, {history.role}: {observed / 24:.1f} days of data; training needs "
            f"{MIN_HISTORY_DAYS} and {days} more to test on"
        )
    origins = usable[::-1][::days][:BACKTEST_ORIGINS][::-1]
    tested = backtest(
        history,
        history.time(origins[0]),
        history.time(origins[-1]),
        days,
        days,
        weather=weather,
        choice_days=WINDOW_DAYS,
        seed=seed,
        jobs=jobs,
        backend=backend,
    )
    starts = training_origins(history, len(history.series))
    rows = design(history, history.calendar(horizon), starts, horizon, weather)
    models = fit_all(rows, history.role, model_names(weather is not None), seed)
    entry = _entry(history, tested, models, horizon, weather is not None, seed, now)
    return Trained(entry, models)


def train_and_write(
    history: HourlyHistory,
    folder: Path,
    days: int = 5,
    *,
    weather: WeatherProvider | None = None,
    seed: int = SEED,
    jobs: int = 1,
    backend: str = "loky",
) -> Entry:
    """Train the models of a role and write them to a folder; see `train`."""
    trained = train(history, days, weather=weather, seed=seed, jobs=jobs, backend=backend)
    return write_models(folder, trained.entry, trained.models)


def train_sites(
    tasks: Sequence[tuple[HourlyHistory, Path]],
    days: int = 5,
    *,
    seed: int = SEED,
    jobs: int = 1,
    backend: str = "loky",
) -> list[Entry]:
    """Train several sites or roles at once, each into its own folder.

    Parameters
    ----------
    tasks
        Histories and folders; roles that share a folder must not be trained at the same time.
    days, seed
        See `train`.
    jobs, backend
        See `microgrid_lib.forecast.parallel.share_out`.
    """
    return share_out(partial(_train_task, days, seed), tasks, jobs, backend)


def _train_task(days: int, seed: int, task: tuple[HourlyHistory, Path]) -> Entry:
    history, folder = task
    return train_and_write(history, folder, days, seed=seed)


def _entry(
    history: HourlyHistory,
    tested: Backtest,
    models: dict[str, Fitted],
    horizon: int,
    weather: bool,
    seed: int,
    now: datetime | None,
) -> Entry:
    import joblib
    import sklearn

    ranked = ranking(tested.scored)
    end = len(history.series)
    calibration = {
        name: calibration_at(history, tested.everything, name, end).to_json() for name in ranked
    }
    # Here the winner of all stored origins is served, so the report says so.
    origins = tested.report.origin_times
    choice = tested.report.choice.model_copy(
        update={
            "origins": len(origins),
            "first": origins[0],
            "last": origins[-1],
            "earlier": False,
        }
    )
    report = tested.report.model_copy(update={"served_model": ranked[0], "choice": choice})
    return Entry(
        site=history.site,
        profile=history.profile,
        role=history.role,
        unit=history.unit,
        zone=history.zone,
        fingerprint=history.fingerprint,
        synthetic=history.synthetic,
        data_hash=history.data_hash,
        start=history.start.to_pydatetime(),
        end=history.end.to_pydatetime(),
        horizon_h=horizon,
        weather=weather,
        seed=seed,
        trained_at=(now or datetime.now(UTC)).replace(microsecond=0),
        versions=Versions(
            library=microgrid_lib.__version__,
            python=platform.python_version(),
            scikit_learn=sklearn.__version__,
            numpy=np.__version__,
            joblib=joblib.__version__,
        ),
        ranking=ranked,
        best_baseline=tested.report.best_baseline,
        models={},
        calibration=calibration,
        backtest=report,
    )
