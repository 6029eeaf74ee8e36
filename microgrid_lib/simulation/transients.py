"""Frequency of a scenario: minute by minute, and the transients of islanding and load steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from microgrid_lib.simulation.case import HOURS, Case, FloatArray, role_series
from microgrid_lib.simulation.frequency import (
    NO_SUPPORT,
    Droop,
    Machine,
    Support,
    Transient,
    grid_forming_transient,
    grid_frequency,
    machine_transient,
)

# Slack of power limits against rounding [kW].
TINY_KW = 1e-9


@dataclass(frozen=True, eq=False)
class Event:
    """A transient of the day.

    Attributes
    ----------
    step
        Index of the step at whose start it happens.
    kind
        `islanding`: the grid is lost; `source_loss`: a source is lost in an island; `load_step`:
        the largest step within an island besides.
    transient
        Its course.
    """

    step: int
    kind: Literal["islanding", "source_loss", "load_step"]
    transient: Transient


class FrequencySeries(NamedTuple):
    """Mean, lowest and highest frequency of each step [Hz], shape (n_steps,)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def find_events(case: Case) -> tuple[Event, ...]:
    """Compute the transients: of every islanding, of a source lost, of the largest other step.

    What is shed at the islanding is assumed to be shed at once (interlocked with the breaker).
    """
    flows = case.flows
    starts = np.flatnonzero(np.isfinite(flows.before[:, 0]))
    if starts.size == 0:
        return ()
    power = flows.genset + flows.battery
    events = []
    for step in starts.tolist():
        genset_kw, battery_kw = flows.before[step].tolist()
        change = float(power[step]) - genset_kw - battery_kw
        runs = bool(flows.genset_was_on[step])
        transient = island_transient(case, step, change, genset_kw, battery_kw, genset_runs=runs)
        events.append(Event(step, "islanding", transient))
    later = np.setdiff1d(np.flatnonzero(case.islanded & case.day.valid), starts)
    loss = _loss(case)
    losses = [step for step in later.tolist() if step == loss]
    events += [Event(step, "source_loss", _loss_transient(case, step)) for step in losses]
    later = np.setdiff1d(later, losses)
    change_kw = np.abs(power[later] - power[later - 1])
    change_kw[~(flows.forming[later] & flows.forming[later - 1])] = np.nan
    if np.isfinite(change_kw).any():
        step = int(later[np.nanargmax(change_kw)])
        last = step - 1
        transient = island_transient(
            case,
            step,
            float(power[step] - power[last]),
            float(flows.genset[last]),
            float(flows.battery[last]),
            genset_runs=bool(flows.genset_on[last]),
        )
        events.append(Event(step, "load_step", transient))
    return tuple(events)


def _loss(case: Case) -> int | None:
    """Find the step at which sources are lost; None where none is, or all day."""
    inside = [source for source in case.scenario.lost if source != "grid"]
    out = np.flatnonzero(case.out_of_service(inside[0])) if inside else np.empty(0, dtype=np.int64)
    return int(out[0]) if out.size and out[0] > 0 else None


def _loss_transient(case: Case, step: int) -> Transient:
    """Compute the transient of a source lost in an island: what the units that stay take over."""
    flows, last, lost = case.flows, step - 1, case.scenario.lost
    genset = float(flows.genset[last]) if "genset" not in lost else 0.0
    battery = float(flows.battery[last]) if "battery" not in lost else 0.0
    stays = float(flows.genset[step] + flows.battery[step])
    runs = bool(flows.genset_on[last]) and "genset" not in lost
    return island_transient(case, step, stays - genset - battery, genset, battery, genset_runs=runs)


