"""The same ingestion by other means: `python -m benchmarks.peers KIND FOLDER OUT`.

`copy` is DuckDB's bare CSV-to-Parquet copy. `pandas` and `polars` do what the ingestion does, in
the straightforward way, and leave per file

- `<file>.parquet` (zstd): time in UTC, channels, and the file, line and version of every row; the
  first row of a time wins, sentinels and implausible values are null;
- `<file>.refused.parquet`: line, time, channel, value, reason and what was allowed, for impossible
  dates, conflicts and implausible values;
- `<file>.summary.parquet`: the columns of our five-minute summaries, state of charge included;
- a record with hash, counts and coverage in `records.json`.

A file that overlaps one before it gives up the times that are there already. What ours does and
they don't: find out the layout, commit atomically, remember what was hidden, bound the memory.
A test compares their tables with ours.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from microgrid_lib.site import load_site
from microgrid_lib.site.profile import Site
from microgrid_lib.site.schema import normal_spelling

TIME_FORMAT = "%Y/%m/%d %H:%M:%S"
SENTINEL = -999999.0
ROLES = {
    "pv": "pv_power",
    "battery_setpoint": "battery_set_response",
    "fuel_cell": "fc_power",
    "fuel_cell_setpoint": "fc_setpoint",
    "load": "ge_power_total",
    "critical_load": "ge_power_body",
    "bus_voltage": "mg_lv_voltage",
    "receiving_voltage": "receiving_voltage",
    "mccb_voltage": "mccb_voltage",
    "mccb_power": "mccb_power",
    "bus_frequency": "mg_lv_frequency",
    "mccb_frequency": "mccb_frequency",
    "temp_inlet": "temp_inlet",
    "temp_outlet": "temp_outlet",
}
"""Role of the default profile -> its channel; battery and grid are computed."""
CHARTED = (*ROLES, "battery", "grid")
VOLTAGES = ("bus_voltage", "receiving_voltage", "mccb_voltage")
FLOWS = ("grid_import", "grid_export", "battery_charge", "battery_discharge")


def copy(folder: Path, out: Path) -> None:
    import duckdb

    con = duckdb.connect()
    for path in sorted(folder.glob("*.csv")):
        con.execute(
            "COPY (FROM read_csv($path, ignore_errors=true, "
            f"timestampformat='{TIME_FORMAT}')) TO '{out / path.stem}.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)",
            {"path": str(path)},
        ).fetchall()


def channels_of(header: list[str], site: Site) -> tuple[str, dict[str, str]]:
    """Time column, and column -> channel."""
    known = {
        normal_spelling(spelling): name
        for name, channel in site.channels.items()
        for spelling in channel.columns
    }
    return header[0], {column: known[normal_spelling(column)] for column in header[1:]}


def run(folder: Path, out: Path, ingest: Callable[..., dict[str, Any]]) -> None:
    """Ingest the files one after the other, and keep their records."""
    site = load_site("mesa_del_sol")
    records: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.csv")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        before = [(r["path"], r["start"], r["end"]) for r in records]
        found = ingest(path, out, site, digest[:16], before)
        seconds = (found["end"] - found["start"]).total_seconds()
        coverage = found.pop("slots") / (seconds // site.interval_s + 1)
        records.append({"file": path.name, "sha256": digest, "coverage": coverage} | found)
    (out / "records.json").write_text(json.dumps(records, default=str))


def main() -> None:
    kind, folder, out = sys.argv[1:]
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    if kind == "copy":
        copy(Path(folder), target)
    elif kind == "pandas":
        from benchmarks import peer_pandas

        run(Path(folder), target, peer_pandas.ingest)
    else:
        from benchmarks import peer_polars

        run(Path(folder), target, peer_polars.ingest)


if __name__ == "__main__":
    main()
