"""The tables of a site file, each checked on its own; `profile.Site` puts them together."""

from __future__ import annotations

import keyword
import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from microgrid_lib.site.schema import ROLES, Unit, normal_spelling
from microgrid_lib.site.zones import zone


class SiteKeyError(ValueError):
    """A wrong value whose key, relative to the model that finds it, is known.

    Attributes
    ----------
    key
        Dotted key.
    problem
        What is wrong with it, the value and what is allowed included.
    """

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(f"{key}: {problem}")


# Columns that the store's own tables have beside the channels.
_RESERVED = frozenset(
    {"detail", "file", "files", "ingest", "month", "profile", "reason", "row", "site", "slot"}
    | {"source", "state", "time", "verdict"}
)


def _known_zone(name: str) -> str:
    zone(name)
    return name


def _channel_name(name: str) -> str:
    if keyword.iskeyword(name) or name in _RESERVED:
        raise ValueError(f"{name!r} is reserved and can't name a channel")
    return name


def _column(name: str) -> str:
    if not normal_spelling(name):
        raise ValueError(f"{name!r} has no letter or digit to tell the column by")
    return name


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] < limits[1]:
        raise ValueError(f"{list(limits)} must have its lower limit first")
    return limits


def _file_pattern(pattern: str) -> str:
    if not pattern or "/" in pattern or "\\" in pattern:
        raise ValueError(f"{pattern!r} must be a pattern of file names, without folders")
    return pattern


# What DuckDB's strptime understands, without the locale's own formats (%c, %x, %X).
_DIRECTIVES = frozenset("aAbBdfgGHIjmMnpSuUVwWyYzZ%")
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)


