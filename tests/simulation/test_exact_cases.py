"""The 17 exact cases of the simulation's specification, each with its numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from microgrid_lib.simulation.dispatch import (
    BatteryLimits,
    Control,
    Flows,
    GensetLimits,
    Inputs,
    Units,
    dispatch,
    shed_by_priority,
)
from microgrid_lib.simulation.frequency import (
    Droop,
    Machine,
    Support,
    droop_response,
    grid_forming_transient,
    machine_transient,
    rocof,
    steady_deviation,
)
from microgrid_lib.simulation.network import source_voltage, two_bus_voltage
from microgrid_lib.simulation.plant import split_load
from microgrid_lib.simulation.scenario import Scenario
from microgrid_lib.simulation.simulate import simulate
from tests.simulation.sites import constant_day, mds_plant

MINUTE = 1.0 / 60.0
BATTERY = BatteryLimits(100.0, 160.0, 0.9, 0.9, 0.30, 0.95)
GENSET = GensetLimits(72.0, 240.0, 0.5, 1.0 / 6.0)
DEFAULT = Machine(300.0, 240.0, 0.8, 0.05, 0.05, 0.15, 1.4)
WITHOUT_SECONDARY = Machine(300.0, 240.0, 0.8, 0.05, 0.05, 0.15, 0.0)
SINGLE_LAG = Machine(300.0, 240.0, 0.8, 0.05, 0.0, 0.15, 0.0)
BESIDE = Support(100.0, 0.02, 0.05, -100.0, 100.0)


def island(
    units: Units,
    load: float,
    *,
    n: int = 1,
    pv: float = 0.0,
    fuel_cell: float = 0.0,
    soc: float = 0.5,
    genset: float = 0.0,
) -> Flows:
    constant = {"load": load, "pv": pv, "fuel_cell": fuel_cell, "genset": genset}
    inputs = Inputs(
        **{name: np.full(n, value) for name, value in constant.items()},
        battery=np.zeros(n),
        residual=np.zeros(n),
        islanded=np.ones(n, dtype=np.bool_),
        valid=np.ones(n, dtype=np.bool_),
        battery_out=np.zeros(n, dtype=np.bool_),
        genset_out=np.zeros(n, dtype=np.bool_),
        fuel_cell_out=np.zeros(n, dtype=np.bool_),
    )
    return dispatch(inputs, units, Control(hours=MINUTE, soc_start=soc))


def test_case_01_without_impedance_the_voltage_is_the_sources() -> None:
    assert two_bus_voltage(485.0, 0.0, 0.0, 300.0, 100.0) == 485.0


@pytest.mark.parametrize(
    ("r", "x", "p", "volts"),
    [
        (0.01, 0.0, 100.0, 477.9075450674),
        (0.01, 0.0, -50.0, 481.0394158639),
        (0.0, 0.02, 100.0, 479.9819138056),
    ],
)
def test_case_02_voltage_behind_a_resistance_or_a_reactance(
    r: float, x: float, p: float, volts: float
) -> None:
    assert two_bus_voltage(480.0, r, x, p) == pytest.approx(volts, abs=1e-9)


def test_case_03_active_and_reactive_power_behind_an_impedance_and_back() -> None:
    volts = float(two_bus_voltage(480.0, 0.01, 0.02, 200.0, 60.0))
    assert volts == pytest.approx(473.1835122353, abs=1e-9)
    assert source_voltage(volts, 0.01, 0.02, 200.0, 60.0) == pytest.approx(480.0, abs=1e-9)
    current = complex(200e3, -60e3) / (math.sqrt(3) * volts)
    phase_source = volts / math.sqrt(3) + complex(0.01, 0.02) * current
    delivered = 3 * (phase_source * current.conjugate()).real
    assert delivered == pytest.approx(200e3 + 3 * abs(current) ** 2 * 0.01, abs=1e-6)


def test_case_04_the_largest_power_halves_the_voltage_and_more_collapses_it() -> None:
    assert two_bus_voltage(480.0, 0.01, 0.0, 5760.0) == pytest.approx(240.0, abs=1e-6)
    assert math.isnan(two_bus_voltage(480.0, 0.01, 0.0, 5760.1))


@pytest.mark.parametrize(("damping", "hertz"), [(0.0, 59.0), (1.0, 59.0476190)])
def test_case_05_steady_frequency_of_one_genset(damping: float, hertz: float) -> None:
    units = [Droop(300.0, 0.05)]
    deviation = steady_deviation(100.0, units, damping * 300.0 / 60.0, 60.0)
    assert 60.0 + deviation == pytest.approx(hertz, abs=1e-7)
    settled = machine_transient(WITHOUT_SECONDARY, 100.0, 100.0, damping, 60.0, limited=False)
    assert settled.final_hz == pytest.approx(hertz, abs=1e-6)


def test_case_06_initial_rate_of_change_of_frequency() -> None:
    assert rocof(100.0, 0.8, 300.0, 60.0) == pytest.approx(12.5, rel=1e-12)
    fine = machine_transient(DEFAULT, 100.0, 100.0, 1.0, 60.0, step_s=1e-5, horizon_s=1e-3)
    slope = (fine.frequency_hz[1] - fine.frequency_hz[0]) / 1e-5
    assert slope == pytest.approx(-12.5, rel=1e-4)


def test_case_07_nadir_behind_a_single_lag() -> None:
    fine = machine_transient(SINGLE_LAG, 100.0, 100.0, 1.0, 60.0, limited=False, step_s=2e-4)
    assert fine.nadir_hz == pytest.approx(58.4660523, abs=2e-6)
    assert fine.nadir_s == pytest.approx(0.221498, abs=2e-4)
    usual = machine_transient(SINGLE_LAG, 100.0, 100.0, 1.0, 60.0, limited=False)
    assert usual.nadir_hz == pytest.approx(58.4660523, abs=1e-3)


def test_case_08_nadir_behind_two_lags() -> None:
    usual = machine_transient(WITHOUT_SECONDARY, 100.0, 100.0, 1.0, 60.0, limited=False)
    assert usual.nadir_hz == pytest.approx(58.08965, abs=1e-3)
    assert usual.nadir_s == pytest.approx(0.244, abs=5e-3)


def test_case_09_the_default_plant_from_100_kw() -> None:
    alone = machine_transient(DEFAULT, 100.0, 100.0, 1.0, 60.0)
    assert alone.nadir_hz == pytest.approx(58.0645, abs=2e-3)
    helped = machine_transient(DEFAULT, 100.0, 100.0, 1.0, 60.0, BESIDE)
    assert helped.nadir_hz == pytest.approx(58.9989, abs=2e-3)
    beyond = machine_transient(DEFAULT, 100.0, 150.0, 1.0, 60.0)
    assert beyond.nadir_hz == pytest.approx(56.42, abs=5e-3)
    assert beyond.final_hz == pytest.approx(58.00, abs=2e-3)
    assert beyond.tripped
    assert not helped.tripped


def test_case_10_two_droop_units_share_a_step() -> None:
    units = [Droop(240.0, 0.05), Droop(100.0, 0.02)]
    deviation = steady_deviation(100.0, units, 0.0, 60.0)
    assert 60.0 + deviation == pytest.approx(59.3877551, abs=1e-7)
    assert droop_response(deviation, units, 60.0) == pytest.approx([48.9796, 51.0204], abs=5e-5)


def test_case_11_a_grid_forming_battery_alone() -> None:
    transient = grid_forming_transient(100.0, 0.01, 0.1, 50.0, 60.0)
    assert transient.final_hz == pytest.approx(59.7, abs=1e-9)
    assert transient.rocof_hz_per_s == pytest.approx(3.0, rel=1e-12)
    assert transient.frequency_hz[20] == pytest.approx(59.7 + 0.3 * math.exp(-1.0), abs=1e-12)


def test_case_12_an_hour_of_50_kw_costs_a_third_of_the_charge() -> None:
    assert BATTERY.after(0.9, 50.0, 1.0) - 0.9 == pytest.approx(-0.3472222, abs=5e-8)


def test_case_13_a_full_battery_carries_50_kw_for_112_minutes() -> None:
    flows = island(Units(battery=BATTERY), 50.0, n=240, soc=0.95)
    served = flows.load - flows.unmet
    assert int(np.count_nonzero(served > 50.0 - 1e-9)) == 112
    assert served.sum() * MINUTE / 50.0 == pytest.approx(1.872, abs=1e-9)
    assert flows.unmet.sum() * MINUTE == pytest.approx(106.4, abs=1e-9)
    assert flows.soc[-1] == pytest.approx(0.30, abs=1e-12)


@pytest.mark.parametrize(("load", "shed", "unserved"), [(400.0, 120.0, 0.0), (600.0, 240.0, 80.0)])
def test_case_14_the_genset_alone_sheds_by_priority(
    load: float, shed: float, unserved: float
) -> None:
    units = Units(battery=BATTERY, genset=GENSET)
    flows = island(units, load, fuel_cell=40.0, soc=0.30, genset=240.0)
    assert flows.genset[0] == 240.0
    lost = shed_by_priority(flows.load, flows.unmet, split_load(0.6))
    assert lost["non-critical"][0] == pytest.approx(shed, abs=1e-9)
    assert lost["critical"][0] == pytest.approx(unserved, abs=1e-9)


def test_case_15_surplus_sun_is_curtailed() -> None:
    flows = island(Units(battery=BATTERY), 20.0, pv=50.0, soc=0.95)
    assert flows.curtailed[0] == pytest.approx(30.0, abs=1e-9)
    assert flows.pv[0] == pytest.approx(20.0, abs=1e-9)
    assert flows.surplus[0] == 0.0


def test_case_16_the_fuel_cell_ramps_to_80_kw_in_8_minutes() -> None:
    day = constant_day(load=100.0, fuel_cell=0.0)
    result = simulate(mds_plant("as_published"), day, Scenario(fuel_cell_kw=80.0))
    power = result.series["fuel_cell"].to_numpy()
    assert power[:10] == pytest.approx([0, 10, 20, 30, 40, 50, 60, 70, 80, 80], abs=1e-9)
    assert int(np.argmax(power >= 80.0)) == 8


def test_case_17_an_island_balances_without_the_grid_and_repeats_itself() -> None:
    day = constant_day(load=180.0, pv=30.0, fuel_cell=40.0, genset=100.0, battery=0.0)
    scenario = Scenario(island="06:00-18:00", load_scale=1.3, seed=7)
    first, again = (simulate(mds_plant(), day, scenario) for _ in range(2))
    assert first.metrics.max_balance_error_kw < 1e-9
    islanded = first.series["islanded"].to_numpy()
    assert int(islanded.sum()) == 720
    assert (first.series["grid"].to_numpy()[islanded] == 0.0).all()
    soc = first.series["soc"].to_numpy()
    assert soc.min() >= 0.30 - 1e-12
    assert soc.max() <= 0.95 + 1e-12
    assert first.report() == again.report()
    assert first.series.equals(again.series)
