"""Distribution and consumption: cards, the load and its pictures, what flows over the tie."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.cards import cards_html
from microgrid_lib.dashboard.chart_grid import ChartGrid
from microgrid_lib.dashboard.downloads import File
from microgrid_lib.dashboard.export import chart_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.distribution import (
    DistributionContent,
    distribution_spec,
    prepare_distribution,
)
from microgrid_lib.present.sections import zoom_chart
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.sections import distribution_passage
from microgrid_lib.window import Window


class DistributionPart(ModelPart):
    """Cards, then the load over time beside its pictures, then the other charts."""

    def __init__(self, _page: Page) -> None:
        super().__init__(PartModel(self._prepare))
        self._cards = widgets.HTML().add_class("mg-section-head")
        self._absent = widgets.HTML().add_class("mg-absent")
        self._grid = ChartGrid(self.zoom, self._save)
        self.widget = widgets.VBox([self._cards, self._absent, self._grid.widget])
        self.widget.add_class("mg-section")
        self.model.observe(self._draw, names=["content", "status", "message", "loaded"])

    def zoom(self, chart: Chart, window: Window) -> Chart | None:
        """Describe a stretch of one of the charts; None where there is nothing to show."""
        loaded: Loaded | None = self.model.loaded
        if loaded is None:
            return None
        charts = distribution_spec(loaded.data.profile).charts
        spec = next(spec for spec in charts if spec.name == chart.name)
        try:
            return zoom_chart(spec, loaded.data, window, loaded.texts, chart.origin)
        except MicrogridError:
            return None

    def passage(self) -> Passage | None:
        """Cards, charts, and the pictures as tables."""
        content: DistributionContent | None = self.model.content
        if content is None:
            return None
        return distribution_passage(content, self.model.loaded.texts)

    def _save(self, chart: Chart) -> File:
        return chart_file(chart, self.model.loaded)

    def _prepare(self, loaded: Loaded) -> DistributionContent:
        return prepare_distribution(loaded.data, loaded.window, loaded.texts, loaded.against)

    def _draw(self, _: Any) -> None:
        model = self.model
        loaded: Loaded = model.loaded
        content: DistributionContent | None = model.content
        absent = content.absent if content else ""
        self._absent.value = (
            f'<p class="mg-notice" role="note" data-absent>{escape(absent)}</p>' if absent else ""
        )
        self._absent.layout.display = None if absent else "none"
        if content is None:
            self._cards.value = notice_html(loaded.texts, model.status, model.message)
            self._grid.show((), loaded.texts)
            return
        section = content.section
        self._cards.value = cards_html(section.cards, loaded.texts, note=section.missing)
        self._grid.show(content.drawn, loaded.texts)
