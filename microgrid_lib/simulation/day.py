"""The day a scenario starts from: one-minute series by role, as measured or averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.model import Note
from microgrid_lib.simulation.errors import ScenarioError
from microgrid_lib.window import Window, day_window

POWER_ROLES = ("load", "pv", "fuel_cell", "genset", "battery", "grid")
QUALITY_ROLES = (
    "bus_voltage",
    "receiving_voltage",
    "mccb_voltage",
    "bus_frequency",
    "mccb_frequency",
)
MIN_COVERAGE = 0.5
WARN_COVERAGE = 0.95
STEP = timedelta(minutes=1)
SOC_COUNTED = "simulation.soc_counted"
"""Note of a day whose state of charge at the start is counted from measured power."""


@dataclass(frozen=True, eq=False)
class DayFrame:
    """One local day at one-minute steps.

    Attributes
    ----------
    frame
        UTC index of every minute of the day; a column per role of the site [kW], [V], [Hz]; NaN
        where there are no data. Always has `load`.
    site
        The site's name.
    label
        The date, or first/last date of an average.
    zone
        Display zone.
    valid
        Minutes in which every power is known, shape (n_steps,).
    coverage
        Their share of the day.
    soc_start
        Estimated state of charge at the start, None where unknown.
    notes
        What to beware of.
    """

    frame: pd.DataFrame
    site: str
    label: str
    zone: tzinfo
    valid: npt.NDArray[np.bool_]
    coverage: float
    soc_start: float | None = None
    notes: tuple[Note, ...] = field(default=())

    def has(self, role: str) -> bool:
        """Whether the day has that role."""
        return role in self.frame.columns

    @cached_property
    def values(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """Columns of `frame` as arrays that can't be written to, for many scenarios."""
        found = {}
        for name in self.frame.columns:
            found[str(name)] = self.frame[name].to_numpy(dtype=np.float64, copy=True)
            found[str(name)].flags.writeable = False
        return found

    def local_minutes(self) -> npt.NDArray[np.int64]:
        """Local wall-clock minute of each step, shape (n_steps,)."""
        return self._local_minutes

    @cached_property
    def _local_minutes(self) -> npt.NDArray[np.int64]:
        local = pd.DatetimeIndex(self.frame.index).tz_convert(self.zone)
        return np.asarray(local.hour * 60 + local.minute, dtype=np.int64)


def measured_day(
    frame: pd.DataFrame,
    site: str,
    day: date,
    zone: tzinfo,
    *,
    interval_s: int = 60,
    soc_start: float | None = None,
) -> DayFrame:
    """Take a day as measured.

    Parameters
    ----------
    frame
        Means over `interval_s`, labelled by the start of the interval: a UTC index, a column per
        role. May hold more than the day.
    site
        The site's name.
    day
        The local date.
    zone
        Display zone.
    interval_s
        Length of an interval [s]: 60, or a multiple of it. Longer ones stand for each of their
        minutes by their mean.
    soc_start
        Estimated state of charge at the start of the day.

    Raises
    ------
    NoDataError
        There are no data on that day, or for less than half of it.
    ScenarioError
        The frame isn't what is described above.
    """
    window = day_window(day, zone)
    minutes = _on_minutes(_checked(frame), window, interval_s)
    return _complete(minutes, site, day.isoformat(), zone, soc_start, _interval_notes(interval_s))


