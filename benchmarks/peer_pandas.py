"""The ingestion of one file in pandas, as one would write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers import (
    CHARTED,
    FLOWS,
    ROLES,
    SENTINEL,
    TIME_FORMAT,
    VOLTAGES,
    channels_of,
)
from microgrid_lib.site.profile import Site


def ingest(
    path: Path, out: Path, site: Site, version: str, before: list[tuple[str, Any, Any]]
) -> dict[str, Any]:
    """Clean, write and summarise a file; returns its counts."""
    raw = pd.read_csv(path)
    time_column, names = channels_of(list(raw.columns), site)
    raw = raw.rename(columns=names)
    raw["row"] = np.arange(2, len(raw) + 2)
    channels = list(names.values())
    time = pd.to_datetime(raw[time_column], format=TIME_FORMAT, errors="coerce")
    bad = raw[time.isna()]
    refused = [
        pd.DataFrame(
            {"row": bad["row"], "time": bad[time_column], "reason": "impossible_date"}
        ).assign(allowed=TIME_FORMAT)
    ]
    read = len(raw)
    raw = raw[time.notna()].assign(time=time[time.notna()] + pd.Timedelta(hours=7))
    counts = {"rows_read": read, "values_missing": 0, "values_out_of_range": 0}

    again = raw.duplicated("time", keep="first")
    same = raw.duplicated(["time", *channels], keep="first")
    lost = raw[again & ~same]
    refused.append(
        pd.DataFrame(
            {
                "row": lost["row"],
                "time": lost[time_column],
                "value": lost[channels].astype(str).agg(";".join, axis=1) if len(lost) else None,
                "reason": "conflict",
            }
        )
    )
    raw = raw[~again].copy()
    for other, start, end in before:
        if start <= raw["time"].max() and end >= raw["time"].min():
            raw = raw[~raw["time"].isin(pd.read_parquet(other, columns=["time"])["time"])]
    for name in channels:
        low, high = site.channels[name].range
        values = raw[name]
        inside = values.between(low, high)
        outside = (values != SENTINEL) & values.notna() & ~inside
        rows = raw.loc[outside]
        refused.append(
            pd.DataFrame(
                {"row": rows["row"], "time": rows[time_column], "value": rows[name].astype(str)}
            ).assign(channel=name, reason="out_of_range", allowed=f"{low:g} to {high:g}")
        )
        counts["values_out_of_range"] += int(outside.sum())
        raw[name] = values.where(inside)
        counts["values_missing"] += int(raw[name].isna().sum() - outside.sum())
    raw = raw.sort_values("time").assign(file=path.name, ingest=version)
    target = out / f"{path.stem}.parquet"
    raw[["time", *channels, "file", "row", "ingest"]].to_parquet(
        target, compression="zstd", index=False
    )
    pd.concat(refused).to_parquet(out / f"{path.stem}.refused.parquet", index=False)
    slots = raw.loc[raw[channels].notna().any(axis=1), "time"].dt.floor("10s").nunique()
    summarise(raw, site).to_parquet(out / f"{path.stem}.summary.parquet", compression="zstd")
    return counts | {
        "rows_accepted": len(raw),
        "rows_duplicate": int(same.sum()),
        "start": raw["time"].min(),
        "end": raw["time"].max(),
        "path": str(target),
        "slots": slots,
    }


def summarise(raw: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Five-minute summaries of cleaned rows in order of time."""
    raw = raw[~raw["time"].dt.floor("10s").duplicated()]
    slot = raw["time"].dt.floor("10s")
    s = pd.DataFrame({role: raw[channel] for role, channel in ROLES.items()})
    power = raw["battery_power"]
    s["battery"] = power.mask(power.abs() < site.battery.deadband_kw, 0.0)
    s["grid"] = s["load"] - s["pv"] - s["fuel_cell"] - s["battery"]
    sums = {f"{role}__sum": s[role] for role in CHARTED}
    sums |= {f"{role}__sumsq": s[role] * s[role] for role in VOLTAGES}
    charge, discharge = (-s["battery"]).clip(lower=0), s["battery"].clip(lower=0)
    flows = (s["grid"].clip(lower=0), (-s["grid"]).clip(lower=0), charge, discharge)
    sums |= {f"{flow}__sum": values for flow, values in zip(FLOWS, flows, strict=True)}

    supply = s["grid"].notna()
    sums |= {f"supply__{r}": s[r].where(supply) for r in ("pv", "fuel_cell")}
    sums["exchange__load"] = s["load"].where(supply)
    tracked = s["battery"].notna() & s["battery_setpoint"].notna()
    commanded, charging = tracked & (s["battery_setpoint"] != 0), s["battery_setpoint"] < 0
    sums |= {
        "battery_tracking__n": tracked,
        "battery_tracking__commanded": commanded,
        "battery_tracking__charging": tracked & charging,
        "battery_tracking__charging_idle": tracked & charging & (s["battery"] == 0),
        "battery_tracking__square_error": (s["battery"] - s["battery_setpoint"]).where(commanded)
        ** 2,
    }
    error = s["fuel_cell"] - s["fuel_cell_setpoint"]
    tracked, commanded = error.notna(), error.notna() & (s["fuel_cell_setpoint"] > 0)
    tolerance = 0.05 * (site.ratings.fuel_cell_kw or 0.0)
    sums |= {
        "fuel_cell_tracking__n": tracked,
        "fuel_cell_tracking__commanded": commanded,
        "fuel_cell_tracking__following": commanded & (error.abs() <= tolerance),
        "fuel_cell_tracking__square_error": error.where(commanded) ** 2,
    }
    firm = s["fuel_cell"].notna() & s["battery"].notna()
    used = s["pv"].notna() & s["load"].notna() & s["battery"].notna()
    critical = s["critical_load"].notna() & s["load"].notna()
    excess = s["critical_load"] - s["load"]
    loaded, served = (s["battery"].notna() & s[r].notna() for r in ("load", "critical_load"))
    sums |= {
        "firm__n": firm,
        "firm__fuel_cell": s["fuel_cell"].where(firm),
        "firm__battery_discharge": discharge.where(firm),
        "pv_use__n": used,
        "pv_use__used": np.minimum(s["pv"], (s["load"] + charge).clip(lower=0)),
        "pv_use__pv": s["pv"].where(used),
        "autonomy__n": loaded,
        "autonomy__load": s["load"].where(loaded),
        "critical_autonomy__n": served,
        "critical_autonomy__load": s["critical_load"].where(served),
        "critical__n": critical,
        "critical__exceeding": excess > 0,
        "critical__served": np.minimum(s["critical_load"], s["load"]),
        "critical__load": s["load"].where(critical),
        "critical__excess": excess.clip(lower=0),
    }
    gap = (s["mccb_voltage"] - s["bus_voltage"]).abs()
    difference = s["mccb_frequency"] - s["bus_frequency"]
    sums |= {
        "voltage_gap__n": gap.notna(),
        "synchronism__n": difference.notna(),
        "synchronism__difference": difference,
    }
    bucket = slot.dt.floor("5min").rename("bucket")
    grouped = s.groupby(bucket)
    parts = [pd.DataFrame(sums).groupby(bucket).sum()]
    for name, part in (("n", grouped.count()), ("min", grouped.min()), ("max", grouped.max())):
        parts.append(part.add_suffix(f"__{name}"))
    highest = gap.groupby(bucket).max()
    at = gap.dropna().groupby(bucket).idxmax()
    parts.append(highest.rename("voltage_gap__gap").to_frame())
    parts.append(slot.loc[at].set_axis(at.index).rename("voltage_gap__gap_time").to_frame())
    return pd.concat([*parts, _charge(charge, discharge, slot, site)], axis=1)


def _charge(charge: pd.Series, discharge: pd.Series, slot: pd.Series, site: Site) -> pd.DataFrame:
    """What the minutes of a bucket make of an empty and of a full battery."""
    battery = site.battery
    stored = charge * battery.eta_charge - discharge / battery.eta_discharge
    change = stored * (site.interval_s / 3600 / (battery.capacity_kwh or 1.0))
    minute = change.groupby(slot.dt.floor("1min")).sum()
    bucket = minute.index.floor("5min")
    number = ((minute.index - bucket).total_seconds() // 60).astype(int)
    steps = minute.set_axis(pd.MultiIndex.from_arrays([bucket, number])).unstack(fill_value=0.0)
    low, high = 0.0, 1.0
    for column in sorted(steps.columns):
        low, high = ((end + steps[column]).clip(0.0, 1.0) for end in (low, high))
    return pd.DataFrame({"soc__lo": low, "soc__hi": high})
