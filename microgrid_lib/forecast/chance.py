"""How likely a forecast hour lies outside a range, as far as its quantiles tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from microgrid_lib.forecast.shapes import HourForecast

LEVELS: dict[str, float] = {"p2_5": 0.025, "p10": 0.10, "p50": 0.50, "p90": 0.90, "p97_5": 0.975}
"""Quantiles of a forecast hour and the share of cases below them."""

_FEWEST = 3


@dataclass(frozen=True)
class Chance:
    """A probability, known to lie between two bounds [0-1]."""

    low: float
    high: float


def chance_outside(hour: HourForecast, low: float, high: float) -> Chance | None:
    """Probability that an hour's mean lies outside [low, high].

    Between its quantiles the distribution is taken as linear; beyond the outermost one nothing is
    known but how much lies there, so the answer is a range.

    Parameters
    ----------
    hour
        Its quantiles in the role's unit; at least three must be known, and they ascend.
    low, high
        The range, in the role's unit.

    Returns
    -------
    Chance or None
        None where fewer quantiles are known.
    """
    known = [(getattr(hour, name), level) for name, level in LEVELS.items()]
    points = [(float(value), level) for value, level in known if value is not None]
    if len(points) < _FEWEST:
        return None
    below, above = _below(points, low), _below(points, high)
    return Chance(
        _share(below.low + 1 - above.high),
        _share(below.high + 1 - above.low),
    )


def most_likely(hours: list[HourForecast], low: float, high: float) -> Chance | None:
    """The largest probability of any of the hours; None where none is known."""
    found = [chance for hour in hours if (chance := chance_outside(hour, low, high))]
    if not found:
        return None
    return Chance(max(c.low for c in found), max(c.high for c in found))


def _below(points: list[tuple[float, float]], limit: float) -> Chance:
    """Probability of lying below a limit."""
    (first, least), (last, most) = points[0], points[-1]
    if limit < first:
        return Chance(0.0, least)
    if limit > last:
        return Chance(most, 1.0)
    for (left, before), (right, after) in pairwise(points):
        if limit <= right:
            share = (limit - left) / (right - left) if right > left else 1.0
            level = before + share * (after - before)
            return Chance(level, level)
    return Chance(most, most)


def _share(value: float) -> float:
    # The sum of two levels may miss 0 or 1 by a rounding error.
    return min(1.0, max(0.0, round(value, 12) if math.isfinite(value) else value))
