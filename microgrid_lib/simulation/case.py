"""A scenario applied to a day: the series that go in, and the dispatch that comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid_lib.simulation.day import STEP, DayFrame
from microgrid_lib.simulation.dispatch import Control, Flows, Inputs, Units, dispatch
from microgrid_lib.simulation.errors import ScenarioError
from microgrid_lib.simulation.plant import Battery, Plant
from microgrid_lib.simulation.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HOURS = STEP.total_seconds() / 3600.0
DEFAULT_SOC = 0.5


@dataclass(frozen=True, eq=False)
class Case:
    """A plant, a day and a scenario, dispatched.

    Attributes
    ----------
    plant, day, scenario
        What was asked.
    islanded
        Steps without the grid, shape (n_steps,).
    soc_start
        State of charge at the start, 0-1.
    flows
        The dispatch.
    """

    plant: Plant
    day: DayFrame
    scenario: Scenario
    islanded: BoolArray
    soc_start: float
    flows: Flows

    @property
    def battery(self) -> Battery | None:
        """The battery, None where there is none or it is lost all day."""
        return None if self.scenario.lost_all_day("battery") else self.plant.battery

    def battery_at(self, step: int) -> Battery | None:
        """The battery, None where it is out of service in a step."""
        return None if self.out_of_service("battery")[step] else self.plant.battery

    def out_of_service(self, source: str) -> BoolArray:
        """Find the steps in which a source is lost, shape (n_steps,)."""
        return lost_steps(self.day, self.scenario, source)

    @property
    def battery_kw(self) -> float:
        """Power limit of the battery [kW], NaN without one."""
        if self.battery is None:
            return math.nan
        own = self.scenario.battery_kw
        return self.battery.power_kw.value if own is None else own

    def soc_before(self, step: int) -> float:
        """Give the state of charge at the start of a step."""
        known = np.flatnonzero(np.isfinite(self.flows.soc[:step]))
        return float(self.flows.soc[known[-1]]) if known.size else self.soc_start


def role_series(day: DayFrame, role: str, missing: float = 0.0) -> FloatArray:
    """Give a role's series, or a constant where the site has no such role."""
    if not day.has(role):
        return np.full(len(day.frame), missing)
    return day.values[role]


def metering_residual(day: DayFrame) -> FloatArray:
    """Subtract all sources from the load: what the meters leave open [kW], 0 with derived grid."""
    if not day.has("grid"):
        return np.zeros(len(day.frame))
    sources = [role_series(day, name) for name in ("grid", "pv", "fuel_cell", "genset", "battery")]
    return np.asarray(role_series(day, "load") - np.sum(sources, axis=0), dtype=np.float64)


def soc_at_start(day: DayFrame, scenario: Scenario) -> float:
    """Give the scenario's start of charge, else the day's, else 0.5."""
    for start in (scenario.soc_start, day.soc_start):
        if start is not None:
            return start
    return DEFAULT_SOC


def islanded_steps(day: DayFrame, scenario: Scenario) -> BoolArray:
    """Find the steps in which a scenario is without the grid, shape (n_steps,)."""
    return lost_steps(day, scenario, "grid") | _inside(day, scenario.island_minutes())


def lost_steps(day: DayFrame, scenario: Scenario, source: str) -> BoolArray:
    """Find the steps in which a scenario has lost a source, shape (n_steps,)."""
    if source not in scenario.lost:
        return np.zeros(len(day.frame), dtype=np.bool_)
    return np.asarray(day.local_minutes() >= scenario.lost_minute())


def _inside(day: DayFrame, windows: tuple[tuple[int, int], ...]) -> BoolArray:
    inside = np.zeros(len(day.frame), dtype=np.bool_)
    if windows:
        local = day.local_minutes()
        for first, last in windows:
            inside |= (local >= first) & (local < last)
    return inside


