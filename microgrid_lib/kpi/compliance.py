"""Grid quality against the rules: N, N1, N2, Ninvalid, shares, verdicts, and what can't be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi import compliance_notes, notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.compliance_rules import TRIPS, QualityRule, State, Trip, quality_rules
from microgrid_lib.kpi.excursions import FREQUENCIES, VOLTAGES, Outside, outside
from microgrid_lib.kpi.intervals import (
    INTERVAL_S,
    LEAST_VALID,
    SECOND_US,
    Intervals,
    interval_s,
    intervals,
    synchronism,
    tells_islands,
)
from microgrid_lib.kpi.islands import METHOD, missing_frequency
from microgrid_lib.kpi.limits import Band
from microgrid_lib.kpi.model import Note, WindowModel
from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import ROLES
from microgrid_lib.store.slots import epoch_us
from microgrid_lib.window import Window

MEAN_S = 10
_WEEK = timedelta(days=7)
_YEAR = timedelta(days=365)
# Points on the microgrid's own side: islanded, they aren't on the grid.
_INSIDE = ("bus_voltage", "bus_frequency")
Counts = npt.NDArray[np.int64]
Verdict = Literal["pass", "fail", "indicative"]


class PeriodResult(BaseModel):
    """One period of a rule.

    Attributes
    ----------
    start, end
        Inside the window; in the display zone.
    complete
        Whether all of the rule's period lies in the window.
    n, n1, n2, n_invalid
        Valid intervals, those outside the inner and the outer range, invalid intervals.
    share_inside
        1 - n1 / n.
    verdict
        Null without a valid interval.
    """

    model_config = ConfigDict(frozen=True)

    start: datetime
    end: datetime
    complete: bool
    n: int
    n1: int
    n2: int | None
    n_invalid: int
    share_inside: float | None
    verdict: Verdict | None


class RuleResult(BaseModel):
    """One rule at one measured point over the window.

    Attributes
    ----------
    rule, standard
        Its name, and what it follows.
    point, unit
        Role that was measured.
    state
        Which intervals count: those on the grid, islanded ones, or any.
    statistic, interval_s
        What is compared; length of an interval [s].
    inner, outer
        Ranges, limits included.
    required_inner, required_outer
        Share of intervals that must lie inside.
    n, n1, n2, n_invalid
        Valid intervals, those outside the inner and the outer range, invalid intervals.
    share_inside
        1 - n1 / n.
    verdict
        `indicative` where no whole period of the rule is in the window, half of it isn't valid, or
        the intervals are longer than the rule's; null without a valid interval.
    periods
        The same by period; those that aren't whole don't decide.
    reason
        Why there is no verdict, or only an indicative one.
    """

    model_config = ConfigDict(frozen=True)

    rule: str
    standard: str
    point: str
    unit: str
    state: State
    statistic: str
    interval_s: int
    inner: tuple[float, float]
    outer: tuple[float, float] | None
    required_inner: float
    required_outer: float | None
    n: int
    n1: int
    n2: int | None
    n_invalid: int
    share_inside: float | None
    verdict: Verdict | None
    periods: list[PeriodResult]
    reason: Note | None = None


class TripResult(BaseModel):
    """One default trip at one measured point.

    Attributes
    ----------
    function, standard
        Which.
    point, unit
        Role that was measured.
    threshold, clearing_s
        Value beyond which, and time after which it trips [s].
    beyond
        Samples beyond the threshold.
    longest_s
        Longest run of them [s].
    trips
        Runs at least as long as the clearing time; null where samples are too far apart to tell.
    verdict
        `not observable` where samples are farther apart than the clearing time; null without a
        valid sample.
    """

    model_config = ConfigDict(frozen=True)

    function: str
    standard: str = "IEEE 1547-2018 category III, default"
    point: str
    unit: str
    threshold: float
    clearing_s: float
    beyond: int
    longest_s: float
    trips: int | None
    verdict: Literal["pass", "fail", "not observable"] | None


class ComplianceReport(BaseModel):
    """Grid quality of a window against the rules.

    Attributes
    ----------
    site, profile
        What was read.
    window
        The window as asked.
    island_method
        How islanded intervals are told, null where they can't be: all counts as on the grid.
    rules, trips
        Results by rule and measured point.
    not_observable
        What the samples can't show.
    """

    site: str
    profile: str
    window: WindowModel
    island_method: str | None
    rules: list[RuleResult]
    trips: list[TripResult]
    not_observable: list[Note]


@dataclass(frozen=True)
class Counted:
    """Intervals by the grid they are added up on, arrays of shape (n,).

    Attributes
    ----------
    start_us
        Starts [µs since the epoch].
    n, n1, n2, n_invalid
        See `RuleResult`.
    """

    start_us: npt.NDArray[np.int64]
    n: Counts
    n1: Counts
    n2: Counts
    n_invalid: Counts

    def inside(self) -> float | None:
        """Share of valid intervals inside the inner range."""
        n = int(self.n.sum())
        return 1 - int(self.n1.sum()) / n if n else None


class Compliance:
    """Judges one window.

    Parameters
    ----------
    access
        The data.
    window
        The window, cut where data end; at least a slot long.
    """

    def __init__(self, access: Access, window: Window) -> None:
        self._access = access
        self._profile = access.profile
        self._start, self._end = window.start_utc, window.end_utc
        self._window = window
        self._islanded: npt.NDArray[np.bool_] | None = None
        self._known: dict[tuple[str, ...], Intervals] = {}

    def report(self, asked: Window) -> ComplianceReport:
        """Judge every rule at every measured point."""
        profile, zone = self._profile, self._profile.site.display_zone
        found = list(self.rules())
        return ComplianceReport(
            site=profile.site.name,
            profile=profile.name,
            window=WindowModel(
                start=asked.start.astimezone(zone),
                end=asked.end.astimezone(zone),
                timezone=profile.site.display_timezone,
            ),
            island_method=METHOD if tells_islands(profile) else None,
            rules=found,
            trips=list(self.trips()),
            not_observable=list(not_observable(profile)),
        )

    def rules(self) -> Iterator[RuleResult]:
        """Results by rule and point."""
        for rule in quality_rules(self._profile):
            for point in VOLTAGES if rule.unit == "V" else FREQUENCIES:
                if self._profile.has(point) and (rule.state != "island" or point in _INSIDE):
                    yield self._result(rule, point)

    def trips(self) -> Iterator[TripResult]:
        """Results by trip and point."""
        for trip in TRIPS:
            for point in VOLTAGES if trip.unit == "V" else FREQUENCIES:
                if self._profile.has(point):
                    yield self._trip(trip, point)

    def counted(self, rule: QualityRule, point: str) -> Counted:
        """Count a rule's intervals at a point."""
        if rule.unit == "V":
            return self._voltage(rule, point)
        return self._frequency(rule, point)

    def no_intervals(self, rule: QualityRule) -> Note:
        """Say why a rule has no valid interval."""
        told = rule.state == "grid" and tells_islands(self._profile)
        return notes.no_intervals(rule.state, islanded=told and bool(self._island().any()))

    def _nominal(self, unit: str) -> float:
        nominal = self._profile.site.nominal
        return nominal.voltage_v if unit == "V" else nominal.frequency_hz

    def _bands(self, rule: QualityRule) -> tuple[Band, Band | None]:
        inner, outer = rule.limits
        nominal = self._nominal(rule.unit)
        return Band.of(nominal, inner), Band.of(nominal, outer) if outer else None

    def _counts(self, rule: QualityRule, point: str, grid: Intervals) -> npt.NDArray[np.bool_]:
        """Intervals whose state the rule applies to; unknown counts as on the grid."""
        everything = np.ones(len(grid.start_us), dtype=np.bool_)
        if rule.state == "any" or point not in _INSIDE:
            return everything
        if not tells_islands(self._profile):
            return ~everything if rule.state == "island" else everything
        islanded = self._island()
        return islanded if rule.state == "island" else ~islanded

    def _island(self) -> npt.NDArray[np.bool_]:
        if self._islanded is None:
            self._islanded = synchronism(self._access, self._start, self._end).islanded
        return self._islanded

    def _sums(self, *names: str) -> Intervals:
        if names not in self._known:
            self._known[names] = intervals(self._access, self._start, self._end, names)
        return self._known[names]

    def _voltage(self, rule: QualityRule, point: str) -> Counted:
        grid = self._sums(f"{point}__n", f"{point}__sumsq")
        counts = self._counts(rule, point, grid)
        valid = grid.valid(f"{point}__n") & counts
        n = np.where(valid, grid.sums[f"{point}__n"], np.nan)
        rms = np.sqrt(grid.sums[f"{point}__sumsq"] / n)
        inner, outer = self._bands(rule)
        beyond = outer.outside(rms) if outer else np.zeros(len(rms), dtype=np.bool_)
        return Counted(
            grid.start_us,
            valid.astype(np.int64),
            inner.outside(rms).astype(np.int64),
            beyond.astype(np.int64),
            (counts & ~valid).astype(np.int64),
        )

    def _frequency(self, rule: QualityRule, point: str) -> Counted:
        grid = self._sums(f"{point}__n")
        counts = self._counts(rule, point, grid)
        n = np.where(counts, grid.sums[f"{point}__n"], 0).astype(np.int64)
        expected = np.where(counts, grid.expected, 0)
        inner, outer = self._bands(rule)
        samples = outside(self._access, point, inner, self._start, self._end)
        beyond = samples.only(outer.outside(samples.value)) if outer else samples

        def by_interval(found: Outside) -> Counts:
            index = grid.index(found.slot_us)
            return np.where(counts, np.bincount(index, minlength=len(n)), 0).astype(np.int64)

        return Counted(grid.start_us, n, by_interval(samples), by_interval(beyond), expected - n)

    def _result(self, rule: QualityRule, point: str) -> RuleResult:
        counted = self.counted(rule, point)
        inner, outer = self._bands(rule)
        periods = [self._period(rule, counted, *bounds) for bounds in self._periods(rule)]
        n, n_invalid = int(counted.n.sum()), int(counted.n_invalid.sum())
        verdict, reason = self._verdict(rule, periods, n)
        return RuleResult(
            rule=rule.name,
            standard=rule.standard,
            point=point,
            unit=ROLES[point],
            state=rule.state,
            statistic=rule.statistic,
            interval_s=self._interval_s(rule),
            inner=(inner.low, inner.high),
            outer=(outer.low, outer.high) if outer else None,
            required_inner=rule.required[0],
            required_outer=rule.required[1],
            n=n,
            n1=int(counted.n1.sum()),
            n2=int(counted.n2.sum()) if outer else None,
            n_invalid=n_invalid,
            share_inside=counted.inside(),
            verdict=verdict,
            periods=periods,
            reason=reason,
        )

    def _interval_s(self, rule: QualityRule) -> int:
        return interval_s(self._profile) if rule.unit == "V" else self._profile.site.interval_s

    def _too_coarse(self, rule: QualityRule) -> bool:
        return self._interval_s(rule) > (INTERVAL_S if rule.unit == "V" else MEAN_S)

    def _periods(self, rule: QualityRule) -> list[tuple[datetime, datetime, bool]]:
        """Start, end and whether it is whole, of each period of the window."""
        window, zone = self._window, self._profile.site.display_zone
        if rule.period == "none":
            return [(window.start, window.end, True)]
        first, length = window.start.astimezone(zone).replace(tzinfo=None), _YEAR
        if rule.period == "week":
            first, length = datetime.combine(first - timedelta(days=first.weekday()), time()), _WEEK
        found: list[tuple[datetime, datetime, bool]] = []
        while True:
            start, end = (at.replace(tzinfo=zone).astimezone(UTC) for at in (first, first + length))
            part = window.clip(start, end)
            if part is None:
                return found
            found.append((part.start, part.end, (part.start_utc, part.end_utc) == (start, end)))
            first += length

    def _period(
        self, rule: QualityRule, counted: Counted, start: datetime, end: datetime, complete: bool
    ) -> PeriodResult:
        zone = self._profile.site.display_zone
        first, last = np.searchsorted(counted.start_us, [epoch_us(start), epoch_us(end)])
        # The window's first interval may begin before it.
        rows = slice(0 if start == self._window.start else int(first), int(last))
        n, n1 = int(counted.n[rows].sum()), int(counted.n1[rows].sum())
        n2, n_invalid = int(counted.n2[rows].sum()), int(counted.n_invalid[rows].sum())
        judged: Verdict | None = None
        if n and not (complete and n >= LEAST_VALID * (n + n_invalid)):
            judged = "indicative"
        elif n:
            inner, outer = rule.required
            kept = n - n1 >= inner * n - 1e-9 and (outer is None or n - n2 >= outer * n - 1e-9)
            judged = "pass" if kept else "fail"
        return PeriodResult(
            start=start.astimezone(zone),
            end=end.astimezone(zone),
            complete=complete,
            n=n,
            n1=n1,
            n2=n2 if rule.limits[1] else None,
            n_invalid=n_invalid,
            share_inside=1 - n1 / n if n else None,
            verdict=judged,
        )

    def _verdict(
        self, rule: QualityRule, periods: list[PeriodResult], n: int
    ) -> tuple[Verdict | None, Note | None]:
        if n == 0 and rule.state == "island" and not tells_islands(self._profile):
            return None, notes.no_role(self._profile, missing_frequency(self._profile))
        if n == 0:
            return None, self.no_intervals(rule)
        if self._too_coarse(rule):
            return "indicative", compliance_notes.intervals_too_long(self._interval_s(rule))
        judged = {period.verdict for period in periods}
        if "fail" in judged:
            return "fail", None
        if "pass" in judged:
            return "pass", None
        if any(period.complete for period in periods):
            return "indicative", compliance_notes.half_invalid()
        return "indicative", compliance_notes.period_incomplete(rule.period)

    def _trip(self, trip: Trip, point: str) -> TripResult:
        site = self._profile.site
        nominal = self._nominal(trip.unit)
        threshold = round(nominal * trip.threshold, 9)
        band = Band(-np.inf, threshold) if trip.over else Band(threshold, np.inf)
        samples = outside(self._access, point, band, self._start, self._end)
        lengths_s = [
            len(run.slot_us) * site.interval_s for run in samples.runs(site.interval_s * SECOND_US)
        ]
        observable = site.interval_s <= trip.clearing_s
        trips = sum(length >= trip.clearing_s for length in lengths_s) if observable else None
        verdict: Literal["pass", "fail", "not observable"] | None = "not observable"
        if not self._sums(f"{point}__n").sums[f"{point}__n"].any():
            verdict = None
        elif trips is not None:
            verdict = "fail" if trips else "pass"
        return TripResult(
            function=trip.function,
            point=point,
            unit=trip.unit,
            threshold=threshold,
            clearing_s=trip.clearing_s,
            beyond=len(samples.slot_us),
            longest_s=float(max(lengths_s, default=0)),
            trips=trips,
            verdict=verdict,
        )


def not_observable(profile: Profile) -> Iterator[Note]:
    """Say what samples this far apart can't show."""
    interval = profile.site.interval_s
    for what in ("dips", "flicker", "harmonics", "unbalance"):
        yield compliance_notes.not_observable(what, interval)
    short = [trip.function for trip in TRIPS if trip.clearing_s < interval]
    if short:
        yield compliance_notes.trips_not_observable(short, interval)
    if interval < MEAN_S:
        yield compliance_notes.shorter_than_mean(interval)
