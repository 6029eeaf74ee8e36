"""Heat maps and curves, drawn for paper."""

from __future__ import annotations

import numpy as np

from microgrid_lib.present.pictures import Curve, HeatMap, Picture
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.aside import draw
from microgrid_lib.report.blocks import FigureBlock
from microgrid_lib.report.figures import (
    HEIGHT_IN,
    WIDTH_IN,
    Key,
    add_axes,
    described,
    draw_legend,
    figure_svg,
    finish_axes,
    new_figure,
    paper_style,
)
from microgrid_lib.report.palette import colour
from microgrid_lib.report.plain import plain

_ROW_IN, _TOP_IN, _BOTTOM_IN = 0.165, 0.28, 0.22
_LETTER_IN = 0.062
_DARK = 4
"""Colours from this one on are dark: what stands on them is white."""


def heat_block(heat: HeatMap, texts: Texts, level: int = 2) -> FigureBlock:
    """Draw a heat map as a block of a document.

    Parameters
    ----------
    level
        Level of its title as a heading.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    return described(draw(heat_svg, heat, texts), heat, level, heat.note)


def heat_svg(heat: HeatMap, texts: Texts) -> str:
    """Draw a heat map; see `heat_block`."""
    rows, columns = len(heat.row_names), len(heat.column_names)
    left_in = min(2.2, 0.15 + _LETTER_IN * max(len(name) for name in heat.row_names))
    height_in = _TOP_IN + _BOTTOM_IN + _ROW_IN * rows
    with paper_style():
        from matplotlib.colors import ListedColormap

        figure = new_figure(height_in)
        axes = figure.add_axes(
            (
                left_in / WIDTH_IN,
                _BOTTOM_IN / height_in,
                1 - (left_in + 0.05) / WIDTH_IN,
                _ROW_IN * rows / height_in,
            )
        )
        shades = [colour("gap"), *(colour(f"heat-{number}") for number in range(7))]
        # Edges a little apart from the whole numbers: each cell has just its own colour.
        axes.pcolormesh(
            np.asarray(heat.colours) + 1,
            cmap=ListedColormap(shades),
            vmin=-0.5,
            vmax=len(shades) - 0.5,
            edgecolors=colour("surface"),
            linewidth=0.6,
        )
        for y, row in enumerate(heat.texts):
            for x, said in enumerate(row):
                if said and len(said) <= 3:
                    dark = heat.colours[y][x] >= _DARK
                    axes.text(
                        *(x + 0.5, y + 0.5, said),
                        color=colour("surface" if dark else "ink"),
                        fontsize=4.5,
                        ha="center",
                        va="center",
                    )
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
        every = 1 if columns <= 31 else -(-columns // 31)
        axes.set_xticks([at + 0.5 for at in range(0, columns, every)])
        axes.set_xticklabels([plain(name) for name in heat.column_names[::every]])
        axes.set_yticks([at + 0.5 for at in range(rows)])
        axes.set_yticklabels([plain(name) for name in heat.row_names])
        axes.tick_params(length=0, labelsize=6.5, labelcolor=colour("muted"), pad=3)
        for spine in axes.spines.values():
            spine.set_visible(False)
        draw_legend(axes, _keys(heat, texts))
    return figure_svg(figure)


def _keys(heat: HeatMap, texts: Texts) -> list[Key]:
    keys: list[Key] = []
    for number, step in enumerate(heat.steps):
        low, high = heat.step_ticks[number], heat.step_ticks[number + 1]
        span = f"{low}–{high} {heat.unit}" if high else f"{low} {heat.unit}"
        keys.append(("patch", {"color": colour(f"heat-{step.colour}")}, span))
    if any(shade < 0 for row in heat.colours for shade in row):
        keys.append(("patch", {"color": colour("gap")}, texts("chart.no_data")))
    return keys


def curve_block(curve: Curve, level: int = 2, height_in: float = HEIGHT_IN) -> FigureBlock:
    """Draw a curve over something other than time as a block of a document.

    Parameters
    ----------
    level, height_in
        As for `figures.figure_block`.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    return described(draw(curve_svg, curve, height_in), curve, level)


def curve_svg(curve: Curve, height_in: float) -> str:
    """Draw a curve; see `curve_block`."""
    with paper_style():
        figure = new_figure(height_in)
        axes = add_axes(figure, height_in)
        shade = colour(curve.source)
        axes.plot(curve.x, curve.y, color=shade, linewidth=1.1)
        if curve.y_range[0] >= 0:
            axes.fill_between(curve.x, 0, curve.y, color=shade, alpha=0.12, linewidth=0)
        span = (float(curve.x[0]), float(curve.x[-1]))
        finish_axes(axes, span, curve.y_range, curve.x_ticks, curve.y_ticks)
        draw_legend(axes, [("line", {"color": shade}, plain(curve.label))])
    return figure_svg(figure)


def drawn_block(picture: Picture, texts: Texts, level: int = 2) -> FigureBlock | None:
    """Draw a picture, None where its numbers are better read as a table."""
    if isinstance(picture, HeatMap):
        return heat_block(picture, texts, level)
    return curve_block(picture, level) if isinstance(picture, Curve) else None
