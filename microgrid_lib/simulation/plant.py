"""The plant: what the simulation knows about a site, each number with unit and source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

import numpy as np

from microgrid_lib.simulation.errors import PlantError
from microgrid_lib.site.plant import (
    FrequencySpec,
    LoadGroup,
    NetworkSpec,
    Parameter,
    PlantSpec,
    SourceNote,
)
from microgrid_lib.site.profile import Limits, Profile


@dataclass(frozen=True)
class Battery:
    """A battery with its converter; units as in `site.plant` and the site's `battery` section.

    Attributes
    ----------
    power_kw
        Highest charge and discharge power at the AC terminals [kW].
    capacity_kwh
        Rated energy [kWh].
    eta_charge, eta_discharge
        One-way efficiencies [1].
    soc_min, soc_max
        Usable state of charge [1].
    converter_kva, droop, lag_s, power_filter_s
        See `site.plant.BatteryConverterSpec`.
    """

    power_kw: Parameter
    capacity_kwh: Parameter
    eta_charge: Parameter
    eta_discharge: Parameter
    soc_min: Parameter
    soc_max: Parameter
    converter_kva: Parameter
    droop: Parameter
    lag_s: Parameter
    power_filter_s: Parameter


@dataclass(frozen=True)
class Genset:
    """An engine generator; see `site.plant.GensetSpec`.

    Attributes
    ----------
    max_kw
        Rated power [kW].
    """

    max_kw: Parameter
    apparent_kva: Parameter
    min_kw: Parameter
    min_up_min: Parameter
    min_down_min: Parameter
    inertia_s: Parameter
    droop: Parameter
    governor_lag_s: Parameter
    engine_lag_s: Parameter
    secondary_gain: Parameter


@dataclass(frozen=True)
class FuelCell:
    """A fuel cell: rated power [kW] and fastest change under a new set point [kW/min]."""

    rated_kw: Parameter
    ramp_kw_per_min: Parameter


@dataclass(frozen=True)
class ParameterRow:
    """A parameter as shown to users."""

    name: str
    value: float
    unit: str
    source: str
    note: str


@dataclass(frozen=True)
class Plant:
    """Everything the simulation knows about a site.

    Attributes
    ----------
    site
        The site's name.
    interval_s
        How often the site measures [s].
    nominal_voltage_v, nominal_frequency_hz
        Nominal values, line to line [V] and [Hz].
    load_groups
        Parts of the load, their shares adding up to 1.
    critical_share
        Share of the critical groups, with its source [1].
    frequency
        Parameters of frequency.
    battery, genset, fuel_cell, network
        None where the plant has none, or nothing is known about it.
    limits
        Voltage bands and frequency limits of the site.

    Raises
    ------
    PlantError
        The battery is larger than its converter, the genset's limits are out of order, or its
        machine parameters are unstable.
    """

    site: str
    interval_s: int
    nominal_voltage_v: Parameter
    nominal_frequency_hz: Parameter
    load_groups: tuple[LoadGroup, ...]
    critical_share: Parameter
    frequency: FrequencySpec
    battery: Battery | None = None
    genset: Genset | None = None
    fuel_cell: FuelCell | None = None
    network: NetworkSpec | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse what can't exist."""
        battery, genset = self.battery, self.genset
        if battery is not None and battery.power_kw.value > battery.converter_kva.value:
            raise PlantError(
                f"the battery ({battery.power_kw.value:g} kW) is larger than its converter "
                f"({battery.converter_kva.value:g} kVA)"
            )
        if genset is not None:
            if not genset.min_kw.value < genset.max_kw.value:
                raise PlantError(
                    f"the genset's minimum load ({genset.min_kw.value:g} kW) must be below its "
                    f"rated power ({genset.max_kw.value:g} kW)"
                )
            if genset.max_kw.value > genset.apparent_kva.value:
                raise PlantError(
                    f"the genset's rated power ({genset.max_kw.value:g} kW) is above its apparent "
                    f"power ({genset.apparent_kva.value:g} kVA)"
                )
            check_stability(genset, self.battery, self.frequency.load_damping.value)

    def parameters(self) -> Iterator[ParameterRow]:
        """Every parameter with its unit and source, named as `genset.droop`."""
        singles = {
            "nominal_voltage_v": self.nominal_voltage_v,
            "nominal_frequency_hz": self.nominal_frequency_hz,
            "critical_share": self.critical_share,
        }
        for name, parameter in singles.items():
            yield _row(name, parameter)
        for part in ("battery", "genset", "fuel_cell"):
            section = getattr(self, part)
            if section is not None:
                for field in fields(section):
                    yield _row(f"{part}.{field.name}", getattr(section, field.name))
        for part, spec in (("network", self.network), ("frequency", self.frequency)):
            if spec is not None:
                for name in type(spec).model_fields:
                    yield _row(f"{part}.{name}", getattr(spec, name))


def _row(name: str, parameter: Parameter) -> ParameterRow:
    return ParameterRow(name, parameter.value, parameter.unit, parameter.source, parameter.note)


