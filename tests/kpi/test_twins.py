"""The engine against loops, summaries against samples, and parts against the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.kpi.totals import Totals, collect_totals, slots_per_quarter
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import ALL_ROLES, BATTERY, Row, make_lake, make_site, naive_slots, utc
from tests.kpi.naive import naive_kpis

START = utc("2023-03-31T20:00")
HOURS = 8
# Compared with loops in test_soc.py and test_compliance.py.
BY_THEMSELVES = {
    *("soc", "battery_autonomy_h", "battery_autonomy_critical_h"),
    *("voltage_compliance", "frequency_compliance"),
}
SMALL_BATTERY = BATTERY | {"capacity_kwh": 4.0}
SITES = {
    "ten seconds, one source": make_site(interval_s=10, battery=SMALL_BATTERY),
    "quarter hours, three sources": make_site(
        sources={
            "a": ["pv", "bus_voltage", "fuel_cell_setpoint", "critical_load", "bus_frequency"],
            "b": ["battery", "battery_setpoint", "mccb_voltage"],
            "c": ["load", "fuel_cell"],
        }
    ),
    "hours, metered grid": make_site((*ALL_ROLES, "grid"), interval_s=3600),
}
twins = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def random_rows(site_name: str, seed: int) -> list[Row]:
    """Samples at odd seconds over two months' change, with gaps, blanks and slots filled twice."""
    site = SITES[site_name]
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    count = int(HOURS * 3600 * max(1, site.interval_s / 300) / site.interval_s)
    for source in site.sources:
        for i in range(count):
            if rng.random() < 0.03:
                continue
            at = START + timedelta(seconds=i * site.interval_s + int(rng.integers(0, 4)))
            for again in range(2 if rng.random() < 0.02 else 1):
                row: Row = {"time": at + timedelta(seconds=4 * again), "source": source.name}
                for channel in site.channels_of(source):
                    row[channel] = _value(channel, rng)
                rows.append(row)
    return rows


def _value(channel: str, rng: np.random.Generator) -> float | None:
    if rng.random() < 0.04:
        return None
    match channel:
        case "pv":
            return float(max(0.0, rng.normal(10, 20)))
        case "battery_setpoint" | "fuel_cell_setpoint":
            return float(rng.choice([0.0, 40.0]))
        case "bus_voltage" | "mccb_voltage":
            return float(rng.integers(478, 484))
        case "bus_frequency":
            return float(np.round(60 + rng.normal(0, 0.01), 3))
        case "fuel_cell":
            return float(np.round(rng.normal(38, 3), 1))
        case "battery":
            return float(np.round(rng.normal(0, 20), 1))
        case _:
            return float(np.round(rng.normal(60, 30), 1))


def window_of(site_name: str, low: float, high: float) -> Window:
    length = HOURS * 3600 * max(1.0, SITES[site_name].interval_s / 300)
    a, b = sorted((round(low * length), round(high * length)))
    # It begins inside the data, also where their last slots are missing.
    least = 8 * SITES[site_name].interval_s
    a = min(a, round(length) - least)
    return Window(START + timedelta(seconds=a), START + timedelta(seconds=max(b, a + least)))


def close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= 1e-9 * max(1.0, abs(b))


def assert_same(found: Mapping[str, Kpi], other: Mapping[str, Kpi]) -> None:
    assert found.keys() == other.keys()
    for name, kpi in found.items():
        assert close(kpi.value, other[name].value), name
        assert kpi.coverage == other[name].coverage, name
        assert kpi.time == other[name].time, name
        assert (kpi.reason and kpi.reason.code) == (
            other[name].reason and other[name].reason.code
        ), name


shares = st.floats(0, 1)
seeds = st.integers(0, 10_000)


