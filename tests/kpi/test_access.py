"""What is read of the store, by hand: slots with two samples, runs of true values."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from microgrid_lib.kpi.access import Access, runs
from microgrid_lib.store.engines import DuckDBEngine
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")


def test_the_first_sample_of_a_slot_counts_in_long_scans_too(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["pv"])
    rows = rows_from(site, START, [{"pv": 1.0}] * 300)
    again = rows_from(site, START + timedelta(minutes=5), [{"pv": 2.0}] * 3)
    access = Access(engine, make_lake(tmp_path, site.profile(), rows + again), site.profile())
    for days in (1, 3):
        scans = access.scans(START, START + timedelta(days=days))
        slots = access.slots(scans, ["pv"])
        assert len(slots["slot"]) == min(300, 96 * days)
        assert set(slots["pv"]) == {1.0}
        assert len(access.valid_slots(scans)) == min(300, 96 * days)


def test_where_there_is_no_sample_nothing_is_read(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(["pv"])
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, [{"pv": 1.0}]))
    access = Access(engine, lake, site.profile())
    scans = access.scans(START + timedelta(days=40), START + timedelta(days=41))
    assert scans == []
    slots = access.slots(scans, ["pv"])
    assert {name: (len(values), values.dtype) for name, values in slots.items()} == {
        "slot": (0, np.dtype(np.int64)),
        "pv": (0, np.dtype(np.float64)),
    }
    assert access.valid_slots(scans).tolist() == []


def test_runs_begin_and_end_at_the_edges_too() -> None:
    def of(text: str) -> list[tuple[int, int]]:
        return list(runs(np.array([letter == "x" for letter in text])))

    assert of("x.xx..xxx.x") == [(0, 1), (2, 4), (6, 9), (10, 11)]
    assert of(".xx.x.") == [(1, 3), (4, 5)]
    assert of("....") == of("") == []
