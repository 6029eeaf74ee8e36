"""A simulated day beside the measured one: charts at the step a picture can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from microgrid_lib.kpi.compliance_rules import TRIPS
from microgrid_lib.present.charts import (
    Band,
    Chart,
    Floats,
    Line,
    Span,
    lay_out,
    scale_for,
    stacked,
)
from microgrid_lib.present.limits import bands_of
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.ticks import Tick
from microgrid_lib.simulation.simulate import SimulationResult
from microgrid_lib.simulation.transients import Event
from microgrid_lib.site.profile import Site
from microgrid_lib.window import Window

MOST_POINTS = 480
"""Steps in a picture: a chart is about that many pixels wide."""
_STEPS_MIN = (1, 2, 3, 5, 10, 15)
_KEPT = 40
_STACK = ("fuel_cell", "genset", "pv", "battery", "grid")
_TOKENS = {"fuel_cell": "fuel-cell"}
_TRANSIENT_S = 20.0
_TRANSIENT_BEFORE_S = 1.0
_EVENT_COLOURS = ("grid", "genset", "battery", "pv", "fuel-cell", "load")

Kind = Literal["base", "power", "voltage", "frequency", "soc", "transient"]
KINDS: tuple[Kind, ...] = ("base", "power", "voltage", "frequency", "soc", "transient")


@dataclass(frozen=True, eq=False)
class Pair:
    """The day as measured, and under a scenario."""

    base: SimulationResult
    scenario: SimulationResult

    @property
    def window(self) -> Window:
        """The simulated day."""
        index = self.scenario.series.index
        start = index[0].to_pydatetime().astimezone(self.scenario.day.zone)
        end = (index[-1] + timedelta(minutes=1)).to_pydatetime().astimezone(start.tzinfo)
        return Window(start, end)


def simulation_charts(pair: Pair, site: Site, texts: Texts) -> dict[Kind, Chart]:
    """Charts of the whole day; the two stacks share their scale."""
    charts = {kind: simulation_chart(kind, pair, site, texts, pair.window) for kind in KINDS}
    low = min(charts[kind].y_range[0] for kind in ("base", "power"))
    high = max(charts[kind].y_range[1] for kind in ("base", "power"))
    shared = scale_for(low, high, texts, headroom=0.0)
    for kind in ("base", "power"):
        charts[kind] = replace(charts[kind], y_range=shared.range, y_ticks=shared.ticks)
    return charts


def simulation_chart(kind: Kind, pair: Pair, site: Site, texts: Texts, window: Window) -> Chart:
    """One chart, or a stretch of it at the finest step that fits.

    Parameters
    ----------
    window
        The stretch; in `transient` only the whole is drawn.
    """
    if kind == "transient":
        return _transient(pair, site, texts)
    draw = _Drawing(pair, site, texts, window)
    if kind == "base":
        return draw.stack(pair.base, "simulation_base")
    if kind == "power":
        return draw.stack(pair.scenario, "simulation_power")
    if kind == "voltage":
        return draw.voltage()
    return draw.frequency() if kind == "frequency" else draw.soc()


class _Drawing:
    """A stretch of the day, cut into steps."""

    def __init__(self, pair: Pair, site: Site, texts: Texts, window: Window) -> None:
        self.pair, self.site, self.texts, self.window = pair, site, texts, window
        origin = pair.window.start_utc
        minutes = len(pair.scenario.series)
        first = int((window.start_utc - origin).total_seconds() // 60)
        last = int(-(-(window.end_utc - origin).total_seconds() // 60))
        self.first, self.last = max(0, first), min(minutes, last)
        length = max(1, self.last - self.first)
        self.step = next((s for s in _STEPS_MIN if length / s <= MOST_POINTS), _STEPS_MIN[-1])
        self.first -= self.first % self.step
        self.origin = origin
        count = -(-(self.last - self.first) // self.step)
        starts = self.first + self.step * np.arange(count)
        self.x: Floats = np.asarray(60.0 * (starts + self.step / 2), dtype=np.float64)

    def stack(self, result: SimulationResult, name: str) -> Chart:
        parts = [
            (self.texts(f"source.{role}"), _TOKENS.get(role, role), self.mean(result, role))
            for role in _STACK
            if result.day.has(role) or result.series[role].any()
        ]
        load = self.line("load", self.texts("source.load"), "ink", self.mean(result, "load"))
        return self.lay_out(
            name, "kW", [load], layers=stacked(parts, self.x), spans=self.spans(result), signed=True
        )

    def voltage(self) -> Chart:
        result = self.pair.scenario
        lines = [
            self.line(role, self.texts(label), token, self.mean(result, role))
            for role, label, token in (
                ("bus_voltage", "line.bus", "grid"),
                ("mccb_voltage", "line.mccb", "battery"),
                ("receiving_voltage", "line.receiving", "genset"),
            )
        ]
        lines.append(self.before("bus_voltage", "simulation.bus_before"))
        bands = bands_of("voltage", self.site, self.texts)
        return self.lay_out("simulation_voltage", "V", lines, bands=bands, spans=self.spans(result))

    def frequency(self) -> Chart:
        result = self.pair.scenario
        lowest = self.lowest(result, "frequency_min")
        lines = [
            self.line("frequency", self.texts("simulation.mean"), "grid",
                      self.mean(result, "frequency")),
            self.line("frequency_min", self.texts("simulation.lowest"), "alarm", lowest),
            self.before("frequency", "simulation.mean_before"),
        ]  # fmt: skip
        bands = bands_of("frequency", self.site, self.texts)
        spans = self.spans(result)
        return self.lay_out("simulation_frequency", "Hz", lines, bands=bands, spans=spans)

    def soc(self) -> Chart:
        result, battery = self.pair.scenario, self.pair.scenario.plant.battery
        lines = [
            self.line("soc", self.texts("simulation.soc"), "battery",
                      100 * self.mean(result, "soc")),
            self.before("soc", "simulation.soc_before", 100.0),
        ]  # fmt: skip
        bands: tuple[Band, ...] = ()
        if battery is not None:
            low, high = 100 * battery.soc_min.value, 100 * battery.soc_max.value
            bands = (Band(low, high, self.texts("simulation.soc_band")),)
        return self.lay_out("simulation_soc", "%", lines, bands=bands, spans=self.spans(result))

    def lay_out(self, name: str, unit: str, lines: Sequence[Line], **more: Any) -> Chart:
        texts = self.texts
        return lay_out(
            name,
            texts(f"chart.{name}"),
            texts(f"chart.{name}.what"),
            unit,
            self.window,
            texts,
            lines,
            gaps=self.gaps(),
            bucket_s=60 * self.step,
            interval_s=60,
            origin=self.origin,
            **more,
        )

    def line(self, role: str, label: str, source: str, values: Floats) -> Line:
        return Line(role, label, source, setpoint=False, fill=False, x=self.x, y=values)

    def before(self, role: str, label: str, factor: float = 1.0) -> Line:
        values = factor * self.mean(self.pair.base, role)
        return Line(
            f"{role}_before",
            self.texts(label),
            "setpoint",
            setpoint=True,
            fill=False,
            x=self.x,
            y=values,
        )

    def mean(self, result: SimulationResult, column: str) -> Floats:
        return _means(result, column, self.first, self.last, self.step)

    def lowest(self, result: SimulationResult, column: str) -> Floats:
        values = _steps(result, column, self.first, self.last, self.step)
        return np.asarray(np.fmin.reduce(values, axis=1), dtype=np.float64)

    def spans(self, result: SimulationResult) -> tuple[Span, ...]:
        label = self.texts("span.island")
        runs = _runs(result.series["islanded"].to_numpy(dtype=np.bool_))
        return tuple(Span(60.0 * a, 60.0 * b, label) for a, b in runs)

    def gaps(self) -> tuple[tuple[float, float], ...]:
        return tuple((60.0 * a, 60.0 * b) for a, b in _runs(~self.pair.scenario.day.valid))


@lru_cache(maxsize=_KEPT)
def _means(result: SimulationResult, column: str, first: int, last: int, step: int) -> Floats:
    """Mean of each step; the measured day's are the same for every scenario, so they are kept."""
    values = _steps(result, column, first, last, step)
    known = np.isfinite(values)
    count = known.sum(axis=1)
    with np.errstate(invalid="ignore"):
        total = np.where(known, values, 0.0).sum(axis=1)
        return np.asarray(total / np.where(count, count, np.nan))


