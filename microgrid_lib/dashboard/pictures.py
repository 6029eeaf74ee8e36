"""Prepared pictures on the page: donut and heat map as markup, curves with bqplot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import Any, Generic, TypeVar

import bqplot
import ipywidgets as widgets
import numpy as np

from microgrid_lib.dashboard.charts import set_ticks
from microgrid_lib.dashboard.flow_svg import flow_html
from microgrid_lib.dashboard.markup import donut_html, heat_map_html, rows_html
from microgrid_lib.present.flow import Flow
from microgrid_lib.present.pictures import Curve, Donut, HeatMap, Picture
from microgrid_lib.present.texts import Texts

_MARGIN = {"top": 12, "bottom": 30, "left": 46, "right": 20}
P = TypeVar("P", bound=Picture)


class PictureView(ABC, Generic[P]):
    """A picture on the page: title, drawing, note, table.

    Parameters
    ----------
    drawing
        The widget it is drawn in.
    """

    def __init__(self, drawing: Any) -> None:
        self._picture: P | None = None
        self._head = widgets.HTML().add_class("mg-chart-head")
        self._legend = widgets.HTML().add_class("mg-legend")
        self._note = widgets.HTML().add_class("mg-picture-note")
        self._table_button = widgets.ToggleButton().add_class("mg-link")
        self._table = widgets.HTML().add_class("mg-table")
        self._table.layout.display = "none"
        self.widget = widgets.VBox(
            [
                widgets.HBox([self._head, self._legend]).add_class("mg-chart-top"),
                drawing,
                self._note,
                self._table,
                widgets.HBox([self._table_button]).add_class("mg-chart-actions"),
            ]
        ).add_class("mg-chart")
        self._table_button.observe(self._toggle_table, "value")

    def show(self, picture: P, texts: Texts) -> None:
        """Draw a picture, in place of the one drawn before."""
        self._picture = picture
        self._head.value = (
            f'<h3>{escape(picture.title)}</h3><p class="mg-sub">{escape(picture.subtitle)}</p>'
            f'<p class="mg-hidden">{escape(picture.summary)}</p>'
        )
        self._note.value = f'<p class="mg-note">{escape(picture.note)}</p>' if picture.note else ""
        self._note.layout.display = None if picture.note else "none"
        self._table_button.description = texts("chart.table")
        self._fill_table()
        self._draw(picture, texts)

    @abstractmethod
    def _draw(self, picture: P, texts: Texts) -> None:
        """Draw it."""

    def _toggle_table(self, _: Any) -> None:
        self._table.layout.display = None if self._table_button.value else "none"
        self._fill_table()

    def _fill_table(self) -> None:
        shown = self._picture if self._table_button.value else None
        self._table.value = rows_html(shown) if shown is not None else ""


class DonutView(PictureView[Donut]):
    """Parts of a whole."""

    def __init__(self) -> None:
        self._ring = widgets.HTML().add_class("mg-donut")
        super().__init__(self._ring)

    def _draw(self, picture: Donut, texts: Texts) -> None:
        self._ring.value = donut_html(picture)


class HeatMapView(PictureView[HeatMap]):
    """A table of colours; each cell says its value on hover and focus."""

    def __init__(self) -> None:
        self._cells = widgets.HTML().add_class("mg-heat")
        super().__init__(self._cells)

    def _draw(self, picture: HeatMap, texts: Texts) -> None:
        self._cells.value = heat_map_html(picture, texts)


class FlowView(PictureView[Flow]):
    """Sources, battery, loads and grid around the bus."""

    def __init__(self) -> None:
        self._drawing = widgets.HTML().add_class("mg-flow")
        super().__init__(self._drawing)

    def _draw(self, picture: Flow, texts: Texts) -> None:
        self._drawing.value = flow_html(picture)


class CurveView(PictureView[Curve]):
    """A line over something other than time, with the values under the pointer."""

    def __init__(self) -> None:
        self._texts: Texts | None = None
        self._x = bqplot.LinearScale(allow_padding=False)
        self._y = bqplot.LinearScale(allow_padding=False)
        self._x_axis = bqplot.Axis(scale=self._x, grid_lines="none")
        self._y_axis = bqplot.Axis(scale=self._y, side="left", grid_lines="solid")
        scales = {"x": self._x, "y": self._y}
        self.line = bqplot.Lines(
            x=[0.0, 0.0], y=[0.0, 0.0], scales=scales, fill_opacities=[0.12], stroke_width=1.8
        )
        self._zero = bqplot.Lines(
            x=[0.0, 0.0],
            y=[0.0, 0.0],
            scales=scales,
            colors=["var(--mg-muted)"],
            stroke_width=1,
            opacities=[0.7],
        )
        self.pointer = bqplot.interacts.IndexSelector(
            scale=self._x, line_width=1, color="var(--mg-muted)"
        )
        self.pointer.observe(self._point, "selected")
        figure = bqplot.Figure(
            marks=[self._zero, self.line],
            axes=[self._x_axis, self._y_axis],
            scale_x=bqplot.LinearScale(min=0.0, max=1.0),
            scale_y=bqplot.LinearScale(min=0.0, max=1.0),
            fig_margin=_MARGIN,
            padding_y=0.0,
            animation_duration=0,
            display_toolbar=False,
            interaction=self.pointer,
            layout=widgets.Layout(width="100%", height="230px", min_width="0"),
        )
        super().__init__(figure)

    def _draw(self, picture: Curve, texts: Texts) -> None:
        self._texts = texts
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max = float(picture.x[0]), float(picture.x[-1])
            self._y.min, self._y.max = picture.y_range
        set_ticks(self._x_axis, picture.x_ticks)
        set_ticks(self._y_axis, picture.y_ticks)
        colour = f"var(--mg-{picture.source})"
        with self.line.hold_sync():
            self.line.colors = self.line.fill_colors = [colour]
            self.line.fill = "bottom" if self._y.min == 0 else "none"
            self.line.x, self.line.y = picture.x, picture.y
        with self._zero.hold_sync():
            self._zero.x, self._zero.y = [self._x.min, self._x.max], [0.0, 0.0]
            self._zero.visible = self._y.min < 0 < self._y.max
        self._say(None)

    def _point(self, change: dict[str, Any]) -> None:
        picture, selected = self._picture, change["new"]
        if picture is None or selected is None or np.size(selected) == 0:
            return
        x = float(np.asarray(selected, dtype=np.float64).ravel()[0])
        if np.isfinite(x):
            self._say(int(np.abs(picture.x - x).argmin()))

    def _say(self, at: int | None) -> None:
        picture, texts = self._picture, self._texts
        if picture is None or texts is None:
            return
        value = ""
        if at is not None:
            share = texts.number(float(picture.x[at]), 1)
            power = texts.number(float(picture.y[at]), 1)
            value = f" <b>{escape(texts('duration.at', share=share, power=power))}</b>"
        self._legend.value = (
            f'<span class="mg-key mg-source-{picture.source}"><i></i>'
            f"{escape(picture.label)}{value}</span>"
        )


def picture_view(picture: Picture) -> PictureView[Any]:
    """Make the view for a kind of picture."""
    if isinstance(picture, Donut):
        return DonutView()
    if isinstance(picture, HeatMap):
        return HeatMapView()
    if isinstance(picture, Curve):
        return CurveView()
    if isinstance(picture, Flow):
        return FlowView()
    raise TypeError(f"there is no view for {type(picture).__name__}")
