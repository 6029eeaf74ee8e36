"""The forecast of a role: picture, days, what it was worth in the past, model card."""

from __future__ import annotations

import csv
import io
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from traitlets import Unicode

from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.dashboard.downloads import CSV, Download, File, file_name
from microgrid_lib.dashboard.export import chart_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.tables import data_table_html
from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.roles import FORECAST_ROLES
from microgrid_lib.present.charts import Chart, stretch
from microgrid_lib.present.forecast import (
    ForecastContent,
    describe_forecast,
    forecast_rows,
    refusal_text,
)
from microgrid_lib.report.forecast import forecast_passage
from microgrid_lib.report.pages import Passage
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.forecast.history import HourlyHistory
    from microgrid_lib.forecast.shapes import ForecastReport


class ForecastModel(PartModel):
    """The forecast of the chosen role, from the newest midnight with data.

    Attributes
    ----------
    role
        Empty: the first that the profile has.
    """

    role = Unicode()

    def __init__(self) -> None:
        super().__init__(self._forecast)
        self._made: tuple[Any, HourlyHistory, ForecastReport] | None = None
        self._made_for: tuple[str, ...] = ()

    def stale(self, loaded: Loaded) -> bool:
        """Whether it was made of other data; the period looked at doesn't matter."""
        return self._made_for != self._view(loaded)

    def compute(self, loaded: Loaded) -> None:
        """Forecast for a view."""
        self._made_for = self._view(loaded)
        super().compute(loaded)

    def choose(self, role: str) -> None:
        """Forecast another role; one that the profile doesn't have is ignored."""
        loaded: Loaded | None = self.loaded
        if loaded is not None and role in offered(loaded.data.profile) and role != self.role:
            self.role = role
            self.compute(loaded)

    def _view(self, loaded: Loaded) -> tuple[str, ...]:
        data = loaded.data
        return (data.site.name, data.profile.name, loaded.texts.language, data.state())

    def _forecast(self, loaded: Loaded) -> ForecastContent:
        data, texts = loaded.data, loaded.texts
        roles = offered(data.profile)
        if not roles:
            raise NoDataError(texts("forecast.no_role"))
        role = self.role if self.role in roles else roles[0]
        made_of = (data.site.name, data.profile.name, data.state(), role)
        if self._made is None or self._made[0] != made_of:
            try:
                self._made = (made_of, data.history(role), data.forecast(role))
            except NoDataError as error:
                raise NoDataError(refusal_text(error, texts)) from error
        _, history, report = self._made
        return describe_forecast(report, history, data.site, texts)


class ForecastPart(ModelPart):
    """Draws a forecast; loaded after the page is shown: an ML library takes a second to import."""

    slow = True

    def __init__(self, _page: Page) -> None:
        self._linking = False
        self._model = ForecastModel()
        super().__init__(self._model)
        self.role = widgets.Dropdown().add_class("mg-picker").add_class("mg-labelled")
        self._csv = Download("CSV", self._csv_file)
        self._words = widgets.HTML().add_class("mg-forecast-words")
        self._chart = ChartView(self._stretch, self._chart_file)
        self._days = widgets.HTML().add_class("mg-table")
        self._trust = widgets.HTML().add_class("mg-table")
        self._card = widgets.HTML().add_class("mg-facts")
        self._below = widgets.VBox(
            [
                self._chart.widget,
                widgets.Box(
                    [_panel(self._words, self._days, self._card), _panel(self._trust)]
                ).add_class("mg-charts"),
            ]
        ).add_class("mg-section")
        self._notice = widgets.HTML()
        top = widgets.HBox([self.role, self._csv.widget]).add_class("mg-forecast-top")
        self.widget = widgets.VBox([top, self._notice, self._below]).add_class("mg-section")
        self._below.layout.display = "none"
        self.role.observe(self._take_role, "value")
        self.model.observe(self._draw, names=["content", "status", "message", "loaded"])

    def passage(self) -> Passage | None:
        """The picture, the days, the backtest and the model card."""
        content: ForecastContent | None = self.model.content
        loaded: Loaded | None = self.model.loaded
        return forecast_passage(content, loaded.texts) if content and loaded else None

    def _take_role(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self._model.choose(str(change["new"]))

    def _draw(self, _: Any) -> None:
        loaded: Loaded = self.model.loaded
        texts, content = loaded.texts, self.model.content
        self._offer(loaded, content)
        self._below.layout.display = None if content else "none"
        self._csv.widget.layout.display = None if content else "none"
        self._notice.value = (
            "" if content else notice_html(texts, self.model.status, self.model.message)
        )
        if content is None:
            return
        self._csv.show(texts)
        self._chart.show(content.chart, texts)
        self._words.value = _words_html(content, texts("forecast.worth"))
        self._days.value = f"<h3>{escape(content.days.title)}</h3>{data_table_html(content.days)}"
        trust = texts("forecast.none_stored")
        if content.backtest is not None:
            trust = data_table_html(content.backtest)
            trust = f'<p class="mg-sub">{escape(content.backtest.title)}</p>{trust}'
        self._trust.value = f"<h3>{escape(texts('forecast.past'))}</h3>{trust}"
        self._card.value = _facts_html(content, texts("forecast.card"))

    def _offer(self, loaded: Loaded, content: ForecastContent | None) -> None:
        self._linking = True
        try:
            texts = loaded.texts
            self.role.description = texts("forecast.of")
            roles = offered(loaded.data.profile)
            options = tuple((texts(f"role.{role}"), role) for role in roles)
            if tuple(self.role.options) != options:
                self.role.options = options
            if content is not None:
                self.role.value = content.report.role
            self.role.layout.display = None if roles else "none"
        finally:
            self._linking = False

    def _stretch(self, chart: Chart, window: Window) -> Chart:
        loaded: Loaded = self.model.loaded
        return stretch(chart, window, loaded.texts)

    def _chart_file(self, chart: Chart) -> File:
        return chart_file(chart, self.model.loaded)

    def _csv_file(self) -> File:
        content: ForecastContent | None = self.model.content
        if content is None:
            raise NoDataError(self.model.message)
        report = content.report
        written = io.StringIO(newline="")
        csv.writer(written).writerows(forecast_rows(report))
        day = f"{report.origin:%Y-%m-%d}"
        name = file_name("forecast", report.site, report.role, day, extension="csv")
        return File(name, CSV, written.getvalue().encode())


def offered(profile: Profile) -> list[str]:
    """Roles that are forecast and that the profile has or derives."""
    return [role for role in FORECAST_ROLES if profile.has(role)]


def _panel(*inside: Any) -> Any:
    return widgets.VBox(inside).add_class("mg-chart")


def _words_html(content: ForecastContent, title: str) -> str:
    first, *others = content.words
    more = "".join(f"<p>{escape(sentence)}</p>" for sentence in others)
    warned = "".join(
        f'<p class="mg-warning" role="note">{escape(text)}</p>' for text in content.warnings
    )
    return f"<h3>{escape(title)}</h3><p><b>{escape(first)}</b></p>{more}{warned}"


def _facts_html(content: ForecastContent, title: str) -> str:
    rows = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in content.facts
    )
    return f"<h3>{escape(title)}</h3><dl>{rows}</dl>"
