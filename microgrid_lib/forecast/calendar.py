"""What is known of any hour in advance: local clock, season, and the sun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.site.zones import zone

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOUR = pd.Timedelta(hours=1)

SUN_ROLES = frozenset({"pv"})
"""Roles whose forecasts look at the sun; for the others it isn't computed."""


@dataclass(frozen=True)
class Calendar:
    """Known facts about consecutive hours; every array has shape (n_hours,).

    Attributes
    ----------
    hour
        Local hour of the clock, 0-23.
    weekday
        Local day of the week, 0 = Monday.
    day_of_year
        Local day of the year, 1-366.
    day
        Number of the local day since 1970-01-01.
    elevation_deg
        The sun's elevation in the middle of the hour [degrees]; NaN without coordinates.
    clear_sky_w_m2
        Global horizontal irradiance of a clear sky in the middle of the hour [W/m2] (Haurwitz
        1945, from pvlib); NaN without coordinates.
    """

    hour: Ints
    weekday: Ints
    day_of_year: Ints
    day: Ints
    elevation_deg: Floats
    clear_sky_w_m2: Floats

    @property
    def weekend(self) -> npt.NDArray[np.bool_]:
        """Whether the local day is a Saturday or Sunday."""
        return self.weekday >= 5

    def part(self, start: int, stop: int) -> Calendar:
        """The hours [start, stop), counted from the first."""
        return Calendar(
            self.hour[start:stop],
            self.weekday[start:stop],
            self.day_of_year[start:stop],
            self.day[start:stop],
            self.elevation_deg[start:stop],
            self.clear_sky_w_m2[start:stop],
        )


def calendar(
    start: datetime | pd.Timestamp,
    hours: int,
    zone_name: str,
    latitude: float | None = None,
    longitude: float | None = None,
) -> Calendar:
    """Compute the calendar of consecutive hours.

    Parameters
    ----------
    start
        Start of the first hour, aware.
    hours
        How many.
    zone_name
        Zone of the local clock (see `microgrid_lib.site.zones.zone`).
    latitude, longitude
        Coordinates [degrees north, degrees east]; None leaves the sun out.
    """
    index = pd.date_range(pd.Timestamp(start).tz_convert("UTC"), periods=hours, freq="h")
    local = index.tz_convert(zone(zone_name))
    naive = local.tz_localize(None)
    elevation = np.full(hours, np.nan)
    clear_sky = np.full(hours, np.nan)
    if latitude is not None and longitude is not None and hours:
        elevation, clear_sky = _sun(index[0], hours, latitude, longitude)
    return Calendar(
        naive.hour.to_numpy(dtype=np.int64),
        naive.day_of_week.to_numpy(dtype=np.int64),
        naive.day_of_year.to_numpy(dtype=np.int64),
        naive.normalize().to_numpy().astype("datetime64[D]").astype(np.int64),
        elevation,
        clear_sky,
    )


@lru_cache(maxsize=8)
def _sun(
    start: pd.Timestamp, hours: int, latitude: float, longitude: float
) -> tuple[Floats, Floats]:
    """Elevation and clear-sky irradiance in the middle of each hour; arrays that can't be written.

    Remembered: every role of a site has the same sun.
    """
    from pvlib import clearsky, solarposition

    times = pd.date_range(start, periods=hours, freq="h") + HOUR / 2
    position = solarposition.spa_python(times, latitude, longitude)
    clear_sky = clearsky.haurwitz(position["apparent_zenith"])
    found = (
        position["apparent_elevation"].to_numpy(dtype=np.float64).copy(),
        clear_sky["ghi"].to_numpy(dtype=np.float64).copy(),
    )
    for values in found:
        values.flags.writeable = False
    return found
