"""The KPIs of one window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.kpi import distribution, production, quality, storage
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import SECTIONS, Kpi, KpiReport, WindowModel
from microgrid_lib.kpi.registry import REGISTRY, Definition, Scope
from microgrid_lib.kpi.totals import Totals, collect_totals
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.slots import slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

HOUR_S = 3600
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
    wanted = [d for d in definitions(profile).values() if not sections or d.section in sections]
    compute = Computing(Access(engine, snapshot, profile), part)
    zone = profile.site.display_zone
    return KpiReport(
        site=profile.site.name,
        profile=profile.name,
        window=WindowModel(
            start=window.start.astimezone(zone),
            end=window.end.astimezone(zone),
            timezone=profile.site.display_timezone,
        ),
        kpis={definition.name: compute(definition) for definition in wanted},
    )


class Computing:
    """Computes KPIs of one window, and reads what several need only once.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; at least a slot long.
    """

    def __init__(self, access: Access, window: Window) -> None:
        self._access = access
        self._window = window
        self._scopes: dict[Scope, tuple[Totals, int, tuple[datetime, datetime]]] = {}

    def __call__(self, definition: Definition) -> Kpi:
        """Compute one."""
        totals, expected, bounds = self._scope(definition.scope)
        return definition(totals, self._access.profile, expected, self._access, bounds)

    def _scope(self, scope: Scope) -> tuple[Totals, int, tuple[datetime, datetime]]:
        if scope not in self._scopes:
            access, start, end = self._access, self._window.start_utc, self._window.end_utc
            site = access.profile.site
            if scope == "last_hour":
                # Slots longer than an hour: the last one.
                start = max(start, end - timedelta(seconds=max(HOUR_S, site.interval_s)))
            totals = collect_totals(access.engine, access.snapshot, access.profile, start, end)
            self._scopes[scope] = totals, slots_between(site, start, end), (start, end)
        return self._scopes[scope]
