"""The microgrid at the end of its data: the newest valid sample of each role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.soc import SocCourse, SocState
from microgrid_lib.store.slots import from_epoch_us, slot_end
from microgrid_lib.store.summaries import charted_roles, counts_charge

LOOK_BACK = (timedelta(minutes=10), timedelta(hours=24))
"""Stretches before the newest sample that are searched, one after the other; then all months."""

SOURCES = ("pv", "fuel_cell", "genset", "battery", "grid")
"""Powers that add up to what the site takes, sources positive."""


@dataclass(frozen=True)
class Sample:
    """A role's newest valid value.

    Attributes
    ----------
    value
        In the role's unit.
    time
        End of its slot, in the display zone.
    """

    value: float
    time: datetime


@dataclass(frozen=True)
class Newest:
    """The newest samples of a site.

    Attributes
    ----------
    time
        End of the newest sample's slot, in the display zone.
    samples
        By role of the profile, the derived grid included; None where there never was a valid one.
    soc
        State of charge at `time`; None where it can't be counted.
    residual_kw
        What is left of all powers where no load is measured: the plant's own use [kW]. None where
        there is a load, no grid, or no slot with all of them in the last day.
    """

    time: datetime
    samples: Mapping[str, Sample | None]
    soc: SocState | None = None
    residual_kw: Sample | None = None


def newest_samples(access: Access) -> Newest:
    """Find the newest valid sample of each role.

    Raises
    ------
    NoDataError
        Nothing is stored.
    """
    profile, newest = access.profile, access.snapshot.newest
    if newest is None:
        raise NoDataError(f"no data are stored for site {profile.site.name}")
    key = access.cached("newest", access.snapshot.state())
    known = access.engine.results.get(key)
    if isinstance(known, Newest):
        return known
    end = slot_end(profile.site, newest)
    samples: dict[str, Sample | None] = dict.fromkeys(charted_roles(profile))
    residual: Sample | None = None
    summands = _summands(access)
    for stretch in LOOK_BACK:
        missing = [role for role, sample in samples.items() if sample is None]
        wanted = list(dict.fromkeys([*missing, *(() if residual else summands)]))
        if not wanted:
            break
        longest = max(stretch, timedelta(seconds=profile.site.interval_s))
        slots = access.slots(access.scans(end - longest, end), wanted)
        for role in missing:
            samples[role] = _last(access, slots["slot"], [slots[role]])
        if summands and residual is None:
            residual = _last(access, slots["slot"], [slots[role] for role in summands])
    samples |= _long_ago(access, [role for role, sample in samples.items() if sample is None])
    found = Newest(
        time=end.astimezone(profile.site.display_zone),
        samples=samples,
        soc=SocCourse(access).at(end) if counts_charge(profile) else None,
        residual_kw=residual,
    )
    access.engine.results.put(key, found)
    return found


def _long_ago(access: Access, roles: Sequence[str]) -> dict[str, Sample]:
    """Last samples of roles that the last day of data doesn't have, month by month backwards."""
    found: dict[str, Sample] = {}
    oldest, newest = access.snapshot.oldest, access.snapshot.newest
    if not roles or oldest is None or newest is None:
        return found
    length = timedelta(seconds=access.profile.site.summary_s)
    for part in reversed(access.months(oldest - length, newest + length)):
        missing = [role for role in roles if role not in found]
        if not missing:
            break
        columns = access.buckets(part, [f"{role}__n" for role in missing])
        for role in missing:
            rows = np.flatnonzero(columns[f"{role}__n"] > 0)
            if len(rows):
                start = from_epoch_us(int(columns["bucket"][rows[-1]]))
                slots = access.slots(access.scans(start, start + length), [role])
                sample = _last(access, slots["slot"], [slots[role]])
                found |= {role: sample} if sample else {}
    return found


def _summands(access: Access) -> tuple[str, ...]:
    profile = access.profile
    if profile.has("load") or not profile.has("grid"):
        return ()
    return tuple(role for role in SOURCES if profile.has(role))


def _last(
    access: Access, slots_us: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]]
) -> Sample | None:
    """Sum of some columns in the last slot that has all of them."""
    total = np.sum(columns, axis=0)
    valid = np.flatnonzero(np.isfinite(total))
    if not len(valid):
        return None
    site = access.profile.site
    ended = from_epoch_us(int(slots_us[valid[-1]])) + timedelta(seconds=site.interval_s)
    return Sample(float(total[valid[-1]]), ended.astimezone(site.display_zone))
