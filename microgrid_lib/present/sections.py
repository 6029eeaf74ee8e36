"""A section of the dashboard as values: which KPIs, which charts, and what is missing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from microgrid_lib.kpi.model import KpiReport, Section
from microgrid_lib.present.cards import Card, Change, make_card
from microgrid_lib.present.charts import Chart, ChartSpec, Series, make_chart
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.window import Window

_SPARK_POINTS = 60


@dataclass(frozen=True)
class CardSpec:
    """A KPI, the role it is about (no role, no card), and the role its sparkline shows."""

    kpi: str
    role: str = ""
    spark: str = ""
    source: str = "ink"


@dataclass(frozen=True)
class SectionSpec:
    """What a section shows."""

    name: Section
    cards: tuple[CardSpec, ...]
    charts: tuple[ChartSpec, ...]


@dataclass(frozen=True)
class SectionContent:
    """A section, ready to be drawn.

    Attributes
    ----------
    missing
        One sentence on the cards left out because the site has no such plant; may be empty.
    """

    cards: tuple[Card, ...]
    charts: tuple[Chart, ...]
    missing: str = ""


class SiteData(Protocol):
    """What a section asks of the library; `microgrid_lib.api.SiteData` is one."""

    @property
    def site(self) -> Site: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def synthetic(self) -> bool: ...
    def span(self) -> tuple[datetime, datetime] | None: ...
    def as_of(self) -> datetime | None: ...
    def state(self) -> str: ...
    def window(self, start: str | datetime, end: str | datetime) -> Window: ...
    def kpis(self, window: Window, sections: Sequence[Section] | None = None) -> KpiReport: ...
    def changes(
        self, window: Window, sections: Sequence[Section] | None = None
    ) -> Mapping[str, Change]: ...
    def series(
        self, roles: Sequence[str], window: Window, points: int = 1000
    ) -> Mapping[str, Series]: ...


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
    report = data.kpis(window, [spec.name])
    changes = data.changes(window, [spec.name])
    shown = [c for c in spec.cards if not c.role or profile.has(c.role)]
    charts = [c for c in spec.charts if profile.has(c.lines[0].role)]
    roles = _roles(charts, profile)
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
            spark=spark_values(series[c.spark]) if c.spark in series else (),
            source=c.source,
        )
        for c in shown
        if c.kpi in report.kpis
    )
    return SectionContent(
        cards,
        tuple(
            make_chart(c, series, window, texts, interval_s=data.site.interval_s) for c in charts
        ),
        _missing(spec, profile, texts),
    )


def spark_values(series: Series) -> tuple[float, ...]:
    """Means of a series in at most 60 equal pieces, NaN where a piece has none."""
    means = series.frame["mean"].to_numpy(dtype=np.float64)
    pieces = np.array_split(means, min(_SPARK_POINTS, len(means))) if len(means) else []
    return tuple(
        float(np.nanmean(piece)) if np.isfinite(piece).any() else float("nan") for piece in pieces
    )


def _roles(charts: Sequence[ChartSpec], profile: Profile) -> list[str]:
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
