"""Production: energies, shares, efficiency, and how well machines follow their set points."""

from __future__ import annotations

import math

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import (
    FULL_COVERAGE,
    REGISTRY,
    Outcome,
    Sums,
    capacity_lacks,
    rating_lacks,
    ratio,
)
from microgrid_lib.site.profile import Profile

MOST_EFFICIENCY_UNCERTAINTY = 0.10
LEAST_HOUR_COVERAGE = 0.80
"""Coverage that every hour of the day needs for an efficiency."""


def _no_renewable(profile: Profile) -> Note | None:
    renewable = profile.has("pv") or (profile.spec.fuel_cell_renewable and profile.has("fuel_cell"))
    return None if renewable else notes.no_role(profile, "pv")


@REGISTRY.add(
    "production",
    "1",
    "supply",
    "grid",
    formula="E_pv / (E_pv + E_fuel_cell + E_genset + E_import)",
    reasons=("no_energy",),
    lacks=_no_renewable,
)
def renewable_share(s: Sums) -> Outcome | Note:
    """Renewable part of all energy supplied; undefined where nothing was supplied."""
    supplied = s.sum("pv") + s.sum("fuel_cell") + s.sum("genset") + s.sum("grid_import")
    renewable = s.sum("pv")
    if s.profile.spec.fuel_cell_renewable:
        renewable += s.sum("fuel_cell")
    return ratio(renewable, supplied, "supply", "no energy was supplied in the window")


@REGISTRY.add(
    "production",
    "1",
    "battery",
    formula="E_discharge / E_charge, ± usable energy / E_charge",
    reasons=(
        "battery_capacity_unknown",
        "no_energy",
        "efficiency_uncertain",
        "efficiency_gaps",
        "efficiency_above_one",
    ),
    lacks=capacity_lacks,
)
def battery_round_trip_efficiency(s: Sums) -> Outcome | Note:
    """Energy out of the battery over energy into it; undefined where nothing was charged.

    The window may end fuller or emptier than it began, by at most the usable energy. What flows in
    gaps changes the ratio too; it is withheld where less than 95 % of the window, or less than 80 %
    of some hour of the day, is valid: a channel that is lost every evening hides every discharge.
    """
    charged, discharged = s.flow_energy("battery_charge"), s.flow_energy("battery_discharge")
    usable = s.profile.site.battery.usable_kwh
    if charged <= 0 or usable is None:
        return notes.no_energy("battery_charge", "the battery wasn't charged in the window")
    uncertainty = usable / charged
    if uncertainty > MOST_EFFICIENCY_UNCERTAINTY:
        needed = math.ceil(1 / MOST_EFFICIENCY_UNCERTAINTY)
        return notes.efficiency_uncertain(needed, charged / usable, uncertainty)
    # Nothing missing at all is asked first: it is the common case, and costs nothing.
    hour_coverage = s.least_hour_coverage("battery") if s.coverage < 1 else 1.0
    if s.coverage < FULL_COVERAGE or hour_coverage < LEAST_HOUR_COVERAGE:
        return notes.efficiency_gaps(s.coverage, hour_coverage)
    if discharged > charged:
        return notes.efficiency_above_one(discharged / charged)
    return Outcome(discharged / charged, uncertainty)


@REGISTRY.add(
    "production",
    "1",
    "fuel_cell_tracking",
    "fuel_cell",
    "fuel_cell_setpoint",
    formula="share of slots with set point > 0 in which |P - set point| <= 5 % of rated power",
    reasons=("rating_unknown", "no_command"),
    lacks=rating_lacks("fuel_cell", "fuel_cell_kw"),
)
def fuel_cell_reliability(s: Sums) -> Outcome | Note:
    """How often the fuel cell gave what it was told; undefined where it was told nothing."""
    commanded = s.count("commanded")
    if commanded == 0:
        return notes.no_command("fuel_cell_setpoint")
    return Outcome(s.count("following") / commanded)


@REGISTRY.add("production", "kWh", "pv", formula="Σ P_pv · dt", compare="rate")
def pv_energy(s: Sums) -> Outcome | Note:
    """Energy of the PV."""
    return Outcome(s.energy("sum"))


@REGISTRY.add("production", "kWh", "fuel_cell", formula="Σ P_fuel_cell · dt", compare="rate")
def fuel_cell_energy(s: Sums) -> Outcome | Note:
    """Energy of the fuel cell."""
    return Outcome(s.energy("sum"))


@REGISTRY.add("production", "kWh", "genset", formula="Σ P_genset · dt", compare="rate")
def genset_energy(s: Sums) -> Outcome | Note:
    """Energy of the generator."""
    return Outcome(s.energy("sum"))


@REGISTRY.add("production", "kWh", "battery", formula="Σ max(P_battery, 0) · dt", compare="rate")
def battery_discharge_energy(s: Sums) -> Outcome | Note:
    """Energy out of the battery."""
    return Outcome(s.flow_energy("battery_discharge"))


@REGISTRY.add("production", "kWh", "battery", formula="Σ max(-P_battery, 0) · dt", compare="rate")
def battery_charge_energy(s: Sums) -> Outcome | Note:
    """Energy into the battery."""
    return Outcome(s.flow_energy("battery_charge"))


@REGISTRY.add(
    "production",
    "kW",
    "battery_tracking",
    "battery",
    "battery_setpoint",
    formula="√ mean (P - set point)² over slots with set point ≠ 0",
    reasons=("no_command",),
)
def battery_tracking_rmse(s: Sums) -> Outcome | Note:
    """Root mean square of the battery's deviation; undefined where it was told nothing."""
    if s.count("commanded") == 0:
        return notes.no_command("battery_setpoint")
    return Outcome(math.sqrt(s.sum("square_error") / s.count("commanded")))


@REGISTRY.add(
    "production",
    "kW",
    "fuel_cell_tracking",
    "fuel_cell",
    "fuel_cell_setpoint",
    formula="√ mean (P - set point)² over slots with set point > 0",
    reasons=("no_command",),
)
def fuel_cell_tracking_rmse(s: Sums) -> Outcome | Note:
    """Root mean square of the fuel cell's deviation; undefined where it was told nothing."""
    if s.count("commanded") == 0:
        return notes.no_command("fuel_cell_setpoint")
    return Outcome(math.sqrt(s.sum("square_error") / s.count("commanded")))


@REGISTRY.add(
    "production",
    "1",
    "pv",
    formula="E_pv / (rated power · covered hours)",
    reasons=("rating_unknown",),
    lacks=rating_lacks("pv", "pv_kw"),
)
def capacity_factor_pv(s: Sums) -> Outcome | Note:
    """Energy of the PV over what it would give at rated power all the covered time."""
    return Outcome(s.energy("sum") / ((s.profile.site.ratings.pv_kw or math.nan) * s.hours))


@REGISTRY.add(
    "production",
    "1",
    "fuel_cell",
    formula="E_fuel_cell / (rated power · covered hours)",
    reasons=("rating_unknown",),
    lacks=rating_lacks("fuel_cell", "fuel_cell_kw"),
)
def capacity_factor_fuel_cell(s: Sums) -> Outcome | Note:
    """Energy of the fuel cell over what it would give at rated power all the covered time."""
    return Outcome(s.energy("sum") / ((s.profile.site.ratings.fuel_cell_kw or math.nan) * s.hours))
