"""Days under scenarios: identity, balance, limits, direction, gaps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.model import Note
from microgrid_lib.present.texts import texts_for
from microgrid_lib.simulation.day import DayFrame, average_day, measured_day
from microgrid_lib.simulation.metrics import SimulationReport, SimulationSeriesReport
from microgrid_lib.simulation.plant import Plant, split_load
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import SimulationResult, Simulator, simulate
from microgrid_lib.site.plant import LoadGroup
from tests.simulation.sites import (
    DAY,
    ZONE,
    constant_day,
    mds_plant,
    measured_like_day,
    minute_index,
    with_parameters,
)

MEASURED = {
    "load": "load",
    "pv": "pv",
    "fuel_cell": "fuel_cell",
    "genset": "genset",
    "battery": "battery",
    "grid": "grid",
    "bus_voltage": "bus_voltage",
    "mccb_voltage": "mccb_voltage",
    "receiving_voltage": "receiving_voltage",
    "bus_frequency": "frequency",
}


def with_gaps(day: DayFrame, *gaps: tuple[int, int]) -> DayFrame:
    frame = day.frame.copy()
    for first, last in gaps:
        frame.iloc[first:last] = np.nan
    return measured_day(frame, day.site, DAY, ZONE)


def balance(result: SimulationResult) -> np.ndarray:
    """The balance from the published columns, not from the library's own check."""
    s = result.series
    sources = s["pv"] + s["fuel_cell"] + s["genset"] + s["battery"] + s["grid"] + s["residual"]
    return np.asarray(sources - (s["load"] - s["shed"] - s["unserved"]) - s["surplus"])


@pytest.mark.parametrize("metered_load", [True, False])
def test_nothing_changed_is_the_measured_day(metered_load: bool) -> None:
    day = with_gaps(measured_like_day(metered_load=metered_load), (100, 160), (900, 905))
    result = simulate(mds_plant(), day)
    for role, column in MEASURED.items():
        measured, simulated = day.frame[role].to_numpy(), result.series[column].to_numpy()
        assert (np.isnan(measured) == np.isnan(simulated)).all(), role
        assert np.nanmax(np.abs(measured - simulated)) < 1e-9, role
    assert result.feasible
    assert result.details.minutes_without_data == 65


def test_nothing_changed_keeps_a_voltage_that_is_missing_alone_missing() -> None:
    day = measured_like_day()
    frame = day.frame.copy()
    frame.iloc[10:20, frame.columns.get_loc("bus_voltage")] = np.nan
    result = simulate(mds_plant(), measured_day(frame, "mds", DAY, ZONE))
    bus = result.series["bus_voltage"]
    assert bus.isna().sum() == 10
    assert result.series["load"].notna().all()
    assert result.feasible


plants = st.builds(
    lambda power, energy, low, span, genset, critical: {
        "power": power,
        "energy": energy,
        "low": low,
        "high": low + span,
        "genset": genset,
        "critical": critical,
    },
    power=st.floats(1.0, 100.0),
    energy=st.floats(5.0, 400.0),
    low=st.floats(0.0, 0.45),
    span=st.floats(0.1, 0.5),
    genset=st.sampled_from(["none", "small", "default"]),
    critical=st.floats(0.0, 1.0),
)
windows = st.one_of(
    st.none(),
    st.just("00:00-24:00"),
    st.tuples(st.integers(0, 1438), st.integers(1, 1439)).map(
        lambda w: "{:02d}:{:02d}-{:02d}:{:02d}".format(
            *divmod(min(w[0], w[1] - 1) if w[0] >= w[1] else w[0], 60), *divmod(w[1], 60)
        )
    ),
)
scenarios = st.builds(
    Scenario,
    load_scale=st.floats(0.0, 4.0),
    pv_scale=st.floats(0.0, 6.0),
    fuel_cell_kw=st.one_of(st.none(), st.floats(0.0, 80.0)),
    island=windows,
    battery=st.sampled_from(["measured", "import_target"]),
    import_target_kw=st.floats(-100.0, 100.0),
    seed=st.integers(0, 1000),
)


