"""The first page: headlines, the state now, alerts, the window in words, two charts."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.cards import card_html
from microgrid_lib.dashboard.chart_grid import ChartGrid
from microgrid_lib.dashboard.downloads import File
from microgrid_lib.dashboard.export import chart_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.parts.short_alerts import ShortAlertsPart
from microgrid_lib.dashboard.pictures import FlowView
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.overview import (
    Headline,
    OverviewContent,
    overview_charts,
    prepare_overview,
)
from microgrid_lib.present.sections import zoom_chart
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.sections import overview_passage
from microgrid_lib.window import Window


class OverviewPart(ModelPart):
    """Everything of the first page, computed as one.

    Parameters
    ----------
    page
        Where it stands: a headline leads to its section.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(PartModel(_prepare))
        self.alerts = ShortAlertsPart(page)
        self.headlines = HeadlinesView(page)
        self.flow = FlowView()
        self._notice = widgets.HTML()
        self._words = widgets.HTML().add_class("mg-chart").add_class("mg-words")
        self._grid = ChartGrid(self.zoom, self._save)
        beside = widgets.VBox([self.alerts.widget, self._words]).add_class("mg-beside")
        self._row = widgets.Box([self.flow.widget, beside]).add_class("mg-now")
        self.widget = widgets.VBox(
            [self._notice, self.headlines.widget, self._row, self._grid.widget]
        ).add_class("mg-section")
        self.model.observe(self._draw, names=["content", "status", "message", "loaded"])

    def load(self, loaded: Loaded) -> None:
        """Compute the page, and the alerts on it."""
        super().load(loaded)
        self.alerts.load(loaded)

    def stale(self, loaded: Loaded) -> bool:
        """Whether the page or its alerts are of another view."""
        return super().stale(loaded) or self.alerts.stale(loaded)

    def zoom(self, chart: Chart, window: Window) -> Chart | None:
        """Describe a stretch of one of the charts; None where there is nothing to show."""
        loaded: Loaded | None = self.model.loaded
        if loaded is None:
            return None
        charts = overview_charts(loaded.data.profile)
        spec = next(spec for spec in charts if spec.name == chart.name)
        try:
            return zoom_chart(spec, loaded.data, window, loaded.texts, chart.origin)
        except MicrogridError:
            return None

    def passage(self) -> Passage | None:
        """Headlines, words, the state now as a table, charts."""
        content: OverviewContent | None = self.model.content
        if content is None:
            return None
        return overview_passage(content, self.model.loaded.texts)

    def _save(self, chart: Chart) -> File:
        return chart_file(chart, self.model.loaded)

    def _draw(self, _: Any) -> None:
        model = self.model
        loaded: Loaded = model.loaded
        texts = loaded.texts
        content: OverviewContent | None = model.content
        for widget in (self.headlines.widget, self._row):
            widget.layout.display = None if content else "none"
        self._notice.layout.display = "none" if content else None
        if content is None:
            self._notice.value = notice_html(texts, model.status, model.message)
            self._grid.show((), texts)
            return
        self.headlines.show(content.headlines, texts)
        self.flow.show(content.flow, texts)
        self._words.value = words_html(content.words, texts)
        self._words.layout.display = None if content.words else "none"
        self._grid.show(content.charts, texts)


class HeadlinesView:
    """Cards that lead to their sections.

    Parameters
    ----------
    page
        Where they lead.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.links: dict[str, widgets.Button] = {}
        self._cards: dict[str, widgets.HTML] = {}
        self._boxes: dict[str, widgets.VBox] = {}
        self.widget = widgets.Box().add_class("mg-headlines")

    def show(self, headlines: tuple[Headline, ...], texts: Texts) -> None:
        """Draw the cards."""
        shown = tuple(self._shown(headline, texts) for headline in headlines)
        if self.widget.children != shown:
            self.widget.children = shown

    def _shown(self, headline: Headline, texts: Texts) -> widgets.VBox:
        name = headline.section
        if name not in self._boxes:
            self._cards[name] = widgets.HTML().add_class("mg-lead")
            link = widgets.Button().add_class("mg-link")
            link.on_click(lambda _: self._page.choose(section=name))
            self.links[name] = link
            self._boxes[name] = widgets.VBox([self._cards[name], link]).add_class("mg-headline")
        self._cards[name].value = card_html(headline.card, texts)
        link = self.links[name]
        leads = name in self._page.sections
        link.layout.display = None if leads else "none"
        if leads:
            title = texts(f"section.{name}")
            link.description = f"{title} ›"
            link.tooltip = texts("headline.open", section=title)
        return self._boxes[name]


def words_html(words: tuple[str, ...], texts: Texts) -> str:
    """Write the sentences."""
    said = escape(" ".join(words))
    return f"<h3>{escape(texts('words.title'))}</h3><p data-words>{said}</p>"


def _prepare(loaded: Loaded) -> OverviewContent:
    return prepare_overview(loaded.data, loaded.window, loaded.texts, loaded.against)
