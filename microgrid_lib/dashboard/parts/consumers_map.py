"""The map of the consumers: outline, spots, and a pin that can be dragged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import ipyleaflet
import ipywidgets as widgets

from microgrid_lib.consumers.model import Consumer
from microgrid_lib.consumers.outline import approximate_square, site_outline
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.dashboard.parts.consumers_editor import PLACE, Editor
from microgrid_lib.dashboard.parts.consumers_shelf import Shelf
from microgrid_lib.errors import FileProblem
from microgrid_lib.present.consumer_map import (
    MAX_ZOOM,
    MIN_ZOOM,
    Bounds,
    Spot,
    bounds_of,
    features,
    fitting,
    look_svg,
    outline_positions,
    patterns_svg,
    spots,
)
from microgrid_lib.present.consumers import kind_text, power_number, type_text
from microgrid_lib.present.texts import Texts

_GUESSED_SIZE_PX = (640.0, 420.0)
_PIN = (
    '<svg viewBox="0 0 32 40" aria-hidden="true"><path d="M16 39C16 39 3 24.5 3 15a13 13 0 0 1 26 '
    '0c0 9.5-13 24-13 24Z"/><circle cx="16" cy="15" r="5"/></svg>'
)


class MapView:
    """The map, its legend and its buttons.

    Parameters
    ----------
    desk, shelf, editor
        What is shown and changed; the map only links to them.
    """

    def __init__(self, desk: Desk, shelf: Shelf, editor: Editor) -> None:
        self._desk, self._shelf, self._editor = desk, shelf, editor
        self._spots: dict[str, Spot] = {}
        self._bounds: Bounds | None = None
        self._pin: Any = None
        self._moving = False
        self._on_the_way = True
        self._outline = ipyleaflet.GeoJSON(
            data={}, style={"className": "mg-outline", "weight": 2, "fillOpacity": 0.06}
        )
        self._points = ipyleaflet.GeoJSON(
            data={},
            # A click on a point isn't a click on the map below it.
            point_style={"radius": 11, "bubblingMouseEvents": False},
        )
        self.map = ipyleaflet.Map(
            layers=(*self._tiles(), self._outline, self._points),
            min_zoom=MIN_ZOOM,
            max_zoom=MAX_ZOOM,
            zoom=15,
            scroll_wheel_zoom=True,
            double_click_zoom=False,
            zoom_control=False,
            attribution_control=False,
            layout=widgets.Layout(width="100%", height="440px", min_width="0"),
        )
        self.map.add(ipyleaflet.ScaleControl(imperial=False, position="bottomleft"))
        if len(self.map.layers) > 2:
            self.map.add(ipyleaflet.AttributionControl(prefix="", position="bottomright"))
        self._patterns = widgets.HTML()
        self._pointed = widgets.HTML().add_class("mg-map-pointed")
        self._legend = widgets.HTML().add_class("mg-map-legend")
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.fit_button = widgets.Button().add_class("mg-link")
        self.closer = widgets.Button(description="+").add_class("mg-square")
        self.farther = widgets.Button(description="−").add_class("mg-square")
        buttons = widgets.HBox([self.closer, self.farther, self.fit_button])
        self.widget = widgets.VBox(
            [
                widgets.HBox([self._head, buttons.add_class("mg-map-buttons")]).add_class(
                    "mg-chart-top"
                ),
                self._patterns,
                self.map,
                self._pointed,
                self._legend,
            ]
        ).add_class("mg-chart")
        self.widget.add_class("mg-map")
        self._link()

    def show_site(self) -> None:
        """Draw the outline of the desk's site and go there."""
        site = self._desk.site
        try:
            outline = site_outline(site, self._desk.settings.home)
        except FileProblem as error:
            outline = approximate_square(site)
            self._desk.refuse("consumers.outline", problem=str(error))
        self._outline.data = outline
        self._bounds = bounds_of(outline_positions(outline) or [(site.latitude, site.longitude)])
        self._label()
        with self._moved_to():
            self.fit()

    def fit(self) -> None:
        """Show the whole site and every consumer listed."""
        south, west, north, east = self._bounds or (0.0, 0.0, 0.0, 0.0)
        listing = self._shelf.listing
        places = [(one.latitude, one.longitude) for one in listing.found] if listing else []
        self._go(bounds_of([(south, west), (north, east), *places]))

    def _tiles(self) -> tuple[Any, ...]:
        settings = self._desk.settings
        if not settings.tile_url:
            return ()
        credit = escape(settings.tile_attribution or "")
        return (ipyleaflet.TileLayer(url=settings.tile_url, attribution=credit, max_zoom=MAX_ZOOM),)

    def _link(self) -> None:
        self._desk.observe(lambda _: self._label(), "texts")
        self._shelf.observe(lambda _: self._draw(), "listing")
        self._editor.observe(self._draw_pin, names=["mode", "base", "values"])
        self.map.observe(lambda _: self._draw(), "zoom")
        self.map.on_interaction(self._take_click)
        self._points.on_click(self._take_point)
        self._points.on_hover(self._point_at)
        self.fit_button.on_click(lambda _: self.fit())
        self.closer.on_click(lambda _: self._zoom(1))
        self.farther.on_click(lambda _: self._zoom(-1))

    def _label(self) -> None:
        texts: Texts = self._desk.texts
        hint = texts("consumers.map.edit" if self._desk.can_edit else "consumers.map.view")
        self._head.value = (
            f"<h3>{escape(texts('consumers.map'))}</h3>"
            f'<p class="mg-sub mg-map-label">{escape(hint)}</p>'
        )
        self.fit_button.description = texts("consumers.map.fit")
        self.closer.tooltip = texts("consumers.map.closer")
        self.farther.tooltip = texts("consumers.map.farther")
        self._legend.value = legend_html(texts)

    @contextmanager
    def _moved_to(self) -> Iterator[None]:
        """Draw once the map is where it belongs, not on its way there."""
        self._on_the_way = True
        try:
            yield
        finally:
            self._on_the_way = False
        self._draw()

    def _draw(self) -> None:
        if self._on_the_way:
            return
        listing = self._shelf.listing
        shown = spots(listing.found if listing else (), self.map.zoom)
        self._spots = {spot.key: spot for spot in shown}
        # The looks first: a spot without its look would be drawn as nothing.
        self._patterns.value = patterns_svg(shown)
        self._points.data = features(shown)

    def _take_click(self, **event: Any) -> None:
        if event.get("type") == "click" and self._desk.can_edit:
            place = _position(event.get("coordinates"))
            if place is not None:
                self._editor.begin(*place)

    def _take_point(self, **event: Any) -> None:
        spot = self._spots.get(str(event.get("id")))
        if spot is None:
            return
        if spot.count == 1:
            self._editor.select(spot.key)
        else:
            self._go(spot.bounds, closer_than=self.map.zoom)

    def _point_at(self, **event: Any) -> None:
        spot = self._spots.get(str(event.get("id")))
        if spot is not None:
            self._pointed.value = pointed_html(spot, self._desk.texts)

    def _draw_pin(self, _: Any) -> None:
        """Show a pin where the form says the consumer is; none where it says no place."""
        place = None
        if self._editor.mode != "closed":
            values = self._editor.cleaned()
            place = _position([values[name] for name in PLACE])
        if place is None:
            self._remove_pin()
        elif self._pin is None:
            self._pin = self._new_pin(place)
            self.map.add(self._pin)
        elif tuple(self._pin.location) != place:
            self._moving = True
            try:
                self._pin.location = list(place)
            finally:
                self._moving = False

    def _new_pin(self, place: tuple[float, float]) -> Any:
        icon = ipyleaflet.DivIcon(html=_PIN, icon_size=[32, 40], icon_anchor=[16, 39])
        pin = ipyleaflet.Marker(
            location=list(place),
            draggable=self._desk.can_edit,
            keyboard=False,
            icon=icon,
            z_index_offset=1000,
        )
        pin.observe(self._take_drag, "location")
        return pin

    def _remove_pin(self) -> None:
        if self._pin is not None:
            self.map.remove(self._pin)
            self._pin.icon.close()
            self._pin.close()
            self._pin = None

    def _take_drag(self, change: dict[str, Any]) -> None:
        place = _position(change["new"])
        if not self._moving and place is not None:
            self._editor.place(*place)

    def _zoom(self, steps: int) -> None:
        self.map.zoom = max(MIN_ZOOM, min(MAX_ZOOM, self.map.zoom + steps))

    def _go(self, bounds: Bounds, closer_than: float = -1.0) -> None:
        wide, high = _GUESSED_SIZE_PX
        if self.map.right > self.map.left and self.map.bottom > self.map.top:
            wide, high = self.map.right - self.map.left, self.map.bottom - self.map.top
        centre, zoom = fitting(bounds, wide, high)
        with self.map.hold_sync():
            self.map.center = list(centre)
            self.map.zoom = min(MAX_ZOOM, max(zoom, closer_than + 1))


