"""Markup of pictures: rings, tables of colours, tables of numbers."""

from __future__ import annotations

import math
from html import escape

from microgrid_lib.present.pictures import Donut, HeatMap, Picture
from microgrid_lib.present.texts import Texts

_OUTER, _INNER, _MIDDLE = 90.0, 62.0, 100.0


def rows_html(picture: Picture) -> str:
    """Write a picture's numbers as a table."""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in picture.heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in picture.rows
    )
    caption = escape(picture.title)
    return (
        f'<div class="mg-scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f'<caption class="mg-hidden">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def donut_html(donut: Donut) -> str:
    """Write a ring and its legend; the legend carries the numbers."""
    start, arcs = 0.0, []
    for part in donut.slices:
        arcs.append(_arc(start, start + part.share, part.source))
        start += part.share
    keys = "".join(
        f'<li class="mg-key mg-source-{part.source}" data-slice="{part.source}" '
        f'data-value="{part.value!r}"><i></i>{escape(part.label)}<b>{escape(part.text)}</b></li>'
        for part in donut.slices
    )
    return (
        f'<svg viewBox="0 0 200 200" role="img" aria-label="{escape(donut.summary, quote=True)}">'
        f"{''.join(arcs)}"
        f'<text class="mg-donut-value" x="100" y="102">{escape(donut.middle)}</text>'
        f'<text class="mg-donut-label" x="100" y="124">{escape(donut.middle_label)}</text></svg>'
        f"<ul>{keys}</ul>"
    )


def _arc(start: float, end: float, source: str) -> str:
    """Part of a ring between two shares of the whole, clockwise from the top."""
    if end - start <= 0:
        return ""
    kind = f'class="mg-arc mg-source-{source}"'
    if end - start >= 1 - 1e-9:
        radius, width = (_OUTER + _INNER) / 2, _OUTER - _INNER
        return (
            f'<circle class="mg-arc-whole mg-source-{source}" cx="{_MIDDLE:g}" cy="{_MIDDLE:g}" '
            f'r="{radius:g}" stroke-width="{width:g}"/>'
        )
    large = int(end - start > 0.5)
    (x1, y1), (x2, y2) = _at(_OUTER, start), _at(_OUTER, end)
    (x3, y3), (x4, y4) = _at(_INNER, end), _at(_INNER, start)
    return (
        f'<path {kind} d="M{x1:.2f} {y1:.2f}A{_OUTER:g} {_OUTER:g} 0 {large} 1 {x2:.2f} {y2:.2f}'
        f'L{x3:.2f} {y3:.2f}A{_INNER:g} {_INNER:g} 0 {large} 0 {x4:.2f} {y4:.2f}Z"/>'
    )


def _at(radius: float, share: float) -> tuple[float, float]:
    angle = 2 * math.pi * share
    return _MIDDLE + radius * math.sin(angle), _MIDDLE - radius * math.cos(angle)


def heat_map_html(heat: HeatMap, texts: Texts) -> str:
    """Write a table of colours and its legend; arrow keys go from cell to cell."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heat.column_names)
    rows = []
    for number, name in enumerate(heat.row_names):
        cells = "".join(
            _heat_cell(colour, text, first=number == 0 and column == 0)
            for column, (colour, text) in enumerate(
                zip(heat.colours[number], heat.texts[number], strict=True)
            )
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    label = escape(f"{heat.title}: {heat.summary}", quote=True)
    return (
        f'<table role="grid" aria-label="{label}" data-arrows><thead><tr><td></td>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>{_heat_legend(heat, texts)}"
    )


def _heat_cell(colour: int, text: str, *, first: bool) -> str:
    kind = "mg-heat-none" if colour < 0 else f"mg-heat-{colour}"
    said = escape(text, quote=True)
    order = "0" if first else "-1"
    return (
        f'<td role="gridcell" class="{kind}" tabindex="{order}" aria-label="{said}" '
        f'data-says="{said}"></td>'
    )


def _heat_legend(heat: HeatMap, texts: Texts) -> str:
    ticks = heat.step_ticks
    steps = "".join(
        f'<span class="mg-heat-step"><i class="mg-heat-{step.colour}"></i>'
        f"{escape(low)}–{escape(high)}</span>"
        for step, low, high in zip(heat.steps, ticks[:-1], ticks[1:], strict=True)
    )
    none = ""
    if any(colour < 0 for row in heat.colours for colour in row):
        none = (
            '<span class="mg-heat-step"><i class="mg-heat-none"></i>'
            f"{escape(texts('chart.no_data'))}</span>"
        )
    return f'<p class="mg-heat-legend"><b>{escape(heat.unit)}</b>{steps}{none}</p>'
