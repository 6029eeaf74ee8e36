"""Change of KPIs against the window before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.model import Kpi, Note
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.report import definitions, kpi_report
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.extent import as_of
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

_RATES = {"kWh": ("kW", 1.0), "1": ("1/d", 24.0)}
"""Unit of a KPI that adds up over time -> unit of its rate, and rate per hour -> that unit."""


class Change(BaseModel):
    """How a KPI differs from an earlier window.

    Attributes
    ----------
    value
        Now minus before, in `unit`; None where it can't be told.
    unit
        Energies are compared as mean power over covered hours [kW], cycles as cycles a day [1/d],
        the rest in its own unit.
    relative
        `value` over the size of the earlier one; None where that is 0.
    reason
        Why there is no value.
    """

    model_config = ConfigDict(frozen=True)

    value: float | None
    unit: str
    relative: float | None = None
    reason: Note | None = None


def change(definition: Definition, now: Kpi, before: Kpi | None) -> Change:
    """Compare one KPI with its earlier value, None where the earlier window has no data."""
    unit, factor = _RATES[definition.unit] if definition.compare == "rate" else (now.unit, 1.0)
    if now.value is None:
        return Change(value=None, unit=unit, reason=now.reason)
    if before is None:
        note = Note(code="no_earlier_data", text="no data in the period before")
        return Change(value=None, unit=unit, reason=note)
    if before.value is None:
        why = before.reason.text if before.reason else "not available"
        note = Note(
            code="no_earlier_value", params={"why": why}, text=f"not for the period before: {why}"
        )
        return Change(value=None, unit=unit, reason=note)
    new, old = now.value, before.value
    if definition.compare == "rate":
        if not now.covered_h or not before.covered_h:
            raise ValueError(f"{definition.name} has a value but no covered hours")
        new, old = factor * new / now.covered_h, factor * old / before.covered_h
    relative = (new - old) / abs(old) if old != 0 else None
    return Change(value=new - old, unit=unit, relative=relative)


def changes(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    window: Window,
    sections: Sequence[str] | None = None,
    now: datetime | None = None,
) -> dict[str, Change]:
    """Compare the KPIs of a window with those of the window of the same length before it.

    A window that isn't over yet is compared with as much of the earlier one: today until eight
    with yesterday until eight.

    Parameters
    ----------
    engine, snapshot, profile, window, sections, now
        As for `kpi_report`.

    Raises
    ------
    NoDataError
        The window lies outside all data.
    """
    current = kpi_report(engine, snapshot, profile, window, sections, now)
    before = window.previous().as_far(window, as_of(snapshot, profile, now) or window.end_utc)
    try:
        earlier = kpi_report(engine, snapshot, profile, before, sections, now).kpis
    except NoDataError:
        earlier = {}
    known = definitions(profile)
    return {name: change(known[name], kpi, earlier.get(name)) for name, kpi in current.kpis.items()}
