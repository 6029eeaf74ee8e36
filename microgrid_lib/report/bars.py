"""Prepared bars, drawn for paper: what was given stands up, what was taken hangs down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from microgrid_lib.present.bars import BarChart
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.aside import draw
from microgrid_lib.report.blocks import FigureBlock
from microgrid_lib.report.figures import (
    HEIGHT_IN,
    Key,
    add_axes,
    described,
    draw_legend,
    figure_svg,
    finish_axes,
    legend_rows,
    new_figure,
    paper_style,
)
from microgrid_lib.report.palette import colour
from microgrid_lib.report.plain import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

_WIDTH = 0.8
_TOP_IN, _ROW_IN = 0.26, 0.14


def bars_block(
    bars: BarChart, texts: Texts, level: int = 2, height_in: float = HEIGHT_IN
) -> FigureBlock:
    """Draw bars as a block of a document.

    Parameters
    ----------
    level
        Level of its title as a heading.
    height_in
        Height of the figure [in]; a legend of several rows adds to it.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    return described(draw(bars_svg, bars, texts, height_in), bars, level)


def bars_svg(bars: BarChart, texts: Texts, height_in: float) -> str:
    """Draw bars; see `bars_block`."""
    with paper_style():
        keys = _keys(bars, texts)
        rows = legend_rows([label for _, _, label in keys])
        top_in = _TOP_IN + _ROW_IN * (rows - 1)
        whole_in = height_in + _ROW_IN * (rows - 1)
        figure = new_figure(whole_in)
        axes = add_axes(figure, whole_in, top_in)
        count = len(bars.labels)
        up, down = np.zeros(count), np.zeros(count)
        for flow, row in zip(bars.flows, bars.values, strict=True):
            height = np.nan_to_num(np.asarray(row, dtype=np.float64))
            base = -down - height if flow.taken else up
            # Taken, the same source is paler and hatched: colour alone tells nothing.
            look: dict[str, Any] = {"alpha": 0.55, "hatch": "////"} if flow.taken else {}
            axes.add_collection(_bars(base, height, colour(flow.source), look))
            if flow.taken:
                down += height
            else:
                up += height
        known = _known(bars)
        for at in np.flatnonzero(~known).tolist():
            axes.axvspan(at, at + 1, color=colour("gap"), linewidth=0, zorder=0)
        if bars.y_range[0] < 0:
            axes.axhline(0, color=colour("muted"), linewidth=0.6, alpha=0.7, zorder=1.5)
        _mark_partial(axes, bars, known, up)
        finish_axes(axes, (0.0, float(count)), bars.y_range, bars.x_ticks, bars.y_ticks)
        draw_legend(axes, keys)
    return figure_svg(figure)


def _keys(bars: BarChart, texts: Texts) -> list[Key]:
    keys: list[Key] = []
    for flow in bars.flows:
        look: dict[str, Any] = {"color": colour(flow.source)}
        if flow.taken:
            look = {"facecolor": colour(flow.source), "alpha": 0.55, "hatch": "//////"}
            look |= {"edgecolor": colour("surface")}
        keys.append(("patch", look, plain(flow.label)))
    if not _known(bars).all():
        keys.append(("patch", {"color": colour("gap")}, texts("chart.no_data")))
    if any(bars.partial):
        star = {"color": colour("ink"), "marker": "*", "markersize": 4, "linestyle": ""}
        keys.append(("line", star, texts("monthly.bars.partial")))
    return keys


def _bars(
    base: NDArray[np.float64], height: NDArray[np.float64], shade: str, look: dict[str, Any]
) -> PolyCollection:
    """Bars of one flow as one collection: patches of their own take ten times as long."""
    from matplotlib.collections import PolyCollection

    left = np.arange(len(base)) + (1 - _WIDTH) / 2
    x = np.stack([left, left + _WIDTH, left + _WIDTH, left], axis=1)
    y = np.stack([base, base, base + height, base + height], axis=1)
    shown = np.stack([x, y], axis=2)[height > 0]
    edge = colour("surface")
    return PolyCollection(list(shown), facecolor=shade, edgecolor=edge, linewidth=0.2, **look)


def _known(bars: BarChart) -> NDArray[np.bool_]:
    """Which pieces have any value."""
    values = np.asarray(bars.values, dtype=np.float64)
    return np.asarray(np.isfinite(values).any(axis=0), dtype=np.bool_)


def _mark_partial(
    axes: Axes, bars: BarChart, known: NDArray[np.bool_], up: NDArray[np.float64]
) -> None:
    at = [i for i, cut in enumerate(bars.partial) if cut and known[i]]
    room = 0.03 * (bars.y_range[1] - bars.y_range[0])
    axes.plot(
        [i + 0.5 for i in at],
        [min(float(up[i]) + room, bars.y_range[1] - room) for i in at],
        "*",
        color=colour("ink"),
        markersize=3,
        linestyle="",
    )
