"""Blocks of linear steps against Heun's method, one plain step after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.simulation.swing import Constants, Swing

H = 0.005


def plain(swing: Swing, n_steps: int, collapse: float) -> list[float]:
    c = swing.constants

    def slopes(x: list[float]) -> list[float]:
        w, g, pm, pb, s = x
        order = s - w / (1.0 / c.per_droop)
        if c.lag_g == 0.0:
            g, dg = float(np.clip(order, swing.bottom, swing.top)), 0.0
        else:
            dg = (order - g) / c.lag_g
            if (g >= swing.top and dg > 0.0) or (g <= swing.bottom and dg < 0.0):
                dg = 0.0
        want = float(np.clip(-c.stiffness * w, swing.down, swing.up))
        dw = (pm + pb - swing.step - c.damping * w) / c.two_h
        return [dw, dg, (g - pm) / c.lag_e, (want - pb) / c.lag_b, -c.gain * w]

    x, speeds = [0.0] * 5, [0.0]
    for _ in range(n_steps):
        first = slopes(x)
        end = [a + H * d for a, d in zip(x, first, strict=True)]
        end[1] = float(np.clip(end[1], swing.bottom, swing.top))
        second = slopes(end)
        x = [a + H / 2 * (d + e) for a, d, e in zip(x, first, second, strict=True)]
        x[1] = float(np.clip(x[1], swing.bottom, swing.top))
        speeds.append(x[0])
        if abs(x[0]) > collapse:
            break
    return speeds


CONSTANTS = st.builds(
    Constants,
    two_h=st.floats(1.0, 8.0),
    damping=st.floats(0.0, 2.0),
    per_droop=st.floats(12.0, 50.0),
    gain=st.just(0.0) | st.floats(0.01, 1.0),
    lag_g=st.just(0.0) | st.floats(0.02, 0.4),
    lag_e=st.floats(0.05, 0.6),
    lag_b=st.floats(0.02, 0.3),
    stiffness=st.just(0.0) | st.floats(1.0, 40.0),
)
SWINGS = st.builds(
    Swing,
    CONSTANTS,
    step=st.floats(-0.9, 0.9),
    bottom=st.just(0.0) | st.floats(-0.9, 0.0),
    top=st.just(0.0) | st.floats(0.0, 0.9),
    down=st.just(0.0) | st.floats(-0.4, 0.0),
    up=st.just(0.0) | st.floats(0.0, 0.4),
)


@settings(max_examples=150, deadline=None)
@given(SWINGS)
def test_blocks_are_the_plain_steps(swing: Swing) -> None:
    want = plain(swing, 1500, 0.15)
    found = swing.course(1500, H, 0.15)
    assert len(found) == len(want)
    np.testing.assert_allclose(found, want, rtol=0.0, atol=1e-10)


def test_a_course_that_meets_both_limits_and_leaves_them() -> None:
    """A weak engine and a small battery: both are held for a while, and let go by the secondary."""
    constants = Constants(3.0, 1.0, 20.0, 0.5, 0.1, 0.2, 0.05, 10.0)
    swing = Swing(constants, step=0.4, bottom=-0.2, top=0.42, down=-0.1, up=0.1)
    found = swing.course(4000, H, 0.15)
    np.testing.assert_allclose(found, plain(swing, 4000, 0.15), rtol=0.0, atol=1e-12)
    assert (-constants.stiffness * found > swing.up).any()
    assert -constants.stiffness * found[-1] < swing.up
    for limits in ({"top": 9.0}, {"up": 9.0}):
        free = replace(swing, **limits).course(4000, H, 0.15)
        assert free.min() > found.min() + 5e-5