def _position(values: Any) -> tuple[float, float] | None:
    """Latitude and longitude of what a page sends; None where it is nothing of the kind."""
    try:
        latitude, longitude = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    return (latitude, longitude) if -90 <= latitude <= 90 and abs(longitude) < 1e6 else None


def legend_html(texts: Texts) -> str:
    """Explain the shapes of the map."""
    keys: list[tuple[str, str]] = [
        (look_svg(1, 1), texts("consumer.type.critical")),
        (look_svg(1, 0), texts("consumer.type.non_critical")),
        (look_svg(8, 3), texts("consumers.map.several")),
    ]
    shapes = "".join(
        f'<span class="mg-key"><svg class="mg-look" viewBox="0 0 40 40" aria-hidden="true">{svg}'
        f"</svg>{escape(label)}</span>"
        for svg, label in keys
    )
    outline = f'<span class="mg-key mg-key-outline"><i></i>{escape(texts("consumers.map.site"))}'
    return f"{shapes}{outline}</span>"


def pointed_html(spot: Spot, texts: Texts) -> str:
    """What the pointer is on."""
    if spot.count > 1:
        return escape(texts("consumers.map.pile", count=spot.count, critical=spot.critical))
    return (
        f"<b><bdi>{escape(spot.members[0].name)}</bdi></b> {escape(brief(spot.members[0], texts))}"
    )


def brief(consumer: Consumer, texts: Texts) -> str:
    """Type, kind and rated power on one line."""
    parts = [type_text(str(consumer.type), texts), kind_text(str(consumer.kind), texts)]
    if consumer.rated_power_kw is not None:
        parts.append(f"{power_number(consumer.rated_power_kw, texts)} kW")
    return " · ".join(parts)
