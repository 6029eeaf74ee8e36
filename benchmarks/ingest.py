"""Ingestion: our whole command beside DuckDB's bare copy, pandas and polars."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.measure import Samples, alternate, python, run_process
from benchmarks.table import Row

BUDGET_COPY = 2.5
BUDGET_PEER = 1.0
BUDGET_MIB = 2048.0


def run(demo: Path, work: Path, repeat: int) -> list[Row]:
    peaks: dict[str, float] = {}

    def process(name: str, command: list[str], env: dict[str, str]) -> float:
        shutil.rmtree(work / name, ignore_errors=True)
        seconds, peak = run_process(command, env)
        peaks[name] = max(peak, peaks.get(name, 0.0))
        return seconds

    def ours() -> float:
        command = [sys.executable, "-m", "microgrid_lib", "ingest", "--json", str(demo)]
        return process("ours", command, {"MICROGRID_HOME": str(work / "ours")})

    contenders = {"ours": ours}
    for kind in ("copy", "pandas", "polars"):
        contenders[kind] = lambda kind=kind: process(
            kind, python("peers", kind, str(demo), str(work / kind)), {}
        )
    found: dict[str, Samples] = alternate(contenders, repeat)
    rows = []
    for kind, label, budget in (
        ("copy", "DuckDB bare copy", BUDGET_COPY),
        ("pandas", "the same work in pandas", BUDGET_PEER),
        ("polars", "the same work in polars", BUDGET_PEER),
    ):
        rows.append(
            Row(
                what="ingest demo months, whole command",
                ours=found["ours"],
                peer=found[kind],
                peer_name=label,
                budget_ratio=budget,
            )
        )
    for name, peak in peaks.items():
        found[name].peak_mib = peak
    rows.append(
        Row(
            what="ingest demo months, peak memory",
            ours=found["ours"],
            peer=None,
            peer_name="",
            budget_mib=BUDGET_MIB,
        )
    )
    return rows
