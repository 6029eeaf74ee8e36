"""What stays around the section: tabs, the window with its arrows, the problem line, the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.stage import Stage
from microgrid_lib.present.texts import Texts


class Frame:
    """The page below the header.

    Parameters
    ----------
    sections
        Names of the sections; one alone needs no tabs.
    on_section
        Called with the name of the section that the viewer has chosen.
    beside
        Further controls of the window.
    """

    def __init__(
        self, sections: Sequence[str], on_section: Callable[[str], None], *beside: Any
    ) -> None:
        self._sections = tuple(sections)
        self._linking = False
        self.tabs = widgets.ToggleButtons(options=self._sections).add_class("mg-tabs")
        self.tabs.observe(lambda change: self._take(change["new"], on_section), "value")
        self.earlier = widgets.Button(description="‹").add_class("mg-step")
        self.later = widgets.Button(description="›").add_class("mg-step")
        self._when = widgets.HTML().add_class("mg-when")
        self._window = widgets.HBox([self.earlier, self._when, self.later]).add_class("mg-window")
        self._problem = widgets.HTML()
        self.retry = widgets.Button().add_class("mg-link")
        self._problem_row = widgets.HBox([self._problem, self.retry]).add_class("mg-problem")
        self.above = widgets.VBox().add_class("mg-above")
        self.above.layout.display = "none"
        self.body = Stage("mg-body")
        self._empty = widgets.HTML()
        self.parts: tuple[Any, ...] = (
            widgets.HBox(
                [self.tabs, widgets.HBox([*beside, self._window]).add_class("mg-window")]
            ).add_class("mg-nav"),
            widgets.VBox([self._problem_row, self.above, self.body.widget]).add_class("mg-main"),
        )

    def label(self, texts: Texts, section: str) -> None:
        """Write the texts of a language."""
        self.tabs.description = texts("pick.section")
        options = tuple((texts(f"section.{name}"), name) for name in self._sections)
        self._linking = True
        try:
            # New options choose the first of them: that is not the viewer's choice.
            if tuple(self.tabs.options) != options:
                self.tabs.options = options
            self.tabs.value = section
        finally:
            self._linking = False
        self.earlier.tooltip = texts("window.earlier")
        self.later.tooltip = texts("window.later")
        self.retry.description = texts("retry")

    def _take(self, section: str, on_section: Callable[[str], None]) -> None:
        if not self._linking:
            on_section(section)

    def say_when(self, text: str) -> None:
        """Show the window in words; without any there is nothing to step through."""
        self._window.layout.display = None if text else "none"
        self._when.value = f"<p>{escape(text)}</p>"

    def say_empty(self, texts: Texts, site: str) -> None:
        """Show that nothing is ingested, and what to do, in place of a section."""
        hint = texts("hint.ingest", site=site)
        self._empty.value = notice_html(texts, "empty", texts("empty.site"), hint)
        self.body.show(self._empty)

    def say_problem(self, texts: Texts, message: str) -> None:
        """Show one line and a way to try again; an empty message takes it away."""
        self._problem_row.layout.display = None if message else "none"
        self._problem.value = notice_html(texts, "error", message) if message else ""
