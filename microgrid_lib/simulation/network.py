"""Voltages of the feeder: grid source - receiving point - island-mode breaker (MCCB) - bus.

The engine is power-grid-model, in one batch over all steps; the closed form of a two-bus feeder is
its oracle. Balanced three-phase; P [kW] and Q [kvar] are drawn at the bus (negative: delivered to
the grid); voltages line to line [V]; impedances per phase [ohm].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from microgrid_lib.site.plant import NetworkSpec

if TYPE_CHECKING:
    from power_grid_model import PowerGridModel

FloatArray = npt.NDArray[np.float64]
Engine = Literal["power_grid_model", "closed_form"]

# Short-circuit power [VA] of the ideal source: its own impedance must not show.
SOURCE_SK_VA = 1e17
_SOURCE_ID, _LOAD_ID, _FIRST_LINE_ID = 20, 21, 10
_ALL_PROCESSORS = 0
"""The engine's word for a thread on each."""


class FeederVoltages(NamedTuple):
    """Voltages [V], shape (n_steps,); NaN where there is no solution or no input."""

    receiving: FloatArray
    mccb: FloatArray
    bus: FloatArray


@dataclass(frozen=True)
class Feeder:
    """Impedances of the feeder's three sections [ohm], from the source to the bus."""

    source_r: float
    source_x: float
    upper_r: float
    upper_x: float
    lower_r: float
    lower_x: float

    @classmethod
    def of(cls, network: NetworkSpec) -> Feeder:
        """Take the feeder of a plant's network."""
        share = network.mccb_fraction.value
        r, x = network.line_r_ohm.value, network.line_x_ohm.value
        return cls(
            network.source_r_ohm.value,
            network.source_x_ohm.value,
            share * r,
            share * x,
            (1.0 - share) * r,
            (1.0 - share) * x,
        )

    @property
    def total_r(self) -> float:
        """Resistance from the source to the bus [ohm]."""
        return self.source_r + self.upper_r + self.lower_r

    @property
    def total_x(self) -> float:
        """Reactance from the source to the bus [ohm]."""
        return self.source_x + self.upper_x + self.lower_x


