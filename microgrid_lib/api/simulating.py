"""A measured day for the simulation.

Each function imports what it needs when called: no number should wait for the simulation.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from microgrid_lib.api.source import View, labelled
from microgrid_lib.errors import WindowError
from microgrid_lib.window import parse_time

if TYPE_CHECKING:
    from microgrid_lib.simulation.day import DayFrame


def simulation_day(view: View, day: str | date) -> DayFrame:
    """Read one local day as the simulation takes it; see `SiteData.simulation_day`."""
    from microgrid_lib.simulation.source import read_day

    chosen = _date(view, day)
    if view.snapshot.newest is None:
        raise view.nothing()
    return read_day(view.access, chosen, labelled([], view.synthetic))


def _date(view: View, day: str | date) -> date:
    if not isinstance(day, str):
        return day
    # A month or an hour is a time too, but not a day.
    if len(day.strip()) != len("YYYY-MM-DD"):
        raise WindowError(f"{day!r} isn't a day; use YYYY-MM-DD")
    return parse_time(day, view.source.site.display_zone).date()
