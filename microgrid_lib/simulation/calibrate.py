"""Fit the feeder's impedance to measured voltages, and say honestly how well it predicts.

The model is V_bus = two_bus(V_receiving; R, P0 - generation): generation at the bus lifts its
voltage, a constant own consumption P0 lowers it. It is fitted with a robust loss to intervals in
which the island-mode breaker is closed by the rule |mccb_frequency - bus_frequency| <= 2 mHz, and
judged on whole days that it hasn't seen. The rule never looks at the residual.
"""

from __future__ import annotations

import math
from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.kpi.model import Note
from microgrid_lib.simulation.network import two_bus_voltage
from microgrid_lib.site.plant import Parameter

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SYNCHRONOUS_HZ = 0.002
GENERATION_ROLES = ("genset", "fuel_cell", "pv", "battery")
N_BLOCKS = 6
MIN_DAYS_PER_BLOCK = 1
# Residual beyond which the robust loss stops growing quadratically [V].
LOSS_SCALE_V = 0.5
GENSET_ON_KW = 20.0
# Steps of power below this drown in the grid's drift [kW].
MIN_POWER_STEP_KW = 20.0
MIN_POWER_STEPS = 20


class CalibrationError(MicrogridError):
    """Data from which an impedance can't be had; says why."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Score(_Model):
    """How well voltages are predicted on days that weren't fitted.

    Attributes
    ----------
    intervals
        Number of intervals.
    rmse_v, bias_v
        Root mean square, and mean, of predicted less measured [V]; None without intervals.
    baseline_receiving_v
        RMSE of taking the receiving voltage for the bus voltage [V].
    baseline_offset_v
        RMSE of the receiving voltage plus the median difference of the fitted days [V].
    """

    intervals: int
    rmse_v: float | None
    bias_v: float | None
    baseline_receiving_v: float | None
    baseline_offset_v: float | None


class Resistance(_Model):
    """A fitted resistance.

    Attributes
    ----------
    value_ohm, std_error_ohm
        Estimate and its standard error [ohm].
    intervals
        Number of intervals, or of power steps, behind it.
    """

    value_ohm: float
    std_error_ohm: float
    intervals: int

    def parameter(self, note: str) -> Parameter:
        """Give it as a parameter of a site file."""
        return Parameter(value=self.value_ohm, unit="ohm", source="calibrated", note=note)


class Calibration(_Model):
    """A calibration and its validation.

    Attributes
    ----------
    line
        Resistance from the receiving point to the bus; it includes the effect of reactive power,
        R + X dQ/dP.
    own_consumption_kw
        Constant consumption P0 at the bus [kW].
    mccb_fraction
        Share of `line` before the breaker; None where its voltage isn't measured.
    source, source_reason
        Resistance behind the receiving point, from power steps; why there is none.
    intervals, kept
        Intervals with data, and those that the synchronous rule keeps.
    held_out
        Kept intervals.
    held_out_all
        All intervals with data, those of unknown frequency included.
    excluded
        Intervals that the rule excludes.
    genset_on, genset_off
        Kept intervals with the genset above and below 20 kW; None without a genset.
    islanded
        Intervals in which the two frequencies are known and differ.
    days
        Local days with data.
    """

    line: Resistance
    own_consumption_kw: float
    mccb_fraction: float | None
    source: Resistance | None
    source_reason: Note | None
    intervals: int
    kept: int
    held_out: Score
    held_out_all: Score
    excluded: Score
    genset_on: Score | None
    genset_off: Score | None
    islanded: Score
    days: int


def calibrate(frame: pd.DataFrame, zone: tzinfo, *, source_steps: bool = True) -> Calibration:
    """Fit the line from the receiving point to the bus, and validate it on held-out days.

    Parameters
    ----------
    frame
        Means over a constant interval: a UTC index; columns `bus_voltage`, `receiving_voltage`
        [V], `bus_frequency`, `mccb_frequency` [Hz], any of `genset`, `fuel_cell`, `pv`, `battery`
        [kW], and `mccb_voltage` where measured. NaN where there are no data.
    zone
        Display zone: days that are held out together are local days.
    source_steps
        Whether to estimate the source's resistance from power steps, which takes sharp steps:
        one-minute means or finer.

    Returns
    -------
    Calibration
        The fit and its scores.

    Raises
    ------
    CalibrationError
        A column is missing, the power hardly changes, or the fit contradicts the model.
    NoDataError
        Fewer than six local days with synchronous data.
    """
    data = _Data.of(frame, zone)
    fitted = np.flatnonzero(data.kept)
    values, error = _fit(data, fitted)
    if values[0] <= 0.0:
        raise CalibrationError(
            f"the fitted resistance is {values[0] * 1e3:.2f} mohm: the bus voltage falls with what "
            "this profile reads as generation, so its roles contradict the voltages"
        )
    predicted, offset = _held_out(data)
    source, reason = _source_resistance(data) if source_steps else (None, _steps_unused())
    on = data.genset > GENSET_ON_KW if data.genset is not None else None

    def score(chosen: BoolArray) -> Score:
        return _score(data, predicted, offset, chosen)

    everything = np.ones(len(data.bus), dtype=np.bool_)
    return Calibration(
        line=Resistance(value_ohm=values[0], std_error_ohm=error, intervals=len(fitted)),
        own_consumption_kw=values[1],
        mccb_fraction=_mccb_fraction(data, values),
        source=source,
        source_reason=reason,
        intervals=len(data.bus),
        kept=len(fitted),
        held_out=score(data.kept),
        held_out_all=score(everything),
        excluded=score(~data.kept),
        genset_on=None if on is None else score(data.kept & on),
        genset_off=None if on is None else score(data.kept & ~on),
        islanded=score(data.islanded),
        days=len(np.unique(data.day)),
    )


def held_out_voltages(frame: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Predict each interval's bus voltage from fits to the other days.

    Parameters
    ----------
    frame, zone
        As in `calibrate`.

    Returns
    -------
    DataFrame
        Index of the intervals with data; `measured`, `predicted`, `residual` = predicted less
        measured [V], and `synchronous`: whether the rule keeps the interval.

    Raises
    ------
    CalibrationError, NoDataError
        As in `calibrate`.
    """
    data = _Data.of(frame, zone)
    predicted, _ = _held_out(data)
    return pd.DataFrame(
        {
            "measured": data.bus,
            "predicted": predicted,
            "residual": predicted - data.bus,
            "synchronous": data.kept,
        },
        index=data.index,
    )


