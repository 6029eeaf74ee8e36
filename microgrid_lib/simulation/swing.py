"""The swing equation of an island's machine and battery, stepped by Heun's method.

As long as no limit is reached or left the equation is linear, and many steps are one product with
powers of a matrix; the steps that meet a limit are taken one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_BLOCK = 256
_BY_HAND = 4
"""Steps taken one by one where a block meets a limit."""
_W, _G, _PM, _PB, _S, _STEP, _WANT = range(7)
_SEEN = (_W, _G, _S)


@dataclass(frozen=True)
class Constants:
    """What the equation's matrices consist of, per unit on the machine's rating.

    Attributes
    ----------
    two_h, damping
        2 H [s], D [1].
    per_droop, gain
        1 / R [1], Ki [1/s].
    lag_g, lag_e, lag_b
        Tg (0: none), Te, Tb [s].
    stiffness
        kb of the battery [1]; 0 without one.
    """

    two_h: float
    damping: float
    per_droop: float
    gain: float
    lag_g: float
    lag_e: float
    lag_b: float
    stiffness: float


@dataclass(frozen=True)
class Swing:
    """The equation of one step of the load, as deviations from the initial state, per unit.

    2 H w' = Pm + Pb - dP - D w; Tg g' = s - w / R - g (non-windup limits);
    Te Pm' = g - Pm; Tb Pb' = sat(-kb w) - Pb; s' = -Ki w.

    Attributes
    ----------
    constants
        H, D, R, Ki, Tg, Te, Tb, kb.
    step
        dP, positive when more is to be delivered.
    bottom, top
        Limits of the engine, g.
    down, up
        Limits of the battery.
    """

    constants: Constants
    step: float
    bottom: float
    top: float
    down: float
    up: float

    def course(self, n_steps: int, step_s: float, collapse: float) -> FloatArray:
        """Return w from 0 [1], shape (n_steps + 1,), or until it is beyond +-`collapse`."""
        state = np.zeros(7)
        state[_STEP] = self.step
        speeds = np.zeros(n_steps + 1)
        done = 0
        while done < n_steps:
            for found, after in self._pieces(state, step_s):
                new = found[: n_steps - done]
                speeds[done + 1 : done + 1 + len(new)] = new
                gone = np.flatnonzero(np.abs(new) > collapse)
                if gone.size:
                    return speeds[: done + 2 + gone[0]]
                done += len(new)
                state = after
        return speeds

    def _pieces(self, state: FloatArray, step_s: float) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield speeds and the state after them: linear steps, then those that meet a limit."""
        engine = self._engine(state[_G], state[_S] - state[_W] * self.constants.per_droop)
        battery = self._battery(-self.constants.stiffness * state[_W])
        block = _block(self.constants, engine != 0, battery != 0, step_s)
        begin = state.copy()
        begin[_WANT] = self.up if battery > 0 else self.down
        if engine:
            begin[_G] = self.top if engine > 0 else self.bottom
        seen = (block.seen @ begin).reshape(_BLOCK + 1, 2, len(_SEEN))
        n_linear = self._n_linear(seen, engine, battery)
        if n_linear:
            state = block.powers[n_linear] @ begin
            yield seen[1 : n_linear + 1, 0, 0], state
        if n_linear < _BLOCK:
            values = state.tolist()
            speeds = []
            for _ in range(_BY_HAND):
                values = self._advance(values, step_s)
                speeds.append(values[_W])
            yield np.array(speeds), np.array(values)

    def _n_linear(self, seen: FloatArray, engine: int, battery: int) -> int:
        """How many steps of a block stay within the limits they began in, at both stages."""
        w, g, s = seen[:, :, 0], seen[:, :, 1], seen[:, :, 2]
        order = s - w * self.constants.per_droop
        held = order if self.constants.lag_g == 0.0 else g
        if engine > 0:
            good = order > self.top
        elif engine < 0:
            good = order < self.bottom
        else:
            good = (held > self.bottom) & (held < self.top)
        want = -self.constants.stiffness * w
        if battery > 0:
            good &= want > self.up
        elif battery < 0:
            good &= want < self.down
        else:
            good &= (want >= self.down) & (want <= self.up)
        # A step is linear if both its stages and its end are.
        steps = good[:-1].all(axis=1) & good[1:, 0]
        return _BLOCK if steps.all() else int(np.argmin(steps))

    def _engine(self, g: float, order: float) -> int:
        """Return which limit the engine is held at: 1 the top, -1 the bottom, 0 none."""
        at = order if self.constants.lag_g == 0.0 else g
        if at >= self.top and order > self.top:
            return 1
        return -1 if at <= self.bottom and order < self.bottom else 0

    def _battery(self, want: float) -> int:
        return 1 if want > self.up else -1 if want < self.down else 0

    def _slopes(
        self, w: float, g: float, pm: float, pb: float, s: float
    ) -> tuple[float, float, float, float, float, float]:
        """Return g, which follows at once without a lag, and the derivatives of all five."""
        known = self.constants
        order = s - w * known.per_droop
        dg = 0.0
        if known.lag_g == 0.0:
            g = self._within(order)
        elif not self._engine(g, order):
            dg = (order - g) / known.lag_g
        want = -known.stiffness * w
        want = self.up if want > self.up else self.down if want < self.down else want
        dw = (pm + pb - self.step - known.damping * w) / known.two_h
        return g, dw, dg, (g - pm) / known.lag_e, (want - pb) / known.lag_b, -known.gain * w

    def _within(self, g: float) -> float:
        return self.top if g > self.top else self.bottom if g < self.bottom else g

    def _advance(self, state: list[float], h: float) -> list[float]:
        w, g, pm, pb, s, step, want = state
        g, dw, dg, dpm, dpb, ds = self._slopes(w, g, pm, pb, s)
        _, dw2, dg2, dpm2, dpb2, ds2 = self._slopes(
            w + h * dw, self._within(g + h * dg), pm + h * dpm, pb + h * dpb, s + h * ds
        )
        half = h / 2.0
        return [
            w + half * (dw + dw2),
            self._within(g + half * (dg + dg2)),
            pm + half * (dpm + dpm2),
            pb + half * (dpb + dpb2),
            s + half * (ds + ds2),
            step,
            want,
        ]


