"""Alerts: where every kind stands, the history, and acknowledging one."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import Enum

from microgrid_lib.dashboard.acknowledge import AcknowledgeForm, Draft
from microgrid_lib.dashboard.alert_table import (
    CHOOSE,
    SHOW,
    history_html,
    states_html,
    timeline_html,
)
from microgrid_lib.dashboard.header import window_query
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.picks import Picks
from microgrid_lib.errors import ConflictError, MicrogridError
from microgrid_lib.kpi.alerts import Acknowledgement
from microgrid_lib.present.alert_history import AlertHistory, prepare_history, to_acknowledge
from microgrid_lib.present.alerts import FILTERS, MOST_ROWS, AlertRow, chosen_rows
from microgrid_lib.report.alerts import alerts_passage
from microgrid_lib.report.pages import Passage


class AlertsModel(PartModel):
    """Alerts, and which of them are listed.

    Attributes
    ----------
    filter
        One of `FILTERS`.
    """

    filter = Enum(FILTERS, "all")

    def __init__(self) -> None:
        self._seen: dict[str, Acknowledgement] = {}
        super().__init__(self._history)

    def stale(self, loaded: Loaded) -> bool:
        """Whether data or view have changed, or someone has acknowledged an alert elsewhere."""
        try:
            return super().stale(loaded) or self._seen != loaded.data.acknowledgements()
        except MicrogridError:
            return True

    def rows(self) -> tuple[AlertRow, ...]:
        """Alerts that the filter lets through."""
        history: AlertHistory | None = self.content
        return chosen_rows(history.rows, self.filter) if history else ()

    def _history(self, loaded: Loaded) -> AlertHistory:
        self._seen = loaded.data.acknowledgements()
        return prepare_history(loaded.data, loaded.window, loaded.texts)


class AlertsPart(Part):
    """States, timeline, table and form.

    Parameters
    ----------
    page
        Where it stands: pressing an alert shows its time, and its visitor acknowledges.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.model = AlertsModel()
        self.draft = Draft()
        self.form = AcknowledgeForm(self.draft, self._acknowledge, self._show_chosen)
        self._picks = Picks(self._picked)
        self._states = widgets.HTML().add_class("mg-alert-list")
        self._head = widgets.HTML().add_class("mg-alert-list")
        self.filter = widgets.ToggleButtons(options=list(FILTERS)).add_class("mg-subtabs")
        self._timeline = widgets.HTML()
        self._table = widgets.HTML().add_class("mg-alert-list").add_class("mg-alert-table")
        top = widgets.HBox([self._head, self.filter]).add_class("mg-chart-top")
        history = [top, self._timeline, self._table, self.form.widget, self._picks.widget]
        panels = [
            widgets.VBox([self._states]).add_class("mg-chart"),
            widgets.VBox(history).add_class("mg-chart").add_class("mg-picks"),
        ]
        self.widget = widgets.VBox(panels).add_class("mg-section").add_class("mg-alerts")
        self._linking = False
        self.filter.observe(self._take_filter, "value")
        self.model.observe(self._draw, names=["version", "filter"])
        self.draft.observe(lambda _: self._draw_table(), names=["alert"])

    def load(self, loaded: Loaded) -> None:
        """Compute the model for a view."""
        self.model.load(loaded)

    def stale(self, loaded: Loaded) -> bool:
        """Whether the model was computed for another view, or before an acknowledgement."""
        return self.model.stale(loaded)

    def passage(self) -> Passage | None:
        """States and history as tables."""
        history: AlertHistory | None = self.model.content
        if history is None:
            return None
        texts = self.model.loaded.texts
        return alerts_passage(history.states, history.at, self.model.rows(), texts)

    def _draw(self, _: Any) -> None:
        loaded: Loaded = self.model.loaded
        if loaded is None:
            return
        texts = loaded.texts
        history: AlertHistory | None = self.model.content
        self._link_filter(loaded)
        if history is None:
            self._states.value = notice_html(texts, self.model.status, self.model.message)
            self.widget.children[1].layout.display = "none"
            return
        self.widget.children[1].layout.display = None
        self._states.value = states_html(history.states, history.at, texts)
        self._head.value = (
            f"<h3>{escape(texts('alerts.history'))}</h3>"
            f'<p class="mg-sub">{escape(history.summary)}</p>'
        )
        self._timeline.value = timeline_html(history.timeline, texts)
        kept = self.draft.chosen if self.draft.note else None
        shown = None if history.rows or kept else "none"
        for widget in (self.filter, self._timeline, self._table, self.form.widget):
            widget.layout.display = shown
        self.form.offer(to_acknowledge(history.rows, kept), self._page.visitor, texts)
        self._draw_table()

    def _draw_table(self) -> None:
        loaded: Loaded | None = self.model.loaded
        if loaded is not None:
            rows = self.model.rows()
            note = ""
            if len(rows) > MOST_ROWS:
                note = loaded.texts("alerts.more", shown=MOST_ROWS, count=len(rows))
            self._table.value = history_html(
                rows[:MOST_ROWS], self.draft.alert, loaded.texts, note=note
            )

    def _link_filter(self, loaded: Loaded) -> None:
        texts = loaded.texts
        self._linking = True
        try:
            self.filter.description = texts("alerts.filter")
            options = tuple((texts(f"alerts.filter.{name}"), name) for name in FILTERS)
            if tuple(self.filter.options) != options:
                self.filter.options = options
            self.filter.value = self.model.filter
        finally:
            self._linking = False

    def _take_filter(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self.model.filter = change["new"]

    def _picked(self, picked: str) -> None:
        """Do what a button of the table asks for; its id comes from the browser."""
        history: AlertHistory | None = self.model.content
        for row in history.rows if history else ():
            if picked == SHOW + row.id:
                self._show(row)
            elif picked == CHOOSE + row.id and self.draft.offers(row.id):
                self.draft.alert = row.id

    def _show(self, row: AlertRow) -> None:
        start, end = window_query(row.around)
        self._page.choose(period="custom", start=start, end=end)

    def _show_chosen(self) -> None:
        if self.draft.chosen is not None:
            self._show(self.draft.chosen)

    def _acknowledge(self) -> None:
        row, loaded = self.draft.chosen, self.model.loaded
        if row is None or loaded is None:
            return
        texts = loaded.texts
        try:
            loaded.data.acknowledge(row.id, self._page.visitor, self.draft.note)
        except ConflictError:
            self.model.compute(loaded)
            self.form.say(self._conflict(row, loaded), "error")
        except MicrogridError as error:
            self.form.say(str(error), "error")
        else:
            self.draft.note = ""
            self.model.compute(loaded)
            self.form.say(texts("acknowledge.done", alert=row.label))

    def _conflict(self, row: AlertRow, loaded: Loaded) -> str:
        """Say who was faster; what was written stays."""
        seen = loaded.data.acknowledgements().get(row.id)
        if seen is None:
            return loaded.texts("acknowledge.conflict", alert=row.label)
        at = loaded.texts.moment(seen.at)
        return loaded.texts("acknowledge.conflict.by", alert=row.label, by=seen.by, at=at)