def random_plant(numbers: dict[str, Any]) -> Plant:
    plant = mds_plant()
    battery = with_parameters(
        plant.battery,
        power_kw=numbers["power"],
        capacity_kwh=numbers["energy"],
        soc_min=numbers["low"],
        soc_max=numbers["high"],
    )
    genset = plant.genset
    if numbers["genset"] == "none":
        genset = None
    if numbers["genset"] == "small":
        genset = with_parameters(genset, max_kw=90.0, min_kw=30.0, min_up_min=5.0, min_down_min=3.0)
    return replace(
        plant, battery=battery, genset=genset, load_groups=split_load(numbers["critical"])
    )


@settings(max_examples=40, deadline=None)
@given(numbers=plants, scenario=scenarios, start=st.floats(0.0, 1.0), seed=st.integers(0, 50))
def test_every_plant_and_scenario_keeps_balance_and_limits(
    numbers: dict[str, Any], scenario: Scenario, start: float, seed: int
) -> None:
    plant = random_plant(numbers)
    day = with_gaps(measured_like_day(seed), (200, 230), (720, 721))
    soc_start = numbers["low"] + start * (numbers["high"] - numbers["low"])
    scenario = replace(scenario, soc_start=soc_start)
    result = Simulator(plant, day, "closed_form").run(scenario)
    s, valid = result.series, day.valid
    island = s["islanded"].to_numpy() & valid
    error = balance(result)
    assert np.nanmax(np.abs(error)) < 1e-9
    assert (np.isnan(error) == ~valid).all()
    assert (s["grid"].to_numpy()[island] == 0.0).all()

    battery = s["battery"].to_numpy()
    controlled = valid & (island | (scenario.battery == "import_target"))
    assert np.abs(battery[controlled]).max(initial=0.0) <= numbers["power"] + 1e-9
    soc = s["soc"].to_numpy()[valid]
    if scenario.battery == "import_target":
        assert soc.min() >= numbers["low"] - 1e-9
        assert soc.max() <= numbers["high"] + 1e-9
    assert ((soc >= 0.0 - 1e-12) & (soc <= 1.0 + 1e-12)).all()

    running = s["genset_on"].to_numpy() & island
    power = s["genset"].to_numpy()
    assert (power[island & ~running] == 0.0).all()
    if plant.genset is not None:
        assert (power[running] >= plant.genset.min_kw.value - 1e-9).all()
        assert (power[running] <= plant.genset.max_kw.value + 1e-9).all()
    for name in ("shed", "unserved", "curtailed", "surplus"):
        assert np.nanmin(s[name].to_numpy()) >= -1e-9, name
    assert (s["shed"] + s["unserved"])[valid].le(s["load"][valid].clip(lower=0) + 1e-9).all()
    fuel_cell = s["fuel_cell"].to_numpy()
    if scenario.fuel_cell_kw is not None:
        steps = np.abs(np.diff(fuel_cell))
        assert np.nanmax(steps) <= 10.0 + 1e-9
    energy = result.metrics.energy_kwh
    assert energy.load - energy.shed - energy.unserved == pytest.approx(
        energy.pv
        + energy.fuel_cell
        + energy.genset
        + energy.battery_discharge
        + energy.grid_import
        - energy.battery_charge
        - energy.grid_export
        + result.details.residual_kwh
        - result.details.surplus_kwh,
        abs=1e-6,
    )


@settings(max_examples=10, deadline=None)
@given(scenario=scenarios)
def test_the_same_seed_gives_the_same_output(scenario: Scenario) -> None:
    day = constant_day(load=120.0, pv=20.0, fuel_cell=40.0, genset=0.0, battery=5.0)
    first, again = (simulate(mds_plant(), day, scenario) for _ in range(2))
    assert first.series.equals(again.series)
    assert first.report() == again.report()


