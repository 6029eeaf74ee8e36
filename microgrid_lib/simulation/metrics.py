"""What a simulation says in numbers: the models behind `microgrid simulate --json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi.limits import Band
from microgrid_lib.kpi.model import Note
from microgrid_lib.simulation.case import HOURS, Case, FloatArray
from microgrid_lib.simulation.frequency import Transient
from microgrid_lib.simulation.transients import Event

# Power below this is rounding, not an event [kW].
TINY_KW = 1e-6


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Energies(_Model):
    """Energies over the steps with data [kWh].

    pv + fuel_cell + genset + battery_discharge + grid_import - battery_charge - grid_export = load
    - shed - unserved + surplus, but for what the meters leave open; warnings say how much that and
    the surplus are, which has nowhere to go in an island. `load` is the demand, `curtailed` the PV
    energy held back. What a collapsing voltage takes away isn't known and not left out.
    """

    load: float
    pv: float
    fuel_cell: float
    genset: float
    battery_charge: float
    battery_discharge: float
    grid_import: float
    grid_export: float
    shed: float
    unserved: float
    curtailed: float


class Range(_Model):
    """Lowest and highest one-minute value; None where there is none."""

    min: float | None
    max: float | None


class Voltages(_Model):
    """Voltages [V], line to line."""

    bus: Range
    mccb: Range
    receiving: Range


class Frequencies(_Model):
    """Frequency at the bus.

    Attributes
    ----------
    min, max
        Lowest and highest over the day [Hz], transients included.
    nadir
        Furthest from nominal in a transient [Hz]; None without an island, or where the frequency
        collapses.
    rocof
        Highest initial rate of change in a transient [Hz/s].
    """

    min: float | None
    max: float | None
    nadir: float | None
    rocof: float | None


class Soc(_Model):
    """State of charge, 0-1: lowest, and at the end of the day; None without a known battery."""

    min: float | None
    end: float | None


class Metrics(_Model):
    """The metrics of a simulated day."""

    energy_kwh: Energies
    voltage_v: Voltages
    frequency_hz: Frequencies
    soc: Soc
    max_balance_error_kw: float


class SimulationReport(_Model):
    """The JSON of `microgrid simulate --json`.

    Attributes
    ----------
    site
        The site's name.
    date
        The day, or first/last day of an average.
    scenario
        All settings of the scenario.
    feasible
        Whether critical load is served throughout, no power is left without a place to go, every
        island has a unit that forms it, voltage doesn't collapse and transients stay within the
        fast trips of IEEE 1547-2018.
    warnings
        What to beware of, with what makes it infeasible.
    metrics
        The numbers.
    """

    site: str
    date: str
    scenario: dict[str, Any]
    feasible: bool
    warnings: list[Note]
    metrics: Metrics


class SeriesStep(_Model):
    """One step of `--series`: powers [kW], voltages [V], frequencies [Hz]; None without data."""

    time: datetime
    load: float | None
    pv: float | None
    fuel_cell: float | None
    genset: float | None
    battery: float | None
    grid: float | None
    shed: float | None
    unserved: float | None
    curtailed: float | None
    soc: float | None
    bus_voltage: float | None
    mccb_voltage: float | None
    receiving_voltage: float | None
    frequency: float | None
    frequency_min: float | None
    frequency_max: float | None
    islanded: bool


class SimulationSeriesReport(SimulationReport):
    """The JSON of `microgrid simulate --json --series`."""

    series: list[SeriesStep]


class Details(_Model):
    """What the page shows beside the metrics.

    Attributes
    ----------
    minutes_without_data, minutes_islanded, genset_hours
        Durations.
    minutes_collapsed
        Connected minutes in which the feeder can't carry the power.
    minutes_outside_a, minutes_outside_b
        Minutes in which the bus voltage is outside ANSI C84.1 ranges A and B, or there is none: it
        collapses, or nothing forms the island.
    minutes_frequency_warning, minutes_frequency_critical
        Minutes in which the frequency is outside the site's limits, or a dead island has none.
    peak_load_kw, peak_import_kw
        Highest one-minute values [kW]; None where there is no load, or no import.
    settling_s
        Longest settling time of a transient [s]; None where one doesn't settle, or there is none.
    survival_h
        Hours from the start of the first island to the first minute in which critical load isn't
        served or no unit forms the island; None where that doesn't happen, or without an island.
    shed_kwh
        Energy that each group of load loses [kWh].
    surplus_kwh, residual_kwh
        Power with nowhere to go, and what the meters leave open [kWh].
    """

    minutes_without_data: int
    minutes_islanded: int
    genset_hours: float
    minutes_collapsed: int
    minutes_outside_a: int
    minutes_outside_b: int
    minutes_frequency_warning: int
    minutes_frequency_critical: int
    peak_load_kw: float | None
    peak_import_kw: float | None
    settling_s: float | None
    survival_h: float | None
    shed_kwh: dict[str, float]
    surplus_kwh: float
    residual_kwh: float


def finite_or_none(value: float) -> float | None:
    """Give the number, None where it isn't one."""
    return float(value) if math.isfinite(value) else None


def value_range(low: FloatArray, high: FloatArray) -> Range:
    """Find the lowest known value of one series and the highest of another."""
    least, most = low[np.isfinite(low)], high[np.isfinite(high)]
    return Range(
        min=float(least.min()) if least.size else None,
        max=float(most.max()) if most.size else None,
    )


