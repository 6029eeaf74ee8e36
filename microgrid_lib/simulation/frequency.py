"""Frequency: the grid's noise, an island's steady state, and its transient after a step.

Powers [kW], frequencies [Hz], times [s]. A step is positive when the island's machines must deliver
more. 10-second data can't validate a transient: it shows typical machine parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from microgrid_lib.simulation.plant import Battery, Genset
from microgrid_lib.simulation.swing import Constants, Swing

FloatArray = npt.NDArray[np.float64]

STEP_S = 0.005
HORIZON_S = 20.0
# Beyond 15 % off nominal (EN 50160, islands) machines have tripped: the model means nothing there.
COLLAPSE_SHARE = 0.15
# Settled: stays within this share of nominal.
SETTLED_SHARE = 0.005
# IEEE 1547-2018, category III, the fast trips (threshold at 60 Hz / 60, clearing time).
TRIP_UNDER, TRIP_OVER, TRIP_S = 56.5 / 60.0, 62.0 / 60.0, 0.16


@dataclass(frozen=True)
class Droop:
    """A unit on droop: rated power [kW or kVA] and droop [1]."""

    rating_kw: float
    droop: float

    def stiffness(self, nominal_hz: float) -> float:
        """Power per frequency deviation, P / (R f0) [kW/Hz]."""
        return self.rating_kw / (self.droop * nominal_hz)


def steady_deviation(
    step_kw: float, units: list[Droop], damping_kw_per_hz: float, nominal_hz: float
) -> float:
    """Frequency deviation after primary control: df = -dP / (sum(P_i / (R_i f0)) + D S / f0).

    Load frequency characteristic of droop units in parallel (Kundur, section 11.1).

    Returns
    -------
    float
        Deviation [Hz]; NaN where nothing supports the frequency.
    """
    stiffness = math.fsum(unit.stiffness(nominal_hz) for unit in units) + damping_kw_per_hz
    return -step_kw / stiffness if stiffness > 0 else math.nan


def droop_response(deviation_hz: float, units: list[Droop], nominal_hz: float) -> list[float]:
    """Extra power each unit delivers at a frequency deviation [kW]."""
    return [-deviation_hz * unit.stiffness(nominal_hz) for unit in units]


def rocof(step_kw: float, inertia_s: float, rating_kva: float, nominal_hz: float) -> float:
    """Compute the initial rate of change of frequency, |dP| f0 / (2 H S) [Hz/s]."""
    return abs(step_kw) * nominal_hz / (2.0 * inertia_s * rating_kva)


def grid_frequency(
    n_steps: int, step_min: float, nominal_hz: float, sigma_hz: float, tau_min: float, seed: int
) -> FloatArray:
    """Seeded AR(1) noise about nominal: x[k] = a x[k-1] + sigma sqrt(1 - a^2) e, a = exp(-h/tau).

    Returns
    -------
    ndarray of float, shape (n_steps,)
        Frequency of the grid [Hz], stationary from the first step.
    """
    noise = np.random.default_rng(seed).standard_normal(n_steps) * sigma_hz
    keep = math.exp(-step_min / tau_min)
    fresh = math.sqrt(1.0 - keep * keep)
    values = noise.tolist()
    for k in range(1, n_steps):
        values[k] = keep * values[k - 1] + fresh * values[k]
    return nominal_hz + np.array(values, dtype=np.float64)


@dataclass(frozen=True)
class Transient:
    """Frequency after a step.

    Attributes
    ----------
    kind
        `machine` (genset, maybe with battery), `grid_forming` (battery alone) or `none`: nothing
        can hold the frequency.
    step_kw
        The step [kW].
    time_s, frequency_hz
        The course, shape (n_times,) [s], [Hz]; empty for `none`.
    nadir_hz, nadir_s
        Extreme frequency on the step's side, and its time; NaN for `none`.
    rocof_hz_per_s
        Initial rate of change, absolute [Hz/s].
    final_hz
        Frequency at the end [Hz].
    settling_s
        From when on it stays within 0.5 % of nominal [s]; None where it doesn't.
    collapsed
        Whether it left +-15 % of nominal, where the course ends, or nothing held it.
    tripped
        Whether it was beyond the fast trips of IEEE 1547-2018 for their clearing time.
    """

    kind: Literal["machine", "grid_forming", "none"]
    step_kw: float
    time_s: FloatArray
    frequency_hz: FloatArray
    nadir_hz: float
    nadir_s: float
    rocof_hz_per_s: float
    final_hz: float
    settling_s: float | None
    collapsed: bool
    tripped: bool

    @property
    def change_hz(self) -> float:
        """Extreme frequency less the one before the step [Hz]."""
        return self.nadir_hz - float(self.frequency_hz[0]) if self.frequency_hz.size else math.nan


NO_SUPPORT = Transient(
    "none",
    math.nan,
    np.empty(0),
    np.empty(0),
    math.nan,
    math.nan,
    math.nan,
    math.nan,
    None,
    collapsed=True,
    tripped=True,
)


@dataclass(frozen=True)
class Machine:
    """A genset in the island, in the units of the equations of `machine_transient`.

    Attributes
    ----------
    rating_kva
        Base S of per-unit values [kVA].
    max_kw
        Rated power [kW].
    inertia_s, droop, governor_lag_s, engine_lag_s, secondary_gain
        H [s], R [1], Tg [s] (0: none), Te [s], Ki [1/s].
    """

    rating_kva: float
    max_kw: float
    inertia_s: float
    droop: float
    governor_lag_s: float
    engine_lag_s: float
    secondary_gain: float

    @classmethod
    def of(cls, genset: Genset) -> Machine:
        """Take the machine of a plant's genset."""
        return cls(
            genset.apparent_kva.value,
            genset.max_kw.value,
            genset.inertia_s.value,
            genset.droop.value,
            genset.governor_lag_s.value,
            genset.engine_lag_s.value,
            genset.secondary_gain.value,
        )


