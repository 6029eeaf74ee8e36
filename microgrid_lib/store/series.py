"""Chart series: mean, minimum and maximum of roles in buckets of a round length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import ROLES
from microgrid_lib.site.zones import offset_changes
from microgrid_lib.store.engines import Columns, Engine, Scan, joined
from microgrid_lib.store.extent import clipped, is_long, month_parts
from microgrid_lib.store.slots import anchor_s, epoch_us, first_slot_us, from_epoch_us, slot_table
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.store.summaries import charted_roles
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import ibis

MINUTE, HOUR, DAY = 60, 3600, 86_400
NICE_STEPS_S = (
    *(10, 20, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY),
)
_MONDAY_S = 4 * DAY
"""The first Monday after the epoch [s]: weeks start on Mondays."""


@dataclass(frozen=True)
class Series:
    """One role over a window.

    Attributes
    ----------
    role, unit
        What it is.
    bucket_s
        Nominal length of a bucket [s]; a local day may be an hour longer or shorter.
    frame
        A row per bucket of the window that can have data: `time` (start of the bucket, display
        zone), `mean`, `min`, `max` (NaN without valid data), `coverage` (valid slots over slots
        of the bucket inside the window, 0-1).
    """

    role: str
    unit: str
    bucket_s: int
    frame: pd.DataFrame


def series(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    roles: Sequence[str],
    window: Window,
    points: int = 1000,
    now: datetime | None = None,
) -> dict[str, Series]:
    """Read roles over a window, at the finest round step that gives at most `points` buckets.

    Steps up to an hour start on the UTC hour (of standard time, where a zone is half an hour
    off); longer ones start on local hours, days, and Mondays.

    Parameters
    ----------
    engine, snapshot, profile
        What to read and how.
    roles
        Roles of the profile, the derived grid included.
    window
        The window, cut where data end (see `store.extent.clipped`); the first bucket may start
        before it, but holds only slots inside.
    points
        Most buckets, >= 1.
    now
        See `store.extent.as_of`.

    Raises
    ------
    UnknownNameError
        The profile has no such role.
    NoDataError
        The window lies outside all data.
    """
    known = charted_roles(profile)
    for role in roles:
        if role not in known:
            raise UnknownNameError(f"role of profile {profile.name}", role, list(known))
    if points < 1:
        raise ValueError(f"points is {points}; a series has at least one")
    part = clipped(snapshot, profile, window, now)
    grid = choose_buckets(profile, part, points)
    wanted = tuple(dict.fromkeys(roles))
    sums = _read(engine, snapshot, profile, wanted, part, grid)
    times = pd.to_datetime(grid.starts_us, unit="us", utc=True).tz_convert(
        profile.site.display_zone
    )
    return {
        role: Series(role, ROLES[role], grid.step_s, _frame(times, sums[role], grid.expected))
        for role in wanted
    }


@dataclass(frozen=True)
class Buckets:
    """The buckets of a window.

    Attributes
    ----------
    step_s
        Nominal length [s].
    local
        Whether they follow the clock of the display zone.
    first_us
        Start of the first on the shifted clock they are cut on [µs].
    starts_us
        Starts [µs since the epoch, UTC], shape (n,).
    expected
        Slots of each that lie in the window, shape (n,).
    """

    step_s: int
    local: bool
    first_us: int
    starts_us: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]


def choose_buckets(profile: Profile, window: Window, points: int) -> Buckets:
    """Cut a window into buckets of the finest round step that gives at most `points`."""
    site = profile.site
    steps = [site.interval_s]
    for step in NICE_STEPS_S:
        unit = site.interval_s if step < site.summary_s else site.summary_s
        if step > site.interval_s and step % unit == 0:
            steps.append(step)
    step = steps.pop(0)
    while True:
        few = window.duration.total_seconds() / step <= points + 1
        starts = _starts(profile, window, step) if few else None
        if starts is not None and len(starts[1]) <= points:
            break
        step = steps.pop(0) if steps else 2 * step
    first_us, starts_us = starts
    low, high = first_slot_us(site, window.start), first_slot_us(site, window.end)
    slot_us, shift_us = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000
    edges = np.clip(np.append(starts_us, high), low, high)
    numbers = -((shift_us - edges) // slot_us)
    return Buckets(step, step > HOUR, first_us, starts_us, np.diff(numbers))


def _starts(profile: Profile, window: Window, step: int) -> tuple[int, npt.NDArray[np.int64]]:
    zone = profile.site.display_zone
    step_us = step * 1_000_000
    site = profile.site
    low, high = first_slot_us(site, window.start), first_slot_us(site, window.end)
    if step <= HOUR:
        shift = _shift_s(profile) * 1_000_000
        first = (low + shift) // step_us * step_us
        return first, np.arange(first - shift, high, step_us, dtype=np.int64)
    origin = _MONDAY_S * 1_000_000 if step % (7 * DAY) == 0 else 0
    local = epoch_us(from_epoch_us(low).astimezone(zone).replace(tzinfo=from_epoch_us(0).tzinfo))
    first = (local - origin) // step_us * step_us + origin
    starts: list[int] = []
    while True:
        naive = from_epoch_us(first + len(starts) * step_us).replace(tzinfo=None)
        start = epoch_us(naive.replace(tzinfo=zone))
        if start >= high:
            return first, np.array(starts, dtype=np.int64)
        starts.append(start)


def _shift_s(profile: Profile) -> int:
    """Seconds from UTC to the clock that short buckets are cut on."""
    return -anchor_s(profile.site) % HOUR


def _read(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    roles: tuple[str, ...],
    window: Window,
    grid: Buckets,
) -> dict[str, _Sums]:
    site = profile.site
    raw: list[Scan] = []
    summed: list[Scan] = []
    fine = grid.step_s < site.summary_s
    for part in month_parts(engine, snapshot, profile, window.start, window.end, summed=not fine):
        raw += part.measurements
        summed += part.summaries
    unique = any(is_long(scan) for scan in raw) and all(
        engine.unique(site, scan.paths) for scan in raw
    )
    shifts = _shifts(profile, window) if grid.local else ((None, _shift_s(profile)),)
    sums = {role: _Sums(len(grid.starts_us)) for role in roles}
    key = (roles, grid.step_s, shifts)
    if raw:
        columns = engine.fetch(
            ("series of slots", unique, *key),
            lambda rows, _: _by_slot(
                slot_table(rows, profile, unique=unique), roles, grid.step_s, shifts
            ),
            profile,
            joined(raw),
            (),
        )
        _add(sums, columns, grid)
    if summed:
        columns = engine.fetch(
            ("series of summaries", *key),
            lambda _, buckets: _by_bucket(buckets, roles, grid.step_s, shifts),
            profile,
            (),
            joined(summed),
        )
        _add(sums, columns, grid)
    return sums


Shifts = tuple[tuple[datetime | None, int], ...]


def _shifts(profile: Profile, window: Window) -> Shifts:
    """Offsets of the display zone [s], each with the instant until which it holds."""
    # Whole years, so that windows share compiled queries.
    start = window.start_utc.replace(month=1, day=1) - timedelta(days=2)
    end = window.end_utc.replace(month=12, day=31) + timedelta(days=2)
    changes = offset_changes(profile.site.display_zone, start, end)
    ends = [at.replace(tzinfo=None) for at, _ in changes[1:]]
    return tuple(zip([*ends, None], [offset for _, offset in changes], strict=True))


def _by_slot(slots: ibis.Table, roles: Sequence[str], step: int, shifts: Shifts) -> ibis.Table:
    metrics: dict[str, Any] = {}
    for role in roles:
        value = slots[role]
        metrics |= {
            f"{role}__n": value.count(),
            f"{role}__sum": value.sum(),
            f"{role}__min": value.min(),
            f"{role}__max": value.max(),
        }
    return slots.group_by(key=_key(slots.slot, step, shifts)).aggregate(**metrics)


def _by_bucket(buckets: ibis.Table, roles: Sequence[str], step: int, shifts: Shifts) -> ibis.Table:
    metrics: dict[str, Any] = {}
    for role in roles:
        metrics |= {
            f"{role}__n": buckets[f"{role}__n"].sum(),
            f"{role}__sum": buckets[f"{role}__sum"].sum(),
            f"{role}__min": buckets[f"{role}__min"].min(),
            f"{role}__max": buckets[f"{role}__max"].max(),
        }
    return buckets.group_by(key=_key(buckets.bucket, step, shifts)).aggregate(**metrics)


def _key(time: Any, step: int, shifts: Shifts) -> Any:
    """Start of the bucket on the shifted clock."""
    import ibis

    *earlier, (_, last) = shifts
    shift = ibis.interval(seconds=last)
    if earlier:
        shift = ibis.cases(
            *((time < until, ibis.interval(seconds=offset)) for until, offset in earlier),
            else_=shift,
        )
    origin = _MONDAY_S if step % (7 * DAY) == 0 else 0
    return (time + shift).bucket(ibis.interval(seconds=step), offset=ibis.interval(seconds=origin))


class _Sums:
    """Mergeable statistics of each bucket, arrays of shape (n,)."""

    def __init__(self, size: int) -> None:
        self.n = np.zeros(size, dtype=np.int64)
        self.sum = np.zeros(size)
        self.low = np.full(size, np.inf)
        self.high = np.full(size, -np.inf)


def _add(sums: dict[str, _Sums], columns: Columns, grid: Buckets) -> None:
    keys = columns["key"].astype("datetime64[us]").astype(np.int64)
    index = (keys - grid.first_us) // (grid.step_s * 1_000_000)
    for role, held in sums.items():
        valid = columns[f"{role}__n"] > 0
        at = index[valid]
        np.add.at(held.n, at, columns[f"{role}__n"][valid].astype(np.int64))
        np.add.at(held.sum, at, columns[f"{role}__sum"][valid])
        np.minimum.at(held.low, at, columns[f"{role}__min"][valid])
        np.maximum.at(held.high, at, columns[f"{role}__max"][valid])


def _frame(times: pd.DatetimeIndex, sums: _Sums, expected: npt.NDArray[np.int64]) -> pd.DataFrame:
    n = np.where(sums.n > 0, sums.n, np.nan)
    empty = sums.n == 0
    return pd.DataFrame(
        {
            "time": times,
            "mean": sums.sum / n,
            "min": np.where(empty, np.nan, sums.low),
            "max": np.where(empty, np.nan, sums.high),
            "coverage": sums.n / expected,
        }
    )
