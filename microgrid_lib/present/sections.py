"""A section of the dashboard as values: which KPIs, which charts, and what is missing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from microgrid_lib.kpi.model import Kpi, KpiReport, Section
from microgrid_lib.present.cards import Card, Change, make_card
from microgrid_lib.present.charts import Chart, ChartSpec, Series, Span, make_chart
from microgrid_lib.present.limits import bands_of
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.kpi.evidence import EvidenceResult
    from microgrid_lib.kpi.islands import Islands

_SPARK_POINTS = 60


@dataclass(frozen=True)
class CardSpec:
    """A KPI on a page.

    Attributes
    ----------
    role
        The role it is about: no role, no card.
    spark
        The role its sparkline shows.
    lead
        Whether it is one of the few to be read first.
    """

    kpi: str
    role: str = ""
    spark: str = ""
    source: str = "ink"
    lead: bool = False


@dataclass(frozen=True)
class SectionSpec:
    """What a section shows in cards and charts.

    Attributes
    ----------
    kpis
        The sections of KPIs that the cards are from.
    """

    kpis: tuple[Section, ...]
    cards: tuple[CardSpec, ...]
    charts: tuple[ChartSpec, ...]


@dataclass(frozen=True)
class SectionContent:
    """A section, ready to be drawn.

    Attributes
    ----------
    missing
        One sentence on the cards left out because the site has no such plant; may be empty.
    kpis
        What the cards were made of, for pictures of the same numbers.
    """

    cards: tuple[Card, ...]
    charts: tuple[Chart, ...]
    missing: str = ""
    kpis: Mapping[str, Kpi] = field(default_factory=dict)


class SiteData(Protocol):
    """What a section asks of the library; `microgrid_lib.api.SiteData` is one."""

    @property
    def site(self) -> Site:
        """The site."""

    @property
    def profile(self) -> Profile:
        """How its channels are read."""

    @property
    def synthetic(self) -> bool:
        """Whether the data are made-up demo data."""

    def span(self) -> tuple[datetime, datetime] | None:
        """Oldest sample and end of the newest sample's slot; None where nothing is ingested."""

    def as_of(self) -> datetime | None:
        """End of what can be expected: now for a live site, else the end of the data."""

    def state(self) -> str:
        """Changes whenever the site's data change."""

    def kpis(self, window: Window, *, sections: Sequence[Section] | None = None) -> KpiReport:
        """KPIs of a window."""

    def changes(
        self, window: Window, *, sections: Sequence[Section] | None = None
    ) -> Mapping[str, Change]:
        """Change of each KPI against the window before."""

    def series(
        self, roles: Sequence[str], window: Window, points: int = 1000
    ) -> Mapping[str, Series]:
        """Roles over time."""

    def islands(self, window: Window) -> Islands:
        """Periods in which the site ran on its own."""

    def evidence(self, window: Window) -> Sequence[EvidenceResult]:
        """What the data say about doubtful channels."""


def prepare_section(
    spec: SectionSpec, data: SiteData, window: Window, texts: Texts, against: str = ""
) -> SectionContent:
    """Ask for a section's numbers and describe its cards and charts.

    Parameters
    ----------
    against
        What changes are against, in words.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    profile = data.profile
    report = data.kpis(window, sections=spec.kpis)
    changes = data.changes(window, sections=spec.kpis)
    shown = [c for c in spec.cards if not c.role or profile.has(c.role)]
    charts = [c for c in spec.charts if profile.has(c.lines[0].role)]
    roles = chart_roles(charts, profile)
    sparks = [c.spark for c in shown if c.spark and profile.has(c.spark)]
    series = data.series(roles, window) if roles else {}
    extra = [role for role in dict.fromkeys(sparks) if role not in series]
    series = {**series, **(data.series(extra, window, _SPARK_POINTS) if extra else {})}
    cards = tuple(
        make_card(
            c.kpi,
            report.kpis[c.kpi],
            texts,
            change=changes.get(c.kpi),
            against=against,
            hours=window.hours,
            spark=spark_values(series[c.spark]) if c.spark in series else (),
            source=c.source,
            lead=c.lead,
        )
        for c in shown
        if c.kpi in report.kpis
    )
    return SectionContent(
        cards,
        tuple(describe_chart(c, series, data, window, texts) for c in charts),
        _missing(spec, profile, texts),
        report.kpis,
    )


def zoom_chart(
    spec: ChartSpec, data: SiteData, window: Window, texts: Texts, origin: datetime
) -> Chart:
    """Describe a stretch of a chart at the resolution that fits it.

    Parameters
    ----------
    window
        The stretch.
    origin
        Where the x axis of the whole chart counts from.

    Raises
    ------
    NoDataError
        There is no data in the stretch.
    """
    series = data.series(chart_roles([spec], data.profile), window)
    return describe_chart(spec, series, data, window, texts, origin)


def describe_chart(
    spec: ChartSpec,
    series: Mapping[str, Series],
    data: SiteData,
    window: Window,
    texts: Texts,
    origin: datetime | None = None,
) -> Chart:
    """Describe a chart of series that are there already.

    Parameters
    ----------
    series
        By role, as `SiteData.series` gives them.
    origin
        Where the x axis counts from; default: the window's start.

    Raises
    ------
    NoDataError
        There is no data in the window, where islands are shown.
    """
    zero = origin or window.start_utc
    return make_chart(
        spec,
        series,
        window,
        texts,
        interval_s=data.site.interval_s,
        bands=bands_of(spec.limits, data.site, texts),
        spans=_islands(data, window, zero, texts) if spec.islands else (),
        origin=origin,
    )


def _islands(data: SiteData, window: Window, zero: datetime, texts: Texts) -> tuple[Span, ...]:
    label = texts("span.island")
    return tuple(
        Span((i.start - zero).total_seconds(), (i.end - zero).total_seconds(), label)
        for i in data.islands(window).islands
    )


def spark_values(series: Series) -> tuple[float, ...]:
    """Means of a series in at most 60 equal pieces, NaN where a piece has none."""
    means = series.frame["mean"].to_numpy(dtype=np.float64)
    pieces = np.array_split(means, min(_SPARK_POINTS, len(means))) if len(means) else []
    return tuple(
        float(np.nanmean(piece)) if np.isfinite(piece).any() else float("nan") for piece in pieces
    )


def chart_roles(charts: Sequence[ChartSpec], profile: Profile) -> list[str]:
    """Roles that charts draw and that the profile has."""
    named = [line.role for chart in charts for line in chart.lines if profile.has(line.role)]
    return list(dict.fromkeys(named))


def _missing(spec: SectionSpec, profile: Profile, texts: Texts) -> str:
    absent = dict.fromkeys(c.role for c in spec.cards if c.role and not profile.has(c.role))
    # A gas engine that a site doesn't have is nothing to report: most sites have none.
    absent.pop("genset", None)
    if not absent:
        return ""
    roles = texts.listing([texts(f"role.{role}") for role in absent])
    names = [texts(f"kpi.{c.kpi}") for c in spec.cards if c.role in absent]
    return texts("section.missing", roles=roles, names=texts.listing(names))
