"""A prepared chart, drawn with matplotlib for paper, in the light colours of the page."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from microgrid_lib.present.charts import Chart, Floats, Line
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.ticks import Tick
from microgrid_lib.report.aside import Drawing, draw
from microgrid_lib.report.blocks import FigureBlock
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.palette import colour
from microgrid_lib.report.plain import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN = 6.85, 1.75
"""A figure as wide as the text of an A4 page [in]: type in it has the size it is given."""

FONTS = ("DejaVu Sans", "Last Resort High-Efficiency")
"""Fonts that come with matplotlib; the last has a box for every character."""

Key = tuple[str, dict[str, Any], str]
"""Key of a legend: `line` or `patch`, how it looks, its label."""

_SHADE = 0.18
_LAYER = 0.8
_SHORT_DASHES = (0, (3, 1.5))
_LONGEST_LABEL = 60
_KEY_IN, _LETTER_IN, _ROW_IN = 0.42, 0.06, 0.14
_LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN = 0.5, 0.12, 0.26, 0.24


class Described(Protocol):
    """A prepared picture, in words; the subtitle has the unit."""

    @property
    def title(self) -> str:
        """What it is."""

    @property
    def subtitle(self) -> str:
        """In which unit, and how it is to be read."""

    @property
    def summary(self) -> str:
        """What there is to see."""


def figure_block(
    chart: Chart, texts: Texts, level: int = 2, height_in: float = HEIGHT_IN
) -> FigureBlock:
    """Draw a chart as a block of a document.

    Parameters
    ----------
    level
        Level of its title as a heading.
    height_in
        Height of the figure [in].

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    return described(draw(chart_svg, chart, texts, height_in), chart, level)


def described(svg: Drawing, picture: Described, level: int, note: str = "") -> FigureBlock:
    """A drawing with what its picture says of itself, for the eye and for a screen reader.

    Parameters
    ----------
    level
        Level of its title as a heading.
    note
        Follows the summary in the caption.
    """
    return FigureBlock(
        svg=svg,
        alt=f"{picture.title}, {picture.subtitle}. {picture.summary}",
        title=picture.title,
        subtitle=picture.subtitle,
        caption=". ".join(said for said in (picture.summary, note) if said),
        level=level,
    )


@contextmanager
def paper_style() -> Iterator[None]:
    """What every figure is drawn and written under: its type, and letters as outlines.

    Typst gives all of a text in SVG one font: one sign that it lacks would spoil the rest.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise ReportError("figures need matplotlib, which isn't installed") from error
    with rc_context(
        {
            "font.family": list(FONTS),
            "font.size": 7.5,
            "svg.fonttype": "path",
            "svg.hashsalt": "microgrid",
            "text.parse_math": False,
        }
    ):
        yield


def new_figure(height_in: float = HEIGHT_IN) -> Figure:
    """An empty figure as wide as the text of a page; draw on it under `paper_style`.

    Parameters
    ----------
    height_in
        Height [in].
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), facecolor="none")


def figure_svg(figure: Figure) -> str:
    """Write a figure as SVG: the same figure always gives the same text."""
    svg = io.StringIO()
    with paper_style():
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return svg.getvalue()


def chart_svg(chart: Chart, texts: Texts, height_in: float) -> str:
    """Draw a chart as SVG; see `chart_figure`."""
    return figure_svg(chart_figure(chart, texts, height_in))


