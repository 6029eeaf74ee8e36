"""The lowest a forecast may say: what was observed before its origin."""

from __future__ import annotations

import numpy as np

from microgrid_lib.forecast.calendar import Floats

ONE_WAY_ROLES = frozenset({"pv", "load", "critical_load"})
"""Roles that are production or consumption by definition; power of others changes its sign."""


def observed_floor(past: Floats, role: str) -> float | None:
    """Return the smallest value ever observed of production or consumption.

    Parameters
    ----------
    past
        Hourly means before the origin, NaN where missing, shape (n_past,).
    role
        What is forecast.

    Returns
    -------
    float or None
        In the unit of `past`; None for other roles, and where nothing was observed.
    """
    seen = past[~np.isnan(past)]
    return float(seen.min()) if role in ONE_WAY_ROLES and len(seen) else None


def lifted(forecast: Floats, floor: float | None) -> Floats:
    """Raise what lies below a floor to it; NaN stays NaN, and without a floor all stays."""
    return forecast if floor is None else np.maximum(forecast, floor)
