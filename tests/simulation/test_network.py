"""Voltages: the power flow against its oracle, and both against a phasor."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.simulation.network import (
    Feeder,
    feeder_voltages,
    feeder_voltages_closed_form,
    island_voltage,
    source_voltage,
    two_bus_voltage,
)

MDS = Feeder(0.004, 0.012, 0.00395, 0.0, 0.00395, 0.0)
ohm = st.one_of(st.just(0.0), st.floats(1e-4, 0.02))


@settings(max_examples=60, deadline=None)
@given(
    impedances=st.tuples(ohm, ohm, ohm, ohm, ohm, ohm),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_power_flow_agrees_with_the_closed_form(
    impedances: tuple[float, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    feeder = Feeder(*impedances)
    e = rng.uniform(450.0, 510.0, 25)
    p, q = rng.uniform(-400.0, 500.0, 25), rng.uniform(-100.0, 200.0, 25)
    flow = feeder_voltages(feeder, 480.0, e, p, q)
    oracle = feeder_voltages_closed_form(feeder, e, p, q)
    # Near the nose of the curve Newton stops at its last digits: judge where the grid is usable.
    usable = oracle.bus > 0.7 * e
    for engine, exact in zip(flow, oracle, strict=True):
        assert np.abs(engine - exact)[usable].max(initial=0.0) < 1e-6


@settings(max_examples=200, deadline=None)
@given(
    e=st.floats(440.0, 520.0),
    r=st.floats(0.0, 0.03),
    x=st.floats(0.0, 0.03),
    p=st.floats(-500.0, 500.0),
    q=st.floats(-200.0, 200.0),
)
def test_the_closed_form_satisfies_ohms_law_by_phasors(
    e: float, r: float, x: float, p: float, q: float
) -> None:
    v = float(two_bus_voltage(e, r, x, p, q))
    if math.isnan(v):
        assert (2e3 * (r * p + x * q) - e * e) ** 2 < 4e6 * (r * r + x * x) * (p * p + q * q)
        return
    current = (complex(p, q) * 1e3 / (math.sqrt(3) * v)).conjugate()
    source = v / math.sqrt(3) + complex(r, x) * current
    assert abs(source) * math.sqrt(3) == pytest.approx(e, abs=1e-6)
    assert float(source_voltage(v, r, x, p, q)) == pytest.approx(e, abs=1e-6)


def test_voltages_fall_along_the_feeder_by_the_phasor_of_each_section() -> None:
    p, q = np.array([250.0]), np.array([80.0])
    voltages = feeder_voltages(MDS, 480.0, np.array([485.0]), p, q)
    bus = float(voltages.bus[0])
    current = (complex(250.0, 80.0) * 1e3 / (math.sqrt(3) * bus)).conjugate()
    phasor = complex(bus / math.sqrt(3))
    sections = (
        (MDS.lower_r, MDS.lower_x),
        (MDS.upper_r, MDS.upper_x),
        (MDS.source_r, MDS.source_x),
    )
    for (r, x), measured in zip(
        sections, (voltages.mccb[0], voltages.receiving[0], 485.0), strict=True
    ):
        phasor += complex(r, x) * current
        assert abs(phasor) * math.sqrt(3) == pytest.approx(float(measured), abs=1e-6)
    assert cmath.phase(phasor) > 0


def test_a_step_without_solution_is_nan_and_leaves_the_others_alone() -> None:
    p = np.array([100.0, 60_000.0, 100.0, np.nan])
    quiet = np.zeros(4)
    voltages = feeder_voltages(MDS, 480.0, np.full(4, 480.0), p, quiet)
    for series in voltages:
        assert np.isnan(series[[1, 3]]).all()
        assert series[0] == series[2]
    alone = feeder_voltages(MDS, 480.0, np.full(1, 480.0), p[:1], quiet[:1])
    assert voltages.bus[0] == pytest.approx(float(alone.bus[0]), abs=1e-9)


def test_nothing_known_gives_nothing() -> None:
    unknown = np.full(3, np.nan)
    assert np.isnan(feeder_voltages(MDS, 480.0, unknown, unknown, unknown).bus).all()


def test_an_islands_voltage_droops_with_reactive_power() -> None:
    assert island_voltage(477.0, 0.04, 0.0, 300.0) == 477.0
    assert island_voltage(477.0, 0.04, 150.0, 300.0) == pytest.approx(477.0 * 0.98)
