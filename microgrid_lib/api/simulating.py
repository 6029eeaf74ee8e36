"""Days for the simulation, and its calibration.

Each function imports what it needs when called: no number should wait for the simulation.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from microgrid_lib.api.source import View, labelled
from microgrid_lib.errors import WindowError
from microgrid_lib.store.series import HOUR, MINUTE
from microgrid_lib.window import Window, parse_time

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_lib.simulation.calibration_report import CalibrationReport
    from microgrid_lib.simulation.day import DayFrame

_MINUTES_UP_TO = timedelta(days=32)
"""Windows up to this long are calibrated on minutes, whose steps tell the source's impedance."""


def simulation_day(view: View, day: str | date) -> DayFrame:
    """Read one local day as the simulation takes it; see `SiteData.simulation_day`."""
    from microgrid_lib.simulation.source import read_day

    chosen = _date(view, day)
    if view.snapshot.newest is None:
        raise view.nothing()
    return read_day(view.access, chosen, labelled([], view.synthetic))


def average_day(view: View, first: str | date, last: str | date) -> DayFrame:
    """Average the days of a period; see `SiteData.average_day`."""
    from microgrid_lib.simulation.source import read_average_day

    if view.snapshot.newest is None:
        raise view.nothing()
    notes = labelled([], view.synthetic)
    return read_average_day(view.access, _date(view, first), _date(view, last), notes)


def simulation_days(view: View) -> list[date]:
    """List the days that can be simulated; see `SiteData.simulation_days`."""
    from microgrid_lib.simulation.source import days_with_data

    span = view.span()
    if span is None:
        return []
    first, last = span[0].date(), (span[1] - timedelta(microseconds=1)).date()
    return days_with_data(view.access, first, last)


def calibration(view: View, window: Window, hours: bool = False) -> CalibrationReport:
    """Calibrate the feeder; see `SiteData.calibration`."""
    from microgrid_lib.simulation.calibrate import calibrate
    from microgrid_lib.simulation.calibration_report import CalibrationReport

    frame, interval_s = calibration_frame(view, window, hours)
    found = calibrate(frame, view.source.site.display_zone, source_steps=interval_s <= MINUTE)
    return CalibrationReport(
        site=view.source.site.name,
        profile=view.source.profile.name,
        window=view.shown(window),
        interval_s=interval_s,
        synthetic=view.synthetic,
        calibration=found,
    )


def calibration_frame(view: View, window: Window, hours: bool) -> tuple[pd.DataFrame, int]:
    """Read what a calibration is fitted to: minutes, or hours, as where the window is long."""
    from microgrid_lib.simulation.source import read_means

    if view.snapshot.newest is None:
        raise view.nothing()
    step_s = HOUR if hours or window.duration > _MINUTES_UP_TO else MINUTE
    return read_means(view.access, view.inside(window), step_s)


def _date(view: View, day: str | date) -> date:
    if not isinstance(day, str):
        return day
    # A month or an hour is a time too, but not a day.
    if len(day.strip()) != len("YYYY-MM-DD"):
        raise WindowError(f"{day!r} isn't a day; use YYYY-MM-DD")
    return parse_time(day, view.source.site.display_zone).date()
