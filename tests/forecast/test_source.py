"""Hourly histories from the store, against hours computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.source import read_history, role_fingerprint
from microgrid_lib.site.load import load_site

HOURS = 50


def quarters() -> pd.DataFrame:
    """Two days of quarter hours, summer: raw battery charges when positive."""
    rng = np.random.default_rng(4)
    index = pd.date_range("2018-06-01", periods=4 * HOURS + 3, freq="15min")
    return pd.DataFrame(
        {
            "PV": rng.uniform(0, 100, len(index)).round(3),
            "Battery": rng.uniform(-50, 50, len(index)).round(3),
            "Total": rng.uniform(-50, 50, len(index)).round(3),
        },
        index=index,
    )


@pytest.fixture
def stored(home: Path, tmp_path: Path) -> tuple[SiteData, pd.DataFrame]:
    rows = quarters()
    # One quarter left in the sixth hour, two in the seventh.
    rows.iloc[21:24, 0] = np.nan
    rows.iloc[24:26, 2] = np.nan
    for name in rows:
        part = rows[name].dropna()
        clock = [f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02d}" for t in part.index]
        table = pd.DataFrame({"DateTime": clock, "RealPower": part.to_numpy()})
        table.to_csv(tmp_path / f"TradeStreet{name}.csv", index=False)
    data = open_site("trade_street")
    data.ingest(sorted(tmp_path.glob("*.csv")))
    return data, rows


def read(data: SiteData, role: str, **options: object) -> HourlyHistory:
    return read_history(data.engine, data.snapshot(), data.profile, role, **options)  # type: ignore[arg-type]


def test_hours_are_means_of_their_valid_slots(stored: tuple[SiteData, pd.DataFrame]) -> None:
    data, rows = stored
    load = rows["Total"] + rows["PV"] - rows["Battery"]
    expected = [load.iloc[4 * hour : 4 * hour + 4].dropna() for hour in range(HOURS)]
    means = [part.mean() if len(part) >= 2 else np.nan for part in expected]
    assert np.isnan(means[5])
    assert not np.isnan(means[6])
    history = read(data, "load")
    # 2018-06-01 there is UTC-7; the last hour has three quarters so far and doesn't count.
    assert history.start == pd.Timestamp("2018-06-01T07:00Z")
    np.testing.assert_allclose(history.values, means, rtol=1e-9)
    assert (history.site, history.profile, history.unit) == ("trade_street", "default", "kW")
    assert history.zone == "America/Los_Angeles"
    assert history.covariates is None


def test_other_roles_come_along_on_request(stored: tuple[SiteData, pd.DataFrame]) -> None:
    data, rows = stored
    history = read(data, "load", others=["pv"])
    assert history.covariates is not None
    pv = rows["PV"].iloc[:4].mean()
    assert history.covariates["pv"].iloc[0] == pytest.approx(pv)


def test_a_role_that_is_not_there_is_named(stored: tuple[SiteData, pd.DataFrame]) -> None:
    with pytest.raises(UnknownNameError, match="fuel_cell"):
        read(stored[0], "fuel_cell")


def test_an_empty_store_is_one_clear_line(home: Path) -> None:
    with pytest.raises(NoDataError, match="no data are stored for site trade_street"):
        read(open_site("trade_street"), "load")


def test_a_fingerprint_follows_what_the_role_is_made_of() -> None:
    site = load_site("mesa_del_sol")
    voltage, load = (role_fingerprint(site.profile(), role) for role in ("bus_voltage", "load"))
    assert voltage != load
    assert role_fingerprint(load_site("mesa_del_sol").profile(), "load") == load
    assert role_fingerprint(site.profile("gas_engine"), "bus_voltage") != voltage
    moved = site.model_copy(update={"display_timezone": "UTC"})
    assert role_fingerprint(moved.profile(), "load") != load
    channels = dict(site.channels)
    channels["mg_lv_voltage"] = channels["mg_lv_voltage"].model_copy(update={"factor": 2.0})
    scaled = site.model_copy(update={"channels": channels})
    assert role_fingerprint(scaled.profile(), "bus_voltage") != voltage
    assert role_fingerprint(scaled.profile(), "load") == load
