"""A site as a whole, and a profile resolved against its site.

A *site* is files and channels; a *profile* of it maps channels, or expressions of channels, to
roles. KPIs are written in roles.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import tzinfo
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.site.expression import Expression, ExpressionError, parse_expression
from microgrid_lib.site.models import (
    Battery,
    Channel,
    ChannelName,
    Evidence,
    Finite,
    Limits,
    Line,
    Name,
    Nominal,
    ProfileSpec,
    Ratings,
    Reading,
    SiteKeyError,
    Source,
    Table,
    ZoneName,
)
from microgrid_lib.site.plant import PlantSpec
from microgrid_lib.site.schema import CHANNELS, ROLES, normal_spelling
from microgrid_lib.site.zones import zone

__all__ = [
    "Battery",
    "Channel",
    "Evidence",
    "Limits",
    "Nominal",
    "Profile",
    "ProfileSpec",
    "Ratings",
    "Reading",
    "Site",
    "Source",
]


SUMMARY_DEFINITIONS = 3
"""Raised when a statistic of the summaries changes its meaning: stored ones are then rebuilt."""


class Site(Table):
    """A microgrid: its files, channels, plant and profiles.

    Attributes
    ----------
    schema_version
        Version of this format.
    name
        The site's name, equal to the file's: `name.toml`.
    title
        Name of the site on pages, one line.
    note
        What the site is, in words shown to users.
    interval_s
        Nominal time between samples [s]: a divisor of 300, or a multiple of 300 that divides a
        day, because summaries cover 5 minutes.
    source_timezone
        Zone of the time column in the files: an IANA name or a fixed offset (`UTC-07:00`).
    display_timezone
        Zone of windows, days and pages.
    doubled_hour
        What to do in the hour that a zone with summer time has twice: `order` tells them apart
        by the order of rows where it can and quarantines the rest; `reject` quarantines all.
    live
        Whether coverage is judged up to now (true) or up to the newest sample.
    latitude
        Degrees north, for the map and the sun's position.
    longitude
        Degrees east; negative in the west.
    sentinels
        Values, as in the file, that mean "missing".
    default_profile
        The profile used where none is named.
    nominal
        Nominal voltage and frequency.
    ratings
        Rated powers.
    battery
        The battery's parameters.
    limits
        Limits of grid quality.
    channels
        Channel -> what it is; `{}` for one of the library's own.
    sources
        Kinds of data files.
    profiles
        Profile -> what it is.
    evidence
        What the data can say about doubtful channels.
    plant
        Parameters of the simulation, each with its source.
    """

    schema_version: Literal[1] = 1
    name: Name
    title: Line
    note: str = ""
    interval_s: Annotated[int, Field(ge=1, le=86400)]
    source_timezone: ZoneName
    display_timezone: ZoneName
    doubled_hour: Literal["order", "reject"] = "order"
    live: bool = False
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    sentinels: Annotated[tuple[Finite, ...], Field(strict=False)] = ()
    default_profile: Name
    nominal: Nominal
    ratings: Ratings = Ratings()
    battery: Battery = Battery()
    limits: Limits = Limits()
    channels: Annotated[dict[ChannelName, Channel], Field(min_length=1)]
    sources: Annotated[tuple[Source, ...], Field(strict=False, min_length=1)]
    profiles: Annotated[dict[Name, ProfileSpec], Field(min_length=1)]
    evidence: Annotated[tuple[Evidence, ...], Field(strict=False)] = ()
    plant: PlantSpec | None = None

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

    @field_validator("interval_s")
    @classmethod
    def _fits_summaries(cls, interval: int) -> int:
        if 300 % interval and (interval % 300 or 86400 % interval):
            raise ValueError(f"{interval} must divide 300, or be a multiple of 300 dividing 86400")
        return interval

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.default_profile not in self.profiles:
            raise SiteKeyError(
                "default_profile",
                f"no profile {self.default_profile!r}; known: {', '.join(sorted(self.profiles))}",
            )
        self._check_sources()
        for index, entry in enumerate(self.evidence):
            self._check_evidence(f"evidence.{index}", entry)
        for name in self.profiles:
            Profile(self, name)
        return self

    def _check_sources(self) -> None:
        fed: dict[str, str] = {}
        for index, source in enumerate(self.sources):
            where = f"sources.{index}"
            if source.name in fed.values():
                raise SiteKeyError(f"{where}.name", f"{source.name!r} is there twice")
            for channel in self.channels_of(source):
                if channel not in self.channels:
                    raise SiteKeyError(
                        f"{where}.columns.{channel}",
                        f"no such channel; known: {', '.join(sorted(self.channels))}",
                    )
                if channel in fed:
                    raise SiteKeyError(
                        f"{where}.columns",
                        f"channel {channel!r} comes from source {fed[channel]!r} already; "
                        "name each source's own channels",
                    )
                fed[channel] = source.name
            self._check_spellings(where, source)
        for channel in self.channels:
            if channel not in fed:
                raise SiteKeyError(f"channels.{channel}", "no source brings this channel")
        for (_, first), (index, second) in combinations(enumerate(self.sources), 2):
            self._check_distinct(f"sources.{index}", first, second)

    def _check_spellings(self, where: str, source: Source) -> None:
        """Refuse a column name that two channels, or a channel and the time, would share."""
        seen = {normal_spelling(column): ("the time", column) for column in source.time_columns}
        for channel, columns in self.channels_of(source).items():
            for column in columns:
                other, spelling = seen.setdefault(normal_spelling(column), (channel, column))
                if other != channel:
                    raise SiteKeyError(
                        f"{where}.columns.{channel}" if source.columns else f"channels.{channel}",
                        f"column {column!r} can't be told from {spelling!r} of {other}",
                    )

    def _check_distinct(self, where: str, first: Source, second: Source) -> None:
        shared = self._folded(first) & self._folded(second)
        if not shared:
            return
        for one in first.files:
            for other in second.files:
                if _covers(one, other) or _covers(other, one):
                    raise SiteKeyError(
                        f"{where}.files",
                        f"{other!r} matches the same files as {one!r} of source {first.name!r}, "
                        f"and both have a column {min(shared)!r}",
                    )

    def _folded(self, source: Source) -> set[str]:
        return {
            normal_spelling(c) for columns in self.channels_of(source).values() for c in columns
        }

    def _check_evidence(self, where: str, entry: Evidence) -> None:
        for key in ("channel", "setpoint", "step_of", "step_with"):
            self._check_channel(f"{where}.{key}", getattr(entry, key))
        for index, reading in enumerate(entry.readings):
            key = f"{where}.readings.{index}.residual"
            for name in sorted(_parsed(key, reading.residual).names):
                self._check_channel(key, name)

    def _check_channel(self, where: str, name: str | None) -> None:
        if name is not None and name not in self.channels:
            raise SiteKeyError(
                where, f"no channel {name!r}; known: {', '.join(sorted(self.channels))}"
            )

    def channels_of(self, source: Source) -> dict[str, tuple[str, ...]]:
        """Channels a source brings, each with the column names it may have there."""
        if source.columns:
            return {channel: (column,) for channel, column in source.columns.items()}
        return {name: channel.columns for name, channel in self.channels.items()}

    def source(self, name: str) -> Source:
        """Return the source of that name."""
        for source in self.sources:
            if source.name == name:
                return source
        raise UnknownNameError("source", name, [s.name for s in self.sources])

    def profile(self, name: str | None = None) -> Profile:
        """Return a profile by name, or the default one.

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
        known = sorted({r.name for entry in self.site.evidence for r in entry.readings})
        if self.spec.reading is not None and self.spec.reading not in known:
            raise SiteKeyError(
                f"profiles.{self.name}.reading",
                f"no reading {self.spec.reading!r} in evidence; "
                f"known: {', '.join(known) or 'none'}",
            )

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
        spec = self.spec
        return "load" in spec.roles and "grid" not in spec.roles and "grid" not in spec.reasons

    def has(self, role: str) -> bool:
        """Whether the role can be computed here, the derived grid included."""
        return role in self.spec.roles or (role == "grid" and self.grid_is_derived)

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """Role -> expression, each after the roles it refers to.

        Names in an expression are channels of the site first, roles of the profile second.

        Raises
        ------
        SiteKeyError
            An unknown name, a channel in another unit, a bad expression, or roles that
            refer to each other in a circle.
        """
        parsed: dict[str, Expression] = {}
        for role, text in self.spec.roles.items():
            where = f"profiles.{self.name}.roles.{role}"
            parsed[role] = _parsed(where, text)
            self._check_names(where, role, parsed[role])
        ordered: dict[str, Expression] = {}
        for role in parsed:
            self._place(role, parsed, ordered, ())
        return ordered

    def _check_names(self, where: str, role: str, expression: Expression) -> None:
        channels = self.site.channels
        for name in sorted(expression.names):
            if name not in channels and name not in self.spec.roles:
                raise SiteKeyError(
                    where,
                    f"{name!r} is neither a channel nor a role of this profile; "
                    f"channels: {', '.join(sorted(channels))}",
                )
            unit = channels[name].unit if name in channels else ROLES[name]
            if expression.is_name and unit != ROLES[role]:
                raise SiteKeyError(where, f"{name!r} is in {unit}; this role is in {ROLES[role]}")

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
            raise SiteKeyError(f"profiles.{self.name}.roles.{role}", f"{circle} is a circle")
        for name in sorted(parsed[role].names):
            if name not in self.site.channels:
                self._place(name, parsed, ordered, (*path, role))
        ordered[role] = parsed[role]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything summaries of this profile depend on (16 hex digits)."""
        site = self.site
        content = {
            "definitions": SUMMARY_DEFINITIONS,
            "interval_s": site.interval_s,
            "display_timezone": site.display_timezone,
            "nominal": site.nominal.model_dump(),
            "limits": site.limits.model_dump(),
            "deadband_kw": site.battery.deadband_kw,
            "soc": [
                site.battery.capacity_kwh,
                site.battery.eta_charge,
                site.battery.eta_discharge,
            ],
            "fuel_cell_kw": site.ratings.fuel_cell_kw,
            "channels": sorted(site.channels),
            "grid_is_derived": self.grid_is_derived,
            "roles": {role: e.text for role, e in sorted(self.expressions.items())},
        }
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether every file of one pattern belongs to another, by its text as a file name."""
    return fnmatchcase(narrow.casefold(), wide.casefold())


def _parsed(where: str, text: str) -> Expression:
    try:
        return parse_expression(text)
    except ExpressionError as error:
        raise SiteKeyError(where, str(error)) from None
