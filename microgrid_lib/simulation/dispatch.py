"""Who delivers what: battery, genset, fuel cell, shedding and curtailment, step by step.

Signs as everywhere: sources positive when they deliver, battery + discharge, grid + import [kW].
At every step: pv + fuel_cell + genset + battery + grid + residual = load - shed - unserved +
surplus, where `residual` is what the meters leave open while connected, and `surplus` is power that
has nowhere to go (flagged as infeasible).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid_lib.simulation.plant import Plant
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.site.plant import LoadGroup

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# The series of `Flows`, in the order in which a step yields them.
_SERIES = (
    "load",
    "unmet",
    "pv",
    "curtailed",
    "fuel_cell",
    "genset",
    "battery",
    "grid",
    "residual",
    "surplus",
    "soc",
)
# A genset that delivers more than this share of its rating is running.
RUNNING_SHARE = 0.01


@dataclass(frozen=True)
class BatteryLimits:
    """A battery in plain numbers: power [kW], energy [kWh], efficiencies and SOC range [1]."""

    power_kw: float
    capacity_kwh: float
    eta_charge: float
    eta_discharge: float
    soc_min: float
    soc_max: float

    def discharge_kw(self, soc: float, hours: float, floor: float | None = None) -> float:
        """Highest discharge power over a step: min(Pmax, (SOC - SOCmin) E eta_d / h) [kW]."""
        low = self.soc_min if floor is None else floor
        available = (soc - low) * self.capacity_kwh * self.eta_discharge / hours
        return max(0.0, min(self.power_kw, available))

    def charge_kw(self, soc: float, hours: float, ceiling: float | None = None) -> float:
        """Highest charge power over a step: min(Pmax, (SOCmax - SOC) E / (eta_c h)) [kW]."""
        high = self.soc_max if ceiling is None else ceiling
        room = (high - soc) * self.capacity_kwh / (self.eta_charge * hours)
        return max(0.0, min(self.power_kw, room))

    def limited(
        self,
        power_kw: float,
        soc: float,
        reference_soc: float,
        hours: float,
        reserve: float | None = None,
    ) -> float:
        """Hold a measured power within what this SOC, and a reserve, allow [kW].

        The day as it was may have left the SOC range (its start is an estimate): where it was, is
        allowed.
        """
        floor = min(self.soc_min, reference_soc)
        most = self.discharge_kw(soc, hours, floor if reserve is None else max(floor, reserve))
        least = -self.charge_kw(soc, hours, max(self.soc_max, reference_soc))
        return min(most, max(least, power_kw))

    def after(self, soc: float, power_kw: float, hours: float) -> float:
        """SOC - (P / eta_d if P > 0 else P eta_c) h / E."""
        stored = power_kw / self.eta_discharge if power_kw > 0 else power_kw * self.eta_charge
        return soc - stored * hours / self.capacity_kwh


@dataclass(frozen=True)
class GensetLimits:
    """A genset in plain numbers: power range [kW], shortest times on and off [h]."""

    min_kw: float
    max_kw: float
    min_up_h: float
    min_down_h: float


@dataclass(frozen=True)
class Units:
    """What can be dispatched in a scenario; None: not there, or lost.

    Attributes
    ----------
    battery
        The battery.
    genset
        The genset.
    fuel_cell_ramp_kw_per_h
        Fastest change of the fuel cell where the scenario changes it [kW/h].
    """

    battery: BatteryLimits | None = None
    genset: GensetLimits | None = None
    fuel_cell_ramp_kw_per_h: float = math.inf

    @classmethod
    def of(cls, plant: Plant, scenario: Scenario) -> Units:
        """Take the units of a plant that a scenario leaves in service."""
        battery = genset = None
        if plant.battery is not None and not scenario.lost_all_day("battery"):
            power = plant.battery.power_kw.value
            battery = BatteryLimits(
                power if scenario.battery_kw is None else scenario.battery_kw,
                plant.battery.capacity_kwh.value,
                plant.battery.eta_charge.value,
                plant.battery.eta_discharge.value,
                plant.battery.soc_min.value,
                plant.battery.soc_max.value,
            )
        if plant.genset is not None and not scenario.lost_all_day("genset"):
            genset = GensetLimits(
                plant.genset.min_kw.value,
                plant.genset.max_kw.value,
                plant.genset.min_up_min.value / 60.0,
                plant.genset.min_down_min.value / 60.0,
            )
        ramp = math.inf
        if plant.fuel_cell is not None:
            ramp = plant.fuel_cell.ramp_kw_per_min.value * 60.0
        return cls(battery, genset, ramp)


@dataclass(frozen=True)
class Inputs:
    """What the day and the scenario give, each of shape (n_steps,) [kW].

    Attributes
    ----------
    load, pv
        Demand and available PV power, as scaled.
    fuel_cell
        Fuel-cell power as measured.
    genset, battery
        Measured power, followed while connected.
    residual
        What the meters leave open: load less all sources, as measured.
    islanded
        Steps without the grid.
    valid
        Steps with data.
    battery_out, genset_out, fuel_cell_out
        Steps from which on these are out of service; a lost one doesn't come back.
    """

    load: FloatArray
    pv: FloatArray
    fuel_cell: FloatArray
    genset: FloatArray
    battery: FloatArray
    residual: FloatArray
    islanded: BoolArray
    valid: BoolArray
    battery_out: BoolArray
    genset_out: BoolArray
    fuel_cell_out: BoolArray


@dataclass(frozen=True)
class Control:
    """How the dispatch is run.

    Attributes
    ----------
    hours
        Length of a step [h].
    soc_start
        State of charge at the start, 0-1.
    fuel_cell_kw
        Set point of the fuel cell [kW], None: as measured.
    import_target_kw
        Grid import the connected battery aims at [kW], None: it follows its measured series.
    battery_follows
        Whether there is a measured series that it may follow (False: the battery is lost).
    reference_soc
        SOC of the day as it was, shape (n_steps,): where the scenario's SOC differs from it, the
        limits act on the measured series. None: this is the day as it was.
    limits_act
        Whether the limits act on the measured series anyway: the scenario changes them.
    soc_reserve
        SOC below which the connected battery isn't discharged, 0-1.
    """

    hours: float
    soc_start: float
    fuel_cell_kw: float | None = None
    import_target_kw: float | None = None
    battery_follows: bool = True
    reference_soc: FloatArray | None = None
    limits_act: bool = False
    soc_reserve: float | None = None


@dataclass(frozen=True)
class Flows:
    """The dispatch, each of shape (n_steps,) [kW]; NaN at steps without data.

    Attributes
    ----------
    load
        Demand.
    unmet
        Demand that no source covers; shed by priority, critical load last.
    pv, curtailed
        PV delivered, and held back.
    fuel_cell, genset, battery, grid, residual
        Sources.
    surplus
        Power with nowhere to go.
    soc
        State of charge at the end of the step; NaN without a known battery.
    genset_on
        Whether the genset runs.
    forming
        Whether an islanded step has a unit that forms the grid.
    before
        At the first step of an island: genset and battery power just before, (n_steps, 2); else
        NaN.
    genset_was_on
        At the first step of an island: whether the genset ran just before.
    clipped
        Steps at which a measured battery series drove the counted SOC out of 0-1.
    """

    load: FloatArray
    unmet: FloatArray
    pv: FloatArray
    curtailed: FloatArray
    fuel_cell: FloatArray
    genset: FloatArray
    battery: FloatArray
    grid: FloatArray
    residual: FloatArray
    surplus: FloatArray
    soc: FloatArray
    genset_on: BoolArray
    forming: BoolArray
    before: FloatArray
    genset_was_on: BoolArray
    clipped: int

    def balance_error_kw(self) -> FloatArray:
        """Subtract what is served from the sources [kW], shape (n_steps,)."""
        sources = self.pv + self.fuel_cell + self.genset + self.battery + self.grid + self.residual
        return np.asarray(sources - (self.load - self.unmet) - self.surplus)


def dispatch(inputs: Inputs, units: Units, control: Control) -> Flows:
    """Run the day through, step by step.

    While connected the grid covers what is left. In an island, the battery covers what it can, the
    genset starts where it can't, and stops after its minimum time where the load is below its
    minimum and the battery can carry the island for the genset's minimum times; deficits are shed,
    surplus is curtailed from PV, then from the fuel cell. Where neither is there to form the
    island, nothing is served.

    Parameters
    ----------
    inputs
        The day's series.
    units
        What can be dispatched.
    control
        Settings.
    """
    n = len(inputs.load)
    h = control.hours
    battery = units.battery
    ramp = units.fuel_cell_ramp_kw_per_h * h
    series = (
        inputs.load,
        inputs.pv,
        inputs.fuel_cell,
        inputs.genset,
        inputs.battery,
        inputs.residual,
        inputs.islanded,
        inputs.valid,
        inputs.battery_out,
        inputs.genset_out,
        inputs.fuel_cell_out,
        np.full(n, math.nan) if control.reference_soc is None else control.reference_soc,
    )
    rows = zip(*(values.tolist() for values in series), strict=True)
    powers: list[tuple[float, ...]] = [(math.nan,) * len(_SERIES)] * n
    flags: list[tuple[bool, bool, bool]] = [(False, False, False)] * n
    before: list[tuple[float, float]] = [(math.nan, math.nan)] * n

    soc = reference_soc = control.soc_start
    reserve = control.soc_reserve
    keeps_import = control.import_target_kw is not None
    engine = _Engine(units.genset)
    fc_last = fc_measured_last = math.nan
    was_islanded = False
    steps = clipped = 0
    for k, row in enumerate(rows):
        (
            demand, sun, fc_in, gen_in, bat_in, residual, islanded, valid, bat_out, gen_out,
            fc_out, reference,
        ) = row  # fmt: skip
        steps += 1
        unit = None if bat_out else battery
        if gen_out:
            engine.lose()
        engine.wait(h)
        if not valid:
            continue
        reach = ramp * steps
        if fc_out:
            # Lost at once: neither its set point nor its ramp holds it.
            fc = fc_last = 0.0
        elif math.isnan(fc_last):
            fc = fc_last = fc_in
        elif control.fuel_cell_kw is not None:
            fc = _within(control.fuel_cell_kw, fc_last - reach, fc_last + reach)
        elif fc_last != fc_measured_last:
            fc = _within(fc_in, fc_last - reach, fc_last + reach)
        else:
            fc = fc_in
        discharge = charge = 0.0
        if unit is not None and (islanded or keeps_import):
            floor = None if islanded or reserve is None else max(reserve, unit.soc_min)
            discharge, charge = unit.discharge_kw(soc, h, floor), unit.charge_kw(soc, h)
        net = demand - sun - fc

        bat = 0.0
        if control.import_target_kw is not None:
            bat = _within(net - gen_in - residual - control.import_target_kw, -charge, discharge)
        elif control.battery_follows and not bat_out:
            bat = bat_in
            deviates = control.limits_act or soc != reference_soc
            if unit is not None and deviates and not math.isnan(reference):
                bat = unit.limited(bat_in, soc, reference, h, None if islanded else reserve)

        if islanded:
            was_on = False
            if not was_islanded:
                before[k] = (gen_in, bat)
                was_on = engine.observe(gen_in)
            lowest, highest = engine.decide(net, charge, discharge, unit, soc, h)
            slowest = max(0.0, fc_last - reach)
            gen, bat, unmet, held_back, fc, surplus = _island_step(
                net, sun, fc, slowest, (lowest, highest), (charge, discharge)
            )
            grid = residual = 0.0
            forms = engine.running or unit is not None
            if not forms:
                # PV and fuel cell follow a grid: without one they feed nobody.
                unmet, surplus, held_back, fc = max(demand, 0.0), max(-demand, 0.0), sun, 0.0
            flags[k] = (engine.running, forms, was_on)
        else:
            gen = gen_in
            grid = net - gen - bat - residual
            unmet = held_back = surplus = 0.0
            flags[k] = (engine.observe(gen), False, False)

        if unit is not None:
            soc = unit.after(soc, bat, h)
            if not islanded and not 0.0 <= soc <= 1.0:
                soc = _within(soc, 0.0, 1.0)
                clipped += 1
        powers[k] = (
            demand, unmet, sun - held_back, held_back, fc, gen, bat, grid, residual, surplus,
            soc if battery is not None else math.nan,
        )  # fmt: skip
        fc_last, fc_measured_last, reference_soc = fc, fc_in, reference
        was_islanded = islanded
        steps = 0
    table = np.array(powers, dtype=np.float64).reshape(n, len(_SERIES)).T
    states = np.array(flags, dtype=np.bool_).reshape(n, 3).T
    named = dict(zip(_SERIES, table, strict=True))
    return Flows(
        **named,
        genset_on=states[0],
        forming=states[1],
        before=np.array(before, dtype=np.float64).reshape(n, 2),
        genset_was_on=states[2],
        clipped=clipped,
    )


def _within(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


def _island_step(
    net: float,
    sun: float,
    fuel_cell: float,
    fuel_cell_least: float,
    genset: tuple[float, float],
    battery: tuple[float, float],
) -> tuple[float, float, float, float, float, float]:
    """One islanded step: genset, battery, unmet load, PV held back, fuel cell, surplus [kW].

    Deficit d = net - Pgen_max - P_dis is left unmet; a surplus below Pgen_min - P_ch is curtailed
    from PV, then from the fuel cell as far as its ramp allows; P_gen = clip(net, min, max) and
    P_bat = net - P_gen.
    """
    lowest, highest = genset
    charge, discharge = battery
    unmet = max(0.0, net - highest - discharge)
    surplus = max(0.0, lowest - charge - net)
    held_back = min(max(sun, 0.0), surplus)
    less_fuel_cell = min(surplus - held_back, max(0.0, fuel_cell - fuel_cell_least))
    left = net - unmet + surplus
    gen = _within(left, lowest, highest)
    return (
        gen,
        left - gen,
        unmet,
        held_back,
        fuel_cell - less_fuel_cell,
        surplus - held_back - less_fuel_cell,
    )


class _Engine:
    """The genset's state: running or not, and since when."""

    def __init__(self, limits: GensetLimits | None) -> None:
        self.limits = limits
        self.running = False
        self.since_h = math.inf

    def lose(self) -> None:
        """Take it out of service."""
        self.limits = None
        self.running = False

    def wait(self, hours: float) -> None:
        """Let time pass."""
        self.since_h += hours

    def observe(self, power_kw: float) -> bool:
        """Take the state from a measured power."""
        running = self.limits is not None and power_kw > RUNNING_SHARE * self.limits.max_kw
        self._switch(running)
        return running

    def decide(
        self,
        net: float,
        charge: float,
        discharge: float,
        battery: BatteryLimits | None,
        soc: float,
        hours: float,
    ) -> tuple[float, float]:
        """Start or stop by rule in an island; lowest and highest power now [kW]."""
        limits = self.limits
        if limits is None:
            return 0.0, 0.0
        if not self.running:
            if (battery is None or net > discharge) and self._passed(limits.min_down_h):
                self._switch(True)
        elif battery is not None and net < limits.min_kw and self._passed(limits.min_up_h):
            # Once off it can't help for min_down_h: the longer of both times is the margin.
            rest_h = max(hours, limits.min_down_h, limits.min_up_h)
            if -charge <= net <= battery.discharge_kw(soc, rest_h):
                self._switch(False)
        return (limits.min_kw, limits.max_kw) if self.running else (0.0, 0.0)

    def _passed(self, hours: float) -> bool:
        # Adding up steps rounds; a microsecond early is on time.
        return self.since_h >= hours - 1e-9

    def _switch(self, running: bool) -> None:
        if running != self.running:
            self.running = running
            self.since_h = 0.0


def shed_by_priority(
    load: FloatArray, unmet: FloatArray, groups: tuple[LoadGroup, ...]
) -> dict[str, FloatArray]:
    """Shed groups of load: the highest priority number first, critical groups last.

    Parameters
    ----------
    load
        Demand [kW], shape (n_steps,).
    unmet
        Demand that no source covers [kW].
    groups
        Groups of load, their shares adding up to 1.

    Returns
    -------
    dict of str to ndarray
        Group -> power it loses [kW]. What exceeds all groups (own consumption of PV at night) is
        left to the last group.
    """
    order = sorted(groups, key=lambda group: (group.critical, -group.priority))
    left = unmet.copy()
    lost: dict[str, FloatArray] = {}
    for group in order[:-1]:
        lost[group.name] = np.minimum(np.maximum(load, 0.0) * group.share, left)
        left = left - lost[group.name]
    lost[order[-1].name] = left
    return lost
