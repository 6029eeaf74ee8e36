"""The energy flow as inline SVG, once for wide panels and once for phones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from microgrid_lib.present.flow import Flow, FlowNode

_GAP = 22.0
_THIN, _THICK = 2.0, 13.0


@dataclass(frozen=True)
class _Measures:
    """Sizes of a drawing, in its own units.

    Attributes
    ----------
    node
        Width of a node.
    radius
        Of the bus.
    """

    kind: str
    width: float
    node: float
    height: float
    radius: float


_WIDE = _Measures("mg-flow-wide", 620.0, 158.0, 68.0, 46.0)
_NARROW = _Measures("mg-flow-narrow", 330.0, 112.0, 64.0, 33.0)


def flow_html(flow: Flow) -> str:
    """Write both drawings; the style sheet shows the one that fits."""
    return _drawing(flow, _WIDE) + _drawing(flow, _NARROW)


def _drawing(flow: Flow, size: _Measures) -> str:
    left = [node for node in flow.nodes if node.side == "left"]
    right = [node for node in flow.nodes if node.side == "right"]
    rows = max(len(left), len(right), 1)
    height = rows * size.height + (rows - 1) * _GAP
    middle = (size.width / 2, height / 2)
    parts = []
    for nodes in (left, right):
        for number, node in enumerate(nodes):
            y = _place(number, len(nodes), height)
            parts.append(_path(node, y, middle, size))
    for nodes in (left, right):
        for number, node in enumerate(nodes):
            parts.append(_node(node, _place(number, len(nodes), height), size))
    said = escape(flow.summary, quote=True)
    return (
        f'<svg class="{size.kind}" viewBox="-2 -2 {size.width + 4:g} {height + 4:g}" role="img" '
        f'aria-label="{said}">{"".join(parts)}{_bus(flow, middle, size)}</svg>'
    )


def _place(number: int, count: int, height: float) -> float:
    """Middle of a node, the nodes of a side spread over the height."""
    return (number + 0.5) * height / count


def _path(node: FlowNode, y: float, middle: tuple[float, float], size: _Measures) -> str:
    edge = size.node if node.side == "left" else size.width - size.node
    towards = -1 if node.side == "left" else 1
    end = middle[0] + towards * size.radius * 0.94
    half = (edge + end) / 2
    width = _THIN + (_THICK - _THIN) * node.width if node.direction != "none" else 1.5
    line = (
        f'<path class="mg-flow-line mg-source-{node.source} mg-flow-{node.direction}" '
        f'data-role="{node.role}" data-direction="{node.direction}" stroke-width="{width:.1f}" '
        f'd="M{edge:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {middle[1]:.1f} '
        f'{end:.1f} {middle[1]:.1f}"/>'
    )
    if node.direction == "none":
        return line
    return line + _arrow((edge, y), (end, middle[1]), width, inwards=node.direction == "in")


def _arrow(
    outer: tuple[float, float], inner: tuple[float, float], width: float, *, inwards: bool
) -> str:
    """Draw a head in the middle of a path, along it."""
    x, y = (outer[0] + inner[0]) / 2, (outer[1] + inner[1]) / 2
    # The tangent of that cubic in its middle.
    angle = math.degrees(math.atan2(2 * (inner[1] - outer[1]), inner[0] - outer[0]))
    turned = angle if inwards else angle + 180
    size = 5.0 + width * 0.45
    return (
        f'<path class="mg-flow-head" transform="translate({x:.1f} {y:.1f}) rotate({turned:.1f})" '
        f'd="M{-size * 0.7:.1f} {-size:.1f}L{size:.1f} 0L{-size * 0.7:.1f} {size:.1f}Z"/>'
    )


def _node(node: FlowNode, y: float, size: _Measures) -> str:
    x = 0.0 if node.side == "left" else size.width - size.node
    top = y - size.height / 2
    centre = x + size.node / 2
    value = "" if node.value is None else repr(float(node.value))
    unknown = " mg-flow-unknown" if node.value is None else ""
    written = (
        ("title", 19, node.title),
        ("value", 38, node.value_text),
        ("detail", 54, node.detail),
    )
    # Two lines stand lower than three.
    first = top + (0 if node.detail else 8)
    lines = [
        f'<text class="mg-flow-{kind}" x="{centre:g}" y="{first + down:g}">{escape(text)}</text>'
        for kind, down, text in written
        if text
    ]
    return (
        f'<g class="mg-flow-node mg-source-{node.source}{unknown}" data-node="{node.role}" '
        f'data-value="{value}"><rect x="{x:g}" y="{top:g}" width="{size.node:g}" '
        f'height="{size.height:g}" rx="11"/>{"".join(lines)}</g>'
    )


def _bus(flow: Flow, middle: tuple[float, float], size: _Measures) -> str:
    x, y = middle
    first = 5.0 if len(flow.bus) < 2 else -3.0
    texts = "".join(
        f'<text class="mg-flow-bus-{number}" x="{x:g}" y="{y + first + 17 * number:g}">'
        f"{escape(text)}</text>"
        for number, text in enumerate(flow.bus)
    )
    return f'<g class="mg-flow-bus"><circle cx="{x:g}" cy="{y:g}" r="{size.radius:g}"/>{texts}</g>'
