"""The library's numbers against an independent calculation from the raw files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from microgrid_lib.ingest.demo import DemoPlan, write_demo
from tests.acceptance import naive_mds

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data"
RELATIVE = 1e-6
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real data folder ../shared/data isn't here"
)


def microgrid(home: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "microgrid_lib", *arguments, "--json"],
        env={**os.environ, "MICROGRID_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, home = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("home")
    write_demo(folder, DemoPlan(months=2))
    microgrid(home, "ingest", str(folder))
    return folder, home


@pytest.fixture(scope="module")
def raw(demo: tuple[Path, Path]) -> pd.DataFrame:
    return naive_mds.read(sorted(demo[0].glob("*.csv")))


def check_counts(folder: Path, result: dict[str, Any]) -> None:
    truth = json.loads((folder / "truth.json").read_text())["files"]
    assert {entry["file"] for entry in result["files"]} == set(truth)
    for entry in result["files"]:
        expected = truth[entry["file"]]
        counted = {key: entry[key] for key in entry if key in expected}
        assert counted == {key: expected[key] for key in counted}
        assert (
            entry["rows_read"]
            == entry["rows_accepted"] + entry["rows_duplicate"] + entry["rows_rejected"]
        )


def check_kpis(home: Path, start: str, end: str, profile: str, expected: dict[str, float]) -> None:
    report = microgrid(home, "kpi", "--start", start, "--end", end, "--profile", profile)
    for name, value in expected.items():
        found = report["kpis"][name]
        assert found["value"] == pytest.approx(value, rel=RELATIVE), (name, found)


def test_the_counts_of_demo_files_are_those_of_the_truth(demo: tuple[Path, Path]) -> None:
    folder, home = demo
    check_counts(folder, microgrid(home, "ingest", str(folder)))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2022-05-01", "2022-07-01"),
        ("2022-06-01", "2022-07-01"),
        ("2022-05-10T03:17:20", "2022-05-12T21:04:50"),
    ],
)
def test_kpis_equal_plain_pandas_on_the_raw_files(
    demo: tuple[Path, Path], raw: pd.DataFrame, start: str, end: str
) -> None:
    part = naive_mds.window(raw, start, end)
    check_kpis(demo[1], start, end, "as_published", naive_mds.kpis_as_published(part))
    check_kpis(demo[1], start, end, "gas_engine", naive_mds.kpis_gas_engine(part))


def test_coverage_is_valid_slots_over_expected_slots(
    demo: tuple[Path, Path], raw: pd.DataFrame
) -> None:
    part = naive_mds.window(raw, "2022-05-01", "2022-06-01")
    expected = 31 * 8640
    report = microgrid(demo[1], "kpi", "--start", "2022-05-01", "--end", "2022-06-01")
    valid = part[["ge", "pv", "fc", "battery"]].notna().all(axis=1).sum()
    assert report["kpis"]["pv_energy"]["coverage"] == pytest.approx(
        part["pv"].notna().sum() / expected
    )
    assert report["kpis"]["renewable_share"]["coverage"] == pytest.approx(valid / expected)


def test_the_evidence_on_demo_data_says_that_ge_is_a_source(
    demo: tuple[Path, Path], raw: pd.DataFrame
) -> None:
    report = microgrid(demo[1], "data", "--start", "2022-05-01", "--end", "2022-07-01")
    evidence = report["evidence"][0]
    residuals = {r["name"]: r["mean_abs_residual_kw"] for r in evidence["readings"]}
    expected = naive_mds.mean_residuals(raw)
    assert residuals == pytest.approx(expected, rel=RELATIVE)
    assert residuals["source"] < residuals["load"]
    assert evidence["favoured"] == "source"


@needs_real_data
def test_the_ten_real_rows_close_the_balance_only_with_ge_as_a_source(tmp_path: Path) -> None:
    file = REAL / "mesa_del_sol" / "Apr_2023_head.csv"
    result = microgrid(tmp_path, "ingest", str(file))
    assert result["files"][0]["rows_accepted"] == 10
    report = microgrid(tmp_path, "data", "--start", "2023-04-01T00:00", "--end", "2023-04-01T00:02")
    evidence = report["evidence"][0]
    residuals = {r["name"]: r["mean_abs_residual_kw"] for r in evidence["readings"]}
    assert residuals == pytest.approx(
        naive_mds.mean_residuals(naive_mds.read([file])), rel=RELATIVE
    )
    assert residuals["load"] == pytest.approx(187, abs=1)
    assert residuals["source"] == pytest.approx(36, abs=1)
    assert evidence["indicative"]


@needs_real_data
def test_trade_street_kpis_equal_plain_pandas(tmp_path: Path) -> None:
    result = microgrid(
        tmp_path, "ingest", "--site", "trade_street", str(REAL / "trade_street" / "*.csv")
    )
    assert {f["rows_read"] for f in result["files"]} == {66718, 138632, 99227}
    frames = {}
    for name in ("PV", "Battery", "Total"):
        part = pd.read_csv(REAL / "trade_street" / f"TradeStreet{name}.csv", encoding="utf-8-sig")
        time = pd.to_datetime(part["DateTime"], format="%m/%d/%Y %H:%M")
        may = (time.dt.year == 2018) & (time.dt.month == 5)
        frames[name] = pd.Series(part["RealPower"][may].to_numpy(), index=time[may])
    frame = pd.DataFrame(frames)
    pv, battery, grid = frame["PV"], -frame["Battery"], frame["Total"]
    load = grid + pv + battery
    imported = grid.clip(lower=0)
    both = load.notna()
    expected = {
        "pv_energy": pv.sum() / 4,
        "battery_charge_energy": (-battery).clip(lower=0).sum() / 4,
        "battery_discharge_energy": battery.clip(lower=0).sum() / 4,
        "renewable_share": pv[both].sum() / (pv[both] + imported[both]).sum(),
        "self_sufficiency": 1 - imported[both].sum() / load[both].sum(),
        "peak_load": load.max(),
        "load_factor": load.mean() / load.max(),
    }
    report = microgrid(
        tmp_path,
        "kpi",
        "--site",
        "trade_street",
        "--start",
        "2018-05-01",
        "--end",
        "2018-06-01",
    )
    for name, value in expected.items():
        assert report["kpis"][name]["value"] == pytest.approx(value, rel=RELATIVE), name
    assert report["kpis"]["fuel_cell_energy"]["value"] is None
    assert report["kpis"]["fuel_cell_energy"]["reason"]["code"] == "no_role"


@pytest.mark.long
def test_fifteen_demo_months_agree(tmp_path: Path) -> None:
    folder, home = tmp_path / "demo", tmp_path / "home"
    write_demo(folder)
    check_counts(folder, microgrid(home, "ingest", str(folder)))
    frame = naive_mds.read(sorted(folder.glob("*.csv")))
    for start, end in (("2022-05-01", "2023-08-01"), ("2022-11-01", "2022-12-01")):
        part = naive_mds.window(frame, start, end)
        check_kpis(home, start, end, "as_published", naive_mds.kpis_as_published(part))
        check_kpis(home, start, end, "gas_engine", naive_mds.kpis_gas_engine(part))
