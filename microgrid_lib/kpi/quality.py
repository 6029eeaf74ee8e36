"""Grid quality: means, how far bus and MCCB are apart, and how often the bus is within limits."""

from __future__ import annotations

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.compliance import Compliance
from microgrid_lib.kpi.compliance_rules import quality_rules
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import REGISTRY, Outcome, Sums
from microgrid_lib.window import Window


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


@REGISTRY.add(
    "quality",
    "1",
    "bus_voltage",
    formula="share of 10-minute RMS values of the bus voltage within range A, limits included",
    source="ANSI C84.1 Range A, service",
    reasons=("no_intervals",),
)
def voltage_compliance(s: Sums) -> Outcome | Note:
    """How often the bus voltage is within Range A; an interval counts with half of its slots."""
    return _share(s, "ansi_c84_1_a", "bus_voltage")


@REGISTRY.add(
    "quality",
    "1",
    "bus_frequency",
    formula="share of samples of the bus frequency within +-1 %, limits included, islands left out",
    source="EN 50160-style, 10-second mean, interconnected",
    reasons=("no_intervals",),
)
def frequency_compliance(s: Sums) -> Outcome | Note:
    """How often the bus frequency is within +-1 % while on the grid."""
    return _share(s, "en50160_frequency_grid", "bus_frequency")


def _share(s: Sums, name: str, point: str) -> Outcome | Note:
    access, start, end = s.data()
    (rule,) = (r for r in quality_rules(s.profile) if r.name == name)
    compliance = Compliance(access, Window(start, end))
    share = compliance.counted(rule, point).inside()
    return compliance.no_intervals(rule) if share is None else Outcome(share)