def _steps(result: SimulationResult, column: str, first: int, last: int, step: int) -> Floats:
    values = result.series[column].to_numpy(dtype=np.float64)[first:last]
    missing = -len(values) % step
    if missing:
        values = np.concatenate([values, np.full(missing, np.nan)])
    return np.asarray(values.reshape(-1, step))


def _runs(flags: Any) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _transient(pair: Pair, site: Site, texts: Texts) -> Chart:
    """Frequency in the seconds after each event, with the trips that it must not reach."""
    origin = pair.window.start_utc
    events = [event for event in pair.scenario.events if event.transient.frequency_hz.size]
    start = origin - timedelta(seconds=_TRANSIENT_BEFORE_S)
    zone = pair.scenario.day.zone
    window = Window(
        start.astimezone(zone), (origin + timedelta(seconds=_TRANSIENT_S)).astimezone(zone)
    )
    nominal = site.nominal.frequency_hz
    lines = [
        _course(event, _event_label(event, pair.scenario, texts), colour, nominal)
        for event, colour in zip(events, _EVENT_COLOURS * len(events), strict=False)
    ]
    bands = _trip_bands(nominal, texts) if events else ()
    name = "simulation_transient"
    chart = lay_out(
        name, texts(f"chart.{name}"), texts(f"chart.{name}.what"), "Hz", window, texts, lines,
        bands=bands, bucket_s=0, interval_s=0, origin=origin,
    )  # fmt: skip
    ticks = tuple(Tick(float(s), f"{s}\N{NO-BREAK SPACE}s") for s in range(0, 21, 5))
    summary = chart.summary if lines else texts("simulation.no_transient")
    subtitle = chart.subtitle if lines else texts("simulation.no_transient")
    return replace(chart, x_ticks=ticks, relative=True, summary=summary, subtitle=subtitle)