@pytest.mark.parametrize(
    ("hertz", "warning", "critical"),
    [
        *((60.6, 0, 0), (59.4, 0, 0), (60.601, 1440, 0), (59.399, 1440, 0)),
        *((61.2, 1440, 0), (58.8, 1440, 0), (61.201, 1440, 1440), (58.799, 1440, 1440)),
    ],
)
def test_limits_of_frequency_are_inclusive(hertz: float, warning: int, critical: int) -> None:
    # As meters print it: float32 as text.
    printed = float(np.float32(hertz))
    day = constant_day(load=50.0, grid=50.0, bus_frequency=printed)
    found = simulate(mds_plant(genset=None), day).details
    assert found.minutes_frequency_warning == warning
    assert found.minutes_frequency_critical == critical


@pytest.mark.parametrize(
    ("volts", "a", "b"),
    [(456.0, 0, 0), (504.0, 0, 0), (440.0, 1440, 0), (508.0, 1440, 0), (439.9, 1440, 1440)],
)
def test_limits_of_voltage_are_inclusive(volts: float, a: int, b: int) -> None:
    day = constant_day(load=50.0, grid=50.0, bus_voltage=volts)
    found = simulate(mds_plant(genset=None), day).details
    assert (found.minutes_outside_a, found.minutes_outside_b) == (a, b)


def test_another_seed_changes_only_the_modelled_frequency() -> None:
    day = constant_day(load=120.0, pv=20.0)
    first, other = (simulate(mds_plant(), day, Scenario(seed=seed)) for seed in (1, 2))
    assert (first.series["frequency"] != other.series["frequency"]).any()
    names = [name for name in first.series if not str(name).startswith("frequency")]
    assert first.series[names].equals(other.series[names])


@settings(max_examples=25, deadline=None)
@given(low=st.floats(0.1, 3.0), more=st.floats(0.05, 1.0), seed=st.integers(0, 20))
def test_more_load_imports_more_and_lowers_the_bus(low: float, more: float, seed: int) -> None:
    simulator = Simulator(mds_plant(), measured_like_day(seed), "closed_form")
    less, greater = (simulator.run(Scenario(load_scale=x)).series for x in (low, low + more))
    assert (greater["grid"] > less["grid"]).all()
    assert (greater["bus_voltage"] < less["bus_voltage"]).all()
    assert (greater["receiving_voltage"] < less["receiving_voltage"]).all()


@settings(max_examples=15, deadline=None)
@given(low=st.floats(0.0, 3.0), more=st.floats(0.05, 1.0))
def test_more_sun_imports_less_and_lifts_the_bus_while_it_shines(low: float, more: float) -> None:
    day = measured_like_day()
    simulator = Simulator(mds_plant(), day, "closed_form")
    less, greater = (simulator.run(Scenario(pv_scale=x)).series for x in (low, low + more))
    sunny = day.frame["pv"] > 0.01
    assert (greater["grid"] < less["grid"])[sunny].all()
    assert (greater["bus_voltage"] > less["bus_voltage"])[sunny].all()
    assert (greater["grid"] == less["grid"])[~sunny].all()


def test_a_higher_fuel_cell_set_point_imports_less() -> None:
    simulator = Simulator(mds_plant(), measured_like_day())
    imports = [
        simulator.run(Scenario(fuel_cell_kw=kw)).metrics.energy_kwh.grid_import
        for kw in (0.0, 20.0, 40.0, 60.0, 80.0)
    ]
    assert imports == sorted(imports, reverse=True)
    assert len(set(imports)) == 5