def two_bus_voltage(
    source_v: npt.ArrayLike,
    r_ohm: float,
    x_ohm: float,
    p_kw: npt.ArrayLike,
    q_kvar: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Voltage at the end of a feeder with constant power there, in closed form.

    b = 2 (R P + X Q) - E^2, c = (R^2 + X^2)(P^2 + Q^2), V^2 = (-b + sqrt(b^2 - 4 c)) / 2: the
    upper root of the quartic of a two-bus feeder (Kundur, Power System Stability and Control,
    section 2.1).

    Parameters
    ----------
    source_v
        Voltage E behind the impedance [V].
    r_ohm, x_ohm
        Impedance [ohm].
    p_kw, q_kvar
        Power drawn at the end [kW], [kvar].

    Returns
    -------
    ndarray of float
        Voltage [V]; NaN where no solution exists (voltage collapse).
    """
    e = np.asarray(source_v, dtype=np.float64)
    p = np.asarray(p_kw, dtype=np.float64) * 1e3
    q = np.asarray(q_kvar, dtype=np.float64) * 1e3
    b = 2.0 * (r_ohm * p + x_ohm * q) - e * e
    c = (r_ohm**2 + x_ohm**2) * (p * p + q * q)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(b * b - 4.0 * c)
        return np.sqrt((root - b) / 2.0)


def source_voltage(
    end_v: npt.ArrayLike,
    r_ohm: float,
    x_ohm: float,
    p_kw: npt.ArrayLike,
    q_kvar: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Voltage behind an impedance, from voltage and power at its end.

    |E|^2 = (V + (R P + X Q) / V)^2 + ((X P - R Q) / V)^2; the inverse of `two_bus_voltage`.
    Parameters and units as there.
    """
    v = np.asarray(end_v, dtype=np.float64)
    p = np.asarray(p_kw, dtype=np.float64) * 1e3
    q = np.asarray(q_kvar, dtype=np.float64) * 1e3
    return np.hypot(v + (r_ohm * p + x_ohm * q) / v, (x_ohm * p - r_ohm * q) / v)


def feeder_voltages_closed_form(
    feeder: Feeder, source_v: FloatArray, p_kw: FloatArray, q_kvar: FloatArray
) -> FeederVoltages:
    """Voltages of the feeder in closed form: at the bus, then back towards the source.

    Parameters
    ----------
    feeder
        Impedances.
    source_v
        Voltage of the source [V], shape (n_steps,).
    p_kw, q_kvar
        Power drawn at the bus [kW], [kvar], shape (n_steps,).
    """
    bus = two_bus_voltage(source_v, feeder.total_r, feeder.total_x, p_kw, q_kvar)
    mccb = source_voltage(bus, feeder.lower_r, feeder.lower_x, p_kw, q_kvar)
    above_r, above_x = feeder.upper_r + feeder.lower_r, feeder.upper_x + feeder.lower_x
    receiving = source_voltage(bus, above_r, above_x, p_kw, q_kvar)
    return FeederVoltages(receiving, mccb, bus)


def feeder_voltages(
    feeder: Feeder,
    nominal_v: float,
    source_v: FloatArray,
    p_kw: FloatArray,
    q_kvar: FloatArray,
    engine: Engine = "power_grid_model",
) -> FeederVoltages:
    """Voltages of the feeder at every step.

    Parameters
    ----------
    feeder
        Impedances.
    nominal_v
        Nominal voltage, base of per-unit values [V].
    source_v
        Voltage of the source [V], shape (n_steps,).
    p_kw, q_kvar
        Power drawn at the bus [kW], [kvar], shape (n_steps,).
    engine
        `power_grid_model` (Newton-Raphson, in one batch) or `closed_form`.

    Returns
    -------
    FeederVoltages
        NaN where the power flow has no solution, or an input is NaN.
    """
    if engine == "closed_form":
        return feeder_voltages_closed_form(feeder, source_v, p_kw, q_kvar)
    known = np.isfinite(source_v) & np.isfinite(p_kw) & np.isfinite(q_kvar)
    result = FeederVoltages(*(np.full(len(p_kw), np.nan) for _ in range(3)))
    if known.any():
        solved = _power_flow(feeder, nominal_v, source_v[known], p_kw[known], q_kvar[known])
        for target, values in zip(result, solved, strict=True):
            target[known] = values
    return result


@lru_cache(maxsize=16)
def _model(feeder: Feeder, nominal_v: float) -> tuple[PowerGridModel, tuple[int, int, int]]:
    """Build the feeder's model; also the nodes of receiving point, MCCB and bus."""
    from power_grid_model import ComponentType, LoadGenType, PowerGridModel, initialize_array

    sections = [
        (feeder.source_r, feeder.source_x),
        (feeder.upper_r, feeder.upper_x),
        (feeder.lower_r, feeder.lower_x),
    ]
    # The engine refuses a branch without impedance, and a tiny one spoils its accuracy: the nodes
    # at its ends are one.
    present = [section for section in sections if section != (0.0, 0.0)]
    ends = np.cumsum([section != (0.0, 0.0) for section in sections]).tolist()
    node = initialize_array("input", ComponentType.node, len(present) + 1)
    node["id"] = range(len(present) + 1)
    node["u_rated"] = nominal_v
    line = initialize_array("input", ComponentType.line, len(present))
    line["id"] = range(_FIRST_LINE_ID, _FIRST_LINE_ID + len(present))
    line["from_node"] = range(len(present))
    line["to_node"] = range(1, len(present) + 1)
    line["from_status"] = line["to_status"] = 1
    line["r1"] = [r for r, _ in present]
    line["x1"] = [x for _, x in present]
    line["c1"] = line["tan1"] = 0.0
    source = initialize_array("input", ComponentType.source, 1)
    source["id"], source["node"], source["status"] = _SOURCE_ID, 0, 1
    source["u_ref"], source["sk"] = 1.0, SOURCE_SK_VA
    load = initialize_array("input", ComponentType.sym_load, 1)
    load["id"], load["node"], load["status"] = _LOAD_ID, len(present), 1
    load["type"] = LoadGenType.const_power
    load["p_specified"] = load["q_specified"] = 0.0
    model = PowerGridModel(
        {
            ComponentType.node: node,
            ComponentType.line: line,
            ComponentType.source: source,
            ComponentType.sym_load: load,
        }
    )
    receiving, mccb, bus = ends
    return model, (receiving, mccb, bus)


def _power_flow(
    feeder: Feeder, nominal_v: float, source_v: FloatArray, p_kw: FloatArray, q_kvar: FloatArray
) -> FeederVoltages:
    from power_grid_model import ComponentType, initialize_array

    model, nodes = _model(feeder, nominal_v)
    n = len(p_kw)
    sources = initialize_array("update", ComponentType.source, (n, 1))
    sources["id"] = _SOURCE_ID
    sources["u_ref"] = (source_v / nominal_v)[:, None]
    loads = initialize_array("update", ComponentType.sym_load, (n, 1))
    loads["id"] = _LOAD_ID
    loads["p_specified"] = p_kw[:, None] * 1e3
    loads["q_specified"] = q_kvar[:, None] * 1e3
    output = model.calculate_power_flow(
        update_data={ComponentType.source: sources, ComponentType.sym_load: loads},
        threading=_ALL_PROCESSORS,
        output_component_types={ComponentType.node: ["u"]},
        continue_on_batch_error=True,
    )
    u = np.array(output[ComponentType.node]["u"], dtype=np.float64)
    error = model.batch_error
    if error is not None:
        # The rows of failed scenarios hold garbage.
        u[np.asarray(error.failed_scenarios)] = np.nan
    return FeederVoltages(*(u[:, node] for node in nodes))


def island_voltage(
    set_point_v: float, droop: float, q_kvar: npt.ArrayLike, rating_kva: npt.ArrayLike
) -> FloatArray:
    """Voltage of an island under reactive droop: V = V_set (1 - mq Q / S).

    Parameters
    ----------
    set_point_v
        Set point V_set of the grid-forming unit [V].
    droop
        Droop mq [1].
    q_kvar
        Reactive power delivered [kvar].
    rating_kva
        Rating S of the grid-forming unit [kVA].
    """
    q = np.asarray(q_kvar, dtype=np.float64)
    return np.asarray(set_point_v * (1.0 - droop * q / np.asarray(rating_kva)), dtype=np.float64)
