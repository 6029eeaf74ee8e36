"""When a month's events and faults happen: all of it follows from seed, year and month."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.plan import SLOTS_PER_DAY, SLOTS_PER_HOUR

EVERY_MONTH = ("voltage_sag_a", "fuel_cell_failed", "battery_not_following", "battery_full_charge")
ODD_MONTHS = ("voltage_sag_b", "islanding", "battery_low", "voltage_gap")
# Day that doesn't exist, by month: only some short months carry padding, as in the real files.
PADDING_DAY = {2: 30, 4: 31, 6: 31, 11: 31}
SLOTS_PER_MINUTE = 6


@dataclass(frozen=True)
class Window:
    """Slots `start` to `stop` (exclusive), counted from the first slot of the month."""

    start: int
    stop: int

    @property
    def slots(self) -> slice:
        """The same as an index."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class MonthCalendar:
    """Events by kind, days by purpose (0-based), and windows of lost data of one month."""

    year: int
    month: int
    days: int
    event_day: dict[str, int]
    events: dict[str, Window]
    outages: tuple[Window, ...]
    row_gaps: tuple[Window, ...]
    duplicate_day: int
    conflict_day: int
    shuffle_day: int
    bad_value_days: tuple[int, int]
    padding_day: int | None
    padding_rows: int
    lost: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def first(self) -> date:
        """First day of the month."""
        return date(self.year, self.month, 1)

    @property
    def n_slots(self) -> int:
        """Slots of the month."""
        return self.days * SLOTS_PER_DAY


def _window(
    rng: np.random.Generator, day: int, hours: tuple[float, float], minutes: tuple[int, int]
) -> Window:
    """Draw a window that starts between two hours of a day and lasts between two durations."""
    low, high = (round(h * SLOTS_PER_HOUR) for h in hours)
    start = day * SLOTS_PER_DAY + int(rng.integers(low, high))
    length = int(rng.integers(minutes[0] * SLOTS_PER_MINUTE, minutes[1] * SLOTS_PER_MINUTE + 1))
    return Window(start, start + length)


def month_calendar(seed: int, year: int, month: int) -> MonthCalendar:
    """Lay out the events and faults of one month.

    Every event has a day of its own and no fault falls on it, so one event is one alert.
    """
    rng = np.random.default_rng([seed, year, month, 1])
    days = calendar.monthrange(year, month)[1]
    kinds = EVERY_MONTH + (ODD_MONTHS if month % 2 else ())
    event_day = dict(zip(kinds, (int(d) for d in rng.permutation(np.arange(2, 26))), strict=False))
    free = rng.permutation([d for d in range(days) if d not in event_day.values()])
    fault_day = iter(int(d) for d in free)

    events = {
        "voltage_sag_a": _window(rng, event_day["voltage_sag_a"], (8, 18), (3, 6)),
        "fuel_cell_failed": _window(rng, event_day["fuel_cell_failed"], (9, 15), (20, 60)),
    }
    if month % 2:
        events["voltage_sag_b"] = _window(rng, event_day["voltage_sag_b"], (8, 18), (2, 4))
        events["voltage_gap"] = _window(rng, event_day["voltage_gap"], (8, 18), (6, 10))
        # Whole ten minutes, because islanding is inferred from ten-minute means; after sunset,
        # so that the fuel cell and the battery alone carry the auxiliaries.
        ten_minutes = 10 * SLOTS_PER_MINUTE
        start = event_day["islanding"] * SLOTS_PER_DAY + 20 * SLOTS_PER_HOUR
        start += int(rng.integers(0, 4)) * ten_minutes
        stop = start + int(rng.integers(12, 19)) * ten_minutes
        events["islanding"] = Window(start, stop)
        dip = start + SLOTS_PER_HOUR
        events["frequency_excursion"] = Window(dip, dip + int(rng.integers(18, 31)))

    # Nothing lasts about five minutes, where "stale" begins: an outage is clearly one or not.
    outages = tuple(
        _window(rng, next(fault_day), (1, 19), minutes)
        for minutes in ((1, 3), (10, 30), (10, 30), (60, 240), (60, 180))
    )
    row_gaps = tuple(
        _window(rng, next(fault_day), (1, 22), minutes) for minutes in ((2, 3), (15, 40))
    )
    lost = np.zeros(days * SLOTS_PER_DAY, dtype=np.bool_)
    for window in outages + row_gaps:
        lost[window.slots] = True
    return MonthCalendar(
        year=year,
        month=month,
        days=days,
        event_day=event_day,
        events=events,
        outages=outages,
        row_gaps=row_gaps,
        duplicate_day=next(fault_day),
        conflict_day=next(fault_day),
        shuffle_day=next(fault_day),
        bad_value_days=(next(fault_day), next(fault_day)),
        padding_day=PADDING_DAY.get(month),
        padding_rows=int(rng.choice([360, 1440, 8640])),
        lost=lost,
    )
