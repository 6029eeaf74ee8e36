"""The dashboard: `app = Dashboard(); app` is all a notebook does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets

from microgrid_lib.dashboard.banner import BannerView
from microgrid_lib.dashboard.bridge import Bridge
from microgrid_lib.dashboard.frame import Frame
from microgrid_lib.dashboard.header import Header, window_query
from microgrid_lib.dashboard.library import InstalledLibrary, Library
from microgrid_lib.dashboard.request import requested_query, under_voila
from microgrid_lib.dashboard.sections import SECTIONS
from microgrid_lib.dashboard.sections.base import Loaded, SectionModel, SectionView
from microgrid_lib.dashboard.state import THEMES, DashboardState
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.banner import make_banner
from microgrid_lib.present.freshness import freshness
from microgrid_lib.present.periods import describe, period_window, shifted, slot_floor
from microgrid_lib.present.sections import SiteData
from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import load_settings

_POLL_S = 15.0


def style_sheet() -> widgets.HTML:
    """Make the page's style a widget, for JupyterLab: in Voilà the template brings it."""
    folder = resource_path("share/jupyter/voila/templates/microgrid/static")
    names = ("tokens.css", "microgrid.css")
    css = "".join((folder / name).read_text(encoding="utf-8") for name in names)
    return widgets.HTML(f"<style>{css}</style>")


class Dashboard(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no annotations
    """The page: header, tabs, and the section looked at, built when it is first looked at.

    Parameters
    ----------
    sections
        Names of the sections to offer; none: all of them.
    library
        Where the numbers come from; default: the installed library.

    Raises
    ------
    MicrogridError
        The settings name a site that doesn't exist, or can't be read.
    """

    def __init__(self, *sections: str, library: Library | None = None) -> None:
        names = sections or tuple(SECTIONS)
        settings = load_settings()
        self.library = library or InstalledLibrary()
        self.choices = DashboardState(self.library, names, settings.site, settings.language)
        self.models = {name: SectionModel(SECTIONS[name]) for name in names}
        self._views: dict[str, SectionView] = {}
        self._data: SiteData | None = None
        self._loaded: Loaded | None = None
        self.frame = Frame(names)
        self.header = Header(self.choices, self.library, self.complain)
        self.banner = BannerView(lambda profile: self._choose(profile=profile))
        self.bridge = Bridge(self.choices, self.complain)
        self.frame.above.children = (self.banner.widget,)
        style = [] if under_voila() else [style_sheet()]
        super().__init__([*style, self.bridge.widget, self.header.widget, *self.frame.parts])
        self.add_class("mg-app")
        self._paint()
        self.refresh()
        self._link()
        self._arrive()
        self._following = self._follow()

    @property
    def texts(self) -> Texts:
        """Texts of the chosen language."""
        return texts_for(self.choices.language)

    def refresh(self) -> None:
        """Show the chosen view of the data as it is now."""
        self.add_class("mg-busy")
        try:
            self._loaded = self._open()
            self._show()
        except MicrogridError as error:
            self._loaded = None
            self.frame.body.children = ()
            self.frame.above.layout.display = "none"
            self.complain(str(error))
        finally:
            self.remove_class("mg-busy")

    def complain(self, problem: str) -> None:
        """Show one line on what went wrong, with the controls back in line with the state."""
        self.frame.say_problem(self.texts, problem)
        self._label()

    def _link(self) -> None:
        self.frame.tabs.observe(self._take_section, "value")
        self.frame.earlier.on_click(lambda _: self._shift(-1))
        self.frame.later.on_click(lambda _: self._shift(1))
        self.frame.retry.on_click(lambda _: self.refresh())
        self.choices.observe(lambda _: self.refresh(), names=["view", "section"])
        self.choices.observe(lambda _: self._paint(), names=["theme"])

    def _open(self) -> Loaded | None:
        """Open the data of the chosen site and profile, and resolve the chosen period."""
        choices = self.choices
        data = self._data
        if data is None or (data.site.name, data.profile.name) != (choices.site, choices.profile):
            data = self._data = self.library.open_site(choices.site, choices.profile)
        span, as_of = data.span(), data.as_of()
        if span is None or as_of is None:
            return None
        end = slot_floor(as_of, data.site.interval_s) if data.site.live else as_of
        custom = (choices.start, choices.end) if choices.period == "custom" else None
        return Loaded(
            data=data,
            window=period_window(choices.period, end, custom),
            texts=self.texts,
            against=self.texts(f"against.{choices.period}"),
            newest=span[1],
            synthetic=data.synthetic,
        )

    def _show(self) -> None:
        loaded, name = self._loaded, self.choices.section
        self.frame.say_problem(self.texts, "")
        self._label()
        banner = make_banner(loaded.data, self.texts) if loaded else None
        self.banner.show(banner, self.texts)
        self.frame.above.layout.display = None if banner else "none"
        if loaded is None:
            self.frame.say_empty(self.texts, self.choices.site)
            return
        self.models[name].load(loaded)
        if name not in self._views:
            self._views[name] = SectionView(self.models[name])
        self.frame.body.children = (self._views[name].widget,)

    def _label(self) -> None:
        loaded, texts = self._loaded, self.texts
        fresh = None
        if loaded is not None:
            site = loaded.data.site
            fresh = freshness(
                loaded.newest,
                datetime.now(UTC),
                texts,
                live=site.live,
                interval_s=site.interval_s,
            )
        synthetic = loaded is not None and loaded.synthetic
        self.header.show(texts, loaded.window if loaded else None, fresh, synthetic)
        self.frame.label(texts, self.choices.section)
        self.frame.say_when(describe(loaded.window, texts) if loaded else "")

    def _take_section(self, change: dict[str, Any]) -> None:
        self._choose(section=str(change["new"]))

    def _shift(self, steps: int) -> None:
        if self._loaded is None:
            return
        start, end = window_query(shifted(self._loaded.window, steps))
        self._choose(period="custom", start=start, end=end)

    def _choose(self, **values: str) -> None:
        try:
            self.choices.change(**values)
        except MicrogridError as error:
            self.complain(str(error))

    def _paint(self) -> None:
        for theme in THEMES:
            self.remove_class(f"mg-theme-{theme}")
        self.add_class(f"mg-theme-{self.choices.theme}")

    def _arrive(self) -> None:
        """Go where the visitor's address points; in a pooled kernel, once there is a visitor."""
        query = requested_query()
        self._look()
        try:
            self.choices.apply_query(query)
        except MicrogridError as error:
            self.complain(str(error))

    def _look(self) -> None:
        """Show new data, if there are any."""
        try:
            loaded = self._loaded
            live = loaded is not None and loaded.data.site.live
            if loaded is None or live or self.models[self.choices.section].stale(loaded):
                self.refresh()
        except MicrogridError as error:
            self.complain(str(error))

    def _follow(self) -> asyncio.Task[None] | None:
        """Look for new data every few seconds while the kernel lives."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None

        async def follow() -> None:
            while True:
                await asyncio.sleep(_POLL_S)
                self._look()

        return loop.create_task(follow())
