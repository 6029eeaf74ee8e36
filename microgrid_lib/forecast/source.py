"""Hourly histories from the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.calendar import HOUR
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import ROLES
from microgrid_lib.store.engines import Engine
from microgrid_lib.store.extent import as_of
from microgrid_lib.store.series import HOUR as HOUR_S
from microgrid_lib.store.series import series
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

MIN_COVERAGE = 0.5
"""An hour with a smaller share of valid slots is missing."""

_DERIVED_GRID = ("load", "pv", "fuel_cell", "genset", "battery")


def read_history(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    role: str,
    *,
    synthetic: bool = False,
    others: Sequence[str] | None = None,
) -> HourlyHistory:
    """Read the hourly means of a role, from its first whole hour to its last.

    Parameters
    ----------
    engine, snapshot, profile
        What to read and how.
    role
        Role of the profile, the derived grid included.
    synthetic
        Whether the stored data are made-up demo data.
    others
        Roles whose past is given to the Random Forest; default: for the bus voltage every other
        role of the profile, else none.

    Returns
    -------
    HourlyHistory
        An hour with less than half of its slots valid is NaN.

    Raises
    ------
    UnknownNameError
        The profile has no such role.
    NoDataError
        Nothing is stored, or not one whole hour.
    """
    site = profile.site
    if others is None:
        others = [name for name in profile.roles if name != role] if role == "bus_voltage" else []
    end = as_of(snapshot, profile)
    if end is None or snapshot.oldest is None:
        raise NoDataError(f"no data are stored for site {site.name}")
    window = Window(snapshot.oldest, end)
    found = series(engine, snapshot, profile, [role, *others], window, int(window.hours) + 2)
    whole = {name: _whole_hours(one.frame, one.bucket_s, end) for name, one in found.items()}
    means = whole[role]
    if means.isna().all():
        raise NoDataError(f"{site.name}: not one hour of {role} has half of its samples")
    first = means.first_valid_index()
    means = means.loc[first:]
    covariates = pd.DataFrame({name: whole[name].loc[first:] for name in others})
    return HourlyHistory(
        site=site.name,
        profile=profile.name,
        role=role,
        unit=ROLES[role],
        zone=site.display_timezone,
        series=means,
        fingerprint=role_fingerprint(profile, role),
        synthetic=synthetic,
        latitude=site.latitude,
        longitude=site.longitude,
        covariates=covariates if others else None,
    )


def role_fingerprint(profile: Profile, role: str) -> str:
    """Hash of everything that decides what a role's hourly means are (16 hex digits).

    The site, the profile, the schema version, the zone, the coordinates, and the expressions and
    channels behind the role.
    """
    site = profile.site
    derived = role == "grid" and profile.grid_is_derived
    open_ = list(_DERIVED_GRID if derived else (role,))
    roles: dict[str, str] = {}
    channels: dict[str, object] = {}
    while open_:
        name = open_.pop()
        if name in site.channels:
            channels[name] = site.channels[name].model_dump(mode="json")
        elif name in profile.expressions and name not in roles:
            roles[name] = profile.expressions[name].text
            open_ += profile.expressions[name].names
    content = {
        "schema_version": site.schema_version,
        "site": site.name,
        "profile": profile.name,
        "role": role,
        "derived": derived,
        "zone": site.display_timezone,
        "coordinates": [site.latitude, site.longitude],
        "interval_s": site.interval_s,
        "deadband_kw": site.battery.deadband_kw if "battery" in roles else None,
        "roles": roles,
        "channels": channels,
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _whole_hours(frame: pd.DataFrame, bucket_s: int, end: datetime) -> pd.Series:
    """Means of the hours that have ended; NaN with too few valid slots."""
    if bucket_s != HOUR_S:
        raise NoDataError("less than a day of data: there are no hourly means to forecast from")
    times = pd.DatetimeIndex(frame["time"]).tz_convert("UTC")
    means = frame["mean"].where(frame["coverage"] >= MIN_COVERAGE)
    ended = times + HOUR <= pd.Timestamp(end)
    series_ = pd.Series(means.to_numpy(dtype=np.float64), index=times).loc[ended]
    if series_.empty:
        raise NoDataError("not one whole hour is stored")
    return series_.reindex(pd.date_range(series_.index[0], series_.index[-1], freq="h"))
