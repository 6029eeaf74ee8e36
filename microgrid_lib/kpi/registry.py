"""How a KPI is declared: what it needs, its formula, and the function that computes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.gaps import least_hour_coverage
from microgrid_lib.kpi.model import Kpi, Note, Section
from microgrid_lib.kpi.totals import Extreme, Totals, slots_per_quarter
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.summaries import BASES

FULL_COVERAGE = 0.95
LEAST_COVERAGE = 0.50
Comparison = Literal["rate", "difference"]
Scope = Literal["window", "last_hour"]


@dataclass(frozen=True)
class Sums:
    """Totals of the slots in which everything a KPI needs is valid.

    Attributes
    ----------
    totals, profile
        The window's totals, and what they were computed with.
    basis
        Role or basis whose slots count.
    expected
        Slots there should be.
    access
        The data themselves, for what no totals tell; None where there are only totals.
    start, end
        Bounds of the totals (UTC), where there is access.
    """

    totals: Totals
    profile: Profile
    basis: str
    expected: int
    access: Access | None = None
    start: datetime | None = None
    end: datetime | None = None

    def data(self) -> tuple[Access, datetime, datetime]:
        """Return access, start and end.

        Raises
        ------
        ValueError
            Only totals were given.
        """
        if self.access is None or self.start is None or self.end is None:
            raise ValueError("this KPI needs the data themselves, not only their totals")
        return self.access, self.start, self.end

    @property
    def n(self) -> int:
        """Valid slots."""
        return self.totals.n(self.basis)

    @property
    def coverage(self) -> float:
        """Valid slots over expected ones."""
        return self.n / self.expected

    def least_hour_coverage(self, role: str) -> float:
        """Coverage of the hour of the day in which a role is missing most."""
        access, start, end = self.data()
        return least_hour_coverage(access, role, start, end)

    @property
    def hours(self) -> float:
        """Hours the valid slots stand for [h]."""
        return self.n * self.profile.site.interval_s / 3600

    def sum(self, name: str) -> float:
        """Sum over the valid slots."""
        return self.totals.sums[f"{self.basis}__{name}"]

    def count(self, name: str) -> int:
        """Count the valid slots that meet the condition of that name."""
        return int(self.totals.sums[f"{self.basis}__{name}"])

    def energy(self, name: str) -> float:
        """Energy of a summed power [kWh]: each slot's power lasts the whole slot."""
        return self.sum(name) * self.profile.site.interval_s / 3600

    def flow_energy(self, flow: str) -> float:
        """Energy of a flow derived from the basis's role [kWh]."""
        return self.totals.sums[f"{flow}__sum"] * self.profile.site.interval_s / 3600

    def maximum(self, name: str) -> Extreme | None:
        """Largest value and its slot."""
        return self.totals.maxima.get(f"{self.basis}__{name}")

    def peak(self, name: str) -> Extreme | None:
        """Highest clock quarter hour [kW] and its start."""
        quarters = self.totals.peaks.get(name)
        return quarters.highest(slots_per_quarter(self.profile)) if quarters else None


@dataclass(frozen=True)
class Outcome:
    """What a formula gives."""

    value: float
    uncertainty: float | None = None
    time: datetime | None = None
    warnings: tuple[Note, ...] = ()


Formula = Callable[[Sums], "Outcome | Note"]
Lack = Callable[[Profile], "Note | None"]


