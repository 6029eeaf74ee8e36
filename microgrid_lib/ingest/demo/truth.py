"""What is known about the synthetic plant: the contents of `truth.json`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from microgrid_lib.ingest.demo.calendar import MonthCalendar, Window
from microgrid_lib.ingest.demo.plan import (
    GENERATOR_VERSION,
    PLANT,
    SLOT_S,
    SLOTS_PER_HOUR,
    DemoPlan,
)
from microgrid_lib.ingest.demo.plant import HUNDREDTHS, PlantMonth

# Below this an outage isn't stale data (KPI.md, alerts).
_STALE_SLOTS = 5 * 60 // SLOT_S
# Kind -> the alert and severity it must raise, once; None where no alert is due.
_ALERTS: dict[str, tuple[str, str] | None] = {
    "voltage_sag_a": ("bus_voltage", "warning"),
    "voltage_sag_b": ("bus_voltage", "critical"),
    "frequency_excursion": ("bus_frequency", "warning"),
    "voltage_gap": ("voltage_gap", "info"),
    "fuel_cell_failed": ("fuel_cell_failed", "critical"),
    "battery_not_following": ("battery_not_following", "warning"),
    "battery_low": ("battery_low", "warning"),
    "battery_full_charge": None,
    "islanding": None,
}
NOTES = {
    "synthetic": "Made by a seeded generator; not measurements of any plant.",
    "time": "Events are [start, end) on 10-second slots, UTC; the sample of a slot is stamped one "
    "second into it, in local standard time (UTC-07:00).",
    "balance": "genset (net) + fuel cell + PV + battery - auxiliaries = -MCCB, in every slot, "
    "islanded ones included, up to the MCCB meter's rounding to whole kW.",
    "genset": "GE is a source: body = net + 2.0 kW when running, both 0 when off; body follows its "
    "set response.",
    "island": "The tie is open and carries 0 kW; gas engine off, fuel cell at its island set "
    "point, the battery forms the grid (set response 0) and carries the rest of the auxiliaries. "
    "MCCB voltage and frequency are the grid's, those of the bus are the island's own.",
    "impedance": "Two-bus model at unit power factor; the voltage drop is shared by the MCCB as "
    "stated; the source feeds the unmetered building too.",
    "battery": "Power inside the dead band is meter offset and moves no energy; without "
    "communication the battery idles, so gaps in the files hide no energy.",
    "soc": "True state of charge at full local hours.",
}


def utc_text(year: int, month: int, slot: int) -> str:
    """UTC time of the start of a slot of a month, ISO 8601."""
    zone = timezone(timedelta(hours=PLANT.utc_offset_h))
    local = datetime(year, month, 1, tzinfo=zone) + timedelta(seconds=slot * SLOT_S)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _extreme(kind: str, window: Window, plant: PlantMonth) -> tuple[float, str]:
    """Extreme value over an event as the file prints it, and its unit."""
    at = {channel: column[window.slots] / HUNDREDTHS for channel, column in plant.values.items()}
    match kind:
        case "voltage_sag_a" | "voltage_sag_b":
            return float(at["mg_lv_voltage"].min()), "V"
        case "voltage_gap":
            return float(np.abs(at["mccb_voltage"] - at["mg_lv_voltage"]).max()), "V"
        case "frequency_excursion":
            return float(at["mg_lv_frequency"].min()), "Hz"
        case "islanding":
            return float(np.abs(at["mccb_frequency"] - at["mg_lv_frequency"]).max()), "Hz"
        case "fuel_cell_failed":
            return float(at["fc_power"].min()), "kW"
        case "battery_not_following":
            return float(np.abs(at["battery_power"] - at["battery_set_response"]).max()), "kW"
        case "battery_low":
            return float(plant.battery.soc[window.start : window.stop + 1].min()), "1"
        case _:
            return float(plant.battery.soc[window.stop]), "1"


def month_events(calendar: MonthCalendar, plant: PlantMonth) -> list[dict[str, Any]]:
    """List the true events of a month in time order, each with the one alert it must raise."""

    def event(
        kind: str, window: Window, alert: tuple[str, str] | None, extreme: tuple[float, str]
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "alert": alert[0] if alert else None,
            "severity": alert[1] if alert else None,
            "start": utc_text(calendar.year, calendar.month, window.start),
            "end": utc_text(calendar.year, calendar.month, window.stop),
            "extreme": extreme[0],
            "unit": extreme[1],
        }

    found = [
        (window, event(kind, window, _ALERTS[kind], _extreme(kind, window, plant)))
        for kind, window in plant.events.items()
    ]
    for cause, windows in (("sentinel", calendar.outages), ("rows_absent", calendar.row_gaps)):
        for window in windows:
            length = window.stop - window.start
            stale = ("data_stale", "warning") if length >= _STALE_SLOTS else None
            outage = event("outage", window, stale, (float(length * SLOT_S), "s"))
            found.append((window, outage | {"cause": cause}))
    return [record for _, record in sorted(found, key=lambda pair: pair[0].start)]


def hourly_soc(calendar: MonthCalendar, plant: PlantMonth) -> tuple[list[str], list[float]]:
    """UTC times and true state of charge at every full hour of a month."""
    slots = range(0, calendar.n_slots, SLOTS_PER_HOUR)
    times = [utc_text(calendar.year, calendar.month, slot) for slot in slots]
    return times, [round(float(soc), 9) for soc in plant.battery.soc[slots.start : -1 : slots.step]]


def generator_of(plan: DemoPlan) -> dict[str, Any]:
    """Tell a plan and this generator's version apart from any other."""
    return {"version": GENERATOR_VERSION} | asdict(plan)


def parameters_of(plan: DemoPlan) -> dict[str, Any]:
    """Known parameters of the plant, by name with unit."""
    return {"seed": plan.seed} | asdict(PLANT)


def empty_truth(plan: DemoPlan) -> dict[str, Any]:
    """Truth before the first month."""
    return {
        "synthetic": True,
        "complete": False,
        "generator": generator_of(plan),
        "notes": NOTES,
        "parameters": parameters_of(plan),
        "files": {},
        "events": [],
        "soc": {"time": [], "soc": []},
    }
