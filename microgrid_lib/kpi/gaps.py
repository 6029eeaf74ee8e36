"""When a role is missing: gaps that come at the same time every day hide the same flow each day."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.kpi.access import Access
from microgrid_lib.site.profile import Site
from microgrid_lib.store.slots import anchor_s, first_slot_us

SECOND_US = 1_000_000
Hours = npt.NDArray[np.int64]


def least_hour_coverage(access: Access, role: str, start: datetime, end: datetime) -> float:
    """Coverage of the local hour of the day in which a role is missing most.

    Parameters
    ----------
    access, role
        Stored data, and a role of the profile.
    start, end
        Bounds of the slots; at least one.

    Returns
    -------
    float
        Valid slots / expected slots of that hour over all days, 0-1.
    """
    site = access.profile.site
    valid = np.zeros(24, dtype=np.int64)
    for part in access.months(start, end):
        key = access.cached("valid by hour", role, part)
        known = access.engine.results.get(key)
        if not isinstance(known, np.ndarray):
            name = f"{role}__n"
            columns = access.buckets(part, [name])
            known = _by_hour(site, columns["bucket"], columns[name])
            access.engine.results.put(key, known)
        valid += known
    expected = _expected(site, start, end)
    asked = expected > 0
    return float((valid[asked] / expected[asked]).min())


def _expected(site: Site, start: datetime, end: datetime) -> Hours:
    """Slots of each hour of the day."""
    first, last = first_slot_us(site, start), first_slot_us(site, end)
    bucket_us, shift = site.summary_s * SECOND_US, anchor_s(site) * SECOND_US
    buckets = np.arange((first - shift) // bucket_us * bucket_us + shift, last, bucket_us)
    length_us = np.minimum(buckets + bucket_us, last) - np.maximum(buckets, first)
    return _by_hour(site, buckets, length_us // (site.interval_s * SECOND_US))


def _by_hour(site: Site, buckets: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Hours:
    """Add up counts by the local hour their bucket begins in."""
    times = pd.to_datetime(buckets, unit="us", utc=True).tz_convert(site.display_zone)
    return np.bincount(times.hour, counts, 24).astype(np.int64)
