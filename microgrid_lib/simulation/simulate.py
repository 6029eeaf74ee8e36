"""A day under a scenario: dispatch, voltages, frequency, transients, metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pandas as pd

from microgrid_lib.kpi.model import Note
from microgrid_lib.simulation.case import Case, check_case, run_case, soc_at_start
from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.dispatch import shed_by_priority
from microgrid_lib.simulation.metrics import (
    Details,
    Metrics,
    SeriesStep,
    SimulationReport,
    SimulationSeriesReport,
    compute_details,
    compute_metrics,
    finite_or_none,
)
from microgrid_lib.simulation.network import Engine, FeederVoltages
from microgrid_lib.simulation.plant import Plant
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.transients import (
    Event,
    FrequencySeries,
    find_events,
    frequency_series,
)
from microgrid_lib.simulation.verdict import cautions, day_notes, problems
from microgrid_lib.simulation.voltages import (
    ReferenceVoltages,
    collapsed_steps,
    reference_voltages,
    scenario_voltages,
)

_KEPT_REFERENCES = 4


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A simulated day.

    Attributes
    ----------
    day, plant, scenario
        What was simulated.
    series
        UTC index of every minute; the columns of `metrics.SeriesStep`, and `residual`, `surplus`
        [kW] and `genset_on`; NaN at minutes without data.
    metrics, details
        The numbers.
    feasible
        See `metrics.SimulationReport`.
    warnings
        What to beware of.
    events
        Transients.
    """

    day: DayFrame
    plant: Plant
    scenario: Scenario
    series: pd.DataFrame = field(repr=False)
    metrics: Metrics
    details: Details
    feasible: bool
    warnings: tuple[Note, ...]
    events: tuple[Event, ...] = field(repr=False)

    def report(self) -> SimulationReport:
        """Give the report that `--json` prints."""
        return SimulationReport(**self._report_fields())

    def series_report(self) -> SimulationSeriesReport:
        """Give the report with every step, times in the display zone."""
        columns: dict[str, list[Any]] = {
            "time": list(pd.DatetimeIndex(self.series.index).tz_convert(self.day.zone)),
            "islanded": self.series["islanded"].tolist(),
        }
        for name in SeriesStep.model_fields:
            if name not in columns:
                columns[name] = [finite_or_none(value) for value in self.series[name].tolist()]
        steps = [
            SeriesStep(**dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        return SimulationSeriesReport(**self._report_fields(), series=steps)

    def _report_fields(self) -> dict[str, Any]:
        return {
            "site": self.day.site,
            "date": self.day.label,
            "scenario": self.scenario.as_dict(),
            "feasible": self.feasible,
            "warnings": list(self.warnings),
            "metrics": self.metrics,
        }


class Simulator:
    """A plant and a day, ready for many scenarios.

    Parameters
    ----------
    plant
        The plant.
    day
        The day.
    engine
        Power-flow engine; `closed_form` gives the same within 1e-6 V.
    """

    def __init__(self, plant: Plant, day: DayFrame, engine: Engine = "power_grid_model") -> None:
        self.plant = plant
        self.day = day
        self.engine: Engine = engine
        self._references: dict[float, ReferenceVoltages] = {}

    def run(self, scenario: Scenario | None = None) -> SimulationResult:
        """Simulate one scenario; None changes nothing.

        Raises
        ------
        ScenarioError
            The scenario asks for something this site or plant doesn't have.
        """
        chosen = scenario or Scenario()
        check_case(self.plant, self.day, chosen)
        reference = self._reference(soc_at_start(self.day, chosen))
        case = run_case(self.plant, self.day, chosen, reference.case.flows)
        voltages = scenario_voltages(case, reference, self.engine)
        events = find_events(case)
        frequency = frequency_series(case, events)
        return _result(case, reference, voltages, frequency, events)

    def _reference(self, soc_start: float) -> ReferenceVoltages:
        if soc_start not in self._references:
            # Scenarios rarely differ in their start: a few are enough, and memory stays bounded.
            if len(self._references) >= _KEPT_REFERENCES:
                self._references.pop(next(iter(self._references)))
            nothing = Scenario(soc_start=soc_start)
            case = run_case(self.plant, self.day, nothing, as_it_was=None)
            self._references[soc_start] = reference_voltages(case, self.engine)
        return self._references[soc_start]


def simulate(plant: Plant, day: DayFrame, scenario: Scenario | None = None) -> SimulationResult:
    """Simulate a day under a scenario.

    With nothing changed the result is the day as measured. The connected battery, fuel cell and
    genset follow their measured series; limits and ramps act on what the scenario changes; voltage
    = measured + (model of the scenario - model of the day as it was).

    Parameters
    ----------
    plant
        The plant, from `plant.build_plant`.
    day
        The day, from `day.measured_day` or `day.average_day`.
    scenario
        What is changed; None: nothing.

    Raises
    ------
    ScenarioError
        The scenario asks for something this site or plant doesn't have.
    """
    return _simulator(plant, day).run(scenario)


@lru_cache(maxsize=2)
def _simulator(plant: Plant, day: DayFrame) -> Simulator:
    # The model of the day as it was is half the work, and the same for every scenario of a day.
    return Simulator(plant, day)


def _result(
    case: Case,
    reference: ReferenceVoltages,
    voltages: FeederVoltages,
    frequency: FrequencySeries,
    events: tuple[Event, ...],
) -> SimulationResult:
    flows, groups = case.flows, case.plant.load_groups
    lost = shed_by_priority(flows.load, flows.unmet, groups)
    unserved = sum((lost[g.name] for g in groups if g.critical), flows.unmet * 0.0)
    values: dict[str, Any] = {
        "load": flows.load,
        "pv": flows.pv,
        "fuel_cell": flows.fuel_cell,
        "genset": flows.genset,
        "battery": flows.battery,
        "grid": flows.grid,
        "shed": flows.unmet - unserved,
        "unserved": unserved,
        "curtailed": flows.curtailed,
        "residual": flows.residual,
        "surplus": flows.surplus,
        "soc": flows.soc,
        "bus_voltage": voltages.bus,
        "mccb_voltage": voltages.mccb,
        "receiving_voltage": voltages.receiving,
        "frequency": frequency.mean,
        "frequency_min": frequency.low,
        "frequency_max": frequency.high,
        "islanded": case.islanded,
        "genset_on": flows.genset_on,
    }
    series = pd.DataFrame(values, index=case.day.frame.index)
    metrics = compute_metrics(values, flows.balance_error_kw(), events)
    collapsed = collapsed_steps(case, voltages, reference)
    details = compute_details(series, case, lost, events, collapsed)
    found = problems(case, series, events, details)
    warnings = (*day_notes(case), *cautions(case, details), *found)
    return SimulationResult(
        case.day, case.plant, case.scenario, series, metrics, details, not found, warnings, events
    )
