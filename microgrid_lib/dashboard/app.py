"""The dashboard: `app = Dashboard(); app` is all a notebook does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from microgrid_lib.dashboard.ahead import Ahead
from microgrid_lib.dashboard.banner import BannerView
from microgrid_lib.dashboard.bridge import Bridge
from microgrid_lib.dashboard.frame import Frame
from microgrid_lib.dashboard.header import Header, window_query
from microgrid_lib.dashboard.language import pick_language
from microgrid_lib.dashboard.library import InstalledLibrary, Library
from microgrid_lib.dashboard.live import Follower
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.request import (
    pooled,
    requested_query,
    under_voila,
    visit_details,
)
from microgrid_lib.dashboard.sections import SECTIONS, load_modules
from microgrid_lib.dashboard.sections.base import SectionPanel
from microgrid_lib.dashboard.state import REFRESH_S, THEMES, DashboardState
from microgrid_lib.dashboard.style import style_sheet
from microgrid_lib.dashboard.visitor import current_visitor, logout_address
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.banner import make_banner
from microgrid_lib.present.freshness import freshness
from microgrid_lib.present.periods import describe, period_window, shifted, slot_floor
from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.settings import load_settings

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData


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
        shown = {name: SECTIONS[name] for name in sections or SECTIONS}
        settings = load_settings()
        self.library = library or InstalledLibrary()
        self.choices = DashboardState(
            self.library,
            {name: tuple(section.tabs) for name, section in shown.items()},
            settings.site,
            settings.language,
        )
        page = Page(self._choose, self.complain, tuple(shown))
        self.panels = {name: SectionPanel(section, page) for name, section in shown.items()}
        self._data: SiteData | None = None
        self._loaded: Loaded | None = None
        self.header = Header(self.choices, self.library, self.complain)
        self.frame = Frame(
            tuple(shown), lambda name: self._choose(section=name), self.header.refresh
        )
        self.banner = BannerView(lambda profile: self._choose(profile=profile))
        self._ahead = Ahead(self._build_ahead())
        self.bridge = Bridge(self.choices, self.complain, self._ahead.start)
        self.frame.above.children = (self.banner.widget,)
        style = [] if under_voila() else [style_sheet()]
        super().__init__([*style, self.bridge.widget, self.header.widget, *self.frame.parts])
        self.add_class("mg-app")
        self._follower = Follower(self._look, lambda: REFRESH_S[self.choices.refresh])
        self._paint()
        self.refresh()
        self._link()
        self._arrive()
        self._follower.start()

    @property
    def texts(self) -> Texts:
        """Texts of the chosen language."""
        return texts_for(self.choices.language)

    @property
    def panel(self) -> SectionPanel:
        """The section looked at."""
        return self.panels[self.choices.section]

    def refresh(self) -> None:
        """Show the chosen view of the data as it is now, dimmed until it is there."""
        self.add_class("mg-busy")
        try:
            self._update()
        finally:
            self.remove_class("mg-busy")

    def _update(self) -> None:
        self._place = self._chosen_place()
        try:
            self._loaded = self._open()
            self._show()
        except MicrogridError as error:
            self._loaded = None
            self._leave(None)
            self.frame.body.clear()
            self.frame.above.layout.display = "none"
            self.complain(str(error))

    def complain(self, problem: str) -> None:
        """Show one line on what went wrong, with the controls back in line with the state."""
        self.frame.say_problem(self.texts, problem)
        self._label()

    def _link(self) -> None:
        self.frame.earlier.on_click(lambda _: self._shift(-1))
        self.frame.later.on_click(lambda _: self._shift(1))
        self.frame.retry.on_click(lambda _: self.refresh())
        self.choices.observe(self._go, names=["view", "section", "tab"])
        self.choices.observe(lambda _: self._follower.changed(), names=["refresh"])
        self.choices.observe(lambda _: self._paint(), names=["theme"])

    def _go(self, _: Any) -> None:
        # Several choices at once are several notifications, and one way to go.
        if self._place != self._chosen_place():
            self.refresh()

    def _chosen_place(self) -> tuple[Any, ...]:
        return (self.choices.view, self.choices.section, self.choices.tab)

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
        loaded = self._loaded
        self.frame.say_problem(self.texts, "")
        self._label()
        banner = make_banner(loaded.data, self.texts) if loaded else None
        self.banner.show(banner, self.texts)
        self.frame.above.layout.display = None if banner else "none"
        if loaded is None:
            self._leave(None)
            self.frame.say_empty(self.texts, self.choices.site)
            return
        self.panel.show(loaded, self.choices.tab, self._attach)

    def _attach(self, widget: Any) -> None:
        self._leave(self.panel)
        self.frame.body.show(widget)

    def _leave(self, shown: SectionPanel | None) -> None:
        for panel in self.panels.values():
            if panel is not shown:
                panel.leave()

    def _build_ahead(self) -> Iterator[None]:
        """Build the sections that weren't looked at yet."""
        for panel in self.panels.values():
            yield from panel.rehearse(lambda: self._loaded)
            if self._loaded is not None:
                self.frame.body.prepare(panel.widget)
                yield

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
        if pooled():
            load_modules()
        query = requested_query()
        accepted = visit_details().get("HTTP_ACCEPT_LANGUAGE", "")
        self.header.show_visitor(current_visitor(), logout_address())
        self._look()
        try:
            # What the address says comes later, and so wins.
            language = pick_language(None, accepted, self.choices.language)
            self.choices.apply_query(f"lang={language}&{query}")
        except MicrogridError as error:
            self.complain(str(error))

    def _look(self) -> None:
        """Show new data, if there are any, without a sign of it where there are none."""
        try:
            loaded = self._loaded
            live = loaded is not None and loaded.data.site.live
            if loaded is None or live or self.panel.stale(loaded, self.choices.tab):
                self._update()
        except MicrogridError as error:
            self.complain(str(error))