def chart_figure(chart: Chart, texts: Texts, height_in: float = HEIGHT_IN) -> Figure:
    """Draw a chart; x is seconds since its origin, y its values in its unit.

    Parameters
    ----------
    height_in
        Height of the figure [in]; a legend of several rows adds to it.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    with paper_style():
        keys = _keys(chart, texts)
        top_in = _TOP_IN + _ROW_IN * (legend_rows([label for _, _, label in keys]) - 1)
        whole_in = height_in + top_in - _TOP_IN
        figure = new_figure(whole_in)
        axes = add_axes(figure, whole_in, top_in)
        _draw_chart(axes, chart)
        draw_legend(axes, keys)
    return figure


def add_axes(figure: Figure, height_in: float, top_in: float = _TOP_IN) -> Axes:
    """Axes with room for labels and, above, for the legend.

    Parameters
    ----------
    height_in, top_in
        Of the figure, and of the room above the axes [in].
    """
    return figure.add_axes(
        (
            _LEFT_IN / WIDTH_IN,
            _BOTTOM_IN / height_in,
            1 - (_LEFT_IN + _RIGHT_IN) / WIDTH_IN,
            1 - (top_in + _BOTTOM_IN) / height_in,
        )
    )


def _draw_chart(axes: Axes, chart: Chart) -> None:
    for low, high in chart.gaps:
        axes.axvspan(low, high, color=colour("gap"), linewidth=0, zorder=0)
    for span in chart.spans:
        axes.axvspan(span.start, span.end, color=colour("span"), linewidth=0, zorder=0.1)
    for band in chart.bands:
        axes.axhspan(band.low, band.high, color=colour(band.tone), linewidth=0, zorder=0.2)
    if chart.zero_line:
        axes.axhline(0, color=colour("muted"), linewidth=0.6, alpha=0.7, zorder=1.5)
    for layer in chart.layers:
        axes.fill_between(
            layer.x, layer.low, layer.high, color=colour(layer.source), alpha=_LAYER, linewidth=0
        )
    for ribbon in chart.ribbons:
        _shade(axes, ribbon.x, ribbon.low, ribbon.high, ribbon.source, "ribbon")
    for line in chart.lines:
        _draw_line(axes, line, chart.y_range[0])
    finish_axes(axes, chart.x_range, chart.y_range, chart.x_ticks, chart.y_ticks)
    if chart.empty:
        axes.text(
            *(0.5, 0.5, plain(chart.summary)),
            color=colour("muted"),
            horizontalalignment="center",
            transform=axes.transAxes,
        )


def _draw_line(axes: Axes, line: Line, floor: float) -> None:
    shade = colour(line.source)
    if line.low is not None and line.high is not None:
        _shade(axes, line.x, line.low, line.high, line.source, "envelope")
    if line.fill and floor == 0:
        axes.fill_between(line.x, 0, line.y, color=shade, alpha=0.12, linewidth=0, gid="fill")
    axes.plot(
        line.x,
        line.y,
        color=shade,
        linewidth=0.8 if line.setpoint else 1.1,
        linestyle=(0, (4, 2.5)) if line.setpoint else "-",
        solid_joinstyle="round",
        gid=line.role,
    )
    alone = _alone(line)
    if alone.any():
        axes.plot(line.x[alone], line.y[alone], ".", color=shade, markersize=2.5, gid="alone")


def _shade(axes: Axes, x: Floats, low: Floats, high: Floats, source: str, name: str) -> None:
    axes.fill_between(x, low, high, color=colour(source), alpha=_SHADE, linewidth=0, gid=name)


def _alone(line: Line) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which values have no neighbour: a line through one point is nothing."""
    known = np.isfinite(line.y)
    beside = np.zeros_like(known)
    beside[1:] |= known[:-1]
    beside[:-1] |= known[1:]
    return np.asarray(known & ~beside, dtype=np.bool_)


def finish_axes(
    axes: Axes,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick],
) -> None:
    """Set ranges and ticks, and draw what every figure's axes have."""
    axes.set_xlim(*x_range)
    axes.set_ylim(*y_range)
    for axis, ticks in ((axes.xaxis, x_ticks), (axes.yaxis, y_ticks)):
        axis.set_ticks([tick.value for tick in ticks])
        axis.set_ticklabels([plain(tick.label) for tick in ticks])
    for tick, label in zip(x_ticks, axes.get_xticklabels(), strict=True):
        # At an edge a label stays inside: outside it would be cut, or touch the lowest value.
        if tick.value == x_range[0]:
            label.set_horizontalalignment("left")
        elif tick.value == x_range[1]:
            label.set_horizontalalignment("right")
    axes.tick_params(length=0, labelsize=7, labelcolor=colour("muted"), pad=4)
    axes.grid(visible=True, axis="y", color=colour("line"), linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set(color=colour("line"), linewidth=0.6)


def _keys(chart: Chart, texts: Texts) -> list[Key]:
    """Keys of the legend."""
    keys: list[Key] = [
        (
            "line",
            {"color": colour(line.source), "linestyle": _SHORT_DASHES if line.setpoint else "-"},
            line.label,
        )
        for line in chart.lines
    ]
    keys += [
        ("patch", {"color": colour(layer.source), "alpha": _LAYER}, layer.label)
        for layer in chart.layers
    ]
    keys += [
        ("patch", {"color": colour(ribbon.source), "alpha": _SHADE}, ribbon.label)
        for ribbon in chart.ribbons
    ]
    areas = [("span", span.label) for span in chart.spans]
    areas += [(str(band.tone), band.label) for band in chart.bands]
    if chart.gaps:
        areas.append(("gap", texts("chart.no_data")))
    keys += [("patch", {"color": colour(token)}, label) for token, label in dict.fromkeys(areas)]
    return [(kind, look, _short(plain(label))) for kind, look, label in keys if label.strip()]


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def legend_rows(labels: list[str]) -> int:
    """How many rows the keys take, so that they stay inside of the figure."""
    for rows in range(1, len(labels)):
        columns = [labels[at : at + rows] for at in range(0, len(labels), rows)]
        width_in = sum(_KEY_IN + _LETTER_IN * max(map(len, column)) for column in columns)
        if width_in <= WIDTH_IN - _RIGHT_IN:
            return rows
    return max(1, len(labels))


def draw_legend(axes: Axes, keys: list[Key]) -> None:
    """Draw the keys in the upper right corner, outside of the data."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if not keys:
        return
    labels = [label for _, _, label in keys]
    legend = axes.legend(
        [
            Line2D([], [], linewidth=1.6, **look) if kind == "line" else Patch(linewidth=0, **look)
            for kind, look, _ in keys
        ],
        ["key"] * len(keys),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.2,
        borderpad=0.2,
        columnspacing=1.4,
        fontsize=7,
        frameon=False,
        handlelength=1.6,
        handletextpad=0.5,
        labelcolor=colour("muted"),
        labelspacing=0.35,
        ncols=math.ceil(len(keys) / legend_rows(labels)),
    )
    # Set afterwards: a label that begins with an underscore would be left out.
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
