"""Excursions: runs of samples outside limits, from raw samples.

Only buckets whose extremes lie outside are read. A missing sample ends a run: nothing says that the
value stayed outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.intervals import SECOND_US
from microgrid_lib.kpi.limits import Band
from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import ROLES
from microgrid_lib.store.extent import MonthPart
from microgrid_lib.store.slots import from_epoch_us
from microgrid_lib.window import Window

Floats = npt.NDArray[np.float64]
Micros = npt.NDArray[np.int64]
VOLTAGES = ("bus_voltage", "receiving_voltage", "mccb_voltage")
FREQUENCIES = ("bus_frequency", "mccb_frequency")


class Excursion(BaseModel):
    """A run of samples outside one limit.

    Attributes
    ----------
    point
        Role that was measured.
    limit
        `voltage_a`, `voltage_b`, `frequency_warning` or `frequency_critical` of the site file.
    direction
        Which side.
    threshold
        The limit passed.
    start, end
        Start of the first sample's slot, end of the last one's.
    extreme, unit
        The value farthest out.
    """

    model_config = ConfigDict(frozen=True)

    point: str
    limit: str
    direction: Literal["above", "below"]
    threshold: float
    start: datetime
    end: datetime
    extreme: float
    unit: str


@dataclass(frozen=True)
class Outside:
    """Samples outside a band, in order of time, arrays of shape (n,).

    Attributes
    ----------
    slot_us
        Starts of their slots [µs since the epoch].
    value
        What was measured.
    """

    slot_us: Micros
    value: Floats

    def only(self, mask: npt.NDArray[np.bool_]) -> Outside:
        """Some of them."""
        return Outside(self.slot_us[mask], self.value[mask])

    def runs(self, slot_us: int) -> Iterator[Outside]:
        """Cut where a slot is missing between two."""
        cuts = np.flatnonzero(np.diff(self.slot_us) != slot_us) + 1
        for times, values in zip(
            np.split(self.slot_us, cuts), np.split(self.value, cuts), strict=True
        ):
            if len(times):
                yield Outside(times, values)


def outside(access: Access, role: str, band: Band, start: datetime, end: datetime) -> Outside:
    """Samples of a role outside a band, of the slots that start in [start, end)."""
    found = [_of_part(access, role, band, part) for part in access.months(start, end)]
    return Outside(
        np.concatenate([np.empty(0, dtype=np.int64), *(f.slot_us for f in found)]),
        np.concatenate([np.empty(0), *(f.value for f in found)]),
    )


def _of_part(access: Access, role: str, band: Band, part: MonthPart) -> Outside:
    key = access.cached("outside", role, band, part)
    known = access.engine.results.get(key)
    if isinstance(known, Outside):
        return known
    columns = access.buckets(part, (f"{role}__min", f"{role}__max"))
    beyond = band.below(columns[f"{role}__min"]) | band.above(columns[f"{role}__max"])
    rows = np.flatnonzero(beyond)
    found = Outside(np.empty(0, dtype=np.int64), np.empty(0))
    if len(rows):
        first_us, last_us = columns["bucket"][rows[[0, -1]]].tolist()
        bucket_us = access.profile.site.summary_s * SECOND_US
        scans = access.cut(part, from_epoch_us(first_us), from_epoch_us(last_us + bucket_us))
        slots = access.slots(scans, (role,))
        mask = band.outside(slots[role])
        found = Outside(slots["slot"][mask], slots[role][mask])
    access.engine.results.put(key, found)
    return found


def limits_of(profile: Profile, role: str) -> dict[str, Band]:
    """Limits of the site file for a role, the narrower first."""
    limits, nominal = profile.site.limits, profile.site.nominal
    if ROLES[role] == "V":
        return {
            name: Band.of(nominal.voltage_v, getattr(limits, name))
            for name in ("voltage_a", "voltage_b")
        }
    return {
        name: Band.of(nominal.frequency_hz, (1 - deviation, 1 + deviation))
        for name in ("frequency_warning", "frequency_critical")
        for deviation in [getattr(limits, name)]
    }


def excursions(access: Access, window: Window) -> list[Excursion]:
    """Excursions of every measured voltage and frequency, the earliest first.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; a run that crosses its edge is cut there.
    """
    profile = access.profile
    found: list[Excursion] = []
    for role in (*VOLTAGES, *FREQUENCIES):
        if not profile.has(role):
            continue
        bands = limits_of(profile, role)
        widest = next(iter(bands.values()))
        samples = outside(access, role, widest, window.start_utc, window.end_utc)
        for name, band in bands.items():
            found += _above_and_below(profile, role, name, band, samples)
    return sorted(found, key=lambda e: (e.start, e.point, e.limit, e.direction))


def _above_and_below(
    profile: Profile, role: str, limit: str, band: Band, samples: Outside
) -> Iterator[Excursion]:
    site = profile.site
    sides: tuple[tuple[Literal["above", "below"], float, npt.NDArray[np.bool_]], ...] = (
        ("above", band.high, band.above(samples.value)),
        ("below", band.low, band.below(samples.value)),
    )
    for direction, threshold, mask in sides:
        for run in samples.only(mask).runs(site.interval_s * SECOND_US):
            last = from_epoch_us(int(run.slot_us[-1])) + timedelta(seconds=site.interval_s)
            farthest = run.value.max() if direction == "above" else run.value.min()
            yield Excursion(
                point=role,
                limit=limit,
                direction=direction,
                threshold=threshold,
                start=from_epoch_us(int(run.slot_us[0])).astimezone(site.display_zone),
                end=last.astimezone(site.display_zone),
                extreme=float(farthest),
                unit=ROLES[role],
            )