def test_more_load_in_an_island_never_sheds_less_and_the_island_stops_the_grid() -> None:
    simulator = Simulator(mds_plant(), measured_like_day())
    lost = []
    for scale in (0.8, 1.2, 1.6, 2.0, 2.4):
        energy = simulator.run(Scenario(load_scale=scale, island="00:00-24:00")).metrics.energy_kwh
        assert energy.grid_import == energy.grid_export == 0.0
        lost.append(energy.shed + energy.unserved)
    assert lost == sorted(lost)
    assert lost[-1] > lost[0]


def test_an_island_sets_its_own_voltage_and_leaves_the_grid_side_unloaded() -> None:
    result = simulate(mds_plant(), measured_like_day(), Scenario(island="10:00-14:00"))
    s = result.series
    island = s["islanded"]
    assert (s.loc[island, "bus_voltage"] == 477.0).all()
    assert (s.loc[island, "receiving_voltage"] == s.loc[island, "mccb_voltage"]).all()
    outside = simulate(mds_plant(), measured_like_day()).series
    before = s.index < s.index[600]
    assert s.loc[before].equals(outside.loc[before])


def test_the_frequency_of_an_island_by_hand() -> None:
    load = np.full(1440, 200.0)
    load[720:] = 250.0
    day = constant_day(load=load, genset=np.full(1440, 120.0), battery=0.0)
    plant = mds_plant(battery=None)
    result = simulate(plant, day, Scenario(island="10:00-14:00"))
    stiffness = 300.0 / (0.05 * 60.0) + 300.0 / 60.0
    at = result.series.iloc[[600, 601, 720]]
    # 80 kW of grid power are lost at 10:00; 50 kW more are shed and served from 12:00.
    served = min(250.0, 240.0) - 200.0
    steady = np.array([-80.0, 0.0, -served]) / stiffness
    mean = 60.0 + steady * (15.0 / 60.0) * (1.0 - math.exp(-4.0))
    assert at["frequency"].to_numpy() == pytest.approx(mean, abs=1e-9)
    assert at["frequency_min"].iloc[1] == 60.0
    nadirs = {event.kind: event.transient.nadir_hz for event in result.events}
    assert at["frequency_min"].iloc[0] == nadirs["islanding"]
    assert at["frequency_min"].iloc[2] == nadirs["load_step"]
    assert result.metrics.frequency_hz.rocof == pytest.approx(80.0 * 60.0 / (2 * 0.8 * 300.0))
    assert result.metrics.energy_kwh.shed == pytest.approx(10.0 * 2.0)


def test_a_genset_that_is_off_cannot_catch_an_island_that_the_battery_cannot_hold() -> None:
    day = constant_day(load=200.0, genset=0.0, battery=0.0)
    result = simulate(mds_plant(), day, Scenario(island="10:00-11:00"))
    assert not result.feasible
    codes = [note.code for note in result.warnings]
    assert "simulation.no_support" in codes
    assert result.metrics.frequency_hz.nadir is None
    held = simulate(mds_plant(), day, Scenario(island="10:00-11:00", load_scale=0.4))
    assert held.feasible
    assert held.metrics.frequency_hz.nadir == pytest.approx(60.0 - 0.02 * 60.0 * 0.8, abs=1e-6)


def test_an_island_that_nothing_forms_is_infeasible_and_has_no_voltage() -> None:
    day = constant_day(load=50.0, pv=60.0)
    result = simulate(mds_plant(battery=None, genset=None), day, Scenario(island="10:00-11:00"))
    assert not result.feasible
    assert "simulation.nothing_forms_island" in [note.code for note in result.warnings]
    island = result.series["islanded"]
    assert result.series.loc[island, ["bus_voltage", "frequency"]].isna().all().all()
    assert result.details.survival_h == 0.0


