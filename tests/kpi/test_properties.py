"""What must hold for any data: shares are shares, energies scale, files come in any order."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import ALL_ROLES, BATTERY, Row, make_lake, make_site, utc

START = utc("2023-03-31T22:00")
COUNT = 720
SHARES = (
    *("renewable_share", "fuel_cell_reliability", "fuel_cell_contribution", "soc"),
    *("voltage_compliance", "frequency_compliance", "self_consumption"),
)
"""KPIs that are shares of a whole wherever sources give and loads take."""
SCALED = {
    **dict.fromkeys(
        (
            *("pv_energy", "fuel_cell_energy", "battery_discharge_energy"),
            *("battery_charge_energy", "grid_import_energy", "grid_export_energy"),
            *("peak_load", "peak_import", "battery_tracking_rmse", "fuel_cell_tracking_rmse"),
            "equivalent_cycles",
        ),
        1,
    ),
    **dict.fromkeys(
        (
            *("renewable_share", "self_sufficiency", "grid_dependency", "self_consumption"),
            *("critical_share", "load_factor", "fuel_cell_contribution"),
            *("mean_bus_voltage", "mean_bus_frequency", "max_voltage_gap"),
        ),
        0,
    ),
}
"""KPI -> power of the factor it scales with."""
any_data = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def site_of() -> Site:
    return make_site(
        ALL_ROLES,
        sources={
            "a": ["pv", "bus_voltage", "load"],
            "b": [
                *("battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint"),
                *("critical_load", "mccb_voltage", "bus_frequency"),
            ],
        },
        interval_s=10,
        battery=BATTERY | {"deadband_kw": 0.0},
    )


def rows_of(site: Site, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for source in site.sources:
        for i in range(COUNT):
            if rng.random() < 0.1:
                continue
            row: Row = {"time": START + timedelta(seconds=10 * i), "source": source.name}
            for channel in site.channels_of(source):
                row[channel] = None if rng.random() < 0.05 else _value(channel, rng)
            rows.append(row)
    return rows


def _value(channel: str, rng: np.random.Generator) -> float:
    if "voltage" in channel:
        return float(rng.choice([480.0, 455.0, 430.0]))
    if "frequency" in channel:
        return float(rng.choice([60.0, 59.99, 59.3]))
    if channel.startswith("battery"):
        return float(np.round(rng.normal(0, 30), 1))
    return float(np.round(abs(rng.normal(20, 20)), 1))


def kpis(engine: DuckDBEngine, folder: Path, site: Site, rows: list[Row]) -> dict[str, Kpi]:
    lake = make_lake(folder, site.profile(), rows, summarised=engine)
    window = Window(START, START + timedelta(seconds=10 * COUNT))
    return kpi_report(engine, lake, site.profile(), window).kpis


@any_data
@given(seed=st.integers(0, 100_000))
def test_shares_lie_between_nothing_and_all(
    engine: DuckDBEngine, tmp_path: Path, seed: int
) -> None:
    site = site_of()
    found = kpis(engine, tmp_path, site, rows_of(site, seed))
    for name in SHARES:
        value = found[name].value
        assert value is not None, name
        assert 0 <= value <= 1, name
    for name, kpi in found.items():
        assert kpi.coverage is None or 0 <= kpi.coverage <= 1, name
        assert kpi.uncertainty is None or kpi.uncertainty >= 0, name
        assert (kpi.value is None) == (kpi.reason is not None), name


@any_data
@given(seed=st.integers(0, 100_000), doubled=st.integers(-4, 4))
def test_scaling_all_powers_scales_all_energies(
    engine: DuckDBEngine, tmp_path: Path, seed: int, doubled: int
) -> None:
    site = site_of()
    rows = rows_of(site, seed)
    factor = 2.0**doubled
    powers = {name for name, channel in site.channels.items() if channel.unit == "kW"}
    scaled = [
        {k: v * factor if k in powers and v is not None else v for k, v in row.items()}
        for row in rows
    ]
    before, after = (kpis(engine, tmp_path, site, r) for r in (rows, scaled))
    for name, power in SCALED.items():
        value, other = before[name].value, after[name].value
        assert value is not None, name
        assert other is not None, name
        # A power of two changes no digit of any sum.
        assert other == value * factor**power, name


@any_data
@given(seed=st.integers(0, 100_000), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_within_and_between_files_does_not_matter(
    engine: DuckDBEngine, tmp_path: Path, seed: int, order: object
) -> None:
    site = site_of()
    rows = rows_of(site, seed)
    mixed = rows.copy()
    order.shuffle(mixed)  # type: ignore[attr-defined]
    before, after = (kpis(engine, tmp_path, site, r) for r in (rows, mixed))
    for name, kpi in before.items():
        value, other = kpi.value, after[name].value
        assert (value is None) == (other is None), name
        if value is not None and other is not None:
            assert abs(value - other) <= 1e-9 * max(1.0, abs(value)), name
        assert kpi.coverage == after[name].coverage, name
        assert kpi.time == after[name].time, name
