"""The ingestion of one file in polars, as one would write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

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
    raw = pl.read_csv(path, infer_schema_length=1000)
    time_column, names = channels_of(raw.columns, site)
    channels = list(names.values())
    raw = (
        raw.rename(names)
        .with_row_index("row", offset=2)
        .with_columns(
            time=pl.col(time_column).str.to_datetime(TIME_FORMAT, strict=False)
            + pl.duration(hours=7)
        )
    )
    read = raw.height
    shown = {"row": pl.col("row"), "time": pl.col(time_column)}
    refused = [
        raw.filter(pl.col("time").is_null()).select(
            **shown, reason=pl.lit("impossible_date"), allowed=pl.lit(TIME_FORMAT)
        )
    ]
    raw = raw.filter(pl.col("time").is_not_null())
    again = ~pl.col("time").is_first_distinct()
    same = ~pl.struct(["time", *channels]).is_first_distinct()
    refused.append(
        raw.filter(again & ~same).select(
            **shown,
            value=pl.concat_str([pl.col(c).cast(pl.String) for c in channels], separator=";"),
            reason=pl.lit("conflict"),
        )
    )
    duplicate = raw.select(same.sum()).item()
    raw = raw.filter(~again)
    for other, start, end in before:
        if start <= raw["time"].max() and end >= raw["time"].min():
            raw = raw.join(pl.read_parquet(other, columns=["time"]), on="time", how="anti")
    inside = {name: pl.col(name).is_between(*site.channels[name].range) for name in channels}
    outside = {
        name: (pl.col(name) != SENTINEL) & pl.col(name).is_not_nan() & ~inside[name]
        for name in channels
    }
    out_of_range = raw.select(**{name: outside[name].sum() for name in channels}).row(0)
    for name, number in zip(channels, out_of_range, strict=True):
        if number:
            low, high = site.channels[name].range
            refused.append(
                raw.filter(outside[name]).select(
                    **shown,
                    channel=pl.lit(name),
                    value=pl.col(name).cast(pl.String),
                    reason=pl.lit("out_of_range"),
                    allowed=pl.lit(f"{low:g} to {high:g}"),
                )
            )
    raw = raw.with_columns(
        pl.when(inside[name]).then(pl.col(name)).alias(name) for name in channels
    ).sort("time")
    target = out / f"{path.stem}.parquet"
    raw.select(
        "time", *channels, "row", file=pl.lit(path.name), ingest=pl.lit(version)
    ).write_parquet(target, compression="zstd")
    pl.concat(refused, how="diagonal").write_parquet(out / f"{path.stem}.refused.parquet")
    summarise(raw, site).write_parquet(out / f"{path.stem}.summary.parquet", compression="zstd")
    present = pl.any_horizontal(pl.col(name).is_not_null() for name in channels)
    nulls = raw.select(pl.sum_horizontal(pl.col(name).null_count() for name in channels)).item()
    return {
        "rows_read": read,
        "rows_accepted": raw.height,
        "rows_duplicate": duplicate,
        "values_out_of_range": sum(out_of_range),
        "values_missing": nulls - sum(out_of_range),
        "start": raw["time"].min(),
        "end": raw["time"].max(),
        "path": str(target),
        "slots": raw.filter(present)["time"].dt.truncate("10s").n_unique(),
    }


def summarise(raw: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Five-minute summaries of cleaned rows in order of time."""
    battery = site.battery
    power = pl.col("battery_power")
    slots = (
        raw.with_columns(slot=pl.col("time").dt.truncate("10s"))
        .filter(pl.col("slot").is_first_distinct())
        .select(
            "slot",
            **{role: pl.col(channel) for role, channel in ROLES.items()},
            battery=pl.when(power.abs() < battery.deadband_kw).then(0.0).otherwise(power),
        )
        .with_columns(grid=pl.col("load") - pl.col("pv") - pl.col("fuel_cell") - pl.col("battery"))
        .with_columns(
            grid_import=pl.col("grid").clip(0.0),
            grid_export=(-pl.col("grid")).clip(0.0),
            battery_charge=(-pl.col("battery")).clip(0.0),
            battery_discharge=pl.col("battery").clip(0.0),
            bucket=pl.col("slot").dt.truncate("5m"),
        )
    )
    c = {name: pl.col(name) for name in (*CHARTED, *FLOWS)}

    def valid(*roles: str) -> pl.Expr:
        return pl.all_horizontal(c[role].is_not_null() for role in roles)

    def total(mask: pl.Expr, value: pl.Expr) -> pl.Expr:
        return pl.when(mask).then(value).sum()

    metrics: dict[str, pl.Expr] = {}
    for role in CHARTED:
        metrics |= {
            f"{role}__n": c[role].count(),
            f"{role}__sum": c[role].sum(),
            f"{role}__min": c[role].min(),
            f"{role}__max": c[role].max(),
        }
    metrics |= {f"{role}__sumsq": (c[role] * c[role]).sum() for role in VOLTAGES}
    metrics |= {f"{flow}__sum": c[flow].sum() for flow in FLOWS}
    supply, tracked = valid("grid"), valid("battery", "battery_setpoint")
    commanded, charging = tracked & (c["battery_setpoint"] != 0), c["battery_setpoint"] < 0
    metrics |= {
        "supply__pv": total(supply, c["pv"]),
        "supply__fuel_cell": total(supply, c["fuel_cell"]),
        "exchange__load": total(supply, c["load"]),
        "battery_tracking__n": tracked.sum(),
        "battery_tracking__commanded": commanded.sum(),
        "battery_tracking__charging": (tracked & charging).sum(),
        "battery_tracking__charging_idle": (tracked & charging & (c["battery"] == 0)).sum(),
        "battery_tracking__square_error": total(
            commanded, (c["battery"] - c["battery_setpoint"]) ** 2
        ),
    }
    tracked, error = (
        valid("fuel_cell", "fuel_cell_setpoint"),
        c["fuel_cell"] - c["fuel_cell_setpoint"],
    )
    commanded = tracked & (c["fuel_cell_setpoint"] > 0)
    close = error.abs() <= 0.05 * (site.ratings.fuel_cell_kw or 0.0)
    firm, used = valid("fuel_cell", "battery"), valid("pv", "load", "battery")
    critical = valid("critical_load", "load")
    loaded, served = valid("battery", "load"), valid("battery", "critical_load")
    gap = (c["mccb_voltage"] - c["bus_voltage"]).abs()
    difference = c["mccb_frequency"] - c["bus_frequency"]
    metrics |= {
        "fuel_cell_tracking__n": tracked.sum(),
        "fuel_cell_tracking__commanded": commanded.sum(),
        "fuel_cell_tracking__following": (commanded & close).sum(),
        "fuel_cell_tracking__square_error": total(commanded, error**2),
        "firm__n": firm.sum(),
        "firm__fuel_cell": total(firm, c["fuel_cell"]),
        "firm__battery_discharge": total(firm, c["battery_discharge"]),
        "pv_use__n": used.sum(),
        "pv_use__used": total(
            used, pl.min_horizontal(c["pv"], (c["load"] + c["battery_charge"]).clip(0.0))
        ),
        "pv_use__pv": total(used, c["pv"]),
        "autonomy__n": loaded.sum(),
        "autonomy__load": total(loaded, c["load"]),
        "critical_autonomy__n": served.sum(),
        "critical_autonomy__load": total(served, c["critical_load"]),
        "critical__n": critical.sum(),
        "critical__exceeding": (critical & (c["critical_load"] > c["load"])).sum(),
        "critical__served": total(critical, pl.min_horizontal(c["critical_load"], c["load"])),
        "critical__load": total(critical, c["load"]),
        "critical__excess": total(critical, (c["critical_load"] - c["load"]).clip(0.0)),
        "voltage_gap__n": gap.count(),
        "voltage_gap__gap": gap.max(),
        "voltage_gap__gap_time": pl.col("slot").get(gap.arg_max(), null_on_oob=True),
        "synchronism__n": difference.count(),
        "synchronism__difference": difference.sum(),
    }
    stored = c["battery_charge"] * battery.eta_charge - c["battery_discharge"] / (
        battery.eta_discharge
    )
    change = stored * (site.interval_s / 3600 / (battery.capacity_kwh or 1.0))
    minute = (pl.col("slot") - pl.col("bucket")).dt.total_minutes()
    metrics |= {f"step_{i}": total(minute == i, change) for i in range(5)}
    ends = {"soc__lo": pl.lit(0.0), "soc__hi": pl.lit(1.0)}
    for i in range(5):
        ends = {name: (end + pl.col(f"step_{i}")).clip(0.0, 1.0) for name, end in ends.items()}
    grouped = slots.group_by("bucket").agg(**metrics).sort("bucket")
    return grouped.with_columns(**ends).drop(pl.selectors.starts_with("step_"))
