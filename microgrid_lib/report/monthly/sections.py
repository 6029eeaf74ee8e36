"""Each section's charts, the compliance tables, excursions and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.soc import no_soc
from microgrid_lib.present.alerts import AlertRow, alert_rows
from microgrid_lib.present.bars import Flow, energy_bars, energy_step
from microgrid_lib.present.charts import ChartSpec, Series
from microgrid_lib.present.distribution import DistributionData, distribution_spec
from microgrid_lib.present.load_pictures import duration_picture, week_picture
from microgrid_lib.present.monthly.facts import Facts, ReportData
from microgrid_lib.present.overview import overview_charts
from microgrid_lib.present.production import PRODUCTION
from microgrid_lib.present.quality import (
    QUALITY,
    compliance_table,
    excursion_rows,
    measures_quality,
)
from microgrid_lib.present.sections import chart_roles, describe_chart
from microgrid_lib.present.storage import STORAGE, zoom_soc
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.alerts import history_block
from microgrid_lib.report.bars import bars_block
from microgrid_lib.report.blocks import Block, Heading, Paragraph
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.heat import curve_block, heat_block
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.quality import compliance_block, excursions_block, trips_block
from microgrid_lib.window import Window, elapsed

MOST_EXCURSIONS = 60
MOST_ALERTS = 120
"""Longer lists are cut, and say so."""

_ELSEWHERE = {"production": {"voltage"}, "storage": {"battery"}, "distribution": {"mccb_voltage"}}
"""Charts that another section of the same report shows."""
_RANK = {"critical": 0, "warning": 1, "info": 2}


class SectionData(ReportData, DistributionData, Protocol):
    """What charts are asked of; `microgrid_lib.api.SiteData` is one."""


def read_series(data: SectionData, window: Window, *, brief: bool) -> Mapping[str, Series]:
    """Read what all charts of a report draw, at once.

    Parameters
    ----------
    brief
        Whether it has the charts of the first page alone.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    profile = data.profile
    specs = list(overview_charts(profile))
    if not brief:
        whole = (PRODUCTION, STORAGE, distribution_spec(profile), QUALITY)
        specs = [chart for section in whole for chart in section.charts]
    roles = chart_roles(specs, profile)
    return data.series(roles, window) if roles else {}


def drawn(
    name: str, data: SectionData, window: Window, series: Mapping[str, Series], texts: Texts
) -> tuple[Block, ...]:
    """Draw a section's pictures, as far as they need nothing but the data; maybe none.

    Parameters
    ----------
    name
        `overview`, `production`, `storage`, `distribution` or `quality`.
    series
        See `read_series`.
    """
    return tuple(_DRAWING[name](_Drawing(data, window, series, texts)))


def section_passage(
    name: str, pictures: Sequence[Block], data: SectionData, facts: Facts, texts: Texts
) -> Passage:
    """A section's pictures and tables; empty where the site has nothing for it.

    Parameters
    ----------
    pictures
        See `drawn`.
    """
    blocks = (*pictures, *_TELLING[name](data, facts, texts))
    return Passage((Heading(texts(f"section.{name}")), *blocks) if blocks else ())


@dataclass(frozen=True)
class _Drawing:
    """What pictures are made of."""

    data: SectionData
    window: Window
    series: Mapping[str, Series]
    texts: Texts

    def charts(self, specs: Sequence[ChartSpec]) -> Iterator[Block]:
        for spec in specs:
            if self.data.profile.has(spec.lines[0].role):
                chart = describe_chart(spec, self.series, self.data, self.window, self.texts)
                yield figure_block(chart, self.texts, level=3)


def _own(section: str, specs: Sequence[ChartSpec]) -> list[ChartSpec]:
    return [spec for spec in specs if spec.name not in _ELSEWHERE.get(section, set())]


def _overview(drawing: _Drawing) -> Iterator[Block]:
    yield from drawing.charts(overview_charts(drawing.data.profile))


def _production(drawing: _Drawing) -> Iterator[Block]:
    yield from drawing.charts(_own("production", PRODUCTION.charts))