class _Data:
    """The intervals with voltages and generation, as arrays."""

    def __init__(
        self,
        frame: pd.DataFrame,
        generation: FloatArray,
        day: npt.NDArray[np.int64],
    ) -> None:
        self.bus = frame["bus_voltage"].to_numpy(dtype=np.float64)
        self.receiving = frame["receiving_voltage"].to_numpy(dtype=np.float64)
        self.generation = generation
        self.day = day
        gap = (frame["mccb_frequency"] - frame["bus_frequency"]).abs().to_numpy(dtype=np.float64)
        self.kept: BoolArray = np.asarray(gap <= SYNCHRONOUS_HZ)
        self.islanded: BoolArray = np.asarray(gap > SYNCHRONOUS_HZ)
        self.genset = frame["genset"].to_numpy(dtype=np.float64) if "genset" in frame else None
        self.mccb = (
            frame["mccb_voltage"].to_numpy(dtype=np.float64) if "mccb_voltage" in frame else None
        )
        self.index = pd.DatetimeIndex(frame.index)
        self.seconds = (self.index - self.index[0]).total_seconds().to_numpy(dtype=np.float64)

    @classmethod
    def of(cls, frame: pd.DataFrame, zone: tzinfo) -> _Data:
        needed = ("bus_voltage", "receiving_voltage", "bus_frequency", "mccb_frequency")
        missing = [name for name in needed if name not in frame.columns]
        if missing:
            raise CalibrationError(f"a calibration needs the role {missing[0]}")
        sources = [name for name in GENERATION_ROLES if name in frame.columns]
        if not sources:
            raise CalibrationError(f"a calibration needs one of {', '.join(GENERATION_ROLES)}")
        known = frame.dropna(subset=["bus_voltage", "receiving_voltage", *sources]).sort_index()
        if known.empty:
            raise NoDataError("no interval has voltages and generation")
        generation = known[sources].sum(axis=1).to_numpy(dtype=np.float64)
        local = pd.DatetimeIndex(known.index).tz_convert(zone)
        days = np.array([stamp.toordinal() for stamp in local.date], dtype=np.int64)
        data = cls(known, generation, days)
        if len(np.unique(days[data.kept])) < N_BLOCKS * MIN_DAYS_PER_BLOCK:
            raise NoDataError(
                f"a calibration needs {N_BLOCKS} days with synchronous data; there are "
                f"{len(np.unique(days[data.kept]))}"
            )
        if float(np.std(generation[data.kept])) < 1.0:
            raise CalibrationError("generation hardly changes: an impedance can't be fitted to it")
        return data


