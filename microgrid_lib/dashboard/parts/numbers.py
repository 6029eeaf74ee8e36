"""Cards and charts of a section, as its specification lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.cards import cards_html
from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.dashboard.downloads import File
from microgrid_lib.dashboard.export import chart_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.sections import (
    SectionContent,
    SectionSpec,
    prepare_section,
    zoom_chart,
)
from microgrid_lib.report.pages import Passage, numbers_passage
from microgrid_lib.window import Window


class NumbersView:
    """Cards in one element, charts two a row.

    Parameters
    ----------
    spec
        What is shown.

    Attributes
    ----------
    charts
        Views by the name of their chart, of those shown so far.
    """

    def __init__(self, spec: SectionSpec) -> None:
        self._spec = spec
        self._loaded: Loaded | None = None
        self._cards = widgets.HTML().add_class("mg-section-head")
        self._grid = widgets.Box().add_class("mg-charts")
        self.charts: dict[str, ChartView] = {}
        self.widget = widgets.VBox([self._cards, self._grid]).add_class("mg-section")

    def show(self, content: SectionContent, loaded: Loaded, also: Sequence[Any] = ()) -> None:
        """Draw what was prepared.

        Parameters
        ----------
        also
            Widgets of pictures that stand after the charts.
        """
        self._loaded = loaded
        self._cards.value = cards_html(content.cards, loaded.texts, note=content.missing)
        shown = []
        for chart in content.charts:
            if chart.name not in self.charts:
                self.charts[chart.name] = ChartView(self.zoom, self._save)
            view = self.charts[chart.name]
            view.show(chart, loaded.texts)
            shown.append(view.widget)
        if self._grid.children != (*shown, *also):
            self._grid.children = (*shown, *also)

    def say(self, html: str) -> None:
        """Show a notice instead."""
        self._cards.value = html
        self._grid.children = ()

    def zoom(self, chart: Chart, window: Window) -> Chart | None:
        """Describe a stretch of one of the charts; None where there is nothing to show."""
        loaded = self._loaded
        if loaded is None:
            return None
        spec = next(spec for spec in self._spec.charts if spec.name == chart.name)
        try:
            return zoom_chart(spec, loaded.data, window, loaded.texts, chart.origin)
        except MicrogridError:
            return None

    def _save(self, chart: Chart) -> File:
        loaded = self._loaded
        if loaded is None:
            raise NoDataError(chart.title)
        return chart_file(chart, loaded)


class NumbersPart(ModelPart):
    """Cards and charts, computed anew for every view.

    Parameters
    ----------
    spec
        What to show.
    """

    def __init__(self, spec: SectionSpec, _page: Page) -> None:
        self._spec = spec
        super().__init__(PartModel(self._prepare))
        self.view = NumbersView(spec)
        self.widget = self.view.widget
        self.model.observe(self._draw, names=["version"])

    def passage(self) -> Passage | None:
        """Cards as a table, and charts."""
        loaded: Loaded | None = self.model.loaded
        if loaded is None or self.model.content is None:
            return None
        return numbers_passage(self.model.content, loaded.texts)

    def _prepare(self, loaded: Loaded) -> SectionContent:
        return prepare_section(self._spec, loaded.data, loaded.window, loaded.texts, loaded.against)

    def _draw(self, _: Any) -> None:
        model = self.model
        loaded: Loaded = model.loaded
        if model.content is None:
            self.view.say(notice_html(loaded.texts, model.status, model.message))
        else:
            self.view.show(model.content, loaded)