@dataclass(frozen=True)
class Definition:
    """A KPI: call it with totals, profile and expected slots.

    Attributes
    ----------
    name, section, unit
        As in reports.
    needs
        Roles without which there is none.
    basis
        Role or basis (see `store.summaries`) whose slots it is computed over.
    formula, source
        Definition in words and symbols, and where it is from.
    reasons
        Codes it may be withheld with, besides `no_role`, `no_data` and `coverage_below_half`.
    compare
        With an earlier period: `rate` (mean over covered hours) or plain `difference`.
    lacks
        What the site file doesn't say and the formula needs.
    only_without
        Role whose presence makes it pointless: it is left out there.
    scope
        Slots that count: all of the window, or those of its last hour.
    """

    name: str
    section: Section
    unit: str
    needs: tuple[str, ...]
    basis: str
    formula: str
    compute: Formula
    source: str = "own definition"
    reasons: tuple[str, ...] = ()
    compare: Comparison = "difference"
    lacks: Lack | None = None
    only_without: str | None = None
    scope: Scope = "window"

    def roles(self, profile: Profile) -> tuple[str, ...]:
        """Roles whose values count in this profile."""
        for basis in BASES:
            if basis.name == self.basis:
                return tuple(dict.fromkeys(self.needs + basis.roles(profile)))
        return self.needs

    def applies(self, profile: Profile) -> bool:
        """Whether it belongs in a report of this profile."""
        return self.only_without is None or not profile.has(self.only_without)

    def missing(self, profile: Profile) -> Note | None:
        """Why this profile can never give it, None where it can."""
        for role in self.needs:
            if not profile.has(role):
                return notes.no_role(profile, role)
        return self.lacks(profile) if self.lacks else None

    def __call__(
        self,
        totals: Totals,
        profile: Profile,
        expected: int,
        access: Access | None = None,
        bounds: tuple[datetime, datetime] | None = None,
    ) -> Kpi:
        """Compute it.

        Parameters
        ----------
        totals
            Totals of the window, or of its last hour where that is the scope.
        profile
            The profile they were collected with.
        expected
            Slots the window should have, > 0.
        access, bounds
            The data, and start and end of these slots; some KPIs need more than totals.
        """
        missing = self.missing(profile)
        if missing is not None:
            return Kpi(value=None, unit=self.unit, reason=missing)
        sums = Sums(totals, profile, self.basis, expected, access, *(bounds or ()))
        coverage = sums.coverage
        if sums.n == 0:
            return Kpi(value=None, unit=self.unit, coverage=0.0, reason=notes.no_data())
        if coverage < LEAST_COVERAGE:
            reason = notes.coverage_below_half(coverage)
            return Kpi(value=None, unit=self.unit, coverage=coverage, reason=reason)
        outcome = self.compute(sums)
        if isinstance(outcome, Note):
            return Kpi(
                value=None,
                unit=self.unit,
                coverage=coverage,
                reason=outcome,
                warning=notes.combined(self._warnings(profile, coverage)),
            )
        if not math.isfinite(outcome.value):
            raise ArithmeticError(f"{self.name} is {outcome.value} for {totals}")
        zone = profile.site.display_zone
        return Kpi(
            value=outcome.value,
            unit=self.unit,
            uncertainty=outcome.uncertainty,
            coverage=coverage,
            warning=notes.combined([*outcome.warnings, *self._warnings(profile, coverage)]),
            time=outcome.time.astimezone(zone) if outcome.time else None,
            covered_h=sums.hours,
        )

    def _warnings(self, profile: Profile, coverage: float) -> list[Note]:
        found = []
        if coverage < FULL_COVERAGE:
            found.append(notes.low_coverage(coverage))
        if profile.grid_is_derived and "grid" in self.roles(profile):
            found.append(notes.derived_grid())
        return found


@dataclass
class Registry:
    """The KPIs by name, in the order of pages."""

    definitions: dict[str, Definition] = field(default_factory=dict)

    def add(
        self,
        section: Section,
        unit: str,
        basis: str,
        *needs: str,
        formula: str,
        reasons: tuple[str, ...] = (),
        compare: Comparison = "difference",
        lacks: Lack | None = None,
        only_without: str | None = None,
        source: str = "own definition",
        scope: Scope = "window",
    ) -> Callable[[Formula], Definition]:
        """Declare the decorated function as the KPI of its name; see `Definition`."""

        def decorate(compute: Formula) -> Definition:
            name = compute.__name__
            if name in self.definitions:
                raise ValueError(f"KPI {name!r} is declared twice")
            definition = Definition(
                name=name,
                section=section,
                unit=unit,
                needs=needs or (basis,),
                basis=basis,
                formula=formula,
                compute=compute,
                source=source,
                reasons=reasons,
                compare=compare,
                lacks=lacks,
                only_without=only_without,
                scope=scope,
            )
            self.definitions[name] = definition
            return definition

        return decorate


REGISTRY = Registry()


def ratio(numerator: float, denominator: float, what: str, nothing: str) -> Outcome | Note:
    """Divide; `no_energy` with the sentence `nothing` where the denominator isn't positive."""
    if denominator <= 0:
        return notes.no_energy(what, nothing)
    return Outcome(numerator / denominator)


def rating_lacks(role: str, attribute: str) -> Lack:
    """Make a `lacks` that asks for a rated power."""

    def lacks(profile: Profile) -> Note | None:
        known = getattr(profile.site.ratings, attribute) is not None
        return None if known else notes.rating_unknown(role)

    return lacks


def capacity_lacks(profile: Profile) -> Note | None:
    """Ask the site file for the battery's capacity."""
    known = profile.site.battery.capacity_kwh is not None
    return None if known else notes.battery_capacity_unknown()
