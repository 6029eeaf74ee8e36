"""Files that nothing refers to go after a while; whoever may still need one keeps it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.store.duck import connect
from microgrid_lib.store.lake import MEASUREMENTS, PARTITIONS, Lake
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.store.sweep import KEPT_FOR, sweep
from tests.ingest.store_view import Store
from tests.store import workers

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    corrected(store, 1.0)
    return store


def corrected(store: Store, value: float) -> None:
    path = store.inbox / "p1.csv"
    path.write_bytes(workers.month_of(1, value, rows=50))
    ingest_and_summarise([path], store.site, store.settings)


def snapshot_of(store: Store) -> Snapshot:
    return Lake(store.settings.lake).snapshot(store.site)


def values_at(store: Store, snapshot: Snapshot) -> list[tuple[float]]:
    con = connect(store.settings)
    paths = [part.path for part in snapshot.parts]
    return con.execute(
        "SELECT pv_power FROM read_parquet($paths) ORDER BY time", {"paths": paths}
    ).fetchall()


def on_disk(store: Store) -> set[str]:
    return {str(path) for path in store.settings.lake.rglob("*.parquet")}


def test_a_file_left_by_a_crash_goes_after_a_week_and_not_before(store: Store) -> None:
    snapshot = snapshot_of(store)
    before, rows = on_disk(store), values_at(store, snapshot)
    left = Path(snapshot.parts[0].path).with_name("left.parquet")
    left.write_bytes(b"half a file")
    now = datetime.now(UTC)

    assert sweep(Lake(store.settings.lake), now=now + KEPT_FOR - DAY) == 0
    assert left.exists()
    assert sweep(Lake(store.settings.lake), now=now + KEPT_FOR + DAY) == 1
    assert on_disk(store) == before
    assert values_at(store, snapshot_of(store)) == rows


def test_a_snapshot_from_before_a_correction_keeps_working_for_a_week(store: Store) -> None:
    old = snapshot_of(store)
    rows = values_at(store, old)
    # Written long ago, replaced just now: the age of the file alone would let it go.
    for path in on_disk(store):
        os.utime(path, (0, 0))
    corrected(store, 2.0)
    now = datetime.now(UTC)

    sweep(Lake(store.settings.lake), now=now + KEPT_FOR - DAY)
    assert values_at(store, old) == rows
    sweep(Lake(store.settings.lake), now=now + KEPT_FOR + DAY)
    assert not any(Path(part.path).exists() for part in old.parts)
    assert set(values_at(store, snapshot_of(store))) == {(2.0,)}


def test_what_is_current_stays_whatever_its_age(store: Store) -> None:
    corrected(store, 2.0)
    lake = Lake(store.settings.lake)
    current = {f["path"] for table in PARTITIONS for f in lake.files_of(table)}

    assert sweep(lake, now=datetime.now(UTC) + 1000 * DAY) > 0
    assert on_disk(store) == current


def test_every_ingestion_sweeps(store: Store) -> None:
    left = store.settings.lake / MEASUREMENTS / "left.parquet"
    left.write_bytes(b"")
    long_ago = (datetime.now(UTC) - KEPT_FOR - DAY).timestamp()
    os.utime(left, (long_ago, long_ago))

    ingest_and_summarise([store.inbox / "p1.csv"], store.site, store.settings)

    assert not left.exists()
