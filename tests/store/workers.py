"""What the processes of the concurrency tests do; imported by them, so without pytest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import duckdb

from microgrid_lib.api import SiteData
from microgrid_lib.errors import ConflictError
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import read_site_file
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.duck import connect
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.snapshot import Snapshot

PLANT_HEADER = "Timestamp,PV,Battery,Voltage\n"


def open_data(home: Path, site_file: Path) -> SiteData:
    """The data of a site in a home, with one thread, so that many processes fit on a machine."""
    site = read_site_file(site_file)
    return SiteData(site, site.profile(), Settings(home=home, threads=1))


def month_of(month: int, value: float, rows: int = 300, start_day: int = 1) -> bytes:
    """A plant file: one value every ten minutes from the start of a month of 2023."""
    lines = [PLANT_HEADER]
    for i in range(rows):
        day, minutes = divmod(i * 10, 1440)
        lines.append(
            f"2023/{month:02d}/{start_day + day:02d} {minutes // 60:02d}:{minutes % 60:02d}:01,"
            f"{value},{i % 7},480\n"
        )
    return "".join(lines).encode()


def ingest_all(
    home: Path, site_file: Path, paths: Sequence[Path], ready: Event | None = None
) -> None:
    """Ingest files, summaries included."""
    data = open_data(home, site_file)
    if ready is not None:
        ready.set()
    data.ingest(paths)


def ingest_together(home: Path, site_file: Path, paths: Sequence[Path], barrier: Barrier) -> None:
    """Ingest files at the same moment as others; repeat where the answer is to repeat."""
    data = open_data(home, site_file)
    barrier.wait(60)
    while True:
        with suppress(ConflictError):
            result = data.ingest(paths)
            break
    assert [file.error for file in result.files] == [None] * len(paths)


def ingest_versions(
    home: Path, site_file: Path, path: Path, months: Sequence[int], versions: int, done: Event
) -> None:
    """Correct a file again and again, every time with another value in all of its rows."""
    data = open_data(home, site_file)
    try:
        for version in range(1, versions + 1):
            path.write_bytes(versioned(months, version))
            data.ingest([path])
    finally:
        done.set()


def versioned(months: Sequence[int], version: int) -> bytes:
    """A file over some months in which every PV value is the version."""
    parts = [month_of(month, float(version), rows=100) for month in months]
    return parts[0] + b"".join(part[len(PLANT_HEADER) :] for part in parts[1:])


def look(home: Path, site_file: Path, months: Sequence[int], done: Event) -> None:
    """Read while others write: one version at a time, the same in summaries and measurements."""
    data = open_data(home, site_file)
    seen: set[float] = set()
    summaries_seen = 0
    while not done.is_set() or not seen:
        snapshot = data.snapshot()
        if not snapshot.parts:
            continue
        paths = [part.path for part in snapshot.parts]
        with connect(data.settings) as con:
            rows = con.execute(
                "SELECT DISTINCT pv_power FROM read_parquet($paths)", {"paths": paths}
            ).fetchall()
            number = con.execute(
                "SELECT count(*) FROM read_parquet($paths)", {"paths": paths}
            ).fetchall()[0][0]
        assert len(rows) == 1, f"a mixture of versions: {rows}"
        assert number == 100 * len(months), f"{number} rows"
        value = rows[0][0]
        sums = summed(snapshot, data.profile)
        assert all(abs(sums[month] - 100 * value) < 1e-6 for month in sums), f"{sums}, not {value}"
        summaries_seen += len(sums)
        seen.add(value)
    assert summaries_seen


def summed(snapshot: Snapshot, profile: Profile) -> dict[str, float]:
    """Month -> sum of the PV power in its summary, for the months whose summary is current."""
    with duckdb.connect() as con:
        return {
            month: con.execute("SELECT sum(pv__sum) FROM read_parquet(?)", [path]).fetchall()[0][0]
            for month, path in snapshot.summary_paths(profile).items()
        }


def file_values(home: Path, site_file: Path) -> dict[str, tuple[int, float, float]]:
    """File -> its rows, and lowest and highest PV value, read without the library's counting."""
    site = read_site_file(site_file)
    snapshot = Lake(home / "lake").snapshot(site)
    paths = [part.path for part in snapshot.parts]
    if not paths:
        return {}
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT file, count(*), min(pv_power), max(pv_power) FROM read_parquet($paths) "
            "GROUP BY file",
            {"paths": paths},
        ).fetchall()
    return {file: (number, low, high) for file, number, low, high in rows}
