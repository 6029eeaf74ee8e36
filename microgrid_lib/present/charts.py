"""A chart as values: lines, envelopes, gaps, bands and ticks, ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from microgrid_lib.present.texts import Texts, decimals_for
from microgrid_lib.present.ticks import Tick, round_range, time_ticks
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
_HEADROOM = 0.04
_FAR = 0.5
"""Share of a chart's range below which lines alone are worth a scale of their own."""
_OFFSET = 0.02
"""Share of the range below zero that is a meter's offset, not worth an axis of its own."""


class Series(Protocol):
    """A role over time, as `store.series` gives it."""

    @property
    def role(self) -> str:
        """The role."""

    @property
    def unit(self) -> str:
        """Unit of the values."""

    @property
    def bucket_s(self) -> int:
        """Length of a bucket [s]."""

    @property
    def frame(self) -> pd.DataFrame:
        """Columns `time` (local start of the bucket), `mean`, `min`, `max`; NaN where empty.

        Also `coverage` (valid samples over those expected, 0-1), where it is known.
        """


@dataclass(frozen=True)
class LineSpec:
    """A role drawn as a line; a set point is dashed and grey, whatever its colour."""

    role: str
    source: str
    label: str
    setpoint: bool = False
    fill: bool = False


@dataclass(frozen=True)
class ChartSpec:
    """What a chart shows.

    Attributes
    ----------
    name
        Its title is the message `chart.<name>`, its line below `chart.<name>.what`.
    lines
        The first is the one whose gaps are shaded.
    signed
        Whether signs matter: a zero line is drawn and both signs are in the range.
    from_zero
        Whether the range starts at zero.
    limits
        A limit of the site to shade, where it has one.
    islands
        Whether stretches in island mode are shaded.
    """

    name: str
    unit: str
    lines: tuple[LineSpec, ...]
    signed: bool = False
    from_zero: bool = False
    limits: Literal["", "voltage_a", "voltage", "frequency"] = ""
    islands: bool = False


@dataclass(frozen=True)
class Line:
    """One drawn line.

    Attributes
    ----------
    x
        Seconds of elapsed time since the chart's origin, at the middle of each bucket [s].
    y
        Means, NaN where missing.
    low, high
        Smallest and largest sample of each bucket; None where a bucket is one sample.
    """

    role: str
    label: str
    source: str
    setpoint: bool
    fill: bool
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True)
class Ribbon:
    """A range that changes with time, such as an interval of a forecast.

    Attributes
    ----------
    x
        As in `Line`.
    low, high
        Its ends, NaN where there is none.
    """

    label: str
    source: str
    x: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Band:
    """A range of values to shade, such as a limit.

    Attributes
    ----------
    tone
        A range that holds a narrower one is shaded paler, and given before it.
    """

    low: float
    high: float
    label: str
    tone: Literal["band", "band-outer"] = "band"


@dataclass(frozen=True)
class Layer:
    """A part of a stack.

    Attributes
    ----------
    x
        As in `Line`.
    y
        Its own value, NaN where missing.
    low, high
        Where it lies in the stack.
    """

    label: str
    source: str
    x: Floats
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Scale:
    """A range of values and its ticks."""

    range: tuple[float, float]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Span:
    """A stretch of time to shade, such as island mode [s since origin]."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes
    ----------
    origin
        Where the x axis counts from, UTC.
    bucket_s, interval_s
        Length of a bucket, and nominal time between samples [s].
    gaps
        Stretches without data [s since origin].
    ribbons
        Ranges around lines, widest first.
    spans
        Stretches of time that mean something; all of a chart mean the same and share a label.
    layers
        Areas upon each other.
    relative
        Whether x counts seconds from an event instead of showing the time of day.
    close
        A scale that fits the lines instead of the bands, where the bands are much wider.
    summary
        One sentence that says what the picture shows, for readers who can't see it.
    coverage
        Valid samples of the first line over those expected (0-1); None where it isn't known.
    """

    name: str
    title: str
    subtitle: str
    unit: str
    window: Window
    origin: datetime
    lines: tuple[Line, ...]
    gaps: tuple[tuple[float, float], ...]
    x_range: tuple[float, float]
    x_ticks: tuple[Tick, ...]
    y_range: tuple[float, float]
    y_ticks: tuple[Tick, ...]
    zero_line: bool
    bands: tuple[Band, ...] = ()
    bucket_s: int = 0
    interval_s: int = 0
    summary: str = ""
    ribbons: tuple[Ribbon, ...] = ()
    spans: tuple[Span, ...] = ()
    coverage: float | None = None
    layers: tuple[Layer, ...] = ()
    close: Scale | None = None
    relative: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(np.isfinite(curve.y).any() for curve in self.curves)

    @property
    def curves(self) -> tuple[Line | Layer, ...]:
        """All that has a value at a time: layers, then lines."""
        return (*self.layers, *self.lines)


