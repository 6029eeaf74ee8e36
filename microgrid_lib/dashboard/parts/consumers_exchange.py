"""Import and export of consumers, on the page."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.consumers.exchange import SUFFIXES, ExportFormat, export
from microgrid_lib.consumers.importing import ImportReport, RowAction, RowReport
from microgrid_lib.dashboard.downloads import (
    CSV,
    GEOJSON,
    JSON,
    MARKDOWN,
    PDF,
    XLSX,
    Download,
    File,
    file_name,
)
from microgrid_lib.dashboard.inbox import Inbox
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.dashboard.parts.consumers_files import MAX_UPLOAD_BYTES, Intake
from microgrid_lib.dashboard.parts.consumers_shelf import Shelf
from microgrid_lib.present.consumers import (
    change_lines,
    filter_text,
    labelled_problem,
    report_counts,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.pages import About, Passage, passages_pdf
from microgrid_lib.report.sections import consumer_list

_MOST_ROWS = 200
_KINDS = {
    "csv": ("CSV", CSV),
    "geojson": ("GeoJSON", GEOJSON),
    "xlsx": ("XLSX", XLSX),
    "json": ("JSON", JSON),
    "markdown": ("Markdown", MARKDOWN),
    "pdf": ("PDF", PDF),
}
_SUFFIXES = {file_format: suffix.removeprefix(".") for suffix, file_format in SUFFIXES.items()}


class ImportView:
    """Choose a file, read the report, import all of it.

    Parameters
    ----------
    desk, intake
        What is imported, and where to.
    """

    def __init__(self, desk: Desk, intake: Intake) -> None:
        self._desk, self._intake = desk, intake
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.upload = widgets.FileUpload(accept=".csv,.geojson,.json", multiple=False, icon="")
        # The page's script keeps larger files from being sent: they would end the connection.
        self.upload.add_class("mg-upload").add_class(f"mg-most-{MAX_UPLOAD_BYTES}")
        self.inbox = Inbox(self._take_word)
        self.report = widgets.HTML().add_class("mg-report")
        self.apply = widgets.Button().add_class("mg-primary")
        self.drop = widgets.Button().add_class("mg-plain")
        self._actions = widgets.HBox([self.apply, self.drop]).add_class("mg-actions")
        self._upload_row = widgets.HBox([self.upload, self.inbox.widget])
        self.widget = widgets.VBox(
            [self._head, self._upload_row, self.report, self._actions]
        ).add_class("mg-chart")
        self.widget.add_class("mg-import").add_class("mg-sends")
        self.upload.observe(self._take_file, "value")
        self.apply.on_click(lambda _: intake.import_all())
        self.drop.on_click(lambda _: intake.drop())
        desk.observe(lambda _: self._draw(), "texts")
        intake.observe(lambda _: self._draw(), names=["report", "name"])
        self._draw()

    def _take_file(self, change: dict[str, Any]) -> None:
        files = change["new"]
        if files:
            self._intake.examine(str(files[0]["name"]), bytes(files[0]["content"]))
            # Emptied, so that the same file can be chosen again once it is mended.
            self.upload.value = ()

    def _take_word(self, message: str) -> None:
        verb, _, name = message.partition(":")
        if verb == "large":
            self._desk.refuse("consumers.too_large", file=name, most=MAX_UPLOAD_BYTES // 1_000_000)

    def _draw(self) -> None:
        texts: Texts = self._desk.texts
        report, can_edit = self._intake.report, self._desk.can_edit
        self._head.value = (
            f"<h3>{escape(texts('consumers.import'))}</h3>"
            f'<p class="mg-sub">{escape(texts("consumers.import.help"))}</p>'
        )
        self.upload.description = self.upload.tooltip = texts("consumers.import.choose")
        self.upload.disabled = not can_edit
        self.report.value = report_html(report, texts) if report else ""
        self._actions.layout.display = None if report else "none"
        self.apply.layout.display = None if self._intake.ready else "none"
        rows = len(report.rows) if report else 0
        self.apply.description = texts("consumers.import.all", count=rows)
        done = report is not None and report.applied
        self.drop.description = texts("consumers.close" if done else "consumers.cancel")


def report_html(report: ImportReport, texts: Texts) -> str:
    """Write the report of an import; rows that are refused come first."""
    state = "done" if report.applied else "dry"
    text = texts(f"consumers.import.{state}", file=report.file)
    head = (
        f'<p role="status" data-import="{state}"><b><bdi>{escape(text)}</bdi></b> '
        f"{escape(report_counts(report, texts))}</p>"
    )
    heads = "".join(
        f'<th scope="col">{escape(texts(f"consumers.row.{key}"))}</th>'
        for key in ("number", "name", "action", "details")
    )
    refused = RowAction.refused
    ordered = sorted(report.rows, key=lambda row: (row.action is not refused, row.row))
    rows = "".join(_row_html(row, texts) for row in ordered[:_MOST_ROWS])
    more = len(ordered) - _MOST_ROWS
    below = f"<p>{escape(texts('consumers.rows.more', count=more))}</p>" if more > 0 else ""
    label = escape(texts("consumers.import.report"))
    return (
        f'{head}<div class="mg-scroll" tabindex="0" role="region" aria-label="{label}">'
        f'<table><caption class="mg-hidden">{label}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{below}"
    )


def _row_html(row: RowReport, texts: Texts) -> str:
    action = texts(f"consumers.row.{row.action}")
    lines = [labelled_problem(problem, texts) for problem in row.problems]
    if row.action is not RowAction.add:
        lines += change_lines(row.changes, texts)
    details = "<br>".join(escape(line) for line in lines)
    mark = "✗ " if row.action is RowAction.refused else ""
    return (
        f'<tr data-row="{row.row}" data-action="{row.action}"><td>{row.row}</td>'
        f'<td class="mg-text"><bdi>{escape(row.name or "–")}</bdi></td>'
        f'<td class="mg-text">{mark}{escape(action)}</td><td class="mg-text">{details}</td></tr>'
    )


class ExportView:
    """A button per format: each makes a file of everything the filter leaves.

    Parameters
    ----------
    desk, shelf
        What is exported.
    """

    def __init__(self, desk: Desk, shelf: Shelf) -> None:
        self._desk, self._shelf = desk, shelf
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.downloads = {
            kind: Download(label, partial(self.make, kind)) for kind, (label, _) in _KINDS.items()
        }
        offered = [download.widget for download in self.downloads.values()]
        self.widget = widgets.VBox(
            [self._head, widgets.Box(offered).add_class("mg-downloads")]
        ).add_class("mg-chart")
        desk.observe(lambda _: self._draw(), "texts")
        shelf.observe(lambda _: self._draw(), "listing")
        self._draw()

    def make(self, kind: str) -> File:
        """Make the file of a format, of the list as it is now."""
        store, query, texts = self._desk.store, self._shelf.query, self._desk.texts
        mime = _KINDS[kind][1]
        if kind == "pdf":
            content = self._pdf()
        else:
            content = export(store.select(query), store.totals(query), ExportFormat(kind))
        suffix = "pdf" if kind == "pdf" else _SUFFIXES[ExportFormat(kind)]
        name = file_name(texts("section.consumers"), self._desk.site.name, extension=suffix)
        return File(name, mime, content)

    def passage(self) -> Passage:
        """The list as it is now, for a document: filter and totals, then the table."""
        return consumer_list(self._desk.store, self._shelf.query, self._desk.texts)

    def _pdf(self) -> bytes:
        site, texts = self._desk.site, self._desk.texts
        what = About(site=site.title, zone=site.display_zone)
        return passages_pdf(texts("section.consumers"), [self.passage()], what, texts)

    def _draw(self) -> None:
        texts: Texts = self._desk.texts
        self._head.value = (
            f"<h3>{escape(texts('consumers.export'))}</h3>"
            f'<p class="mg-sub">{escape(filter_text(self._shelf.query, texts))}</p>'
        )
        for download in self.downloads.values():
            download.show(texts)
