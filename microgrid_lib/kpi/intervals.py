"""Ten-minute intervals: sums of summaries by interval, and which intervals are islanded.

A site counts as islanded where the frequencies of bus and MCCB differ by more than 2 mHz on the
ten-minute mean: two parts of one synchronous grid can't. It is an inference, labelled so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from microgrid_lib.kpi.access import Access
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.extent import MonthPart
from microgrid_lib.store.slots import anchor_s, first_slot_us

ISLAND_HZ = 0.002
_ROUNDING_HZ = 1e-9
INTERVAL_S = 600
LEAST_VALID = 0.5
SECOND_US = 1_000_000

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def interval_s(profile: Profile) -> int:
    """Ten minutes, or the length of a summary where that is longer [s]."""
    return max(INTERVAL_S, profile.site.summary_s)


@dataclass(frozen=True)
class Intervals:
    """Sums by interval over a window, arrays of shape (n,).

    Attributes
    ----------
    start_us
        Start of each interval that has a slot in the window [µs since the epoch].
    step_us
        Their length [µs].
    expected
        Slots of each in the window.
    sums
        Column of the summaries -> sum over the slots in the window.
    """

    start_us: npt.NDArray[np.int64]
    step_us: int
    expected: npt.NDArray[np.int64]
    sums: dict[str, Floats]

    def valid(self, count: str) -> Flags:
        """Intervals in which at least half of the slots count."""
        return (self.sums[count] > 0) & (self.sums[count] >= LEAST_VALID * self.expected)

    def index(self, at_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows of the intervals that instants of the window lie in."""
        rows: npt.NDArray[np.int64] = (at_us - self.start_us[0]) // self.step_us
        return rows


def intervals(
    access: Access,
    start: datetime,
    end: datetime,
    names: Sequence[str],
) -> Intervals:
    """Add up summaries by interval over the slots that start in [start, end), one at least.

    Parameters
    ----------
    access
        The data.
    start, end
        Bounds (aware).
    names
        Columns of `store.summaries.columns_of` that add up.
    """
    site = access.profile.site
    step_us = interval_s(access.profile) * SECOND_US
    shift_us = anchor_s(site) * SECOND_US % step_us
    slot_us = site.interval_s * SECOND_US
    low, high = first_slot_us(site, start), first_slot_us(site, end)
    first_us = (low - shift_us) // step_us * step_us + shift_us
    starts = np.arange(first_us, high, step_us, dtype=np.int64)
    edges = np.clip(np.append(starts, starts[-1] + step_us), low, high)
    expected = np.diff(edges) // slot_us
    sums = {name: np.zeros(len(starts)) for name in names}
    for part in access.months(start, end):
        part_us, found = _of_part(access, part, tuple(names), step_us, shift_us)
        for name in names:
            sums[name][(part_us - first_us) // step_us] += found[name]
    return Intervals(starts, step_us, expected, sums)


def _of_part(
    access: Access, part: MonthPart, names: tuple[str, ...], step_us: int, shift_us: int
) -> tuple[npt.NDArray[np.int64], dict[str, Floats]]:
    """Starts of a month's intervals that have a slot, and their sums; remembered."""
    key = access.cached("intervals", names, step_us, part)
    known = access.engine.results.get(key)
    if isinstance(known, tuple):
        return known
    columns = access.buckets(part, names)
    starts, index = np.unique(
        (columns["bucket"] - shift_us) // step_us * step_us + shift_us, return_inverse=True
    )
    sums: dict[str, Floats] = {
        name: np.bincount(index, columns[name], len(starts)).astype(np.float64) for name in names
    }
    access.engine.results.put(key, (starts, sums))
    return starts, sums


@dataclass(frozen=True)
class Synchronism:
    """Whether the site was islanded, by interval; arrays of shape (n,).

    Attributes
    ----------
    grid
        The intervals.
    difference_hz
        Mean of MCCB frequency less bus frequency [Hz], NaN where unknown.
    known, islanded
        Whether half of the slots have both frequencies; whether they differ then.
    """

    grid: Intervals
    difference_hz: Floats
    known: Flags
    islanded: Flags


def tells_islands(profile: Profile) -> bool:
    """Whether the profile has both frequencies."""
    return profile.has("bus_frequency") and profile.has("mccb_frequency")


def synchronism(access: Access, start: datetime, end: datetime) -> Synchronism:
    """Infer islands from a profile for which `tells_islands` holds."""
    grid = intervals(access, start, end, ("synchronism__n", "synchronism__difference"))
    known = grid.valid("synchronism__n")
    n = np.where(known, grid.sums["synchronism__n"], np.nan)
    difference = grid.sums["synchronism__difference"] / n
    return Synchronism(
        grid, difference, known, known & (np.abs(difference) > ISLAND_HZ + _ROUNDING_HZ)
    )
