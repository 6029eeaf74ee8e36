"""The site file's models, and a profile resolved against its site.

A *site* is files and channels; a *profile* of it maps channels, or expressions of channels, to
roles. KPIs are written in roles.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.site.expression import Expression, ExpressionError, parse_expression
from microgrid_lib.site.schema import CHANNELS, ROLES, Unit, normal_spelling
from microgrid_lib.site.zones import zone

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _known_zone(name: str) -> str:
    zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Model):
    """One measured quantity of the site.

    Attributes
    ----------
    columns
        Column names it has in files; spelling rules of `schema.normal_spelling`.
    unit
        Unit of the stored values.
    factor
        Stored value = value in the file x factor: turns units and signs to ours.
    range
        Plausible range of the stored value, limits included; outside is quarantined.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    unit: Unit
    factor: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    range: tuple[float, float]

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.factor == 0:
            raise ValueError("factor is 0; it must change units or signs, not erase values")
        if not self.range[0] < self.range[1]:
            raise ValueError(f"range {list(self.range)} must have its lower limit first")
        return self


class Source(_Model):
    """One kind of data file: which files, which columns, how time is written.

    Attributes
    ----------
    name
        Rows of the same source and time compete (duplicates, conflicts); rows of different
        sources at the same time complete each other.
    files
        File name patterns, any case.
    time_columns
        Possible names of the time column.
    time_formats
        strptime patterns to try; the first that fits the first data row is used for the file.
    columns
        Channel -> column name, where it differs from the channel's own. Empty: all channels of
        the site by their own column names.
    delimiter, decimal, encoding
        How the text is written; `auto` looks at the header.
    """

    name: Name
    files: tuple[str, ...] = ("*",)
    time_columns: tuple[str, ...] = ("Timestamp",)
    time_formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S",)
    columns: dict[Name, str] = {}
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    decimal: Literal[".", ","] = "."
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"


class Nominal(_Model):
    """Nominal voltage [V] (line to line) and frequency [Hz]."""

    voltage_v: Positive
    frequency_hz: Positive


class Ratings(_Model):
    """Rated powers [kW]; absent where unknown."""

    pv_kw: Positive | None = None
    fuel_cell_kw: Positive | None = None
    genset_kw: Positive | None = None
    battery_kw: Positive | None = None


class Battery(_Model):
    """The battery's parameters; absent where unknown.

    Attributes
    ----------
    capacity_kwh
        Rated energy [kWh].
    eta_charge, eta_discharge
        One-way efficiencies, 0-1.
    soc_min, soc_max
        Usable state of charge, 0-1.
    deadband_kw
        Power below which the meter's offset counts as 0 [kW].
    """

    capacity_kwh: Positive | None = None
    eta_charge: Annotated[float, Field(gt=0, le=1)] = 0.95
    eta_discharge: Annotated[float, Field(gt=0, le=1)] = 0.95
    soc_min: Fraction = 0.0
    soc_max: Fraction = 1.0
    deadband_kw: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.soc_min < self.soc_max:
            raise ValueError(f"soc_min {self.soc_min} must be below soc_max {self.soc_max}")
        return self

    @property
    def usable_kwh(self) -> float | None:
        """Usable energy [kWh], None where the capacity is unknown."""
        if self.capacity_kwh is None:
            return None
        return self.capacity_kwh * (self.soc_max - self.soc_min)


class Limits(_Model):
    """Limits of grid quality, per unit of nominal.

    Attributes
    ----------
    voltage_a, voltage_b
        ANSI C84.1 service voltage ranges A and B.
    frequency_warning, frequency_critical
        Allowed deviation of frequency.
    """

    voltage_a: tuple[float, float] = (0.95, 1.05)
    voltage_b: tuple[float, float] = (110 / 120, 127 / 120)
    frequency_warning: Positive = 0.01
    frequency_critical: Positive = 0.02


class Reading(_Model):
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


class Evidence(_Model):
    """What the data can say about a doubtful channel.

    Attributes
    ----------
    channel
        The doubtful channel.
    setpoint
        A channel it would follow if it were a controlled machine.
    readings
        The competing readings.
    step_of, step_with
        Where steps of `step_of` should be answered by `step_with` with a slope near -1.
    """

    channel: Name
    setpoint: Name | None = None
    readings: tuple[Reading, ...] = ()
    step_of: Name | None = None
    step_with: Name | None = None


