"""Scenarios worth a look, as far as a plant and its day have what they need."""

from __future__ import annotations

from microgrid_lib.simulation.case import available_sources
from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.plant import Plant
from microgrid_lib.simulation.scenario import Scenario

EVENING = "17:00-20:00"


def presets(plant: Plant, day: DayFrame) -> dict[str, Scenario]:
    """Return named scenarios, the day as measured first.

    Parameters
    ----------
    plant, day
        What there is: a preset about something else is left out.
    """
    found = {
        "measured": Scenario(),
        "load_up": Scenario(load_scale=1.3),
        "island": Scenario(island=EVENING),
    }
    sources = available_sources(plant, day)
    if "pv" in sources:
        found["pv_lost"] = Scenario(lost=("pv",))
        found["pv_doubled"] = Scenario(pv_scale=2.0)
    if plant.battery is not None:
        empty = plant.battery.soc_min.value
        found["island_empty"] = Scenario(island=EVENING, soc_start=empty)
        found["peak_shaving"] = Scenario(battery="import_target")
    if plant.genset is not None:
        found["genset_lost"] = Scenario(island=EVENING, lost=("genset",), lost_from="18:00")
    return found
