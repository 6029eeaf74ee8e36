"""The most urgent alerts in a few lines."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.alert_table import SHOW, short_html
from microgrid_lib.dashboard.header import window_query
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.picks import Picks
from microgrid_lib.present.alerts import ShortAlerts, short_alerts

_SECTION = "storage"


class ShortAlertsPart(ModelPart):
    """Alerts that last and the latest of the period, with a way to all of them.

    Parameters
    ----------
    page
        Where it stands: pressing an alert shows its time in the section of alerts.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        super().__init__(PartModel(_prepare))
        self._picks = Picks(self._show)
        self._list = widgets.HTML().add_class("mg-alert-list")
        self.all = widgets.Button().add_class("mg-link")
        self.all.on_click(lambda _: page.choose(section=_SECTION))
        actions = widgets.HBox([self.all]).add_class("mg-chart-actions")
        self.widget = widgets.VBox([self._list, self._picks.widget, actions])
        for name in ("mg-chart", "mg-picks", "mg-alerts-short"):
            self.widget.add_class(name)
        self.model.observe(self._draw, names=["version"])

    def _draw(self, _: Any) -> None:
        loaded: Loaded = self.model.loaded
        content: ShortAlerts | None = self.model.content
        texts = loaded.texts
        self.all.description = texts("alerts.all")
        if content is None:
            self._list.value = notice_html(texts, self.model.status, self.model.message)
        else:
            self._list.value = short_html(content, texts)

    def _show(self, picked: str) -> None:
        content: ShortAlerts | None = self.model.content
        for row in content.rows if content else ():
            if picked == SHOW + row.id:
                start, end = window_query(row.around)
                self._page.choose(section=_SECTION, period="custom", start=start, end=end)


def _prepare(loaded: Loaded) -> ShortAlerts:
    return short_alerts(loaded.data, loaded.window, loaded.texts)
