"""A window in two or three sentences, made from the numbers of its cards and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.present.cards import Change
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.kpi.usual import Usual

_SAME = 0.005
_FULL = 0.95
"""Coverage below which hours that are missing could make a difference of their own."""
_LEAST_H = 0.1
_COVERED = {
    "pv_energy": "pv",
    "fuel_cell_energy": "fuel_cell",
    "genset_energy": "genset",
    "battery_charge_energy": "battery",
    "peak_load": "load",
    "mean_bus_voltage": "bus_voltage",
    "mean_bus_frequency": "bus_frequency",
}
"""KPI that rests on one role -> the role whose coverage it tells."""


def pv_sentence(
    kpis: Mapping[str, Kpi], changes: Mapping[str, Change], usual: Usual | None, texts: Texts
) -> str:
    """Say what the PV gave, against the same hours of the days before or the period before."""
    pv = kpis.get("pv_energy")
    if pv is None or pv.value is None or not pv.covered_h:
        return ""
    value, unit = texts.quantity(pv.value, "kWh")
    gave = texts("words.pv", energy=f"{value} {unit}")
    if pv.coverage is not None and pv.coverage < _FULL:
        return f"{gave}."
    change = changes.get("pv_energy")
    relative = change.relative if change else None
    against = texts("words.before")
    if usual is not None and usual.mean_kw > 0:
        relative = pv.value / pv.covered_h / usual.mean_kw - 1
        against = texts("words.usual", days=usual.days)
    if relative is None:
        return f"{gave}."
    if abs(relative) < _SAME:
        return texts("words.pv.same", gave=gave, against=against)
    share = texts.number(abs(100 * relative))
    key = "words.pv.more" if relative > 0 else "words.pv.less"
    return texts(key, gave=gave, share=share, against=against)


def setpoint_sentence(kpis: Mapping[str, Kpi], texts: Texts) -> str:
    """Say how far the fuel cell, else the battery, was from its set point."""
    for role in ("fuel_cell", "battery"):
        error = kpis.get(f"{role}_tracking_rmse")
        if error is None or error.value is None:
            continue
        value, unit = texts.quantity(error.value, "kW")
        said = texts(f"words.{role}", error=f"{value} {unit}")
        reliability = kpis.get("fuel_cell_reliability") if role == "fuel_cell" else None
        if reliability is None or reliability.value is None:
            return f"{said}."
        return texts("words.within", said=said, share=texts.share(reliability.value))
    return ""


def missing_sentence(
    kpis: Mapping[str, Kpi], window: Window, until: datetime | None, texts: Texts
) -> str:
    """Say which role has the most values missing, and how much of the window that is."""
    found = [
        (kpi.coverage, role)
        for name, role in _COVERED.items()
        if (kpi := kpis.get(name)) is not None and kpi.coverage is not None
    ]
    if not found:
        return ""
    coverage, role = min(found)
    if coverage >= 1:
        return texts("words.complete")
    end = min(window.end, until) if until else window.end
    lasted = end.astimezone(UTC) - window.start_utc
    hours = max(_LEAST_H, (1 - coverage) * (lasted / timedelta(hours=1)))
    # Cut, as coverage is: what is missing is never said to be less than it is.
    share = texts.number(100 - float(int(coverage * 1000)) / 10, 1)
    return texts("words.missing", role=texts(f"role.{role}"), share=share, hours=hours)
