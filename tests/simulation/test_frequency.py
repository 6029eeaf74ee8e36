"""Frequency: the solver against scipy's, limits, stability, noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from microgrid_lib.simulation.errors import PlantError
from microgrid_lib.simulation.frequency import (
    Machine,
    Support,
    grid_forming_transient,
    grid_frequency,
    machine_transient,
)
from microgrid_lib.simulation.plant import check_stability
from tests.simulation.sites import mds_plant, with_parameters

DEFAULT = Machine(300.0, 240.0, 0.8, 0.05, 0.05, 0.15, 1.4)


def scipy_course(
    machine: Machine, initial: float, step: float, damping: float, support: Support | None
) -> tuple[np.ndarray, np.ndarray]:
    """The same equations by an adaptive solver, written down independently."""
    s_base = machine.rating_kva
    g_top, g_bottom = (machine.max_kw - initial) / s_base, -initial / s_base

    def derivative(_t: float, y: np.ndarray) -> list[float]:
        w, g, pm, pb, s = y
        g = min(g_top, max(g_bottom, g))
        gate = (s - w / machine.droop - g) / machine.governor_lag_s
        if (g >= g_top and gate > 0) or (g <= g_bottom and gate < 0):
            gate = 0.0
        battery = -pb
        if support is not None:
            k = support.max_kw / (s_base * support.droop)
            wanted = np.clip(-k * w, support.down_kw / s_base, support.up_kw / s_base)
            battery = (wanted - pb) / support.lag_s
        swing = (pm + pb - step / s_base - damping * w) / (2 * machine.inertia_s)
        return [swing, gate, (g - pm) / machine.engine_lag_s, battery, -machine.secondary_gain * w]

    times = np.linspace(0.0, 5.0, 1001)
    solved = solve_ivp(
        derivative, (0.0, 5.0), np.zeros(5), t_eval=times, max_step=1e-3, rtol=1e-8, atol=1e-10
    )
    return times, 60.0 * (1.0 + solved.y[0])


@pytest.mark.parametrize(
    ("initial", "step", "damping", "support"),
    [
        (100.0, 100.0, 1.0, None),
        (100.0, 100.0, 1.0, Support(100.0, 0.02, 0.05, -100.0, 100.0)),
        (100.0, 150.0, 1.0, None),
        (150.0, 120.0, 0.5, Support(100.0, 0.02, 0.05, -130.0, 40.0)),
        (120.0, -80.0, 1.5, Support(60.0, 0.03, 0.1, -10.0, 60.0)),
        (60.0, -75.0, 1.0, None),
    ],
)
def test_the_transient_agrees_with_scipy_within_2_millihertz(
    initial: float, step: float, damping: float, support: Support | None
) -> None:
    _, exact = scipy_course(DEFAULT, initial, step, damping, support)
    ours = machine_transient(DEFAULT, initial, step, damping, 60.0, support, horizon_s=5.0)
    n = len(ours.frequency_hz)
    assert n == 1001
    assert np.abs(ours.frequency_hz - exact[:n]).max() < 2e-3


@settings(max_examples=5, deadline=None)
@given(
    inertia=st.floats(0.7, 3.0),
    droop=st.floats(0.04, 0.08),
    step=st.floats(-90.0, 130.0),
    gain=st.floats(0.0, 2.0),
)
def test_random_machines_agree_with_scipy_within_2_millihertz(
    inertia: float, droop: float, step: float, gain: float
) -> None:
    machine = Machine(300.0, 240.0, inertia, droop, 0.05, 0.15, gain)
    _, exact = scipy_course(machine, 100.0, step, 1.0, None)
    ours = machine_transient(machine, 100.0, step, 1.0, 60.0, horizon_s=5.0)
    assert np.abs(ours.frequency_hz - exact[: len(ours.frequency_hz)]).max() < 2e-3


def test_a_step_that_the_machine_cannot_follow_collapses_and_the_course_ends_there() -> None:
    machine = Machine(300.0, 240.0, 0.8, 0.05, 0.05, 0.15, 1.4)
    lost = machine_transient(machine, 200.0, 250.0, 0.0, 60.0)
    assert lost.collapsed
    assert lost.tripped
    assert lost.settling_s is None
    assert lost.frequency_hz[-1] < 51.0
    assert (lost.frequency_hz[:-1] >= 51.0 - 1e-9).all()


def test_settling_is_the_last_entry_into_half_a_percent() -> None:
    transient = machine_transient(DEFAULT, 100.0, 60.0, 1.0, 60.0)
    settled = transient.settling_s
    assert settled is not None
    inside = np.abs(transient.frequency_hz - 60.0) <= 0.3
    at = round(settled / 0.005)
    assert inside[at:].all()
    assert not inside[at - 1]


def test_without_a_step_nothing_moves() -> None:
    still = machine_transient(DEFAULT, 100.0, 0.0, 1.0, 60.0)
    assert (still.frequency_hz == 60.0).all()
    assert still.settling_s == 0.0


def test_a_battery_cannot_hold_more_than_its_headroom() -> None:
    held = grid_forming_transient(100.0, 0.02, 0.1, 60.0, 60.0, (-100.0, 60.0))
    assert held.kind == "grid_forming"
    lost = grid_forming_transient(100.0, 0.02, 0.1, 60.1, 60.0, (-100.0, 60.0))
    assert lost.kind == "none"
    assert lost.collapsed


def test_plausible_looking_machine_parameters_are_refused_as_unstable() -> None:
    genset = mds_plant().genset
    doubtful = with_parameters(
        genset, inertia_s=0.6, droop=0.04, governor_lag_s=0.1, engine_lag_s=0.3, secondary_gain=0.0
    )
    with pytest.raises(PlantError, match=r"unstable without the battery: H 0\.6 s, droop 0\.04"):
        check_stability(doubtful, None, 1.0)
    with pytest.raises(PlantError, match="unstable"):
        mds_plant(genset=doubtful)


@settings(max_examples=200, deadline=None)
@given(
    h=st.floats(0.2, 4.0),
    r=st.floats(0.01, 0.1),
    tg=st.floats(0.01, 0.4),
    te=st.floats(0.05, 0.6),
    d=st.floats(0.0, 3.0),
)
def test_stability_by_eigenvalues_is_stability_by_routh(
    h: float, r: float, tg: float, te: float, d: float
) -> None:
    left = (2 * h * (tg + te) + d * tg * te) * (2 * h + d * (tg + te))
    right = 2 * h * tg * te * (d + 1 / r)
    if abs(left / right - 1.0) < 1e-6:
        return
    genset = with_parameters(
        mds_plant().genset,
        inertia_s=h,
        droop=r,
        governor_lag_s=tg,
        engine_lag_s=te,
        secondary_gain=0.0,
    )
    try:
        check_stability(genset, None, d)
        stable = True
    except PlantError:
        stable = False
    assert stable == (left > right)


def test_grid_noise_has_the_stated_spread_correlation_and_seed() -> None:
    noise = grid_frequency(200_000, 1.0, 60.0, 0.015, 10.0, seed=3) - 60.0
    assert noise.std() == pytest.approx(0.015, rel=0.05)
    lag = float(np.corrcoef(noise[1:], noise[:-1])[0, 1])
    assert lag == pytest.approx(math.exp(-0.1), abs=0.01)
    again = grid_frequency(200_000, 1.0, 60.0, 0.015, 10.0, seed=3) - 60.0
    assert (noise == again).all()
    other = grid_frequency(200_000, 1.0, 60.0, 0.015, 10.0, seed=4) - 60.0
    assert (noise != other).any()
