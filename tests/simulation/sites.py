"""Plants and days that the simulation's tests share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd

from microgrid_lib.simulation.day import DayFrame, measured_day
from microgrid_lib.simulation.plant import Plant, build_plant
from microgrid_lib.site import load_site
from microgrid_lib.site.plant import Parameter

ZONE = timezone(timedelta(hours=-7))
DAY = date(2022, 8, 15)


def number(value: float, unit: str = "1") -> Parameter:
    return Parameter(value=value, unit=unit, source="assumed")


def mds_plant(profile: str = "gas_engine", **changes: Any) -> Plant:
    """The plant of SIMULATION.md's defaults; `changes` replace parts of it."""
    plant = build_plant(load_site("mesa_del_sol").profile(profile))
    return replace(plant, **changes)


def with_parameters(part: Any, **values: float) -> Any:
    """A section of a plant with other numbers."""
    changed = {
        name: getattr(part, name).model_copy(update={"value": value})
        for name, value in values.items()
    }
    if hasattr(part, "model_copy"):
        return part.model_copy(update=changed)
    return replace(part, **changed)


def minute_index(n_minutes: int = 1440) -> pd.DatetimeIndex:
    start = pd.Timestamp(DAY, tz=ZONE).tz_convert(UTC)
    return pd.date_range(start, periods=n_minutes, freq="min")


def constant_day(**powers: float | np.ndarray) -> DayFrame:
    """A day of constant series, or of series of 1,440 values."""
    frame = pd.DataFrame({name: powers[name] for name in powers}, index=minute_index())
    return measured_day(frame, "test", DAY, ZONE, soc_start=None)


def measured_like_day(seed: int = 1, *, metered_load: bool = True) -> DayFrame:
    """A day of the MDS kind: genset, fuel cell, sun, battery, tie, voltages and frequencies."""
    rng = np.random.default_rng(seed)
    hour = np.arange(1440) / 60.0
    sun = 48.0 * np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None) ** 1.3
    genset = np.where((hour > 8) & (hour < 18), 130.0 + rng.normal(0, 3, 1440), 0.0)
    battery = np.where((hour > 10) & (hour < 12), -25.0, 0.0)
    battery = np.where((hour > 17) & (hour < 19), 25.0, battery)
    load = 160.0 + 60.0 * np.sin((hour - 9.0) / 24.0 * 2 * np.pi) + rng.normal(0, 4, 1440)
    fuel_cell = 37.5 + rng.normal(0, 0.4, 1440)
    columns = {
        "load": load,
        "pv": sun,
        "fuel_cell": fuel_cell,
        "genset": genset,
        "battery": battery,
        "grid": load - sun - fuel_cell - genset - battery + rng.normal(0, 1, 1440),
        "receiving_voltage": 485.0 + 2.0 * np.sin(hour / 24 * 2 * np.pi) + rng.normal(0, 0.3, 1440),
        "bus_frequency": 60.0 + rng.normal(0, 0.015, 1440),
    }
    columns["bus_voltage"] = columns["receiving_voltage"] - 0.0164 * columns["grid"]
    columns["mccb_voltage"] = columns["receiving_voltage"] - 0.0082 * columns["grid"]
    columns["mccb_frequency"] = columns["bus_frequency"]
    if not metered_load:
        del columns["load"]
    return measured_day(pd.DataFrame(columns, index=minute_index()), "mesa_del_sol", DAY, ZONE)
