"""Summaries made while rows are in memory are those made from the files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.lake import SUMMARIES, Lake
from tests.ingest.store_view import Store
from tests.store import workers


def check(store: Store, months: int) -> None:
    """Every month has its summary, and nothing else is left on disk."""
    lake, profile = Lake(store.settings.lake), store.site.profile(store.site.default_profile)
    snapshot = lake.snapshot(store.site)
    current = snapshot.summary_paths(profile)
    assert len(current) == months
    assert {f["path"] for f in lake.files_of(SUMMARIES)} == set(current.values())
    engine, target = DuckDBEngine(store.settings), store.inbox / "expected.parquet"
    for month, path in current.items():
        engine.write_summary(profile, snapshot.months()[month].paths, target)
        assert_frame_equal(
            pl.read_parquet(path, hive_partitioning=False), pl.read_parquet(target), rel_tol=1e-12
        )


def test_a_summary_from_memory_is_the_one_from_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.write("p.csv", workers.month_of(1, 1.5, rows=500))
    ingest_and_summarise([path], store.site, store.settings)
    check(store, 1)


def test_summaries_of_files_that_turn_out_to_overlap_are_made_from_both(tmp_path: Path) -> None:
    store = Store(tmp_path)
    paths = [
        store.write("p1.csv", workers.month_of(1, 1.5, rows=300)),
        store.write("p2.csv", workers.month_of(1, 7.0, rows=500)),
        store.write("p3.csv", workers.month_of(2, 7.0, rows=50)),
    ]
    ingest_and_summarise(paths, store.site, store.settings)
    check(store, 2)
    lake = Lake(store.settings.lake)
    written = {str(p) for p in lake.folder(SUMMARIES).rglob("*.parquet")}
    assert written == {f["path"] for f in lake.files_of(SUMMARIES)}