class ProfileSpec(_Model):
    """A profile as written in the site file.

    Attributes
    ----------
    roles
        Role -> channel or expression.
    fuel_cell_renewable
        Whether fuel-cell energy counts as renewable.
    readings
        The evidence readings (by name) this profile relies on.
    reasons
        Role that this profile can't give -> why, in words shown to users.
    """

    title: str
    note: str = ""
    roles: dict[Name, str]
    fuel_cell_renewable: bool = False
    reading: Name | None = None
    reasons: dict[Name, str] = {}


class Site(_Model):
    """A microgrid: its files, channels, plant and profiles.

    Attributes
    ----------
    interval_s
        Nominal time between samples [s].
    source_timezone
        Zone of the time column in the files.
    display_timezone
        Zone of windows, days and pages.
    doubled_hour
        What to do in the hour that a zone with summer time has twice: `order` tells them apart
        by the order of rows where it can and quarantines the rest; `reject` quarantines all.
    live
        Whether coverage is judged up to now (True) or up to the newest sample.
    sentinels
        Values that mean "missing".
    """

    schema_version: Literal[1] = 1
    name: Name
    title: str
    note: str = ""
    interval_s: Annotated[int, Field(ge=1, le=86400)]
    source_timezone: ZoneName
    display_timezone: ZoneName
    doubled_hour: Literal["order", "reject"] = "order"
    live: bool = False
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    sentinels: tuple[float, ...] = ()
    default_profile: Name
    nominal: Nominal
    ratings: Ratings = Ratings()
    battery: Battery = Battery()
    limits: Limits = Limits()
    channels: dict[Name, Channel]
    sources: tuple[Source, ...] = Field(min_length=1)
    profiles: dict[Name, ProfileSpec] = Field(min_length=1)
    evidence: tuple[Evidence, ...] = ()

    @field_validator("channels", mode="before")
    @classmethod
    def _fill_canonical(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        filled: dict[str, Any] = {}
        for name, given in value.items():
            known = CHANNELS.get(name)
            if known is None or not isinstance(given, dict):
                filled[name] = given
                continue
            default = {
                "columns": known.spellings,
                "unit": known.unit,
                "range": (known.low, known.high),
            }
            filled[name] = default | given
        return filled

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.interval_s < 3600 and 3600 % self.interval_s:
            raise ValueError(f"interval_s {self.interval_s} must divide an hour")
        if self.interval_s > 3600 and 86400 % self.interval_s:
            raise ValueError(f"interval_s {self.interval_s} must divide a day")
        if self.default_profile not in self.profiles:
            raise ValueError(
                f"default_profile {self.default_profile!r} isn't one of {sorted(self.profiles)}"
            )
        self._check_sources()
        for name in self.profiles:
            Profile(self, name)
        for entry in self.evidence:
            self._check_evidence(entry)
        return self

    def _check_sources(self) -> None:
        fed: dict[str, str] = {}
        names = [source.name for source in self.sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"sources: {name!r} is there twice")
        for source in self.sources:
            for channel in self.channels_of(source):
                if channel not in self.channels:
                    raise ValueError(
                        f"sources.{source.name}.columns.{channel}: no such channel; "
                        f"known: {', '.join(sorted(self.channels))}"
                    )
                if channel in fed:
                    raise ValueError(
                        f"channel {channel!r} comes from two sources, "
                        f"{fed[channel]!r} and {source.name!r}"
                    )
                fed[channel] = source.name

    def _check_evidence(self, entry: Evidence) -> None:
        named = {entry.channel, entry.setpoint, entry.step_of, entry.step_with} - {None}
        for reading in entry.readings:
            named |= parse_expression(reading.residual).names
        for name in sorted(str(n) for n in named):
            if name not in self.channels:
                raise ValueError(f"evidence: {name!r} isn't a channel of this site")

    def channels_of(self, source: Source) -> dict[str, tuple[str, ...]]:
        """Channels a source brings, each with the column names it may have there."""
        if source.columns:
            return {channel: (column,) for channel, column in source.columns.items()}
        return {name: channel.columns for name, channel in self.channels.items()}

    def source(self, name: str) -> Source:
        """The source of that name."""
        for source in self.sources:
            if source.name == name:
                return source
        raise UnknownNameError("source", name, [s.name for s in self.sources])

    def profile(self, name: str | None = None) -> Profile:
        """A profile by name, or the default one.

        Raises
        ------
        UnknownNameError
            The site has no such profile.
        """
        chosen = name or self.default_profile
        if chosen not in self.profiles:
            raise UnknownNameError(f"profile of site {self.name}", chosen, sorted(self.profiles))
        return Profile(self, chosen)

    @property
    def source_zone(self) -> tzinfo:
        """Zone of the time column in the files."""
        return zone(self.source_timezone)

    @property
    def display_zone(self) -> tzinfo:
        """Zone of windows, days and pages."""
        return zone(self.display_timezone)

    @property
    def summary_s(self) -> int:
        """Length of a summary [s]: 5 minutes, or the interval where that is longer."""
        return max(300, self.interval_s)

    def spellings(self) -> dict[str, str]:
        """Folded column name -> channel, over all sources."""
        return {
            normal_spelling(column): channel
            for source in self.sources
            for channel, columns in self.channels_of(source).items()
            for column in columns
        }


@dataclass(frozen=True)
class Profile:
    """A profile of a site, with its expressions parsed, checked and put in order.

    Attributes
    ----------
    site
        The site.
    name
        The profile's name.
    """

    site: Site
    name: str

    def __post_init__(self) -> None:
        """Check roles and expressions at once, so that a bad site file never gets further."""
        _ = self.expressions

    @property
    def spec(self) -> ProfileSpec:
        """The profile as written."""
        return self.site.profiles[self.name]

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles this profile gives, metered or by expression, without the derived grid."""
        return tuple(self.expressions)

    @property
    def grid_is_derived(self) -> bool:
        """Whether grid = load - pv - fuel_cell - genset - battery stands in for a meter."""
        return "grid" not in self.spec.roles and "load" in self.spec.roles

    def has(self, role: str) -> bool:
        """Whether the role can be computed here, the derived grid included."""
        return role in self.spec.roles or (role == "grid" and self.grid_is_derived)

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """Role -> expression, each after the roles it refers to.

        Names in an expression are channels of the site first, roles of the profile second.

        Raises
        ------
        ValueError
            An unknown role or name, a bad expression, or roles that refer to each other in a
            circle.
        """
        parsed: dict[str, Expression] = {}
        for role, text in self.spec.roles.items():
            where = f"profiles.{self.name}.roles.{role}"
            if role not in ROLES:
                raise ValueError(f"{where}: no such role; known: {', '.join(ROLES)}")
            try:
                parsed[role] = parse_expression(text)
            except ExpressionError as error:
                raise ValueError(f"{where}: {error}") from None
            for name in sorted(parsed[role].names):
                if name not in self.site.channels and name not in self.spec.roles:
                    raise ValueError(
                        f"{where}: {name!r} is neither a channel nor a role of this profile; "
                        f"channels: {', '.join(sorted(self.site.channels))}"
                    )
        ordered: dict[str, Expression] = {}
        for role in parsed:
            self._place(role, parsed, ordered, ())
        return ordered

    def _place(
        self,
        role: str,
        parsed: dict[str, Expression],
        ordered: dict[str, Expression],
        path: tuple[str, ...],
    ) -> None:
        if role in ordered:
            return
        if role in path:
            circle = " -> ".join((*path[path.index(role) :], role))
            raise ValueError(f"profiles.{self.name}.roles: {circle} is a circle")
        for name in sorted(parsed[role].names):
            if name not in self.site.channels:
                self._place(name, parsed, ordered, (*path, role))
        ordered[role] = parsed[role]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything summaries of this profile depend on (16 hex digits)."""
        site = self.site
        content = {
            "interval_s": site.interval_s,
            "deadband_kw": site.battery.deadband_kw,
            "fuel_cell_kw": site.ratings.fuel_cell_kw,
            "channels": sorted(site.channels),
            "roles": {role: e.text for role, e in sorted(self.expressions.items())},
        }
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
