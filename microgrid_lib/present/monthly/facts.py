"""What a periodic report is made of, asked for once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from microgrid_lib.kpi.alerts import Alert
from microgrid_lib.kpi.compliance import ComplianceReport
from microgrid_lib.kpi.data_days import DataDays
from microgrid_lib.kpi.evidence import EvidenceResult
from microgrid_lib.kpi.excursions import Excursion
from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.report import definitions
from microgrid_lib.present.alerts import AlertData
from microgrid_lib.present.monthly.balance import Balance, make_balance
from microgrid_lib.present.monthly.earlier import Compared, Earlier, ask_earlier, compare
from microgrid_lib.present.quality import QualityData, measures_quality
from microgrid_lib.present.storage import StorageData
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.forecast.review import ForecastReview

Kind = Literal["monthly", "weekly", "daily"]
REVIEWED = ("load", "bus_voltage", "grid", "pv")
"""Roles whose forecasts are looked at again, the most telling first."""
_MOST_REVIEWED = 2


class ReportData(StorageData, QualityData, AlertData, Protocol):
    """What a report asks of the library; `microgrid_lib.api.SiteData` is one."""

    @property
    def profile(self) -> Profile:
        """How the site's channels are read."""

    def as_of(self) -> datetime | None:
        """End of what can be expected."""

    def data_days(self, window: Window) -> DataDays:
        """Coverage by day, outages, files, refusals."""

    def forecast_review(self, role: str, window: Window) -> ForecastReview:
        """How the forecasts of a period did."""


@dataclass(frozen=True)
class Facts:
    """What is known of a site and a period.

    Attributes
    ----------
    window
        The period as asked.
    until
        End of what can be expected of it.
    kpis
        By name.
    earlier
        Periods to compare with.
    compliance
        None where no voltage or frequency is measured.
    alerts
        Those that lasted for some of the period.
    doubts
        What the data say about doubtful channels.
    reviews
        How forecasts did, of some roles.
    """

    site: Site
    profile: Profile
    window: Window
    until: datetime
    synthetic: bool
    kpis: Mapping[str, Kpi]
    earlier: tuple[Earlier, ...]
    compliance: ComplianceReport | None
    excursions: Sequence[Excursion]
    alerts: Sequence[Alert]
    days: DataDays
    doubts: Sequence[EvidenceResult]
    balance: Balance
    reviews: tuple[ForecastReview, ...] = ()
    outdated: tuple[str, ...] = ()

    @property
    def definitions(self) -> dict[str, Definition]:
        """The KPIs of the profile."""
        return definitions(self.profile)

    def compared(self, name: str) -> tuple[Compared, ...]:
        """A KPI against each of the earlier periods."""
        definition, now = self.definitions[name], self.kpis[name]
        return tuple(compare(definition, now, earlier) for earlier in self.earlier)

    def kpi(self, name: str) -> Kpi | None:
        """A KPI that the profile can tell; None where it lacks the plant for it."""
        found = self.kpis.get(name)
        definition = self.definitions.get(name)
        if found is None or definition is None or definition.missing(self.profile) is not None:
            return None
        return found


def gather(data: ReportData, window: Window, kind: Kind = "monthly") -> Facts:
    """Ask for everything that a report's findings and tables are made of.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    report = data.kpis(window)
    measured = measures_quality(data.profile)
    as_of = data.as_of() or window.end
    until = min(window.end, as_of.astimezone(window.end.tzinfo))
    return Facts(
        site=data.site,
        profile=data.profile,
        window=window,
        until=until,
        synthetic=data.synthetic,
        kpis=report.kpis,
        earlier=ask_earlier(data, window, until),
        compliance=data.compliance(window) if measured else None,
        excursions=data.excursions(window) if measured else (),
        alerts=data.alerts(window).alerts,
        days=data.data_days(window),
        doubts=data.evidence(window) if data.profile.spec.reading is not None else (),
        balance=make_balance(data, window, report.kpis),
        reviews=_reviews(data, window) if kind == "monthly" else (),
        outdated=tuple(report.outdated_files),
    )


def _reviews(data: ReportData, window: Window) -> tuple[ForecastReview, ...]:
    roles = [role for role in REVIEWED if data.profile.has(role)][:_MOST_REVIEWED]
    return tuple(data.forecast_review(role, window) for role in roles)
