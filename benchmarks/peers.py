"""The same ingestion by other means: `python -m benchmarks.peers KIND FOLDER OUT`.

`copy` is DuckDB's bare CSV-to-Parquet copy. `pandas` and `polars` do what the ingestion does, in
the straightforward way: parse times, refuse impossible dates, settle duplicates (first row wins),
null sentinels and implausible values, keep what was refused, write Parquet by month, and
summarise every channel by five minutes (count, sum, minimum, maximum).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from microgrid_lib.site import load_site
from microgrid_lib.site.schema import normal_spelling

TIME_FORMAT = "%Y/%m/%d %H:%M:%S"
SENTINEL = -999999.0


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


def _channels(header: list[str]) -> tuple[str, dict[str, str]]:
    site = load_site("mesa_del_sol")
    known = {
        normal_spelling(spelling): name
        for name, channel in site.channels.items()
        for spelling in channel.columns
    }
    return header[0], {column: known[normal_spelling(column)] for column in header[1:]}


def with_pandas(folder: Path, out: Path) -> None:
    import pandas as pd

    site = load_site("mesa_del_sol")
    for path in sorted(folder.glob("*.csv")):
        hashlib.sha256(path.read_bytes()).hexdigest()
        raw = pd.read_csv(path)
        time_column, names = _channels(list(raw.columns))
        raw = raw.rename(columns=names)
        time = pd.to_datetime(raw[time_column], format=TIME_FORMAT, errors="coerce")
        refused = [raw[time.isna()]]
        raw = raw[time.notna()].assign(time=time[time.notna()] + pd.Timedelta(hours=7))
        channels = list(names.values())
        again = raw.duplicated("time", keep="first")
        same = raw.duplicated(["time", *channels], keep="first")
        refused.append(raw[again & ~same])
        raw = raw[~again].copy()
        for name in channels:
            low, high = site.channels[name].range
            values = raw[name]
            outside = (values != SENTINEL) & ~values.between(low, high)
            refused.append(raw.loc[outside, ["time", name]])
            raw[name] = values.where(values.between(low, high))
        raw = raw.sort_values("time")
        raw[["time", *channels]].to_parquet(out / f"{path.stem}.parquet", compression="zstd")
        pd.concat(refused).to_parquet(out / f"{path.stem}.refused.parquet")
        summary = raw.groupby(raw["time"].dt.floor("5min"))[channels].agg(
            ["count", "sum", "min", "max"]
        )
        summary.columns = ["__".join(c) for c in summary.columns]
        summary.to_parquet(out / f"{path.stem}.summary.parquet", compression="zstd")


def with_polars(folder: Path, out: Path) -> None:
    import polars as pl

    site = load_site("mesa_del_sol")
    for path in sorted(folder.glob("*.csv")):
        hashlib.sha256(path.read_bytes()).hexdigest()
        raw = pl.read_csv(path, infer_schema_length=1000)
        time_column, names = _channels(raw.columns)
        channels = list(names.values())
        raw = raw.rename(names).with_columns(
            time=pl.col(time_column).str.to_datetime(TIME_FORMAT, strict=False)
            + pl.duration(hours=7)
        )
        refused = [raw.filter(pl.col("time").is_null())]
        raw = raw.filter(pl.col("time").is_not_null()).with_row_index("line")
        again = ~pl.col("time").is_first_distinct()
        same = ~pl.struct(["time", *channels]).is_first_distinct()
        refused.append(raw.filter(again & ~same).drop("line"))
        raw = raw.filter(~again)
        inside = {name: pl.col(name).is_between(*site.channels[name].range) for name in channels}
        refused.append(
            raw.filter(
                pl.any_horizontal((pl.col(name) != SENTINEL) & ~inside[name] for name in channels)
            ).drop("line")
        )
        raw = raw.with_columns(
            pl.when(inside[name]).then(pl.col(name)).alias(name) for name in channels
        ).sort("time")
        raw.select("time", *channels).write_parquet(
            out / f"{path.stem}.parquet", compression="zstd"
        )
        pl.concat(refused).write_parquet(out / f"{path.stem}.refused.parquet")
        raw.group_by(pl.col("time").dt.truncate("5m")).agg(
            *(pl.col(name).count().alias(f"{name}__n") for name in channels),
            *(pl.col(name).sum().alias(f"{name}__sum") for name in channels),
            *(pl.col(name).min().alias(f"{name}__min") for name in channels),
            *(pl.col(name).max().alias(f"{name}__max") for name in channels),
        ).sort("time").write_parquet(out / f"{path.stem}.summary.parquet", compression="zstd")


KINDS = {"copy": copy, "pandas": with_pandas, "polars": with_polars}


def main() -> None:
    kind, folder, out = sys.argv[1:]
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    KINDS[kind](Path(folder), target)


if __name__ == "__main__":
    main()
