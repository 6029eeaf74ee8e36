"""How well the model's voltages agree with measured ones, on request: it takes a second."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import ipywidgets as widgets

from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.simulating.tables import scores_html
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.calibration import residual_chart, voltage_chart
from microgrid_lib.present.simulation_tables import calibration_text, score_rows

DAYS = timedelta(days=31)


class CalibrationPanel:
    """A button; after it, the fit, its scores on days held out, measured against predicted."""

    def __init__(self) -> None:
        self._loaded: Loaded | None = None
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.button = widgets.Button().add_class("mg-link")
        self.scores = widgets.HTML()
        self.voltage, self.residual = ChartView(), ChartView()
        # Empty until there is something: a chart that is drawn unseen has no size.
        self._charts = widgets.Box().add_class("mg-charts")
        self.widget = widgets.VBox([self._head, self.button, self.scores, self._charts]).add_class(
            "mg-panel"
        )
        self.button.on_click(lambda _: self._compute())

    def show(self, loaded: Loaded) -> None:
        """Offer the calibration for a view."""
        self._loaded = loaded
        texts = loaded.texts
        self._head.value = (
            f"<h3>{escape(texts('simulation.calibration'))}</h3>"
            f'<p class="mg-sub">{escape(texts("simulation.calibration.what"))}</p>'
        )
        self.button.description = texts("simulation.calibrate")
        self.scores.value = ""
        self._charts.children = ()

    def _compute(self) -> None:
        loaded = self._loaded
        if loaded is None:
            return
        texts, window = loaded.texts, loaded.window
        start = min(window.start, window.end - DAYS)
        try:
            found = loaded.data.calibration(start, window.end, hours=True).calibration
            frame = loaded.data.held_out_voltages(start, window.end, hours=True)
        except MicrogridError as error:
            self.scores.value = notice_html(texts, "error", str(error))
            self._charts.children = ()
            return
        self.scores.value = scores_html(
            calibration_text(found, texts), score_rows(found, texts), texts
        )
        self.voltage.show(voltage_chart(frame, loaded.data.site, texts), texts)
        self.residual.show(residual_chart(frame, loaded.data.site, texts), texts)
        self._charts.children = (self.voltage.widget, self.residual.widget)
