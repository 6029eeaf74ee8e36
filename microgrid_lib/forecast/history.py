"""Hourly means of one role: what every forecast is made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from microgrid_lib.forecast.calendar import HOUR, SUN_ROLES, Calendar, Floats, calendar
from microgrid_lib.forecast.errors import ForecastRequestError, HistoryError
from microgrid_lib.site.zones import zone

MAX_DAYS = 14
"""Longest horizon [days]."""


@dataclass(frozen=True)
class HourlyHistory:
    """Hourly means of one role of one site.

    Attributes
    ----------
    site, profile, role, unit
        What it is.
    zone
        Display zone of the site, in which days begin (see `microgrid_lib.site.zones.zone`).
    series
        Hourly means [`unit`]; index: start of the hour, UTC, without holes; NaN = missing hour.
    fingerprint
        Identifies site, profile and schema version: a model serves only the one it was trained on.
    data_hash
        Identifies the data; computed from the series where it is left empty.
    synthetic
        Whether these are made-up demo data.
    latitude, longitude
        Coordinates of the site [degrees], None where not known.
    covariates
        Other roles over the same index, a column per role. Only their past is ever a feature.
    """

    site: str
    role: str
    unit: str
    zone: str
    series: pd.Series
    fingerprint: str
    data_hash: str = ""
    profile: str = ""
    synthetic: bool = False
    latitude: float | None = None
    longitude: float | None = None
    covariates: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Check the index, and hash the data where no hash is given.

        Raises
        ------
        HistoryError
            The series is empty, or its index isn't a regular, aware, hourly one.
        """
        index = self.series.index
        if not len(index):
            raise HistoryError(f"{self.site}, {self.role}: no hours at all")
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
            raise HistoryError(f"{self.site}, {self.role}: the hours need an aware time index")
        if len(index) > 1 and not (np.diff(index.as_unit("ns").asi8) == HOUR.value).all():
            raise HistoryError(
                f"{self.site}, {self.role}: the index must step by one hour, "
                "with NaN where an hour is missing"
            )
        if self.covariates is not None and not self.covariates.index.equals(index):
            raise HistoryError(f"{self.site}, {self.role}: covariates need the same hours")
        if not self.data_hash:
            object.__setattr__(self, "data_hash", hash_of(self.series))

    @property
    def start(self) -> pd.Timestamp:
        """Start of the first hour, UTC."""
        return pd.Timestamp(self.series.index[0]).tz_convert("UTC")

    @property
    def end(self) -> pd.Timestamp:
        """End of the last hour, UTC."""
        return pd.Timestamp(self.series.index[-1]).tz_convert("UTC") + HOUR

    @property
    def values(self) -> Floats:
        """Hourly means as an array, shape (n_hours,) [`unit`]."""
        return self.series.to_numpy(dtype=np.float64)

    def position(self, time: datetime | pd.Timestamp) -> int:
        """Number of the hour that starts at an instant, counted from the first; may lie outside.

        Raises
        ------
        ForecastRequestError
            The instant isn't the start of one of the site's hours.
        """
        distance = pd.Timestamp(time).tz_convert("UTC") - self.start
        if distance % HOUR:
            raise ForecastRequestError(f"{_text(time)} isn't the start of an hour of the data")
        return int(distance // HOUR)

    def time(self, position: int) -> pd.Timestamp:
        """Start of an hour by its number, UTC."""
        return self.start + position * HOUR

    def before(self, origin: datetime | pd.Timestamp) -> HourlyHistory:
        """Return what was known at an instant: hours that ended by then.

        Raises
        ------
        HistoryError
            Nothing was known.
        """
        keep = max(self.position(origin), 0)
        rest = None if self.covariates is None else self.covariates.iloc[:keep]
        return replace(self, series=self.series.iloc[:keep], covariates=rest, data_hash="")

    def calendar(self, hours_after: int = 0) -> Calendar:
        """Return the calendar of all hours and of `hours_after` more; with the sun for PV alone."""
        place = (self.latitude, self.longitude) if self.role in SUN_ROLES else (None, None)
        return calendar(self.start, len(self.series) + hours_after, self.zone, *place)

    def midnights(self, first: datetime | pd.Timestamp, last: datetime | pd.Timestamp) -> list[int]:
        """Numbers of the hours that begin local days, from `first` to `last` inclusive."""
        low, high = pd.Timestamp(first), pd.Timestamp(last)
        local = zone(self.zone)
        days = pd.date_range(
            low.tz_convert(local).tz_localize(None).normalize(),
            high.tz_convert(local).tz_localize(None).normalize(),
            freq="D",
        )
        found = [_midnight(pd.Timestamp(day), self.zone) for day in days]
        return [self.position(at) for at in found if low <= at <= high]

    def last_midnight(self) -> pd.Timestamp:
        """Newest local midnight that the observed hours reach, UTC.

        Raises
        ------
        HistoryError
            Every hour is missing.
        """
        seen = np.flatnonzero(~np.isnan(self.values))
        if not len(seen):
            raise HistoryError(f"{self.site}, {self.role}: every hour is missing")
        end = self.time(int(seen[-1]) + 1)
        day = end.tz_convert(zone(self.zone)).tz_localize(None).normalize()
        return _midnight(day, self.zone)


def hash_of(series: pd.Series) -> str:
    """SHA-256 of an hourly series: its first hour and its values."""
    start = pd.Timestamp(series.index[0]).tz_convert("UTC").isoformat()
    values = np.ascontiguousarray(series.to_numpy(dtype="<f8"))
    # One pattern for every NaN, so that equal data have equal hashes.
    values = np.where(np.isnan(values), np.nan, values)
    return hashlib.sha256(start.encode() + values.tobytes()).hexdigest()


def horizon_hours(days: int) -> int:
    """Hours of a horizon.

    Raises
    ------
    ForecastRequestError
        `days` isn't within 1-14.
    """
    if not 1 <= days <= MAX_DAYS:
        raise ForecastRequestError(
            f"a horizon of {days} days isn't possible; use 1 to {MAX_DAYS} days"
        )
    return 24 * days


def _midnight(day: pd.Timestamp, zone_name: str) -> pd.Timestamp:
    """Find the first instant of a local day, UTC."""
    at = datetime.combine(day.date(), datetime.min.time(), zone(zone_name))
    return pd.Timestamp(at).tz_convert("UTC")


def _text(time: datetime | pd.Timestamp) -> str:
    return pd.Timestamp(time).isoformat()
