"""Steps of load, sources lost at a time, and a reserve: by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.simulation.contingency import n_minus_1
from microgrid_lib.simulation.day import measured_day
from microgrid_lib.simulation.errors import PlantError, ScenarioError
from microgrid_lib.simulation.plant import with_critical_share
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import simulate
from tests.simulation.sites import constant_day, mds_plant, measured_like_day

ISLAND = "10:00-14:00"


def minutes(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=np.float64)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"load_step_kw": 50.0}, "load_step_kw 50 needs its time, load_step"),
        ({"load_step_kw": float("nan")}, "load_step_kw nan must be a number"),
        (
            {"load_step": "18:00", "load_step_kw": 5.0},
            "load_step '18:00' isn't a window; use HH:MM-HH:MM, such as 18:00-20:30",
        ),
        ({"soc_reserve": 1.5}, "soc_reserve 1.5 must be between 0 and 1"),
        ({"lost_from": "12:00"}, "lost_from '12:00': no source is lost"),
        ({"lost": ("pv",), "lost_from": "24:00"}, "lost_from '24:00' isn't a time; use HH:MM"),
        ({"lost": ("pv",), "lost_from": "1200"}, "lost_from '1200' isn't a time; use HH:MM"),
    ],
)
def test_an_event_that_cannot_be_meant_is_refused(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(line)):
        Scenario(**settings)


def test_a_load_step_is_imported_while_it_lasts() -> None:
    day = constant_day(load=100.0, battery=0.0)
    stepped = simulate(mds_plant(), day, Scenario(load_step_kw=30.0, load_step="18:00-19:00"))
    grid = minutes(stepped.series["grid"])
    assert grid[1079] == grid[1140] == 100.0
    assert (grid[1080:1140] == 130.0).all()
    assert stepped.metrics.energy_kwh.load == pytest.approx(100.0 * 24 + 30.0)


def test_a_load_step_in_an_island_has_its_transient() -> None:
    day = constant_day(load=40.0, battery=0.0)
    scenario = Scenario(island=ISLAND, load_step_kw=30.0, load_step="12:00-13:00", soc_start=0.9)
    events = {event.kind: event for event in simulate(mds_plant(), day, scenario).events}
    step = events["load_step"]
    assert step.step == 720
    assert step.transient.step_kw == pytest.approx(30.0)
    # The battery alone: 2 % of 60 Hz for 100 kVA.
    assert step.transient.nadir_hz == pytest.approx(60.0 - 0.02 * 60.0 * 0.3, abs=1e-6)


def test_sun_lost_at_noon_is_imported_from_noon_on() -> None:
    day = constant_day(load=100.0, pv=30.0, battery=0.0)
    lost = simulate(mds_plant(), day, Scenario(lost=("pv",), lost_from="12:00")).series
    assert (minutes(lost["grid"])[:720] == 70.0).all()
    assert (minutes(lost["grid"])[720:] == 100.0).all()
    all_day = simulate(mds_plant(), day, Scenario(lost=("pv",))).series
    assert (minutes(all_day["grid"]) == 100.0).all()


def test_a_fuel_cell_lost_at_noon_gives_nothing_from_noon_on_whatever_its_set_point() -> None:
    day = constant_day(load=100.0, fuel_cell=30.0, battery=0.0)
    scenario = Scenario(fuel_cell_kw=60.0, lost=("fuel_cell",), lost_from="12:00")
    lost = simulate(mds_plant(), day, scenario).series
    assert minutes(lost["fuel_cell"])[719] == 60.0
    assert (minutes(lost["fuel_cell"])[720:] == 0.0).all()
    assert (minutes(lost["grid"])[720:] == 100.0).all()


def test_the_grid_lost_at_a_time_is_an_island_from_then_on() -> None:
    day = measured_like_day()
    lost = simulate(mds_plant(), day, Scenario(lost=("grid",), lost_from="18:30"))
    island = simulate(mds_plant(), day, Scenario(island="18:30-24:00"))
    pd.testing.assert_frame_equal(lost.series, island.series)


def test_a_genset_lost_in_an_island_leaves_it_to_the_battery() -> None:
    day = constant_day(load=80.0, genset=75.0, battery=0.0)
    scenario = Scenario(island=ISLAND, lost=("genset",), lost_from="12:00", soc_start=0.9)
    result = simulate(mds_plant(), day, scenario)
    genset, battery = minutes(result.series["genset"]), minutes(result.series["battery"])
    assert genset[719] > 0
    assert (genset[720:840] == 0).all()
    assert battery[720] == 80.0
    loss = next(event for event in result.events if event.kind == "source_loss")
    assert loss.step == 720
    assert loss.transient.kind == "grid_forming"
    assert loss.transient.step_kw == pytest.approx(80.0 - battery[719])


def test_a_battery_lost_in_an_island_leaves_it_to_the_genset_and_keeps_its_charge() -> None:
    day = constant_day(load=150.0, genset=100.0, battery=0.0)
    scenario = Scenario(island=ISLAND, lost=("battery",), lost_from="12:00", soc_start=0.8)
    result = simulate(mds_plant(), day, scenario)
    assert (minutes(result.series["battery"])[720:] == 0).all()
    soc = minutes(result.series["soc"])
    assert np.ptp(soc[720:]) == 0
    assert (minutes(result.series["genset"])[720:840] == 150.0).all()


def test_when_the_only_unit_that_forms_the_island_is_lost_it_is_dead() -> None:
    day = constant_day(load=30.0, battery=0.0)
    scenario = Scenario(island=ISLAND, lost=("battery",), lost_from="12:00", soc_start=0.9)
    result = simulate(mds_plant(genset=None), day, scenario)
    assert not result.feasible
    assert result.details.survival_h == 2.0
    codes = {note.code for note in result.warnings}
    assert {"simulation.nothing_forms_island", "simulation.no_support"} <= codes


def test_sun_and_fuel_cell_serve_nobody_in_a_dead_island() -> None:
    day = constant_day(load=50.0, pv=40.0, fuel_cell=30.0, battery=0.0)
    dead = simulate(mds_plant(battery=None, genset=None), day, Scenario(island=ISLAND))
    series = dead.series[600:840]
    assert (minutes(series["shed"]) + minutes(series["unserved"]) == 50.0).all()
    assert (minutes(series[["pv", "fuel_cell"]].sum(axis=1)) == 0.0).all()
    assert dead.metrics.max_balance_error_kw < 1e-9
    assert dead.metrics.energy_kwh.unserved == pytest.approx(4 * 0.6 * 50.0)


def test_minutes_of_a_dead_island_are_outside_every_limit() -> None:
    plant = mds_plant(battery=None, genset=None)
    dead = simulate(plant, measured_like_day(), Scenario(island=ISLAND)).details
    assert dead.minutes_outside_a == dead.minutes_outside_b == 240
    assert dead.minutes_frequency_warning == dead.minutes_frequency_critical == 240


def test_a_reserve_is_kept_while_connected_and_used_in_an_island() -> None:
    day = constant_day(load=60.0, battery=0.0)
    target = Scenario(battery="import_target", soc_start=0.9, soc_reserve=0.6)
    soc = minutes(simulate(mds_plant(), day, target).series["soc"])
    assert soc.min() == pytest.approx(0.6)
    islanded = simulate(mds_plant(genset=None), day, replace(target, island="20:00-24:00"))
    assert minutes(islanded.series["soc"]).min() == pytest.approx(0.3, abs=1e-9)


def test_a_higher_reserve_never_shortens_survival() -> None:
    day = constant_day(load=60.0, battery=0.0)
    plant = mds_plant(genset=None)
    lived = []
    for reserve in (0.3, 0.5, 0.7, 0.9):
        scenario = Scenario(
            battery="import_target", soc_start=0.95, soc_reserve=reserve, island="20:00-24:00"
        )
        hours = simulate(plant, day, scenario).details.survival_h
        lived.append(4.0 if hours is None else hours)
    assert lived == sorted(lived)
    assert lived[-1] > lived[0]


def test_the_balance_closes_in_every_scenario_with_events() -> None:
    day = measured_like_day()
    for source in ("pv", "fuel_cell", "genset", "battery", "grid"):
        scenario = Scenario(
            island="09:00-16:00",
            load_step_kw=40.0,
            load_step="11:00-12:30,18:00-20:00",
            lost=(source,),
            lost_from="12:00",
            soc_reserve=0.5,
        )
        result = simulate(mds_plant(), day, scenario)
        assert result.metrics.max_balance_error_kw < 1e-9
        soc = minutes(result.series["soc"])
        assert ((soc >= -1e-9) & (soc <= 1 + 1e-9)).all()


def test_n_minus_1_of_a_scenario_with_a_time_of_loss_is_from_then_on() -> None:
    day = constant_day(load=100.0, pv=30.0, fuel_cell=20.0, battery=0.0)
    scenario = Scenario(lost=("fuel_cell",), lost_from="12:00")
    rows = {row.lost: row for row in n_minus_1(mds_plant(), day, scenario)}
    assert rows["pv"].grid_import_kwh == pytest.approx(12 * 50.0 + 12 * 100.0)


def test_losing_the_battery_gives_up_its_reserve() -> None:
    rows = n_minus_1(mds_plant(), measured_like_day(), Scenario(soc_reserve=0.5))
    assert "battery" in [row.lost for row in rows]


def test_a_critical_share_from_elsewhere_decides_what_is_shed() -> None:
    day = constant_day(load=400.0, genset=240.0, battery=0.0)
    plant = with_critical_share(mds_plant(battery=None), 0.9, "rated power of 3 consumers")
    energy = simulate(plant, day, Scenario(island="00:00-24:00")).metrics.energy_kwh
    assert energy.shed == pytest.approx(40.0 * 24)
    assert energy.unserved == pytest.approx(120.0 * 24)
    assert plant.critical_share.source == "nameplate"
    with pytest.raises(PlantError, match=r"critical share 1.2 must be between 0 and 1"):
        with_critical_share(plant, 1.2, "")


def test_hours_that_start_on_the_half_hour_of_utc_are_a_day() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    start = datetime(2023, 1, 9, 18, 30, tzinfo=UTC)
    index = pd.date_range(start, periods=24, freq="h")
    load = np.arange(24.0)
    day = measured_day(
        pd.DataFrame({"load": load}, index=index), "kolkata", date(2023, 1, 10), zone,
        interval_s=3600,
    )  # fmt: skip
    assert day.coverage == 1.0
    assert minutes(day.frame["load"]).tolist() == np.repeat(load, 60).tolist()
    assert day.frame.index[0] == start
    assert day.frame.index[-1] - start == timedelta(hours=23, minutes=59)