def state_matrix(genset: Genset, battery: Battery | None, damping: float) -> np.ndarray:
    """Build the linear model of the island's frequency, without limits.

    States: speed deviation w, governor g, engine power Pm, battery power Pb and secondary control
    s, per unit on the genset's apparent power; equations in `frequency.machine_transient`. Pb is
    left out without a battery, s where its gain is 0.

    Returns
    -------
    ndarray of float, shape (3 to 5, 3 to 5)
        Unit [1/s].
    """
    two_h, droop = 2.0 * genset.inertia_s.value, genset.droop.value
    lag_g, lag_e = genset.governor_lag_s.value, genset.engine_lag_s.value
    gain = genset.secondary_gain.value
    matrix = np.zeros((5, 5))
    matrix[0, :4] = [-damping / two_h, 0.0, 1.0 / two_h, 1.0 / two_h]
    matrix[1, [0, 1, 4]] = [-1.0 / (droop * lag_g), -1.0 / lag_g, 1.0 / lag_g]
    matrix[2, [1, 2]] = [1.0 / lag_e, -1.0 / lag_e]
    if battery is not None:
        stiffness = battery.power_kw.value / (genset.apparent_kva.value * battery.droop.value)
        matrix[3, [0, 3]] = [-stiffness / battery.lag_s.value, -1.0 / battery.lag_s.value]
    matrix[4, 0] = -gain
    keep = [0, 1, 2] + ([3] if battery is not None else []) + ([4] if gain > 0 else [])
    return matrix[np.ix_(keep, keep)]


def check_stability(genset: Genset, battery: Battery | None, damping: float) -> None:
    """Refuse machine parameters whose frequency oscillates without end.

    Checked by eigenvalues, with the battery and without it (it may be lost or empty).

    Raises
    ------
    PlantError
        An eigenvalue's real part isn't negative.
    """
    for partner in (None,) if battery is None else (None, battery):
        worst = float(np.linalg.eigvals(state_matrix(genset, partner, damping)).real.max())
        if not worst < 0.0:
            raise PlantError(
                "the genset's machine parameters are unstable "
                f"{'without' if partner is None else 'with'} the battery: H "
                f"{genset.inertia_s.value:g} s, droop {genset.droop.value:g}, Tg "
                f"{genset.governor_lag_s.value:g} s, Te {genset.engine_lag_s.value:g} s, Ki "
                f"{genset.secondary_gain.value:g} 1/s, D {damping:g} (eigenvalue {worst:+.3g} 1/s)"
            )


def build_plant(profile: Profile) -> Plant:
    """Build the plant of a site as one of its profiles reads it.

    A genset exists only where the profile has that role: a machine that a profile reads as load is
    never counted twice.

    Parameters
    ----------
    profile
        The profile, with its site. Without a `[plant]` section only balances can be simulated.

    Raises
    ------
    PlantError
        A rating that the section needs is missing, or the plant can't exist.
    """
    site = profile.site
    given = site.plant or PlantSpec()

    def stated(section: str, key: str, unit: str) -> Parameter:
        value = getattr(getattr(site, section), key)
        name = f"{section}.{key}"
        if value is None:
            raise PlantError(f"site {site.name}: the plant needs {name}, which isn't given")
        origin = given.sources.get(name) or SourceNote(
            source="assumed", note="the site file doesn't say where it comes from"
        )
        return Parameter(value=value, unit=unit, source=origin.source, note=origin.note)

    battery = genset = fuel_cell = None
    if given.battery is not None and profile.has("battery"):
        battery = Battery(
            power_kw=stated("ratings", "battery_kw", "kW"),
            capacity_kwh=stated("battery", "capacity_kwh", "kWh"),
            eta_charge=stated("battery", "eta_charge", "1"),
            eta_discharge=stated("battery", "eta_discharge", "1"),
            soc_min=stated("battery", "soc_min", "1"),
            soc_max=stated("battery", "soc_max", "1"),
            **_parts(given.battery),
        )
    if given.genset is not None and profile.has("genset"):
        genset = Genset(max_kw=stated("ratings", "genset_kw", "kW"), **_parts(given.genset))
    if given.fuel_cell is not None and profile.has("fuel_cell"):
        fuel_cell = FuelCell(
            rated_kw=stated("ratings", "fuel_cell_kw", "kW"), **_parts(given.fuel_cell)
        )
    share = given.critical_share
    groups = given.load_groups
    if groups:
        total = sum(group.share for group in groups if group.critical)
        share = Parameter(value=total, unit="1", source="assumed", note="sum of load_groups")
    else:
        groups = split_load(share.value)
    return Plant(
        site=site.name,
        interval_s=site.interval_s,
        nominal_voltage_v=stated("nominal", "voltage_v", "V"),
        nominal_frequency_hz=stated("nominal", "frequency_hz", "Hz"),
        load_groups=groups,
        critical_share=share,
        frequency=given.frequency,
        battery=battery,
        genset=genset,
        fuel_cell=fuel_cell,
        network=given.network,
        limits=site.limits,
    )


def with_critical_share(plant: Plant, share: float, note: str) -> Plant:
    """Take a share of critical load from elsewhere, such as from the consumers' rated power.

    Parameters
    ----------
    share
        Of the load, 0-1.
    note
        Where it comes from.

    Raises
    ------
    PlantError
        It isn't a share.
    """
    if not 0.0 <= share <= 1.0:
        raise PlantError(f"critical share {share:g} must be between 0 and 1")
    parameter = Parameter(value=share, unit="1", source="nameplate", note=note)
    return replace(plant, load_groups=split_load(share), critical_share=parameter)


def split_load(critical_share: float) -> tuple[LoadGroup, ...]:
    """Two groups of load, of which the critical one has the given share."""
    return (
        LoadGroup(name="non-critical", share=1.0 - critical_share, priority=1),
        LoadGroup(name="critical", share=critical_share, priority=0, critical=True),
    )


def _parts(spec: object) -> dict[str, Parameter]:
    return {name: getattr(spec, name) for name in type(spec).model_fields}  # type: ignore[attr-defined]
