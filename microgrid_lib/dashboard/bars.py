"""Prepared bars as a drawing in the page: colours are the style sheet's."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.present.bars import BarChart
from microgrid_lib.present.texts import Texts

_GAP = 0.12


class BarsView:
    """Bars on the page: title, legend, drawing, table."""

    def __init__(self) -> None:
        self._bars: BarChart | None = None
        self._head = widgets.HTML().add_class("mg-chart-head")
        self._legend = widgets.HTML().add_class("mg-legend")
        self._drawing = widgets.HTML().add_class("mg-bars")
        self.table_button = widgets.ToggleButton().add_class("mg-link")
        self._table = widgets.HTML().add_class("mg-table")
        self._table.layout.display = "none"
        self.widget = widgets.VBox(
            [
                widgets.HBox([self._head, self._legend]).add_class("mg-chart-top"),
                self._drawing,
                self._table,
                widgets.HBox([self.table_button]).add_class("mg-chart-actions"),
            ]
        ).add_class("mg-chart")
        self.table_button.observe(self._toggle_table, "value")

    def show(self, bars: BarChart, texts: Texts) -> None:
        """Draw bars, in place of those drawn before."""
        self._bars = bars
        self._head.value = (
            f'<h3>{escape(bars.title)}</h3><p class="mg-sub">{escape(bars.subtitle)}</p>'
            f'<p class="mg-hidden">{escape(bars.summary)}</p>'
        )
        self._legend.value = legend_html(bars, texts)
        self._drawing.value = bars_html(bars) if bars.y_ticks else _nothing_html(texts)
        self.table_button.description = texts("chart.table")
        self._fill_table()

    def _toggle_table(self, _: Any) -> None:
        self._table.layout.display = None if self.table_button.value else "none"
        self._fill_table()

    def _fill_table(self) -> None:
        shown = self._bars if self.table_button.value else None
        self._table.value = table_html(shown) if shown is not None else ""


def legend_html(bars: BarChart, texts: Texts) -> str:
    """Write the legend."""
    if not bars.y_ticks:
        return ""
    keys = [
        f'<span class="mg-key mg-key-bar mg-source-{escape(flow.source)}'
        f'{" mg-bar-taken" if flow.taken else ""}"><i></i>{escape(flow.label)}</span>'
        for flow in bars.flows
    ]
    if any(bars.partial):
        label = escape(texts("bars.partial"))
        keys.append(f'<span class="mg-key mg-key-bar mg-bar-partial"><i></i>{label}</span>')
    return "".join(keys)


def _nothing_html(texts: Texts) -> str:
    return f'<p class="mg-bars-nothing">{escape(texts("chart.nothing"))}</p>'


def bars_html(bars: BarChart) -> str:
    """Draw the bars; each says its value when it is pointed at."""
    low, high = bars.y_range
    count = max(1, len(bars.labels))
    rules = "".join(
        f'<line x1="0" x2="{count}" y1="{_from_top(t.value, low, high):.3f}" '
        f'y2="{_from_top(t.value, low, high):.3f}" class="{"mg-zero" if t.value == 0 else ""}"/>'
        for t in bars.y_ticks
    )
    sides = "".join(
        f'<span style="top:{_from_top(t.value, low, high):.3f}%">{escape(t.label)}</span>'
        for t in bars.y_ticks
    )
    feet = "".join(
        f'<span style="left:{100 * t.value / count:.3f}%">{escape(t.label)}</span>'
        for t in bars.x_ticks
    )
    return (
        f'<div class="mg-bars-plot" role="img" aria-label="{escape(bars.summary, quote=True)}">'
        f'<div class="mg-bars-y" aria-hidden="true">{sides}</div>'
        f'<svg viewBox="0 0 {count} 100" preserveAspectRatio="none" aria-hidden="true">'
        f"{rules}{_boxes(bars)}</svg>"
        f'<div class="mg-bars-x" aria-hidden="true">{feet}</div></div>'
    )


def _boxes(bars: BarChart) -> str:
    low, high = bars.y_range
    found = []
    for piece, label in enumerate(bars.labels):
        up = down = 0.0
        for number, flow in enumerate(bars.flows):
            value = bars.values[number][piece]
            if not value > 0:
                continue
            start = -down - value if flow.taken else up
            up, down = (up, down + value) if flow.taken else (up + value, down)
            top, bottom = _from_top(start + value, low, high), _from_top(start, low, high)
            css = f"mg-source-{flow.source}{' mg-bar-taken' if flow.taken else ''}"
            css += " mg-bar-partial" if bars.partial[piece] else ""
            said = f"{label} · {flow.label} {bars.rows[piece][number + 1]} {bars.unit}"
            found.append(
                f'<rect x="{piece + _GAP:.2f}" width="{1 - 2 * _GAP:.2f}" y="{top:.3f}" '
                f'height="{bottom - top:.3f}" class="{escape(css, quote=True)}">'
                f"<title>{escape(said)}</title></rect>"
            )
    return "".join(found)


def _from_top(value: float, low: float, high: float) -> float:
    """Distance from the upper edge [%]."""
    return 100 * (high - value) / (high - low)


def table_html(bars: BarChart) -> str:
    """Write the numbers as a table."""
    caption = escape(bars.title)
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in bars.heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in bars.rows
    )
    return (
        f'<div class="mg-scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f'<caption class="mg-hidden">{caption}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
