"""The peers of the benchmark do the same work: their tables equal ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks import peer_pandas, peer_polars, peers
from microgrid_lib.ingest.demo import DemoPlan, write_demo
from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.settings import Settings
from microgrid_lib.site import load_site
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.summaries import columns_of

COUNTS = (
    "rows_read",
    "rows_accepted",
    "rows_duplicate",
    "values_missing",
    "values_out_of_range",
    "coverage",
)
PEERS = {"pandas": peer_pandas.ingest, "polars": peer_polars.ingest}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, DemoPlan(start="2022-06", months=1))
    return folder


@pytest.fixture(scope="module")
def ours(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    site = load_site("mesa_del_sol")
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    result = ingest_and_summarise([demo], site, settings)
    snapshot = Lake(settings.lake).snapshot(site)
    (summary,) = snapshot.summary_paths(site.profile(site.default_profile)).values()
    return {
        "counts": result.files[0].model_dump(),
        "rows": pl.read_parquet(snapshot.parts[0].path),
        "summary": pl.read_parquet(summary),
    }


@pytest.mark.parametrize("kind", PEERS)
def test_a_peer_writes_what_we_write(
    demo: Path, ours: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    peers.run(demo, tmp_path, PEERS[kind])

    (record,) = json.loads((tmp_path / "records.json").read_text())
    expected = {name: ours["counts"][name] for name in COUNTS if name in ours["counts"]}
    assert {name: record[name] for name in expected} == expected

    rows = pl.read_parquet(tmp_path / "Jun_2022.parquet")
    site = load_site("mesa_del_sol")
    assert rows["row"].to_list() == ours["rows"]["row"].to_list()
    assert rows.select(list(site.channels)).equals(ours["rows"].select(list(site.channels)))

    summary = pl.read_parquet(tmp_path / "Jun_2022.summary.parquet")
    for column in columns_of(site.profile(site.default_profile)):
        found, wanted = summary[column.name], ours["summary"][column.name]
        if column.merge == "time":
            found, wanted = (s.dt.epoch("s") for s in (found, wanted))
        np.testing.assert_allclose(
            found.cast(pl.Float64).to_numpy(),
            wanted.cast(pl.Float64).to_numpy(),
            rtol=1e-9,
            atol=1e-9,
            err_msg=column.name,
        )
