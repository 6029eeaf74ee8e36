"""Energies piece by piece as bars: what was given stands up, what was taken hangs down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from microgrid_lib.kpi.energies import Step
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.ticks import Tick, round_range
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

_MOST_HOURS = 49
_MOST_DAYS = 62
_MOST_TICKS = 8
_FULL = 0.95
_HOURS_BETWEEN = (1, 2, 3, 6, 12)


@dataclass(frozen=True)
class Flow:
    """What is added up.

    Attributes
    ----------
    name
        As the library names it.
    taken
        Whether its bars hang down.
    """

    name: str
    label: str
    source: str
    taken: bool = False


@dataclass(frozen=True)
class BarChart:
    """Bars of several flows, one upon the other.

    Attributes
    ----------
    flows
        What is drawn, from the zero line outwards.
    values
        A row per flow, a value >= 0 per piece [unit]; NaN where no sample is valid.
    labels
        Each piece in words.
    partial
        Pieces of which less than 95 % is valid, or that the window cuts.
    x_ticks
        Places count pieces: 0.5 is the middle of the first.
    summary
        What the picture shows, for readers who can't see it.
    heads, rows
        The same numbers as a table.
    """

    name: str
    title: str
    subtitle: str
    unit: str
    flows: tuple[Flow, ...]
    values: tuple[tuple[float, ...], ...]
    labels: tuple[str, ...]
    partial: tuple[bool, ...]
    x_ticks: tuple[Tick, ...]
    y_range: tuple[float, float]
    y_ticks: tuple[Tick, ...]
    summary: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def energy_step(window: Window) -> Step:
    """Choose pieces of which a window has a readable number."""
    if window.hours <= _MOST_HOURS:
        return "hour"
    return "day" if window.hours <= 24 * _MOST_DAYS else "month"


def energy_bars(
    name: str, title: str, frame: pd.DataFrame, flows: Sequence[Flow], step: Step, texts: Texts
) -> BarChart:
    """Describe energies as bars.

    Parameters
    ----------
    name, title
        Of the chart.
    frame
        As `kpi.energies.energies` gives it.
    flows
        Columns of it, from the zero line outwards.
    step
        Length of its pieces.
    """
    starts = [start.to_pydatetime() for start in frame["start"]]
    values = np.array([frame[flow.name].to_numpy(dtype=np.float64) for flow in flows])
    coverage = np.array([frame[f"{flow.name}_coverage"].to_numpy() for flow in flows])
    heights = np.nan_to_num(values)
    taken = np.array([flow.taken for flow in flows])
    top = float(heights[~taken].sum(axis=0).max(initial=0.0))
    bottom = float(heights[taken].sum(axis=0).max(initial=0.0))
    low, high, ticks = round_range(-bottom, top or 1.0)
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    known = bool(np.isfinite(values).any())
    labels = tuple(_label(start, step, texts) for start in starts)
    partial = tuple(bool(p) for p in np.any(coverage < _FULL, axis=0) | _cut(frame, step))
    said = [
        texts("bars.incomplete", piece=one) if cut else one
        for one, cut in zip(labels, partial, strict=True)
    ]
    return BarChart(
        name=name,
        title=title,
        subtitle=texts(f"bars.per.{step}"),
        unit="kWh",
        flows=tuple(flows),
        values=tuple(tuple(row) for row in values.tolist()),
        labels=labels,
        partial=partial,
        x_ticks=_x_ticks(starts, step, texts),
        y_range=(low, high),
        y_ticks=tuple(Tick(t, texts.number(t, decimals)) for t in ticks) if known else (),
        summary=_summary(flows, values, texts),
        heads=(texts("bars.piece"), *(f"{flow.label} [kWh]" for flow in flows)),
        rows=tuple(
            (label, *(_cell(v, texts) for v in column))
            for label, column in zip(said, values.T.tolist(), strict=True)
        ),
    )


def _cut(frame: pd.DataFrame, step: Step) -> np.ndarray:
    """Whether each piece begins or ends within an hour, a day or a month."""
    floors = {"hour": _hour, "day": _midnight, "month": _first}
    within = [
        any(floors[step](at) != at.replace(tzinfo=None) for at in (start, end))
        for start, end in zip(frame["start"], frame["end"], strict=True)
    ]
    return np.array(within, dtype=np.bool_)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _midnight(at: datetime) -> datetime:
    return _hour(at).replace(hour=0)


def _first(at: datetime) -> datetime:
    return _midnight(at).replace(day=1)


def _label(start: datetime, step: Step, texts: Texts) -> str:
    if step == "hour":
        return texts.moment(start)
    return texts.day(start) if step == "day" else texts.month(start)


def _x_ticks(starts: Sequence[datetime], step: Step, texts: Texts) -> tuple[Tick, ...]:
    if step == "hour":
        every = next((n for n in _HOURS_BETWEEN if len(starts) <= n * _MOST_TICKS), 12)
        whole = [i for i, s in enumerate(starts) if s.hour % every == 0 and s.minute == 0]
        return tuple(Tick(float(i), texts.clock(starts[i])) for i in whole)
    every = -(-len(starts) // _MOST_TICKS) or 1
    write = texts.day_short if step == "day" else texts.month
    return tuple(Tick(i + 0.5, write(starts[i])) for i in range(0, len(starts), every))


def _cell(value: float, texts: Texts) -> str:
    return texts.number(value, 1) if np.isfinite(value) else texts("card.undefined")


def _summary(flows: Sequence[Flow], values: np.ndarray, texts: Texts) -> str:
    said = []
    for flow, row in zip(flows, values, strict=True):
        if np.isfinite(row).any():
            total, unit = texts.quantity(float(np.nansum(row)), "kWh")
            said.append(texts("bars.total", label=flow.label, total=f"{total} {unit}"))
    return texts.clauses(said) if said else texts("chart.nothing")
