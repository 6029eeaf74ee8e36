"""Shape of the load: for how long it is how high, and at which hours of the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.store.slots import slots_between
from microgrid_lib.window import Window

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

ROLE = "load"
SLOTS_UP_TO = timedelta(days=8)
"""Longest window read slot by slot; longer ones are read in the summaries' buckets."""

HOURS, WEEKDAYS = 24, 7


@dataclass(frozen=True)
class DurationCurve:
    """Load against the share of covered time in which it is reached or exceeded.

    Attributes
    ----------
    share
        Ascending from 0 to 1, shape (n,) [1].
    power
        Load that is reached or exceeded for that share of the covered time, descending [kW]; the
        first is the highest value, the last the lowest.
    step_s
        Length of what was ranked: a slot, or the mean of a bucket [s].
    covered_h
        Time the curve rests on [h].
    coverage
        Valid slots over expected ones, 0-1.
    """

    share: Floats
    power: Floats
    step_s: int
    covered_h: float
    coverage: float


@dataclass(frozen=True)
class WeekProfile:
    """Mean load by weekday and hour of the local clock.

    Attributes
    ----------
    mean
        Shape (7, 24), Monday and midnight first [kW]; NaN where there is no valid slot.
    hours
        Time each mean rests on, same shape [h].
    coverage
        Valid slots over expected ones, 0-1.
    """

    mean: Floats
    hours: Floats
    coverage: float


def duration_curve(access: Access, window: Window, points: int = 201) -> DurationCurve:
    """Rank the load of a window by height.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; at least a slot long.
    points
        Points of the curve, >= 2.

    Raises
    ------
    NoDataError
        The profile has no load, or none is valid in the window.
    """
    if points < 2:
        raise ValueError(f"points is {points}; a curve has at least two")
    site = access.profile.site
    fine = window.duration <= SLOTS_UP_TO
    power, counts = _slots(access, window) if fine else _means(_buckets(access, window))
    order = np.argsort(-power, kind="stable")
    total = int(counts.sum())
    # In whole numbers: the first value whose share of slots, ranked from the top, reaches k / n.
    reached = np.cumsum(counts[order]) * (points - 1)
    wanted = np.arange(points) * total
    return DurationCurve(
        share=np.linspace(0.0, 1.0, points),
        power=power[order][np.searchsorted(reached, wanted, side="left")],
        step_s=site.interval_s if fine else site.summary_s,
        covered_h=total * site.interval_s / 3600,
        coverage=total / slots_between(site, window.start, window.end),
    )


def week_profile(access: Access, window: Window) -> WeekProfile:
    """Average the load of a window by weekday and hour of the site's display zone.

    A slot counts for the hour it starts in; in the doubled hour of a change of summer time both
    count for the same hour.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; at least a slot long.

    Raises
    ------
    NoDataError
        The profile has no load, or none is valid in the window.
    """
    site = access.profile.site
    start_us, sums, counts = _buckets(access, window)
    local = pd.to_datetime(start_us, unit="us", utc=True).tz_convert(site.display_zone)
    cell = (local.day_of_week * HOURS + local.hour).to_numpy(dtype=np.int64)
    n = np.bincount(cell, counts, HOURS * WEEKDAYS).reshape(WEEKDAYS, HOURS)
    total = np.bincount(cell, sums, HOURS * WEEKDAYS).reshape(WEEKDAYS, HOURS)
    return WeekProfile(
        mean=np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0),
        hours=n * site.interval_s / 3600,
        coverage=float(n.sum()) / slots_between(site, window.start, window.end),
    )


def _slots(access: Access, window: Window) -> tuple[Floats, Counts]:
    """Valid slots of the load, and 1 for each."""
    _demand_role(access)
    scans = access.scans(window.start_utc, window.end_utc)
    _demand_some(access, len(scans))
    power = access.slots(scans, (ROLE,))[ROLE].astype(np.float64)
    power = power[np.isfinite(power)]
    _demand_some(access, len(power))
    return power, np.ones(len(power), dtype=np.int64)


def _means(buckets: tuple[Counts, Floats, Counts]) -> tuple[Floats, Counts]:
    _, sums, counts = buckets
    return sums / counts, counts


def _buckets(access: Access, window: Window) -> tuple[Counts, Floats, Counts]:
    """Start [µs since the epoch], sum [kW·slots] and valid slots of buckets that have some."""
    _demand_role(access)
    parts = access.months(window.start_utc, window.end_utc)
    _demand_some(access, len(parts))
    found = [access.buckets(part, (f"{ROLE}__sum", f"{ROLE}__n")) for part in parts]
    start_us, sums, counts = (
        np.concatenate([columns[name] for columns in found])
        for name in ("bucket", f"{ROLE}__sum", f"{ROLE}__n")
    )
    valid = counts > 0
    _demand_some(access, int(valid.sum()))
    return (
        start_us[valid].astype(np.int64),
        sums[valid].astype(np.float64),
        counts[valid].astype(np.int64),
    )


def _demand_role(access: Access) -> None:
    if not access.profile.has(ROLE):
        raise NoDataError(notes.no_role(access.profile, ROLE).text)


def _demand_some(access: Access, count: int) -> None:
    if count == 0:
        raise NoDataError(f"no valid {ROLE} of site {access.profile.site.name} in the window")
