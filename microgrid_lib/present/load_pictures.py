"""The load as pictures: its critical part, its duration curve, its week."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from microgrid_lib.present.charts import bucket_text
from microgrid_lib.present.pictures import (
    Curve,
    Donut,
    HeatMap,
    Slice,
    heat_colour,
    heat_steps,
)
from microgrid_lib.present.texts import Texts, decimals_for
from microgrid_lib.present.ticks import Tick, round_range

if TYPE_CHECKING:
    from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile
    from microgrid_lib.kpi.model import Kpi

_TABLE_EVERY = 0.05


def split_picture(kpis: Mapping[str, Kpi], texts: Texts) -> Donut | None:
    """Describe the critical and the other load, as `critical_share` counts them.

    Returns
    -------
    Donut or None
        None where there is no such share, or the parts make no whole.
    """
    share = kpis["critical_share"]
    parts = (kpis["critical_load_energy"], kpis["other_load_energy"])
    critical, other = (part.value for part in parts)
    if share.value is None or critical is None or other is None or not 0 <= share.value <= 1:
        return None
    slices = tuple(
        Slice(label, value, part, _amount(value, part, texts), source)
        for label, value, part, source in (
            (texts("line.critical_load"), critical, share.value, "critical-load"),
            (texts("split.other"), other, 1 - share.value, "load"),
        )
    )
    return Donut(
        name="load_split",
        title=texts("split.title"),
        subtitle=texts("split.what", hours=parts[0].covered_h or 0.0),
        unit="kWh",
        slices=slices,
        middle=f"{texts.number(100 * share.value, 1)} %",
        middle_label=texts("split.critical"),
        note=texts.note(share.warning) if share.warning else "",
        summary=texts.clauses([f"{s.label}: {s.text}" for s in slices]),
        heads=(texts("split.part"), texts("split.energy"), texts("split.share")),
        rows=tuple(
            (s.label, texts.number(s.value, 1), texts.number(100 * s.share, 1)) for s in slices
        ),
    )


def _amount(kwh: float, share: float, texts: Texts) -> str:
    value, unit = texts.quantity(kwh, "kWh")
    return f"{value} {unit} · {texts.number(100 * share, 1)} %"


def duration_picture(curve: DurationCurve, texts: Texts) -> Curve:
    """Describe a load duration curve."""
    low, high = min(float(curve.power.min()), 0.0), max(float(curve.power.max()), 0.0)
    bottom, top, ticks = round_range(low, high)
    every = round(_TABLE_EVERY * (len(curve.share) - 1)) or 1
    picked = range(0, len(curve.share), every)
    return Curve(
        name="load_duration",
        title=texts("duration.title"),
        subtitle=texts(
            "duration.what",
            hours=curve.covered_h,
            step=bucket_text(curve.step_s, texts),
            coverage=texts.share(curve.coverage),
        ),
        unit="kW",
        label=texts("line.load"),
        source="load",
        x_label=texts("duration.share"),
        x=100 * curve.share,
        y=curve.power,
        x_ticks=tuple(Tick(float(v), f"{v} %") for v in range(0, 101, 20)),
        y_range=(bottom, top),
        y_ticks=tuple(Tick(t, texts.number(t, _decimals(ticks[1] - ticks[0]))) for t in ticks),
        summary=_duration_summary(curve, texts),
        heads=(texts("duration.share"), f"{texts('line.load')} [kW]"),
        rows=tuple(
            (
                f"{texts.number(100 * float(curve.share[i]))} %",
                texts.number(float(curve.power[i]), 1),
            )
            for i in picked
        ),
    )


def _decimals(step: float) -> int:
    """Decimals that tell ticks a step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _duration_summary(curve: DurationCurve, texts: Texts) -> str:
    said = []
    for share in (0.0, 0.1, 0.5, 0.9):
        at = int(np.abs(curve.share - share).argmin())
        power = texts.number(float(curve.power[at]), 1)
        said.append(texts("duration.at", share=texts.number(100 * share), power=power))
    return texts.clauses(said)


def week_picture(week: WeekProfile, texts: Texts) -> HeatMap:
    """Describe the mean load by weekday and hour."""
    days = tuple(texts.weekday(day) for day in range(week.mean.shape[0]))
    hours = tuple(f"{hour:02d}" for hour in range(week.mean.shape[1]))
    steps = heat_steps(week.mean)
    digits = _decimals(steps[0].high - steps[0].low)
    edges = [steps[0].low, *(step.high for step in steps)]
    known = int(np.isfinite(week.mean).sum())
    values = tuple(tuple(_number(float(value), texts) for value in row) for row in week.mean)
    said = tuple(
        tuple(_cell(day, hour, value, texts) for hour, value in enumerate(row))
        for day, row in enumerate(values)
    )
    return HeatMap(
        name="load_week",
        title=texts("week.title"),
        subtitle=texts(
            "week.what", hours=float(week.hours.sum()), coverage=texts.share(week.coverage)
        ),
        unit="kW",
        row_names=days,
        column_names=hours,
        colours=tuple(
            tuple(heat_colour(float(value), steps) for value in row) for row in week.mean
        ),
        texts=said,
        steps=steps,
        step_ticks=tuple(texts.number(edge, digits) for edge in edges),
        note=_holes(known, week.mean.size, texts),
        summary=texts.clauses(
            [
                texts(key, cell=said[at // len(hours)][at % len(hours)])
                for key, at in (
                    ("week.highest", int(np.nanargmax(week.mean))),
                    ("week.lowest", int(np.nanargmin(week.mean))),
                )
            ]
        ),
        heads=(texts("week.day"), *(f"{hour}:00" for hour in hours)),
        rows=tuple(
            (day, *(value or texts("card.undefined") for value in row))
            for day, row in zip(days, values, strict=True)
        ),
    )


def _holes(known: int, of: int, texts: Texts) -> str:
    if known == of:
        return ""
    return texts("week.short" if known <= of / 2 else "week.few", known=known, of=of)


def _number(value: float, texts: Texts) -> str:
    """Write a mean [kW]; nothing where there is none."""
    return texts.number(value, decimals_for(value, "kW")) if np.isfinite(value) else ""


def _cell(day: int, hour: int, value: str, texts: Texts) -> str:
    when = f"{texts.weekday(day, short=False)} {hour:02d}:00"
    if not value:
        return texts("week.no_data", when=when)
    return texts("week.cell", when=when, value=value)
