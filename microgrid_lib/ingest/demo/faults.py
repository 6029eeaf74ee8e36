"""What a real logger and link do to the rows of a file, with the counts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.calendar import MonthCalendar
from microgrid_lib.ingest.demo.plan import SLOTS_PER_DAY, SLOTS_PER_HOUR
from microgrid_lib.site.schema import CHANNELS

# Values no reader may take for a measurement, in hundredths, by unit.
_IMPOSSIBLE = {"kW": 300000, "V": 655350, "Hz": 65535, "degC": 327670}
# Never faulty on their own: the true state of charge must follow from what the file shows.
_BATTERY_CHANNELS = ("battery_power", "battery_set_response")
MISSING = np.iinfo(np.int64).min


@dataclass
class Rows:
    """The rows of a file in the order they are written.

    Attributes
    ----------
    day : numpy.ndarray
        Day of the month (1-31), shape (n_rows,).
    slot : numpy.ndarray
        Slot of the day (0-8639), shape (n_rows,).
    values : dict
        Channel -> hundredths of its unit, `MISSING` for the sentinel, shape (n_rows,).
    counts : dict
        What a reader must count: `rows_*`, `values_*`, `rejected`.
    """

    day: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    values: dict[str, npt.NDArray[np.int64]]
    counts: dict[str, object]


def _spread(rng: np.random.Generator, day: int, hours: tuple[int, int], n: int) -> list[int]:
    """Draw `n` different slots between two hours of a day, at least a minute apart, in order."""
    low, high = (day * SLOTS_PER_DAY + h * SLOTS_PER_HOUR for h in hours)
    return sorted(int(s) for s in rng.choice(np.arange(low, high, 6), size=n, replace=False))


def disturb(seed: int, calendar: MonthCalendar, values: dict[str, npt.NDArray[np.int64]]) -> Rows:
    """Turn a month of undisturbed values into the rows of its file.

    Parameters
    ----------
    seed : int
        Seed of the plan.
    calendar : MonthCalendar
        Where the faults are.
    values : dict
        Channel -> hundredths of its unit, shape (n_slots,); changed in place.
    """
    rng = np.random.default_rng([seed, calendar.year, calendar.month, 2])
    n = calendar.n_slots
    impossible = _damage_values(rng, calendar, values)
    for window in calendar.outages:
        for column in values.values():
            column[window.slots] = MISSING

    kept = np.ones(n, dtype=np.bool_)
    for window in calendar.row_gaps:
        kept[window.slots] = False
    accepted = int(kept.sum())
    missing = sum(int((column[kept] == MISSING).sum()) for column in values.values())

    order = np.flatnonzero(kept)
    conflict_slots = _spread(rng, calendar.conflict_day, (6, 20), int(rng.integers(3, 9)))
    positions, repeats = _repeated_rows(rng, calendar.duplicate_day, order)
    late = rng.integers(1, 6, size=len(conflict_slots))
    conflict_rows = n + np.arange(len(conflict_slots))
    order_with_extra = np.insert(
        order,
        np.concatenate([positions, np.searchsorted(order, conflict_slots) + late]),
        np.concatenate([repeats, conflict_rows]),
    )
    shuffled = int(rng.integers(60, 121))
    first_slot = calendar.shuffle_day * SLOTS_PER_DAY + int(rng.integers(2000, 6000))
    start = int(np.argmax(order_with_extra == first_slot))
    block = slice(start, start + shuffled)
    order_with_extra[block] = rng.permutation(order_with_extra[block])

    padding = calendar.padding_rows if calendar.padding_day else 0
    order_with_extra = np.concatenate(
        [order_with_extra, n + len(conflict_slots) + np.arange(padding)]
    )
    slots = np.concatenate([np.arange(n), conflict_slots, np.arange(padding)]).astype(np.int64)
    day = slots // SLOTS_PER_DAY + 1
    day[n + len(conflict_slots) :] = calendar.padding_day or 0
    final = {
        channel: np.concatenate(
            [column, _contradict(channel, column[conflict_slots]), np.full(padding, MISSING)]
        )[order_with_extra]
        for channel, column in values.items()
    }
    counts: dict[str, object] = {
        "rows_read": len(order_with_extra),
        "rows_accepted": accepted,
        "rows_duplicate": len(repeats),
        "rows_rejected": len(conflict_slots) + padding,
        "values_missing": missing,
        "values_out_of_range": impossible,
        "rejected": {"impossible_date": padding, "conflict": len(conflict_slots)},
        "rows_absent": n - accepted,
        "rows_shuffled": shuffled,
    }
    slot_of_day = (slots % SLOTS_PER_DAY)[order_with_extra]
    return Rows(day[order_with_extra], slot_of_day, final, counts)


def _contradict(channel: str, column: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Values of rows that contradict earlier ones: the tie and the bus voltage read otherwise."""
    return column + {"mccb_power": 700, "mg_lv_voltage": -200}.get(channel, 0)


def _damage_values(
    rng: np.random.Generator, calendar: MonthCalendar, values: dict[str, npt.NDArray[np.int64]]
) -> int:
    """Lose single channels for a while and put in impossible values; returns how many of these."""
    names = [channel for channel in values if channel not in _BATTERY_CHANNELS]
    lossy_day, impossible_day = calendar.bad_value_days
    for start in _spread(rng, lossy_day, (1, 22), 6):
        column = values[str(rng.choice(names))]
        column[start : start + int(rng.integers(5, 61))] = MISSING
    slots = _spread(rng, impossible_day, (1, 22), int(rng.integers(4, 9)))
    for slot in slots:
        channel = str(rng.choice(names))
        values[channel][slot] = _IMPOSSIBLE[CHANNELS[channel].unit]
    return len(slots)


def _repeated_rows(
    rng: np.random.Generator, day: int, order: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Exact repeats: a block sent twice and scattered single rows.

    Returns
    -------
    tuple of numpy.ndarray
        Positions in `order` before which the repeats go, and the rows repeated there.
    """
    start = int(np.searchsorted(order, _spread(rng, day, (2, 10), 1)[0]))
    length = int(rng.integers(12, 41))
    block = np.arange(start, start + length)
    single = np.searchsorted(order, _spread(rng, day, (12, 22), int(rng.integers(5, 16))))
    where = np.concatenate([np.full(length, start + length + 30), single + 1])
    return where, order[np.concatenate([block, single])]
