"""KPIs of one version of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from microgrid_lib.api.source import View
from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.energies import Step
from microgrid_lib.kpi.energies import energies as energies_of
from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile, duration_curve, week_profile
from microgrid_lib.kpi.model import Kpi, KpiReport, Section
from microgrid_lib.kpi.newest import Newest, newest_samples
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.report import Computing, kpi_report
from microgrid_lib.kpi.soc import SocSeries, no_soc, soc_series
from microgrid_lib.kpi.usual import Usual, usual
from microgrid_lib.store.extent import clipped
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("value", "unit", "uncertainty", "coverage", "reason", "warning", "time")


def kpis(view: View, window: Window, sections: Sequence[Section] | None = None) -> KpiReport:
    """The KPIs of a window; see `SiteData.kpis`."""
    source = view.source
    report = kpi_report(source.engine, view.snapshot, source.profile, window, sections)
    outdated = view.outdated_files(window)
    return report.model_copy(update={"synthetic": view.synthetic, "outdated_files": outdated})


def as_frame(report: KpiReport) -> pd.DataFrame:
    """Return a report as a table: a row per KPI, reasons and warnings as text."""
    import pandas as pd

    texts = [
        {
            **dict(kpi),
            "reason": kpi.reason.text if kpi.reason else None,
            "warning": kpi.warning.text if kpi.warning else None,
        }
        for kpi in report.kpis.values()
    ]
    return pd.DataFrame(texts, index=pd.Index(report.kpis, name="kpi"))[list(_COLUMNS)]


def compute(view: View, definition: Definition, window: Window) -> Kpi:
    """Compute one KPI; see `SiteData.compute`."""
    return Computing(view.access, view.inside(window))(definition)


def soc(view: View, window: Window, points: int) -> SocSeries:
    """State of charge over time; see `SiteData.soc`."""
    profile = view.source.profile
    missing = no_soc(profile)
    if missing is not None:
        raise NoDataError(missing.text)
    return soc_series(view.access, clipped(view.snapshot, profile, window), points)


def energies(view: View, window: Window, flows: Sequence[str], step: Step) -> pd.DataFrame:
    """Energies per hour, day or month; see `kpi.energies.energies`."""
    inside = clipped(view.snapshot, view.source.profile, window)
    return energies_of(view.access, inside, flows, step)


def load_duration(view: View, window: Window, points: int) -> DurationCurve:
    """The load ranked by height; see `SiteData.load_duration`."""
    return duration_curve(view.access, view.inside(window), points)


def load_week(view: View, window: Window) -> WeekProfile:
    """The load by weekday and hour; see `SiteData.load_week`."""
    return week_profile(view.access, view.inside(window))


def newest(view: View) -> Newest:
    """The newest sample of each role; see `SiteData.newest`."""
    if view.snapshot.newest is None:
        raise view.nothing()
    return newest_samples(view.access)


def usual_mean(view: View, role: str, window: Window, days: int) -> Usual | None:
    """The same hours of the days before; see `SiteData.usual`."""
    return usual(view.access, role, view.inside(window), days)
