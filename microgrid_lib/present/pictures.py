"""Pictures without a time axis as values: a donut, a curve, a heat map; drawn by neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microgrid_lib.present.ticks import Tick, round_range

Floats = NDArray[np.float64]

HEAT_STEPS = 7
"""Colours of a heat map, `--mg-heat-0` to `--mg-heat-6`."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What every picture has.

    Attributes
    ----------
    name
        Distinguishes it from others of its section.
    title, subtitle
        As shown; the subtitle says what it is, in which unit and on how much data it rests.
    summary
        One or two sentences for readers who can't see it.
    note
        What to beware of; may be empty.
    heads, rows
        The same numbers as a table.
    """

    name: str
    title: str
    subtitle: str
    summary: str
    note: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Slice:
    """A part of a whole.

    Attributes
    ----------
    value
        In the donut's unit.
    share
        Of the whole, 0-1.
    text
        Value and share as shown.
    source
        Colour token.
    """

    label: str
    value: float
    share: float
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Donut(Picture):
    """Parts of a whole.

    Attributes
    ----------
    slices
        Clockwise from the top; their shares add up to 1.
    middle, middle_label
        What stands in the middle, such as `60.0 %`, and a short word for it.
    """

    unit: str
    slices: tuple[Slice, ...]
    middle: str
    middle_label: str


@dataclass(frozen=True, kw_only=True)
class Curve(Picture):
    """One line over something other than time.

    Attributes
    ----------
    x, y
        Its points, shape (n,).
    x_label, y_label
        What the axes are.
    """

    unit: str
    label: str
    source: str
    x_label: str
    x: Floats
    y: Floats
    x_ticks: tuple[Tick, ...]
    y_range: tuple[float, float]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class HeatStep:
    """A colour of a heat map and the values it stands for, from `low` up to `high`."""

    colour: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class HeatMap(Picture):
    """A table of colours.

    Attributes
    ----------
    row_names, column_names
        Of the cells.
    colours
        Number of each cell's colour, shape (rows, columns); -1 where there are no data.
    texts
        What each cell says, same shape.
    steps
        The legend.
    step_ticks
        Values between the steps, as texts: one more than there are steps.
    """

    unit: str
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    colours: tuple[tuple[int, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    steps: tuple[HeatStep, ...] = field(default=())
    step_ticks: tuple[str, ...] = ()


def heat_steps(values: Floats) -> tuple[HeatStep, ...]:
    """Cut the range of values into at most seven steps of a round size.

    Parameters
    ----------
    values
        NaN where missing; at least one isn't.
    """
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    _, _, ticks = round_range(low, high, HEAT_STEPS - 1)
    count = len(ticks) - 1
    colours = [round(i * (HEAT_STEPS - 1) / max(count - 1, 1)) for i in range(count)]
    return tuple(
        HeatStep(colour, a, b) for colour, a, b in zip(colours, ticks[:-1], ticks[1:], strict=True)
    )


def heat_colour(value: float, steps: Sequence[HeatStep]) -> int:
    """Find a value's colour; -1 for NaN."""
    if not np.isfinite(value):
        return -1
    return next((step.colour for step in steps if value < step.high), steps[-1].colour)
