"""A prepared chart, drawn with bqplot; colours are CSS variables, so the theme is the page's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import escape
from typing import Any

import bqplot
import ipywidgets as widgets
import numpy as np

from microgrid_lib.dashboard.downloads import Download, File
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.charts import Chart, Floats, Layer, Line, Scale
from microgrid_lib.present.texts import Texts, decimals_for
from microgrid_lib.present.ticks import Tick
from microgrid_lib.window import Window

_MARGIN = {"top": 12, "bottom": 26, "left": 46, "right": 20}
_LEAST_SAMPLES = 3
_MOST_ROWS = 1000

Zoom = Callable[[Chart, Window], Chart | None]
Save = Callable[[Chart], File]


class ChartView:
    """One chart on the page: title, legend with the values under the pointer, figure, table.

    Parameters
    ----------
    zoom
        Describes a stretch of the chart at the resolution that fits it; None where there is no
        data in it.
    save
        Makes a file of what is shown; None: there is nothing to take.
    """

    def __init__(self, zoom: Zoom | None = None, save: Save | None = None) -> None:
        self._chart: Chart | None = None
        self._shown: Chart | None = None
        self._texts: Texts | None = None
        self._load = zoom
        self._drawing = False
        self._x = bqplot.LinearScale(allow_padding=False)
        self._y = bqplot.LinearScale(allow_padding=False)
        self._unit = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        self._time_axis = bqplot.Axis(scale=self._x, grid_lines="none")
        self._value_axis = bqplot.Axis(scale=self._y, side="left", grid_lines="solid")
        self._pointer = bqplot.interacts.IndexSelector(
            scale=self._x, line_width=1, color="var(--mg-muted)"
        )
        self._pan_zoom = bqplot.PanZoom(scales={"x": [self._x]})
        self._figure = bqplot.Figure(
            axes=[self._time_axis, self._value_axis],
            scale_x=bqplot.LinearScale(min=0.0, max=1.0),
            scale_y=bqplot.LinearScale(min=0.0, max=1.0),
            fig_margin=_MARGIN,
            padding_y=0.0,
            animation_duration=0,
            display_toolbar=False,
            interaction=self._pointer,
            layout=widgets.Layout(width="100%", height="230px", min_width="0"),
        )
        self._head = widgets.HTML().add_class("mg-chart-head")
        self._legend = widgets.HTML().add_class("mg-legend")
        self._zoom = widgets.ToggleButton().add_class("mg-link")
        self._all = widgets.Button().add_class("mg-link")
        self._close = widgets.ToggleButton().add_class("mg-link")
        self._table_button = widgets.ToggleButton().add_class("mg-link")
        self._table = widgets.HTML().add_class("mg-table")
        self._download = Download("PDF", lambda: self._saved(save)) if save else None
        actions = [self._all, self._close, self._zoom, self._table_button]
        actions += [self._download.widget] if self._download else []
        self.widget = widgets.VBox(
            [
                widgets.HBox([self._head, self._legend]).add_class("mg-chart-top"),
                self._figure,
                self._table,
                widgets.HBox(actions).add_class("mg-chart-actions"),
            ]
        ).add_class("mg-chart")
        self._table.layout.display = "none"
        self._pointer.observe(self._point, "selected")
        self._x.observe(self._zoomed, names=["min", "max"])
        self._zoom.observe(self._toggle_zoom, "value")
        self._close.observe(lambda _: self._draw(self._shown), "value")
        self._all.on_click(lambda _: self._draw(self._chart))
        self._table_button.observe(self._toggle_table, "value")

    def show(self, chart: Chart, texts: Texts) -> None:
        """Draw a chart, in place of the one drawn before."""
        if self._chart is None or _structure(self._chart) != _structure(chart):
            self._figure.marks = self._new_marks(chart)
        self._chart, self._texts = chart, texts
        self._zoom.description = texts("chart.zoom")
        self._zoom.tooltip = texts("chart.zoom.help")
        self._all.description = texts("chart.all")
        self._close.description = texts("chart.close")
        self._close.tooltip = texts("chart.close.help")
        self._table_button.description = texts("chart.table")
        self._pointer.selected = None
        self._draw(chart)

    def shows(self, chart: Chart) -> bool:
        """Whether it is this view's chart, or a stretch of it."""
        return self._chart is not None and self._chart.name == chart.name

    def look_at(self, window: Window) -> None:
        """Draw a stretch of the chart, as if the viewer had zoomed to it."""
        if self._chart is not None and self._load is not None:
            self._draw(self._load(self._chart, window))

    def _draw(self, chart: Chart | None) -> None:
        """Draw the whole chart or a stretch of it; the range of values stays the whole chart's."""
        if chart is None or self._chart is None:
            return
        self._shown = chart
        whole = Scale(self._chart.y_range, self._chart.y_ticks)
        scale = (self._chart.close if self._close.value else None) or whole
        self._drawing = True
        try:
            with self._x.hold_sync(), self._y.hold_sync():
                self._x.min, self._x.max = chart.x_range
                self._y.min, self._y.max = scale.range
        finally:
            self._drawing = False
        self._all.layout.display = None if chart is not self._chart else "none"
        self._close.layout.display = None if self._chart.close else "none"
        self._head.value = (
            f'<h3>{escape(chart.title)}</h3><p class="mg-sub">{escape(chart.subtitle)}</p>'
            f'<p class="mg-hidden">{escape(chart.summary)}</p>'
        )
        set_ticks(self._time_axis, chart.x_ticks)
        set_ticks(self._value_axis, scale.ticks)
        self._value_axis.visible = bool(scale.ticks)
        self._fill_marks(list(self._figure.marks), chart)
        self._write_legend(None)
        self._fill_table()
        if self._download and self._texts:
            self._download.show(self._texts)

    def _saved(self, save: Save) -> File:
        if self._shown is None:
            raise NoDataError(self._texts("chart.nothing") if self._texts else "")
        return save(self._shown)

    def _zoomed(self, _: Any) -> None:
        """Load the stretch the viewer has scrolled or dragged to."""
        chart, shown = self._chart, self._shown
        if self._drawing or chart is None or shown is None or self._load is None:
            return
        low, high = self._x.min, self._x.max
        if low is None or high is None or (low, high) == shown.x_range:
            return
        low, high = max(low, chart.x_range[0]), min(high, chart.x_range[1])
        if high - low < _LEAST_SAMPLES * chart.interval_s:
            self._draw(shown)
            return
        start, end = (chart.origin + timedelta(seconds=float(s)) for s in (low, high))
        zone = chart.window.start.tzinfo
        self._draw(self._load(chart, Window(start.astimezone(zone), end.astimezone(zone))))

    def _new_marks(self, chart: Chart) -> list[Any]:
        scales = {"x": self._x, "y": self._y}
        whole = {"x": self._x, "y": self._unit}
        marks = [
            _area(whole, "var(--mg-gap)"),
            _area(whole, "var(--mg-span)"),
            _area(scales, "var(--mg-band)"),
            bqplot.Lines(
                x=[0.0, 0.0],
                y=[0.0, 0.0],
                scales=scales,
                colors=["var(--mg-muted)"],
                stroke_width=1,
                opacities=[0.7],
            ),
        ]
        marks += [_layer(scales, f"var(--mg-{one.source})") for one in chart.layers]
        marks += [_envelope(scales, f"var(--mg-{r.source})") for r in chart.ribbons]
        for line in chart.lines:
            colour = f"var(--mg-{line.source})"
            marks += [_envelope(scales, colour), _mean(scales, colour, line)]
        return marks

    def _fill_marks(self, marks: list[Any], chart: Chart) -> None:
        gaps, spans, bands, zero, *others = marks
        layers, others = others[: len(chart.layers)], others[len(chart.layers) :]
        ribbons, lines = others[: len(chart.ribbons)], others[len(chart.ribbons) :]
        _fill_area(gaps, [(a, b, 0.0, 1.0, "gap") for a, b in chart.gaps])
        _fill_area(spans, [(s.start, s.end, 0.0, 1.0, "span") for s in chart.spans])
        low, high = chart.x_range
        _fill_area(bands, [(low, high, b.low, b.high, b.tone) for b in chart.bands])
        with zero.hold_sync():
            zero.x, zero.y = list(chart.x_range), [0.0, 0.0]
            zero.visible = chart.zero_line
        for mark, layer in zip(layers, chart.layers, strict=True):
            _fill_envelope(mark, layer.x, layer.low, layer.high)
        for mark, ribbon in zip(ribbons, chart.ribbons, strict=True):
            _fill_envelope(mark, ribbon.x, ribbon.low, ribbon.high)
        for index, line in enumerate(chart.lines):
            envelope, mean = lines[2 * index], lines[2 * index + 1]
            _fill_envelope(envelope, line.x, line.low, line.high)
            with mean.hold_sync():
                mean.visible = bool(np.isfinite(line.y).any())
                mean.fill = "bottom" if line.fill and self._y.min == 0 else "none"
                if mean.visible:
                    # bqplot puts a label that nobody sees at the last point: it must exist.
                    end = int(np.flatnonzero(np.isfinite(line.y))[-1]) + 1
                    mean.x, mean.y = line.x[:end], line.y[:end]

    def _write_legend(self, at: int | None) -> None:
        chart, texts = self._shown, self._texts
        if chart is not None and texts is not None:
            self._legend.value = legend_html(chart, texts, at)

    def _point(self, change: dict[str, Any]) -> None:
        chart, selected = self._shown, change["new"]
        if chart is None or chart.empty or selected is None or np.size(selected) == 0:
            return
        x = float(np.asarray(selected, dtype=np.float64).ravel()[0])
        if np.isfinite(x):
            self._write_legend(int(np.abs(chart.curves[0].x - x).argmin()))

    def _toggle_zoom(self, change: dict[str, Any]) -> None:
        self._figure.interaction = self._pan_zoom if change["new"] else self._pointer

    def _toggle_table(self, _: Any) -> None:
        self._table.layout.display = None if self._table_button.value else "none"
        self._fill_table()

    def _fill_table(self) -> None:
        if not self._table_button.value or self._shown is None or self._texts is None:
            self._table.value = ""
            return
        self._table.value = table_html(self._shown, self._texts)


