"""How far data reach, and which files and bounds a window needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from microgrid_lib.errors import NoDataError
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Engine, Scan
from microgrid_lib.store.slots import anchor_s, epoch_us, first_slot_us, from_epoch_us, slot_end
from microgrid_lib.store.snapshot import MonthFiles, Snapshot
from microgrid_lib.window import Window

_LONG = timedelta(days=1)


def as_of(snapshot: Snapshot, profile: Profile, now: datetime | None = None) -> datetime | None:
    """Until when data can be expected (UTC).

    Parameters
    ----------
    snapshot, profile
        The data and their site.
    now
        The present; default: the clock. Counts for live sites only.

    Returns
    -------
    datetime or None
        The present for a live site, else the end of the newest sample's slot; None without data.
    """
    if snapshot.newest is None:
        return None
    if profile.site.live:
        return (now or datetime.now(UTC)).astimezone(UTC)
    return slot_end(profile.site, snapshot.newest)


def clipped(
    snapshot: Snapshot, profile: Profile, window: Window, now: datetime | None = None
) -> Window:
    """Return the part of a window in which data can be expected.

    Raises
    ------
    NoDataError
        There is none: nothing is stored, or the window lies before or after all of it.
    """
    site = profile.site
    until, oldest = as_of(snapshot, profile, now), snapshot.oldest
    if until is None or oldest is None:
        raise NoDataError(f"no data are stored for site {site.name}")
    end = min(window.end_utc, until)
    if end <= window.start_utc or end <= oldest:
        first, last = (at.astimezone(site.display_zone) for at in (oldest, until))
        raise NoDataError(
            f"no data of site {site.name} in the window; it has data from "
            f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        )
    return Window(window.start, end.astimezone(site.display_zone))


@dataclass(frozen=True)
class MonthPart:
    """What to read of one month.

    Attributes
    ----------
    measurements
        What no summary covers; a bound of None: the files end there by themselves.
    summaries
        Whole buckets.
    """

    measurements: tuple[Scan, ...]
    summaries: tuple[Scan, ...]


def month_parts(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    start: datetime,
    end: datetime,
    *,
    summed: bool = True,
) -> list[MonthPart]:
    """Plan what to read of each month for the slots that start in [start, end).

    Parameters
    ----------
    engine, snapshot, profile
        What there is.
    start, end
        Bounds (aware).
    summed
        Whether summaries may stand for measurements.
    """
    site = profile.site
    low = from_epoch_us(first_slot_us(site, start))
    high = from_epoch_us(first_slot_us(site, end))
    current = snapshot.summary_paths(profile) if summed else {}
    parts = []
    for month, files in snapshot.months().items():
        if files.end < low or files.start >= high:
            continue
        bounds = (
            low if files.start < low else None,
            high if files.end >= high else None,
        )
        summary = current.get(month)
        if summary is not None and not engine.complete(profile, summary):
            summary = None
        parts.append(_part(profile, files, summary, *bounds))
    return parts


def _part(
    profile: Profile,
    files: MonthFiles,
    summary: str | None,
    low: datetime | None,
    high: datetime | None,
) -> MonthPart:
    paths = tuple(sorted(files.paths))
    if summary is None:
        return MonthPart((Scan(paths, low, high),), ())
    first = _bucket(profile, low, up=True) if low else None
    last = _bucket(profile, high, up=False) if high else None
    if first and last and first >= last:
        return MonthPart((Scan(paths, low, high),), ())
    edges = [
        Scan(paths, a, b)
        for a, b in ((low, first), (last, high))
        if a is not None and b is not None and a < b and a <= files.end and b > files.start
    ]
    return MonthPart(tuple(edges), (Scan((summary,), first, last),))


def _bucket(profile: Profile, at: datetime, *, up: bool) -> datetime:
    """Start of the bucket at or before an instant, or at or after it."""
    step, shift = profile.site.summary_s * 1_000_000, anchor_s(profile.site) * 1_000_000
    since = epoch_us(at) - shift
    return from_epoch_us((-(-since // step) if up else since // step) * step + shift)


def is_long(scan: Scan) -> bool:
    """Whether checking once that slots are unique is cheaper than looking for the first."""
    return scan.start is None or scan.end is None or scan.end - scan.start > _LONG
