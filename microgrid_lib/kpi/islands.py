"""Islands: periods in which the site ran on its own, inferred from its two frequencies."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access, runs
from microgrid_lib.kpi.intervals import interval_s, synchronism, tells_islands
from microgrid_lib.kpi.model import Note
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.slots import from_epoch_us
from microgrid_lib.window import Window

METHOD = "inferred: |f_MCCB - f_bus| > 2 mHz on the ten-minute mean"


class Island(BaseModel):
    """A period of islanded intervals.

    Attributes
    ----------
    start, end
        Of its first and last interval, cut at the window; in the display zone.
    difference_hz
        Mean of MCCB frequency less bus frequency of the interval in which they are farthest
        apart [Hz].
    """

    model_config = ConfigDict(frozen=True)

    start: datetime
    end: datetime
    difference_hz: float


class Islands(BaseModel):
    """Islands of a window.

    Attributes
    ----------
    method
        How they are told: an inference.
    interval_s
        Length of an interval [s].
    islanded, synchronous, unknown
        Numbers of intervals.
    islands
        In order of time; an interval that isn't known ends one.
    reason
        Why they can't be told.
    """

    model_config = ConfigDict(frozen=True)

    method: str = METHOD
    interval_s: int
    islanded: int = 0
    synchronous: int = 0
    unknown: int = 0
    islands: list[Island] = []
    reason: Note | None = None


def missing_frequency(profile: Profile) -> str:
    """Role that keeps islands from being told."""
    return "mccb_frequency" if profile.has("bus_frequency") else "bus_frequency"


def islands(access: Access, window: Window) -> Islands:
    """Infer the islands of a window.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; at least a slot long.
    """
    profile = access.profile
    length_s = interval_s(profile)
    if not tells_islands(profile):
        reason = notes.no_role(profile, missing_frequency(profile))
        return Islands(interval_s=length_s, reason=reason)
    found = synchronism(access, window.start_utc, window.end_utc)
    zone = profile.site.display_zone
    listed = []
    for first, last in runs(found.islanded):
        start = from_epoch_us(int(found.grid.start_us[first]))
        end = from_epoch_us(int(found.grid.start_us[last - 1])) + timedelta(seconds=length_s)
        part = window.clip(start, end)
        differences = found.difference_hz[first:last]
        farthest = float(differences[np.argmax(np.abs(differences))])
        if part is not None:
            listed.append(
                Island(
                    start=part.start.astimezone(zone),
                    end=part.end.astimezone(zone),
                    difference_hz=farthest,
                )
            )
    return Islands(
        interval_s=length_s,
        islanded=int(found.islanded.sum()),
        synchronous=int((found.known & ~found.islanded).sum()),
        unknown=int((~found.known).sum()),
        islands=listed,
    )
