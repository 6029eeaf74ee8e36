"""The KPIs of one window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.kpi import distribution, production, quality, storage
from microgrid_lib.kpi.model import SECTIONS, KpiReport, WindowModel
from microgrid_lib.kpi.registry import REGISTRY, Definition
from microgrid_lib.kpi.totals import collect_totals
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.slots import slot_end, slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

_DECLARING = (production, storage, distribution, quality)


def definitions(profile: Profile | None = None) -> dict[str, Definition]:
    """All KPIs by name in the order of pages, or those that belong in a profile's reports."""
    ordered = sorted(REGISTRY.definitions.values(), key=lambda d: SECTIONS.index(d.section))
    return {d.name: d for d in ordered if profile is None or d.applies(profile)}


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


def kpi_report(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    window: Window,
    sections: Sequence[str] | None = None,
    now: datetime | None = None,
) -> KpiReport:
    """Compute the KPIs of a window.

    Parameters
    ----------
    engine, snapshot, profile
        What to read and how.
    window
        The window; slots are expected in [start, min(end, as_of)).
    sections
        Names of sections; default: all.
    now
        See `as_of`.

    Raises
    ------
    NoDataError
        The window lies outside all data.
    UnknownNameError
        No such section.
    """
    for section in sections or ():
        if section not in SECTIONS:
            raise UnknownNameError("section", section, list(SECTIONS))
    part = clipped(snapshot, profile, window, now)
    expected = slots_between(profile.site, part.start, part.end)
    if expected == 0:
        raise NoDataError(
            f"the window is shorter than the interval of site {profile.site.name}, "
            f"{profile.site.interval_s} s"
        )
    totals = collect_totals(engine, snapshot, profile, part.start, part.end)
    zone = profile.site.display_zone
    return KpiReport(
        site=profile.site.name,
        profile=profile.name,
        window=WindowModel(
            start=window.start.astimezone(zone),
            end=window.end.astimezone(zone),
            timezone=profile.site.display_timezone,
        ),
        kpis={
            name: definition(totals, profile, expected)
            for name, definition in definitions(profile).items()
            if not sections or definition.section in sections
        },
    )
