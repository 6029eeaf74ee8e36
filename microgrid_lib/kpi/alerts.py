"""Alerts of a site: replayed from its samples, month after month, from the first on.

The same data and settings always give the same alerts with the same ids. Summaries tell which
buckets can matter; only these are read as samples. What a month ended with is where the next one
begins, so new data cost only their own month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi.access import Access, runs
from microgrid_lib.kpi.alert_rules import Rule, Severity, rules_of, slots_needed
from microgrid_lib.kpi.alert_watch import Raised, Slot, Watched, lasting, watch
from microgrid_lib.kpi.intervals import SECOND_US, interval_s, synchronism, tells_islands
from microgrid_lib.kpi.model import WindowModel
from microgrid_lib.kpi.soc import SocCourse
from microgrid_lib.store.engines import Columns
from microgrid_lib.store.extent import MonthPart
from microgrid_lib.store.slots import epoch_us, from_epoch_us, slot_start
from microgrid_lib.store.summaries import counts_charge, soc_step_s
from microgrid_lib.window import Window

Micros = npt.NDArray[np.int64]
STALE = "data_stale"
_SOC_NAMES: tuple[tuple[str, Severity], ...] = (
    ("battery_low", "warning"),
    ("battery_empty", "critical"),
)
# Of what flows, the band grows by more than this: see `soc_steps.growth`.
_LEAST_GROWTH = 0.02


class Acknowledgement(BaseModel):
    """Who has seen an alert.

    Attributes
    ----------
    by, at, note
        Who; when, in the display zone; what they noted.
    """

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    note: str


class Alert(BaseModel):
    """One alert.

    Attributes
    ----------
    id
        Stable: name, start and severity. An alert that becomes worse has a new id, so that it
        must be acknowledged again.
    name
        Its kind.
    severity
        The worst it reached.
    start, end
        Start of its first slot, and of the slot that ended it; null while it lasts.
    extreme, unit
        The worst value.
    active
        Whether it lasts at the end of the data.
    acknowledged
        Null where nobody has.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    severity: Severity
    start: datetime
    end: datetime | None
    extreme: float
    unit: str
    active: bool
    acknowledged: Acknowledgement | None = None


class AlertReport(BaseModel):
    """Alerts of a window, the earliest first.

    Attributes
    ----------
    site, profile
        What was read.
    window
        The window as asked.
    alerts
        Those that last for some of the window.
    """

    site: str
    profile: str
    window: WindowModel
    alerts: list[Alert]


@dataclass(frozen=True)
class _Stand:
    """Where all rules stand at the end of a month.

    Attributes
    ----------
    watched
        By rule.
    covered_us
        End of the last slot with a valid sample.
    """

    watched: tuple[Watched, ...]
    covered_us: int


@dataclass(frozen=True)
class _Month:
    """What a month brought."""

    ended: tuple[Raised, ...]
    stand: _Stand


def alerts_of(access: Access, window: Window, until: datetime) -> list[Alert]:
    """Alerts that last for some of a window.

    Parameters
    ----------
    access
        Stored data.
    window
        The window.
    until
        End of what can be expected; see `store.extent.as_of`.
    """
    zone = access.profile.site.display_zone
    found = []
    for raised in _around(access, window, until):
        start = from_epoch_us(raised.start_us)
        end = None if raised.end_us is None else from_epoch_us(raised.end_us)
        if start < window.end_utc and (end is None or end > window.start_utc):
            found.append(
                Alert(
                    id=f"{raised.name}-{start:%Y%m%dT%H%M%SZ}-{raised.severity}",
                    name=raised.name,
                    severity=raised.severity,
                    start=start.astimezone(zone),
                    end=end and end.astimezone(zone),
                    extreme=raised.extreme,
                    unit=raised.unit,
                    active=end is None,
                )
            )
    return sorted(found, key=lambda alert: (alert.start, alert.name))


