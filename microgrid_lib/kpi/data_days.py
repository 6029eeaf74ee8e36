"""The data of a window: coverage by day, stretches without a sample, files, what was refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, ConfigDict

from microgrid_lib.ingest.day_coverage import DayCoverage
from microgrid_lib.ingest.inventory import FileEntry, QuarantineCount
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.intervals import SECOND_US
from microgrid_lib.store.slots import first_slot_us, from_epoch_us
from microgrid_lib.window import Window, elapsed

LONG = timedelta(hours=1)
"""Silence up to this long is no outage."""


class Outage(BaseModel):
    """A stretch without any valid sample.

    Attributes
    ----------
    start, end
        In the display zone, cut at the window.
    from_start, to_end
        Whether it touches the window's start or end, so that it may be longer than is seen.
    """

    model_config = ConfigDict(frozen=True)

    start: datetime
    end: datetime
    from_start: bool
    to_end: bool

    @property
    def hours(self) -> float:
        """Length [h]."""
        return elapsed(self.start, self.end) / timedelta(hours=1)


class DataDays(BaseModel):
    """The data of a window.

    Attributes
    ----------
    coverage
        Valid samples by channel and local day.
    outages
        Stretches of more than an hour without a valid sample.
    files
        Files with rows in the window.
    refused
        What was refused of these files, inside the window or not, by reason and channel.
    """

    coverage: DayCoverage
    outages: list[Outage]
    files: list[FileEntry]
    refused: list[QuarantineCount]


def outages(access: Access, window: Window, longer_than: timedelta = LONG) -> list[Outage]:
    """Find the stretches in which no role has a valid sample.

    Parameters
    ----------
    access
        Stored data.
    window
        The window, cut where data end.
    longer_than
        Shorter stretches, and those just as long, are left out.

    Returns
    -------
    list of Outage
        The earliest first.
    """
    site = access.profile.site
    step_us = site.interval_s * SECOND_US
    first, last = first_slot_us(site, window.start_utc), first_slot_us(site, window.end_utc)
    scans = access.scans(window.start_utc, window.end_utc)
    seen = access.valid_slots(scans) if scans else np.empty(0, dtype=np.int64)
    starts = np.concatenate([[first], seen + step_us])
    ends = np.concatenate([seen, [last]])
    rows = np.flatnonzero(ends - starts > longer_than // timedelta(microseconds=1))
    zone = site.display_zone
    return [
        Outage(
            start=from_epoch_us(int(starts[row])).astimezone(zone),
            end=from_epoch_us(int(ends[row])).astimezone(zone),
            from_start=bool(starts[row] == first),
            to_end=bool(ends[row] == last),
        )
        for row in rows
    ]
