"""Storage: what is left in the battery, how long it lasts, what it and the fuel cell contribute."""

from __future__ import annotations

import math

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import REGISTRY, Outcome, Sums, capacity_lacks, ratio
from microgrid_lib.kpi.soc import SocCourse, SocState


@REGISTRY.add(
    "storage",
    "1",
    "battery",
    formula="s[k+1] = clip(s[k] + (η_c · charge - discharge / η_d) · h / capacity, 0, 1)",
    reasons=("battery_capacity_unknown",),
    lacks=capacity_lacks,
)
def soc(s: Sums) -> Outcome | Note:
    """State of charge at the end of the window, counted from the site's first sample on.

    The uncertainty is the larger side of its band.
    """
    state = _state(s)
    half_width = max(state.soc - state.low, state.high - state.soc)
    return Outcome(state.soc, half_width, warnings=_warnings(s, state))


@REGISTRY.add(
    "storage",
    "h",
    "autonomy",
    "battery",
    "load",
    formula="max(0, soc - soc_min) · capacity · η_d / mean load of the last hour",
    reasons=("battery_capacity_unknown", "no_energy"),
    lacks=capacity_lacks,
    scope="last_hour",
)
def battery_autonomy_h(s: Sums) -> Outcome | Note:
    """How long the battery alone supplies the load; undefined without a load."""
    return _autonomy(s)


@REGISTRY.add(
    "storage",
    "h",
    "critical_autonomy",
    "battery",
    "critical_load",
    formula="max(0, soc - soc_min) · capacity · η_d / mean critical load of the last hour",
    reasons=("battery_capacity_unknown", "no_energy"),
    lacks=capacity_lacks,
    scope="last_hour",
)
def battery_autonomy_critical_h(s: Sums) -> Outcome | Note:
    """How long the battery alone supplies the critical load; undefined without one."""
    return _autonomy(s)


def _autonomy(s: Sums) -> Outcome | Note:
    """Autonomy at the basis's mean load; the uncertainty is the larger side of the band."""
    battery = s.profile.site.battery
    mean_kw = s.sum("load") / s.n
    if mean_kw <= 0:
        text = "there was no load to supply in the last hour of the window"
        return notes.no_energy("last_hour", text)
    state = _state(s)

    def hours(soc: float) -> float:
        kwh = max(0.0, soc - battery.soc_min) * (battery.capacity_kwh or math.nan)
        return kwh * battery.eta_discharge / mean_kw

    value = hours(state.soc)
    uncertainty = max(value - hours(state.low), hours(state.high) - value)
    return Outcome(value, uncertainty, warnings=_warnings(s, state))


def _state(s: Sums) -> SocState:
    access, _, end = s.data()
    return SocCourse(access).at(end)


def _warnings(s: Sums, state: SocState) -> tuple[Note, ...]:
    missing_h = state.missing_h(s.profile)
    return (
        *(() if state.anchored else (notes.soc_not_anchored(),)),
        *((notes.soc_gaps(missing_h),) if missing_h > 0 else ()),
    )


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
