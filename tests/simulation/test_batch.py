"""Many scenarios at once, and each source lost in turn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from microgrid_lib.simulation.batch import run_batch
from microgrid_lib.simulation.contingency import n_minus_1
from microgrid_lib.simulation.scenario import Scenario, scenario_grid
from microgrid_lib.simulation.simulate import simulate
from tests.simulation.sites import constant_day, mds_plant, measured_like_day


def test_a_batch_is_the_same_as_one_by_one() -> None:
    plant, day = mds_plant(), measured_like_day()
    grid = scenario_grid({"load_scale": [0.8, 1.2], "island": [None, "10:00-12:00"], "seed": [3]})
    assert len(grid) == 4
    frame = run_batch(plant, day, grid, progress=False)
    for scenario, (_, row) in zip(grid, frame.iterrows(), strict=True):
        alone = simulate(plant, day, scenario)
        assert row["load_scale"] == scenario.load_scale
        assert row["grid_import_kwh"] == alone.metrics.energy_kwh.grid_import
        lowest = alone.metrics.voltage_v.bus.min
        assert lowest is not None
        assert row["bus_voltage_min_v"] == pytest.approx(lowest, abs=1e-6)
        nadir = alone.metrics.frequency_hz.nadir
        assert math.isnan(row["nadir_hz"]) if nadir is None else row["nadir_hz"] == nadir
        assert row["feasible"] == alone.feasible


def test_a_batch_tells_how_far_it_is() -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        seen.append((done, total))

    scenarios = scenario_grid({"load_scale": [1.0, 1.1, 1.2]})
    run_batch(mds_plant(), measured_like_day(), scenarios, progress=note)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_batch_draws_a_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    run_batch(mds_plant(), measured_like_day(), [Scenario()])
    assert "100%" in capsys.readouterr().out


def test_losing_each_source_in_turn_by_hand() -> None:
    day = constant_day(load=300.0, pv=30.0, fuel_cell=40.0, genset=100.0, battery=0.0)
    rows = {row.lost: row for row in n_minus_1(mds_plant(), day)}
    assert list(rows) == [None, "grid", "pv", "fuel_cell", "genset", "battery"]
    assert rows[None].grid_import_kwh == pytest.approx(130.0 * 24)
    assert rows["pv"].grid_import_kwh == pytest.approx(160.0 * 24)
    assert rows["fuel_cell"].grid_import_kwh == pytest.approx(170.0 * 24)
    assert rows["genset"].grid_import_kwh == pytest.approx(230.0 * 24)
    assert rows["battery"].grid_import_kwh == pytest.approx(130.0 * 24)
    assert all(rows[name].survives for name in rows)
    # 230 kW are within the genset's 240 kW: the island lives on.
    assert rows["grid"].unserved_kwh == rows["grid"].shed_kwh == 0.0
    assert rows["grid"].peak_import_kw is None


def test_losing_a_source_in_an_island_by_hand() -> None:
    day = constant_day(load=300.0, fuel_cell=40.0, genset=200.0, battery=0.0)
    island = Scenario(island="00:00-24:00", soc_start=0.95)
    rows = {row.lost: row for row in n_minus_1(mds_plant(), day, island)}
    # Without the genset: 40 kW and the battery's 100 kW of 300 kW, of which 180 kW are critical;
    # the battery's 93.6 kWh last 56 minutes.
    assert not rows["genset"].survives
    assert rows["genset"].survival_h == 0.0
    # Without the fuel cell: 240 of 300 kW, with the battery for a while; critical load lives on.
    assert rows["fuel_cell"].survives
    assert rows["fuel_cell"].unserved_kwh == 0.0
    assert rows["fuel_cell"].shed_kwh == pytest.approx(60.0 * 24 - 93.6, abs=1e-6)
    assert rows["grid"].unserved_kwh == rows[None].unserved_kwh


def test_survival_time_by_hand() -> None:
    day = constant_day(load=50.0, battery=0.0)
    plant = mds_plant(genset=None)
    rows = {row.lost: row for row in n_minus_1(plant, day, Scenario(soc_start=0.95))}
    # 93.6 kWh at 50 kW last 112 full minutes. In the next, 40 % are non-critical and 0.32 minutes
    # are left: 16 + 20 kW < 50 kW.
    assert rows["grid"].survival_h == pytest.approx(112 / 60)
    critical = 50.0 * 0.6
    last = 50.0 * 0.32
    expected = (1440 - 113) / 60 * critical + (critical - last) / 60
    assert rows["grid"].unserved_kwh == pytest.approx(expected, abs=1e-6)
    assert not rows["grid"].feasible


def test_a_source_that_is_lost_anyway_is_not_lost_again() -> None:
    day = constant_day(load=50.0, pv=5.0, battery=0.0)
    rows = n_minus_1(mds_plant(genset=None), day, Scenario(lost=("grid",), soc_start=0.5))
    assert [row.lost for row in rows] == [None, "pv", "battery"]
    assert np.isfinite(rows[0].unserved_kwh)


def test_a_source_lost_in_the_evening_obeys_its_settings_until_then() -> None:
    day = constant_day(load=300.0, pv=10.0, fuel_cell=40.0, genset=100.0, battery=0.0)
    evening = Scenario(
        fuel_cell_kw=20.0,
        battery="import_target",
        import_target_kw=168.0,
        soc_start=0.95,
        lost=("pv",),
        lost_from="18:00",
    )
    rows = {row.lost: row for row in n_minus_1(mds_plant(), day, evening)}
    # The battery keeps 168 kW until 18:00; then 300 kW less 20 kW and 100 kW are imported.
    assert rows["battery"].grid_import_kwh == pytest.approx(168.0 * 18 + 180.0 * 6, abs=1.0)
    # The fuel cell gives 20 kW until 18:00; the battery goes on for what it has.
    also_lost = simulate(mds_plant(), day, replace(evening, lost=("pv", "fuel_cell")))
    assert rows["fuel_cell"].grid_import_kwh == also_lost.metrics.energy_kwh.grid_import
    assert also_lost.series["fuel_cell"].to_numpy()[600] == pytest.approx(20.0)


def test_where_the_voltage_collapses_nothing_survives() -> None:
    rows = n_minus_1(mds_plant(), constant_day(load=1000.0, battery=0.0), Scenario(load_scale=5.0))
    assert [row.survives for row in rows] == [False] * len(rows)
    assert {row.lost: row.survival_h for row in rows}[None] is None