@dataclass(frozen=True)
class Support:
    """A battery on droop beside a machine, or forming the grid alone.

    Attributes
    ----------
    max_kw
        Rated power, base of its droop [kW].
    droop, lag_s
        Rb [1], Tb [s].
    down_kw, up_kw
        How far its power can fall and rise from where it is [kW], down <= 0 <= up.
    """

    max_kw: float
    droop: float
    lag_s: float
    down_kw: float
    up_kw: float

    @classmethod
    def beside(
        cls, battery: Battery, power_kw: float, charge_kw: float, discharge_kw: float
    ) -> Support:
        """Take a plant's battery beside a genset, at its present power and limits [kW]."""
        return cls(
            battery.power_kw.value,
            battery.droop.value,
            battery.lag_s.value,
            min(0.0, -charge_kw - power_kw),
            max(0.0, discharge_kw - power_kw),
        )


def machine_transient(
    machine: Machine,
    initial_kw: float,
    step_kw: float,
    damping: float,
    nominal_hz: float,
    support: Support | None = None,
    *,
    limited: bool = True,
    step_s: float = STEP_S,
    horizon_s: float = HORIZON_S,
) -> Transient:
    """Frequency of an island with a genset after a load step, by Heun's method.

    The equations of `Swing`, per unit on the machine's rating, with kb = Pbmax / (S Rb).
    Swing equation and governor as in Kundur, sections 3.9 and 11.1.

    Parameters
    ----------
    machine
        The genset.
    initial_kw
        Its power before the step [kW].
    step_kw
        Load step [kW].
    damping
        Load damping D [1].
    nominal_hz
        Nominal frequency, before the step [Hz].
    support
        The battery, None without one.
    limited
        Whether the engine's limits, 0 and rated power, act.
    step_s, horizon_s
        Time step and length [s].
    """
    base = machine.rating_kva
    top = (machine.max_kw - initial_kw) / base if limited else math.inf
    bottom = -initial_kw / base if limited else -math.inf
    stiffness = down = up = 0.0
    lag_b = 1.0
    if support is not None:
        stiffness = support.max_kw / (base * support.droop)
        down, up, lag_b = support.down_kw / base, support.up_kw / base, support.lag_s
    constants = Constants(
        two_h=2.0 * machine.inertia_s,
        damping=damping,
        per_droop=1.0 / machine.droop,
        gain=machine.secondary_gain,
        lag_g=machine.governor_lag_s,
        lag_e=machine.engine_lag_s,
        lag_b=lag_b,
        stiffness=stiffness,
    )
    swing = Swing(constants, step_kw / base, bottom, top, down, up)
    speeds = swing.course(round(horizon_s / step_s), step_s, COLLAPSE_SHARE)
    return _described(
        "machine",
        step_kw,
        np.arange(len(speeds), dtype=np.float64) * step_s,
        np.asarray(nominal_hz * (1.0 + speeds), dtype=np.float64),
        rocof(step_kw, machine.inertia_s, base, nominal_hz),
        nominal_hz,
    )