def _around(access: Access, window: Window, until: datetime) -> Iterator[Raised]:
    """Alerts around a window: those that last for some of it, and more.

    Months that can't matter aren't replayed: neither those before a month that all rules ended
    quietly, nor those after all is quiet behind the window.
    """
    profile = access.profile
    oldest, newest = access.snapshot.oldest, access.snapshot.newest
    if oldest is None or newest is None:
        return
    rules = rules_of(profile)
    first = slot_start(profile.site, oldest)
    after = from_epoch_us(epoch_us(newest) + profile.site.interval_s * SECOND_US)
    parts = access.months(first, after)
    begin, stand = _begin(access, rules, parts, window)
    window_end_us = epoch_us(window.end)
    for part in parts[begin:]:
        key = access.cached("alerts", part, stand)
        known = access.engine.results.get(key)
        if not isinstance(known, _Month):
            known = _Replay(access, rules, part, stand).month()
            access.engine.results.put(key, known)
        yield from known.ended
        stand = known.stand
        if stand.covered_us >= window_end_us and all(w.quiet for w in stand.watched):
            break
    else:
        for rule, watched in zip(rules, stand.watched, strict=True):
            severities = _severities(rule)
            yield from lasting(watched, name=rule.name, unit=rule.unit, severities=severities)
        yield from _stale_now(access, stand.covered_us, epoch_us(until))
    if counts_charge(profile):
        yield from _soc_alerts(access, window)


def _begin(
    access: Access, rules: tuple[Rule, ...], parts: Sequence[MonthPart], window: Window
) -> tuple[int, _Stand]:
    """The latest month from which a replay tells all alerts of a window, and where rules stand."""
    nothing = tuple(Watched((None,) * len(rule.levels)) for rule in rules)
    months = list(access.snapshot.months().values())
    if len(months) != len(parts):
        raise AssertionError("each month of the data is one part")
    reached = (n for n, files in enumerate(months) if files.end >= window.start_utc)
    for number in range(next(reached, len(parts)), 0, -1):
        key = access.cached("alerts quiet after", parts[number - 1])
        covered_us = access.engine.results.get(key)
        if not isinstance(covered_us, int):
            replay = _Replay(access, rules, parts[number - 1], _Stand(nothing, 0))
            covered_us = replay.quiet_from()
            access.engine.results.put(key, covered_us)
        if covered_us:
            return number, _Stand(nothing, covered_us)
    oldest = access.snapshot.oldest
    if oldest is None:
        raise AssertionError("there are data")
    return 0, _Stand(nothing, epoch_us(slot_start(access.profile.site, oldest)))


def _severities(rule: Rule) -> tuple[Severity, ...]:
    return tuple(severity for severity, _ in rule.levels)


def _stale_us(access: Access) -> int:
    site = access.profile.site
    needed = slots_needed(access.profile.spec.alerts.stale_for_s, site.interval_s)
    return needed * site.interval_s * SECOND_US


def _stale_now(access: Access, covered_us: int, until_us: int) -> list[Raised]:
    lost_us = until_us - covered_us
    if lost_us < _stale_us(access):
        return []
    return [Raised(STALE, "warning", "s", covered_us, None, lost_us / SECOND_US)]


