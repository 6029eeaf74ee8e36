"""simulate: the day it reads from the store, what it prints, and how mistakes end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid_lib.api import open_site
from microgrid_lib.cli.simulate import ContingencyReport
from microgrid_lib.simulation.calibration_report import CalibrationReport
from microgrid_lib.simulation.contingency import n_minus_1
from microgrid_lib.simulation.metrics import SimulationReport, SimulationSeriesReport
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import simulate
from tests.cli.outcome import DemoHome, call

DAY = "2022-06-15"
ISLAND = ("--profile", "gas_engine", "--island", "17:00-20:00", "--load-scale", "1.3")
SCENARIO = Scenario(load_scale=1.3, island="17:00-20:00")
SMALL = """
schema_version = 1
name = "small"
title = "Small"
interval_s = {interval_s}
source_timezone = "UTC"
display_timezone = "Europe/Paris"
latitude = 48.4
longitude = 7.6
default_profile = "metered"
[nominal]
voltage_v = 400.0
frequency_hz = 50.0
[[sources]]
name = "meter"
files = ["*.csv"]
time_columns = ["time"]
time_formats = ["%Y-%m-%d %H:%M:%S"]
[channels.load_power]
columns = ["load"]
unit = "kW"
range = [0.0, 10000.0]
[profiles.metered]
title = "Metered"
[profiles.metered.roles]
load = "load_power"
"""
Rows = list[tuple[datetime, float | None]]
Store = Callable[[int, Rows], None]


@pytest.fixture
def store(home: Path) -> Store:
    """Puts load into the store of a small site."""

    def put(interval_s: int, rows: Rows) -> None:
        (home / "sites").mkdir()
        text = SMALL.format(interval_s=interval_s)
        (home / "sites" / "small.toml").write_text(text, encoding="utf-8")
        cells = (f"{at:%Y-%m-%d %H:%M:%S},{'' if kw is None else kw}" for at, kw in rows)
        (home / "load.csv").write_text("\n".join(["time,load", *cells]) + "\n", encoding="utf-8")
        call("ingest", "--site", "small", str(home / "load.csv")).done()

    return put


def assert_same(first: object, second: object) -> None:
    """Equal; numbers but for their last digits, since threads add up in any order."""
    if isinstance(first, float) and isinstance(second, float):
        assert first == pytest.approx(second, rel=1e-9, abs=1e-9)
    elif isinstance(first, dict) and isinstance(second, dict):
        assert list(first) == list(second)
        for key, value in first.items():
            assert_same(value, second[key])
    elif isinstance(first, list) and isinstance(second, list):
        assert len(first) == len(second)
        for pair in zip(first, second, strict=True):
            assert_same(*pair)
    else:
        assert first == second


def samples(start: str, interval_s: int, n: int) -> Rows:
    """Samples that count 0, 1, ... from an instant."""
    first = datetime.fromisoformat(start)
    return [(first + timedelta(seconds=interval_s * i), float(i)) for i in range(n)]


def test_a_day_is_the_means_of_its_minutes_in_the_file(demo: DemoHome) -> None:
    raw = pd.read_csv(demo.path / "demo" / "mesa_del_sol" / "Jun_2022.csv", low_memory=False)
    raw = raw[raw["Timestamp"].str.startswith("2022/06/15")].drop_duplicates("Timestamp")
    minute = raw["Timestamp"].str.slice(11, 16)
    day = open_site("mesa_del_sol").simulation_day(DAY)
    start = pd.Timestamp("2022-06-15T07:00Z")
    assert list(day.frame.index) == list(pd.date_range(start, periods=1440, freq="min"))
    for column, role in (("PVPCS_Active_Power", "pv"), ("MG-LV-MSB_AC_Voltage", "bus_voltage")):
        values = raw[column].astype(float)
        by_minute = values.mask(values == -999999.0).groupby(minute)
        expected = by_minute.mean().where(by_minute.count() >= 3)
        clock = [f"{n // 60:02d}:{n % 60:02d}" for n in range(1440)]
        np.testing.assert_allclose(day.frame[role], expected.reindex(clock), rtol=1e-12)


def test_a_minute_needs_half_of_its_samples(store: Store) -> None:
    # 12 hours from local midnight: the first minute keeps two samples, the second three.
    rows = samples("2022-01-10T23:00:00", 10, 24 * 360)
    gone = {0, 1, 2, 5, 6, 8, 10}
    store(10, [(at, None if i in gone else kw) for i, (at, kw) in enumerate(rows)])
    load = open_site("small").simulation_day("2022-01-11").frame["load"].to_numpy()
    assert np.isnan(load[0])
    assert load[1] == (7 + 9 + 11) / 3
    assert list(load[2:]) == [6 * n + 2.5 for n in range(2, 1440)]


@pytest.mark.parametrize("interval_s", [1800, 900, 300, 100, 60, 20])
def test_the_longest_day_has_the_means_of_whatever_interval(store: Store, interval_s: int) -> None:
    # Clocks go back: 25 hours. A hundred seconds don't make up minutes, three of them do.
    whole_s = 300 if interval_s == 100 else max(60, interval_s)
    store(interval_s, samples("2022-10-29T22:00:00", interval_s, 25 * 3600 // interval_s))
    day = open_site("small").simulation_day("2022-10-30")
    per = whole_s // interval_s
    first = np.arange(1500) * 60 // whole_s * per
    np.testing.assert_allclose(day.frame["load"], first + (per - 1) / 2)
    coarse = [note.params["minutes"] for note in day.notes if "coarse" in note.code]
    assert coarse == ([] if whole_s == 60 else [whole_s // 60])


def test_a_day_on_which_data_end_is_simulated_as_far_as_it_goes(store: Store) -> None:
    store(10, samples("2022-01-10T23:00:00", 10, 13 * 360 + 4))
    day = open_site("small").simulation_day(date(2022, 1, 11))
    assert int(day.valid.sum()) == 13 * 60 + 1
    assert not day.valid[13 * 60 + 1 :].any()
    report = call("simulate", "--site", "small", "--date", "2022-01-11", "--json")
    missing = {w.code: w for w in report.shaped(SimulationReport).warnings}
    assert missing["simulation.minutes_missing"].params["minutes"] == 1440 - 781


def test_less_than_half_a_day_ends_with_3(store: Store) -> None:
    store(10, samples("2022-01-10T23:00:00", 10, 11 * 360))
    asked = call("simulate", "--site", "small", "--date", "2022-01-11")
    assert "small has data for 46% of 2022-01-11; a simulation needs 50%" in asked.refused(3)


def test_the_state_of_charge_is_the_counted_one_where_it_is_known(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol")
    counted = data.soc(data.day(DAY), points=2).frame.iloc[0]
    assert counted["anchored"]
    day = data.simulation_day(DAY)
    assert day.soc_start == counted["soc"]
    (note,) = [note for note in day.notes if note.code == "simulation.soc_counted"]
    assert counted["soc"] - note.params["half_width"] == pytest.approx(counted["low"])
    start = call("simulate", "--date", DAY, "--series", "--json").shaped(SimulationSeriesReport)
    assert start.series[0].soc == pytest.approx(counted["soc"], abs=0.02)


def test_before_any_anchor_the_state_of_charge_is_assumed_and_said_to_be(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol")
    assert not data.soc(data.day("2022-06-01"), points=2).frame.iloc[0]["anchored"]
    report = call("simulate", "--date", "2022-06-01", "--json").shaped(SimulationReport)
    codes = {warning.code for warning in report.warnings}
    assert "simulation.soc_assumed" in codes
    assert "simulation.soc_counted" not in codes


def test_simulate_prints_what_the_library_simulates(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol", "gas_engine")
    expected = simulate(data.plant(), data.simulation_day(DAY), SCENARIO).report()
    printed = call("simulate", "--date", DAY, *ISLAND, "--json")
    report = printed.shaped(SimulationReport)
    assert list(json.loads(printed.out)) == [
        *("site", "date", "scenario", "feasible", "warnings", "metrics")
    ]
    assert_same(report.model_dump(), expected.model_dump())
    assert report.warnings[0].code == "synthetic_data"
    energy = report.metrics.energy_kwh
    sources = energy.pv + energy.fuel_cell + energy.genset + energy.grid_import
    served = energy.load - energy.shed - energy.unserved + energy.grid_export
    assert sources + energy.battery_discharge - energy.battery_charge == pytest.approx(served)
    words = call("simulate", "--date", DAY, *ISLAND).done()
    assert words.splitlines()[0] == "Mesa del Sol (gas_engine) · synthetic demo data"
    assert f"{DAY}, load_scale 1.3, island 17:00-20:00: " in words
    assert f"load                 {energy.load:.1f} kWh" in words


def test_the_island_lasts_from_its_start_to_its_end_by_local_clock(demo: DemoHome) -> None:
    asked = ("simulate", "--date", DAY, *ISLAND, "--series")
    steps = call(*asked, "--json").shaped(SimulationSeriesReport).series
    islanded = [step.time for step in steps if step.islanded]
    assert len(islanded) == 180
    assert islanded[0] == datetime.fromisoformat("2022-06-15T17:00:00-07:00")
    assert {step.grid for step in steps if step.islanded} <= {0.0, None}
    rows = list(csv.DictReader(io.StringIO(call(*asked).done())))
    assert len(rows) == len(steps) == 1440
    for row, step in zip(rows, steps, strict=True):
        assert datetime.fromisoformat(row["time"]) == step.time
        assert_same(float(row["load"]) if row["load"] else None, step.load)
        assert row["islanded"] == str(step.islanded)


def test_options_reach_the_scenario(demo: DemoHome) -> None:
    options = {
        "load_scale": 0.5,
        "pv_scale": 2.0,
        "fuel_cell_kw": 40.0,
        "island": "01:00-02:00,22:00-24:00",
        "battery": "import_target",
        "import_target_kw": 20.0,
        "battery_kw": 50.0,
        "soc_start": 0.6,
        "soc_reserve": 0.4,
        "load_step_kw": 25.0,
        "load_step": "10:00-11:00",
        "lost_from": "12:00",
        "seed": 7,
    }
    words = [[f"--{name.replace('_', '-')}", str(value)] for name, value in options.items()]
    asked = ("--profile", "gas_engine", "--lost", "pv", "--lost", "genset", "--json")
    done = call("simulate", "--date", DAY, *(part for pair in words for part in pair), *asked)
    assert done.shaped(SimulationReport).scenario == options | {"lost": ["pv", "genset"]}


def test_n_minus_1_adds_a_row_per_source(demo: DemoHome) -> None:
    report = call("simulate", "--date", DAY, *ISLAND, "--n-1", "--json").shaped(ContingencyReport)
    lost = [row.lost for row in report.contingencies]
    assert lost == [None, "grid", "pv", "fuel_cell", "genset", "battery"]
    data = open_site("mesa_del_sol", "gas_engine")
    rows = n_minus_1(data.plant(), data.simulation_day(DAY), SCENARIO)
    for row, expected in zip(report.contingencies, rows, strict=True):
        assert_same(row.model_dump(), expected.model_dump())
    words = call("simulate", "--date", DAY, *ISLAND, "--n-1").done()
    assert words.splitlines()[-6].startswith("-  ")
    assert words.splitlines()[-1].startswith("battery ")


def test_an_average_day_is_that_of_the_library(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol", "gas_engine")
    period = "2022-06-10/2022-06-16"
    options = ("--average", period, "--profile", "gas_engine", "--load-scale", "1.2", "--json")
    printed = SimulationReport.model_validate_json(call("simulate", *options).done())
    day = data.average_day("2022-06-10", "2022-06-16")
    expected = simulate(data.plant(), day, Scenario(load_scale=1.2)).report()
    assert printed.date == period
    assert_same(printed.model_dump(), expected.model_dump())
    assert "simulation.average_day" in [note.code for note in printed.warnings]


def test_the_days_that_can_be_simulated_can(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol", "gas_engine")
    days = data.simulation_days()
    assert len(days) == 30
    assert data.simulation_day(days[-1]).coverage >= 0.5


def test_calibrate_prints_what_the_library_finds(demo: DemoHome) -> None:
    options = ("--profile", "gas_engine", "--start", "2022-06", "--end", "2022-07")
    printed = CalibrationReport.model_validate_json(call("calibrate", *options, "--json").done())
    found = printed.calibration
    assert printed.interval_s == 60
    assert found.line.value_ohm == pytest.approx(0.0079, rel=0.02)
    assert found.source is not None
    assert found.held_out.rmse_v is not None
    assert found.held_out.rmse_v < 0.5
    assert found.held_out.baseline_receiving_v is not None
    assert found.held_out.rmse_v < found.held_out.baseline_receiving_v
    text = call("calibrate", *options).done()
    assert f"{1e3 * found.line.value_ohm:.3f}" in text
    assert "held out" in text


def test_a_calibration_on_hours_is_the_same_within_its_error(demo: DemoHome) -> None:
    data = open_site("mesa_del_sol", "gas_engine")
    report = data.calibration("2022-06", "2022-07", hours=True)
    assert report.interval_s == 3600
    assert report.calibration.line.value_ohm == pytest.approx(0.0079, rel=0.05)
    frame = data.held_out_voltages("2022-06", "2022-07", hours=True)
    assert len(frame) == report.calibration.intervals


def test_too_few_days_cannot_be_calibrated(demo: DemoHome) -> None:
    options = ("--profile", "gas_engine", "--start", "2022-06-01", "--end", "2022-06-04")
    assert "needs 6 days with synchronous data" in call("calibrate", *options).refused(3)


def test_what_is_not_feasible_says_why_and_is_no_mistake(demo: DemoHome) -> None:
    alone = ("--island", "00:00-24:00", "--lost", "battery")
    report = call("simulate", "--date", DAY, *alone, "--json").shaped(SimulationReport)
    assert report.feasible is False
    assert "simulation.nothing_forms_island" in {warning.code for warning in report.warnings}
    assert ": not feasible\n" in call("simulate", "--date", DAY, *alone).done()


MISUSE = [
    ((), "either --date DAY or --average FIRST/LAST"),
    (("--date", DAY, "--average", "2022-06-01/2022-06-02"), "either --date DAY or --average"),
    (("--average", "2022-06-01"), "'2022-06-01' isn't a period; use FIRST/LAST"),
    (("--average", "2022-06-09/2022-06-02"), "must not end before it starts"),
    (("--average", "2022-01-01/2022-12-31"), "an average day is of at most 92 days"),
    (("--date", DAY, "--load-step-kw", "5"), "--load-step-kw 5 needs its time, --load-step"),
    (("--date", DAY, "--lost-from", "12:00"), "--lost-from '12:00': no source is lost"),
    (("--date", DAY, "--soc-reserve", "-1"), "--soc-reserve -1 must be between 0 and 1"),
    (
        ("--date", DAY, "--critical-by-consumers"),
        "no consumer of mesa_del_sol states a rated power",
    ),
    (("--date", "2022-06"), "'2022-06' isn't a day; use YYYY-MM-DD"),
    (("--date", "2022-06-15T12:00"), "isn't a day"),
    (("--date", "2022-06-31"), "'2022-06-31': there is no such day"),
    (("--date", DAY, "--load-scale", "-1"), "--load-scale -1 must be between 0 and 100"),
    (("--date", DAY, "--load-scale", "nan"), "--load-scale nan must be between 0 and 100"),
    (("--date", DAY, "--island", "20:00-17:00"), "must start before it ends"),
    (("--date", DAY, "--island", "evening"), "use HH:MM-HH:MM"),
    (("--date", DAY, "--fuel-cell-kw", "500"), "above the fuel cell's rated 80 kW"),
    (("--date", DAY, "--soc-start", "2"), "--soc-start 2 must be between 0 and 1"),
    (("--date", DAY, "--seed", "-1"), "--seed -1 must be 0 or more"),
    (("--date", DAY, "--lost", "moon"), "'moon' is not one of 'grid'"),
    (("--date", DAY, "--lost", "genset"), "--lost: mesa_del_sol has no genset"),
    (("--date", DAY, "--battery", "idle"), "'idle' is not one of 'measured'"),
    (("--date", DAY, "--series", "--n-1"), "either --series or --n-1, not both"),
    (("--date", DAY, "--profile", "nope"), "known: as_published, gas_engine"),
]


@pytest.mark.parametrize(("arguments", "says"), MISUSE, ids=[" ".join(a) for a, _ in MISUSE])
def test_misuse_is_one_line(demo: DemoHome, arguments: tuple[str, ...], says: str) -> None:
    assert says in call("simulate", *arguments).refused(2)


def test_a_day_outside_the_data_ends_with_3_and_says_what_there_is(demo: DemoHome) -> None:
    assert "it has data from 2022-06-01 00:00" in call("simulate", "--date", "2022-05-30").refused(
        3
    )


def test_an_empty_store_ends_with_3_and_says_what_to_do(home: Path) -> None:
    assert "microgrid ingest" in call("simulate", "--date", DAY).refused(3)