def grid_forming_transient(
    rating_kva: float,
    droop: float,
    filter_s: float,
    step_kw: float,
    nominal_hz: float,
    headroom_kw: tuple[float, float] | None = None,
    *,
    step_s: float = STEP_S,
    horizon_s: float = HORIZON_S,
) -> Transient:
    """Frequency of an island formed by the battery alone: f = fss + (f_i - fss) exp(-t / tau_p).

    fss = f_i - R f0 dP / S: droop on the filtered power (grid-forming control).

    Parameters
    ----------
    rating_kva, droop, filter_s
        Rating S [kVA], droop R [1], time constant tau_p of the power filter [s].
    step_kw
        Load step [kW].
    nominal_hz
        Nominal frequency, before the step [Hz].
    headroom_kw
        How far its power can fall (<= 0) and rise (>= 0) [kW]; a larger step can't be held.
    step_s, horizon_s
        Time step and length [s].
    """
    if headroom_kw is not None and not headroom_kw[0] <= step_kw <= headroom_kw[1]:
        return NO_SUPPORT
    change = -droop * nominal_hz * step_kw / rating_kva
    time = np.arange(round(horizon_s / step_s) + 1, dtype=np.float64) * step_s
    course = np.asarray(nominal_hz - change * np.expm1(-time / filter_s), dtype=np.float64)
    return _described("grid_forming", step_kw, time, course, abs(change) / filter_s, nominal_hz)


def _described(
    kind: Literal["machine", "grid_forming"],
    step_kw: float,
    time_s: FloatArray,
    frequency_hz: FloatArray,
    rocof_hz_per_s: float,
    nominal_hz: float,
) -> Transient:
    extreme = int(np.argmin(frequency_hz) if step_kw >= 0 else np.argmax(frequency_hz))
    final = float(frequency_hz[-1])
    collapsed = abs(final / nominal_hz - 1.0) >= COLLAPSE_SHARE
    outside = np.flatnonzero(np.abs(frequency_hz / nominal_hz - 1.0) > SETTLED_SHARE)
    settling: float | None
    if outside.size == 0:
        settling = 0.0
    elif outside[-1] == len(time_s) - 1:
        settling = None
    else:
        settling = float(time_s[outside[-1] + 1])
    step_s = float(time_s[1])
    below = frequency_hz < TRIP_UNDER * nominal_hz
    above = frequency_hz > TRIP_OVER * nominal_hz
    longest = max(_longest_run(below), _longest_run(above)) * step_s
    return Transient(
        kind,
        step_kw,
        time_s,
        frequency_hz,
        float(frequency_hz[extreme]),
        float(time_s[extreme]),
        rocof_hz_per_s,
        final,
        settling,
        collapsed,
        collapsed or longest >= TRIP_S,
    )


def _longest_run(flags: npt.NDArray[np.bool_]) -> int:
    if not flags.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max())