def legend_html(chart: Chart, texts: Texts, at: int | None = None) -> str:
    """Write the legend, with the values of one bucket where the pointer is on it."""
    parts = []
    curves = chart.curves
    if at is not None:
        moment = chart.origin + timedelta(seconds=float(curves[0].x[at]))
        local = moment.astimezone(chart.window.start.tzinfo)
        shown = texts.moment(local, seconds=0 < chart.bucket_s < 60)
        if chart.relative:
            shown = f"{texts.number(float(curves[0].x[at]), 2)} s"
        parts.append(f'<span class="mg-time">{escape(shown)}</span>')
    for line in curves:
        value = ""
        if at is not None:
            number = _at(line, at)
            shown = texts("card.undefined")
            if number is not None:
                shown = f"{texts.number(number, decimals_for(number, chart.unit))} {chart.unit}"
            value = f" <b>{escape(shown)}</b>"
        kind = " mg-key-layer" if isinstance(line, Layer) else " mg-dashed" if line.setpoint else ""
        parts.append(
            f'<span class="mg-key mg-source-{line.source}{kind}">'
            f"<i></i>{escape(line.label)}{value}</span>"
        )
    parts += [
        f'<span class="mg-key mg-key-ribbon mg-source-{ribbon.source}">'
        f"<i></i>{escape(ribbon.label)}</span>"
        for ribbon in chart.ribbons
    ]
    parts += [
        f'<span class="mg-key mg-key-{band.tone}"><i></i>{escape(band.label)}</span>'
        for band in reversed(chart.bands)
        if band.label
    ]
    parts += [
        f'<span class="mg-key mg-key-span"><i></i>{escape(label)}</span>'
        for label in dict.fromkeys(span.label for span in chart.spans if span.label)
    ]
    if chart.gaps:
        label = escape(texts("chart.no_data"))
        parts.append(f'<span class="mg-key mg-key-gap"><i></i>{label}</span>')
    return "".join(parts)


