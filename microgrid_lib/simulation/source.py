"""A measured day from the store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import pandas as pd

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.soc import START_HALF_WIDTH, SocCourse, no_soc
from microgrid_lib.simulation.day import (
    MIN_COVERAGE,
    POWER_ROLES,
    QUALITY_ROLES,
    DayFrame,
    measured_day,
)
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.series import MINUTE, Series, series
from microgrid_lib.window import day_window


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
    profile = access.profile
    site = profile.site
    window = day_window(day, site.display_zone)
    part = clipped(access.snapshot, profile, window)
    step_s = math.lcm(MINUTE, site.interval_s)
    # As many points as steps: the finest round step that fits is then this one.
    points = math.ceil(part.duration.total_seconds() / step_s)
    # A derived grid isn't a meter: the simulation balances it itself.
    roles = [name for name in (*POWER_ROLES, *QUALITY_ROLES) if name in profile.spec.roles]
    found = series(access.engine, access.snapshot, profile, roles, window, points)
    frame = pd.DataFrame({name: _means(one) for name, one in found.items()})
    interval_s = max((one.bucket_s for one in found.values()), default=MINUTE)
    taken = measured_day(frame, site.name, day, site.display_zone, interval_s=interval_s)
    soc_start, soc_notes = _counted_soc(access, window.start)
    return replace(taken, soc_start=soc_start, notes=(*notes, *taken.notes, *soc_notes))


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
        code="simulation.soc_counted",
        params={"soc": state.soc, "half_width": state.half_width},
        text=f"The state of charge at the start is counted from measured power: {state.soc:.2f}, "
        f"known to ±{state.half_width:.2f}.",
    )
    return state.soc, [note]
