"""Clear-sky output of the demo's PV array from the sun's position."""

from __future__ import annotations

from datetime import date

import numpy as np

from microgrid_lib.ingest.demo.noise import FloatArray, between
from microgrid_lib.ingest.demo.plan import PLANT, SLOTS_PER_DAY

_KNOTS_PER_DAY = 288


def clear_sky_pv_kw(first: date, days: int) -> FloatArray:
    """AC power of the array under a cloudless sky [kW], shape (days * 8640,).

    Sun position by pvlib (NREL SPA) every five minutes of local standard time, joined by straight
    lines; clear-sky irradiance by the simplified Solis model, isotropic diffuse sky, a constant
    performance ratio.
    """
    import pandas as pd
    import pvlib

    times = pd.date_range(
        f"{first:%Y-%m-%d}", periods=days * _KNOTS_PER_DAY + 1, freq="5min", tz="UTC"
    ) - pd.Timedelta(hours=PLANT.utc_offset_h)
    sun = pvlib.solarposition.get_solarposition(
        times, PLANT.latitude_deg, PLANT.longitude_deg, altitude=PLANT.altitude_m
    )
    sky = pvlib.clearsky.simplified_solis(
        sun["apparent_elevation"], pressure=pvlib.atmosphere.alt2pres(PLANT.altitude_m)
    )
    plane = pvlib.irradiance.get_total_irradiance(
        PLANT.pv_tilt_deg,
        PLANT.pv_azimuth_deg,
        sun["apparent_zenith"],
        sun["azimuth"],
        sky["dni"],
        sky["ghi"],
        sky["dhi"],
    )["poa_global"].to_numpy(dtype=float)
    # Below the horizon the model's terms are zero or not a number: there is no sun to convert.
    lit = np.where(sun["apparent_elevation"].to_numpy(dtype=float) > 0, plane, 0.0)
    return between(
        PLANT.pv_rated_kw * PLANT.pv_performance_ratio * lit / 1000.0,
        SLOTS_PER_DAY // _KNOTS_PER_DAY,
    )
