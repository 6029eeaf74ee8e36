"""Few round ticks: numbers, and local times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS_S = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10)),
)
_MONTH_STEPS = (1, 2, 3, 6, 12)
_MONTHLY = 5


@dataclass(frozen=True)
class Tick:
    """A place on an axis and its label."""

    value: float
    label: str


def round_range(
    low: float, high: float, intervals: int = 4
) -> tuple[float, float, tuple[float, ...]]:
    """Find a range of round numbers around [low, high], and the ticks in it.

    Parameters
    ----------
    low, high
        The values to show, low <= high.
    intervals
        About how many intervals between ticks.

    Returns
    -------
    tuple
        Lower end, upper end, ticks: all multiples of 1, 2 or 5 times a power of ten.
    """
    if high <= low:
        margin = abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / intervals
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    ticks = tuple(round(n * step, digits) for n in range(first, last + 1))
    return ticks[0], ticks[-1], ticks


def time_ticks(
    window: Window, texts: Texts, most: int = 7, origin: datetime | None = None
) -> tuple[Tick, ...]:
    """Round local times in a window.

    Parameters
    ----------
    window
        The window, in the display zone.
    texts
        Language of the labels.
    most
        At most this many ticks.
    origin
        Where values count from; default: the window's start.

    Returns
    -------
    tuple of Tick
        Values are seconds of elapsed time since `origin`. The last midnight of a whole
        day reads 24:00.
    """
    span_s = window.duration.total_seconds()
    offset_s = (window.start_utc - (origin or window.start_utc)).total_seconds()
    step = next((s for s in _STEPS_S if span_s / s <= most - 1), None)
    if step is None:
        return tuple(
            Tick(tick.value + offset_s, tick.label) for tick in _month_ticks(window, texts, most)
        )
    ticks = []
    for local in _local_steps(window, step):
        moment = local.replace(tzinfo=window.start.tzinfo)
        value = (moment.astimezone(UTC) - window.start_utc).total_seconds()
        if 0 <= value <= span_s:
            ticks.append(Tick(value + offset_s, _time_label(moment, window, step, texts)))
    return tuple(ticks)


def _local_steps(window: Window, step: int) -> list[datetime]:
    start = window.start.replace(tzinfo=None)
    end = window.end.replace(tzinfo=None)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= _MONTHLY * _DAY:
        return _day_steps(midnight, end, step // _DAY)
    count = int((end - midnight).total_seconds() // step) + 1
    moments = (midnight + timedelta(seconds=step * n) for n in range(count + 1))
    return [m for m in moments if start <= m <= end]


def _day_steps(midnight: datetime, end: datetime, days: int) -> list[datetime]:
    """Days 1, 1 + n, ... of each month, without one too close to the next month's first."""
    found = []
    day = midnight
    while day <= end:
        if (day.day - 1) % days == 0 and (day.day == 1 or day.day <= 31 - days):
            found.append(day)
        day += timedelta(days=1)
    return found


def _month_ticks(window: Window, texts: Texts, most: int) -> tuple[Tick, ...]:
    start, end = window.start, window.end
    first = start.year * 12 + start.month - 1
    last = end.year * 12 + end.month - 1
    step = next((s for s in _MONTH_STEPS if (last - first) / s <= most - 1), 12)
    ticks = []
    for number in range(first, last + 1):
        if number % step:
            continue
        moment = datetime(number // 12, number % 12 + 1, 1, tzinfo=start.tzinfo)
        value = (moment.astimezone(UTC) - window.start_utc).total_seconds()
        if value >= 0:
            ticks.append(Tick(value, texts.month(moment)))
    return tuple(ticks)


def _time_label(moment: datetime, window: Window, step: int, texts: Texts) -> str:
    whole_day = window.duration <= timedelta(hours=25) and window.start.hour == 0
    if moment.replace(tzinfo=None) == window.end.replace(tzinfo=None) and whole_day:
        return "24:00"
    if step >= _DAY or (moment.hour == 0 and moment.minute == 0 and not whole_day):
        return texts.day_short(moment)
    return texts.clock(moment)