def _event_label(event: Event, result: SimulationResult, texts: Texts) -> str:
    at: datetime = result.series.index[event.step].to_pydatetime().astimezone(UTC)
    clock = texts.clock(at.astimezone(result.day.zone))
    return texts(f"simulation.event.{event.kind}", time=clock)


def _course(event: Event, label: str, colour: str, nominal: float) -> Line:
    time, hertz = event.transient.time_s, event.transient.frequency_hz
    # Steps of 10 ms while it swings, of 50 ms later.
    chosen = np.concatenate([np.arange(0, min(600, len(time)), 2), np.arange(600, len(time), 10)])
    x = np.concatenate([[-_TRANSIENT_BEFORE_S, 0.0], time[chosen]])
    y = np.concatenate([[nominal, nominal], hertz[chosen]])
    role = f"{event.kind}_{event.step}"
    return Line(role, label, colour, setpoint=False, fill=False, x=x, y=y)


def _trip_bands(nominal: float, texts: Texts) -> tuple[Band, ...]:
    limits = {
        trip.function: round(trip.threshold * nominal, 9) for trip in TRIPS if trip.unit == "Hz"
    }
    return (
        Band(limits["UF2"], limits["OF2"], texts("band.trip_fast"), "band-outer"),
        Band(limits["UF1"], limits["OF1"], texts("band.trip_slow")),
    )
