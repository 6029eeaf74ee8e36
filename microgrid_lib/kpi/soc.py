"""State of charge by counting energy, with its band and its anchors.

It starts at `START_SOC` with the site's first sample, known to +-`START_HALF_WIDTH`, and from then
on follows every step (see `kpi.soc_steps`), whatever window is asked for. An anchor sets it: a
value of the site file, or a detected full charge. Clipping at empty and full sets nothing: it never
makes the band narrower. A gap holds the value and is marked; what flowed in it isn't in the band.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.soc_steps import (
    FULL_CHARGE_S,
    SLOT_COLUMNS,
    Charge,
    Floats,
    Micros,
    Steps,
    charging,
    steps_of_buckets,
    steps_of_slots,
    summary_columns,
)
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.extent import MonthPart
from microgrid_lib.store.series import choose_buckets
from microgrid_lib.store.slots import anchor_s, epoch_us, first_slot_us, from_epoch_us, slot_start
from microgrid_lib.store.summaries import counts_charge, soc_step_s
from microgrid_lib.window import Window

START_SOC = 0.5
START_HALF_WIDTH = 0.5
SECOND_US = 1_000_000


def no_soc(profile: Profile) -> Note | None:
    """Say why a profile has no state of charge, None where it has one."""
    if not profile.has("battery"):
        return notes.no_role(profile, "battery")
    return None if counts_charge(profile) else notes.battery_capacity_unknown()


@dataclass(frozen=True)
class SocState:
    """What is known of the battery at one instant.

    Attributes
    ----------
    at_us
        The instant [µs since the epoch].
    soc
        State of charge [1].
    half_width
        Half-width of its band [1], not cut at empty and full.
    anchored
        Whether it goes back to an anchor, and not only to the assumed start.
    since_us
        When that was.
    valid, valid_then
        Slots with a valid power since the first sample; the same at `since_us`.
    charge
        The commanded charge in progress.
    """

    at_us: int
    soc: float
    half_width: float
    anchored: bool
    since_us: int
    valid: int
    valid_then: int
    charge: Charge | None = None

    @property
    def low(self) -> float:
        """Lower end of the band [1]."""
        return max(0.0, self.soc - self.half_width)

    @property
    def high(self) -> float:
        """Upper end of the band [1]."""
        return min(1.0, self.soc + self.half_width)

    def missing_h(self, profile: Profile) -> float:
        """Hours without a valid power since the anchor or the start [h]."""
        interval_s = profile.site.interval_s
        slots = (self.at_us - self.since_us) // (interval_s * SECOND_US)
        return max(0, slots - (self.valid - self.valid_then)) * interval_s / 3600

    def anchor(self, soc: float, half_width: float, at_us: int) -> SocState:
        """Learn the state of charge from elsewhere."""
        return replace(
            self,
            at_us=at_us,
            soc=soc,
            half_width=half_width,
            anchored=True,
            since_us=at_us,
            valid_then=self.valid,
        )


@dataclass(frozen=True)
class Course:
    """The battery at the end of each bucket of a month, arrays of shape (n,), and at its end.

    Attributes
    ----------
    end_us, soc, half_width, anchored, since_us, valid, valid_then
        See `SocState`.
    last
        The state at the end.
    """

    end_us: Micros
    soc: Floats
    half_width: Floats
    anchored: npt.NDArray[np.bool_]
    since_us: Micros
    valid: npt.NDArray[np.int64]
    valid_then: npt.NDArray[np.int64]
    last: SocState

    def at(self, row: int) -> SocState:
        """State at the end of a bucket, without the charge in progress."""
        return SocState(
            at_us=int(self.end_us[row]),
            soc=float(self.soc[row]),
            half_width=float(self.half_width[row]),
            anchored=bool(self.anchored[row]),
            since_us=int(self.since_us[row]),
            valid=int(self.valid[row]),
            valid_then=int(self.valid_then[row]),
        )


class SocCourse:
    """The state of charge of a site from its first sample on; months are remembered.

    Parameters
    ----------
    access
        Stored data of a profile for which `store.summaries.counts_charge` holds.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._profile = access.profile
        site = self._profile.site
        if not counts_charge(self._profile):
            raise ValueError(f"profile {self._profile.name} has no battery of known capacity")
        oldest, newest = access.snapshot.oldest, access.snapshot.newest
        if oldest is None or newest is None:
            raise ValueError(f"no data are stored for site {site.name}")
        self._bucket_us = site.summary_s * SECOND_US
        self._step_us = soc_step_s(self._profile) * SECOND_US
        self._shift_us = anchor_s(site) * SECOND_US
        in_order = sorted(site.battery.soc_anchors, key=lambda anchor: anchor.time)
        # Of several in one step the latest counts.
        by_step = {self._step_from(epoch_us(a.time)): (a.soc, a.uncertainty) for a in in_order}
        self._anchors = [(at_us, *known) for at_us, known in by_step.items()]
        self.start_us = epoch_us(slot_start(site, oldest))
        start = SocState(
            at_us=self.start_us,
            soc=START_SOC,
            half_width=START_HALF_WIDTH,
            anchored=False,
            since_us=self.start_us,
            valid=0,
            valid_then=0,
        )
        for at_us, soc, uncertainty in self._anchors:
            if at_us <= self.start_us:
                start = start.anchor(soc, uncertainty, self.start_us)
        self._start = start
        after = from_epoch_us(epoch_us(newest) + site.interval_s * SECOND_US)
        self._courses = self._computed(access.months(from_epoch_us(self.start_us), after))
        self._ends_us = np.concatenate([course.end_us for course in self._courses])
        self._firsts = list(accumulate((len(c.end_us) for c in self._courses[:-1]), initial=0))

    def at(self, at: datetime) -> SocState:
        """State after all slots that start before an instant."""
        return self.along([first_slot_us(self._profile.site, at)])[0]

    def along(self, times_us: Sequence[int]) -> list[SocState]:
        """States at ascending instants between slots [µs since the epoch]."""
        starts = [self._bucket_start(at_us) for at_us in times_us]
        within = [i for i, at_us in enumerate(times_us) if at_us > starts[i]]
        # Only the two ends of a window lie inside buckets, unless points are closer than buckets.
        close = len(within) > 2
        steps = self._fine(starts[within[0]], times_us[within[-1]]) if close else None
        rows = np.searchsorted(self._ends_us, starts, side="right") - 1
        found = []
        for at_us, start_us, row in zip(times_us, starts, rows.tolist(), strict=True):
            state = self._held(self._state(row), start_us)
            if at_us > start_us:
                # A step that has only begun counts for the slots before the instant.
                whole = steps if self.on_step(at_us) else None
                state = self._through(state, whole or self._fine(start_us, at_us), at_us)
            found.append(state)
        return found

    def lowest(self, growth: float) -> tuple[Micros, Floats]:
        """Ends of buckets [µs], and what the state of charge can't have been below in each.

        Parameters
        ----------
        growth
            The band's half-width grows by more than this share of all that flows.
        """
        soc = np.concatenate([course.soc for course in self._courses])
        width = np.concatenate([course.half_width for course in self._courses])
        before = np.concatenate([[self._start.soc], soc[:-1]])
        flowed = np.diff(width, prepend=self._start.half_width) / growth
        # An anchor made the band narrower: nothing is known of what flowed.
        return self._ends_us, np.where(flowed < 0, 0.0, np.minimum(before, soc) - flowed)

    def step_ends(self, ends_us: Micros) -> list[int]:
        """Ends of all steps in buckets, given by their ends [µs]."""
        steps = np.arange(self._bucket_us // self._step_us) * self._step_us
        found: list[int] = np.sort((ends_us[:, None] - steps).ravel()).tolist()
        return found

    def on_step(self, at_us: int) -> bool:
        """Whether a step starts at an instant [µs since the epoch]."""
        return (at_us - self._bucket_start(at_us)) % self._step_us == 0

    def _bucket_start(self, at_us: int) -> int:
        return (at_us - self._shift_us) // self._bucket_us * self._bucket_us + self._shift_us

    def _step_from(self, at_us: int) -> int:
        """Start of the first step at or after an instant."""
        start_us = self._bucket_start(at_us)
        steps = -(-(at_us - start_us) // self._step_us)
        return start_us + min(steps * self._step_us, self._bucket_us)

    def _state(self, row: int) -> SocState:
        """State at the end of a bucket, counted over all months; at the start before the first."""
        if row < 0:
            return self._start
        month = bisect_right(self._firsts, row) - 1
        return self._courses[month].at(row - self._firsts[month])

    def _held(self, state: SocState, at_us: int) -> SocState:
        """Hold a state until an instant, with the set anchors on the way."""
        for anchor_us, soc, uncertainty in self._anchors:
            if state.at_us <= anchor_us <= at_us and anchor_us > state.since_us:
                state = state.anchor(soc, uncertainty, anchor_us)
        return replace(state, at_us=at_us) if at_us > state.at_us else state

    def _through(self, state: SocState, steps: Steps, at_us: int) -> SocState:
        """Apply the steps that start in [state, at_us), with the set anchors on the way."""
        first, last = np.searchsorted(steps.start_us, [self._bucket_start(state.at_us), at_us])
        for row in range(int(first), int(last)):
            state = self._held(state, int(steps.start_us[row]))
            soc = state.soc + float(steps.change[row])
            state = replace(
                state,
                soc=min(float(steps.high[row]), max(float(steps.low[row]), soc)),
                half_width=state.half_width + float(steps.growth[row]),
                valid=state.valid + int(steps.valid[row]),
            )
        return self._held(state, at_us)

    def _fine(self, start_us: int, end_us: int) -> Steps:
        """Steps of the slots that start in [start, end), from measurements."""
        access = self._access
        scans = access.scans(from_epoch_us(start_us), from_epoch_us(end_us))
        key = access.cached("soc steps", *scans)
        known = access.engine.results.get(key)
        if isinstance(known, Steps):
            return known
        steps = steps_of_slots(self._profile, access.slots(scans, SLOT_COLUMNS))
        access.engine.results.put(key, steps)
        return steps

    def _computed(self, parts: Iterable[MonthPart]) -> list[Course]:
        """Courses of all months, each from the state the one before ended with."""
        access, state = self._access, self._start
        courses = []
        for part in parts:
            key = access.cached("soc course", part, state)
            known = access.engine.results.get(key)
            if not isinstance(known, Course):
                known = self._month(part, state)
                access.engine.results.put(key, known)
            courses.append(known)
            state = known.last
        return courses

    def _month(self, part: MonthPart, state: SocState) -> Course:
        profile, battery = self._profile, self._profile.site.battery
        columns = self._access.buckets(part, summary_columns(profile))
        steps = steps_of_buckets(profile, columns)
        rows = zip(
            steps.start_us.tolist(),
            steps.change.tolist(),
            steps.low.tolist(),
            steps.high.tolist(),
            steps.growth.tolist(),
            steps.valid.tolist(),
            *charging(profile, columns),
            strict=True,
        )
        anchored = {self._bucket_start(at_us) for at_us, _, _ in self._anchors}
        idle_buckets = -(-FULL_CHARGE_S // profile.site.summary_s)
        at_us, soc, half_width = state.at_us, state.soc, state.half_width
        valid, charge = state.valid, state.charge
        found: list[tuple[float, ...]] = []
        # Plain numbers: this runs over every five minutes of a site's life.
        for start_us, change, low, high, wider, n, mean_kw, idle in rows:
            end_us = start_us + self._bucket_us
            if start_us > at_us:
                charge = None
            if start_us > at_us or start_us in anchored:
                state = replace(state, at_us=at_us, soc=soc, half_width=half_width, valid=valid)
                state = self._held(state, start_us)
                if start_us in anchored:
                    state = self._through(state, self._fine(start_us, end_us), end_us)
                soc, half_width, valid = state.soc, state.half_width, state.valid
            if start_us not in anchored:
                if change or low or high < 1:
                    soc = min(high, max(low, soc + change))
                half_width += wider
                valid += n
            at_us = end_us
            charge = None if mean_kw is None else (charge or Charge()).after(mean_kw, idle)
            if charge is not None and charge.full(idle_buckets):
                state = replace(state, valid=valid)
                state = state.anchor(battery.soc_max, battery.full_charge_uncertainty, end_us)
                soc, half_width = state.soc, state.half_width
            found.append(
                (end_us, soc, half_width, state.anchored, state.since_us, valid, state.valid_then)
            )
        last = replace(
            state, at_us=at_us, soc=soc, half_width=half_width, valid=valid, charge=charge
        )
        return _course(found, last)


def _course(rows: Sequence[tuple[float, ...]], last: SocState) -> Course:
    end_us, soc, half_width, anchored, since_us, valid, valid_then = (
        zip(*rows, strict=True) if rows else [()] * 7
    )
    return Course(
        end_us=np.array(end_us, dtype=np.int64),
        soc=np.array(soc, dtype=np.float64),
        half_width=np.array(half_width, dtype=np.float64),
        anchored=np.array(anchored, dtype=np.bool_),
        since_us=np.array(since_us, dtype=np.int64),
        valid=np.array(valid, dtype=np.int64),
        valid_then=np.array(valid_then, dtype=np.int64),
        last=last,
    )


@dataclass(frozen=True)
class SocSeries:
    """State of charge over a window.

    Attributes
    ----------
    step_s
        Nominal time between points [s].
    frame
        A row per point: `time` (display zone); `soc`, `low`, `high` at that instant [1];
        `anchored`, whether it goes back to an anchor; `since`, when that or the assumed start was;
        `gap`, whether a valid power is missing since the point before.
    """

    step_s: int
    frame: pd.DataFrame


def soc_series(access: Access, window: Window, points: int = 1000) -> SocSeries:
    """State of charge at the finest round step, not below a step, that gives at most `points`.

    The first point is the window's start, or the first sample where that is later; the last is
    the window's end.

    Parameters
    ----------
    access
        Data of a profile for which `store.summaries.counts_charge` holds.
    window
        The window, cut where data end.
    points
        Most points, >= 2.
    """
    if points < 2:
        raise ValueError(f"points is {points}; a state of charge has at least two")
    profile = access.profile
    course = SocCourse(access)
    grid = choose_buckets(profile, window, points - 1)
    first = max(first_slot_us(profile.site, window.start), course.start_us)
    last = first_slot_us(profile.site, window.end)
    inside = [
        at_us for at_us in grid.starts_us.tolist() if first < at_us < last and course.on_step(at_us)
    ]
    times_us = [first, *inside, last]
    states = course.along(times_us)
    slot_us = profile.site.interval_s * SECOND_US
    found = list(zip(times_us, states, strict=True))
    gaps = [
        now.valid - before.valid < (now_us - before_us) // slot_us
        for (before_us, before), (now_us, now) in pairwise(found)
    ]
    frame = pd.DataFrame(
        {
            "time": _local(times_us, profile),
            "soc": [state.soc for state in states],
            "low": [state.low for state in states],
            "high": [state.high for state in states],
            "anchored": [state.anchored for state in states],
            "since": _local([state.since_us for state in states], profile),
            "gap": [False, *gaps],
        }
    )
    return SocSeries(max(grid.step_s, soc_step_s(profile)), frame)


def _local(times_us: Sequence[int], profile: Profile) -> pd.DatetimeIndex:
    return pd.to_datetime(times_us, unit="us", utc=True).tz_convert(profile.site.display_zone)
