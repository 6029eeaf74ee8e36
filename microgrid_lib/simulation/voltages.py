"""Voltages of a scenario: measured + (model of the scenario - model of the day as it was)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from microgrid_lib.simulation.case import Case, FloatArray, role_series
from microgrid_lib.simulation.network import (
    Engine,
    Feeder,
    FeederVoltages,
    feeder_voltages,
    island_voltage,
    source_voltage,
)
from microgrid_lib.site.plant import NetworkSpec

VOLTAGE_ROLES = ("receiving_voltage", "mccb_voltage", "bus_voltage")


@dataclass(frozen=True, eq=False)
class ReferenceVoltages:
    """The model's voltages [V] of the day as it was, and the source's that belongs to them."""

    case: Case
    source_v: FloatArray
    modelled: FeederVoltages


def reference_voltages(case: Case, engine: Engine) -> ReferenceVoltages:
    """Model the day as it was.

    The source's voltage is the one that gives the measured receiving voltage at the measured power;
    where that isn't measured, the nominal one.
    """
    network, n = case.plant.network, len(case.islanded)
    unknown = np.full(n, np.nan)
    if network is None:
        return ReferenceVoltages(case, unknown, FeederVoltages(unknown, unknown, unknown))
    feeder = Feeder.of(network)
    p, q = case.flows.grid, case.flows.load * reactive_share(network)
    nominal = case.plant.nominal_voltage_v.value
    if case.day.has("receiving_voltage"):
        receiving = role_series(case.day, "receiving_voltage")
        source_v = source_voltage(receiving, feeder.source_r, feeder.source_x, p, q)
    else:
        source_v = np.where(case.day.valid, nominal, np.nan)
    modelled = feeder_voltages(feeder, nominal, source_v, p, q, engine)
    return ReferenceVoltages(case, source_v, modelled)


def reactive_share(network: NetworkSpec) -> float:
    """Reactive power of the load per active power: tan(acos(power factor))."""
    return math.tan(math.acos(network.load_power_factor.value))


def scenario_voltages(case: Case, reference: ReferenceVoltages, engine: Engine) -> FeederVoltages:
    """Compute the voltages of a scenario [V], shape (n_steps,).

    Parameters
    ----------
    case
        The scenario.
    reference
        The day as it was.
    engine
        Power-flow engine.

    Returns
    -------
    FeederVoltages
        NaN without data, at voltage collapse, in an island that nothing forms, and for what isn't
        measured where the plant has no network.
    """
    measured = [role_series(case.day, name, np.nan) for name in VOLTAGE_ROLES]
    flows, before, islanded = case.flows, reference.case.flows, case.islanded
    network = case.plant.network
    if network is None:
        unchanged = ~islanded & (flows.grid == before.grid)
        return FeederVoltages(*(np.where(unchanged, v, np.nan) for v in measured))
    share = reactive_share(network)
    q = (flows.load - flows.unmet) * share
    changed = ~islanded & ((flows.grid != before.grid) | (q != before.load * share))
    modelled = FeederVoltages(*(v.copy() for v in reference.modelled))
    if changed.any():
        solved = feeder_voltages(
            Feeder.of(network),
            case.plant.nominal_voltage_v.value,
            reference.source_v[changed],
            flows.grid[changed],
            q[changed],
            engine,
        )
        for target, values in zip(modelled, solved, strict=True):
            target[changed] = values
    connected = [
        now + (v - was) if case.day.has(name) else v
        for name, now, v, was in zip(
            VOLTAGE_ROLES, measured, modelled, reference.modelled, strict=True
        )
    ]
    # No current flows over the open breaker: its grid side has the source's voltage.
    receiving, mccb = (np.where(islanded, reference.source_v, v) for v in connected[:2])
    bus = np.where(islanded, _island_bus(case, network, q), connected[2])
    for series in (receiving, mccb, bus):
        series[~case.day.valid] = np.nan
    return FeederVoltages(receiving, mccb, bus)


def _island_bus(case: Case, network: NetworkSpec, q_kvar: FloatArray) -> FloatArray:
    plant = case.plant
    genset_kva = math.nan if plant.genset is None else plant.genset.apparent_kva.value
    converter_kva = math.nan if case.battery is None else case.battery.converter_kva.value
    rating = np.where(case.flows.genset_on, genset_kva, converter_kva)
    voltage = island_voltage(
        network.island_voltage_v.value, network.voltage_droop.value, q_kvar, rating
    )
    return np.where(case.flows.forming, voltage, np.nan)


def collapsed_steps(case: Case, voltages: FeederVoltages, reference: ReferenceVoltages) -> int:
    """Count connected steps whose power flow has no solution, though the day as it was had one."""
    lost = np.isnan(voltages.bus) & np.isfinite(reference.modelled.bus) & ~case.islanded
    if case.day.has("bus_voltage"):
        lost &= np.isfinite(role_series(case.day, "bus_voltage"))
    return int(np.count_nonzero(lost & case.day.valid)) if case.plant.network is not None else 0
