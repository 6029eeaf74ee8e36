"""The header: site, profile, period, freshness, language, theme. Linked to the state both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.access import Actor
from microgrid_lib.dashboard.library import Library
from microgrid_lib.dashboard.state import REFRESH_S, THEMES, DashboardState
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.banner import profile_title
from microgrid_lib.present.freshness import Freshness
from microgrid_lib.present.periods import PERIODS
from microgrid_lib.present.texts import LANGUAGES, Texts
from microgrid_lib.window import Window


class Header:
    """The controls above the page.

    Parameters
    ----------
    state
        The viewer's choices; the controls only link to it.
    library
        For titles of sites and profiles.
    on_problem
        Called with one line when a choice can't be taken.
    """

    def __init__(
        self, state: DashboardState, library: Library, on_problem: Callable[[str], None]
    ) -> None:
        self._state = state
        self._library = library
        self._on_problem = on_problem
        self._linking = False
        self._window: Window | None = None
        self.title = widgets.HTML().add_class("mg-title")
        self.site = widgets.Dropdown().add_class("mg-picker")
        self.profile = widgets.Dropdown().add_class("mg-picker").add_class("mg-profile")
        self.period = widgets.ToggleButtons().add_class("mg-periods")
        self.first_day = widgets.DatePicker().add_class("mg-date")
        self.last_day = widgets.DatePicker().add_class("mg-date")
        self.custom = widgets.HBox([self.first_day, self.last_day]).add_class("mg-custom")
        self.freshness = widgets.HTML().add_class("mg-freshness")
        self.refresh = widgets.Dropdown().add_class("mg-picker").add_class("mg-refresh")
        self.language = widgets.Button().add_class("mg-square").add_class("mg-language")
        self.theme = widgets.Button(description="◐").add_class("mg-square").add_class("mg-theme")
        self._visitor: tuple[Actor, str | None] | None = None
        self.visitor = widgets.HTML().add_class("mg-visitor")
        controls = [
            self.site,
            self.profile,
            self.period,
            self.custom,
            self.freshness,
        ]
        self.widget = widgets.HBox(
            [
                self.title,
                widgets.HBox(controls).add_class("mg-controls"),
                widgets.HBox([self.visitor, self.language, self.theme]).add_class(
                    "mg-page-controls"
                ),
            ]
        ).add_class("mg-header")
        self.site.observe(self._take("site"), "value")
        self.profile.observe(self._take("profile"), "value")
        self.period.observe(self._take_period, "value")
        self.refresh.observe(self._take("refresh"), "value")
        self.first_day.observe(self._take_days, "value")
        self.last_day.observe(self._take_days, "value")
        self.language.on_click(self._next_language)
        self.theme.on_click(self._next_theme)

    def show(
        self, texts: Texts, window: Window | None, freshness: Freshness | None, synthetic: bool
    ) -> None:
        """Bring every control in line with the state."""
        state = self._state
        self._linking = True
        try:
            self._window = window
            _offer(self.site, self._library.sites(), state.site)
            profiles = {
                name: profile_title(state.site, name, title, texts)
                for name, title in self._library.profiles(state.site).items()
            }
            _offer(self.profile, profiles, state.profile)
            self.profile.layout.display = None if len(profiles) > 1 else "none"
            names = {period: texts(f"period.{period}") for period in PERIODS}
            _offer(self.period, names, state.period)
            self.period.tooltips = [texts(f"period.{period}.help") for period in PERIODS]
            often = {name: texts(f"refresh.{name}") for name in REFRESH_S}
            _offer(self.refresh, often, state.refresh)
            self._show_custom(window)
        finally:
            self._linking = False
        self._label(texts)
        demo = f' <span class="mg-demo">{escape(texts("demo"))}</span>' if synthetic else ""
        self.title.value = f"<h1>{escape(texts('app.title'))}</h1>{demo}"
        self.freshness.value = _freshness_html(freshness)

    def show_visitor(self, visitor: Actor, logout: str | None) -> None:
        """Say who is logged in, and where they can log out; without a session there is nothing."""
        self._visitor = (visitor, logout)

    def _show_custom(self, window: Window | None) -> None:
        self.custom.layout.display = None if self._state.period == "custom" else "none"
        if window is not None:
            self.first_day.value = window.start.date()
            self.last_day.value = (window.end - timedelta(microseconds=1)).date()

    def _label(self, texts: Texts) -> None:
        for widget, key in (
            (self.site, "pick.site"),
            (self.profile, "pick.profile"),
            (self.period, "pick.period"),
            (self.first_day, "pick.first_day"),
            (self.last_day, "pick.last_day"),
            (self.refresh, "pick.refresh"),
        ):
            widget.description = texts(key)
        self.visitor.value = _visitor_html(self._visitor, texts)
        other = _after(LANGUAGES, self._state.language)
        self.language.description = other.upper()
        self.language.tooltip = texts(f"language.{other}")
        self.theme.tooltip = texts(f"theme.{self._state.theme}")

    def _take(self, name: str) -> Callable[[dict[str, Any]], None]:
        def taken(change: dict[str, Any]) -> None:
            self._change(**{name: change["new"]})

        return taken

    def _take_period(self, change: dict[str, Any]) -> None:
        period = change["new"]
        if period != "custom":
            self._change(period=period)
        elif self._window is not None:
            start = self._window.start.date()
            end = (self._window.end - timedelta(microseconds=1)).date() + timedelta(days=1)
            self._change(period="custom", start=start.isoformat(), end=end.isoformat())

    def _take_days(self, _: Any) -> None:
        first, last = self.first_day.value, self.last_day.value
        if self._state.period == "custom" and isinstance(first, date) and isinstance(last, date):
            end = last + timedelta(days=1)
            self._change(period="custom", start=first.isoformat(), end=end.isoformat())

    def _next_language(self, _: Any) -> None:
        self._change(language=_after(LANGUAGES, self._state.language))

    def _next_theme(self, _: Any) -> None:
        self._change(theme=_after(THEMES, self._state.theme))

    def _change(self, **values: Any) -> None:
        if self._linking:
            return
        try:
            self._state.change(**{name: str(value) for name, value in values.items()})
        except MicrogridError as error:
            self._on_problem(str(error))


def window_query(window: Window) -> tuple[str, str]:
    """Write a window as the start and end of a custom period: dates where it is whole days."""
    return _moment_text(window.start), _moment_text(window.end)


def _moment_text(moment: datetime) -> str:
    if moment.time() == time():
        return moment.date().isoformat()
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _offer(widget: Any, options: Mapping[str, str], chosen: str) -> None:
    pairs = tuple((title, name) for name, title in options.items())
    if tuple(widget.options) != pairs:
        widget.options = pairs
    widget.value = chosen


def _after(choices: tuple[str, ...], current: str) -> str:
    return choices[(choices.index(current) + 1) % len(choices)]


def _visitor_html(visitor: tuple[Actor, str | None] | None, texts: Texts) -> str:
    if visitor is None or visitor[1] is None:
        return ""
    actor, logout = visitor
    role = escape(texts(f"visitor.{actor.role.value}"), quote=True)
    return (
        f'<span title="{role}">{escape(actor.name)}</span> '
        f'<a href="{escape(str(logout), quote=True)}">{escape(texts("visitor.logout"))}</a>'
    )


def _freshness_html(freshness: Freshness | None) -> str:
    if freshness is None:
        return ""
    as_of = escape(freshness.as_of.isoformat(), quote=True)
    live = str(freshness.live).lower()
    return (
        f'<p class="mg-badge mg-fresh-{freshness.level}" role="status" data-as-of="{as_of}" '
        f'data-live="{live}">{escape(freshness.text)}</p>'
    )