def run_case(plant: Plant, day: DayFrame, scenario: Scenario, as_it_was: Flows | None) -> Case:
    """Dispatch a scenario.

    Parameters
    ----------
    plant, day, scenario
        What is asked.
    as_it_was
        The dispatch of the day with nothing changed; None: this is it.
    """
    islanded = islanded_steps(day, scenario)
    soc_start = soc_at_start(day, scenario)

    def in_service(role: str) -> FloatArray:
        series = role_series(day, role)
        out = lost_steps(day, scenario, role)
        return np.where(out, 0.0, series) if out.any() else series

    load = role_series(day, "load") * scenario.load_scale
    if scenario.load_step_kw:
        load = load + scenario.load_step_kw * _inside(day, scenario.load_step_minutes())
    inputs = Inputs(
        load=load,
        pv=in_service("pv") * scenario.pv_scale,
        fuel_cell=in_service("fuel_cell"),
        genset=in_service("genset"),
        battery=role_series(day, "battery"),
        residual=metering_residual(day),
        islanded=islanded,
        valid=day.valid,
        battery_out=lost_steps(day, scenario, "battery"),
        genset_out=lost_steps(day, scenario, "genset"),
        fuel_cell_out=lost_steps(day, scenario, "fuel_cell"),
    )
    controlled = scenario.battery == "import_target"
    control = Control(
        hours=HOURS,
        soc_start=soc_start,
        fuel_cell_kw=scenario.fuel_cell_kw,
        import_target_kw=scenario.import_target_kw if controlled else None,
        battery_follows=scenario.follows_measured_battery,
        reference_soc=None if as_it_was is None else as_it_was.soc,
        limits_act=scenario.battery_kw is not None or scenario.soc_reserve is not None,
        soc_reserve=scenario.soc_reserve,
    )
    flows = dispatch(inputs, Units.of(plant, scenario), control)
    return Case(plant, day, scenario, islanded, soc_start, flows)


def check_case(plant: Plant, day: DayFrame, scenario: Scenario) -> None:
    """Refuse a scenario that asks for something this site or plant doesn't have.

    Raises
    ------
    ScenarioError
        Names the setting and what is there instead.
    """
    site = day.site
    if scenario.fuel_cell_kw is not None:
        _check_fuel_cell(plant, day, scenario, scenario.fuel_cell_kw)
    if scenario.pv_scale != 1.0 and not day.has("pv"):
        raise ScenarioError(f"pv_scale {scenario.pv_scale:g}: {site} has no PV")
    asks_battery = {
        "battery": scenario.battery == "import_target",
        "battery_kw": scenario.battery_kw is not None,
        "soc_reserve": scenario.soc_reserve is not None,
    }
    if plant.battery is None and any(asks_battery.values()):
        setting = next(name for name, asks in asks_battery.items() if asks)
        lacks = "site file has no [plant.battery]" if day.has("battery") else "plant has no battery"
        raise ScenarioError(f"{setting}: {site}'s {lacks}")
    if scenario.battery_kw is not None and plant.battery is not None:
        converter = plant.battery.converter_kva.value
        if scenario.battery_kw > converter:
            raise ScenarioError(
                f"battery_kw {scenario.battery_kw:g} is larger than its converter "
                f"({converter:g} kVA)"
            )
    for source in scenario.lost:
        if source not in available_sources(plant, day):
            raise ScenarioError(f"lost: {site} has no {source.replace('_', ' ')}")


def available_sources(plant: Plant, day: DayFrame) -> tuple[str, ...]:
    """List the sources that a plant and its day have, the grid first."""
    parts = {"battery": plant.battery, "genset": plant.genset}
    others = ("pv", "fuel_cell", "genset", "battery")
    there = [name for name in others if day.has(name) or parts.get(name) is not None]
    return ("grid", *there)


def _check_fuel_cell(plant: Plant, day: DayFrame, scenario: Scenario, power_kw: float) -> None:
    site = day.site
    if not day.has("fuel_cell"):
        raise ScenarioError(f"fuel_cell_kw: {site} has no fuel cell")
    if scenario.lost_all_day("fuel_cell"):
        raise ScenarioError("fuel_cell_kw: the scenario loses the fuel cell")
    if plant.fuel_cell is None:
        raise ScenarioError(f"fuel_cell_kw: {site}'s plant doesn't state the fuel cell's ramp")
    rated = plant.fuel_cell.rated_kw.value
    if power_kw > rated:
        raise ScenarioError(
            f"fuel_cell_kw {power_kw:g} is above the fuel cell's rated {rated:g} kW"
        )
