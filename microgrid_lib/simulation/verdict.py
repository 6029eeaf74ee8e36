"""What to beware of in a simulated day, and what makes it infeasible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.notes import decimals_seen, interval_words
from microgrid_lib.simulation.case import Case
from microgrid_lib.simulation.day import SOC_COUNTED
from microgrid_lib.simulation.metrics import TINY_KW, Details
from microgrid_lib.simulation.transients import Event
from microgrid_lib.simulation.voltages import VOLTAGE_ROLES

# Energy below this is rounding, not worth a warning [kWh].
TINY_KWH = 1e-6


def day_notes(case: Case) -> list[Note]:
    """List what to beware of in the day itself, as far as it matters to the scenario."""
    lost = case.scenario.lost_all_day("battery")
    return [note for note in case.day.notes if not (lost and note.code == SOC_COUNTED)]


def cautions(case: Case, details: Details) -> list[Note]:
    """List what limits the meaning of the numbers."""
    notes: list[Note] = []
    day, plant, scenario = case.day, case.plant, case.scenario
    if plant.battery is None and day.has("battery"):
        notes.append(
            _note(
                "battery_unknown",
                "The site file has no [plant.battery]: no state of charge is given.",
            )
        )
    if case.battery is not None and day.soc_start is None and scenario.soc_start is None:
        notes.append(
            _note(
                "soc_assumed",
                f"The state of charge at the start isn't known: {case.soc_start:.2f} is assumed.",
                soc=case.soc_start,
            )
        )
    if case.flows.clipped:
        notes.append(
            _note(
                "soc_clipped",
                f"In {case.flows.clipped} minutes the measured battery power drives the counted "
                "state of charge beyond empty or full: its start is wrong.",
                minutes=case.flows.clipped,
            )
        )
    if plant.network is None:
        notes.append(
            _note(
                "no_network",
                "The site states no network: voltages are given only where nothing is changed.",
            )
        )
    else:
        absent = [role for role in VOLTAGE_ROLES if not day.has(role)]
        if absent:
            names = ", ".join(role.replace("_", " ") for role in absent)
            notes.append(_note("voltage_modelled", f"Not measured, so the model's alone: {names}."))
    if not day.has("bus_frequency"):
        notes.append(
            _note(
                "frequency_modelled",
                "Frequency isn't measured: the grid's is seeded noise about nominal.",
            )
        )
    if abs(details.residual_kwh) > TINY_KWH:
        notes.append(
            _note(
                "metering_residual",
                f"The meters leave {_kwh(details.residual_kwh)} open between load and sources.",
                kwh=details.residual_kwh,
            )
        )
    if case.islanded.any():
        notes.append(
            _note(
                "typical_machines",
                "Transients show typical machine parameters; "
                f"{interval_words(plant.interval_s)} data can't validate them. "
                "What is shed at the islanding is taken to be shed at once.",
            )
        )
        gaps = int(np.count_nonzero(case.islanded & ~day.valid))
        if gaps:
            notes.append(
                _note(
                    "island_gap",
                    f"{gaps} islanded minutes have no data: the battery is held through them.",
                    minutes=gaps,
                )
            )
    shed = sum(details.shed_kwh[g.name] for g in plant.load_groups if not g.critical)
    if shed > TINY_KWH:
        notes.append(_note("shed", f"{_kwh(shed)} of non-critical load is shed.", kwh=shed))
    return notes


def problems(
    case: Case,
    series: pd.DataFrame,
    events: tuple[Event, ...],
    details: Details,
) -> list[Note]:
    """List what makes the scenario infeasible."""
    notes: list[Note] = []
    unserved = series["unserved"].to_numpy(dtype=np.float64)
    if np.nanmax(unserved) > TINY_KW:
        minutes = int(np.count_nonzero(unserved > TINY_KW))
        kwh = sum(details.shed_kwh[g.name] for g in case.plant.load_groups if g.critical)
        notes.append(
            _note(
                "unserved",
                f"{_kwh(kwh)} of critical load isn't served, in {minutes} minutes.",
                kwh=kwh,
                minutes=minutes,
            )
        )
    if details.surplus_kwh > TINY_KWH:
        notes.append(
            _note(
                "surplus",
                f"{_kwh(details.surplus_kwh)} have nowhere to go in the island.",
                kwh=details.surplus_kwh,
            )
        )
    dead = int(np.count_nonzero(case.islanded & case.day.valid & ~case.flows.forming))
    if dead:
        notes.append(
            _note(
                "nothing_forms_island",
                f"In {dead} islanded minutes neither genset nor battery forms the island.",
                minutes=dead,
            )
        )
    collapsed = details.minutes_collapsed
    if collapsed:
        notes.append(
            _note(
                "voltage_collapse",
                f"In {collapsed} minutes the feeder can't carry the power: voltage collapses.",
                minutes=collapsed,
            )
        )
    notes.extend(_transient_problem(case, event) for event in events if event.transient.tripped)
    return notes


def _transient_problem(case: Case, event: Event) -> Note:
    at = pd.DatetimeIndex(case.day.frame.index)[event.step].tz_convert(case.day.zone)
    what = {"islanding": "islanding", "source_loss": "loss of a source"}.get(
        event.kind, "load step"
    )
    time = at.strftime("%H:%M")
    transient = event.transient
    if transient.kind == "none":
        text = f"Nothing can hold the frequency after the {what} at {time}: blackout."
        return _note("no_support", text, what=event.kind, time=time)
    if transient.collapsed:
        text = f"The frequency collapses after the {what} at {time}."
        return _note("frequency_collapse", text, what=event.kind, time=time)
    return _note(
        "frequency_trip",
        f"After the {what} at {time} the frequency reaches {transient.nadir_hz:.2f} Hz, beyond the "
        "fast trips of IEEE 1547-2018.",
        what=event.kind,
        time=time,
        nadir_hz=transient.nadir_hz,
    )


def _kwh(energy: float) -> str:
    return f"{energy:.{decimals_seen(energy, 1)}f} kWh"


def _note(code: str, text: str, **params: float | int | str) -> Note:
    return Note(code=f"simulation.{code}", params=params, text=text)
