"""Grid quality as measured: numbers, excursions that zoom the charts, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.parts.numbers import NumbersView
from microgrid_lib.dashboard.quality_tables import compliance_html, excursion_html
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.quality import (
    QUALITY,
    ExcursionRow,
    QualityContent,
    measures_quality,
    prepare_quality,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.quality import quality_passage

ROWS = 8


class MeasuredPart(ModelPart):
    """Cards, charts, excursions and the compliance table.

    Choosing an excursion shows its stretch of time in both charts.
    """

    def __init__(self, _page: Page) -> None:
        super().__init__(PartModel(_prepare))
        self._notice = widgets.HTML()
        self.numbers = NumbersView(QUALITY)
        self.excursions = ExcursionList(self._show_excursion)
        self._compliance = widgets.HTML().add_class("mg-panel")
        self._parts = (self.numbers.widget, self.excursions.widget, self._compliance)
        self.widget = widgets.VBox().add_class("mg-section").add_class("mg-quality")
        self.model.observe(self._draw, names=["version"])

    def passage(self) -> Passage | None:
        """Cards, charts, excursions and verdicts."""
        loaded: Loaded | None = self.model.loaded
        if loaded is None or self.model.content is None:
            return None
        return quality_passage(self.model.content, loaded.texts)

    def _show_excursion(self, row: ExcursionRow) -> None:
        for view in self.numbers.charts.values():
            view.look_at(row.stretch)

    def _draw(self, _: Any) -> None:
        model = self.model
        loaded: Loaded = model.loaded
        content: QualityContent | None = model.content
        if content is None:
            self._notice.value = notice_html(loaded.texts, model.status, model.message)
            self.widget.children = (self._notice,)
            return
        self.numbers.show(content.numbers, loaded)
        self.excursions.show(content.excursions, loaded.texts)
        self._compliance.value = compliance_html(content.compliance, loaded.texts)
        if self.widget.children != self._parts:
            self.widget.children = self._parts


def _prepare(loaded: Loaded) -> QualityContent:
    if not measures_quality(loaded.data.profile):
        raise NoDataError(loaded.texts("quality.not_measured"))
    return prepare_quality(loaded.data, loaded.window, loaded.texts, loaded.against)


class ExcursionList:
    """Excursions, some at a time, each with a button that shows it in the charts.

    Parameters
    ----------
    on_choose
        Called with the chosen one.
    """

    def __init__(self, on_choose: Callable[[ExcursionRow], None]) -> None:
        self._choose = on_choose
        self._rows: tuple[ExcursionRow, ...] = ()
        self._first = 0
        self._texts: Texts | None = None
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.lines = [_Line(self._pick, index) for index in range(ROWS)]
        self.earlier = widgets.Button(description="‹").add_class("mg-step")
        self.later = widgets.Button(description="›").add_class("mg-step")
        self._where = widgets.HTML().add_class("mg-sub")
        self._pager = widgets.HBox([self.earlier, self._where, self.later]).add_class("mg-pager")
        self.earlier.on_click(lambda _: self._turn(-ROWS))
        self.later.on_click(lambda _: self._turn(ROWS))
        self._list = widgets.VBox().add_class("mg-excursions")
        self.widget = widgets.VBox([self._head, self._list, self._pager]).add_class("mg-panel")

    def show(self, rows: tuple[ExcursionRow, ...], texts: Texts) -> None:
        """Show excursions from the first on."""
        if rows != self._rows:
            self._first = 0
        self._rows, self._texts = rows, texts
        self._draw()

    def _turn(self, by: int) -> None:
        last = max(0, len(self._rows) - 1) // ROWS * ROWS
        self._first = min(max(0, self._first + by), last)
        self._draw()

    def _pick(self, index: int) -> None:
        at = self._first + index
        if at < len(self._rows):
            self._choose(self._rows[at])

    def _draw(self) -> None:
        texts, rows = self._texts, self._rows
        if texts is None:
            return
        self._head.value = excursion_html(rows, texts)
        shown = rows[self._first : self._first + ROWS]
        for line, row in zip(self.lines, shown, strict=False):
            line.show(row, texts)
        self._list.children = tuple(line.widget for line in self.lines[: len(shown)])
        self._pager.layout.display = None if len(rows) > ROWS else "none"
        self._where.value = texts(
            "excursions.where",
            first=self._first + 1,
            last=self._first + len(shown),
            count=len(rows),
        )
        self.earlier.disabled = self._first == 0
        self.later.disabled = self._first + ROWS >= len(rows)
        self.earlier.tooltip = texts("excursions.earlier")
        self.later.tooltip = texts("excursions.later")


class _Line:
    """One excursion and its button."""

    def __init__(self, on_click: Callable[[int], None], index: int) -> None:
        self._text = widgets.HTML()
        self.button = widgets.Button().add_class("mg-link")
        self.button.on_click(lambda _: on_click(index))
        self.widget = widgets.HBox([self._text, self.button]).add_class("mg-excursion")

    def show(self, row: ExcursionRow, texts: Texts) -> None:
        cells = (row.start, row.duration, row.point, row.extreme, row.limit)
        self._text.value = "".join(f"<span>{escape(cell)}</span>" for cell in cells)
        self.button.description = texts("excursions.show")
        self.button.tooltip = texts("excursions.show.help", start=row.start, point=row.point)