@pytest.mark.parametrize("site_name", SITES)
@twins
@given(seed=seeds, low=shares, high=shares)
def test_kpis_equal_loops_over_slots_with_and_without_summaries(
    engine: DuckDBEngine, tmp_path: Path, site_name: str, seed: int, low: float, high: float
) -> None:
    profile = SITES[site_name].profile()
    rows = random_rows(site_name, seed)
    window = window_of(site_name, low, high)
    newest = max(row["time"] for row in rows)
    step = profile.site.interval_s
    as_of = START + timedelta(seconds=((newest - START).total_seconds() // step + 1) * step)
    expected = naive_kpis(profile, naive_slots(profile, rows), window.start, min(window.end, as_of))
    summed = make_lake(tmp_path, profile, rows, summarised=engine)
    assert len(summed.summary_paths(profile)) == len(summed.months())
    for snapshot in (summed, replace(summed, summaries={})):
        found = kpi_report(engine, snapshot, profile, window).kpis
        for name, (value, coverage) in expected.items():
            assert close(found[name].coverage, coverage), name
            assert close(found[name].value, value), name
        missing = set(found) - set(expected)
        assert missing == {"genset_energy"} | BY_THEMSELVES


@pytest.mark.parametrize("site_name", SITES)
def test_loads_of_autonomy_are_summed_where_the_battery_is_known_too(
    engine: DuckDBEngine, tmp_path: Path, site_name: str
) -> None:
    profile = SITES[site_name].profile()
    rows = random_rows(site_name, 11)
    window = window_of(site_name, 0.1, 0.9)
    slots = [s for t, s in naive_slots(profile, rows).items() if window.start <= t < window.end]
    lake = make_lake(tmp_path, profile, rows, summarised=engine)
    totals = collect_totals(engine, lake, profile, window.start, window.end)
    for basis, role in (("autonomy", "load"), ("critical_autonomy", "critical_load")):
        loads = [s[role] for s in slots if s["battery"] is not None and s[role] is not None]
        assert 0 < len(loads) < sum(s[role] is not None for s in slots)
        assert totals.n(basis) == len(loads)
        assert close(totals.sums[f"{basis}__load"], sum(v for v in loads if v is not None))


@pytest.mark.parametrize("site_name", SITES)
@twins
@given(seed=seeds, cuts=st.tuples(shares, shares))
def test_totals_of_parts_add_up_to_those_of_the_whole(
    engine: DuckDBEngine, tmp_path: Path, site_name: str, seed: int, cuts: tuple[float, float]
) -> None:
    profile = SITES[site_name].profile()
    snapshot = make_lake(tmp_path, profile, random_rows(site_name, seed), summarised=engine)
    whole = window_of(site_name, 0, 1)
    first, second = sorted(whole.start + cut * whole.duration for cut in cuts)

    def totals(*bounds: object) -> Totals:
        a, b = bounds
        return collect_totals(engine, snapshot, profile, a, b)  # type: ignore[arg-type]

    parts = [totals(first, second), totals(second, whole.end), totals(whole.start, first)]
    merged = parts[0] + parts[1] + parts[2]
    expected = totals(whole.start, whole.end)
    assert merged.sums.keys() == expected.sums.keys()
    for name, value in expected.sums.items():
        assert close(merged.sums[name], value), name
    assert merged.maxima == expected.maxima
    half = slots_per_quarter(profile)
    for name, quarters in expected.peaks.items():
        peak, other = quarters.highest(half), merged.peaks[name].highest(half)
        assert peak is not None
        assert other is not None
        assert close(other.value, peak.value)


@pytest.mark.parametrize("site_name", SITES)
def test_the_order_of_rows_does_not_matter(
    engine: DuckDBEngine, tmp_path: Path, site_name: str
) -> None:
    profile = SITES[site_name].profile()
    rows = random_rows(site_name, 7)
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    window = window_of(site_name, 0.013, 0.97)
    reports = [
        kpi_report(engine, make_lake(tmp_path, profile, r, summarised=s), profile, window).kpis
        for r in (rows, shuffled)
        for s in (None, engine)
    ]
    for other in reports[1:]:
        assert_same(other, reports[0])
