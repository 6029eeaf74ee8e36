"""Storage: what the battery and the fuel cell contribute."""

from __future__ import annotations

import math

from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import REGISTRY, Outcome, Sums, capacity_lacks, ratio


@REGISTRY.add(
    "storage",
    "1",
    "firm",
    "fuel_cell",
    "battery",
    formula="E_fuel_cell / (E_fuel_cell + E_discharge)",
    reasons=("no_energy",),
)
def fuel_cell_contribution(s: Sums) -> Outcome | Note:
    """Fuel cell's part of what it and the battery gave; undefined where neither gave any."""
    fuel_cell = s.sum("fuel_cell")
    return ratio(
        fuel_cell,
        fuel_cell + s.sum("battery_discharge"),
        "fuel_cell_and_discharge",
        "neither the fuel cell nor the battery delivered energy in the window",
    )


@REGISTRY.add(
    "storage",
    "1",
    "battery",
    formula="E_discharge / capacity",
    reasons=("battery_capacity_unknown",),
    compare="rate",
    lacks=capacity_lacks,
)
def equivalent_cycles(s: Sums) -> Outcome | Note:
    """Full discharges of the rated capacity."""
    capacity = s.profile.site.battery.capacity_kwh or math.nan
    return Outcome(s.flow_energy("battery_discharge") / capacity)
