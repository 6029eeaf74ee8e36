"""The models: one pooled over all lead times each, and a median of several.

A model forecasts the difference from a climatology (its anchor). What it predicts is absolute.
Settings were chosen on the origins of 2017 of a real site, see ml/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.calendar import Calendar, Floats
from microgrid_lib.forecast.features import (
    DEVIATIONS,
    FEATURES,
    WEATHER,
    Design,
    anchor_of,
)
from microgrid_lib.forecast.floor import lifted, observed_floor

RANDOM_FOREST = "random_forest"
GRADIENT_BOOSTING = "gradient_boosting"
GRADIENT_BOOSTING_7D = "gradient_boosting_7d"
DEVIATION = "deviation_ridge"
WEATHER_BOOSTING = "gradient_boosting_weather"
ENSEMBLE = "median_ensemble"

FITTED = (RANDOM_FOREST, GRADIENT_BOOSTING, GRADIENT_BOOSTING_7D, DEVIATION)
"""Models that are fitted for every role."""

MODELS = (*FITTED, WEATHER_BOOSTING, ENSEMBLE)
"""Every model; the last is the median of others and of baselines."""

SEED = 20180105
MIN_ROWS = 24 * 7
"""Fewest hours to learn from."""

_RIDGE_PENALTY = 1000.0
_BOOSTING: dict[str, Any] = {
    "loss": "absolute_error",
    "learning_rate": 0.05,
    "max_iter": 100,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 300,
    "l2_regularization": 20.0,
    "early_stopping": False,
}
_FOREST: dict[str, Any] = {
    "n_estimators": 60,
    "min_samples_leaf": 30,
    "max_features": 0.4,
    "max_samples": 0.2,
}


@dataclass(frozen=True)
class Fitted:
    """A trained model; holds nothing but scikit-learn's and numpy's own objects.

    Attributes
    ----------
    name
        One of `FITTED`, or `WEATHER_BOOSTING`.
    columns
        Features it needs.
    anchor
        Feature whose value it adds to what the estimator says.
    estimator
        A scikit-learn regressor, or coefficients of shape (n_lead_days, n_columns).
    settings
        The parameters it was made with.
    """

    name: str
    columns: tuple[str, ...]
    anchor: str
    estimator: Any
    settings: dict[str, Any]

    def predict(self, rows: Design) -> Floats:
        """Forecast, shape (n_rows,); NaN where the anchor is."""
        x = rows.columns(self.columns)
        if self.name == DEVIATION:
            day = np.minimum(_lead_day(rows), len(self.estimator) - 1)
            difference = (np.nan_to_num(x) * self.estimator[day]).sum(axis=1)
        else:
            with one_thread():
                difference = self.estimator.predict(x)
        return rows.column(self.anchor) + np.asarray(difference, dtype=np.float64)


def ensemble_members(role: str) -> tuple[str, ...]:
    """Forecasts whose pointwise median the ensemble is."""
    members = ("climatology_7d", anchor_of(role), GRADIENT_BOOSTING, GRADIENT_BOOSTING_7D)
    return (*members, DEVIATION)


def model_names(weather: bool) -> tuple[str, ...]:
    """Names of the models to fit."""
    return (*FITTED, WEATHER_BOOSTING) if weather else FITTED


def fit(name: str, rows: Design, role: str, seed: int = SEED) -> Fitted | None:
    """Train one model.

    Parameters
    ----------
    name
        One of `FITTED`, or `WEATHER_BOOSTING`.
    rows
        What to learn from; rows without a target don't count.
    role
        What is forecast.
    seed
        Of everything random: the same seed and rows give the same model.

    Returns
    -------
    Fitted or None
        None with fewer than `MIN_ROWS` hours to learn from.
    """
    anchor = "climatology_7d" if name == GRADIENT_BOOSTING_7D else "anchor"
    target = rows.y - rows.column(anchor)
    usable = ~np.isnan(target)
    columns = _columns(name, rows, role)
    if name == WEATHER_BOOSTING:
        usable &= ~np.isnan(rows.columns(WEATHER)).all(axis=1)
    if usable.sum() < MIN_ROWS:
        return None
    x, target = rows.columns(columns)[usable], target[usable]
    if name == DEVIATION:
        settings: dict[str, Any] = {"penalty": _RIDGE_PENALTY}
        estimator: Any = _ridge(np.nan_to_num(x), target, _lead_day(rows)[usable], rows.horizon)
    else:
        # scikit-learn can't bin a column that says nothing at all.
        says = np.flatnonzero((~np.isnan(x)).any(axis=0))
        columns, x = tuple(columns[number] for number in says), x[:, says]
        settings = {**(_FOREST if name == RANDOM_FOREST else _BOOSTING), "random_state": seed}
        estimator = _regressor(name, settings)
        with one_thread():
            estimator.fit(x, target)
    return Fitted(name, columns, anchor, estimator, settings)


def fit_all(rows: Design, role: str, names: Sequence[str], seed: int = SEED) -> dict[str, Fitted]:
    """Train several models; one that has too little to learn from is left out."""
    fitted = {name: fit(name, rows, role, seed) for name in names}
    return {name: model for name, model in fitted.items() if model is not None}


def predict_all(
    models: Mapping[str, Fitted],
    rows: Design,
    values: Floats,
    known: Calendar,
    role: str,
) -> dict[str, Floats]:
    """Forecast with every baseline, every given model, and the ensemble of them.

    Models add a difference to a climatology, which may carry production or consumption below all
    that was observed before the origin: there they forecast the smallest value observed.

    Parameters
    ----------
    models
        Fitted models by name.
    rows
        The origins to forecast from.
    values, known
        Hourly means and calendar, from which baselines see what ended before each origin.
    role
        What is forecast.

    Returns
    -------
    dict of ndarray
        Name -> shape (n_origins, horizon); NaN where a forecast has nothing to go by.
    """
    shape = (len(rows.origins), rows.horizon)
    found = {
        name: np.array(
            [
                baseline(values[:origin], known.part(0, origin + rows.horizon), rows.horizon)
                for origin in rows.origins
            ]
        ).reshape(shape)
        for name, baseline in BASELINES.items()
    }
    floors = [observed_floor(values[:origin], role) for origin in rows.origins]
    for name, model in models.items():
        raw = model.predict(rows).reshape(shape)
        pairs = zip(raw, floors, strict=True)
        found[name] = np.array([lifted(row, floor) for row, floor in pairs]).reshape(shape)
    members = ensemble_members(role)
    if all(name in found for name in members):
        # Not nanmedian: a median of fewer members is another model than the one that was scored.
        found[ENSEMBLE] = np.median([found[name] for name in members], axis=0)
    return found


def _columns(name: str, rows: Design, role: str) -> tuple[str, ...]:
    if name == DEVIATION:
        return DEVIATIONS
    calendar_only = {"elevation_deg", "clear_sky_w_m2"} if role != "pv" else {"weekday", "weekend"}
    columns = tuple(feature for feature in FEATURES if feature not in calendar_only)
    if name == WEATHER_BOOSTING:
        return (*columns, *WEATHER)
    if name == RANDOM_FOREST:
        # The mission's model works on means of all the features it is given.
        others = (n for n in rows.names if n not in FEATURES and n not in WEATHER)
        return (*columns, *others)
    return columns


def _lead_day(rows: Design) -> Any:
    return (rows.column("lead_h") // 24).astype(np.int64)


def _ridge(x: Floats, target: Floats, day: Any, horizon: int) -> Floats:
    """Fit one ridge regression per day of lead time, shape (n_days, n_columns)."""
    days = -(-horizon // 24)
    # In units of the target's spread, so that the penalty means the same for volts and kilowatts.
    scale = float(np.sqrt(np.mean(target**2))) or 1.0
    found = np.zeros((days, x.shape[1]))
    for number in range(days):
        part = x[day == number] / scale
        normal = part.T @ part + _RIDGE_PENALTY * np.eye(x.shape[1])
        found[number] = np.linalg.solve(normal, part.T @ (target[day == number] / scale))
    return found


def _regressor(name: str, settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

    if name == RANDOM_FOREST:
        return RandomForestRegressor(**settings)
    return HistGradientBoostingRegressor(**settings)


def one_thread() -> Any:
    """Keep numerical libraries to one thread: fits are shared out, and sums stay the same."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)