def test_load_is_shed_in_the_order_of_its_groups() -> None:
    groups = (
        LoadGroup(name="hospital", share=0.5, priority=0, critical=True),
        LoadGroup(name="car park", share=0.2, priority=9),
        LoadGroup(name="offices", share=0.3, priority=1),
    )
    day = constant_day(load=400.0, genset=240.0, battery=0.0)
    plant = mds_plant(load_groups=groups, battery=None)
    result = simulate(plant, day, Scenario(island="00:00-24:00"))
    # 160 kW can't be served: the car park's 80 kW first, then 80 kW of the offices.
    expected = {"car park": 80.0 * 24, "offices": 80.0 * 24, "hospital": 0.0}
    assert result.details.shed_kwh == pytest.approx(expected, abs=1e-6)
    assert result.metrics.energy_kwh.unserved == pytest.approx(0.0, abs=1e-6)


def test_the_genset_keeps_its_minimum_times() -> None:
    rng = np.random.default_rng(5)
    load = np.repeat(rng.uniform(10.0, 160.0, 288), 5)
    day = constant_day(load=load, genset=0.0, battery=0.0)
    result = simulate(mds_plant(), day, Scenario(island="00:00-24:00", soc_start=0.5))
    on = result.series["genset_on"].to_numpy().astype(int)
    edges = np.flatnonzero(np.diff(on))
    assert len(edges) > 4
    for first, last in pairwise(edges):
        assert last - first >= (30 if on[first + 1] else 10)


def test_the_battery_holds_the_import_at_its_target_until_it_is_empty() -> None:
    day = constant_day(load=150.0, battery=0.0)
    scenario = Scenario(battery="import_target", import_target_kw=100.0, soc_start=0.95)
    result = simulate(mds_plant(), day, scenario)
    grid = result.series["grid"].to_numpy()
    # 93.6 kWh at 50 kW last 112 full minutes.
    assert grid[:112] == pytest.approx(np.full(112, 100.0))
    assert grid[113:] == pytest.approx(np.full(1440 - 113, 150.0))
    assert result.metrics.soc.end == pytest.approx(0.30, abs=1e-12)


def test_a_battery_emptied_by_an_island_cannot_follow_its_measured_discharge() -> None:
    battery = np.zeros(1440)
    battery[1000:1060] = 40.0
    day = constant_day(load=60.0, battery=battery)
    plant = mds_plant(genset=None)
    untouched = simulate(plant, day, Scenario(soc_start=0.9))
    assert untouched.series["battery"].to_numpy() == pytest.approx(battery)
    after = simulate(plant, day, Scenario(soc_start=0.9, island="08:00-12:00"))
    assert after.series["soc"].min() == pytest.approx(0.30, abs=1e-12)
    assert after.series["battery"].to_numpy()[1000:1060] == pytest.approx(np.zeros(60), abs=1e-9)


def test_voltage_collapse_is_flagged_and_has_no_number() -> None:
    plant = mds_plant()
    weak = with_parameters(plant.network, source_r_ohm=0.2, line_r_ohm=0.1)
    result = simulate(replace(plant, network=weak), measured_like_day(), Scenario(load_scale=1.5))
    assert not result.feasible
    assert "simulation.voltage_collapse" in [note.code for note in result.warnings]
    volts = result.series["bus_voltage"].to_numpy()
    gone = int(np.isnan(volts).sum())
    assert 0 < gone < 1440
    assert result.details.minutes_collapsed == gone
    a, b = (
        np.count_nonzero((volts < low * 480) | (volts > high * 480))
        for low, high in ((0.95, 1.05), (440 / 480, 508 / 480))
    )
    assert result.details.minutes_outside_a == gone + a
    assert result.details.minutes_outside_b == gone + b


def test_without_a_network_voltages_are_given_only_where_nothing_changes() -> None:
    day = measured_like_day()
    plant = mds_plant(network=None)
    same = simulate(plant, day)
    assert same.series["bus_voltage"].to_numpy() == pytest.approx(day.frame["bus_voltage"])
    changed = simulate(plant, day, Scenario(load_scale=1.1))
    assert changed.series["bus_voltage"].isna().all()
    assert changed.metrics.voltage_v.bus.min is None


