"""A measured day from the store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.soc import START_HALF_WIDTH, SocCourse, no_soc
from microgrid_lib.simulation.day import (
    MIN_COVERAGE,
    POWER_ROLES,
    QUALITY_ROLES,
    SOC_COUNTED,
    DayFrame,
    average_day,
    measured_day,
)
from microgrid_lib.simulation.errors import ScenarioError
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.series import DAY, MINUTE, Series, series
from microgrid_lib.window import Window, day_window

MOST_DAYS = 92
"""Days an average may be of."""


def read_day(access: Access, day: date, notes: Sequence[Note] = ()) -> DayFrame:
    """Read one local day as the simulation takes it.

    Means are over a minute, or over the site's interval where that is longer; one with less than
    half of its slots valid is missing. The state of charge is the counted one where it goes back
    to an anchor.

    Parameters
    ----------
    access
        Stored data of a profile.
    day
        The local date.
    notes
        What else to beware of.

    Raises
    ------
    NoDataError
        There are no data on that day, or for less than half of it.
    ScenarioError
        The profile has neither load nor grid, or an interval that minutes can't be made of.
    """
    site = access.profile.site
    window = day_window(day, site.display_zone)
    frame, interval_s = read_means(access, window, MINUTE)
    taken = measured_day(frame, site.name, day, site.display_zone, interval_s=interval_s)
    soc_start, soc_notes = _counted_soc(access, window.start)
    return replace(taken, soc_start=soc_start, notes=(*notes, *taken.notes, *soc_notes))


def read_average_day(
    access: Access, first: date, last: date, notes: Sequence[Note] = ()
) -> DayFrame:
    """Average the days of a period by local minute; see `day.average_day`.

    The state of charge at the start isn't known: it differs from day to day.

    Parameters
    ----------
    access, notes
        As in `read_day`.
    first, last
        Local dates, both included.

    Raises
    ------
    NoDataError, ScenarioError
        As in `read_day`; a period that is too long or ends before it starts.
    """
    if (last - first).days >= MOST_DAYS:
        raise ScenarioError(f"an average day is of at most {MOST_DAYS} days")
    site = access.profile.site
    if first > last:
        raise ScenarioError(f"the period {first} to {last} must not end before it starts")
    window = day_window(first, site.display_zone, end=last + timedelta(days=1))
    frame, interval_s = read_means(access, window, MINUTE)
    taken = average_day(frame, site.name, first, last, site.display_zone, interval_s=interval_s)
    return replace(taken, notes=(*notes, *taken.notes))


def days_with_data(access: Access, first: date, last: date) -> list[date]:
    """List the local days on which each power is known for at least half of the day.

    Parameters
    ----------
    access
        Stored data of a profile.
    first, last
        Local dates, both included.
    """
    profile, zone = access.profile, access.profile.site.display_zone
    roles = [name for name in POWER_ROLES if name in profile.spec.roles]
    window = day_window(first, zone, end=last + timedelta(days=1))
    try:
        part = clipped(access.snapshot, profile, window)
    except NoDataError:
        return []
    days = (part.end.date() - part.start.date()).days + 1
    found = series(access.engine, access.snapshot, profile, roles, window, days)
    known: set[date] | None = None
    for one in found.values():
        if one.bucket_s != DAY:
            # A day or less of data: what there is decides when it is read.
            return [part.start.date()]
        enough = one.frame.loc[one.frame["coverage"] >= MIN_COVERAGE, "time"]
        dates = {stamp.date() for stamp in enough}
        known = dates if known is None else known & dates
    return sorted(known or ())


def read_means(access: Access, window: Window, step_s: int) -> tuple[pd.DataFrame, int]:
    """Read the means of all roles that the simulation knows.

    Parameters
    ----------
    access
        Stored data of a profile.
    window
        The window, cut where data end.
    step_s
        Length of an interval [s]; a multiple of it where the site's own is longer.

    Returns
    -------
    tuple
        Frame with a UTC index of the intervals' starts, a column per role, NaN with less than
        half of the slots valid; length of its intervals [s].

    Raises
    ------
    NoDataError
        The window lies outside all data.
    """
    profile = access.profile
    part = clipped(access.snapshot, profile, window)
    # As many points as steps: the finest round step that fits is then this one.
    points = math.ceil(part.duration.total_seconds() / math.lcm(step_s, profile.site.interval_s))
    # A derived grid isn't a meter: the simulation balances it itself.
    roles = [name for name in (*POWER_ROLES, *QUALITY_ROLES) if name in profile.spec.roles]
    found = series(access.engine, access.snapshot, profile, roles, window, points)
    frame = pd.DataFrame({name: _means(one) for name, one in found.items()})
    return frame, max((one.bucket_s for one in found.values()), default=step_s)


def _means(one: Series) -> pd.Series:
    """Means by the start of their interval (UTC), NaN with too few valid slots."""
    known = one.frame["mean"].where(one.frame["coverage"] >= MIN_COVERAGE)
    return known.set_axis(pd.DatetimeIndex(one.frame["time"]).tz_convert("UTC"))


def _counted_soc(access: Access, at: datetime) -> tuple[float | None, list[Note]]:
    """Counted state of charge, with a note on its band; None where it isn't known."""
    if no_soc(access.profile) is not None:
        return None, []
    state = SocCourse(access).at(at)
    # A band as wide as that of the assumed start says nothing.
    if not state.anchored or state.half_width >= START_HALF_WIDTH:
        return None, []
    note = Note(
        code=SOC_COUNTED,
        params={"soc": state.soc, "half_width": state.half_width},
        text=f"The state of charge at the start is counted from measured power: {state.soc:.2f}, "
        f"known to ±{state.half_width:.2f}.",
    )
    return state.soc, [note]