def average_day(
    frame: pd.DataFrame,
    site: str,
    first: date,
    last: date,
    zone: tzinfo,
    *,
    interval_s: int = 60,
    soc_start: float | None = None,
) -> DayFrame:
    """Average the days of a period by local minute.

    Only minutes in which all powers are known count. The result is indexed as the first day.

    Parameters
    ----------
    frame, site, zone, interval_s, soc_start
        As in `measured_day`.
    first, last
        Local dates, both included.

    Raises
    ------
    NoDataError, ScenarioError
        As in `measured_day`.
    """
    if first > last:
        raise ScenarioError(f"the period {first} to {last} must not end before it starts")
    window = day_window(first, zone, end=last + timedelta(days=1))
    minutes = _with_load(_on_minutes(_checked(frame), window, interval_s))
    valid = _power_valid(minutes)
    known = minutes[valid]
    local = pd.DatetimeIndex(known.index).tz_convert(zone)
    dates, clock = np.asarray(local.date), np.asarray(local.hour * 60 + local.minute)
    # An hour that is there twice counts once for its day.
    by_day = known.groupby([dates, clock]).mean()
    by_minute = by_day.groupby(level=1).mean()
    index = _minute_index(day_window(first, zone))
    of_day = index.tz_convert(zone)
    minutes_of_day = np.asarray(of_day.hour * 60 + of_day.minute)
    averaged = by_minute.reindex(minutes_of_day).set_axis(index)
    days, of = len(np.unique(dates)), (last - first).days + 1
    counts = by_day.groupby(level=1).size().reindex(minutes_of_day).dropna()
    least, coverage = int(counts.min()) if len(counts) else 0, float(valid.mean())
    label = f"{first.isoformat()}/{last.isoformat()}"
    note = Note(
        code="simulation.average_day",
        params={"days": days, "of": of, "coverage": coverage, "least": least},
        text=f"The average of {days} of {of} days ({coverage:.1%} of all minutes have data), every "
        f"minute from {least} days at least, is smoother than any day: peaks are lower.",
    )
    return _complete(averaged, site, label, zone, soc_start, (note, *_interval_notes(interval_s)))


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise ScenarioError("the frame's index must be times in UTC")
    if index.has_duplicates:
        raise ScenarioError(f"the frame has {index[index.duplicated()][0].isoformat()} twice")
    unknown = [c for c in frame.columns if c not in (*POWER_ROLES, *QUALITY_ROLES, "critical_load")]
    if unknown:
        raise ScenarioError(
            f"unknown role {unknown[0]!r}; known: {', '.join((*POWER_ROLES, *QUALITY_ROLES))}"
        )
    if "load" not in frame.columns and "grid" not in frame.columns:
        raise ScenarioError("a simulation needs the role load or grid")
    return frame


def _minute_index(window: Window) -> pd.DatetimeIndex:
    return pd.date_range(window.start_utc, window.end_utc, freq=STEP, inclusive="left", tz=UTC)


def _on_minutes(frame: pd.DataFrame, window: Window, interval_s: int) -> pd.DataFrame:
    if interval_s < 60 or interval_s % 60:
        raise ScenarioError(f"interval_s {interval_s} must be 60 or a multiple of it")
    index = _minute_index(window)
    per_interval = interval_s // 60
    utc = frame.tz_convert(UTC).sort_index()
    if per_interval == 1:
        return utc.reindex(index)
    # Hours of a zone half an hour off don't start on UTC's; a time between starts finds none.
    phase = pd.Timedelta(0) if utc.empty else utc.index[0] - utc.index[0].floor(f"{interval_s}s")
    starts = (index - phase).floor(f"{interval_s}s") + phase
    return utc.reindex(starts).set_axis(index)


def _interval_notes(interval_s: int) -> tuple[Note, ...]:
    if interval_s == 60:
        return ()
    minutes = interval_s // 60
    return (
        Note(
            code="simulation.coarse_interval",
            params={"minutes": minutes},
            text=f"Each minute carries the mean of its {minutes}-minute interval: what happened "
            "within it isn't known.",
        ),
    )


def _with_load(frame: pd.DataFrame) -> pd.DataFrame:
    if "load" in frame.columns:
        return frame
    sources = [role for role in POWER_ROLES if role in frame.columns]
    return frame.assign(load=frame[sources].sum(axis=1, skipna=False))


def _power_valid(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    powers = [role for role in POWER_ROLES if role in frame.columns]
    return np.asarray(np.isfinite(frame[powers].to_numpy(dtype=np.float64)).all(axis=1))


def _complete(
    minutes: pd.DataFrame,
    site: str,
    label: str,
    zone: tzinfo,
    soc_start: float | None,
    notes: tuple[Note, ...],
) -> DayFrame:
    if "load" not in minutes.columns:
        notes = (
            *notes,
            Note(
                code="simulation.load_derived",
                text="Load isn't measured: it is grid + pv + fuel cell + genset + battery.",
            ),
        )
    frame = _with_load(minutes).astype(np.float64)
    valid = _power_valid(frame)
    coverage = float(valid.mean())
    if not valid.any():
        raise NoDataError(f"{site} has no data on {label}")
    if coverage < MIN_COVERAGE:
        raise NoDataError(
            f"{site} has data for {coverage:.0%} of {label}; a simulation needs {MIN_COVERAGE:.0%}"
        )
    missing = int((~valid).sum())
    if missing:
        notes = (
            *notes,
            Note(
                code="simulation.minutes_missing",
                params={"minutes": missing, "coverage": coverage},
                text=f"{missing} minutes without data have no result; energies leave them out.",
            ),
        )
    return DayFrame(frame, site, label, zone, valid, coverage, soc_start, notes)
