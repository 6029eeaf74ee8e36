"""Why a model can look perfect and be worth nothing: four ways to judge the same forest.

The first two give the model what happens at the very time it "forecasts" (other voltages, powers),
which nobody knows in advance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.calendar import Floats
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.models import RANDOM_FOREST, SEED, one_thread
from microgrid_lib.forecast.walk import walk

HORIZON = 120
MIN_DAYS = 20
_TEST_SHARE = 0.3
_FOLDS = 5
_FOREST = {"n_estimators": 50, "min_samples_leaf": 3, "random_state": SEED}


@dataclass(frozen=True)
class Judgement:
    """One way to judge.

    Attributes
    ----------
    name
        `random_folds_same_time`, `later_hours_same_time`, `repeated_day` or `five_days_ahead`.
    text
        What was done.
    honest
        Whether a forecast could have been made like that.
    r2
        Share of the hourly variance explained: 1 - sum of squared errors / sum of squares around
        the mean of the same hours.
    """

    name: str
    text: str
    honest: bool
    r2: float


def judge(history: HourlyHistory) -> list[Judgement]:
    """Judge a Random Forest in four ways on the same site.

    Parameters
    ----------
    history
        Hourly means with `covariates`: the other roles at the same time.

    Raises
    ------
    NoDataError
        Without other roles, or with less than 20 days of hours at which all are known.
    """
    if history.covariates is None:
        raise NoDataError(f"{history.site}, {history.role}: no other roles to leak")
    both = history.covariates.assign(target=history.series).dropna()
    if len(both) < 24 * MIN_DAYS:
        raise NoDataError(
            f"{history.site}, {history.role}: less than {MIN_DAYS} days with all roles"
        )
    x, y = both.drop(columns="target").to_numpy(dtype=np.float64), both["target"].to_numpy()
    cut = int(len(both) * (1 - _TEST_SHARE))
    start = pd.DatetimeIndex(both.index)[cut]
    origins = [
        origin
        for origin in history.midnights(start, history.end)
        if origin + HORIZON <= len(history.series)
    ][::5]
    if not origins:
        raise NoDataError(f"{history.site}, {history.role}: no five days to test on")
    ahead = walk(history, origins, HORIZON, names=(RANDOM_FOREST,))
    return [
        Judgement(
            "random_folds_same_time",
            "random five-fold cross-validation, inputs of the same hour",
            False,
            _folds(x, y),
        ),
        Judgement(
            "later_hours_same_time",
            "trained on earlier hours, judged on later ones, inputs of the same hour",
            False,
            r2(_forest(x[:cut], y[:cut]).predict(x[cut:]), y[cut:]),
        ),
        Judgement(
            "repeated_day",
            "forest of daily means, what it says of the last day repeated for five days",
            True,
            r2(_repeated(both, history, origins), ahead.truth),
        ),
        Judgement(
            "five_days_ahead",
            "five days ahead from what was known at midnight",
            True,
            r2(ahead.forecasts[RANDOM_FOREST], ahead.truth),
        ),
    ]


def r2(forecast: Floats, truth: Floats) -> float:
    """Coefficient of determination over the hours with both; NaN where undefined."""
    seen = ~np.isnan(forecast + truth)
    around = ((truth[seen] - truth[seen].mean()) ** 2).sum() if seen.any() else 0.0
    return float(1 - ((truth - forecast)[seen] ** 2).sum() / around) if around > 0 else np.nan


def _folds(x: Floats, y: Floats) -> float:
    fold = np.random.default_rng(SEED).permutation(len(y)) % _FOLDS
    found = np.empty(len(y))
    for number in range(_FOLDS):
        inside = fold == number
        found[inside] = _forest(x[~inside], y[~inside]).predict(x[inside])
    return r2(found, y)


def _repeated(both: pd.DataFrame, history: HourlyHistory, origins: list[int]) -> Floats:
    """Daily means of the past, same-day inputs, the last day's answer for every hour."""
    found = np.full((len(origins), HORIZON), np.nan)
    for row, origin in enumerate(origins):
        at = history.time(origin)
        past = both[both.index < at]
        # Days counted back from the origin.
        day = ((at - pd.DatetimeIndex(past.index)) // pd.Timedelta(days=1)).to_numpy()
        means = past.groupby(-day).mean()
        x = means.drop(columns="target").to_numpy(dtype=np.float64)
        found[row] = _forest(x, means["target"].to_numpy()).predict(x[-1:])[0]
    return found


class _Forest:
    """A forest that keeps to one thread."""

    def __init__(self, x: Floats, y: Floats) -> None:
        from sklearn.ensemble import RandomForestRegressor

        self._model = RandomForestRegressor(**_FOREST)
        with one_thread():
            self._model.fit(x, y)

    def predict(self, x: Floats) -> Floats:
        """Predict rows, shape (n_rows,)."""
        with one_thread():
            return np.asarray(self._model.predict(x), dtype=np.float64)


def _forest(x: Floats, y: Floats) -> _Forest:
    return _Forest(x, y)
