"""The KPIs of one window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.kpi import distribution, production, quality, storage
from microgrid_lib.kpi.model import SECTIONS, KpiReport, WindowModel
from microgrid_lib.kpi.registry import REGISTRY, Definition
from microgrid_lib.kpi.totals import collect_totals
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.slots import slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

_DECLARING = (production, storage, distribution, quality)


def definitions(profile: Profile | None = None) -> dict[str, Definition]:
    """All KPIs by name in the order of pages, or those that belong in a profile's reports."""
    ordered = sorted(REGISTRY.definitions.values(), key=lambda d: SECTIONS.index(d.section))
    return {d.name: d for d in ordered if profile is None or d.applies(profile)}


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
        See `store.extent.as_of`.

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
