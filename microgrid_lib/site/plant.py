"""The `[plant]` section of a site file: parameters of the simulation, each with its source.

A parameter is written as `key = { value = 0.8, source = "assumed", note = "why" }`; its unit
belongs to the key and need not be given. Keys left out take the typical values stated here, which
are labelled `assumed`; a part of the plant that isn't written doesn't exist for the simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

ParameterSource = Literal["measured", "calibrated", "nameplate", "assumed"]
SHARES_TOLERANCE = 1e-6


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Parameter(_Model):
    """A number, and where it comes from.

    Attributes
    ----------
    value
        The number, in `unit`.
    unit
        Filled in from the key; a unit that is written must be the key's.
    source
        `measured`, `calibrated` (fitted to data), `nameplate` or `assumed`.
    note
        Where exactly it comes from.
    """

    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str = ""
    source: ParameterSource
    note: str = ""


@dataclass(frozen=True)
class _In:
    """Checks a parameter's range and gives it its unit."""

    unit: str
    above: float = -math.inf
    least: float = -math.inf
    most: float = math.inf

    def __call__(self, given: Parameter) -> Parameter:
        value = given.value
        shown = f"{value:g}" if self.unit == "1" else f"{value:g} {self.unit}"
        if given.unit not in ("", self.unit):
            raise ValueError(f"is in {self.unit}, not in {given.unit!r}")
        if not value > self.above:
            raise ValueError(f"{shown} must be above {self.above:g}")
        if not value >= self.least:
            raise ValueError(f"{shown} must be at least {self.least:g}")
        if not value <= self.most:
            raise ValueError(f"{shown} must be at most {self.most:g}")
        return given.model_copy(update={"unit": self.unit})


Kva = Annotated[Parameter, AfterValidator(_In("kVA", above=0))]
NonNegativeKw = Annotated[Parameter, AfterValidator(_In("kW", least=0))]
RampRate = Annotated[Parameter, AfterValidator(_In("kW/min", above=0))]
Seconds = Annotated[Parameter, AfterValidator(_In("s", above=0))]
NonNegativeSeconds = Annotated[Parameter, AfterValidator(_In("s", least=0))]
Minutes = Annotated[Parameter, AfterValidator(_In("min", least=0))]
PositiveMinutes = Annotated[Parameter, AfterValidator(_In("min", above=0))]
Ohm = Annotated[Parameter, AfterValidator(_In("ohm", least=0))]
Volt = Annotated[Parameter, AfterValidator(_In("V", above=0))]
NonNegativeHz = Annotated[Parameter, AfterValidator(_In("Hz", least=0))]
Share = Annotated[Parameter, AfterValidator(_In("1", least=0, most=1))]
PowerFactor = Annotated[Parameter, AfterValidator(_In("1", above=0, most=1))]
Droop = Annotated[Parameter, AfterValidator(_In("1", above=0, most=1))]
PerUnit = Annotated[Parameter, AfterValidator(_In("1", least=0))]


def _assumed(value: float, note: str) -> Parameter:
    return Parameter(value=value, source="assumed", note=note)


class GensetSpec(_Model):
    """An engine generator; its rated power is `ratings.genset_kw`.

    Attributes
    ----------
    apparent_kva
        Rating of the machine, base of its per-unit values [kVA].
    min_kw
        Lowest load it is run at [kW].
    min_up_min, min_down_min
        Shortest time it stays on, and off [min].
    inertia_s
        Inertia constant H [s].
    droop
        Governor droop R: share of nominal frequency per rated power [1].
    governor_lag_s, engine_lag_s
        Time constants Tg and Te [s].
    secondary_gain
        Integral gain Ki of the secondary control [1/s]; 0 switches it off.
    """

    apparent_kva: Kva
    min_kw: NonNegativeKw = _assumed(0.0, "no lower limit stated")
    min_up_min: Minutes = _assumed(30.0, "usual practice for gas engines")
    min_down_min: Minutes = _assumed(10.0, "usual practice for gas engines")
    inertia_s: Seconds = _assumed(0.8, "near GridLAB-D's diesel generator (0.7 s)")
    droop: Droop = _assumed(0.05, "GridLAB-D diesel generator; ISO 8528-5 class G2 allows 5 %")
    governor_lag_s: Seconds = _assumed(0.05, "typical electronic governor")
    engine_lag_s: Seconds = _assumed(0.15, "typical engine torque delay")
    secondary_gain: Annotated[Parameter, AfterValidator(_In("1/s", least=0))] = _assumed(
        1.4, "restores frequency in about 15 s"
    )


