"""The lead-acid battery: daily set points, what it delivers, and its true state of charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.calendar import SLOTS_PER_MINUTE, MonthCalendar, Window
from microgrid_lib.ingest.demo.noise import FloatArray, day_rng
from microgrid_lib.ingest.demo.plan import PLANT, SLOTS_PER_DAY, SLOTS_PER_HOUR

IntArray = npt.NDArray[np.int64]
_STREAM = 21
_FULL_SETPOINT_KW = -4


@dataclass(frozen=True)
class Block:
    """From an hour of the day, run at a power [kW, + discharge] until a state of charge."""

    hour: float
    power_kw: int
    target_soc: float


@dataclass
class BatteryMonth:
    """What the battery did in a month.

    Attributes
    ----------
    setpoint_kw : numpy.ndarray
        Set response, whole kW, shape (n_slots,).
    power_tenths : numpy.ndarray
        Power at the AC terminals as the meter prints it [0.1 kW, + discharge], shape (n_slots,).
    soc : numpy.ndarray
        True state of charge before each slot and after the last, shape (n_slots + 1,).
    events : dict
        Windows of the events that follow from the battery's own course.
    """

    setpoint_kw: IntArray
    power_tenths: IntArray
    soc: FloatArray
    events: dict[str, Window] = field(default_factory=dict)


def soc_steps(power_tenths: IntArray) -> FloatArray:
    """Change of the state of charge by each slot (KPI.md, `soc`), shape (n_slots,).

    The meter's offset inside the dead band moves no energy.
    """
    power = np.where(
        np.abs(power_tenths) < round(PLANT.battery_deadband_kw * 10), 0.0, power_tenths / 10
    )
    stored = np.where(
        power < 0, -power * PLANT.battery_eta_charge, -power / PLANT.battery_eta_discharge
    )
    return stored / SLOTS_PER_HOUR / PLANT.battery_capacity_kwh


def _blocks(seed: int, day: date, kind: str | None) -> list[Block]:
    """Plan of one day; `kind` is the battery event or island that falls on it."""
    if kind == "battery_full_charge":
        return [
            Block(0.5, -25, 0.90),
            Block(4.5, -10, 0.94),
            Block(6.0, _FULL_SETPOINT_KW, PLANT.battery_soc_max),
            Block(17.0, 30, 0.52),
        ]
    if kind == "battery_low":
        return [Block(6.0, 25, 0.33), Block(10.0, -25, 0.60)]
    if kind == "battery_not_following":
        return [Block(1.0, -25, 0.82), Block(17.0, 25, 0.52)]
    if kind == "islanding":
        return [Block(1.0, -25, 0.82), Block(16.5, 40, 0.66)]
    rng = day_rng(seed, _STREAM, day)
    if rng.random() < (0.05 if day.weekday() < 5 else 0.35):
        return []
    high, low = rng.uniform((0.74, 0.48), (0.88, 0.60))
    night, evening = rng.uniform((0.5, 16.5), (2.5, 19.0))
    charge, discharge = int(rng.choice([20, 25, 30])), int(rng.choice([20, 25, 30, 40]))
    blocks = [Block(night, -charge, high)]
    if rng.random() < 0.3:
        blocks += [Block(9.5, 25, high - 0.1), Block(12.0, -25, high)]
    return [*blocks, Block(evening, discharge, low)]


def _slots_needed(soc: float, block: Block) -> int:
    """Slots of the block's power from `soc` to its target; 0 when it is beyond already."""
    gain = block.target_soc - soc
    if block.power_kw < 0:
        energy_kwh = gain * PLANT.battery_capacity_kwh / PLANT.battery_eta_charge
    else:
        energy_kwh = -gain * PLANT.battery_capacity_kwh * PLANT.battery_eta_discharge
    return max(0, round(energy_kwh / abs(block.power_kw) * SLOTS_PER_HOUR))