def island_transient(
    case: Case,
    step: int,
    step_kw: float,
    genset_kw: float,
    battery_kw: float,
    *,
    genset_runs: bool,
) -> Transient:
    """Compute the transient of a load step in the island of a case.

    Parameters
    ----------
    case
        The case: its plant, and the battery's charge at that step.
    step
        Index of the step.
    step_kw
        Load step [kW].
    genset_kw, battery_kw
        Power just before [kW].
    genset_runs
        Whether the genset runs just before; else the battery must hold the island alone.
    """
    plant, battery = case.plant, case.battery_at(step)
    nominal = plant.nominal_frequency_hz.value
    charge = discharge = 0.0
    if battery is not None:
        soc = case.soc_before(step)
        charge = case.battery_kw if soc < battery.soc_max.value else 0.0
        discharge = case.battery_kw if soc > battery.soc_min.value else 0.0
    if genset_runs and plant.genset is not None:
        support = None
        if battery is not None:
            support = Support.beside(battery, battery_kw, charge, discharge)
        damping = plant.frequency.load_damping.value
        machine = Machine.of(plant.genset)
        return machine_transient(machine, genset_kw, step_kw, damping, nominal, support)
    if battery is None:
        return NO_SUPPORT
    return grid_forming_transient(
        battery.converter_kva.value,
        battery.droop.value,
        battery.power_filter_s.value,
        step_kw,
        nominal,
        (
            min(0.0, -charge - battery_kw) - TINY_KW,
            max(0.0, discharge - battery_kw) + TINY_KW,
        ),
    )


def frequency_series(case: Case, events: tuple[Event, ...]) -> FrequencySeries:
    """Compute the frequency at the bus, step by step.

    While connected as measured, or AR(1) noise about nominal where it isn't measured; in an island
    the deviation after primary control, which secondary control brings back.

    Parameters
    ----------
    case
        The case.
    events
        Its transients: their extremes count for their step.
    """
    settings, nominal = case.plant.frequency, case.plant.nominal_frequency_hz.value
    if case.day.has("bus_frequency"):
        mean = role_series(case.day, "bus_frequency").copy()
    else:
        sigma, tau = settings.grid_sigma_hz.value, settings.grid_tau_min.value
        seed = case.scenario.seed
        mean = grid_frequency(len(case.islanded), 60.0 * HOURS, nominal, sigma, tau, seed)
    mean[~case.day.valid] = np.nan
    if not case.islanded.any():
        return FrequencySeries(mean, mean, mean)
    deviation = _island_deviation(case)
    length_s, tau_s = 3600.0 * HOURS, settings.secondary_s.value
    # Mean of exp(-t / tau) over a step.
    remains = tau_s / length_s * -math.expm1(-length_s / tau_s) if tau_s > 0 else 0.0
    mean = np.where(case.islanded, nominal + deviation * remains, mean)
    low = np.where(case.islanded, nominal + np.minimum(deviation, 0.0), mean)
    high = np.where(case.islanded, nominal + np.maximum(deviation, 0.0), mean)
    for event in events:
        course = event.transient.frequency_hz
        if course.size and math.isfinite(mean[event.step]):
            low[event.step] = min(low[event.step], float(course.min()))
            high[event.step] = max(high[event.step], float(course.max()))
    return FrequencySeries(mean, low, high)


def _island_deviation(case: Case) -> FloatArray:
    """Compute the deviation after primary control at each islanded step [Hz]."""
    flows, nominal = case.flows, case.plant.nominal_frequency_hz.value
    power = flows.genset + flows.battery
    known = np.flatnonzero(np.isfinite(power))
    change = np.full(len(power), np.nan)
    # A gap has no result: the step after it is counted from the last known power.
    change[known] = np.diff(power[known], prepend=power[known[:1]])
    starts = np.isfinite(flows.before[:, 0])
    change[starts] = power[starts] - flows.before[starts].sum(axis=1)
    damping = case.plant.frequency.load_damping.value / nominal
    beside, alone = np.zeros(len(power)), np.full(len(power), np.nan)
    if case.battery is not None:
        droop, kva = case.battery.droop.value, case.battery.converter_kva.value
        there = ~case.out_of_service("battery")
        beside[there] = Droop(case.battery.power_kw.value, droop).stiffness(nominal)
        alone[there] = Droop(kva, droop).stiffness(nominal) + damping * kva
    together = np.full(len(power), np.nan)
    genset = case.plant.genset
    if genset is not None:
        kva = genset.apparent_kva.value
        together = Droop(kva, genset.droop.value).stiffness(nominal) + damping * kva + beside
    stiffness = np.where(flows.genset_on, together, alone)
    return np.where(case.islanded & flows.forming, -change / stiffness, np.nan)
