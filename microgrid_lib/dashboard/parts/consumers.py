"""The consumers' page: list, map, form, import and export, put together."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.parts.consumers_desk import Desk, Message
from microgrid_lib.dashboard.parts.consumers_editor import Editor
from microgrid_lib.dashboard.parts.consumers_exchange import ExportView, ImportView
from microgrid_lib.dashboard.parts.consumers_files import Intake
from microgrid_lib.dashboard.parts.consumers_form import FormView
from microgrid_lib.dashboard.parts.consumers_list import FilterView, ListView
from microgrid_lib.dashboard.parts.consumers_map import MapView
from microgrid_lib.dashboard.parts.consumers_shelf import Shelf
from microgrid_lib.errors import MicrogridError
from microgrid_lib.report.pages import Passage


class ConsumersPart(Part):
    """Everything about a site's consumers.

    Parameters
    ----------
    page
        Where it stands; tells who looks.
    """

    gradual = True

    def __init__(self, page: Page) -> None:
        self._page = page
        self._ready = False
        self.widget = widgets.VBox().add_class("mg-section")

    def _build(self, loaded: Loaded) -> None:
        """Make models and views: the first time the part is shown, when there is a site."""
        self.desk = Desk(self._page, loaded.data.site, loaded.texts)
        self.shelf = Shelf(self.desk)
        self.editor = Editor(self.desk)
        self.intake = Intake(self.desk)
        # The browser takes longest for the map: it begins with it while the rest is made.
        self.map = MapView(self.desk, self.shelf, self.editor)
        # Before it is on the page: a layer whose data change while it is first drawn is lost.
        self.shelf.refresh()
        self.map.show_site()
        # The places stay what they are: the browser makes anew all that comes after a change.
        above, below = (widgets.VBox().add_class("mg-section") for _ in range(2))
        middle = widgets.Box([self.map.widget]).add_class("mg-map-and-form")
        self.widget.children = (above, middle, below)
        self.filter = FilterView(self.desk, self.shelf)
        self.list = ListView(self.desk, self.shelf, self.editor)
        self.form = FormView(self.desk, self.editor)
        self.imports = ImportView(self.desk, self.intake)
        self.exports = ExportView(self.desk, self.shelf)
        self.bar = MessageBar(self.desk, self.editor)
        middle.children = (self.map.widget, self.form.widget)
        files = widgets.Box([self.imports.widget, self.exports.widget]).add_class("mg-charts")
        above.children = (self.filter.widget, self.list.totals, self.bar.widget)
        below.children = (self.list.widget, files)
        self._ready = True

    def load(self, loaded: Loaded) -> None:
        """Show the consumers of a site as they are now; what was typed stays."""
        if not self._ready:
            self._build(loaded)
            return
        if loaded.texts is not self.desk.texts:
            self.desk.texts = loaded.texts
        if loaded.data.site.name != self.desk.site.name:
            self.desk.site = loaded.data.site
            self.editor.leave()
            self.intake.drop()
            self.shelf.show_site()
            self.shelf.refresh()
            self.map.show_site()
        elif self._behind():
            self.shelf.refresh()
            self.editor.follow()

    def stale(self, loaded: Loaded) -> bool:
        """Whether it shows another site or language, or someone changed consumers."""
        if not self._ready:
            return True
        same = loaded.texts is self.desk.texts and loaded.data.site.name == self.desk.site.name
        return not same or self._behind()

    def passage(self) -> Passage | None:
        """The filtered list, for a document."""
        return self.exports.passage() if self._ready else None

    def _behind(self) -> bool:
        try:
            return self.shelf.stale
        except MicrogridError as error:
            self.desk.message = Message(params={"text": str(error)}, bad=True)
            return False


class MessageBar:
    """What happened last, and the undo of a delete.

    Parameters
    ----------
    desk, editor
        Where it happened.
    """

    def __init__(self, desk: Desk, editor: Editor) -> None:
        self._desk, self._editor = desk, editor
        self.text = widgets.HTML()
        self.gone = widgets.HTML()
        self.undo = widgets.Button().add_class("mg-plain")
        self.hide = widgets.Button(description="×").add_class("mg-step")
        self._undo_row = widgets.HBox([self.gone, self.undo]).add_class("mg-undo")
        said = widgets.VBox([self.text, self._undo_row]).add_class("mg-said")
        self.widget = widgets.HBox([said, self.hide]).add_class("mg-messages")
        self.undo.on_click(lambda _: editor.undo())
        self.hide.on_click(lambda _: self._forget())
        desk.observe(lambda _: self._draw(), names=["message", "texts"])
        editor.observe(lambda _: self._draw(), "gone")
        self._draw()

    def _forget(self) -> None:
        self._desk.message = None
        self._editor.gone = None

    def _draw(self) -> None:
        texts, message, gone = self._desk.texts, self._desk.message, self._editor.gone
        self.text.value = ""
        if message is not None:
            kind = "error" if message.bad else "done"
            role = "alert" if message.bad else "status"
            self.text.value = (
                f'<p class="mg-{kind}" role="{role}" data-message="{kind}">'
                f"{escape(message.text(texts))}</p>"
            )
        self._undo_row.layout.display = None if gone else "none"
        if gone:
            said = escape(texts("consumers.gone", name=gone.name))
            self.gone.value = f'<p role="status" data-undo="{escape(gone.id)}">{said}</p>'
        self.undo.description = texts("consumers.undo")
        self.hide.tooltip = texts("consumers.close")
        self.widget.layout.display = None if message or gone else "none"
