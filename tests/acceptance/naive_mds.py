"""The numbers once more, from the raw CSV files with plain pandas, independent of the library.

Written from the definitions, on purpose without any import of `microgrid_lib`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SENTINEL = -999999.0
HOURS = 10 / 3600
SLOTS_PER_QUARTER = 90
POWER, VOLTAGE, FREQUENCY, TEMPERATURE = (-1e3, 1e3), (0.0, 1e3), (0.0, 100.0), (-50.0, 150.0)
COLUMNS = {
    "Battery_Active_Power": ("battery", POWER),
    "Battery_Active_Power_Set_Response": ("battery_setpoint", POWER),
    "PVPCS_Active_Power": ("pv", POWER),
    "GE_Body_Active_Power": ("ge_body", POWER),
    "GE_Active_Power": ("ge", POWER),
    "GE_Body_Active_Power_Set_Response": ("ge_setpoint", POWER),
    "FC_Active_Power_FC_END_Set": ("fc_setpoint", POWER),
    "FC_Active_Power": ("fc", POWER),
    "FC_Active_Power_FC_end_Set_Response": ("fc_response", POWER),
    "Island_mode_MCCB_Active_Power": ("mccb", POWER),
    "MG-LV-MSB_AC_Voltage": ("bus_v", VOLTAGE),
    "Receiving_Point_AC_Voltage": ("receiving_v", VOLTAGE),
    "Island_mode_MCCB_AC_Voltage": ("mccb_v", VOLTAGE),
    "Island_mode_MCCB_Frequency": ("mccb_f", FREQUENCY),
    "MG-LV-MSB_Frequency": ("bus_f", FREQUENCY),
    "Inlet_Temperature_of_Chilled_Water": ("inlet", TEMPERATURE),
    "Outlet_Temperature": ("outlet", TEMPERATURE),
}


def read(files: list[Path]) -> pd.DataFrame:
    """One row per valid timestamp (local), missing and implausible values as NaN."""
    parts = []
    for file in files:
        raw = pd.read_csv(file)
        time = pd.to_datetime(raw["Timestamp"], format="%Y/%m/%d %H:%M:%S", errors="coerce")
        raw = raw.assign(time=time).dropna(subset="time").drop_duplicates("time", keep="first")
        part = pd.DataFrame({"time": raw["time"]})
        for column, (name, (low, high)) in COLUMNS.items():
            values = raw[column]
            inside = (values != SENTINEL) & (values >= low) & (values <= high)
            part[name] = values.where(inside)
        parts.append(part)
    return pd.concat(parts).sort_values("time", ignore_index=True)


def window(frame: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    """Rows in [start, end), local."""
    inside = (frame["time"] >= pd.Timestamp(start)) & (frame["time"] < pd.Timestamp(end))
    return frame[inside]


def _battery(frame: pd.DataFrame) -> pd.Series:
    battery = frame["battery"].copy()
    battery[battery.abs() < 0.5] = 0.0
    return battery


def _quarters(frame: pd.DataFrame, values: pd.Series) -> float:
    grouped = values.groupby(frame["time"].dt.floor("15min")).agg(["mean", "count"])
    return float(grouped.loc[grouped["count"] >= SLOTS_PER_QUARTER / 2, "mean"].max())


def kpis_as_published(frame: pd.DataFrame) -> dict[str, float]:
    """KPIs with GE read as load."""
    battery, pv, fc, load = _battery(frame), frame["pv"], frame["fc"], frame["ge"]
    grid = load - pv - fc - battery
    imported, exported = grid.clip(lower=0), (-grid).clip(lower=0)
    known = grid.notna()
    both = frame["fc_setpoint"].notna() & fc.notna()
    commanded = both & (frame["fc_setpoint"] > 0)
    fc_error = (fc - frame["fc_setpoint"])[commanded]
    charged, discharged = (-battery).clip(lower=0).sum(), battery.clip(lower=0).sum()
    told = battery.notna() & frame["battery_setpoint"].notna() & (frame["battery_setpoint"] != 0)
    battery_error = (battery - frame["battery_setpoint"])[told]
    critical = frame["ge_body"].notna() & load.notna()
    used = np.minimum(pv, np.maximum(load + (-battery).clip(lower=0), 0.0))
    gap = (frame["mccb_v"] - frame["bus_v"]).abs()
    return {
        "pv_energy": pv.sum() * HOURS,
        "fuel_cell_energy": fc.sum() * HOURS,
        "battery_charge_energy": charged * HOURS,
        "battery_discharge_energy": discharged * HOURS,
        "renewable_share": pv[known].sum()
        / (pv[known].sum() + fc[known].sum() + imported[known].sum()),
        "fuel_cell_reliability": float((fc_error.abs() <= 4.0).mean()),
        "fuel_cell_tracking_rmse": float(np.sqrt((fc_error**2).mean())),
        "battery_tracking_rmse": float(np.sqrt((battery_error**2).mean())),
        "capacity_factor_pv": pv.mean() / 50.0,
        "capacity_factor_fuel_cell": fc.mean() / 80.0,
        "self_sufficiency": 1 - imported[known].sum() / load[known].sum(),
        "grid_dependency": imported[known].sum() / load[known].sum(),
        "self_consumption": used[used.notna()].sum() / pv[used.notna()].sum(),
        "critical_share": np.minimum(frame["ge_body"], load)[critical].sum() / load[critical].sum(),
        "peak_load": _quarters(frame, load),
        "peak_import": _quarters(frame, imported.where(known)),
        "load_factor": load.mean() / _quarters(frame, load),
        "grid_import_energy": imported.sum() * HOURS,
        "grid_export_energy": exported.sum() * HOURS,
        "fuel_cell_contribution": fc[battery.notna()].sum()
        / (fc[battery.notna()].sum() + battery.clip(lower=0)[fc.notna()].sum()),
        "equivalent_cycles": discharged * HOURS / 160.0,
        "mean_bus_voltage": frame["bus_v"].mean(),
        "mean_bus_frequency": frame["bus_f"].mean(),
        "max_voltage_gap": gap.max(),
    }


def kpis_gas_engine(frame: pd.DataFrame) -> dict[str, float]:
    """KPIs with GE read as generator and the MCCB as the tie."""
    battery, pv, fc, genset, grid = (
        _battery(frame),
        frame["pv"],
        frame["fc"],
        frame["ge"],
        frame["mccb"],
    )
    imported = grid.clip(lower=0)
    known = pv.notna() & fc.notna() & genset.notna() & grid.notna()
    total = pv + fc + genset + imported
    rest = pv + fc + genset + battery + grid
    return {
        "genset_energy": genset.sum() * HOURS,
        "renewable_share": pv[known].sum() / total[known].sum(),
        "grid_import_energy": imported.sum() * HOURS,
        "grid_export_energy": (-grid).clip(lower=0).sum() * HOURS,
        "peak_import": _quarters(frame, imported.where(grid.notna())),
        "auxiliaries_mean": rest.mean(),
    }


def mean_residuals(frame: pd.DataFrame) -> dict[str, float]:
    """Mean absolute power balance for each reading of GE [kW], no dead band: raw channels."""
    others = frame["pv"] + frame["fc"] + frame["battery"] + frame["mccb"]
    return {
        "load": float((frame["ge"] - others).abs().mean()),
        "source": float((frame["ge"] + others).abs().mean()),
    }