@dataclass(frozen=True)
class _Block:
    """Steps 0 to `_BLOCK` of a linear equation, as matrices on the state at its begin.

    Attributes
    ----------
    powers
        The state after each step, shape (steps + 1, 7, 7).
    seen
        w, g and s at both stages of each step, shape ((steps + 1) * 2 * 3, 7).
    """

    powers: FloatArray
    seen: FloatArray


@lru_cache(maxsize=64)
def _block(constants: Constants, engine_held: bool, battery_held: bool, step_s: float) -> _Block:
    """Heun's step of z' = A z is z + h A z + h^2 A^2 z / 2; its first stage ends at z + h A z.

    Inputs, the load step and the battery's limit, are states that don't change.
    """
    known = constants
    a = np.zeros((7, 7))
    a[_W, [_W, _PM, _PB, _STEP]] = np.array([-known.damping, 1.0, 1.0, -1.0]) / known.two_h
    a[_PM, _PM] = -1.0 / known.lag_e
    if known.lag_g == 0.0 and not engine_held:
        a[_PM, [_S, _W]] = np.array([1.0, -known.per_droop]) / known.lag_e
    else:
        a[_PM, _G] = 1.0 / known.lag_e
    if known.lag_g > 0.0 and not engine_held:
        a[_G, [_S, _W, _G]] = np.array([1.0, -known.per_droop, -1.0]) / known.lag_g
    a[_PB, _PB] = -1.0 / known.lag_b
    if battery_held:
        a[_PB, _WANT] = 1.0 / known.lag_b
    else:
        a[_PB, _W] = -known.stiffness / known.lag_b
    a[_S, _W] = -known.gain
    first = np.eye(7) + step_s * a
    whole = first + (step_s * a) @ (step_s * a) / 2.0
    powers = np.stack([np.eye(7), whole])
    while len(powers) <= _BLOCK:
        powers = np.concatenate([powers, powers[-1] @ powers[1:]])
    rows = list(_SEEN)
    seen = np.stack([powers[:, rows], (first @ powers)[:, rows]], axis=1)
    return _Block(powers, np.ascontiguousarray(seen.reshape(-1, 7)))