class _Replay:
    """One month of slots.

    Parameters
    ----------
    access, rules
        The data and what is watched.
    part
        The month.
    before
        Where the rules stood at its start.
    """

    def __init__(
        self, access: Access, rules: tuple[Rule, ...], part: MonthPart, before: _Stand
    ) -> None:
        self._access, self._rules, self._before = access, rules, before
        profile = access.profile
        names = {f"{role}__n" for role in profile.roles}.union(*(rule.columns for rule in rules))
        self._columns = access.buckets(part, sorted(names))
        self._start_us: Micros = self._columns["bucket"]
        self._bucket_us = profile.site.summary_s * SECOND_US
        self._slot_us = profile.site.interval_s * SECOND_US
        self._full = self._bucket_us // self._slot_us

    def month(self) -> _Month:
        """Replay it."""
        chosen = [
            self._chosen(rule, watched)
            for rule, watched in zip(self._rules, self._before.watched, strict=True)
        ]
        slots = self._slots(chosen)
        ended, stand = [], []
        for rule, rows, watched in zip(self._rules, chosen, self._before.watched, strict=True):
            found, after = self._run(rule, rows, watched, slots)
            ended += found
            stand.append(after)
        stale, covered_us = self._stale()
        return _Month((*ended, *stale), _Stand(tuple(stand), covered_us))

    def quiet_from(self) -> int:
        """End of the month's last valid slot, if every rule is surely quiet then, else 0 [µs]."""
        most = np.maximum.reduce([self._columns[f"{r}__n"] for r in self._access.profile.roles])
        rows = np.flatnonzero(most > 0)
        if not len(rows):
            return 0
        for rule in self._rules:
            seen = np.flatnonzero(self._surely_read(rule))
            if not len(seen):
                return 0
            last = {name: values[seen[-1] :] for name, values in self._columns.items()}
            if (rule.maybe_on(last) | rule.maybe_not_off(last)).any():
                return 0
        return int(self._valid_slots(rows[-1:])[-1]) + self._slot_us

    def _surely_read(self, rule: Rule) -> npt.NDArray[np.bool_]:
        """Buckets with a slot in which all roles of a rule are valid, so many are each of them."""
        counts = np.add.reduce([self._columns[f"{role}__n"] for role in rule.roles])
        surely: npt.NDArray[np.bool_] = counts > (len(rule.roles) - 1) * self._full
        return surely

    def _chosen(self, rule: Rule, watched: Watched) -> Micros:
        """Rows of the buckets to read for a rule."""
        valid = np.logical_and.reduce([self._columns[f"{role}__n"] > 0 for role in rule.roles])
        rows = np.flatnonzero(valid)
        # A bucket that may have no slot with all roles ends nothing.
        unsure = ~self._surely_read(rule)[rows]
        on, not_off = rule.maybe_on(self._columns)[rows], rule.maybe_not_off(self._columns)[rows]
        keep = np.zeros(len(rows) + 1, dtype=np.bool_)
        if len(rows) and not watched.quiet:
            keep[0] = True
        for first, last in runs(not_off | on | unsure):
            if on[first:last].any() or (first == 0 and not watched.quiet):
                # The bucket after is where all of it is over.
                keep[first : last + 1] = True
        return rows[keep[:-1]]

    def _slots(self, chosen: list[Micros]) -> Columns:
        rows = reduce(np.union1d, chosen, np.empty(0, dtype=np.int64)).astype(np.int64)
        if not len(rows):
            return {}
        start = from_epoch_us(int(self._start_us[rows[0]]))
        end = from_epoch_us(int(self._start_us[rows[-1]]) + self._bucket_us)
        roles = sorted(
            {
                role
                for rule, mine in zip(self._rules, chosen, strict=True)
                if len(mine)
                for role in rule.roles
            }
        )
        slots = self._access.slots(self._access.scans(start, end), roles)
        slots["islanded"] = np.zeros(len(slots["slot"]), dtype=np.bool_)
        if "mccb_voltage" in roles and tells_islands(self._access.profile):
            # Whole intervals on both sides: half of one may differ from its mean.
            beside = timedelta(seconds=interval_s(self._access.profile))
            found = synchronism(self._access, start - beside, end + beside)
            slots["islanded"] = found.islanded[found.grid.index(slots["slot"])]
        return slots

    def _run(
        self, rule: Rule, rows: Micros, watched: Watched, slots: Columns
    ) -> tuple[list[Raised], Watched]:
        if not len(rows):
            return [], watched
        at = np.searchsorted(self._start_us, slots["slot"], side="right") - 1
        mine = np.isin(at, rows)
        for role in rule.roles:
            mine &= ~np.isnan(slots[role])
        read = {name: slots[name][mine] for name in ("slot", "islanded", *rule.roles)}
        step_s = self._access.profile.site.interval_s
        return watch(
            watched,
            _rows(rule, read),
            name=rule.name,
            unit=rule.unit,
            severities=_severities(rule),
            needed=slots_needed(rule.for_s, step_s),
            step_us=self._slot_us,
        )

    def _stale(self) -> tuple[list[Raised], int]:
        """Gaps without any valid sample that ended in this month, and where cover ends."""
        profile = self._access.profile
        most = np.maximum.reduce([self._columns[f"{role}__n"] for role in profile.roles])
        rows = self._partial(self._full - most)
        whole = np.ones(len(most), dtype=np.bool_)
        whole[rows] = False
        starts, ends = self._start_us[whole], self._start_us[whole] + self._bucket_us
        if len(rows):
            slots = self._valid_slots(rows)
            starts = np.concatenate([starts, slots])
            ends = np.concatenate([ends, slots + self._slot_us])
        order = np.argsort(starts, kind="stable")
        starts = starts[order]
        ends = np.maximum.accumulate(np.concatenate([[self._before.covered_us], ends[order]]))
        lost = starts - ends[:-1]
        found = [
            Raised(STALE, "warning", "s", int(ends[i]), int(starts[i]), float(lost[i] / SECOND_US))
            for i in np.flatnonzero(lost >= _stale_us(self._access)).tolist()
        ]
        return found, int(ends[-1])

    def _partial(self, missing: npt.NDArray[Any]) -> Micros:
        """Rows of incomplete buckets that may hold, or border on, stale data."""
        grid = (self._start_us - self._start_us[0]) // self._bucket_us
        lost = np.full(int(grid[-1]) + 1, self._full, dtype=np.int64)
        lost[grid] = missing.astype(np.int64)
        mine = np.zeros(len(lost), dtype=np.bool_)
        for first, last in runs(lost > 0):
            at_edge = first == 0 or last == len(lost)
            if at_edge or lost[first:last].sum() * self._slot_us >= _stale_us(self._access):
                mine[first:last] = True
        return np.flatnonzero(mine[grid])

    def _valid_slots(self, rows: Micros) -> Micros:
        start = from_epoch_us(int(self._start_us[rows[0]]))
        end = from_epoch_us(int(self._start_us[rows[-1]]) + self._bucket_us)
        slots = self._access.valid_slots(self._access.scans(start, end))
        at = np.searchsorted(self._start_us, slots, side="right") - 1
        return slots[np.isin(at, rows)]


