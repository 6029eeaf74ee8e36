"""A report being written: what each cell of its notebook shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import microgrid_lib
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.monthly.facts import Kind as PeriodKind
from microgrid_lib.present.periods import describe, is_month
from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.report import sections
from microgrid_lib.report.blocks import Block, FigureBlock, Heading, Paragraph, TableBlock
from microgrid_lib.report.monthly import PeriodReport
from microgrid_lib.report.notebook.shown import Shown
from microgrid_lib.report.orders import Kind, ReportOrder, refuse_future
from microgrid_lib.report.pages import Passage, about, facts
from microgrid_lib.report.typeset import block_data
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData

_DEEPEST = 4
_PARTS: dict[str, PeriodKind] = {
    Kind.monthly: "monthly",
    Kind.weekly: "weekly",
    Kind.daily: "daily",
}
_AGAINST = {Kind.monthly: "month", Kind.weekly: "7d", Kind.daily: "today"}


class Paper:
    """A report on a site and a period; its methods are what cells show.

    Where there are no data in the period `title` says so, and nothing else shows anything.

    Parameters
    ----------
    order
        What is wanted.

    Attributes
    ----------
    data, texts
        The site's data; the report's language.
    period
        As a window; None where the kind has none.

    Raises
    ------
    UnknownNameError, SiteError, WindowError
        No such site or profile; the period isn't one, or hasn't begun.
    """

    def __init__(self, order: ReportOrder) -> None:
        from microgrid_lib.api import open_site

        self.order = order
        self.data: SiteData = open_site(order.site, order.profile)
        self.texts: Texts = texts_for(order.language)
        self.period = order.window(self.data.site.display_zone)

    @property
    def window(self) -> Window:
        """The period."""
        if self.period is None:
            raise NoDataError(f"a {self.order.kind} report has no period")
        return self.period

    @cached_property
    def against(self) -> str:
        """What changes are against, in words."""
        name = _AGAINST.get(self.order.kind, "month" if is_month(self.window) else "custom")
        return self.texts(f"against.{name}")

    @cached_property
    def nothing(self) -> str:
        """Why there is nothing to report on, in a sentence; empty where there is."""
        if self.period is None:
            return ""
        try:
            kpis = self.data.kpis(self.period).kpis.values()
        except NoDataError:
            return self._none()
        return "" if any(kpi.coverage for kpi in kpis) else self._none()

    @cached_property
    def parts(self) -> PeriodReport:
        """The parts of a periodic report: all of one version of the data, asked for once.

        Raises
        ------
        NoDataError
            This kind has no period.
        """
        return PeriodReport(
            self.data, self.window, self.texts, _PARTS.get(self.order.kind, "monthly")
        )

    def title(self) -> Shown:
        """The title block: site, period, profile, software version, hash of what it rests on."""
        texts, what = self.texts, about(self.data, self.period, self.texts)
        periodic = self.order.kind in _PARTS and not self.nothing
        if periodic:
            self.parts.begin()
        head = {
            "title": self.parts.title if self.order.kind in _PARTS else self._title(),
            "label": texts("report.synthetic") if what.synthetic else "",
            "facts": self.parts.fact_lines() if periodic else self._facts(),
            "language": texts.language,
            "zone": self.data.site.display_timezone,
            "empty": self.nothing,
            "attention": self.parts.attention() if periodic else (),
        }
        blocks = (Paragraph(self.nothing),) if self.nothing else ()
        return Shown([block_data(block, texts) for block in blocks], head)

    def section(self, name: str) -> Shown:
        """A section of the dashboard: its cards, charts and tables below a heading.

        Parameters
        ----------
        name
            One of `orders.SECTION_NAMES`.
        """
        if self.nothing:
            return Shown(())
        try:
            passage = sections.section_passage(
                name, self.data, self.window, self.texts, self.against
            )
        except NoDataError as error:
            passage = Passage((Paragraph(str(error), "note"),))
        return self.show(passage, self.texts(f"section.{name}"))

    def summary(self) -> Shown:
        """What went well and what needs attention, in words made of numbers by stated rules."""
        return self._part(PeriodReport.summary)

    def headlines(self) -> Shown:
        """The most telling indicators."""
        return self._part(PeriodReport.headlines)

    def indicators(self) -> Shown:
        """All indicators with coverage, against the period before and the same season."""
        return self._part(PeriodReport.indicators)

    def balance(self) -> Shown:
        """The energy balance."""
        return self._part(PeriodReport.balance)

    def charts(self, section: str = "overview") -> Shown:
        """A section's charts and tables, without its cards."""
        if section == "overview":
            return self._part(PeriodReport.charts)
        return self._part(lambda parts: parts.section(section))

    def data_quality(self) -> Shown:
        """Coverage by channel and day, outages, files, refusals."""
        return self._part(PeriodReport.data_quality)

    def forecast(self) -> Shown:
        """The five days after the period, and how the period's forecasts did."""
        return self._part(PeriodReport.forecast)

    def method(self) -> Shown:
        """Rules of the summary, definitions of the indicators, versions."""
        return self._part(PeriodReport.appendix)

    def alerts(self) -> Shown:
        """Alerts of the period."""
        if self.order.kind in _PARTS:
            return self._part(PeriodReport.alerts)
        if self.nothing:
            return Shown(())
        passage = sections.alerts_of_period(self.data, self.window, self.texts)
        return self.show(passage, self.texts("alerts.title"))

    def consumers(self) -> Shown:
        """The list of consumers, as it is now."""
        return self.show(sections.consumers_passage(self.data, self.texts))

    def show(self, passage: Passage | Sequence[Block], title: str = "") -> Shown:
        """Blocks as a cell's result.

        Parameters
        ----------
        passage
            What is shown.
        title
            A heading above; what is shown then stands one level below it.
        """
        blocks = passage.blocks if isinstance(passage, Passage) else tuple(passage)
        coverage = passage.coverage if isinstance(passage, Passage) else ()
        if title:
            blocks = (Heading(title), *(lowered(block) for block in blocks))
        return Shown([block_data(block, self.texts) for block in blocks], None, coverage)

    def _part(self, part: Callable[[PeriodReport], Passage]) -> Shown:
        return Shown(()) if self.nothing else self.show(part(self.parts))

    def _facts(self) -> tuple[tuple[str, str], ...]:
        texts = self.texts
        return (
            *facts(about(self.data, self.period, texts), texts),
            (texts("report.software"), f"Microgrid Monitoring {microgrid_lib.__version__}"),
            (texts("report.data"), self.data.provenance(self.period).digest),
        )

    def _none(self) -> str:
        return self.texts("report.no_data", period=describe(self.window, self.texts))

    def _title(self) -> str:
        if self.order.kind is Kind.section:
            return self.texts(f"section.{self.order.section}")
        return self.texts(f"report.title.{self.order.kind}")


def open_report(
    kind: str,
    site: str,
    period: str = "",
    *,
    profile: str | None = None,
    section: str = "",
    language: str = "en",
    now: datetime | None = None,
) -> Paper:
    """Begin a report: what a notebook in `reports/` calls first.

    Parameters
    ----------
    kind, site, period, profile, section, language
        See `orders.ReportOrder`.
    now
        The present; default: the clock.

    Raises
    ------
    UnknownNameError, SiteError, WindowError
        See `Paper`; a period that hasn't begun is refused.
    """
    order = ReportOrder(Kind(kind), site, period, profile, section, language)
    paper = Paper(order)
    refuse_future(period, paper.period, now or datetime.now(UTC))
    return paper


def lowered(block: Block) -> Block:
    """Put a block's heading one level below."""
    if isinstance(block, Heading | FigureBlock | TableBlock):
        return replace(block, level=min(_DEEPEST, block.level + 1))
    return block
