"""Every reason and warning a KPI can carry: stable code, parameters, English sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microgrid_lib.kpi.model import Note
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.slots import DERIVED_GRID

ROLE_LABELS: dict[str, str] = {
    "pv": "PV",
    "battery": "battery",
    "battery_setpoint": "battery set point",
    "fuel_cell": "fuel cell",
    "fuel_cell_setpoint": "fuel cell set point",
    "genset": "generator",
    "genset_setpoint": "generator set point",
    "load": "measured load",
    "critical_load": "measured critical load",
    "grid": "measured grid exchange",
    "mccb_power": "measured power at the MCCB",
    "bus_voltage": "measured bus voltage",
    "receiving_voltage": "measured voltage at the receiving point",
    "mccb_voltage": "measured MCCB voltage",
    "bus_frequency": "measured bus frequency",
    "mccb_frequency": "measured MCCB frequency",
    "temp_inlet": "measured inlet temperature",
    "temp_outlet": "measured outlet temperature",
}

WARNING_ORDER = (
    "low_coverage",
    "soc_not_anchored",
    "soc_gaps",
    "critical_exceeds_load",
    "negative_self_sufficiency",
    "derived_grid",
)
"""Most important first: its code is the one a KPI's warning carries."""


def no_role(profile: Profile, role: str) -> Note:
    """Say that the profile can't give a role, in the site file's own words where it has some."""
    why = profile.spec.reasons.get(role)
    if why is not None:
        return Note(code="no_role", params={"role": role, "why": why}, text=why)
    others = [name for name, spec in profile.site.profiles.items() if role in spec.roles]
    if others:
        return Note(
            code="no_role",
            params={"role": role, "profile": profile.name, "others": ", ".join(others)},
            text=f"the profile {profile.name} has no {ROLE_LABELS[role]}; "
            f"{', '.join(others)} {'has' if len(others) == 1 else 'have'}",
        )
    return Note(code="no_role", params={"role": role}, text=f"this site has no {ROLE_LABELS[role]}")


def no_data() -> Note:
    """Say that no slot of the window has everything the KPI needs."""
    return Note(code="no_data", text="no valid data in the window")


def no_recent_data(minutes: float) -> Note:
    """Say that nothing has come lately of what is watched."""
    return Note(
        code="no_recent_data",
        params={"minutes": minutes},
        text=f"no valid sample in the last {minutes:g} min",
    )


def coverage_below_half(coverage: float) -> Note:
    """Say that too little of the window is valid."""
    return Note(
        code="coverage_below_half",
        params={"coverage": coverage},
        text=f"only {percent(coverage)} of the window has valid data; at least 50 % is needed",
    )


def low_coverage(coverage: float) -> Note:
    """Say that some of the window is missing."""
    return Note(
        code="low_coverage",
        params={"coverage": coverage},
        text=f"only {percent(coverage)} of the window has valid data",
    )


def no_energy(what: str, text: str) -> Note:
    """Say that the denominator, named by `what`, is zero or negative."""
    return Note(code="no_energy", params={"what": what}, text=text)


def no_command(what: str) -> Note:
    """Say that the machine was never told to run."""
    return Note(
        code="no_command",
        params={"role": what},
        text=f"the {ROLE_LABELS[what]} commanded nothing in the window",
    )


def rating_unknown(role: str) -> Note:
    """Say that the site file doesn't give the rated power."""
    return Note(
        code="rating_unknown",
        params={"role": role},
        text=f"the rated power of the {ROLE_LABELS[role]} isn't known",
    )


def battery_capacity_unknown() -> Note:
    """Say that the site file doesn't give the battery's capacity."""
    return Note(code="battery_capacity_unknown", text="the capacity of the battery isn't known")


def soc_not_anchored() -> Note:
    """Say that the state of charge goes back to an assumed start."""
    return Note(
        code="soc_not_anchored",
        text="counted from an assumed 50 % at the first sample: no full charge was seen since, "
        "and none is set",
    )


def soc_gaps(hours: float) -> Note:
    """Say that the battery's power is missing at times since the state of charge was known."""
    return Note(
        code="soc_gaps",
        params={"hours": hours},
        text=f"the battery's power is missing for {hours:.2f} h since the state of charge was "
        "known; what flowed then isn't counted",
    )


