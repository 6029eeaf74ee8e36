"""The simulation of a day: controls on the left, what they give on the right."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import ipywidgets as widgets

from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.dashboard.downloads import CSV, PDF, Download, File, file_name
from microgrid_lib.dashboard.export import chart_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.simulating.calibration import CalibrationPanel
from microgrid_lib.dashboard.simulating.controls import DayControls, ScenarioControls
from microgrid_lib.dashboard.simulating.model import SimulationModel
from microgrid_lib.dashboard.simulating.tables import (
    losses_html,
    metrics_html,
    settings_html,
    verdict_html,
)
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.periods import describe
from microgrid_lib.present.simulation import KINDS, Kind, Pair, simulation_chart, simulation_charts
from microgrid_lib.present.simulation_tables import loss_rows, metric_rows, setting_rows
from microgrid_lib.present.texts import Texts
from microgrid_lib.report import Passage, about, passages_pdf
from microgrid_lib.report.simulation import simulation_passage
from microgrid_lib.simulation.export import series_csv
from microgrid_lib.simulation.plant import Plant
from microgrid_lib.window import Window

IDLE_S = 0.6
"""How long a scenario must stand before the sources are lost in turn [s]."""


class SimulationPart(Part):
    """A day under a scenario, beside the day as measured."""

    slow = True

    def __init__(self, _page: Page) -> None:
        self.model = SimulationModel()
        self._key: tuple[str, ...] | None = None
        self._loaded: Loaded | None = None
        self._described: Plant | None = None
        self._said_in: Texts | None = None
        self._later: asyncio.TimerHandle | None = None
        self.day = DayControls(self.model)
        self.controls = ScenarioControls(self.model)
        self._problem = widgets.HTML()
        self.verdict = widgets.HTML().add_class("mg-panel")
        self.charts: dict[Kind, ChartView] = {
            kind: ChartView(self._zoom, self._save) for kind in KINDS
        }
        self.metrics = widgets.HTML().add_class("mg-panel")
        self.losses = widgets.HTML().add_class("mg-panel")
        self.calibration = CalibrationPanel()
        self._settings = widgets.HTML().add_class("mg-panel")
        self.csv = Download("CSV", self._csv)
        self.pdf = Download("PDF", self._pdf)
        self._grid = widgets.Box().add_class("mg-charts")
        left = widgets.VBox([self.day.widget, self.controls.widget]).add_class("mg-panel")
        files = widgets.HBox([self.csv.widget, self.pdf.widget]).add_class("mg-chart-actions")
        right = widgets.VBox(
            [
                self._problem,
                widgets.VBox([self.verdict, files]).add_class("mg-verdict-row"),
                self._grid,
                self.metrics,
                self.losses,
                self.calibration.widget,
                self._settings,
            ]
        ).add_class("mg-section")
        self._body = widgets.HBox(
            [left.add_class("mg-scenario"), right.add_class("mg-outcome")]
        ).add_class("mg-simulation")
        self._notice = widgets.HTML()
        self.widget = widgets.VBox().add_class("mg-section")
        self.model.observe(lambda _: self._draw(), names=["pair"])
        self.model.observe(lambda _: self._complain(), names=["problem"])
        self.model.observe(lambda _: self._draw_losses(), names=["contingencies"])

    def stale(self, loaded: Loaded) -> bool:
        """Whether the part shows something else than this view."""
        return self._key != loaded.key

    def load(self, loaded: Loaded) -> None:
        """Simulate the chosen day of this view's site, as the scenario says."""
        if not self.stale(loaded):
            return
        self._key, self._loaded = loaded.key, loaded
        last = (loaded.window.end - timedelta(microseconds=1)).date()
        try:
            self.model.open(loaded.data, last)
        except MicrogridError as error:
            kind = "empty" if isinstance(error, NoDataError) else "error"
            self._notice.value = notice_html(loaded.texts, kind, str(error))
            self.widget.children = (self._notice,)
            return
        self.day.label(
            loaded.texts, loaded.window.start.date(), last, describe(loaded.window, loaded.texts)
        )
        self.controls.label(loaded.texts)
        self.calibration.show(loaded)
        self._draw()
        if self.widget.children != (self._body,):
            self.widget.children = (self._body,)

    def passage(self) -> Passage | None:
        """Charts and tables of the scenario."""
        loaded, pair = self._loaded, self.model.pair
        if loaded is None or pair is None:
            return None
        return simulation_passage(
            pair, loaded.data.site, loaded.texts, self.model.contingencies or ()
        )

    def _draw(self) -> None:
        loaded, pair = self._loaded, self.model.pair
        if loaded is None or pair is None:
            return
        texts = loaded.texts
        charts = simulation_charts(pair, loaded.data.site, texts)
        for kind, chart in charts.items():
            self.charts[kind].show(chart, texts)
        drawn = tuple(self.charts[k].widget for k in KINDS if not charts[k].empty)
        if self._grid.children != drawn:
            self._grid.children = drawn
        self.verdict.value = verdict_html(pair.scenario, self._day_text(loaded), texts)
        self.metrics.value = metrics_html(metric_rows(pair, texts), texts)
        if self._described is not pair.scenario.plant or self._said_in is not texts:
            self._described, self._said_in = pair.scenario.plant, texts
            self._settings.value = settings_html(setting_rows(pair.scenario.plant, texts), texts)
        self.csv.show(texts)
        self.pdf.show(texts)
        self._complain()
        self._draw_losses()
        self._lose_later()

    def _day_text(self, loaded: Loaded) -> str:
        pair: Pair = self.model.pair
        if "/" not in pair.scenario.day.label:
            return describe(pair.window, loaded.texts)
        return loaded.texts(
            "simulation.average_of", days=pair.scenario.day.label.replace("/", " – ")
        )

    def _complain(self) -> None:
        if self._loaded is not None:
            problem = self.model.problem
            self._problem.value = (
                notice_html(self._loaded.texts, "error", problem) if problem else ""
            )

    def _draw_losses(self) -> None:
        if self._loaded is not None:
            texts, rows = self._loaded.texts, self.model.contingencies
            shown = None if rows is None else loss_rows(rows, texts)
            self.losses.value = losses_html(shown, texts)

    def _lose_later(self) -> None:
        """Lose each source once the sliders rest; at once where there is no loop to wait in."""
        if self._later is not None:
            self._later.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.model.lose_each()
            return
        self._later = loop.call_later(IDLE_S, self.model.lose_each)

    def _zoom(self, chart: Chart, window: Window) -> Chart | None:
        loaded, pair = self._loaded, self.model.pair
        if loaded is None or pair is None or chart.relative:
            return None
        kind = next(k for k, view in self.charts.items() if view.shows(chart))
        return simulation_chart(kind, pair, loaded.data.site, loaded.texts, window)

    def _save(self, chart: Chart) -> File:
        loaded, pair = self._loaded, self.model.pair
        if loaded is None or pair is None:
            raise NoDataError(chart.title)
        return chart_file(chart, loaded)

    def _csv(self) -> File:
        loaded, pair = self._loaded, self.model.pair
        if loaded is None or pair is None:
            raise NoDataError("nothing is simulated")
        name = file_name("simulation", loaded.data.site.name, pair.scenario.day.label,
                         extension="csv")  # fmt: skip
        return File(name, CSV, series_csv(pair.scenario).encode("utf-8"))

    def _pdf(self) -> File:
        loaded, passage = self._loaded, self.passage()
        if loaded is None or passage is None:
            raise NoDataError("nothing is simulated")
        pair: Pair = self.model.pair
        texts = loaded.texts
        title = f"{texts('section.quality')}: {texts('tab.quality.simulation')}"
        # An average is of more days than the one its axis shows.
        window = None if "/" in pair.scenario.day.label else pair.window
        what = about(loaded.data, window, texts)
        name = file_name("simulation", loaded.data.site.name, pair.scenario.day.label,
                         extension="pdf")  # fmt: skip
        return File(name, PDF, passages_pdf(title, [passage], what, texts))
