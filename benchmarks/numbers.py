"""KPIs and series, warm, beside the straightforward pandas way on the same measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.measure import Samples, alternate, timed
from benchmarks.table import Row
from microgrid_lib.api import SiteData, open_site
from microgrid_lib.settings import Settings

BUDGET_MONTH_S = 0.020
BUDGET_ALL_S = 0.050
BUDGET_SERIES_S = 0.050
WARM_UP = 3


def pandas_kpis(frame: Any) -> dict[str, float]:
    """The production and distribution KPIs from raw samples, as one would write them."""
    h = 10 / 3600
    battery = frame["battery_power"].where(frame["battery_power"].abs() >= 0.5, 0.0)
    battery = battery.where(frame["battery_power"].notna())
    load, pv, fc = frame["ge_power_total"], frame["pv_power"], frame["fc_power"]
    grid = load - pv - fc - battery
    valid = grid.notna()
    imported = grid.clip(lower=0)[valid].sum() * h
    energy_pv, energy_fc = pv[valid].sum() * h, fc[valid].sum() * h
    commanded = frame["fc_setpoint"] > 0
    error = fc - frame["fc_setpoint"]
    both = commanded & error.notna()
    quarter = load.groupby(frame["time"].dt.floor("15min")).agg(["mean", "count"])
    return {
        "renewable_share": energy_pv / (energy_pv + energy_fc + imported),
        "self_sufficiency": 1 - imported / (load[valid].sum() * h),
        "fuel_cell_reliability": (error.abs()[both] <= 4.0).mean(),
        "fuel_cell_tracking_rmse": (error[both] ** 2).mean() ** 0.5,
        "battery_discharge_energy": battery.clip(lower=0).sum() * h,
        "battery_charge_energy": (-battery).clip(lower=0).sum() * h,
        "critical_share": frame["ge_power_body"].clip(upper=load)[load.notna()].sum() / load.sum(),
        "peak_load": quarter["mean"][quarter["count"] >= 45].max(),
        "mean_bus_voltage": frame["mg_lv_voltage"].mean(),
        "max_voltage_gap": (frame["mccb_voltage"] - frame["mg_lv_voltage"]).abs().max(),
        "pv_energy": pv.sum() * h,
    }


def _frame(data: SiteData) -> Any:
    import pandas as pd

    snapshot = data.snapshot()
    columns = ["time", *data.site.channels]
    parts = [pd.read_parquet(part.path, columns=columns) for part in snapshot.parts]
    return pd.concat(parts, ignore_index=True)


def run(home: Path, repeat: int) -> list[Row]:
    data = open_site("mesa_del_sol", settings=Settings(home=home))
    span = data.span()
    if span is None:
        raise RuntimeError(f"nothing ingested in {home}")
    month = data.window("2022-08-01", "2022-09-01")
    whole = data.window(*span)
    frame = _frame(data)
    local = frame["time"].dt.tz_convert("Etc/GMT+7").dt.strftime("%Y-%m")
    one = frame[local == "2022-08"]
    roles = ["pv", "battery", "load", "fuel_cell"]
    rows: list[Row] = []
    for what, window, part, budget in (
        ("KPIs of one month, warm", month, one, BUDGET_MONTH_S),
        ("KPIs of all demo months, warm", whole, frame, BUDGET_ALL_S),
    ):
        for _ in range(WARM_UP):
            data.kpis(window)
        found: dict[str, Samples] = alternate(
            {
                "ours": lambda window=window: timed(lambda: data.kpis(window)),
                "pandas": lambda part=part: timed(lambda: pandas_kpis(part)),
            },
            repeat * 5,
        )
        rows.append(
            Row(what, found["ours"], found["pandas"], "pandas, frame in memory", 1.0, budget)
        )
    for what, window in (
        ("series of 4 roles, one day, warm", data.window("2022-08-03", "2022-08-04")),
        ("series of 4 roles, one month, warm", month),
        ("series of 4 roles, all demo months, warm", whole),
    ):
        for _ in range(WARM_UP):
            data.series(roles, window)
        found = alternate(
            {"ours": lambda window=window: timed(lambda: data.series(roles, window))}, repeat * 5
        )
        rows.append(Row(what, found["ours"], None, "", budget_s=BUDGET_SERIES_S))
    return rows