def test_the_profile_that_reads_ge_as_load_has_no_genset() -> None:
    assert mds_plant("as_published").genset is None
    assert mds_plant("gas_engine").genset is not None


def test_the_json_has_the_agreed_shape_and_no_nan() -> None:
    day = with_gaps(measured_like_day(), (0, 30))
    result = simulate(mds_plant(), day, Scenario(island="18:00-19:30"))
    plain = json.loads(result.report().model_dump_json())
    assert list(plain) == ["site", "date", "scenario", "feasible", "warnings", "metrics"]
    shape = {
        "energy_kwh": [
            "load", "pv", "fuel_cell", "genset", "battery_charge", "battery_discharge",
            "grid_import", "grid_export", "shed", "unserved", "curtailed",
        ],
        "voltage_v": ["bus", "mccb", "receiving"],
        "frequency_hz": ["min", "max", "nadir", "rocof"],
        "soc": ["min", "end"],
    }  # fmt: skip
    assert {k: list(plain["metrics"][k]) for k in shape} == shape
    assert list(plain["metrics"]["voltage_v"]["bus"]) == ["min", "max"]
    assert plain["metrics"]["max_balance_error_kw"] < 1e-9
    text = result.series_report().model_dump_json()
    assert "NaN" not in text
    full = json.loads(text)
    assert len(full["series"]) == 1440
    assert full["series"][0]["load"] is None
    assert full["series"][0]["time"] == "2022-08-15T00:00:00-07:00"
    assert full["series"][1100]["islanded"] is True
    assert SimulationReport.model_validate(plain).metrics == result.metrics
    assert len(SimulationSeriesReport.model_validate(full).series) == 1440


def test_every_parameter_of_the_plant_has_a_unit_and_a_source() -> None:
    rows = {row.name: row for row in mds_plant().parameters()}
    assert rows["network.line_r_ohm"].source == "calibrated"
    assert rows["genset.max_kw"].source == "nameplate"
    assert rows["battery.power_kw"].source == "assumed"
    assert all(row.unit and row.source and row.note for row in rows.values())
    assert len(rows) == 37


def test_an_average_day_is_the_mean_of_minutes_with_all_powers() -> None:
    index = minute_index(3 * 1440)
    load = np.repeat([100.0, 200.0, 330.0], 1440)
    pv = np.repeat([10.0, 20.0, 30.0], 1440)
    frame = pd.DataFrame({"load": load, "pv": pv}, index=index)
    frame.iloc[2 * 1440 : 2 * 1440 + 60, 1] = np.nan
    day = average_day(frame, "test", DAY, DAY + pd.Timedelta(days=2), ZONE)
    assert day.label == "2022-08-15/2022-08-17"
    assert day.frame["load"].iloc[0] == 150.0
    assert day.frame["load"].iloc[60] == pytest.approx(210.0)
    assert day.coverage == 1.0
    assert len(day.frame) == 1440
    (note,) = day.notes
    assert note.params == {"days": 3, "of": 3, "coverage": 71 / 72, "least": 2}
    longer = average_day(frame, "test", DAY, DAY + pd.Timedelta(days=3), ZONE)
    assert longer.notes[0].params == {"days": 3, "of": 4, "coverage": 71 / 96, "least": 2}


def test_an_hour_that_is_there_twice_counts_once_for_its_day() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    first, last = date(2023, 11, 4), date(2023, 11, 5)
    index = pd.date_range("2023-11-04 07:00", "2023-11-06 08:00", freq="min", tz="UTC")
    load = np.where(index.tz_convert(zone).day == 5, 10.0, 1.0)
    frame = pd.DataFrame({"load": load}, index=index)
    day = average_day(frame, "test", first, last, zone)
    assert day.frame["load"].tolist() == [5.5] * 1440
    assert day.notes[0].params == {"days": 2, "of": 2, "coverage": 1.0, "least": 2}