def table_html(chart: Chart, texts: Texts) -> str:
    """Write a chart's numbers as a table: means, and smallest and largest where decimated."""
    heads = [texts("table.time")]
    curves = chart.curves
    for line in curves:
        heads.append(f"{line.label} [{chart.unit}]")
        if isinstance(line, Line) and line.low is not None:
            heads += [texts("table.min"), texts("table.max")]
    rows = []
    count = len(curves[0].x) if curves else 0
    half = timedelta(seconds=chart.bucket_s / 2)
    for row in range(min(count, _MOST_ROWS)):
        middle = chart.origin + timedelta(seconds=float(curves[0].x[row]))
        local = (middle - half).astimezone(chart.window.start.tzinfo)
        cells = [texts.moment(local, seconds=0 < chart.bucket_s < 60)]
        if chart.relative:
            cells = [f"{texts.number(float(curves[0].x[row]), 2)} s"]
        for line in curves:
            drawn = isinstance(line, Line) and line.low is not None
            columns = [line.y, line.low, line.high] if drawn else [line.y]
            cells += [
                _cell(None if c is None or row >= len(c) else float(c[row]), chart.unit, texts)
                for c in columns
            ]
        rows.append("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    caption = escape(chart.title)
    return (
        f'<div class="mg-scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f'<caption class="mg-hidden">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: float | None, unit: str, texts: Texts) -> str:
    if value is None or not np.isfinite(value):
        return texts("card.undefined")
    return texts.number(value, 2 if unit in {"kW", "Hz"} else 1)


def _structure(chart: Chart) -> tuple[Any, ...]:
    lines = tuple((line.role, line.source, line.setpoint, line.fill) for line in chart.lines)
    layers = tuple(("layer", layer.source) for layer in chart.layers)
    return (*lines, *layers, *(ribbon.source for ribbon in chart.ribbons))


def _at(line: Line | Layer, index: int) -> float | None:
    if index >= len(line.y) or not np.isfinite(line.y[index]):
        return None
    return float(line.y[index])


def set_ticks(axis: Any, ticks: tuple[Tick, ...]) -> None:
    """Give a bqplot axis its ticks."""
    # Labels first: bqplot writes the ticks when their values change.
    axis.tick_labels = {_js_number(tick.value): tick.label for tick in ticks}
    axis.tick_values = [tick.value for tick in ticks]


def _js_number(value: float) -> str:
    """Write a number as JavaScript does: bqplot looks labels up by that text."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _area(scales: dict[str, Any], colour: str) -> Any:
    return bqplot.Lines(
        x=[0.0, 0.0],
        y=[0.0, 0.0],
        scales=scales,
        fill="inside",
        stroke_width=0,
        colors=[colour],
        fill_colors=[colour],
        opacities=[1.0],
        visible=False,
    )


def _envelope(scales: dict[str, Any], colour: str) -> Any:
    return bqplot.Lines(
        x=[0.0, 0.0],
        y=np.zeros((2, 2)),
        scales=scales,
        fill="between",
        colors=[colour],
        fill_colors=[colour],
        fill_opacities=[0.18],
        opacities=[0.0],
    )


def _layer(scales: dict[str, Any], colour: str) -> Any:
    mark = _envelope(scales, colour)
    mark.fill_opacities = [0.8]
    return mark


def _fill_envelope(mark: Any, x: Floats, low: Floats | None, high: Floats | None) -> None:
    with mark.hold_sync():
        mark.visible = low is not None and bool(np.isfinite(low).any())
        if mark.visible and low is not None and high is not None:
            mark.x, mark.y = x, np.vstack([low, high])


def _mean(scales: dict[str, Any], colour: str, line: Line) -> Any:
    return bqplot.Lines(
        x=[0.0, 0.0],
        y=[0.0, 0.0],
        scales=scales,
        colors=[colour],
        fill_colors=[colour],
        fill_opacities=[0.12],
        stroke_width=1.2 if line.setpoint else 1.6,
        line_style="dashed" if line.setpoint else "solid",
    )


def _fill_area(mark: Any, boxes: list[tuple[float, float, float, float, str]]) -> None:
    """Show rectangles, each as left, right, bottom, top, colour token."""
    with mark.hold_sync():
        mark.visible = bool(boxes)
        if boxes:
            mark.x = np.array([[a, a, b, b] for a, b, _, _, _ in boxes])
            mark.y = np.array([[low, high, high, low] for _, _, low, high, _ in boxes])
            mark.colors = mark.fill_colors = [f"var(--mg-{token})" for *_, token in boxes]
