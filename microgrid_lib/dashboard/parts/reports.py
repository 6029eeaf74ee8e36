"""Reports: make the one on the period looked at, take those that were made."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.downloads import PDF, Download, File, size_text
from microgrid_lib.dashboard.live import start_task
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.reporting.model import ReportsModel, past_title
from microgrid_lib.errors import UnknownNameError
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Column, TableBlock
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.shelf import PastReport

ROWS = 10


class ReportsPart(Part):
    """A form that makes a report beside the page, and the list of reports.

    Parameters
    ----------
    page
        Where it stands.
    model
        Default: one that makes reports in a process of their own.
    """

    def __init__(self, page: Page, model: ReportsModel | None = None) -> None:
        self.model = model or ReportsModel(page)
        self._linking = False
        self._first = 0
        self._key: tuple[str, ...] | None = None
        self._work: Any = None
        self._head = widgets.HTML()
        self.kind = widgets.Dropdown().add_class("mg-picker").add_class("mg-labelled")
        self.button = widgets.Button().add_class("mg-plain")
        self.bar = widgets.IntProgress(min=0).add_class("mg-report-bar")
        self._said = widgets.HTML().add_class("mg-report-said")
        form = widgets.HBox([self.kind, self.button, self.bar, self._said])
        self._list_head = widgets.HTML()
        self.rows = [ReportRow(self.model, index) for index in range(ROWS)]
        self._list = widgets.VBox().add_class("mg-report-list")
        self.earlier = widgets.Button(description="‹").add_class("mg-step")
        self.later = widgets.Button(description="›").add_class("mg-step")
        self._where = widgets.HTML().add_class("mg-sub")
        self._pager = widgets.HBox([self.earlier, self._where, self.later]).add_class("mg-pager")
        panels = [
            widgets.VBox([self._head, form.add_class("mg-report-form")]).add_class("mg-panel"),
            widgets.VBox([self._list_head, self._list, self._pager]).add_class("mg-panel"),
        ]
        self.widget = widgets.VBox(panels).add_class("mg-section").add_class("mg-reports")
        self.kind.observe(self._take_kind, "value")
        self.button.on_click(lambda _: self._start())
        self.earlier.on_click(lambda _: self._turn(-ROWS))
        self.later.on_click(lambda _: self._turn(ROWS))
        self.model.observe(self._draw_form, names=["kind", "status", "done", "of", "reason"])
        self.model.observe(self._draw_list, names=["past"])

    def load(self, loaded: Loaded) -> None:
        """Offer the reports of a view, and list those there are."""
        self._key = loaded.key
        self.model.show(loaded)
        self._draw_form(None)
        self._draw_list(None)

    def stale(self, loaded: Loaded) -> bool:
        """Whether it shows another view."""
        return self._key != loaded.key

    def passage(self) -> Passage | None:
        """The list of reports, as a table."""
        loaded: Loaded | None = self.model.loaded
        if loaded is None or not self.model.past:
            return None
        texts = loaded.texts
        heads = (texts("reports.report"), texts("reports.made"), texts("reports.pages"))
        columns = (Column(heads[0], wide=True), Column(heads[1]), Column(heads[2], "right"))
        rows = tuple(
            (past_title(one, loaded), _made(one, loaded), str(one.pages)) for one in self.model.past
        )
        return Passage((TableBlock(columns, rows),))

    def _start(self) -> None:
        # Kept, because the loop itself holds on to a task only weakly.
        self._work = start_task(self.model.make())

    def _take_kind(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self.model.kind = str(change["new"])

    def _turn(self, by: int) -> None:
        last = max(0, len(self.model.past) - 1) // ROWS * ROWS
        self._first = min(max(0, self._first + by), last)
        self._draw_list(None)

    def _draw_form(self, _: Any) -> None:
        model = self.model
        loaded: Loaded | None = model.loaded
        if loaded is None:
            return
        texts = loaded.texts
        making = model.status == "making"
        note = texts("reports.help") if model.may_make else texts("reports.viewer")
        self._head.value = (
            f"<h3>{escape(texts('reports.make'))}</h3><p class='mg-sub'>{escape(note)}</p>"
        )
        options = tuple((offer.title, kind) for kind, offer in model.offers().items())
        self._linking = True
        try:
            self.kind.description = texts("reports.report")
            if tuple(self.kind.options) != options:
                self.kind.options = options
            self.kind.value = model.kind
        finally:
            self._linking = False
        self.button.description = texts("reports.button")
        self.button.disabled = making or not model.may_make
        self.kind.disabled = making
        self.bar.layout.display = None if making else "none"
        self.bar.max = max(1, model.of)
        self.bar.value = model.done
        self.bar.tooltip = texts("reports.making")
        self._said.value = _said_html(model, texts)

    def _draw_list(self, _: Any) -> None:
        loaded: Loaded | None = self.model.loaded
        if loaded is None:
            return
        texts, past = loaded.texts, self.model.past
        self._first = min(self._first, max(0, len(past) - 1) // ROWS * ROWS)
        note = "" if past else f"<p class='mg-sub'>{escape(texts('reports.none'))}</p>"
        self._list_head.value = f"<h3>{escape(texts('reports.past'))}</h3>{note}"
        shown = past[self._first : self._first + ROWS]
        for row, one in zip(self.rows, shown, strict=False):
            row.show(one, loaded)
        self._list.children = tuple(row.widget for row in self.rows[: len(shown)])
        self._pager.layout.display = None if len(past) > ROWS else "none"
        self._where.value = texts(
            "reports.where", first=self._first + 1, last=self._first + len(shown), count=len(past)
        )
        self.earlier.disabled = self._first == 0
        self.later.disabled = self._first + ROWS >= len(past)
        self.earlier.tooltip = texts("reports.newer")
        self.later.tooltip = texts("reports.older")


class ReportRow:
    """A report of the list, and its button.

    Parameters
    ----------
    model
        Reads the file, for whom it may be read.
    """

    def __init__(self, model: ReportsModel, index: int) -> None:
        self._model = model
        self._index = index
        self._past: PastReport | None = None
        self._text = widgets.HTML()
        self.download = Download("PDF", self._file)
        self.widget = widgets.HBox([self._text, self.download.widget]).add_class("mg-report-row")

    def show(self, past: PastReport, loaded: Loaded) -> None:
        """Show a report; a link to another one goes away."""
        texts = loaded.texts
        label = f" ({texts('reports.empty')})" if past.empty else ""
        more = texts(
            "reports.facts",
            language=texts(f"reports.in.{past.language}"),
            made=_made(past, loaded),
            pages=past.pages,
            size=size_text(past.size, texts),
        )
        html = (
            f'<span data-report="{escape(past.file, quote=True)}">'
            f"<b>{escape(past_title(past, loaded) + label)}</b></span>"
            f'<span class="mg-sub">{escape(more)}</span>'
        )
        if (past, html) != (self._past, self._text.value):
            self._past = past
            self._text.value = html
            self.download.show(texts)

    def _file(self) -> File:
        if self._past is None:
            raise UnknownNameError("report", "", [])
        return File(self._past.file, PDF, self._model.read(self._past.file))


def _made(past: PastReport, loaded: Loaded) -> str:
    return loaded.texts.moment(past.made.astimezone(loaded.data.site.display_zone))


def _said_html(model: ReportsModel, texts: Texts) -> str:
    if model.status == "idle":
        return ""
    if model.status == "making":
        steps = texts("reports.steps", done=model.done, of=model.of) if model.of else ""
        said = f"{texts('reports.making')} {steps}"
    elif model.status == "failed":
        said = texts("reports.failed", reason=model.reason or texts("download.fault"))
    else:
        said = texts(f"reports.status.{model.status}")
    role = "alert" if model.status == "failed" else "status"
    return (
        f'<span role="{role}" class="mg-report-{model.status}" data-report-status="{model.status}">'
        f"{escape(said.strip())}</span>"
    )