def _time_format(pattern: str) -> str:
    used = {letter for _, letter in _DIRECTIVE.findall(pattern)}
    unknown = sorted(used - _DIRECTIVES)
    if unknown:
        raise ValueError(
            f"{pattern!r}: %{unknown[0]} isn't known; use %Y %y %m %b %B %d %j %H %I %p %M %S %f %z"
        )
    dated = used & set("Yy") and (("d" in used and used & set("mbB")) or "j" in used)
    if not dated and not {"G", "V", "u"} <= used:
        raise ValueError(f"{pattern!r} must give year, month and day, as in '%d.%m.%Y %H:%M'")
    if "I" in used and "p" not in used:
        raise ValueError(f"{pattern!r}: %I (12-hour clock) needs %p, or use %H")
    return pattern


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ChannelName = Annotated[Name, AfterValidator(_channel_name)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\r\n]*\S[^\r\n]*$", max_length=200)]
ColumnName = Annotated[str, AfterValidator(_column)]
FilePattern = Annotated[str, AfterValidator(_file_pattern)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
# TOML has lists; everything else must be of the very type, so that "10" or true is no number.
_List = Field(strict=False)
_Filled = Field(strict=False, min_length=1)
Band = Annotated[tuple[Finite, Finite], _List, AfterValidator(_ascending)]
PositiveBand = Annotated[tuple[Positive, Positive], _List, AfterValidator(_ascending)]


class Table(BaseModel):
    """A table of the file: no key more than these, and no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Channel(Table):
    """One measured quantity of the site.

    Attributes
    ----------
    columns
        Column names it has in files. Case, spaces, `_`, `-` and brackets don't matter. For the
        library's own channels the default is their published names.
    unit
        Unit of the stored values. Default for the library's own channels: theirs.
    factor
        Stored value = value in the file x factor: turns units and signs to ours.
    range
        Plausible range of the stored value, limits included; what is outside is quarantined.
        Default for the library's own channels: theirs.
    """

    columns: Annotated[tuple[ColumnName, ...], _Filled]
    unit: Unit
    factor: Finite = 1.0
    range: Band

    @field_validator("factor")
    @classmethod
    def _keeps_values(cls, factor: float) -> float:
        if factor == 0:
            raise ValueError("0 would erase the values; it must change units or signs")
        return factor


class Source(Table):
    """One kind of data file: which files, which columns, how time is written.

    Attributes
    ----------
    name
        Rows of the same source and time compete (duplicates, conflicts); rows of different
        sources at the same time complete each other.
    files
        File name patterns (`*`, `?`, `[...]`), any case.
    time_columns
        Possible names of the time column.
    time_formats
        strptime patterns to try; the one that most of the first 50 rows fit is used for the file.
        Two that read the same text as different dates can't be told apart safely.
    columns
        Channel -> column name, where it differs from the channel's own. Empty: all channels of
        the site by their own column names.
    delimiter
        What separates columns; `auto` looks at the header.
    decimal
        Decimal sign.
    encoding
        Encoding of the text; a byte-order mark is accepted.
    """

    name: Name
    files: Annotated[tuple[FilePattern, ...], _Filled] = ("*",)
    time_columns: Annotated[tuple[ColumnName, ...], _Filled] = ("Timestamp",)
    time_formats: Annotated[tuple[TimeFormat, ...], _Filled] = ("%Y-%m-%d %H:%M:%S",)
    columns: dict[Name, ColumnName] = {}
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    decimal: Literal[".", ","] = "."
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"

    @model_validator(mode="after")
    def _separable(self) -> Self:
        if self.delimiter == self.decimal:
            raise SiteKeyError("delimiter", f"{self.delimiter!r} is the decimal sign too")
        return self


class Nominal(Table):
    """Nominal values of the grid.

    Attributes
    ----------
    voltage_v
        Nominal voltage, line to line [V].
    frequency_hz
        Nominal frequency [Hz].
    """

    voltage_v: Positive
    frequency_hz: Positive


class Ratings(Table):
    """Rated powers; absent where unknown.

    Attributes
    ----------
    pv_kw
        Rated power of the PV plant [kW].
    fuel_cell_kw
        Rated power of the fuel cell [kW].
    genset_kw
        Rated power of the engine generator [kW].
    battery_kw
        Rated power of the battery [kW].
    """

    pv_kw: Positive | None = None
    fuel_cell_kw: Positive | None = None
    genset_kw: Positive | None = None
    battery_kw: Positive | None = None


class SocAnchor(Table):
    """A state of charge that is known from elsewhere, such as a capacity test.

    Attributes
    ----------
    time
        When, with its offset: `2022-05-03T06:00:00-07:00`. It holds from the first step of the
        state of charge (a minute, or the interval where longer) that starts then or later.
    soc
        State of charge [1].
    uncertainty
        Half-width of what is known [1].
    """

    time: AwareDatetime
    soc: Fraction
    uncertainty: Fraction


class Battery(Table):
    """The battery's parameters; absent where unknown.

    Attributes
    ----------
    capacity_kwh
        Rated energy [kWh]. Without it there is no state of charge; with it, the next four must
        be given as well.
    eta_charge
        One-way efficiency of charging [1].
    eta_discharge
        One-way efficiency of discharging [1].
    soc_min
        Lowest usable state of charge [1].
    soc_max
        Highest usable state of charge [1].
    deadband_kw
        Power below which the meter's offset counts as 0 [kW].
    full_charge_uncertainty
        Half-width of the state of charge at a detected full charge, around soc_max [1].
    soc_anchors
        Times at which the state of charge is known.
    """

    capacity_kwh: Positive | None = None
    eta_charge: Efficiency = 0.95
    eta_discharge: Efficiency = 0.95
    soc_min: Fraction = 0.0
    soc_max: Fraction = 1.0
    deadband_kw: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    full_charge_uncertainty: Fraction = 0.02
    soc_anchors: Annotated[tuple[SocAnchor, ...], _List] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.soc_min < self.soc_max:
            raise SiteKeyError("soc_min", f"{self.soc_min} must be below soc_max {self.soc_max}")
        if self.capacity_kwh is not None:
            for key in ("eta_charge", "eta_discharge", "soc_min", "soc_max"):
                if key not in self.model_fields_set:
                    raise SiteKeyError(key, "is missing; capacity_kwh needs it, nothing is assumed")
        return self

    @property
    def usable_kwh(self) -> float | None:
        """Usable energy [kWh], None where the capacity is unknown."""
        if self.capacity_kwh is None:
            return None
        return self.capacity_kwh * (self.soc_max - self.soc_min)


class Limits(Table):
    """Limits of grid quality, per unit of nominal.

    Attributes
    ----------
    voltage_a
        Range A of service voltage [1]; default ANSI C84.1.
    voltage_b
        Range B of service voltage [1], no narrower than A; default ANSI C84.1.
    frequency_warning
        Deviation of frequency that warns [1].
    frequency_critical
        Deviation of frequency that is critical [1], no smaller than the warning's.
    """

    voltage_a: PositiveBand = (0.95, 1.05)
    voltage_b: PositiveBand = (110 / 120, 127 / 120)
    frequency_warning: Positive = 0.01
    frequency_critical: Positive = 0.02

    @model_validator(mode="after")
    def _nested(self) -> Self:
        (low_a, high_a), (low_b, high_b) = self.voltage_a, self.voltage_b
        if not low_b <= low_a < high_a <= high_b:
            raise SiteKeyError(
                "voltage_a", f"{list(self.voltage_a)} must lie in voltage_b {list(self.voltage_b)}"
            )
        if self.frequency_warning > self.frequency_critical:
            raise SiteKeyError(
                "frequency_warning",
                f"{self.frequency_warning} is above frequency_critical {self.frequency_critical}",
            )
        return self


class AlertSettings(Table):
    """Thresholds of alerts; those of voltage and frequency start from the site's limits.

    A condition must hold for its time, and for three intervals at least, before it is an alert;
    the alert ends with the first sample beyond its other threshold.

    Attributes
    ----------
    battery_low_soc
        State of charge below which the battery is low [1]; below soc_min it is empty.
    battery_soc_hysteresis
        How far above its threshold the state of charge ends the alert [1].
    battery_soc_for_s
        Time of both [s].
    fuel_cell_failed_share
        Power per set point below which a commanded fuel cell has failed [1].
    fuel_cell_recovered_share
        Power per set point above which it runs again [1].
    fuel_cell_failed_for_s
        Time [s].
    battery_deviation_share
        Distance of the battery from its set point, per rated power, beyond which it doesn't
        follow [1].
    battery_following_share
        Distance below which it follows again [1].
    battery_deviation_for_s
        Time [s].
    voltage_hysteresis
        How far inside its range the bus voltage ends the alert, per nominal [1].
    voltage_for_s
        Time [s].
    frequency_hysteresis
        How far inside its range the bus frequency ends the alert, per nominal [1].
    frequency_for_s
        Time [s].
    voltage_gap_share
        Difference of bus and MCCB voltage, per nominal, beyond which it is reported while the
        two are synchronous [1].
    voltage_gap_closed_share
        Difference below which that ends [1].
    voltage_gap_for_s
        Time [s].
    stale_for_s
        Time without any valid sample after which data are stale [s].
    """

    battery_low_soc: Fraction = 0.35
    battery_soc_hysteresis: Fraction = 0.05
    battery_soc_for_s: Positive = 300.0
    fuel_cell_failed_share: Fraction = 0.10
    fuel_cell_recovered_share: Fraction = 0.50
    fuel_cell_failed_for_s: Positive = 300.0
    battery_deviation_share: Positive = 0.10
    battery_following_share: Positive = 0.05
    battery_deviation_for_s: Positive = 300.0
    voltage_hysteresis: Fraction = 0.005
    voltage_for_s: Positive = 60.0
    frequency_hysteresis: Fraction = 0.002
    frequency_for_s: Positive = 60.0
    voltage_gap_share: Positive = 0.01
    voltage_gap_closed_share: Positive = 0.005
    voltage_gap_for_s: Positive = 60.0
    stale_for_s: Positive = 300.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in (
            ("fuel_cell_failed_share", "fuel_cell_recovered_share"),
            ("battery_following_share", "battery_deviation_share"),
            ("voltage_gap_closed_share", "voltage_gap_share"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise SiteKeyError(
                    low, f"{getattr(self, low)} must not be above {high} {getattr(self, high)}"
                )
        return self


class Reading(Table):
    """One way to read the channels, and the power balance it implies.

    Attributes
    ----------
    name
        What the reading says.
    residual
        Expression over channels that is near zero where the reading is right [kW].
    """

    name: Name
    residual: str


class Evidence(Table):
    """What the data can say about a doubtful channel.

    Attributes
    ----------
    channel
        The doubtful channel.
    setpoint
        A channel it would follow if it were a controlled machine.
    readings
        The competing readings.
    step_of
        A channel whose steps should be answered by `step_with`, with a slope towards -1, where
        its sign is right.
    step_with
        The channel that answers.
    """

    channel: Name
    setpoint: Name | None = None
    readings: Annotated[tuple[Reading, ...], _List] = ()
    step_of: Name | None = None
    step_with: Name | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.step_of is None) != (self.step_with is None):
            missing = "step_of" if self.step_of is None else "step_with"
            raise SiteKeyError(missing, "is missing; step_of and step_with go together")
        names = [reading.name for reading in self.readings]
        for name in names:
            if names.count(name) > 1:
                raise SiteKeyError("readings", f"{name!r} is there twice")
        return self


class ProfileSpec(Table):
    """A profile as written in the site file.

    Attributes
    ----------
    title
        Name of the profile on pages, one line.
    note
        What the profile assumes, in words shown to users.
    roles
        Role -> channel or expression.
    fuel_cell_renewable
        Whether fuel-cell energy counts as renewable.
    reading
        The evidence reading (by name) this profile relies on.
    reasons
        Role that this profile can't give -> why, in words shown to users. A reason for `grid`
        also keeps it from being derived from the load, as it must be where a plant isn't
        metered.
    alerts
        Thresholds of alerts.
    """

    title: Line
    note: str = ""
    roles: Annotated[dict[Name, str], Field(min_length=1)]
    fuel_cell_renewable: bool = False
    reading: Name | None = None
    reasons: dict[Name, Line] = {}
    alerts: AlertSettings = AlertSettings()

    @model_validator(mode="after")
    def _known_roles(self) -> Self:
        for table, given in (("roles", self.roles), ("reasons", self.reasons)):
            for role in given:
                if role not in ROLES:
                    raise SiteKeyError(
                        f"{table}.{role}", f"no such role; known: {', '.join(ROLES)}"
                    )
        for role in self.reasons:
            if role in self.roles:
                raise SiteKeyError(f"reasons.{role}", "this role is given in roles as well")
        return self