def soc_band(low: float, high: float, limit: float) -> Note:
    """Say that the band of the state of charge has a limit within it."""
    return Note(
        code="soc_band",
        params={"low": low, "high": high, "limit": limit},
        text=f"the state of charge is only known to lie between {100 * low:.0f} % and "
        f"{100 * high:.0f} %: {100 * limit:.0f} % is within",
    )


def efficiency_uncertain(needed: int, had: float, uncertainty: float) -> Note:
    """Say that too little was charged to tell losses from a change of the state of charge."""
    shown = int(had * 10) / 10
    return Note(
        code="efficiency_uncertain",
        params={"needed": needed, "had": had, "uncertainty": uncertainty},
        text=f"needs {needed} full charges in the period (had {shown:.1f})",
    )


def efficiency_gaps(coverage: float, hour_coverage: float) -> Note:
    """Say that gaps may hide what flowed: 95 % of all, 80 % of every hour of the day is needed."""
    return Note(
        code="efficiency_gaps",
        params={"coverage": coverage, "hour_coverage": hour_coverage},
        text=f"the battery's power is missing too often: {percent(coverage)} of the window is "
        f"valid (needs 95 %), and {percent(hour_coverage)} of the hour of the day that is missing "
        "most (needs 80 %)",
    )


def efficiency_above_one(value: float) -> Note:
    """Say that more came out than went in: it ended emptier, or a meter is off."""
    return Note(
        code="efficiency_above_one",
        params={"value": value},
        text=f"more energy came out than went in (ratio {value:.3f})",
    )


def no_peak() -> Note:
    """Say that no clock quarter hour is valid enough to have a mean."""
    return Note(code="no_peak", text="no quarter hour has half of its values")


def no_intervals(state: str, *, islanded: bool = False) -> Note:
    """Say that no interval of a rule is valid.

    Parameters
    ----------
    state
        State of the site that the rule is for: any, grid or island.
    islanded
        Whether the site was islanded in the window.
    """
    if state == "grid" and islanded:
        return Note(
            code="no_intervals",
            params={"state": state, "why": "islanded"},
            text="the rule is for operation on the grid, and there was none with valid values: "
            "the site was islanded",
        )
    text = "the site wasn't islanded" if state == "island" else "no valid interval in the window"
    return Note(code="no_intervals", params={"state": state}, text=text)


def derived_grid() -> Note:
    """Say that the grid exchange isn't metered."""
    return Note(code="derived_grid", text=f"the grid isn't metered: {DERIVED_GRID}")


def negative_self_sufficiency() -> Note:
    """Say that more was imported than the load used."""
    return Note(
        code="negative_self_sufficiency",
        text="negative: more was imported than the load used, as when the grid charges the battery",
    )


def critical_exceeds_load(slots: int, of: int, mean_excess_kw: float) -> Note:
    """Say that the part is larger than the whole."""
    return Note(
        code="critical_exceeds_load",
        params={"slots": slots, "of": of, "mean_excess_kw": mean_excess_kw},
        text=(
            f"the critical load exceeds the total load in {slots} of {of} values, "
            f"by {mean_excess_kw:.1f} kW on average"
        ),
    )


def combined(warnings: Sequence[Note]) -> Note | None:
    """One note that says all: code and first sentence of the most important.

    The codes of the others are in the parameter `also`, separated by commas.
    """
    ordered = sorted(warnings, key=lambda note: WARNING_ORDER.index(note.code))
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    params: dict[str, float | int | str] = {}
    for note in reversed(ordered):
        params |= note.params
    return Note(
        code=ordered[0].code,
        params=params | {"also": ",".join(note.code for note in ordered[1:])},
        text="; ".join(note.text for note in ordered),
    )


def decimals_seen(value: float, decimals: int) -> int:
    """Decimals with which a value isn't written as zero: three digits of it where it would be."""
    if not math.isfinite(value) or value == 0 or round(abs(value), decimals) > 0:
        return decimals
    return 2 - math.floor(math.log10(abs(value)))


def interval_words(seconds: int) -> str:
    """Write how long an interval is before what has it: `10-second`, `15-minute`, `1-hour`."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            return f"{seconds // unit}-{name}"
    return f"{seconds}-second"


def percent(share: float) -> str:
    """Write a share for a sentence: cut, not rounded, so that 94.99 % never reads 95 %."""
    tenths = int(share * 1000 + 1e-9)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"
