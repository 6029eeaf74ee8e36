"""A section: named parts under one or more tabs, each built when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.downloads import Download, File
from microgrid_lib.dashboard.export import section_file
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.stage import Stage
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.texts import Texts

MakePart = Callable[[Page], Part]


@dataclass(frozen=True)
class Section:
    """What a section consists of.

    Attributes
    ----------
    name
        Its title is the message `section.<name>`.
    tabs
        Parts by tab; a tab's title is the message `tab.<name>.<tab>`. A section without tabs has
        one, without a name.
    """

    name: str
    tabs: Mapping[str, tuple[MakePart, ...]]


class SectionPanel:
    """A section on the page: heading, tabs, and the parts of the tab looked at.

    Parameters
    ----------
    section
        What it consists of.
    page
        Where its parts stand.
    """

    def __init__(self, section: Section, page: Page) -> None:
        self._section = section
        self._page = page
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._linking = False
        self._shown: tuple[Loaded, str] | None = None
        self.download = Download("PDF", self._file)
        self._heading = widgets.HTML().add_class("mg-section-title")
        self.tabs = widgets.ToggleButtons(options=list(section.tabs)).add_class("mg-subtabs")
        self.tabs.layout.display = None if len(section.tabs) > 1 else "none"
        self.tabs.observe(self._take_tab, "value")
        self._body = Stage("mg-section")
        self._bodies: dict[str, Any] = {}
        top = widgets.HBox([self._heading, self.tabs, self.download.widget]).add_class(
            "mg-section-top"
        )
        self.widget = widgets.VBox([top, self._body.widget]).add_class("mg-section")

    def parts(self, tab: str) -> tuple[Part, ...]:
        """Return the parts of a tab, built at the first call."""
        chosen = self._tab(tab)
        if chosen not in self._parts:
            self._parts[chosen] = tuple(make(self._page) for make in self._section.tabs[chosen])
        return self._parts[chosen]

    def stale(self, loaded: Loaded, tab: str) -> bool:
        """Whether a part shows something else than this view."""
        return any(part.stale(loaded) for part in self.parts(tab))

    def show(self, loaded: Loaded, tab: str, attach: Callable[[Any], None]) -> None:
        """Show a view of the data.

        Parameters
        ----------
        loaded
            The view.
        tab
            The tab looked at; empty: the first.
        attach
            Puts the panel on the page: called as soon as there is something to see.
        """
        parts = self.parts(tab)
        self._label(loaded.texts, self._tab(tab))
        later = [part for part in parts if part.slow or part.gradual]
        for part in parts:
            if part not in later:
                part.load(loaded)
        self._body.show(self._tab_body(self._tab(tab)))
        arriving = self._shown is None or self._shown[1] != tab
        if arriving and any(part.stale(loaded) for part in later):
            self._heading.value = self._pending_html(loaded.texts)
        attach(self.widget)
        for part in later:
            part.load(loaded)
        self._shown = (loaded, tab)
        self.download.show(loaded.texts)
        self._heading.value = self._heading_html(loaded, self._tab(tab))

    def rehearse(self, view: Callable[[], Loaded | None]) -> Iterator[None]:
        """Build the first tab before it is looked at, a part for each item; ends once it is.

        Parameters
        ----------
        view
            Gives the view that is looked at; None: there are no data.
        """
        first = self._tab("")
        for part in self.parts(first):
            loaded = view()
            if self._shown is not None or loaded is None:
                return
            if not part.slow:
                part.load(loaded)
                yield
        self._body.show(self._tab_body(first))

    def leave(self) -> None:
        """Be out of sight: the heading no longer says that the section is ready."""
        self._heading.value = ""

    def _tab_body(self, tab: str) -> Any:
        if tab not in self._bodies:
            children = [part.widget for part in self.parts(tab)]
            self._bodies[tab] = widgets.VBox(children).add_class("mg-section")
        return self._bodies[tab]

    def _file(self) -> File:
        if self._shown is None:
            raise NoDataError("nothing is shown yet")
        loaded, tab = self._shown
        name = self._section.name
        titles = [f"section.{name}", f"tab.{name}.{self._tab(tab)}"]
        title = " · ".join(loaded.texts(key) for key in titles if loaded.texts.has(key))
        found = [part.passage() for part in self.parts(tab)]
        return section_file(title, [passage for passage in found if passage], loaded)

    def _tab(self, tab: str) -> str:
        return tab or next(iter(self._section.tabs))

    def _label(self, texts: Texts, tab: str) -> None:
        self._linking = True
        try:
            name = self._section.name
            self.tabs.description = texts("pick.tab")
            options = tuple((texts(f"tab.{name}.{t}"), t) for t in self._section.tabs)
            if tuple(self.tabs.options) != options:
                self.tabs.options = options
            self.tabs.value = tab
        finally:
            self._linking = False

    def _take_tab(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self._page.choose(tab=str(change["new"]))

    def _pending_html(self, texts: Texts) -> str:
        title = escape(texts(f"section.{self._section.name}"))
        computing = escape(texts("section.computing"))
        return f'<div><h2>{title}</h2><p class="mg-sub" role="status">{computing}</p></div>'

    def _heading_html(self, loaded: Loaded, tab: str) -> str:
        """Write the heading; scripts wait for it: it says for which view the section is ready."""
        name = self._section.name
        values = {"section": name, "tab": tab, **loaded.attributes, "state": loaded.data.state()}
        said = "".join(
            f' data-{key}="{escape(value, quote=True)}"' for key, value in values.items()
        )
        return f"<div{said}><h2>{escape(loaded.texts(f'section.{name}'))}</h2></div>"