def _fit(data: _Data, chosen: npt.NDArray[np.intp]) -> tuple[tuple[float, float], float]:
    """Fit R [ohm] and P0 [kW] to chosen intervals; also R's standard error [ohm]."""
    from scipy.optimize import least_squares

    receiving, bus = data.receiving[chosen], data.bus[chosen]
    generation = data.generation[chosen]

    def residual(x: FloatArray) -> FloatArray:
        predicted = two_bus_voltage(receiving, x[0] * 1e-3, 0.0, x[1] - generation)
        return np.asarray(predicted - bus, dtype=np.float64)

    result: Any = least_squares(residual, (5.0, 20.0), loss="soft_l1", f_scale=LOSS_SCALE_V)
    freedom = max(1, len(chosen) - 2)
    variance = float(np.sum(residual(result.x) ** 2)) / freedom
    jacobian = _jacobian(residual, result.x)
    covariance = np.linalg.inv(jacobian.T @ jacobian) * variance
    fitted = (float(result.x[0]) * 1e-3, float(result.x[1]))
    return fitted, math.sqrt(covariance[0, 0]) * 1e-3


def _jacobian(residual: Any, x: FloatArray) -> FloatArray:
    # Derivatives by central differences of the plain residual: the robust fit's own is scaled.
    columns = []
    for i, width in enumerate((1e-4, 1e-3)):
        step = np.zeros(2)
        step[i] = width
        columns.append((residual(x + step) - residual(x - step)) / (2.0 * width))
    return np.asarray(np.stack(columns, axis=1), dtype=np.float64)


def _held_out(data: _Data) -> tuple[FloatArray, FloatArray]:
    """Predict every interval from the other blocks of days: the model, and the offset baseline."""
    predicted = np.full(len(data.bus), np.nan)
    offset = np.full(len(data.bus), np.nan)
    for block in np.array_split(np.unique(data.day), N_BLOCKS):
        inside = np.isin(data.day, block)
        chosen = np.flatnonzero(data.kept & ~inside)
        (r, p0), _ = _fit(data, chosen)
        receiving = data.receiving[inside]
        predicted[inside] = two_bus_voltage(receiving, r, 0.0, p0 - data.generation[inside])
        difference = float(np.median(data.bus[chosen] - data.receiving[chosen]))
        offset[inside] = receiving + difference
    return predicted, offset


def _score(data: _Data, predicted: FloatArray, offset: FloatArray, chosen: BoolArray) -> Score:
    count = int(np.count_nonzero(chosen))
    if count == 0:
        return Score(
            intervals=0,
            rmse_v=None,
            bias_v=None,
            baseline_receiving_v=None,
            baseline_offset_v=None,
        )
    bus = data.bus[chosen]
    return Score(
        intervals=count,
        rmse_v=_rms(predicted[chosen] - bus),
        bias_v=float(np.mean(predicted[chosen] - bus)),
        baseline_receiving_v=_rms(data.receiving[chosen] - bus),
        baseline_offset_v=_rms(offset[chosen] - bus),
    )


def _rms(error: FloatArray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _mccb_fraction(data: _Data, values: tuple[float, float]) -> float | None:
    """Share of the line before the breaker: slope of (V_receiving - V_mccb) over the model's drop.

    Both differences lose their mean, so that meter offsets don't count.
    """
    if data.mccb is None:
        return None
    known = data.kept & np.isfinite(data.mccb)
    r, p0 = values
    modelled = two_bus_voltage(data.receiving[known], r, 0.0, p0 - data.generation[known])
    drop = data.receiving[known] - modelled
    part = data.receiving[known] - data.mccb[known]
    centred = drop - drop.mean()
    return float(centred @ (part - part.mean()) / (centred @ centred))


def _source_resistance(data: _Data) -> tuple[Resistance | None, Note | None]:
    """Estimate the resistance behind the receiving point from steps of power.

    Levels can't tell it from the grid's own drift; first differences at steps above 20 kW can:
    dV = (R / V) dP, where R includes X dQ/dP.
    """
    step_s = float(np.median(np.diff(data.seconds))) if len(data.seconds) > 1 else math.nan
    neighbours = np.diff(data.seconds) <= 1.5 * step_s
    both = data.kept[1:] & data.kept[:-1] & neighbours
    power = np.diff(data.generation)
    sharp = both & (np.abs(power) >= MIN_POWER_STEP_KW)
    count = int(np.count_nonzero(sharp))
    if count < MIN_POWER_STEPS:
        return None, Note(
            code="simulation.few_power_steps",
            params={"steps": count, "needed": MIN_POWER_STEPS},
            text=f"{count} steps of power above {MIN_POWER_STEP_KW:.0f} kW are too few for the "
            f"source's impedance; {MIN_POWER_STEPS} are needed.",
        )
    current = power[sharp] * 1e3 / data.receiving[1:][sharp]
    change = np.diff(data.receiving)[sharp]
    r = float(current @ change / (current @ current))
    variance = float(np.sum((change - r * current) ** 2)) / max(1, count - 1)
    error = math.sqrt(variance / float(current @ current))
    return Resistance(value_ohm=r, std_error_ohm=error, intervals=count), None


def _steps_unused() -> Note:
    return Note(code="simulation.source_not_asked", text="The source's impedance wasn't asked for.")