def make_chart(
    spec: ChartSpec,
    series: Mapping[str, Series],
    window: Window,
    texts: Texts,
    *,
    interval_s: int,
    bands: Sequence[Band] = (),
    spans: Sequence[Span] = (),
    origin: datetime | None = None,
) -> Chart:
    """Describe a chart.

    Parameters
    ----------
    spec
        What it shows; lines whose role isn't in `series` are left out.
    series
        By role, over `window`.
    interval_s
        Nominal time between samples [s]: longer buckets get an envelope.
    bands, spans
        Ranges of values, and stretches of time, to shade.
    origin
        Where the x axis counts from; default: the window's start.
    """
    zero = origin or window.start_utc
    begin_s = (window.start_utc - zero).total_seconds()
    lines = tuple(
        _line(line, series[line.role], zero, texts, interval_s)
        for line in spec.lines
        if line.role in series
    )
    first = series[lines[0].role] if lines else None
    what = texts(f"chart.{spec.name}.what")
    title = f"chart.{spec.name}"
    if len(lines) < len(spec.lines) and texts.has(f"{title}.alone"):
        title += ".alone"
    bucket_s = first.bucket_s if first is not None else interval_s
    if any(line.low is not None for line in lines):
        what = texts("chart.envelope", what=what, bucket=bucket_text(bucket_s, texts))
    return lay_out(
        spec.name,
        texts(title),
        what,
        spec.unit,
        window,
        texts,
        lines,
        gaps=_gaps(first, zero, begin_s + window.duration.total_seconds()),
        bands=bands,
        spans=spans,
        signed=spec.signed,
        from_zero=spec.from_zero,
        bucket_s=bucket_s,
        interval_s=interval_s,
        origin=zero,
        coverage=_coverage(first),
    )


def lay_out(
    name: str,
    title: str,
    subtitle: str,
    unit: str,
    window: Window,
    texts: Texts,
    lines: Sequence[Line],
    *,
    gaps: Sequence[tuple[float, float]] = (),
    bands: Sequence[Band] = (),
    ribbons: Sequence[Ribbon] = (),
    spans: Sequence[Span] = (),
    layers: Sequence[Layer] = (),
    signed: bool = False,
    from_zero: bool = False,
    bucket_s: int = 0,
    interval_s: int = 0,
    origin: datetime | None = None,
    coverage: float | None = None,
) -> Chart:
    """Put lines into a chart: ranges, round ticks, zero line, summary.

    Parameters
    ----------
    name
        Distinguishes the chart from others of its section.
    title, subtitle
        As shown.
    lines
        Their x counts from `origin` [s].
    gaps, bands, ribbons, spans, layers
        See `Chart`.
    signed, from_zero
        See `ChartSpec`.
    bucket_s
        Length of a bucket [s]; the table names the start of each.
    interval_s
        Nominal time between samples [s]: nothing finer can be zoomed to.
    origin
        Default: the window's start.
    coverage
        See `Chart`.
    """
    zero = origin or window.start_utc
    begin_s = (window.start_utc - zero).total_seconds()
    end_s = begin_s + window.duration.total_seconds()
    values = [v for line in lines for v in (line.y, line.low, line.high) if v is not None]
    values += [v for ribbon in ribbons for v in (ribbon.low, ribbon.high)]
    values += [v for layer in layers for v in (layer.low, layer.high)]
    values_known = any(np.isfinite(v).any() for v in values)
    low, high = _extent(values, bands)
    if from_zero:
        # Zeros alone need a range too, upwards.
        high = max(high, 0.0) or 1.0
        low = min(low, 0.0) if low < -_OFFSET * high else 0.0
    if signed:
        reach = max(abs(low), abs(high)) or 1.0
        low, high = min(low, -0.25 * reach), max(high, 0.25 * reach)
    scale = scale_for(low, high, texts)
    bottom, top = scale.range
    return Chart(
        name=name,
        title=title,
        subtitle=subtitle,
        unit=unit,
        window=window,
        origin=zero,
        lines=tuple(lines),
        gaps=tuple(gaps),
        x_range=(begin_s, end_s),
        x_ticks=time_ticks(window, texts, origin=zero),
        y_range=scale.range,
        y_ticks=scale.ticks if values_known else (),
        zero_line=values_known and (signed or bottom < 0 < top),
        bands=tuple(bands),
        bucket_s=bucket_s,
        interval_s=interval_s,
        summary=_summary((*layers, *lines), unit, texts),
        ribbons=tuple(ribbons),
        spans=tuple(spans),
        coverage=coverage,
        layers=tuple(layers),
        close=_close(values, low, high, texts) if bands else None,
    )


