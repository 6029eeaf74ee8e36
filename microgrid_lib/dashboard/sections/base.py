"""A section: a model that holds what it shows, and a view built when it is first looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ipywidgets as widgets
from traitlets import Any as AnyTrait
from traitlets import Enum, HasTraits, Instance, Unicode

from microgrid_lib.dashboard.cards import cards_html
from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.sections import (
    SectionContent,
    SectionSpec,
    SiteData,
    prepare_section,
    zoom_chart,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window


@dataclass(frozen=True)
class Loaded:
    """A site's data opened for one view.

    Attributes
    ----------
    against
        What changes are against, in words.
    newest
        End of the newest sample's slot, in the display zone.
    synthetic
        Whether the data are made-up demo data.
    """

    data: SiteData
    window: Window
    texts: Texts
    against: str
    newest: datetime
    synthetic: bool

    @property
    def key(self) -> tuple[str, ...]:
        """Equal keys show equal pages."""
        data, window = self.data, self.window
        return (
            data.site.name,
            data.profile.name,
            window.start.isoformat(),
            window.end.isoformat(),
            self.texts.language,
            data.state(),
            self._minute(),
        )

    def _minute(self) -> str:
        """The minute up to which a live site is judged: without new data its coverage falls."""
        as_of = self.data.as_of() if self.data.site.live else None
        return "" if as_of is None else as_of.strftime("%Y-%m-%dT%H:%M")


class SectionModel(HasTraits):
    """What a section shows; no widgets.

    Attributes
    ----------
    status
        `idle` before it was first shown, then `ready`, `empty` (no data in the window) or
        `error`.
    message
        One line for `empty` and `error`.
    content
        What is drawn when `ready`.
    """

    status = Enum(("idle", "ready", "empty", "error"), "idle")
    message = Unicode()
    content = Instance(SectionContent, allow_none=True)
    loaded = AnyTrait(allow_none=True)

    def __init__(self, spec: SectionSpec) -> None:
        super().__init__()
        self.spec = spec
        self._key: tuple[str, ...] | None = None

    def stale(self, loaded: Loaded) -> bool:
        """Whether the data has changed since the section was computed for this view."""
        return self._key != loaded.key

    def zoom(self, chart: Chart, window: Window) -> Chart | None:
        """Describe a stretch of one of the charts; None where there is nothing to show."""
        loaded: Loaded | None = self.loaded
        if loaded is None:
            return None
        spec = next(spec for spec in self.spec.charts if spec.name == chart.name)
        try:
            return zoom_chart(spec, loaded.data, window, loaded.texts, chart.origin)
        except MicrogridError:
            return None

    def load(self, loaded: Loaded) -> None:
        """Compute the section for a view; a mistake or a lack of data becomes a message."""
        key = loaded.key
        if self._key == key:
            return
        content: SectionContent | None = None
        status, message = "ready", ""
        try:
            content = prepare_section(
                self.spec, loaded.data, loaded.window, loaded.texts, loaded.against
            )
        except NoDataError as error:
            status, message = "empty", str(error)
        except MicrogridError as error:
            status, message = "error", str(error)
        self._key = key
        with self.hold_trait_notifications():
            self.loaded = loaded
            self.content = content
            self.message = message
            self.status = status


class SectionView:
    """Draws a section's model: cards in one element, charts two a row.

    Parameters
    ----------
    model
        Drawn at once, and again whenever it changes.
    """

    def __init__(self, model: SectionModel) -> None:
        self._model = model
        self._cards = widgets.HTML().add_class("mg-section-head")
        self._grid = widgets.Box().add_class("mg-charts")
        self._charts: dict[str, ChartView] = {}
        self.widget = widgets.VBox([self._cards, self._grid]).add_class("mg-section")
        model.observe(self._draw, names=["content", "status", "message", "loaded"])
        self._draw(None)

    def _draw(self, _: Any) -> None:
        model = self._model
        loaded: Loaded | None = model.loaded
        if loaded is None:
            return
        if model.content is None:
            self._cards.value = notice_html(loaded.texts, model.status, model.message)
            self._grid.children = ()
            return
        window = loaded.window
        self._cards.value = cards_html(
            model.spec.name,
            model.content.cards,
            loaded.texts,
            {
                "site": loaded.data.site.name,
                "profile": loaded.data.profile.name,
                "start": window.start.isoformat(),
                "end": window.end.isoformat(),
            },
            note=model.content.missing,
        )
        shown = []
        for chart in model.content.charts:
            view = self._charts.setdefault(chart.name, ChartView(model.zoom))
            view.show(chart, loaded.texts)
            shown.append(view.widget)
        if self._grid.children != tuple(shown):
            self._grid.children = tuple(shown)
