"""KPIs by loops over slots, straight from their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from microgrid_lib.site.profile import Profile

Slots = Mapping[datetime, Mapping[str, float | None]]
Found = dict[str, tuple[float | None, float]]


def naive_kpis(profile: Profile, slots: Slots, start: datetime, end: datetime) -> Found:
    """Value (None where withheld) and coverage of each KPI over slots starting in [start, end)."""
    site = profile.site
    dt_h = site.interval_s / 3600
    step = timedelta(seconds=site.interval_s)
    first = start
    while first.timestamp() % site.interval_s:
        first += timedelta(microseconds=1) if first.microsecond else timedelta(seconds=1)
    expected = 0
    while first + expected * step < end:
        expected += 1
    inside = {t: slot for t, slot in slots.items() if start <= t < end}

    def over(*roles: str) -> list[Any]:
        return [
            {r: s[r] for r in roles}
            for s in inside.values()
            if all(s[r] is not None for r in roles)
        ]

    def coverage(*roles: str) -> float:
        return len(over(*roles)) / expected

    found: Found = {}

    def put(name: str, roles: Sequence[str], formula: Callable[[list[Any]], float | None]) -> None:
        valid = over(*roles)
        share = len(valid) / expected
        found[name] = (formula(valid) if valid and share >= 0.5 else None, share)

    def energy(role: str, part: Callable[[float], float] = lambda p: p) -> Any:
        return lambda valid: sum(part(s[role]) for s in valid) * dt_h

    def plus(p: float) -> float:
        return p if p > 0 else 0.0

    def divided(a: float, b: float) -> float | None:
        return a / b if b > 0 else None

    put("pv_energy", ["pv"], energy("pv"))
    put("fuel_cell_energy", ["fuel_cell"], energy("fuel_cell"))
    put("battery_discharge_energy", ["battery"], energy("battery", plus))
    put("battery_charge_energy", ["battery"], energy("battery", lambda p: plus(-p)))
    put("grid_import_energy", ["grid"], energy("grid", plus))
    put("grid_export_energy", ["grid"], energy("grid", lambda p: plus(-p)))

    def supplied(valid: list[Any]) -> float | None:
        pv = sum(s["pv"] for s in valid)
        rest = sum(s["fuel_cell"] + plus(s["grid"]) for s in valid)
        return divided(pv, pv + rest)

    put("renewable_share", ["pv", "fuel_cell", "grid"], supplied)

    def every_hour_is_valid(role: str, share: float) -> bool:
        slots_of: dict[int, list[bool]] = {}
        for n in range(expected):
            at = first + n * step
            known = inside.get(at, {}).get(role) is not None
            slots_of.setdefault(at.astimezone(site.display_zone).hour, []).append(known)
        return all(sum(known) >= share * len(known) for known in slots_of.values())

    def efficiency(valid: list[Any]) -> float | None:
        into = sum(plus(-s["battery"]) for s in valid) * dt_h
        out = sum(plus(s["battery"]) for s in valid) * dt_h
        usable = site.battery.usable_kwh
        if into <= 0 or usable is None or usable / into > 0.1 or out > into:
            return None
        if len(valid) < 0.95 * expected or not every_hour_is_valid("battery", 0.8):
            return None
        return out / into

    put("battery_round_trip_efficiency", ["battery"], efficiency)

    def rmse(of: str, setpoint: str, commanded: Callable[[float], bool]) -> Any:
        def formula(valid: list[Any]) -> float | None:
            errors = [(s[of] - s[setpoint]) ** 2 for s in valid if commanded(s[setpoint])]
            return math.sqrt(sum(errors) / len(errors)) if errors else None

        return formula

    battery = ["battery", "battery_setpoint"]
    put("battery_tracking_rmse", battery, rmse(*battery, lambda p: p != 0))
    cell = ["fuel_cell", "fuel_cell_setpoint"]
    put("fuel_cell_tracking_rmse", cell, rmse(*cell, lambda p: p > 0))

    def reliability(valid: list[Any]) -> float | None:
        told = [s for s in valid if s["fuel_cell_setpoint"] > 0]
        limit = 0.05 * (site.ratings.fuel_cell_kw or math.nan)
        good = [s for s in told if abs(s["fuel_cell"] - s["fuel_cell_setpoint"]) <= limit]
        return len(good) / len(told) if told else None

    put("fuel_cell_reliability", cell, reliability)
    for role, rating in (("pv", site.ratings.pv_kw), ("fuel_cell", site.ratings.fuel_cell_kw)):
        put(
            f"capacity_factor_{role}",
            [role],
            lambda v, role=role, rating=rating: sum(s[role] for s in v) / (rating * len(v)),
        )
    put(
        "fuel_cell_contribution",
        ["fuel_cell", "battery"],
        lambda v: divided(
            sum(s["fuel_cell"] for s in v), sum(s["fuel_cell"] + plus(s["battery"]) for s in v)
        ),
    )
    put(
        "equivalent_cycles",
        ["battery"],
        lambda v: (
            sum(plus(s["battery"]) for s in v) * dt_h / (site.battery.capacity_kwh or math.nan)
        ),
    )

    def dependency(valid: list[Any]) -> float | None:
        return divided(sum(plus(s["grid"]) for s in valid), sum(s["load"] for s in valid))

    put("grid_dependency", ["grid", "load"], dependency)
    put(
        "self_sufficiency",
        ["grid", "load"],
        lambda v: None if dependency(v) is None else 1 - (dependency(v) or 0.0),
    )
    put(
        "self_consumption",
        ["pv", "load", "battery"],
        lambda v: divided(
            sum(min(s["pv"], max(s["load"] + plus(-s["battery"]), 0.0)) for s in v),
            sum(s["pv"] for s in v),
        ),
    )
    put(
        "critical_share",
        ["critical_load", "load"],
        lambda v: divided(
            sum(min(s["critical_load"], s["load"]) for s in v), sum(s["load"] for s in v)
        ),
    )

    both = ["critical_load", "load"]
    put(
        "critical_load_energy",
        both,
        lambda v: sum(min(s["critical_load"], s["load"]) for s in v) * dt_h,
    )
    put(
        "other_load_energy",
        both,
        lambda v: sum(s["load"] - min(s["critical_load"], s["load"]) for s in v) * dt_h,
    )

    def peak(role: str, part: Callable[[float], float]) -> float | None:
        quarters: dict[float, list[float]] = {}
        for time, slot in inside.items():
            power = slot[role]
            if power is not None:
                quarters.setdefault(time.timestamp() // 900, []).append(part(power))
        least = max(1.0, 900 / site.interval_s) / 2
        means = [sum(q) / len(q) for q in quarters.values() if len(q) >= least]
        return max(means, default=None)

    put("peak_load", ["load"], lambda v: peak("load", lambda p: p))
    put("peak_import", ["grid"], lambda v: peak("grid", plus))

    def load_factor(valid: list[Any]) -> float | None:
        highest = peak("load", lambda p: p)
        mean = sum(s["load"] for s in valid) / len(valid)
        return None if highest is None or highest <= 0 else mean / highest

    put("load_factor", ["load"], load_factor)
    for name, role in (
        ("mean_bus_voltage", "bus_voltage"),
        ("mean_bus_frequency", "bus_frequency"),
    ):
        put(name, [role], lambda v, role=role: sum(s[role] for s in v) / len(v))
    put(
        "max_voltage_gap",
        ["bus_voltage", "mccb_voltage"],
        lambda v: max(abs(s["mccb_voltage"] - s["bus_voltage"]) for s in v),
    )
    return found