class BatteryConverterSpec(_Model):
    """The battery's converter; power, energy and efficiency are in `ratings` and `battery`.

    Attributes
    ----------
    converter_kva
        Rating of the converter [kVA].
    droop
        Frequency droop: share of nominal frequency per rated power [1].
    lag_s
        Time constant Tb of its power beside a machine [s].
    power_filter_s
        Time constant of its power measurement when it forms the grid alone [s].
    """

    converter_kva: Kva
    droop: Droop = _assumed(0.02, "usual setting of grid-supporting converters")
    lag_s: Seconds = _assumed(0.05, "typical current control and filter")
    power_filter_s: Seconds = _assumed(0.1, "typical power filter of a grid-forming converter")


class FuelCellSpec(_Model):
    """The fuel cell; its rated power is `ratings.fuel_cell_kw`.

    Attributes
    ----------
    ramp_kw_per_min
        Fastest change of power under a new set point [kW/min].
    """

    ramp_kw_per_min: RampRate


class NetworkSpec(_Model):
    """The feeder: grid source - receiving point - island-mode breaker (MCCB) - bus.

    Attributes
    ----------
    source_r_ohm, source_x_ohm
        Impedance of the grid behind the receiving point [ohm].
    line_r_ohm, line_x_ohm
        Impedance from the receiving point to the bus [ohm].
    mccb_fraction
        Share of the line impedance that lies before the breaker, 0-1.
    island_voltage_v
        Voltage set point of the grid-forming unit [V], line to line.
    voltage_droop
        Voltage droop mq: share of the set point per rated reactive power [1].
    load_power_factor
        Power factor of the load, lagging [1].
    """

    source_r_ohm: Ohm
    source_x_ohm: Ohm
    line_r_ohm: Ohm
    line_x_ohm: Ohm = _assumed(0.0, "reactive power isn't measured: the resistance includes it")
    mccb_fraction: Share = _assumed(0.5, "split equally")
    island_voltage_v: Volt
    voltage_droop: Share = _assumed(0.04, "usual setting; GridLAB-D's diesel generator has 5 %")
    load_power_factor: PowerFactor = _assumed(1.0, "reactive power isn't measured")


class FrequencySpec(_Model):
    """Frequency of the grid, and of the island beside its machines.

    Attributes
    ----------
    grid_sigma_hz
        Standard deviation of the grid's frequency [Hz], where it isn't measured.
    grid_tau_min
        Its correlation time [min].
    load_damping
        Load damping D: relative change of load per relative change of frequency [1].
    secondary_s
        Time constant in which secondary control restores an island's frequency [s].
    """

    grid_sigma_hz: NonNegativeHz = _assumed(0.015, "usual of large interconnections")
    grid_tau_min: PositiveMinutes = _assumed(10.0, "usual of large interconnections")
    load_damping: PerUnit = _assumed(1.0, "usual value of mixed load")
    secondary_s: NonNegativeSeconds = _assumed(15.0, "usual of secondary control")


class LoadGroup(_Model):
    """A part of the load that is shed together.

    Attributes
    ----------
    name
        What it is.
    share
        Share of the load at every time, 0-1.
    priority
        Order of shedding: the highest number goes first.
    critical
        Whether losing it counts as unserved instead of shed.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    share: Annotated[float, Field(ge=0, le=1)]
    priority: Annotated[int, Field(ge=0)] = 0
    critical: bool = False


class SourceNote(_Model):
    """Where a number of another section (`ratings`, `battery`, `nominal`) comes from."""

    source: ParameterSource
    note: str = ""


class PlantSpec(_Model):
    """The `[plant]` section.

    Attributes
    ----------
    critical_share
        Share of the load that is critical, 0-1; not used where `load_groups` are given.
    load_groups
        Groups of load, their shares adding up to 1.
    genset, battery, fuel_cell, network, frequency
        Parts of the plant; absent: not there for the simulation.
    sources
        Where numbers of other sections come from, by key, such as `battery.capacity_kwh`.
    """

    critical_share: Share = _assumed(1.0, "no load is known to be dispensable")
    load_groups: tuple[LoadGroup, ...] = ()
    genset: GensetSpec | None = None
    battery: BatteryConverterSpec | None = None
    fuel_cell: FuelCellSpec | None = None
    network: NetworkSpec | None = None
    frequency: FrequencySpec = FrequencySpec()
    sources: dict[str, SourceNote] = {}

    @model_validator(mode="after")
    def _groups_cover_the_load(self) -> Self:
        if self.load_groups:
            total = math.fsum(group.share for group in self.load_groups)
            if abs(total - 1.0) > SHARES_TOLERANCE:
                raise ValueError(f"load_groups: the shares add up to {total:g} instead of 1")
            names = [group.name for group in self.load_groups]
            if len(set(names)) < len(names):
                raise ValueError("load_groups: a name is there twice")
        return self
