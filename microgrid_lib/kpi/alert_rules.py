"""When an alert is due: a rule per kind, on slots, with what summaries can rule out.

Conditions are arrays over slots. A rule's alert begins where a level's condition has held long
enough, and ends at the first slot in which its off-condition holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from microgrid_lib.kpi.limits import RELATIVE, Band
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Columns

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SLOTS_AT_LEAST = 3


@dataclass(frozen=True)
class Rule:
    """One kind of alert.

    Attributes
    ----------
    name, unit
        Its name, and the unit of its extreme.
    roles
        What it reads.
    for_s
        How long a condition must hold [s].
    levels
        Severity and condition over slots, the mildest first.
    off
        Condition that ends it.
    value, badness
        What is watched, and how bad it is: the extreme is the value of the worst slot.
    columns
        Columns of the summaries that `maybe_on` and `maybe_not_off` read.
    maybe_on, maybe_not_off
        Buckets in which some slot may meet the mildest condition; in which some slot may not
        meet `off`. Nothing else is read.
    """

    name: str
    unit: str
    roles: tuple[str, ...]
    for_s: float
    levels: tuple[tuple[Severity, Callable[[Columns], Flags]], ...]
    off: Callable[[Columns], Flags]
    value: Callable[[Columns], Floats]
    badness: Callable[[Columns], Floats]
    columns: tuple[str, ...]
    maybe_on: Callable[[Columns], Flags]
    maybe_not_off: Callable[[Columns], Flags]


def slots_needed(for_s: float, step_s: int) -> int:
    """Slots of a step that a condition must hold for, three at least."""
    return max(SLOTS_AT_LEAST, math.ceil(for_s / step_s - 1e-9))


def rules_of(profile: Profile) -> tuple[Rule, ...]:
    """Rules on slots that a profile has the roles and ratings for."""
    site, alerts = profile.site, profile.spec.alerts
    limits, nominal = site.limits, site.nominal
    found = []
    if _has(profile, "fuel_cell", "fuel_cell_setpoint"):
        found.append(_fuel_cell(profile))
    if _has(profile, "battery", "battery_setpoint") and site.ratings.battery_kw is not None:
        found.append(_battery(profile, site.ratings.battery_kw))
    if profile.has("bus_voltage"):
        found.append(
            _outside(
                ("bus_voltage", "V"),
                alerts.voltage_for_s,
                Band.of(nominal.voltage_v, limits.voltage_a),
                Band.of(nominal.voltage_v, limits.voltage_b),
                alerts.voltage_hysteresis * nominal.voltage_v,
                nominal.voltage_v,
            )
        )
    if profile.has("bus_frequency"):
        mild, hard = limits.frequency_warning, limits.frequency_critical
        found.append(
            _outside(
                ("bus_frequency", "Hz"),
                alerts.frequency_for_s,
                Band.of(nominal.frequency_hz, (1 - mild, 1 + mild)),
                Band.of(nominal.frequency_hz, (1 - hard, 1 + hard)),
                alerts.frequency_hysteresis * nominal.frequency_hz,
                nominal.frequency_hz,
            )
        )
    if _has(profile, "bus_voltage", "mccb_voltage"):
        found.append(_voltage_gap(profile))
    return tuple(found)


def _has(profile: Profile, *roles: str) -> bool:
    return all(profile.has(role) for role in roles)


def _fuel_cell(profile: Profile) -> Rule:
    alerts = profile.spec.alerts
    failed, recovered = alerts.fuel_cell_failed_share, alerts.fuel_cell_recovered_share

    def on(c: Columns) -> Flags:
        told = c["fuel_cell_setpoint"]
        return (told > 0) & (c["fuel_cell"] < failed * told)

    def off(c: Columns) -> Flags:
        told = c["fuel_cell_setpoint"]
        return (told <= 0) | (c["fuel_cell"] > recovered * told)

    def below(c: Columns, share: float) -> Flags:
        told = c["fuel_cell_setpoint__max"]
        return (told > 0) & (c["fuel_cell__min"] <= share * told)

    return Rule(
        name="fuel_cell_failed",
        unit="kW",
        roles=("fuel_cell", "fuel_cell_setpoint"),
        for_s=alerts.fuel_cell_failed_for_s,
        levels=(("critical", on),),
        off=off,
        value=lambda c: c["fuel_cell"],
        badness=lambda c: -c["fuel_cell"],
        columns=("fuel_cell__min", "fuel_cell_setpoint__max"),
        maybe_on=lambda c: below(c, failed),
        maybe_not_off=lambda c: below(c, recovered),
    )


def _battery(profile: Profile, rated_kw: float) -> Rule:
    alerts = profile.spec.alerts
    on_kw = alerts.battery_deviation_share * rated_kw
    off_kw = alerts.battery_following_share * rated_kw

    def distance(c: Columns) -> Floats:
        error: Floats = c["battery"] - c["battery_setpoint"]
        return np.abs(error)

    def farthest(c: Columns) -> Floats:
        above: Floats = c["battery__max"] - c["battery_setpoint__min"]
        below: Floats = c["battery_setpoint__max"] - c["battery__min"]
        return np.maximum(above, below)

    return Rule(
        name="battery_not_following",
        unit="kW",
        roles=("battery", "battery_setpoint"),
        for_s=alerts.battery_deviation_for_s,
        levels=(("warning", lambda c: distance(c) > on_kw),),
        off=lambda c: distance(c) < off_kw,
        value=distance,
        badness=distance,
        columns=(
            *("battery__min", "battery__max"),
            *("battery_setpoint__min", "battery_setpoint__max"),
        ),
        maybe_on=lambda c: farthest(c) > on_kw,
        maybe_not_off=lambda c: farthest(c) >= off_kw,
    )


def _outside(
    what: tuple[str, str],
    for_s: float,
    mild: Band,
    hard: Band,
    hysteresis: float,
    nominal: float,
) -> Rule:
    role, unit = what
    inner = mild.narrowed(hysteresis)

    def beyond(c: Columns, band: Band) -> Flags:
        return band.below(c[f"{role}__min"]) | band.above(c[f"{role}__max"])

    return Rule(
        name=role,
        unit=unit,
        roles=(role,),
        for_s=for_s,
        levels=(
            ("warning", lambda c: mild.outside(c[role])),
            ("critical", lambda c: hard.outside(c[role])),
        ),
        off=lambda c: ~inner.outside(c[role]),
        value=lambda c: c[role],
        badness=lambda c: np.abs(c[role] - nominal),
        columns=(f"{role}__min", f"{role}__max"),
        maybe_on=lambda c: beyond(c, mild),
        maybe_not_off=lambda c: beyond(c, inner),
    )


def _voltage_gap(profile: Profile) -> Rule:
    alerts, nominal_v = profile.spec.alerts, profile.site.nominal.voltage_v
    on_v = alerts.voltage_gap_share * nominal_v * (1 + RELATIVE)
    off_v = alerts.voltage_gap_closed_share * nominal_v

    def gap(c: Columns) -> Floats:
        difference: Floats = c["mccb_voltage"] - c["bus_voltage"]
        return np.abs(difference)

    return Rule(
        name="voltage_gap",
        unit="V",
        roles=("bus_voltage", "mccb_voltage"),
        for_s=alerts.voltage_gap_for_s,
        levels=(("info", lambda c: (gap(c) > on_v) & ~c["islanded"]),),
        off=lambda c: (gap(c) < off_v) | c["islanded"],
        value=gap,
        badness=gap,
        columns=("voltage_gap__gap",),
        maybe_on=lambda c: c["voltage_gap__gap"] > on_v,
        maybe_not_off=lambda c: c["voltage_gap__gap"] >= off_v,
    )
