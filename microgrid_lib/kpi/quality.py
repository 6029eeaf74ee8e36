"""Grid quality: means, and how far bus and MCCB are apart."""

from __future__ import annotations

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import REGISTRY, Outcome, Sums


@REGISTRY.add("quality", "V", "bus_voltage", formula="mean of valid slots")
def mean_bus_voltage(s: Sums) -> Outcome | Note:
    """Arithmetic mean of the bus voltage."""
    return Outcome(s.sum("sum") / s.n)


@REGISTRY.add("quality", "Hz", "bus_frequency", formula="mean of valid slots")
def mean_bus_frequency(s: Sums) -> Outcome | Note:
    """Arithmetic mean of the bus frequency."""
    return Outcome(s.sum("sum") / s.n)


@REGISTRY.add(
    "quality", "V", "voltage_gap", "bus_voltage", "mccb_voltage", formula="max |V_mccb - V_bus|"
)
def max_voltage_gap(s: Sums) -> Outcome | Note:
    """Largest difference of the two voltages, and the first slot that had it."""
    gap = s.maximum("gap")
    return Outcome(gap.value, time=gap.time) if gap else notes.no_data()