def test_an_hour_that_the_result_lacks_says_nothing_of_its_minutes() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    index = pd.date_range("2023-03-12 08:00", "2023-03-14 07:00", freq="min", tz="UTC")
    frame = pd.DataFrame({"load": np.ones(len(index))}, index=index)
    day = average_day(frame, "test", date(2023, 3, 12), date(2023, 3, 13), zone)
    assert len(day.frame) == 23 * 60
    assert day.notes[0].params["least"] == 2


def test_quarter_hours_stand_for_their_minutes_and_say_so() -> None:
    index = minute_index()[::15]
    frame = pd.DataFrame({"grid": np.arange(96.0), "pv": 2.0}, index=index)
    frame.iloc[10] = np.nan
    day = measured_day(frame, "trade", DAY, ZONE, interval_s=900)
    assert day.frame["load"].iloc[:15].tolist() == [2.0] * 15
    assert day.frame["load"].iloc[15] == 3.0
    assert day.frame["load"].iloc[150:165].isna().all()
    assert {note.code for note in day.notes} == {
        "simulation.coarse_interval",
        "simulation.load_derived",
        "simulation.minutes_missing",
    }


def test_days_without_enough_data_are_refused_in_one_line() -> None:
    day = measured_like_day()
    with pytest.raises(
        NoDataError, match=r"has data for 49% of 2022-08-15; a simulation needs 50%"
    ):
        with_gaps(day, (0, 730))
    with pytest.raises(NoDataError, match="has no data on 2022-08-15"):
        with_gaps(day, (0, 1440))
    assert with_gaps(day, (0, 720)).coverage == 0.5


@pytest.mark.parametrize(
    ("day", "minutes", "islanded"), [("2022-03-13", 1380, 60), ("2022-11-06", 1500, 180)]
)
def test_days_of_a_clock_change_have_their_own_length(
    day: str, minutes: int, islanded: int
) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    index = pd.date_range(f"{day} 00:00", periods=3000, freq="min", tz=zone).tz_convert("UTC")
    frame = pd.DataFrame({"load": 100.0, "genset": 100.0}, index=index)
    measured = measured_day(frame, "test", date.fromisoformat(day), zone)
    result = simulate(mds_plant(), measured, Scenario(island="01:00-03:00"))
    assert len(result.series) == minutes
    assert result.details.minutes_islanded == islanded
    assert result.metrics.energy_kwh.load == pytest.approx(100.0 * minutes / 60.0)


def test_the_fuel_cell_keeps_ramping_while_data_are_missing() -> None:
    fuel_cell = np.zeros(1440)
    fuel_cell[3:6] = np.nan
    day = constant_day(load=100.0, fuel_cell=fuel_cell)
    result = simulate(mds_plant(), day, Scenario(fuel_cell_kw=80.0))
    power = result.series["fuel_cell"].to_numpy()[:9]
    nothing = math.nan
    expected = [0, 10, 20, nothing, nothing, nothing, 60, 70, 80]
    assert power == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_a_fuel_cell_that_an_island_held_back_ramps_up_to_its_measured_power_again() -> None:
    day = constant_day(load=20.0, fuel_cell=40.0, battery=0.0)
    scenario = Scenario(island="00:01-00:11", soc_start=0.95)
    result = simulate(mds_plant(genset=None), day, scenario)
    power = result.series["fuel_cell"].to_numpy()
    assert power[:14] == pytest.approx([40, 30, *[20] * 9, 30, 40, 40], abs=1e-9)
    assert result.details.surplus_kwh == pytest.approx(10.0 / 60.0)
    assert not result.feasible


def test_genset_and_battery_hold_an_islands_frequency_together() -> None:
    load = np.full(1440, 150.0)
    load[720:] = 180.0
    day = constant_day(load=load, genset=150.0, battery=0.0)
    result = simulate(mds_plant(), day, Scenario(island="10:00-14:00", soc_start=0.6))
    stiffness = 300.0 / (0.05 * 60.0) + 300.0 / 60.0 + 100.0 / (0.02 * 60.0)
    mean = 60.0 - 30.0 / stiffness * (15.0 / 60.0) * (1.0 - math.exp(-4.0))
    assert result.series["frequency"].iloc[720] == pytest.approx(mean, abs=1e-9)


