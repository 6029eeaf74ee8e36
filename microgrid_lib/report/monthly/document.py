"""A period's report: its parts, and the whole as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

from microgrid_lib.api.provenance import Provenance
from microgrid_lib.present.monthly.facts import Facts, Kind, gather
from microgrid_lib.present.monthly.summary import by_tone, find_all
from microgrid_lib.present.overview import headline_specs
from microgrid_lib.present.periods import describe, is_month
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Document, Heading
from microgrid_lib.report.monthly.appendix import appendix_passage
from microgrid_lib.report.monthly.data import data_passage
from microgrid_lib.report.monthly.forecast import ForecastData, forecast_passage
from microgrid_lib.report.monthly.front import fact_lines, summary_passage
from microgrid_lib.report.monthly.numbers import (
    balance_passage,
    indicator_blocks,
    indicators_passage,
)
from microgrid_lib.report.monthly.sections import (
    SectionData,
    alerts_passage,
    drawn,
    read_series,
    section_passage,
)
from microgrid_lib.report.pages import Passage, about
from microgrid_lib.report.pages import facts as about_lines
from microgrid_lib.window import Window

SECTIONS = ("production", "storage", "distribution", "quality")
_BRIEF = frozenset({"attention", "unjudged"})
_BRIEF_ALERTS = 40


class PeriodData(SectionData, ForecastData, Protocol):
    """What a report is made of; `microgrid_lib.api.SiteData` is one."""

    def provenance(self, window: Window | None = None) -> Provenance:
        """What answers are made of."""


class PeriodReport:
    """A report on a site and a period; each part is a passage.

    Parameters
    ----------
    data
        A site's data.
    window
        The period.
    texts
        The reader's language.
    kind
        `monthly`, or the shorter `weekly` and `daily`.
    """

    def __init__(
        self, data: PeriodData, window: Window, texts: Texts, kind: Kind = "monthly"
    ) -> None:
        self.data = data
        self.window = window
        self.texts = texts
        self.kind = kind

    @cached_property
    def facts(self) -> Facts:
        """What all parts are made of, asked for once.

        Raises
        ------
        NoDataError
            There is no data in the period.
        """
        return gather(self.data, self.window, self.kind)

    @cached_property
    def pictures(self) -> Mapping[str, tuple[Block, ...]]:
        """Pictures of all sections. Asked for first, they are drawn aside while facts are read."""
        brief = self.kind != "monthly"
        series = read_series(self.data, self.window, brief=brief)
        names = ("overview",) if brief else SECTIONS
        return {name: drawn(name, self.data, self.window, series, self.texts) for name in names}

    def begin(self) -> None:
        """Begin with the pictures."""
        _ = self.pictures

    @property
    def title(self) -> str:
        """Title of the document."""
        window, texts = self.window, self.texts
        period = texts.month_name(window.start) if is_month(window) else describe(window, texts)
        return texts(f"monthly.title.{self.kind}", period=period)

    def fact_lines(self) -> tuple[tuple[str, str], ...]:
        """The lines below the title."""
        what = about(self.data, self.window, self.texts)
        lines = about_lines(what, self.texts)
        origin = self.data.provenance(self.window)
        return (*lines, *fact_lines(self.facts, origin.version, origin.digest, self.texts))

    def summary(self) -> Passage:
        """What went well, what needs attention; of short reports only the latter."""
        only = None if self.kind == "monthly" else _BRIEF
        return summary_passage(self.facts, self.texts, only)

    def attention(self) -> tuple[str, ...]:
        """What needs attention, a sentence each with its area."""
        texts = self.texts
        found = by_tone(find_all(self.facts, texts)).get("attention", ())
        return tuple(
            texts("monthly.of_area", area=texts(f"monthly.area.{f.area}"), texts=f.text)
            for f in found
        )

    def headlines(self) -> Passage:
        """The most telling indicators, and the charts of the first page."""
        texts = self.texts
        names = [spec.kpi for spec in headline_specs(self.data.profile).values()]
        names += ["pv_energy", "peak_load", "peak_import", "soc"]
        kept = [name for name in dict.fromkeys(names) if self.facts.kpi(name)]
        return Passage(
            (
                Heading(texts("monthly.brief.headline")),
                *indicator_blocks(self.facts, kept, texts),
            )
        )

    def indicators(self) -> Passage:
        """All indicators with coverage and comparisons."""
        return indicators_passage(self.facts, self.texts)

    def balance(self) -> Passage:
        """The energy balance."""
        return balance_passage(self.facts, self.texts)

    def charts(self) -> Passage:
        """The charts of the first page of the dashboard."""
        heading = Heading(self.texts("monthly.brief.charts"))
        return Passage((heading, *self.pictures["overview"]))

    def section(self, name: str) -> Passage:
        """A section's charts, and tables where it has some."""
        return section_passage(name, self.pictures[name], self.data, self.facts, self.texts)

    def alerts(self) -> Passage:
        """Alerts of the period."""
        if self.kind == "monthly":
            return alerts_passage(self.data, self.facts, self.texts)
        return alerts_passage(self.data, self.facts, self.texts, _BRIEF_ALERTS)

    def data_quality(self) -> Passage:
        """Coverage, outages, files, refusals."""
        return data_passage(self.facts, self.texts)

    def forecast(self) -> Passage:
        """The next five days, and how the period's forecasts did."""
        return forecast_passage(self.data, self.facts, self.texts)

    def appendix(self) -> Passage:
        """Rules, definitions, versions."""
        return appendix_passage(self.facts, self.texts)

    def parts(self) -> Iterator[Passage]:
        """All parts in order."""
        yield self.summary()
        if self.kind != "monthly":
            yield self.headlines()
            yield self.alerts()
            yield self.charts()
            return
        yield self.indicators()
        yield self.balance()
        for name in SECTIONS:
            yield self.section(name)
        yield self.alerts()
        yield self.data_quality()
        yield self.forecast()
        yield self.appendix()


def period_document(report: PeriodReport, generated: datetime | None = None) -> Document:
    """The whole report as a document.

    Parameters
    ----------
    generated
        When it was made; default: now.

    Raises
    ------
    NoDataError
        There is no data in the period.
    """
    zone = report.data.site.display_zone
    texts = report.texts
    return Document(
        title=report.title,
        blocks=tuple(block for part in report.parts() for block in part.blocks),
        facts=report.fact_lines(),
        label=texts("report.synthetic") if report.facts.synthetic else "",
        generated=(generated or datetime.now(UTC)).astimezone(zone),
    )
