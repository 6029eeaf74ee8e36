"""Set points of the gas engine and the fuel cell, day by day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from microgrid_lib.ingest.demo.calendar import SLOTS_PER_MINUTE, MonthCalendar
from microgrid_lib.ingest.demo.noise import FloatArray, day_rng
from microgrid_lib.ingest.demo.plan import PLANT, SLOTS_PER_DAY, SLOTS_PER_HOUR

_GENSET_STREAM, _GENSET_WEEK_STREAM, _FUEL_CELL_STREAM = 11, 12, 13


def _genset_day(seed: int, day: date) -> FloatArray:
    """Set point [kW] of one day: off, a working day, or a campaign round the clock."""
    rng = day_rng(seed, _GENSET_STREAM, day)
    year, week, weekday = day.isocalendar()
    campaign = np.random.default_rng([seed, _GENSET_WEEK_STREAM, year, week]).random() < 0.15
    setpoint = np.zeros(SLOTS_PER_DAY)
    if campaign and weekday <= 4:
        return np.repeat(rng.integers(180, 226, size=4).astype(float), SLOTS_PER_DAY // 4)
    if rng.random() < (0.65 if weekday <= 5 else 0.12):
        on, half, off = (int(h * SLOTS_PER_HOUR) for h in rng.uniform((6, 12, 17), (9, 14, 21)))
        setpoint[on:half], setpoint[half:off] = rng.integers(98, 143, size=2)
    return setpoint


def _fuel_cell_day(seed: int, day: date) -> FloatArray:
    """Set point [kW] of one day: constant, with a stop of some hours now and then."""
    rng = day_rng(seed, _FUEL_CELL_STREAM, day)
    setpoint = np.full(SLOTS_PER_DAY, float(PLANT.fuel_cell_setpoint_kw))
    if rng.random() < 0.06:
        on, length = (int(h * SLOTS_PER_HOUR) for h in rng.uniform((0, 3), (10, 10)))
        setpoint[on : on + length] = 0.0
    return setpoint


def genset_setpoint(seed: int, calendar: MonthCalendar) -> FloatArray:
    """Set point of the gas engine [kW], shape ((days + 1) * 8640,).

    Begins one day before the month, for the ramps that cross its first midnight. The engine is off
    around an island: its minimum load is more than the auxiliaries take.
    """
    days = range(-1, calendar.days)
    setpoint = np.concatenate([_genset_day(seed, calendar.first + timedelta(days=d)) for d in days])
    island = calendar.events.get("islanding")
    if island:
        before, after = 30 * SLOTS_PER_MINUTE, 20 * SLOTS_PER_MINUTE
        shift = SLOTS_PER_DAY
        setpoint[island.start - before + shift : island.stop + after + shift] = 0.0
    return setpoint


def fuel_cell_setpoint(seed: int, calendar: MonthCalendar) -> FloatArray:
    """Set point of the fuel cell [kW], shape ((days + 1) * 8640,); begins a day early."""
    days = range(-1, calendar.days)
    keep_on = {calendar.event_day.get(kind) for kind in ("fuel_cell_failed", "islanding")}
    setpoint = np.concatenate(
        [
            np.full(SLOTS_PER_DAY, float(PLANT.fuel_cell_setpoint_kw))
            if d in keep_on
            else _fuel_cell_day(seed, calendar.first + timedelta(days=d))
            for d in days
        ]
    )
    island = calendar.events.get("islanding")
    if island:
        margin, shift = 10 * SLOTS_PER_MINUTE, SLOTS_PER_DAY
        window = slice(island.start - margin + shift, island.stop + margin + shift)
        setpoint[window] = PLANT.fuel_cell_island_setpoint_kw
    return setpoint