def test_an_island_charges_its_battery_no_faster_than_its_power() -> None:
    day = constant_day(load=0.0, pv=150.0, battery=0.0)
    result = simulate(mds_plant(genset=None), day, Scenario(island="00:00-00:30", soc_start=0.30))
    island = result.series[result.series["islanded"]]
    assert island["battery"].to_numpy() == pytest.approx(np.full(30, -100.0))
    assert island["curtailed"].to_numpy() == pytest.approx(np.full(30, 50.0))
    assert island["soc"].iloc[-1] == pytest.approx(0.30 + 100.0 * 0.9 * 0.5 / 160.0)


def test_a_battery_filled_by_an_island_cannot_follow_its_measured_charge() -> None:
    battery = np.zeros(1440)
    battery[1000:1060] = -40.0
    day = constant_day(load=10.0, pv=60.0, battery=battery)
    result = simulate(mds_plant(genset=None), day, Scenario(soc_start=0.5, island="08:00-12:00"))
    assert result.series["soc"].max() == pytest.approx(0.95, abs=1e-12)
    assert result.series["battery"].to_numpy()[1000:1060] == pytest.approx(np.zeros(60), abs=1e-9)


def test_an_energy_that_is_hardly_any_is_not_written_as_none() -> None:
    day = constant_day(load=30.0 - 1e-4, fuel_cell=40.0, battery=0.0)
    scenario = Scenario(island="00:01-00:02", soc_start=0.95)
    result = simulate(mds_plant(genset=None), day, scenario)
    (note,) = [n for n in result.warnings if n.code == "simulation.surplus"]
    assert not result.feasible
    assert note.text == "0.00000167 kWh have nowhere to go in the island."
    assert texts_for("en").note(note) == "0.00000167 kWh have nowhere to go in the island"
    assert texts_for("fr").note(note).startswith("0,00000167 kWh n’ont nulle part")


def test_a_battery_lost_all_day_has_no_state_of_charge_to_assume() -> None:
    def codes(scenario: Scenario) -> set[str]:
        result = simulate(mds_plant(), constant_day(load=20.0, battery=0.0), scenario)
        return {note.code for note in result.warnings}

    assumed = "simulation.soc_assumed"
    assert assumed in codes(Scenario())
    assert assumed in codes(Scenario(lost=("battery",), lost_from="12:00"))
    assert assumed not in codes(Scenario(lost=("battery",)))
    assert assumed not in codes(Scenario(soc_start=0.6))


def test_a_battery_lost_all_day_has_no_state_of_charge_that_was_counted() -> None:
    counted = Note(code="simulation.soc_counted", text="counted")
    other = Note(code="simulation.coarse_interval", text="coarse")
    day = replace(constant_day(load=20.0, battery=0.0), soc_start=0.6, notes=(counted, other))
    whole = simulate(mds_plant(), day, Scenario(lost=("battery",))).warnings
    later = simulate(mds_plant(), day, Scenario(lost=("battery",), lost_from="12:00")).warnings
    assert counted not in whole
    assert other in whole
    assert counted in later
    assert other in later


@pytest.mark.parametrize(
    ("interval_s", "words"),
    [(10, "10-second data"), (90, "90-second data"), (900, "15-minute data"), (3600, "1-hour")],
)
def test_what_cannot_validate_a_transient_is_the_sites_own_interval(
    interval_s: int, words: str
) -> None:
    plant = mds_plant(interval_s=interval_s)
    result = simulate(plant, measured_like_day(), Scenario(island="10:00-11:00"))
    (note,) = [n for n in result.warnings if n.code == "simulation.typical_machines"]
    assert words in note.text