def _taper(soc: float, block: Block) -> IntArray:
    """Charging power [0.1 kW] that fades into the dead band as the battery becomes full.

    P(t) = P0 exp(-t / tau), with tau such that the energy above the dead band reaches the target;
    the set point stays on for forty minutes more.
    """
    energy_kwh = (block.target_soc - soc) * PLANT.battery_capacity_kwh / PLANT.battery_eta_charge
    start_kw = abs(block.power_kw)
    tau_h = energy_kwh / (start_kw - PLANT.battery_deadband_kw)
    fade_h = tau_h * np.log(start_kw / PLANT.battery_deadband_kw)
    hours = np.arange(round((fade_h + 40 / 60) * SLOTS_PER_HOUR)) / SLOTS_PER_HOUR
    tenths: IntArray = np.rint(-10 * start_kw * np.exp(-hours / tau_h)).astype(np.int64)
    return tenths


def run_month(
    seed: int,
    calendar: MonthCalendar,
    soc_start: float,
    island_slack_tenths: IntArray,
    rng: np.random.Generator,
) -> BatteryMonth:
    """Run the battery through a month.

    Parameters
    ----------
    seed : int
        Seed of the plan.
    calendar : MonthCalendar
        Events, and the slots without communication: there the controller falls back to idle, so
        what the files don't show moves no energy.
    soc_start : float
        State of charge at the start of the month.
    island_slack_tenths : numpy.ndarray
        What the battery must deliver as grid former [0.1 kW]; used in islands only.
    rng : numpy.random.Generator
        Noise of the month.
    """
    n = calendar.n_slots
    idle = rng.integers(-3, 2, size=n)
    error = rng.integers(-6, 7, size=n)
    setpoint, power = np.zeros(n, dtype=np.int64), idle.copy()
    kind_of_day = {
        calendar.event_day[kind]: kind
        for kind in ("battery_full_charge", "battery_low", "battery_not_following", "islanding")
        if kind in calendar.event_day
    }
    events: dict[str, Window] = {}
    soc = soc_start
    for d in range(calendar.days):
        day, kind = slice(d * SLOTS_PER_DAY, (d + 1) * SLOTS_PER_DAY), kind_of_day.get(d)
        blocks = _blocks(seed, calendar.first + timedelta(days=d), kind)
        starts = [d * SLOTS_PER_DAY + round(b.hour * SLOTS_PER_HOUR) for b in blocks]
        limits = [*starts, day.stop][1:]
        for block, start, limit in zip(blocks, starts, limits, strict=True):
            now = soc + float(soc_steps(power[day.start : start]).sum())
            if block.power_kw == _FULL_SETPOINT_KW:
                course = _taper(now, block)
                stop = start + len(course)
                power[start:stop] = course
                events["battery_full_charge"] = Window(start, stop)
            else:
                stop = min(start + _slots_needed(now, block), limit)
                # The inverter answers one sample after the set point.
                power[start + 1 : stop] = 10 * block.power_kw + error[start + 1 : stop]
            setpoint[start:stop] = block.power_kw
            if kind == "battery_not_following" and block.power_kw > 0:
                stuck = Window(start + 10 * SLOTS_PER_MINUTE, start + 30 * SLOTS_PER_MINUTE)
                power[stuck.slots] = idle[stuck.slots]
                events["battery_not_following"] = stuck
            lost = calendar.lost[start:stop]
            setpoint[start:stop][lost] = 0
            power[start:stop][lost] = idle[start:stop][lost]
        if kind == "islanding":
            island = calendar.events["islanding"].slots
            power[island] = island_slack_tenths[island]
        soc += float(soc_steps(power[day]).sum())
    course_soc = soc_start + np.concatenate([[0.0], np.cumsum(soc_steps(power))])
    if "battery_low" in calendar.event_day:
        events["battery_low"] = _low_window(course_soc, calendar.event_day["battery_low"])
    return BatteryMonth(setpoint, power, course_soc, events)


def _low_window(soc: FloatArray, day: int) -> Window:
    """Window of "battery low": on below soc_min + 0.05, off at 0.05 above that (KPI.md)."""
    of_day = soc[day * SLOTS_PER_DAY : (day + 1) * SLOTS_PER_DAY]
    on = PLANT.battery_soc_min + 0.05
    start = int(np.argmax(of_day < on))
    stop = start + int(np.argmax(of_day[start:] >= on + 0.05))
    return Window(day * SLOTS_PER_DAY + start, day * SLOTS_PER_DAY + stop)