def _storage(drawing: _Drawing) -> Iterator[Block]:
    profile, window, texts = drawing.data.profile, drawing.window, drawing.texts
    if not profile.has("battery"):
        return
    if no_soc(profile) is None:
        chart = zoom_soc(drawing.data, window, texts, window.start_utc)
        yield figure_block(chart, texts, level=3)
    else:
        yield Paragraph(texts("storage.no_soc"), "note")
    charts = [spec for spec in _own("storage", STORAGE.charts) if profile.has("fuel_cell")]
    yield from drawing.charts(charts)


def _distribution(drawing: _Drawing) -> Iterator[Block]:
    data, window, texts = drawing.data, drawing.window, drawing.texts
    specs = _own("distribution", distribution_spec(data.profile).charts)
    yield from drawing.charts([spec for spec in specs if spec.name == "load"])
    if data.profile.has("load"):
        try:
            yield heat_block(week_picture(data.load_week(window), texts), texts, level=3)
            yield curve_block(duration_picture(data.load_duration(window), texts), level=3)
        except NoDataError:
            yield Paragraph(texts("load.none"), "note")
    yield from drawing.charts([spec for spec in specs if spec.name != "load"])


def _quality(drawing: _Drawing) -> Iterator[Block]:
    if measures_quality(drawing.data.profile):
        yield from drawing.charts(QUALITY.charts)


_DRAWING: Mapping[str, Callable[[_Drawing], Iterator[Block]]] = {
    "overview": _overview,
    "production": _production,
    "storage": _storage,
    "distribution": _distribution,
    "quality": _quality,
}


def _nothing_told(data: SectionData, facts: Facts, texts: Texts) -> Iterator[Block]:
    yield from ()


def _battery_energies(data: SectionData, facts: Facts, texts: Texts) -> Iterator[Block]:
    if not data.profile.has("battery"):
        return
    flows = [
        Flow(name, texts(f"flow.{name}"), "battery", name == "battery_charge")
        for name in ("battery_discharge", "battery_charge")
    ]
    step = energy_step(facts.window)
    title = texts("monthly.battery_energy")
    bars = energy_bars("battery", title, facts.balance.frame, flows, step, texts)
    yield bars_block(bars, texts, level=3)


def _compliance(data: SectionData, facts: Facts, texts: Texts) -> Iterator[Block]:
    if facts.compliance is None:
        return
    table = compliance_table(facts.compliance, texts)
    yield compliance_block(table, texts, level=3)
    if table.trips:
        yield trips_block(table, texts, level=3)
    if table.unseen:
        yield Paragraph(f"{texts.clauses(table.unseen)}.", "note")
    longest = sorted(facts.excursions, key=lambda one: elapsed(one.end, one.start))[
        :MOST_EXCURSIONS
    ]
    rows = excursion_rows(sorted(longest, key=lambda one: one.start), facts.window, texts)
    if not rows:
        yield Paragraph(texts("monthly.no_excursions"))
        return
    yield excursions_block(rows, texts, level=3)
    if len(rows) < len(facts.excursions):
        count = len(facts.excursions)
        yield Paragraph(texts("monthly.cut_excursions", shown=len(rows), count=count), "note")


_TELLING: Mapping[str, Callable[[SectionData, Facts, Texts], Iterator[Block]]] = {
    "production": _nothing_told,
    "storage": _battery_energies,
    "distribution": _nothing_told,
    "quality": _compliance,
}


def alerts_passage(
    data: SectionData, facts: Facts, texts: Texts, most: int = MOST_ALERTS
) -> Passage:
    """Alerts of the period, the earliest first; a long list keeps the worst and longest."""
    heading = Heading(texts("monthly.alerts"))
    rows = alert_rows(data, facts.window, texts)
    if not rows:
        return Passage((heading, Paragraph(texts("monthly.no_alerts"))))
    kept = sorted(rows, key=_urgency)[:most]
    blocks: list[Block] = [heading]
    if len(kept) < len(rows):
        said = texts("monthly.cut", shown=len(kept), count=len(rows))
        blocks.append(Paragraph(said, "note"))
    blocks.append(history_block(sorted(kept, key=lambda row: row.start), texts, title=""))
    return Passage(tuple(blocks))


def _urgency(row: AlertRow) -> tuple[int, timedelta]:
    return _RANK.get(row.severity.state, len(_RANK)), elapsed(row.end, row.start)