def compute_metrics(
    values: Mapping[str, FloatArray], balance_error_kw: FloatArray, events: tuple[Event, ...]
) -> Metrics:
    """Compute the metrics of a simulated day.

    Parameters
    ----------
    values
        Columns of `simulate.SimulationResult.series`, each of shape (n_steps,).
    balance_error_kw
        Sources less what they serve [kW], shape (n_steps,).
    events
        Transients.
    """
    battery, grid, soc = values["battery"], values["grid"], values["soc"]
    known_soc = soc[np.isfinite(soc)]
    held = [event.transient for event in events if event.transient.kind != "none"]
    standing = [transient for transient in held if not transient.collapsed]
    span = value_range(values["frequency_min"], values["frequency_max"])
    return Metrics(
        energy_kwh=Energies(
            load=_energy(values["load"]),
            pv=_energy(values["pv"]),
            fuel_cell=_energy(values["fuel_cell"]),
            genset=_energy(values["genset"]),
            battery_charge=_energy(np.maximum(-battery, 0.0)),
            battery_discharge=_energy(np.maximum(battery, 0.0)),
            grid_import=_energy(np.maximum(grid, 0.0)),
            grid_export=_energy(np.maximum(-grid, 0.0)),
            shed=_energy(values["shed"]),
            unserved=_energy(values["unserved"]),
            curtailed=_energy(values["curtailed"]),
        ),
        voltage_v=Voltages(
            **{
                name: value_range(values[f"{name}_voltage"], values[f"{name}_voltage"])
                for name in ("bus", "mccb", "receiving")
            }
        ),
        frequency_hz=Frequencies(
            min=span.min,
            max=span.max,
            nadir=_furthest(standing) if len(standing) == len(events) else None,
            rocof=max((transient.rocof_hz_per_s for transient in held), default=None),
        ),
        soc=Soc(
            min=float(known_soc.min()) if known_soc.size else None,
            end=float(known_soc[-1]) if known_soc.size else None,
        ),
        max_balance_error_kw=float(np.nanmax(np.abs(balance_error_kw))),
    )


def compute_details(
    series: pd.DataFrame,
    case: Case,
    lost_kw: dict[str, FloatArray],
    events: tuple[Event, ...],
    minutes_collapsed: int,
) -> Details:
    """Compute what the page shows beside the metrics.

    Parameters
    ----------
    series
        As in `simulate.SimulationResult`.
    case
        What was simulated.
    lost_kw
        Power that each group of load loses [kW].
    events
        Transients.
    minutes_collapsed
        See `voltages.collapsed_steps`.
    """
    plant, limits = case.plant, case.plant.limits
    volts = series["bus_voltage"].to_numpy(dtype=np.float64)
    low, high = (series[f"frequency_{end}"].to_numpy(dtype=np.float64) for end in ("min", "max"))

    def outside_volts(per_unit: tuple[float, float]) -> int:
        band = Band.of(plant.nominal_voltage_v.value, per_unit)
        return dead + minutes_collapsed + int(np.count_nonzero(band.outside(volts)))

    def outside_hertz(share: float) -> int:
        band = Band.of(plant.nominal_frequency_hz.value, (1 - share, 1 + share))
        return dead + int(np.count_nonzero(band.below(low) | band.above(high)))

    grid = series["grid"].to_numpy(dtype=np.float64)
    load = series["load"].to_numpy(dtype=np.float64)
    settled = [event.transient.settling_s for event in events]
    # Where nothing forms the island there is neither voltage nor frequency: both are outside.
    dead = int(np.count_nonzero(case.islanded & case.day.valid & ~case.flows.forming))
    return Details(
        minutes_without_data=int(np.count_nonzero(~case.day.valid)),
        minutes_islanded=int(np.count_nonzero(case.islanded)),
        genset_hours=float(np.count_nonzero(case.flows.genset_on & case.day.valid)) * HOURS,
        minutes_collapsed=minutes_collapsed,
        minutes_outside_a=outside_volts(limits.voltage_a),
        minutes_outside_b=outside_volts(limits.voltage_b),
        minutes_frequency_warning=outside_hertz(limits.frequency_warning),
        minutes_frequency_critical=outside_hertz(limits.frequency_critical),
        peak_load_kw=finite_or_none(float(np.nanmax(load))),
        peak_import_kw=finite_or_none(float(np.nanmax(grid))) if np.nanmax(grid) > 0 else None,
        settling_s=max((s for s in settled if s is not None), default=None)
        if None not in settled
        else None,
        survival_h=survival_h(series, case),
        shed_kwh={name: _energy(power) for name, power in lost_kw.items()},
        surplus_kwh=_energy(series["surplus"].to_numpy(dtype=np.float64)),
        residual_kwh=_energy(series["residual"].to_numpy(dtype=np.float64)),
    )


def survival_h(series: pd.DataFrame, case: Case) -> float | None:
    """Find how long critical load lives on in an island [h].

    Returns
    -------
    float or None
        Hours from the start of the first island to the first minute in which critical load isn't
        served or no unit forms the island; None where that doesn't happen, or without an island.
    """
    starts = np.flatnonzero(case.islanded)
    unserved = series["unserved"].to_numpy(dtype=np.float64) > TINY_KW
    dead = case.islanded & case.day.valid & (unserved | ~case.flows.forming)
    if not dead.any():
        return None
    return float(np.flatnonzero(dead)[0] - starts[0]) * HOURS


def _energy(power_kw: FloatArray) -> float:
    return float(np.nansum(power_kw)) * HOURS


def _furthest(transients: list[Transient]) -> float | None:
    by_distance = sorted(transients, key=lambda transient: abs(transient.change_hz))
    return by_distance[-1].nadir_hz if by_distance else None
