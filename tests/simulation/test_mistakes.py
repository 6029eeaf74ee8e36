"""Mistakes of the user: one clear line each, and nothing simulated."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from microgrid_lib.simulation.day import average_day, measured_day
from microgrid_lib.simulation.errors import PlantError, ScenarioError
from microgrid_lib.simulation.plant import build_plant
from microgrid_lib.simulation.scenario import Scenario, scenario_grid
from microgrid_lib.simulation.simulate import simulate
from microgrid_lib.site import load_site
from microgrid_lib.site.plant import PlantSpec
from tests.simulation.sites import (
    DAY,
    ZONE,
    constant_day,
    mds_plant,
    measured_like_day,
    minute_index,
    with_parameters,
)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"load_scale": -0.1}, "load_scale -0.1 must be between 0 and 100"),
        ({"pv_scale": float("nan")}, "pv_scale nan must be between 0 and 100"),
        ({"load_scale": 1e9}, "load_scale 1e+09 must be between 0 and 100"),
        ({"fuel_cell_kw": -5.0}, "fuel_cell_kw -5 must be 0 or more"),
        ({"battery_kw": float("inf")}, "battery_kw inf must be 0 or more"),
        ({"import_target_kw": float("nan")}, "import_target_kw nan must be a number"),
        ({"soc_start": 1.2}, "soc_start 1.2 must be between 0 and 1"),
        ({"battery": "maybe"}, "battery 'maybe' must be 'measured' or 'import_target'"),
        ({"lost": ("sun",)}, "lost 'sun' must be one of grid, pv, fuel_cell, genset, battery"),
        ({"seed": -1}, "seed -1 must be 0 or more"),
        ({"island": "noon"}, "island 'noon' isn't a window; use HH:MM-HH:MM, such as 18:00-20:30"),
        ({"island": "18:00-25:00"}, "island '18:00-25:00' is outside the day; use 00:00 to 24:00"),
        ({"island": "18:61-19:00"}, "island '18:61-19:00' is outside the day; use 00:00 to 24:00"),
        ({"island": "24:00-24:00"}, "island '24:00-24:00' is outside the day; use 00:00 to 24:00"),
        (
            {"island": "22:00-02:00"},
            (
                "island '22:00-02:00' must start before it ends, within one day; "
                "over midnight give two windows, such as 00:00-02:00,22:00-24:00"
            ),
        ),
    ],
)
def test_a_scenario_that_cannot_be_meant_is_refused(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(line)) as caught:
        Scenario(**settings)
    assert str(caught.value) == line


def test_windows_are_minutes_of_the_local_day() -> None:
    assert Scenario(island="00:00-02:00, 22:30-24:00").island_minutes() == ((0, 120), (1350, 1440))
    result = simulate(mds_plant(), measured_like_day(), Scenario(island="00:00-02:00,22:30-24:00"))
    islanded = np.flatnonzero(result.series["islanded"])
    assert islanded.tolist() == [*range(120), *range(1350, 1440)]


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        (Scenario(fuel_cell_kw=90.0), "fuel_cell_kw 90 is above the fuel cell's rated 80 kW"),
        (Scenario(battery_kw=120.0), "battery_kw 120 is larger than its converter (100 kVA)"),
        (
            Scenario(fuel_cell_kw=10.0, lost=("fuel_cell",)),
            "fuel_cell_kw: the scenario loses the fuel cell",
        ),
    ],
)
def test_what_the_plant_cannot_do_is_refused(scenario: Scenario, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        simulate(mds_plant(), measured_like_day(), scenario)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        (Scenario(fuel_cell_kw=10.0), "fuel_cell_kw: test has no fuel cell"),
        (Scenario(pv_scale=2.0), "pv_scale 2: test has no PV"),
        (Scenario(battery_kw=10.0), "battery_kw: test's plant has no battery"),
        (Scenario(lost=("genset",)), "lost: test has no genset"),
    ],
)
def test_what_the_site_does_not_have_is_refused(scenario: Scenario, line: str) -> None:
    plant = mds_plant(battery=None, genset=None)
    with pytest.raises(ScenarioError) as caught:
        simulate(plant, constant_day(load=10.0), scenario)
    assert str(caught.value) == line


def test_a_battery_larger_than_its_converter_is_refused() -> None:
    plant = mds_plant()
    with pytest.raises(PlantError) as caught:
        mds_plant(battery=with_parameters(plant.battery, power_kw=120.0))
    assert str(caught.value) == "the battery (120 kW) is larger than its converter (100 kVA)"


def test_a_genset_out_of_order_is_refused() -> None:
    genset = mds_plant().genset
    with pytest.raises(PlantError, match=r"minimum load \(250 kW\) must be below its rated power"):
        mds_plant(genset=with_parameters(genset, min_kw=250.0))
    with pytest.raises(PlantError, match=r"rated power \(310 kW\) is above its apparent power"):
        mds_plant(genset=with_parameters(genset, max_kw=310.0))


def test_a_plant_that_needs_a_rating_names_it() -> None:
    site = load_site("trade_street")
    spec = PlantSpec.model_validate(
        {"battery": {"converter_kva": {"value": 100.0, "source": "assumed"}}}
    )
    with pytest.raises(PlantError) as caught:
        build_plant(site.model_copy(update={"plant": spec}).profile())
    line = "site trade_street: the plant needs ratings.battery_kw, which isn't given"
    assert str(caught.value) == line


def test_a_site_without_a_plant_still_balances() -> None:
    plant = build_plant(load_site("trade_street").profile())
    assert plant.battery is plant.genset is plant.network is None
    day = constant_day(load=50.0, pv=20.0, battery=5.0)
    result = simulate(plant, day, Scenario(load_scale=2.0))
    assert result.metrics.energy_kwh.grid_import == pytest.approx(75.0 * 24)
    assert result.metrics.soc.min is None
    assert result.metrics.voltage_v.bus.min is None
    (note,) = [n for n in result.warnings if n.code == "simulation.battery_unknown"]
    assert note.text == "The site file has no [plant.battery]: no state of charge is given."
    with pytest.raises(ScenarioError) as caught:
        simulate(plant, day, Scenario(soc_reserve=0.2))
    assert str(caught.value) == "soc_reserve: test's site file has no [plant.battery]"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"critical_share": {"value": 1.4, "source": "assumed"}}, "1.4 must be at most 1"),
        ({"critical_share": {"value": 0.4, "source": "guessed"}}, "'measured', 'calibrated'"),
        ({"critical_share": {"value": 0.4}}, "source"),
        ({"critical_share": {"value": 0.4, "source": "assumed", "unit": "%"}}, "is in 1, not in"),
        (
            {"fuel_cell": {"ramp_kw_per_min": {"value": 0.0, "source": "assumed"}}},
            "0 kW/min must be above 0",
        ),
        (
            {"load_groups": [{"name": "a", "share": 0.3}, {"name": "b", "share": 0.3}]},
            "add up to 0.6 instead of 1",
        ),
        (
            {"load_groups": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]},
            "a name is there twice",
        ),
        ({"windmill": {}}, "Extra inputs are not permitted"),
    ],
)
def test_a_plant_section_that_cannot_be_meant_is_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        PlantSpec.model_validate(spec)


def test_a_frame_that_is_not_a_day_of_roles_is_refused() -> None:
    good = pd.DataFrame({"load": 1.0}, index=minute_index())
    naive = good.set_axis(minute_index().tz_localize(None))
    with pytest.raises(ScenarioError, match="index must be times in UTC"):
        measured_day(naive, "test", DAY, ZONE)
    with pytest.raises(ScenarioError, match="2022-08-15T07:00:00\\+00:00 twice"):
        measured_day(pd.concat([good, good.iloc[:1]]), "test", DAY, ZONE)
    with pytest.raises(ScenarioError, match="unknown role 'wind'"):
        measured_day(good.assign(wind=1.0), "test", DAY, ZONE)
    with pytest.raises(ScenarioError, match="needs the role load or grid"):
        measured_day(good.rename(columns={"load": "pv"}), "test", DAY, ZONE)
    with pytest.raises(ScenarioError, match="interval_s 90 must be 60 or a multiple"):
        measured_day(good, "test", DAY, ZONE, interval_s=90)
    with pytest.raises(ScenarioError, match="must not end before it starts"):
        average_day(good, "test", DAY, DAY - pd.Timedelta(days=1), ZONE)


def test_a_grid_of_scenarios_with_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ScenarioError, match="unknown setting 'wind'; known: load_scale, pv_scale"):
        scenario_grid({"wind": [1]})
