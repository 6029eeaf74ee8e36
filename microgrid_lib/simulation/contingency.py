"""N-1: each source lost in turn, for the whole day or from the scenario's time of loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from microgrid_lib.simulation.case import available_sources
from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.plant import Plant
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import SimulationResult, Simulator


class Contingency(BaseModel):
    """A row of the N-1 table.

    Attributes
    ----------
    lost
        The source that is lost; None: the scenario as it is, for comparison.
    survival_h
        Hours of island until the first minute in which critical load isn't served or nothing forms
        it; None where that doesn't happen.
    survives
        Whether critical load is served all day: neither that happens, nor does the voltage collapse
        on the grid.
    unserved_kwh, shed_kwh
        Critical and non-critical energy that isn't served [kWh].
    grid_import_kwh, peak_import_kw
        Energy from the grid [kWh] and its highest power [kW]; the power is None without import.
    nadir_hz
        Furthest frequency from nominal in a transient [Hz]; None without an island, or where the
        frequency collapses.
    feasible
        See `metrics.SimulationReport`.
    """

    model_config = ConfigDict(frozen=True)

    lost: str | None
    survival_h: float | None
    survives: bool
    unserved_kwh: float
    shed_kwh: float
    grid_import_kwh: float
    peak_import_kw: float | None
    nadir_hz: float | None
    feasible: bool


def n_minus_1(
    plant: Plant, day: DayFrame, scenario: Scenario | None = None
) -> tuple[Contingency, ...]:
    """Lose each source in turn, all day, on top of a scenario.

    Where the scenario loses sources at a time, the other one is lost then too. The first row is the
    scenario itself. Losing the grid islands the site; with a scenario that is islanded all day, the
    other rows are the N-1 table of the island.

    Parameters
    ----------
    plant, day, scenario
        As in `simulate.simulate`.

    Raises
    ------
    ScenarioError
        As in `simulate.simulate`.
    """
    start = scenario or Scenario()
    simulator = Simulator(plant, day)
    rows = [_row(None, simulator.run(start))]
    for source, without in _losses(plant, day, start):
        rows.append(_row(source, simulator.run(without)))
    return tuple(rows)


def _losses(plant: Plant, day: DayFrame, start: Scenario) -> Iterator[tuple[str, Scenario]]:
    for source in available_sources(plant, day):
        if source in start.lost:
            continue
        without = replace(start, lost=(*start.lost, source))
        # What is lost at some time obeys its settings until then.
        if source == "fuel_cell" and without.lost_all_day(source):
            without = replace(without, fuel_cell_kw=None)
        if source == "battery" and without.lost_all_day(source):
            without = replace(without, battery="measured", battery_kw=None, soc_reserve=None)
        yield source, without


def _row(lost: str | None, result: SimulationResult) -> Contingency:
    energy, details = result.metrics.energy_kwh, result.details
    return Contingency(
        lost=lost,
        survival_h=details.survival_h,
        survives=details.survival_h is None and not details.minutes_collapsed,
        unserved_kwh=energy.unserved,
        shed_kwh=energy.shed,
        grid_import_kwh=energy.grid_import,
        peak_import_kw=details.peak_import_kw,
        nadir_hz=result.metrics.frequency_hz.nadir,
        feasible=result.feasible,
    )
