"""Numbers of a simulated day as text: metrics beside the measured day's, losses, parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from microgrid_lib.kpi.compliance_rules import TRIPS
from microgrid_lib.present.simulation import Pair
from microgrid_lib.present.texts import Texts, decimals_for
from microgrid_lib.simulation.calibrate import Calibration, Score
from microgrid_lib.simulation.contingency import Contingency
from microgrid_lib.simulation.plant import ParameterRow, Plant
from microgrid_lib.simulation.simulate import SimulationResult

Number = float | int | None
LIMITS_OF_THE_MODEL = (
    "balanced",
    "constant_power",
    "no_faults",
    "typical_machines",
    "minutes",
    "shed_at_once",
)
"""What isn't modelled, a sentence each: `simulation.limit.<name>`."""


@dataclass(frozen=True)
class MetricRow:
    """A metric of both days.

    Attributes
    ----------
    name
        Stable name.
    base, scenario, difference, limit
        As text; `–` where there is none.
    broken
        Whether the scenario is beyond its limit.
    value
        The scenario's, in full; None where undefined.
    """

    name: str
    label: str
    base: str
    scenario: str
    difference: str
    limit: str
    broken: bool
    value: Number


@dataclass(frozen=True)
class LossRow:
    """A source lost all day, as text."""

    lost: str
    survives: str
    unserved: str
    shed: str
    imported: str
    peak: str
    nadir: str
    feasible: bool


@dataclass(frozen=True)
class SettingRow:
    """A parameter of the plant, as text."""

    name: str
    value: str
    source: str
    note: str
    kind: str


@dataclass(frozen=True)
class ScoreRow:
    """How well voltages are predicted, as text."""

    which: str
    intervals: str
    rmse: str
    bias: str
    receiving: str
    offset: str


@dataclass(frozen=True)
class _Metric:
    name: str
    unit: str
    read: Callable[[SimulationResult], Number]
    limit: Callable[[SimulationResult], Number] | None = None
    most: bool = True
    highest: Callable[[SimulationResult], Number] | None = None


def _metrics() -> tuple[_Metric, ...]:
    def energy(name: str) -> Callable[[SimulationResult], Number]:
        return lambda result: float(getattr(result.metrics.energy_kwh, name))

    def detail(name: str) -> Callable[[SimulationResult], Number]:
        def read(result: SimulationResult) -> Number:
            value: Number = getattr(result.details, name)
            return value

        return read

    def outside(name: str) -> Callable[[SimulationResult], Number]:
        # Where no voltage is known, none is known to be inside either.
        read = detail(name)
        return lambda r: read(r) if r.metrics.voltage_v.bus.min is not None else read(r) or None

    def none(_: SimulationResult) -> Number:
        return 0.0

    def lowest_soc(result: SimulationResult) -> Number:
        battery = result.plant.battery
        return None if battery is None else battery.soc_min.value

    def fast_trip(function: str) -> Callable[[SimulationResult], Number]:
        trip = next(trip for trip in TRIPS if trip.function == function)
        return lambda result: trip.threshold * result.plant.nominal_frequency_hz.value

    return (
        _Metric("minutes_outside_a", "min", outside("minutes_outside_a"), none),
        _Metric("minutes_outside_b", "min", outside("minutes_outside_b"), none),
        _Metric("bus_voltage_min", "V", lambda r: r.metrics.voltage_v.bus.min),
        _Metric("bus_voltage_max", "V", lambda r: r.metrics.voltage_v.bus.max),
        _Metric("minutes_frequency_warning", "min", detail("minutes_frequency_warning"), none),
        _Metric("frequency_min", "Hz", lambda r: r.metrics.frequency_hz.min),
        _Metric(
            "nadir",
            "Hz",
            lambda r: r.metrics.frequency_hz.nadir,
            fast_trip("UF2"),
            most=False,
            highest=fast_trip("OF2"),
        ),
        _Metric("rocof", "Hz/s", lambda r: r.metrics.frequency_hz.rocof),
        _Metric("settling", "s", detail("settling_s")),
        _Metric("grid_import", "kWh", energy("grid_import")),
        _Metric("grid_export", "kWh", energy("grid_export")),
        _Metric("peak_import", "kW", detail("peak_import_kw")),
        _Metric("load", "kWh", energy("load")),
        _Metric("pv", "kWh", energy("pv")),
        _Metric("fuel_cell", "kWh", energy("fuel_cell")),
        _Metric("genset", "kWh", energy("genset")),
        _Metric("genset_hours", "h", detail("genset_hours")),
        _Metric("battery_discharge", "kWh", energy("battery_discharge")),
        _Metric("battery_charge", "kWh", energy("battery_charge")),
        _Metric("soc_min", "1", lambda r: r.metrics.soc.min, lowest_soc, most=False),
        _Metric("shed", "kWh", energy("shed")),
        _Metric("unserved", "kWh", energy("unserved"), none),
        _Metric("curtailed", "kWh", energy("curtailed")),
        _Metric("survival", "h", detail("survival_h")),
        _Metric("balance_error", "kW", lambda r: r.metrics.max_balance_error_kw),
    )


METRICS = _metrics()


def metric_rows(pair: Pair, texts: Texts) -> tuple[MetricRow, ...]:
    """Metrics of the measured day and of the scenario, with limits where there are any."""
    return tuple(_metric_row(metric, pair, texts) for metric in METRICS)