def stacked(parts: Sequence[tuple[str, str, Floats]], x: Floats) -> tuple[Layer, ...]:
    """Stack parts upon each other: what is positive upwards from zero, the rest downwards.

    Parameters
    ----------
    parts
        Label, source and values of each, the innermost first; NaN counts as nothing in the others.
    x
        As in `Line`.
    """
    above, below = np.zeros(len(x)), np.zeros(len(x))
    layers = []
    for label, source, values in parts:
        known = np.nan_to_num(values)
        start = np.where(known >= 0, above, below)
        end = start + known
        above, below = np.maximum(above, end), np.minimum(below, end)
        missing = ~np.isfinite(values)
        low, high = np.minimum(start, end), np.maximum(start, end)
        low[missing] = high[missing] = np.nan
        layers.append(Layer(label, source, x, values, low, high))
    return tuple(layers)


def scale_for(low: float, high: float, texts: Texts, headroom: float = _HEADROOM) -> Scale:
    """Make a round scale with some room around the values, but none beyond zero."""
    room = headroom * (high - low)
    bottom, top, ticks = round_range(low - room if low else low, high + room if high else high)
    step = ticks[1] - ticks[0]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return Scale((bottom, top), tuple(Tick(t, texts.number(t, decimals)) for t in ticks))


def _close(values: Sequence[Floats], low: float, high: float, texts: Texts) -> Scale | None:
    """Make a scale for the values alone, where they take less than half of [low, high]."""
    inner_low, inner_high = _extent(values, ())
    if not any(np.isfinite(v).any() for v in values):
        return None
    return (
        scale_for(inner_low, inner_high, texts)
        if inner_high - inner_low < _FAR * (high - low)
        else None
    )


def stretch(chart: Chart, window: Window, texts: Texts) -> Chart:
    """Show a stretch of a chart with the points it has: for one that has no finer ones.

    Parameters
    ----------
    window
        The stretch, inside the chart's own.
    """
    low = (window.start_utc - chart.origin).total_seconds()
    return replace(
        chart,
        window=window,
        x_range=(low, low + window.duration.total_seconds()),
        x_ticks=time_ticks(window, texts, origin=chart.origin),
    )


def bucket_text(bucket_s: int, texts: Texts) -> str:
    """Length of a bucket in words, such as `5 min`."""
    for seconds, unit in ((86400, "unit.day"), (3600, "unit.hour"), (60, "unit.minute")):
        if bucket_s % seconds == 0:
            return f"{bucket_s // seconds} {texts(unit)}"
    return f"{bucket_s} {texts('unit.second')}"


def elapsed_s(frame: pd.DataFrame, start: datetime) -> Floats:
    """Seconds from `start` to each bucket's start [s]."""
    since = frame["time"].dt.tz_convert("UTC") - start
    return np.asarray(since.dt.total_seconds(), dtype=np.float64)


def _line(spec: LineSpec, series: Series, origin: datetime, texts: Texts, interval_s: int) -> Line:
    frame = series.frame
    decimated = series.bucket_s > interval_s and not spec.setpoint
    return Line(
        role=spec.role,
        label=texts(spec.label),
        source="setpoint" if spec.setpoint else spec.source,
        setpoint=spec.setpoint,
        fill=spec.fill,
        x=elapsed_s(frame, origin) + series.bucket_s / 2,
        y=frame["mean"].to_numpy(dtype=np.float64),
        low=frame["min"].to_numpy(dtype=np.float64) if decimated else None,
        high=frame["max"].to_numpy(dtype=np.float64) if decimated else None,
    )


def _gaps(series: Series | None, origin: datetime, end_s: float) -> tuple[tuple[float, float], ...]:
    if series is None or series.frame.empty:
        return ()
    starts = elapsed_s(series.frame, origin)
    missing = ~np.isfinite(series.frame["mean"].to_numpy(dtype=np.float64))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(np.int8), [0]))))
    return tuple(
        (float(starts[a]), min(end_s, float(starts[b - 1] + series.bucket_s)))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def _coverage(series: Series | None) -> float | None:
    if series is None or series.frame.empty or "coverage" not in series.frame:
        return None
    return float(series.frame["coverage"].mean())


def _extent(values: Sequence[Floats], bands: Sequence[Band]) -> tuple[float, float]:
    finite = [v[np.isfinite(v)] for v in values]
    ends = [e for v in finite if v.size for e in (float(v.min()), float(v.max()))]
    ends += [e for band in bands for e in (band.low, band.high)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _summary(lines: Sequence[Line | Layer], unit: str, texts: Texts) -> str:
    parts = []
    for line in lines:
        finite = line.y[np.isfinite(line.y)]
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            decimals = decimals_for(high, unit)
            parts.append(
                texts(
                    "chart.extent",
                    label=line.label,
                    low=texts.number(low, decimals),
                    high=texts.number(high, decimals),
                    unit=unit,
                )
            )
    return texts("chart.and").join(parts) if parts else texts("chart.nothing")
