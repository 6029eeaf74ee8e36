"""Choosing what is served: what was best, whether model or baseline."""

from __future__ import annotations

import numpy as np

from microgrid_lib.forecast.baselines import BASELINES
from microgrid_lib.forecast.scores import common_hours, errors
from microgrid_lib.forecast.walk import Walk

MIN_CHOICE_ORIGINS = 8
"""Fewest origins to choose a model on."""


def ranking(walk: Walk) -> list[str]:
    """Names of the forecasts, the smallest mean absolute error first.

    All are judged over the same hours. What couldn't be forecast at all is left out, and every
    name of equal error keeps the order of its table.
    """
    usable = {name: f for name, f in walk.forecasts.items() if not np.isnan(f).all()}
    seen = common_hours(usable, walk.truth)
    if not seen.any():
        return []
    mae = {name: errors(f[seen], walk.truth[seen]).mae for name, f in usable.items()}
    return sorted(mae, key=lambda name: mae[name])


def best_baseline(ranked: list[str]) -> str | None:
    """First baseline of a ranking; None where there is none."""
    return next((name for name in ranked if name in BASELINES), None)


def apart(walk: Walk) -> Walk:
    """Keep origins whose horizons don't overlap, counted back from the last."""
    chosen = np.zeros(len(walk.origins), dtype=np.bool_)
    following = None
    for number in range(len(walk.origins) - 1, -1, -1):
        if following is None or walk.origins[number] + walk.horizon <= following:
            chosen[number] = True
            following = walk.origins[number]
    return walk.take(chosen)
