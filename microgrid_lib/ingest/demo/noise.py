"""Seeded noise that is a function of the calendar, whatever month it is asked for."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.plan import SLOTS_PER_DAY

FloatArray = npt.NDArray[np.float64]


def day_rng(seed: int, stream: int, day: date) -> np.random.Generator:
    """Random numbers of one day and one purpose (`stream`)."""
    return np.random.default_rng([seed, stream, day.toordinal()])


def wander(seed: int, stream: int, first: date, days: int, per_day: int) -> FloatArray:
    """Noise that is continuous over midnight and month ends.

    Parameters
    ----------
    seed, stream : int
        Seed of the plan and number of the purpose.
    first : datetime.date
        First day.
    days : int
        Number of days.
    per_day : int
        Independent standard normal knots a day, joined by straight lines; divides 8640.

    Returns
    -------
    numpy.ndarray
        Shape (days * 8640,), mean 0, standard deviation 1 at the knots.
    """
    knots = np.concatenate(
        [
            day_rng(seed, stream, first + timedelta(days=d)).standard_normal(per_day)
            for d in range(days + 1)
        ]
    )[: days * per_day + 1]
    return between(knots, SLOTS_PER_DAY // per_day)


def between(knots: FloatArray, slots: int) -> FloatArray:
    """Straight lines between knots, `slots` samples each; shape ((n_knots - 1) * slots,)."""
    weight = np.arange(slots) / slots
    return (knots[:-1, None] * (1 - weight) + knots[1:, None] * weight).ravel()


def trailing_mean(values: FloatArray, slots: int) -> FloatArray:
    """Mean of each sample and the `slots - 1` before it; shorter by `slots - 1` samples."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    mean: FloatArray = (total[slots:] - total[:-slots]) / slots
    return mean