def loss_rows(rows: Sequence[Contingency], texts: Texts) -> tuple[LossRow, ...]:
    """The N-1 table: the scenario as it is, then with each source lost in turn."""
    none = "–"
    return tuple(
        LossRow(
            lost=texts(f"source.{row.lost}" if row.lost else "simulation.nothing_lost"),
            survives=_survival(row.survival_h, row.survives, texts),
            unserved=quantity(row.unserved_kwh, "kWh", texts),
            shed=quantity(row.shed_kwh, "kWh", texts),
            imported=quantity(row.grid_import_kwh, "kWh", texts),
            peak=none if row.peak_import_kw is None else quantity(row.peak_import_kw, "kW", texts),
            nadir=none if row.nadir_hz is None else quantity(row.nadir_hz, "Hz", texts),
            feasible=row.feasible,
        )
        for row in rows
    )


def setting_rows(plant: Plant, texts: Texts) -> tuple[SettingRow, ...]:
    """Every parameter with its source; notes stay as the site file has them."""
    return tuple(_setting(row, texts) for row in plant.parameters())


def score_rows(found: Calibration, texts: Texts) -> tuple[ScoreRow, ...]:
    """How well the calibrated model predicts days it hasn't seen, beside its baselines."""
    scores = {
        "held_out": found.held_out,
        "all": found.held_out_all,
        "excluded": found.excluded,
        "islanded": found.islanded,
        "genset_on": found.genset_on,
        "genset_off": found.genset_off,
    }
    return tuple(_score(name, score, texts) for name, score in scores.items() if score is not None)


def calibration_text(found: Calibration, texts: Texts) -> str:
    """Say what was fitted."""
    return texts(
        "simulation.calibrated",
        line=texts.number(1e3 * found.line.value_ohm, 2),
        error=texts.number(1e3 * found.line.std_error_ohm, 2),
        own=texts.number(found.own_consumption_kw, 1),
        days=found.days,
    )


def quantity(value: Number, unit: str, texts: Texts) -> str:
    """Write a number with its unit; `–` for none."""
    if value is None:
        return "–"
    if unit == "1":
        return f"{texts.number(100 * value, 1)}\N{NO-BREAK SPACE}%"
    return f"{texts.number(value, _decimals(value, unit))}\N{NO-BREAK SPACE}{unit}"


def _decimals(value: float, unit: str) -> int:
    if unit == "min":
        return 0
    return 1 if unit == "kWh" else decimals_for(value, unit)


def _metric_row(metric: _Metric, pair: Pair, texts: Texts) -> MetricRow:
    base, value = metric.read(pair.base), metric.read(pair.scenario)
    difference = "–"
    if base is not None and value is not None:
        change = value - base
        decimals = _decimals(max(abs(base), abs(value)), metric.unit)
        scale = 100 if metric.unit == "1" else 1
        sign = "+" if round(change * scale, decimals) > 0 else ""
        unit = texts("unit.points") if metric.unit == "1" else metric.unit
        shown = texts.number(change * scale, 1 if metric.unit == "1" else decimals)
        difference = f"{sign}{shown}\N{NO-BREAK SPACE}{unit}"
    limit = metric.limit(pair.scenario) if metric.limit else None
    broken = (
        limit is not None
        and value is not None
        and (value > limit + 1e-9 if metric.most else value < limit - 1e-9)
    )
    bound = "–"
    if limit is not None:
        bound = f"{'≤' if metric.most else '≥'} {quantity(limit, metric.unit, texts)}"
    highest = metric.highest(pair.scenario) if metric.highest else None
    if highest is not None:
        broken = broken or (value is not None and value > highest + 1e-9)
        bound = f"{bound}, ≤ {quantity(highest, metric.unit, texts)}"
    return MetricRow(
        name=metric.name,
        label=texts(f"metric.{metric.name}"),
        base=_written(metric, pair.base, texts),
        scenario=_written(metric, pair.scenario, texts),
        difference=difference,
        limit=bound,
        broken=broken,
        value=value,
    )


def _written(metric: _Metric, result: SimulationResult, texts: Texts) -> str:
    value = metric.read(result)
    if metric.name == "survival":
        islanded, collapsed = result.details.minutes_islanded, result.details.minutes_collapsed
        if islanded or collapsed:
            return _survival(result.details.survival_h, not collapsed, texts)
    if metric.name == "settling" and value is None and result.events:
        return texts("simulation.unsettled")
    return quantity(value, metric.unit, texts)


def _survival(hours: float | None, survives: bool, texts: Texts) -> str:
    """How long critical load lives on."""
    if hours is not None:
        return quantity(hours, "h", texts)
    return texts("simulation.survives" if survives else "simulation.collapses")


def _setting(row: ParameterRow, texts: Texts) -> SettingRow:
    key = f"parameter.{row.name}"
    name = texts(key) if texts.has(key) else row.name
    unit = "" if row.unit == "1" else f"\N{NO-BREAK SPACE}{row.unit}"
    decimals = next((d for d in range(6) if abs(row.value - round(row.value, d)) < 1e-9), 6)
    value = f"{texts.number(row.value, decimals)}{unit}"
    return SettingRow(name, value, texts(f"origin.{row.source}"), row.note, row.source)


def _score(name: str, score: Score, texts: Texts) -> ScoreRow:
    def volts(value: float | None) -> str:
        return "–" if value is None else f"{texts.number(value, 2)}\N{NO-BREAK SPACE}V"

    return ScoreRow(
        which=texts(f"simulation.score.{name}"),
        intervals=texts.number(score.intervals),
        rmse=volts(score.rmse_v),
        bias=volts(score.bias_v),
        receiving=volts(score.baseline_receiving_v),
        offset=volts(score.baseline_offset_v),
    )