def _rows(rule: Rule, read: Columns) -> Iterator[Slot]:
    conditions = [on(read).tolist() for _, on in rule.levels]
    return zip(
        read["slot"].tolist(),
        zip(*conditions, strict=True),
        rule.off(read).tolist(),
        rule.value(read).tolist(),
        rule.badness(read).tolist(),
        strict=True,
    )


def _soc_alerts(access: Access, window: Window) -> list[Raised]:
    """Alerts of a low and an empty battery around a window, on steps of the state of charge."""
    start_us, end_us = epoch_us(window.start), epoch_us(window.end)
    key = access.cached("soc alerts", access.snapshot.state(), start_us, end_us)
    known = access.engine.results.get(key)
    if isinstance(known, list):
        return known
    profile = access.profile
    settings, step_s = profile.spec.alerts, soc_step_s(profile)
    course = SocCourse(access)
    found = []
    thresholds = (settings.battery_low_soc, profile.site.battery.soc_min)
    for (name, severity), on in zip(_SOC_NAMES, thresholds, strict=True):
        off = on + settings.battery_soc_hysteresis
        ended, watched = watch(
            Watched((None,)),
            _soc_slots(course, on, off, start_us, end_us),
            name=name,
            unit="1",
            severities=(severity,),
            needed=slots_needed(settings.battery_soc_for_s, step_s),
            step_us=step_s * SECOND_US,
        )
        found += [*ended, *lasting(watched, name=name, unit="1", severities=(severity,))]
    access.engine.results.put(key, found)
    return found


def _soc_slots(
    course: SocCourse, on: float, off: float, start_us: int, end_us: int
) -> Iterator[Slot]:
    """States at the ends of steps, of the buckets in which the thresholds can matter.

    A run of such buckets begins and ends with neither alert nor condition: those that don't touch
    the window tell nothing of it.
    """
    ends_us, lowest = course.lowest(_LEAST_GROWTH)
    for first, last in runs(lowest < off):
        over = last < len(ends_us) and ends_us[last] < start_us
        to_come = first > 0 and ends_us[first - 1] > end_us
        if over or to_come or not (lowest[first:last] < on).any():
            continue
        times_us = course.step_ends(ends_us[first : last + 1])
        for at_us, state in zip(times_us, course.along(times_us), strict=True):
            yield at_us, (state.soc < on,), state.soc >= off, state.soc, -state.soc
