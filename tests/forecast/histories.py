"""Hourly histories: made up from a seed, and a real one where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.forecast.history import HourlyHistory

REAL = Path(__file__).resolve().parents[2] / "../shared/data"
LOS_ANGELES = "America/Los_Angeles"


def made_up(
    days: float,
    role: str = "load",
    seed: int = 0,
    zone: str = "UTC-07:00",
    start: str = "2022-05-01T07:00Z",
    noise: float = 2.0,
    **others: object,
) -> HourlyHistory:
    """A day's and a week's rhythm, a slowly wandering level, and noise."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, periods=round(24 * days), freq="h")
    local = index.tz_convert("Etc/GMT+7")
    shape = 10 * np.sin(2 * np.pi * (local.hour - 6) / 24)
    level = (
        50
        - 15 * (local.day_of_week >= 5)
        + np.repeat(np.cumsum(rng.normal(0, 1, len(index) // 24 + 1)), 24)[: len(index)]
    )
    values = shape + level + rng.normal(0, noise, len(index))
    if role == "pv":
        values = np.maximum(shape, 0) * rng.uniform(0.3, 1, len(index))
    series = pd.Series(values, index=index)
    fields: dict[str, object] = {"latitude": 35.0, "longitude": -106.6, "profile": "default"}
    return HourlyHistory("made_up", role, "kW", zone, series, "f00d", **(fields | others))  # type: ignore[arg-type]


def with_values(history: HourlyHistory, values: np.ndarray) -> HourlyHistory:
    """The same history with other values."""
    return HourlyHistory(
        history.site,
        history.role,
        history.unit,
        history.zone,
        pd.Series(values, index=history.series.index),
        history.fingerprint,
        profile=history.profile,
        synthetic=history.synthetic,
        latitude=history.latitude,
        longitude=history.longitude,
        covariates=history.covariates,
    )


def real_or_skip(folder: str) -> Path:
    """A folder of real data; skips the test where it is absent."""
    path = REAL / folder
    if not path.is_dir():
        pytest.skip(f"the real data of {folder} aren't on this machine")
    return path


def trade_street(role: str) -> HourlyHistory:
    """Hourly means of the real site: load = grid + pv + battery, with raw battery charging."""
    folder = real_or_skip("trade_street")
    total, pv, battery = (_read(folder / f"TradeStreet{n}.csv") for n in ("Total", "PV", "Battery"))
    series = {"load": total + pv - battery, "pv": pv, "grid": total}[role].dropna()
    # One common start: the battery's meter is the last to begin.
    series = series[series.index >= battery.index[0]]
    hours = series.groupby(series.index.floor("h"))
    means = hours.mean().where(hours.count() >= 2)
    index = pd.date_range(means.index[0], means.index[-1], freq="h")
    return HourlyHistory(
        "trade_street",
        role,
        "kW",
        LOS_ANGELES,
        means.reindex(index),
        "test",
        profile="default",
        latitude=32.89,
        longitude=-117.15,
    )


def _read(path: Path) -> pd.Series:
    rows = pd.read_csv(path, encoding="utf-8-sig").iloc[::-1]
    clock = pd.to_datetime(rows["DateTime"], format="%m/%d/%Y %H:%M")
    # Of the doubled hour of autumn, the first row of each time is still summer time.
    summer = ~clock.duplicated(keep="first").to_numpy()
    local = pd.DatetimeIndex(clock).tz_localize(LOS_ANGELES, ambiguous=summer, nonexistent="NaT")
    series = pd.Series(rows["RealPower"].to_numpy(), index=local.tz_convert("UTC"))
    series = series[series.index.notna()].dropna()
    return series[~series.index.duplicated()].sort_index()


def mesa_del_sol_voltage(others: bool = False) -> HourlyHistory:
    """The real August of the bus voltage, 31 days, with the other eight channels on request."""
    path = real_or_skip("mesa_del_sol") / "Aug_2022_hourly.csv"
    rows = pd.read_csv(path).replace(-999999.0, np.nan)
    clock = pd.DatetimeIndex(pd.to_datetime(rows.pop("Timestamp"), format="%Y/%m/%d %H:%M:%S"))
    rows.index = clock.tz_localize("Etc/GMT+7").tz_convert("UTC")
    rows = rows.reindex(pd.date_range(rows.index[0], rows.index[-1], freq="h"))
    voltage = rows.pop("MG-LV-MSB_AC_Voltage")
    return HourlyHistory(
        "mesa_del_sol",
        "bus_voltage",
        "V",
        "UTC-07:00",
        voltage,
        "test",
        covariates=rows if others else None,
    )
