"""Small sites, lakes of a few rows, and a naive reader of both."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.site.schema import ROLES
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.snapshot import Part, Snapshot, month_state

Row = dict[str, Any]
_numbers = itertools.count()

ALL_ROLES = (
    *("pv", "battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint", "load"),
    *("critical_load", "bus_voltage", "mccb_voltage", "bus_frequency"),
)

BATTERY = {
    "capacity_kwh": 160.0,
    "eta_charge": 0.9,
    "eta_discharge": 0.9,
    "soc_min": 0.3,
    "soc_max": 0.95,
    "deadband_kw": 0.5,
}


def engine() -> DuckDBEngine:
    return DuckDBEngine(Settings(threads=1, memory_limit_mb=512))


def make_site(
    roles: Sequence[str] | Mapping[str, str] = ALL_ROLES,
    sources: Mapping[str, Sequence[str]] | None = None,
    reasons: Mapping[str, str] | None = None,
    **options: Any,
) -> Site:
    """A site whose channels are called as the roles that read them."""
    written = dict(roles) if isinstance(roles, Mapping) else {role: role for role in roles}
    channels = [name for name in written if written[name] == name]
    channels += [c for c in options.pop("more_channels", ()) if c not in channels]
    fuel_cell_renewable = options.pop("fuel_cell_renewable", False)
    given = {
        "name": "small",
        "title": "Small",
        "interval_s": 900,
        "source_timezone": "UTC",
        "display_timezone": "UTC",
        "latitude": 0.0,
        "longitude": 0.0,
        "default_profile": "plain",
        "nominal": {"voltage_v": 480.0, "frequency_hz": 60.0},
        "ratings": {"pv_kw": 50.0, "fuel_cell_kw": 80.0},
        "battery": BATTERY,
        "channels": {
            name: {"columns": [name], "unit": ROLES.get(name, "kW"), "range": [-1e6, 1e6]}
            for name in channels
        },
        "sources": [
            {"name": name, "files": [f"{name}*.csv"], "columns": {c: c for c in brought}}
            for name, brought in (sources or {"plant": channels}).items()
        ],
        "profiles": {
            "plain": {
                "title": "Plain",
                "roles": written,
                "reasons": dict(reasons or {}),
                "fuel_cell_renewable": fuel_cell_renewable,
            }
        },
    }
    return Site.model_validate(given | options)


def rows_from(
    site: Site, start: datetime, values: Sequence[Mapping[str, float | None]], source: str = ""
) -> list[Row]:
    """One row per slot, in order."""
    name = source or site.sources[0].name
    step = timedelta(seconds=site.interval_s)
    return [{"time": start + i * step, "source": name, **v} for i, v in enumerate(values)]


def make_lake(
    folder: Path,
    profile: Profile,
    rows: Sequence[Row],
    *,
    summarised: DuckDBEngine | None = None,
    leave_out: Sequence[str] = (),
) -> Snapshot:
    """Write rows as the lake does: partitions in the path, months of the display zone.

    Parameters
    ----------
    summarised
        Engine that writes the summaries; None: there are none.
    leave_out
        Channels the files don't have.
    """
    site = profile.site
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        month = f"{row['time'].astimezone(site.display_zone):%Y-%m}"
        grouped.setdefault((row["source"], month), []).append(row)
    parts = []
    for (source, month), of_file in sorted(grouped.items()):
        relative = f"site={site.name}/source={source}/month={month}/{next(_numbers)}.parquet"
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = pa.timestamp("us", "UTC")
        columns = {"time": pa.array([row["time"] for row in of_file], kind)}
        for channel in site.channels:
            if channel not in leave_out:
                values = [row.get(channel) for row in of_file]
                columns[channel] = pa.array(values, pa.float64())
        columns["file"] = pa.array(["a.csv"] * len(of_file))
        columns["row"] = pa.array(range(len(of_file)), pa.int64())
        columns["ingest"] = pa.array(["x"] * len(of_file))
        pq.write_table(pa.table(columns), path)
        times = [row["time"] for row in of_file]
        parts.append(Part(str(path), relative, source, month, len(of_file), min(times), max(times)))
    snapshot = Snapshot(site.name, 0, 0, tuple(parts), {})
    if summarised is None:
        return snapshot
    summaries = {}
    for month, files in snapshot.months().items():
        target = folder / f"summary-{next(_numbers)}.parquet"
        summarised.write_summary(profile, files.paths, target)
        summaries[(profile.fingerprint, month, month_state(_relative(parts, month)))] = str(target)
    return Snapshot(site.name, 0, 0, tuple(parts), summaries)


def _relative(parts: Sequence[Part], month: str) -> list[str]:
    return [part.relative for part in parts if part.month == month]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def naive_slots(profile: Profile, rows: Sequence[Row]) -> dict[datetime, dict[str, float | None]]:
    """Roles by slot start, by loops: for sites whose roles are channels, in zones of whole hours.

    Independent of the library's expressions: only a derived grid and the dead band are known.
    """
    site = profile.site
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first: dict[tuple[datetime, str], Row] = {}
    for row in sorted(rows, key=lambda r: r["time"]):
        seconds = int((row["time"] - epoch).total_seconds() // site.interval_s) * site.interval_s
        first.setdefault((epoch + timedelta(seconds=seconds), row["source"]), row)
    slots: dict[datetime, dict[str, float | None]] = {}
    for (slot, _), row in first.items():
        known = slots.setdefault(slot, dict.fromkeys(profile.roles))
        for role in profile.roles:
            if row.get(role) is not None:
                known[role] = row[role]
    for known in slots.values():
        battery = known.get("battery")
        if battery is not None and abs(battery) < site.battery.deadband_kw:
            known["battery"] = 0.0
        if profile.grid_is_derived:
            parts = [known[r] for r in ("pv", "fuel_cell", "genset", "battery") if r in known]
            load = known["load"]
            complete = load is not None and None not in parts
            known["grid"] = load - sum(p for p in parts if p) if complete else None
    return slots
