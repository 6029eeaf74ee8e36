"""What a role usually does: its mean over the same hours of the days before a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.registry import LEAST_COVERAGE
from microgrid_lib.store.slots import epoch_us, slots_between
from microgrid_lib.window import Window

DAYS = 7
LEAST_DAYS = 3
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Usual:
    """A role's mean over the same hours of earlier days.

    Attributes
    ----------
    mean_kw
        Mean of the valid slots [kW].
    days
        Days it rests on, each valid for at least half of the hours.
    """

    mean_kw: float
    days: int


def usual(access: Access, role: str, window: Window, days: int = DAYS) -> Usual | None:
    """Average a role over the same local hours of each of the days before a window.

    Hours begin and end with whole buckets of the summaries: a bucket counts for the day in whose
    hours it starts.

    Parameters
    ----------
    access
        The data.
    role
        A role with sums [kW].
    window
        The window, cut where data end.
    days
        How many days to look back.

    Returns
    -------
    Usual or None
        None where the window is longer than a day, or fewer than three days are valid enough.

    Raises
    ------
    NoDataError
        The profile has no such role.
    """
    if not access.profile.has(role):
        raise NoDataError(notes.no_role(access.profile, role).text)
    if window.end.replace(tzinfo=None) - window.start.replace(tzinfo=None) > DAY:
        return None
    days_before = [
        (_earlier(window.start, back), _earlier(window.end, back)) for back in range(days, 0, -1)
    ]
    bucket = timedelta(seconds=access.profile.site.summary_s)
    parts = access.months(days_before[0][0], days_before[-1][1] + bucket)
    if not parts:
        return None
    columns = [access.buckets(part, (f"{role}__sum", f"{role}__n")) for part in parts]
    start_us, sums, counts = (
        np.concatenate([found[name] for found in columns])
        for name in ("bucket", f"{role}__sum", f"{role}__n")
    )
    total, count, valid_days = 0.0, 0, 0
    for start, end in days_before:
        inside = (start_us >= epoch_us(start)) & (start_us < epoch_us(end))
        n = int(counts[inside].sum())
        if n and n >= LEAST_COVERAGE * slots_between(access.profile.site, start, end):
            total, count = total + float(sums[inside].sum()), count + n
            valid_days += 1
    return Usual(total / count, valid_days) if valid_days >= LEAST_DAYS else None


def _earlier(at: datetime, days: int) -> datetime:
    """The same clock time some days before (UTC)."""
    return (at.replace(tzinfo=None) - days * DAY).replace(tzinfo=at.tzinfo).astimezone(UTC)
